"""Owns the live sittings of this process: decides in memory, commits through the log, tells after the commit.

Nothing that was decided leaves before it is durable. A commit that was overtaken or whose fate is unknown means:
forget, read the log again, decide again with the moment of receipt kept.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from itertools import islice

import structlog

from core.clock import Clock
from core.errors import AccreditationError, NotFound, Unavailable
from core.ids import SittingId
from core.moments import MINUTE, Moment, Span, to_datetime
from exam_server import timing, wire
from exam_server.announcements import Texts, announce, quoted, take_snapshot
from exam_server.chain import Row, follow_chain, link
from exam_server.commands import (
    Advance,
    Attach,
    CandidateCommand,
    Command,
    CompensateOutage,
    Detach,
    Pause,
    ReplaceForm,
    Respond,
    Settle,
    Stop,
    Tell,
)
from exam_server.event_log import Fate, Log
from exam_server.events import AnyEvent, Responded, Via, encode_batch
from exam_server.held import Draft, Held, Line, Pending
from exam_server.media import NO_KEY
from exam_server.ruling import Ruling
from exam_server.rulings import decide
from exam_server.sharing import Shared
from exam_server.sitting import Sitting, evolve, fold
from exam_server.source import Source

CLOCK_TOLERANCE: Span = 100
"""How far this machine's clock may be off the database's before it takes no sittings, ms."""
REST: Span = 10 * MINUTE
"""How long a sitting that nobody is connected to is held."""
RELOAD_FIRST, RELOAD_MOST = 0.05, 1.0
AT_A_TURN = 1_000
"""Events that are folded at a stretch, some 20 ms of work."""
LEAVE_LOOK = 0.02
"""How often a process that leaves looks which pages it can send elsewhere, s."""

_log = structlog.get_logger()


class Conduct:
    """The shell around `sitting.decide`. All calls come from one event loop."""

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
        self._loading: dict[SittingId, asyncio.Future[Held]] = {}
        self._wakes: list[tuple[Moment, SittingId]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._shared = Shared()
        self.clock_off: Span = 0
        """How far the clocks were apart at the last look, ms."""
        self._sure_until: Moment | None = None
        self._outages: tuple[CompensateOutage, ...] = ()
        self._unsure: list[Held] = []
        self.leaving = False
        """Nothing new is taken: another process should have it."""

    # --- taking and giving back ---------------------------------------------------------------------------

    async def hold(self, sitting_id: SittingId) -> Held:
        """The sitting, read from its log unless it is held already. Raises NotFound, Unavailable."""
        held = self._held.get(sitting_id)
        if held is not None:
            return held
        if self.leaving:
            raise _moving()
        if self.clock_off > CLOCK_TOLERANCE:
            raise Unavailable("clock_off", "Часы сервера расходятся с часами базы данных. Подключитесь позже.")
        loading = self._loading.get(sitting_id)
        if loading is None:
            loading = asyncio.ensure_future(self._load(sitting_id))
            self._loading[sitting_id] = loading
            loading.add_done_callback(lambda _: self._loading.pop(sitting_id, None))
        return await asyncio.shield(loading)

    async def _load(self, sitting_id: SittingId) -> Held:
        state, rows = await self._read(sitting_id)
        copies = await self._source.copies((entry.item, entry.version) for entry in state.form.entries)
        texts = await self._unread(state, {})
        held = self._held[sitting_id] = Held(state, rows[-1].version, rows[-1].digest, copies, texts)
        held.landed = self._landed
        self._make_good(held)
        self._set_wake(held)
        return held

    async def _read(self, sitting_id: SittingId) -> tuple[Sitting, list[Row]]:
        rows = await self._source.rows(sitting_id)
        if not rows:
            raise NotFound("unknown_sitting", "Такого тестирования нет.")
        return self._shared.of(await _fold_in_turns(sitting_id, rows)), rows

    async def _unread(self, state: Sitting, known: Texts) -> Texts:
        """The texts that the page is shown and that are not known yet."""
        missing = [note for note in quoted(state) if note not in known]
        return await self._source.texts(missing) if missing else {}

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

    # --- commands -----------------------------------------------------------------------------------------

    async def attach(self, sitting_id: SittingId, line: Line, stream: str, via: Via = "socket") -> Held:
        """A page connects: it takes over from any older one and gets a snapshot once that is durable."""
        held = await self.hold(sitting_id)
        if self.leaving:
            raise _moving()
        try:
            ruling = await self._order(held, Attach(stream, held.line is None, via), line)
        except BaseException:
            self.detach(held, line)
            raise
        if ruling.refusal is not None:
            raise AccreditationError(ruling.refusal, wire.SENTENCES[ruling.refusal], status=409)
        return held

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
        while True:
            await self._order(held, Settle(), None)
            if held.flight is None and not held.reloading:
                break
        if held.line is not line:
            return None
        return self._snapshot(held)

    async def order(self, sitting_id: SittingId, command: Command) -> Ruling:
        """A command of staff or of the server itself; returns once its events are durable."""
        texts = await self._source.texts([command.note]) if isinstance(command, Tell | Pause | Stop) else {}
        held = await self.hold(sitting_id)
        held.texts = {**held.texts, **texts}
        if isinstance(command, ReplaceForm):
            held.copies = await self._source.copies((entry.item, entry.version) for entry in command.form.entries)
        return await self._order(held, command, None)

    async def _order(self, held: Held, command: Command, line: Line | None) -> Ruling:
        answer: asyncio.Future[Ruling] = asyncio.get_running_loop().create_future()
        self._take(held, Pending(command, self._clock.now(), line, answer))
        return await answer

    def receive(self, held: Held, line: Line, command: CandidateCommand, now: Moment) -> None:
        """A page's command, received `now`. Its acknowledgement or refusal goes to the line once it is durable."""
        if held.line is not line:
            if held.flight is None and not held.reloading:  # else it is told once that is durable
                _part(line)
        elif self.leaving:
            pass  # the page keeps it and takes it to the next process
        elif self._log.full or not held.admits(command.seq):
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
        if held.reloading or held.unsure:
            held.waiting.append(pending)
        elif self._sure_until is not None and pending.received > self._sure_until and held.overdue(pending.received):
            held.unsure = True
            held.waiting.append(pending)
            self._unsure.append(held)
        else:
            self._decide(held, pending)

    def _decide(self, held: Held, pending: Pending) -> None:
        command, line = pending.command, pending.line
        if line is not None and line is not held.line and type(command) is not Attach:
            return  # the page was taken over while this waited; the newer page has the queue
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
                self._tell(draft)  # nothing undurable was looked at: it may go at once

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
            self._refuse(held, draft.pending + forming)
            self._reload(held, rest=RELOAD_MOST)  # what made the row may make it again
        else:
            self._reload(held, draft, forming)

    def _stored(self, held: Held, draft: Draft) -> None:
        self._tell(draft)
        if draft.state is not None:
            held.epoch = draft.state.epoch
            self._set_wake(held)
            if self._on_change is not None:
                self._on_change(draft.state, draft.made)

    def _tell(self, draft: Draft) -> None:
        for line, data in draft.replies:
            line.send(data)
        if draft.line is not None:
            draft.line.send(wire.encode_ack(draft.acknowledged))
        for answer, ruling in draft.answers:
            if not answer.done():
                answer.set_result(ruling)
        for older in draft.farewells:
            _part(older)

    def _refuse(self, held: Held, undone: Sequence[Pending]) -> None:
        """None of this can be stored. The page has to come back: it must not go on with a gap in its edits."""
        lines = dict.fromkeys((held.line, *(pending.older for pending in undone)))
        held.line = None
        for pending in undone:
            seq = getattr(pending.command, "seq", None)
            if pending.line is not None and seq is not None:
                pending.line.send(wire.encode(wire.refused("internal", seq)))
            if pending.answer is not None and not pending.answer.done():
                pending.answer.set_exception(Unavailable("internal", wire.SENTENCES["internal"]))
        for line in lines:
            if line is not None:
                line.close(1011, "internal")

    def _reload(
        self, held: Held, lost: Draft | None = None, forming: Sequence[Pending] = (), rest: float = 0.0
    ) -> None:
        held.flight = held.forming = None
        held.reloading = True
        task = asyncio.create_task(self._read_again(held, lost, forming, rest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_again(self, held: Held, lost: Draft | None, forming: Sequence[Pending], rest: float) -> None:
        await asyncio.sleep(rest)
        pause = RELOAD_FIRST
        while True:
            try:
                state, rows = await self._read(held.state.id)
                texts = await self._unread(state, held.texts)
                copies = await self._source.copies((entry.item, entry.version) for entry in state.form.entries)
                break
            except Exception as error:  # whatever it is, the commands wait and the next try may do
                _log.warning("conduct.reload_waits", sitting=held.state.id, error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, RELOAD_MOST)
        held.reset(state, rows[-1].version, rows[-1].digest)
        held.copies = copies  # the form may be another one
        held.texts = {**held.texts, **texts}
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
            _part(held.line)  # another process has the newer page
            held.line = None
        held.epoch = held.state.epoch
        if held.line is not None and not alone:
            held.line.send(self._snapshot(held))
        self._make_good(held)
        waiting, held.waiting = held.waiting, []
        for pending in (*again, *waiting):
            self._take(held, pending)
        if not held.elsewhere:
            self._take(held, Pending(Settle(), self._clock.now(), None))
        held.wake = None  # a wake that was used up may be needed once more
        self._set_wake(held)

    # --- time ---------------------------------------------------------------------------------------------

    def _set_wake(self, held: Held) -> None:
        deadline = held.state.deadline
        wake = None if deadline is None else deadline + timing.grace(held.state, deadline) + 1
        if wake is not None and held.elsewhere:
            wake += timing.SWEEP_MARGIN
        if wake != held.wake:
            held.wake = wake
            if wake is not None:
                heapq.heappush(self._wakes, (wake, held.state.id))

    def settle_due(self) -> None:
        """Settle every held sitting whose deadline and grace have passed."""
        now = self._clock.now()
        while self._wakes and self._wakes[0][0] <= now:
            wake, sitting_id = heapq.heappop(self._wakes)
            held = self._held.get(sitting_id)
            if held is not None and held.wake == wake:
                self._take(held, Pending(Settle(), now, None))

    def assure(self, until: Moment, outages: Sequence[CompensateOutage], own: CompensateOutage | None = None) -> None:
        """Deadlines may be settled until then: these are all outages of late, and they are made good first.

        `own`: this process alone was cut off, which concerns the pages that it has. Without this ever being called
        deadlines are settled at all times.
        """
        self._sure_until = until
        if self._outages != (known := tuple(outages)):
            self._outages = known
            for held in self._held.values():
                if not held.reloading:
                    self._make_good(held)
        for held in self._held.values():
            if own is not None and held.line is not None:
                # for this page: where it turns out to have gone on elsewhere meanwhile, it lost nothing here
                held.waiting.insert(0, Pending(own, self._clock.now(), held.line))
                if not held.reloading and not held.unsure:
                    held.unsure = True
                    self._unsure.append(held)
        unsure, self._unsure = self._unsure, []
        for held in unsure:
            held.unsure = False
            if not held.reloading:
                waiting, held.waiting = held.waiting, []
                for pending in waiting:
                    self._take(held, pending)

    def _make_good(self, held: Held) -> None:
        """Give back the time of every outage that the sitting has not had yet, before anything else is decided."""
        for outage in self._outages:
            if held.state.status == "running" and outage.began_at not in held.state.outages:
                self._decide(held, Pending(outage, self._clock.now(), None))

    async def sweep(self, limit: int = 200) -> int:
        """Settle sittings that nobody settled in time, whoever holds them: the log's key decides who was first."""
        before = self._clock.now() - timing.BROKEN_GRACE - timing.SWEEP_MARGIN
        overdue = await self._source.overdue(before, limit)
        fates = await asyncio.gather(
            *(self.order(sitting_id, Settle()) for sitting_id in overdue), return_exceptions=True
        )
        for sitting_id, fate in zip(overdue, fates, strict=True):
            if isinstance(fate, BaseException):
                _log.error("conduct.sweep_failed", sitting=sitting_id, error=repr(fate))
            self.forget(sitting_id)
        return len(overdue)

    async def compare(self) -> None:
        """Notice what other processes wrote to sittings held here, and whether the clocks agree; let go of the rest."""
        self._let_go()
        asked = self._clock.now()
        there = await self._source.moment()
        here = self._clock.now()
        self.clock_off = max(0, asked - there, there - here)
        await self._catch_up(list(self._held.values()))

    async def catch_up(self, sitting_id: SittingId) -> None:
        """Another process wrote to a sitting: where it is held here, read it again now."""
        held = self._held.get(sitting_id)
        if held is not None:
            await self._catch_up([held])

    async def _catch_up(self, some: Sequence[Held]) -> None:
        before = {held.id: held.version for held in some if held.flight is None and not held.reloading}
        versions = await self._source.versions(list(before)) if before else {}
        for held in some:
            version = before.get(held.id)
            if held.version == version and held.flight is None and versions.get(held.id, 0) > version:
                if held.line is None:
                    self.forget(held.id)  # somebody else is at it: to read along would cost its whole log each time
                else:
                    self._reload(held)

    def _let_go(self) -> None:
        """Forget sittings that nobody is at and that have ended or rested long; the sweep settles their deadlines."""
        now = self._clock.now()
        for held in list(self._held.values()):
            if held.line is None and (held.state.status == "ended" or now - held.state.last_at > REST):
                self.forget(held.state.id)


async def _fold_in_turns(sitting_id: SittingId, rows: list[Row]) -> Sitting:
    """The state of a log however long a candidate has made it, with room for everybody else in between."""
    events = follow_chain(sitting_id, rows)
    state = fold(sitting_id, islice(events, AT_A_TURN))
    while some := list(islice(events, AT_A_TURN)):
        await asyncio.sleep(0)
        for event in some:
            state = evolve(state, event)
    return state


def _moving() -> Unavailable:
    return Unavailable("moving", "Сервер перезапускается. Подключитесь ещё раз.")


def _part(line: Line) -> None:
    """Tell a page that another one goes on."""
    line.send(wire.encode(wire.TakenOver()))
    line.close(4001, "taken over")
