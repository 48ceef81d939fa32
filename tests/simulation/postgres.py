"""The database: rows and deadlines of all sittings, statements that take their time, fail, or are never heard of.

The real `EventLog` writes to it over a connection that understands its one statement. A statement commits at one
moment; whoever sent it may never learn that.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from core.ids import ItemId, PersonId, SittingId
from core.moments import Moment, Span, from_datetime
from exam_server.chain import Row
from exam_server.connection import RemarkKind
from exam_server.event_log import APPEND, APPEND_DUE, STATEMENT_TIMEOUT, Commit, EventLog
from exam_server.events import Created
from question_bank.candidate_copy import CandidateItem
from tests.histories.sittings import first_row
from tests.simulation.timeline import START, Timeline

if TYPE_CHECKING:
    from tests.simulation.node import Node
    from tests.simulation.witness import Witness

TIMEOUT: Span = int(STATEMENT_TIMEOUT * 1000)


class Postgres:
    """What is stored, and what the weather is like there."""

    def __init__(self, timeline: Timeline, witness: "Witness") -> None:
        self.timeline = timeline
        self.witness = witness
        self.rows: dict[SittingId, list[Row]] = {}
        self.due: dict[SittingId, Moment | None] = {}
        self.copies: dict[tuple[ItemId, int], CandidateItem] = {}
        self.nodes: list[Node] = []
        self.slow_until = self.failing_until = self.away_until = 0
        self.remarks = 0
        self.poisoned: set[SittingId] = set()
        """The next row of these will be refused."""

    def create(self, sitting: SittingId, created: Created) -> None:
        self.rows[sitting] = [first_row(sitting, created)]
        self.due[sitting] = created.closes_at

    def calm(self) -> None:
        self.slow_until = self.failing_until = self.away_until = 0
        self.poisoned.clear()

    @property
    def away(self) -> bool:
        return self.timeline.now < self.away_until

    def span(self, node: "Node") -> Span:
        """How long one way takes now, ms."""
        timeline = self.timeline
        span = timeline.between(0, 3)
        if timeline.now < self.slow_until:
            span += timeline.between(100, 2_000) if timeline.chance(0.97) else timeline.between(2_000, 14_000)
        return max(span, node.blocked_until - timeline.now)

    def append(self, node: "Node", columns: Sequence[Sequence[Any]]) -> set[int]:
        """One statement, all or nothing: each row where its predecessor is the newest."""
        if columns[0] != sorted(columns[0]):
            self.timeline.blame("a statement whose rows are not sorted")
        written: set[int] = set()
        for sitting, version, prev, digest, events, *moved in zip(*columns, strict=True):
            rows = self.rows[sitting]
            if version != len(rows) or prev != rows[-1].digest:
                continue
            rows.append(Row(version, prev, digest, events))
            if moved and moved[1]:
                self.due[sitting] = moment_of(moved[0])
            written.add(sitting)
            self.timeline.note("row", sitting, version, "by", node.name, digest.hex()[:12], events.decode())
            self.witness.landed(sitting, events)
            for other in self.nodes:
                if other is not node and not other.dead and sitting in other.conduct._held:
                    other.look_soon()
        return written

    def resolve(self, node: "Node", future: "asyncio.Future[Any]", span: Span, answer: object) -> None:
        """The answer reaches the process after a while; it does not wait longer than its time-out."""
        if span > TIMEOUT:
            span, answer = TIMEOUT, TimeoutError()
        self.timeline.later(span, node.enter, _answer, future, answer)


def _answer(future: "asyncio.Future[Any]", answer: object) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def moment_of(due: datetime | None) -> Moment | None:
    return None if due is None else from_datetime(due)


class LogConnection:
    """One connection of the event log, as far as asyncpg's is used there."""

    def __init__(self, postgres: Postgres, node: "Node") -> None:
        self._postgres = postgres
        self._node = node
        self._closed = False

    def is_closed(self) -> bool:
        return self._closed

    def terminate(self) -> None:
        self._closed = True

    async def fetchval(self, statement: str, *columns: Sequence[Any]) -> list[int] | None:
        assert statement in {APPEND, APPEND_DUE}
        node, postgres = self._node, self._postgres
        timeline = postgres.timeline
        future: asyncio.Future[list[int] | None] = node.loop.create_future()
        there, back = postgres.span(node), postgres.span(node)
        luck = timeline.random.random() if timeline.now < postgres.failing_until else 1.0
        begun = timeline.now

        def land() -> None:
            if postgres.away or luck < 0.2 or (node.dead and luck < 0.6):
                self._closed = True
                answer(ConnectionResetError("the connection is gone"))
            elif luck < 0.3:
                answer(asyncpg.DeadlockDetectedError("deadlock detected"))
            elif postgres.poisoned.intersection(columns[0]):
                if len(columns[0]) == 1:
                    postgres.poisoned.difference_update(columns[0])
                answer(asyncpg.CheckViolationError("a row nobody wants"))
            else:
                written = postgres.append(node, columns)
                if luck < 0.5:
                    self._closed = True
                    answer(ConnectionResetError("the answer is lost"))
                else:
                    answer(None if len(written) == len(columns[0]) else sorted(written))

        def answer(what: object) -> None:
            if not node.dead:
                timeline.later(back, node.enter, _answer, future, what)

        if there + back > TIMEOUT:
            timeline.later(TIMEOUT, node.enter, _answer, future, TimeoutError())
        timeline.at(begun + there, land)
        return await future


class SimulatedLog(EventLog):
    """The real event log, connected to the simulated database."""

    def __init__(self, postgres: Postgres, node: "Node") -> None:
        super().__init__("postgresql://simulated/simulated")
        self._postgres = postgres
        self._node = node

    @property
    def full(self) -> bool:
        return self._postgres.timeline.now < self._node.stuffed_until or super().full

    def append(self, commit: Commit) -> None:
        if not self._node.dead:
            super().append(commit)

    async def start(self) -> None:
        self._writers = [self._node.loop.create_task(self._write(None))]

    async def _connect(self) -> Any:
        connection: Any = LogConnection(self._postgres, self._node)
        await _go(self._postgres, self._node)
        self._open.add(connection)
        return connection


async def _go(postgres: Postgres, node: "Node") -> None:
    """One way to the database. Raises OSError."""
    future: asyncio.Future[None] = node.loop.create_future()
    failing = postgres.timeline.now < postgres.failing_until and postgres.timeline.chance(0.3)
    broken = ConnectionResetError("the database is away") if failing or postgres.away else None
    postgres.resolve(node, future, postgres.span(node), broken)
    await future
    if postgres.away:
        raise ConnectionResetError("the database is away")


class SimulatedRecords:
    """What is kept beside the log: every remark gets a number once it is written."""

    def __init__(self, postgres: Postgres, node: "Node") -> None:
        self._postgres = postgres
        self._node = node

    async def greet(self, sitting: SittingId, epoch: int, address: str, device: str) -> None:
        await _go(self._postgres, self._node)

    async def keep(
        self, sitting: SittingId, candidate: PersonId, kind: RemarkKind, text: str, position: int | None = None
    ) -> int:
        await _go(self._postgres, self._node)
        self._postgres.remarks += 1
        note = self._postgres.remarks
        await _go(self._postgres, self._node)
        return note


class SimulatedSource:
    """Reads what was stored at some moment between the question and the answer."""

    def __init__(self, postgres: Postgres, node: "Node") -> None:
        self._postgres = postgres
        self._node = node

    async def rows(self, sitting: SittingId, candidate: PersonId | None = None) -> list[Row]:
        await _go(self._postgres, self._node)
        found = list(self._postgres.rows.get(sitting, []))
        await _go(self._postgres, self._node)
        return found

    async def versions(self, sittings: Sequence[SittingId]) -> Mapping[SittingId, int]:
        await _go(self._postgres, self._node)
        found = {sitting: len(self._postgres.rows[sitting]) - 1 for sitting in sittings}
        await _go(self._postgres, self._node)
        return found

    async def overdue(self, before: Moment, limit: int) -> list[SittingId]:
        await _go(self._postgres, self._node)
        due = sorted((due, sitting) for sitting, due in self._postgres.due.items() if due is not None and due < before)
        return [sitting for _, sitting in due[:limit]]

    async def copies(self, refs: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[ItemId, int], CandidateItem]:
        await _go(self._postgres, self._node)
        return {ref: self._postgres.copies[ref] for ref in refs}

    async def texts(self, notes: Sequence[int]) -> Mapping[int, str]:
        await _go(self._postgres, self._node)
        return {note: f"text of note {note}" for note in notes}

    async def moment(self) -> Moment:
        await _go(self._postgres, self._node)
        there = START + self._postgres.timeline.now
        await _go(self._postgres, self._node)
        return there
