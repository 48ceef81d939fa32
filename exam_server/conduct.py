"""Owns the live sittings of this process: decides in memory, commits through the log, tells after the commit.

Nothing that was decided leaves before it is durable. A commit that was overtaken or whose fate is unknown means:
forget, read the log again, decide again with the moment of receipt kept.
"""

import asyncio
from collections.abc import Callable, Sequence

from core.clock import Clock
from core.errors import AccreditationError, Unavailable
from core.ids import PersonId, SittingId
from core.moments import Moment, Span, to_datetime
from exam_server import reading, wire
from exam_server.announcements import Copies, Texts, announce, take_snapshot
from exam_server.chain import link
from exam_server.commands import (
    Advance,
    Attach,
    CandidateCommand,
    Command,
    Detach,
    Help,
    Pause,
    ReadNotice,
    ReplaceForm,
    Respond,
    Settle,
    Stop,
    Tell,
)
from exam_server.deadlines import Deadlines
from exam_server.event_log import Fate, Log
from exam_server.events import AnyEvent, Responded, Via, encode_batch
from exam_server.held import Draft, Held, Line, Pending, part
from exam_server.media import NO_KEY
from exam_server.reading import Reader
from exam_server.ruling import Ruling
from exam_server.rulings import decide
from exam_server.sitting import Sitting, evolve
from exam_server.source import Source
from exam_server.store import unknown_sitting

CLOCK_TOLERANCE: Span = 100
"""How far this machine's clock may be off the database's before it takes no sittings, ms."""
LEAVE_LOOK = 0.02
"""How often a process that leaves looks which pages it can send elsewhere, s."""


class Conduct:
    """The shell around `rulings.decide`. All calls come from one event loop."""

    def __init__(
        self,
        log: Log,
        source: Source,
        clock: Clock,
        on_change: Callable[[Sitting, tuple[AnyEvent, ...]], None] | None = None,
        media_key: bytes = NO_KEY,
    ) -> None:
        self._log = log
        self._source = source
        self._clock = clock
        self._on_change = on_change
        self._media_key = media_key
        self._held: dict[SittingId, Held] = {}
        self._loading: dict[tuple[SittingId, PersonId | None], asyncio.Future[Held]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader = Reader(source)
        self.deadlines = Deadlines(clock, self._held, self._take, self._decide)
        self.clock_off: Span = 0
        """How far the clocks were apart at the last look, ms."""
        self.leaving = False
        """Nothing new is taken: another process should have it."""

    # --- taking and giving back ---------------------------------------------------------------------------

    async def hold(self, sitting_id: SittingId, candidate: PersonId | None = None) -> Held:
        """The sitting, read from its log unless it is held already; where a candidate is given, only their own.

        Raises NotFound, Unavailable.
        """
        held = self._held.get(sitting_id)
        if held is not None:
            if candidate is not None and held.state.candidate != candidate:
                raise unknown_sitting()
            return held
        if self.leaving:
            raise _moving()
        if self.clock_off > CLOCK_TOLERANCE:
            raise Unavailable("clock_off", "Часы сервера расходятся с часами базы данных. Подключитесь позже.")
        asked = (sitting_id, candidate)
        loading = self._loading.get(asked)
        if loading is None:
            loading = self._loading[asked] = asyncio.ensure_future(self._load(sitting_id, candidate))
            loading.add_done_callback(lambda _: self._loading.pop(asked, None))
        return await asyncio.shield(loading)

    async def hold_for(self, sitting_id: SittingId, candidate: PersonId) -> Held:
        """The same as its candidate's page has it: before it opens there is no such sitting."""
        held = await self.hold(sitting_id, candidate)
        if self._clock.now() < held.state.opens_at:
            self.forget(sitting_id)
            raise unknown_sitting()
        return held

    async def _load(self, sitting_id: SittingId, candidate: PersonId | None) -> Held:
        read = await self._reader.read(sitting_id, {}, candidate)
        if (held := self._held.get(sitting_id)) is not None:
            return held  # somebody who asked otherwise was quicker
        newest = read.rows[-1]
        held = self._held[sitting_id] = Held(read.state, newest.version, newest.digest, read.copies, read.texts)
        held.landed = self._landed
        self.deadlines.make_good(held)
        self.deadlines.follow(held)
        return held

    def forget(self, sitting_id: SittingId) -> None:
        """Drop a sitting that nobody is connected to and that has nothing on its way."""
        held = self._held.get(sitting_id)
        if held and held.line is None and held.flight is None and not held.reloading and not held.unsure:
            del self._held[sitting_id]

    async def leave(self) -> None:
        """Take nothing new, and send each page elsewhere once what it sent is durable and it was told so.

        Returns when all pages are told; cancel it where that takes too long.
        """
        self.leaving = True
        busy = True
        while busy:
            busy = False
            for held in self._held.values():
                if held.line is None:
                    continue
                if held.flight is None and held.forming is None and not held.reloading:
                    held.line.close(1012, "service restart")
                else:
                    busy = True
            await asyncio.sleep(LEAVE_LOOK)

    @property
    def held(self) -> int:
        """How many sittings this process holds."""
        return len(self._held)

    def find(self, sitting_id: SittingId) -> Held | None:
        """The sitting, where it is held already."""
        return self._held.get(sitting_id)

    def all(self) -> list[Held]:
        """Every sitting that this process holds now."""
        return list(self._held.values())

    # --- commands -----------------------------------------------------------------------------------------

    async def attach(self, sitting_id: SittingId, line: Line, stream: str, via: Via = "socket") -> Held:
        """A page connects: it takes over from any older one and gets a snapshot once that is durable.

        Raises Unavailable where pages come too often, and the one that has the sitting keeps it.
        """
        held = await self.hold(sitting_id)
        if self.leaving:
            raise _moving()
        if held.crowded:
            raise _busy()
        try:
            ruling = await self._order(held, Attach(stream, held.line is None, via), line)
        except BaseException:
            self.detach(held, line)
            raise
        if ruling.refusal == "busy":
            raise _busy()
        if ruling.refusal is not None:
            raise AccreditationError(ruling.refusal, wire.SENTENCES[ruling.refusal], status=409)
        return held

    async def renew(self, held: Held) -> None:
        """On return this process knows whatever others wrote to it until now."""
        await self._calm(held)
        newest = await self._source.versions([held.id])
        if newest.get(held.id, 0) > held.version and held.flight is None and not held.reloading:
            self.reload(held)
        await self._calm(held)

    async def _calm(self, held: Held) -> None:
        """Returns when nothing of it is on its way to the log or from it."""
        while True:
            await self._order(held, Settle(), None)
            if held.flight is None and not held.reloading:
                return

    def detach(self, held: Held, line: Line) -> None:
        """The connection of a page is gone."""
        if held.line is line:
            held.line = None
            self._take(held, Pending(Detach(held.state.epoch), self._clock.now(), None))
            return
        for draft in (held.flight, held.forming):
            for pending in () if draft is None else draft.pending:
                if pending.older is line:
                    pending.older = None  # nobody to give the sitting back to

    async def draw(self, held: Held, line: Line) -> bytes | None:
        """A snapshot, once all that was decided is durable; None when the page at `line` has the sitting no more."""
        await self._calm(held)
        if held.line is not line:
            return None
        return self._snapshot(held)

    async def order(self, sitting_id: SittingId, command: Command) -> Ruling:
        """A command of staff or of the server itself; returns once its events are durable."""
        texts: Texts = {}
        copies: Copies | None = None
        if isinstance(command, Tell | Pause | Stop):
            texts = await self._source.texts([command.note])
        elif isinstance(command, ReplaceForm):
            copies = await self._source.copies((entry.item, entry.version) for entry in command.form.entries)
        held = await self.hold(sitting_id)  # after what was waited for: it may have been let go meanwhile
        held.texts = {**held.texts, **texts}
        held.copies = held.copies if copies is None else copies
        return await self._order(held, command, None)

    async def _order(self, held: Held, command: Command, line: Line | None) -> Ruling:
        answer: asyncio.Future[Ruling] = asyncio.get_running_loop().create_future()
        self._take(held, Pending(command, self._clock.now(), line, answer))
        return await answer

    def receive(self, held: Held, line: Line, command: CandidateCommand, now: Moment) -> None:
        """A page's command, received `now`. Its acknowledgement or refusal goes to the line once it is durable."""
        if held.line is not line:
            if held.flight is None and not held.reloading:  # else it is told once that is durable
                part(line)
        elif self.leaving:
            pass  # the page keeps it and takes it to the next process
        elif self._log.full or not held.admits(command.seq, 0 if type(command) is Respond else _instead_of(command)):
            held.turn_away(command.seq)
            line.send(wire.encode(wire.refused("busy", command.seq)))
        else:
            if type(command) is Respond and not held.reloading and not held.unsure:
                answer = held.answer(command, now)
                if answer is not None:  # by far the most common of all
                    self._note(held, line, command, now, answer)
                    return
            self._take(held, Pending(command, now, line))

    def _note(self, held: Held, line: Line, command: Respond, now: Moment, answer: Responded) -> None:
        draft = held.forming
        if draft is None:
            draft = held.forming = Draft(held, held.id)
        draft.made += (answer,)
        draft.pending += (Pending(command, now, line),)
        draft.acknowledge(line, command.seq)
        if held.flight is None:
            self._launch(held)

    def _take(self, held: Held, pending: Pending) -> None:
        if held.reloading or held.unsure or self.deadlines.put_off(held, pending.received):
            held.waiting.append(pending)
        else:
            self._decide(held, pending)

    def _decide(self, held: Held, pending: Pending) -> None:
        command, line = pending.command, pending.line
        if line is not None and line is not held.line:
            if type(command) is not Attach:
                return  # the page was taken over while this waited; the newer page has the queue
            if pending.answer is not None and pending.answer.cancelled():
                return  # the page has gone while this waited, and nobody would ever give the sitting back
        seq: int | None = getattr(command, "seq", None)
        if line is not None and seq is not None and 0 < held.stalled < seq:
            line.send(wire.encode(wire.refused("busy", seq)))  # what it waited behind is to be sent again first
            return
        state = held.state
        now = max(pending.received, state.last_at)
        ruling = decide(state, command, now)
        events = ruling.events
        for event in events:
            state = evolve(state, event)
        if type(command) is Attach and ruling.refusal is None:
            pending.took_over, pending.older = True, held.line
            held.line, held.stalled = line, 0
        if state.current is None and state.status == "running" and held.line is not None and state.connected:
            shown = decide(state, Advance(), now).events
            for event in shown:
                state = evolve(state, event)
            events += shown
        held.state = state
        if events:
            draft = held.forming
            if draft is None:
                draft = held.forming = Draft(held, held.id)
            draft.made += events
            draft.ordinary = False
        else:
            draft = held.forming or held.flight or Draft(held, held.id)
        draft.pending += (pending,)
        self._reply(held, draft, pending, ruling, events)
        if held.flight is None:
            if held.forming is not None:
                self._launch(held)
            else:
                draft.tell()  # nothing undurable was looked at: it may go at once

    def _reply(self, held: Held, draft: Draft, pending: Pending, ruling: Ruling, events: tuple[AnyEvent, ...]) -> None:
        seq = getattr(pending.command, "seq", None)
        if pending.line is not None and seq is not None:
            if ruling.refusal is None:
                draft.acknowledge(pending.line, seq)
            else:
                draft.reply(pending.line, wire.encode(wire.refused(ruling.refusal, seq)))
                if ruling.refusal == "paused" and pending.line is held.line:
                    held.turn_away(seq)
        if pending.answer is not None:
            draft.answers += ((pending.answer, ruling),)
        if pending.older is not None:
            draft.farewells += (pending.older,)
        if held.line is None or not events:
            return
        for message in announce(held.state, events, held.copies, held.texts, held.state.last_at, self._media_key):
            draft.reply(held.line, wire.encode(message))

    def _snapshot(self, held: Held) -> bytes:
        return wire.encode(take_snapshot(held.state, held.copies, held.texts, self._clock.now(), self._media_key))

    # --- committing ---------------------------------------------------------------------------------------

    def _launch(self, held: Held) -> None:
        draft, held.forming = held.forming, None
        assert draft is not None
        held.flight = draft
        draft.events = stored = encode_batch(draft.made)
        draft.version = held.version = version = held.version + 1
        draft.prev = prev = held.digest
        draft.digest = held.digest = link(held.id, version, prev, stored)
        if not draft.ordinary:
            draft.state = state = held.state
            if state.deadline != held.stored_due:
                draft.due_changed, held.stored_due = True, state.deadline
                draft.due = None if state.deadline is None else to_datetime(state.deadline)
        self._log.append(draft)

    def _landed(self, held: Held, draft: Draft, fate: Fate) -> None:
        if fate == "durable":
            held.flight = None
            self._stored(held, draft)
            if held.forming is not None:
                self._launch(held)
            return
        forming = held.forming.pending if held.forming is not None else ()
        if fate == "refused":
            held.give_up(draft.pending + forming)
            self.reload(held, rest=reading.RETRY_MOST)  # what made the row may make it again
        else:
            self.reload(held, draft, forming)

    def _stored(self, held: Held, draft: Draft) -> None:
        draft.tell()
        if draft.state is not None:
            held.epoch = draft.state.epoch
            self.deadlines.follow(held)
            if self._on_change is not None:
                self._on_change(draft.state, draft.made)

    def reload(self, held: Held, lost: Draft | None = None, forming: Sequence[Pending] = (), rest: float = 0.0) -> None:
        """Read a sitting again, since somebody else wrote to it or what became of a commit is not known."""
        held.flight = held.forming = None
        held.reloading = True
        task = asyncio.create_task(self._resume(held, lost, forming, rest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume(self, held: Held, lost: Draft | None, forming: Sequence[Pending], rest: float) -> None:
        await asyncio.sleep(rest)
        rows = await self._reader.refresh(held)
        held.reloading = False
        alone = False
        again = list(forming)
        if lost is not None:
            if lost.version < len(rows) and rows[lost.version].digest == lost.digest:
                self._stored(held, lost)  # it got through at an earlier try whose answer was lost
                alone = lost.version == held.version
            else:
                again = [*lost.pending, *again]
        self._settle_in(held, again, alone)

    def _settle_in(self, held: Held, again: list[Pending], alone: bool) -> None:
        """Go on from what the log says: `again` is to be decided again, and `alone` tells that nobody else wrote."""
        for pending in reversed(again):
            if pending.took_over:
                held.line, pending.took_over, pending.older = pending.older, False, None
        if held.line is not None and held.state.epoch > held.epoch:
            part(held.line)  # another process has the newer page
            held.line = None
        held.epoch = held.state.epoch
        if held.line is not None and not alone:
            held.line.send(self._snapshot(held))
        self.deadlines.make_good(held)
        waiting, held.waiting = held.waiting, []
        for pending in (*again, *waiting):
            self._take(held, pending)
        if not held.elsewhere:
            self._take(held, Pending(Settle(), self._clock.now(), None))
        held.wake = None  # a wake that was used up may be needed once more
        self.deadlines.follow(held)


def _moving() -> Unavailable:
    return Unavailable("moving", "Сервер перезапускается. Подключитесь ещё раз.")


def _busy() -> Unavailable:
    return Unavailable("busy", wire.SENTENCES["busy"])


def _instead_of(command: CandidateCommand) -> int:
    return command.instead if type(command) is Help or type(command) is ReadNotice else 0
