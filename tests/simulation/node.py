"""A server process: an event loop of its own on virtual time, the real conduct, event log and exam socket."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from core.clock import Clock
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import Moment, Span
from exam_server.commands import CandidateCommand, Command
from exam_server.conduct import Conduct
from exam_server.connection import SittingSocket
from exam_server.event_log import Log
from exam_server.events import Via
from exam_server.fallback import CollectingLine, Fallback
from exam_server.held import Held, Line
from exam_server.rounds import Rounds
from exam_server.source import Source
from tests.simulation.postgres import SimulatedLog, SimulatedRecords, SimulatedSource
from tests.simulation.timeline import START, Timeline

if TYPE_CHECKING:
    from tests.simulation.network import Connection
    from tests.simulation.world import World

DEADLINES_EVERY: Span = 50
COMPARE_EVERY: Span = 1_000
SWEEP_EVERY: Span = 2_000
"""As app.jobs has them. A look that would find nothing is left out: nothing else could come of it."""
LONGEST_UNSEEN: Span = 300_000


class NodeLoop(asyncio.BaseEventLoop):
    """Runs what is ready, then stops; the timeline says when to go on."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self._clock_resolution = 1e-6
        self._selector = self

    def time(self) -> float:
        return self._timeline.now / 1000

    def select(self, timeout: float | None) -> list[Any]:
        return []

    def _process_events(self, events: list[Any]) -> None:
        """There is no socket."""

    def run_ready(self, work: Sequence[tuple[Callable[..., object], tuple[Any, ...]]] = ()) -> None:
        """What comes in, then until nothing can go on without the time passing or something more coming in."""
        inner: Any = self
        asyncio._set_running_loop(self)
        try:
            for do, values in work:
                do(*values)
            while inner._ready:
                inner._run_once()
        finally:
            asyncio._set_running_loop(None)

    @property
    def next_at(self) -> int | None:
        """When the next timer of this loop runs out."""
        inner: Any = self
        for handle in inner._scheduled:
            if not handle._cancelled:
                break
        else:
            return None
        return int(-(-min(one._when for one in inner._scheduled if not one._cancelled) * 1000 // 1))


class NodeClock:
    """The clock of one machine: off by `offset` ms, and each reading takes its time."""

    def __init__(self, timeline: Timeline, offset: Span, seed: int) -> None:
        self._timeline = timeline
        self._random = Random(seed)
        self._last = 0
        self.offset = offset

    def now(self) -> Moment:
        there = self._timeline.now + self.offset
        if there > self._last or there < self._last - 20:
            self._last = there
        if self._random.random() < 0.3:
            self._last += 1 + int(self._random.random() * 3)
        return START + self._last


class WatchedConduct(Conduct):
    """The conduct itself; tells the witness which reading of the clock belongs to which edit."""

    node: "Node"

    def __init__(self, log: Log, source: Source, clock: Clock) -> None:
        super().__init__(log, source, clock)
        self.streams: dict[Line, str] = {}

    async def attach(self, sitting_id: SittingId, line: Line, stream: str, via: Via = "socket") -> Held:
        self.streams[line] = stream
        return await super().attach(sitting_id, line, stream, via)

    def by_request(self, sitting: SittingId) -> bool:
        """Is its page one that asks by requests?"""
        held = self._held.get(sitting)
        return held is not None and isinstance(held.line, CollectingLine)

    def receive(self, held: Held, line: Line, command: CandidateCommand, now: Moment) -> None:
        self.node.world.witness.received(held.id, self.streams[line], command, now, self.node)
        super().receive(held, line, command, now)


class Node:
    """One process. Everything from outside comes in through `enter`, so it can stand still or be dead."""

    def __init__(self, world: "World", name: str, offset: Span) -> None:
        self.world = world
        self.timeline = world.timeline
        self.name = name
        self.dead = False
        self.paused = False
        self.blocked_until = 0
        """Cut off from the database until then."""
        self.stuffed_until = 0
        """Says that too much is waiting for the database until then."""
        self.connections: dict[Connection, None] = {}
        self._inbox: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._wake_at: int | None = None
        self._settle_at: int | None = None
        self._compare_at: int | None = None
        self._looking: set[str] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self.loop = NodeLoop(self.timeline)
        self.loop.set_exception_handler(self._on_error)
        self.clock = NodeClock(self.timeline, offset, world.timeline.between(0, 2**31))
        self.source = SimulatedSource(world.postgres, self)
        self.log = SimulatedLog(world.postgres, self)
        self.conduct: WatchedConduct = world.plant.conduct(self.log, self.source, self.clock)
        self.conduct.node = self
        self.rounds = Rounds(self.conduct, self.source, self.clock)
        records = SimulatedRecords(world.postgres, self)
        self.socket = SittingSocket(self.conduct, self.clock, records)
        self.fallback = Fallback(self.conduct, self.clock, records)
        self.enter(self.start, self.log.start())
        self.look_soon()
        self.timeline.later(LONGEST_UNSEEN, self._look_now_and_then)

    # --- running ------------------------------------------------------------------------------------------

    def enter(self, do: Callable[..., object], *values: Any) -> None:
        """Something from outside: now, after the pause, or never."""
        if self.dead:
            return
        if self.paused:
            self._inbox.append((do, values))
            return
        self._run([(do, values)])

    def _run(self, work: Sequence[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        self.loop.run_ready(work)
        self._plan()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """A task of this process. Only from inside."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        if self.dead or not self.paused:
            return
        self.paused = False
        inbox, self._inbox = self._inbox, []
        self._run(inbox)

    def die(self) -> None:
        """Everything in memory is gone; nothing that its tasks still do on their way out has an effect."""
        self.dead = True
        self._inbox.clear()
        for _ in range(5):
            tasks = asyncio.all_tasks(self.loop)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.loop.run_ready()
        self.loop.close()

    def _plan(self) -> None:
        """When does this process have to go on by itself?"""
        wake = self.loop.next_at
        if wake is not None and (self._wake_at is None or wake < self._wake_at):
            self._wake_at = wake
            self.timeline.at(wake, self._awake, wake)
        due_at = self.conduct.deadlines.next_at
        if due_at is not None:
            due = due_at - START - self.clock.offset
            due = max(due, self.timeline.now) // DEADLINES_EVERY * DEADLINES_EVERY + DEADLINES_EVERY
            if self._settle_at is None or due < self._settle_at:
                self._settle_at = due
                self.timeline.at(due, self._settle, due)

    def _awake(self, when: int) -> None:
        if when == self._wake_at:
            self._wake_at = None
            self.enter(self.loop.call_soon, int)  # anything: timers are looked at in passing

    def _settle(self, when: int) -> None:
        if when == self._settle_at:
            self._settle_at = None
            self.enter(self.conduct.deadlines.settle_due)

    # --- what the process does from time to time ----------------------------------------------------------

    def look_soon(self) -> None:
        """There is something that `compare` would see: at its next turn it will."""
        due = self.timeline.now // COMPARE_EVERY * COMPARE_EVERY + COMPARE_EVERY
        if self._compare_at != due:
            self._compare_at = due
            self.timeline.at(due, self.enter, self._begin, "compare", self.rounds.compare)

    def _look_now_and_then(self) -> None:
        if not self.dead:
            self.look_soon()
            self.world.witness.compare_states(self)
            self.timeline.later(LONGEST_UNSEEN, self._look_now_and_then)

    def sweep(self) -> None:
        self.enter(self._begin, "sweep", self.rounds.sweep)

    def _begin(self, name: str, job: Callable[[], Coroutine[Any, Any, object]]) -> None:
        if name not in self._looking:
            self._looking.add(name)
            self.start(self._repeated(name, job))

    async def _repeated(self, name: str, job: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await job()
        except (OSError, AccreditationError) as error:  # the loops of app.jobs go on after it too
            self.timeline.note(self.name, name, "failed", type(error).__name__)
            if not self.dead and name == "compare":
                self.look_soon()
        finally:
            self._looking.discard(name)

    def order(self, sitting: SittingId, command: Command, told: Callable[[str], None]) -> None:
        """A command of staff that reached this process; `told` hears "done", a refusal or "unknown"."""
        self.enter(self._order, sitting, command, told)

    def _order(self, sitting: SittingId, command: Command, told: Callable[[str], None]) -> None:
        async def ordered() -> None:
            try:
                ruling = await self.conduct.order(sitting, command)
            except (OSError, AccreditationError):
                told("unknown")
            else:
                told(ruling.refusal or "done")

        self.start(ordered())

    # --- connections --------------------------------------------------------------------------------------

    def accept(self, connection: "Connection") -> None:
        """A page's connection has come in."""
        if connection.cut:
            return
        self.connections[connection] = None
        self.start(self._serve(connection))

    async def _serve(self, connection: "Connection") -> None:
        try:
            await self.socket(connection.scope(), connection.receive, connection.send)
        finally:
            self.connections.pop(connection, None)

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self.dead:
            error = context.get("exception")
            self.timeline.blame(f"{self.name}: {context.get('message')}: {error!r}")
