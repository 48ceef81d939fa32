"""A log, a source and pages in memory, in a test's own hands: it decides what lands, when, and what is told.

`Line` objects to anything that leaves before it is durable, so every test that uses one proves that rule too.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from core.clock import ManualClock
from core.errors import Unavailable
from core.ids import ItemId, PersonId, SittingId
from core.moments import Moment, from_datetime
from exam_server import reading, timing
from exam_server.chain import Row, follow_chain
from exam_server.conduct import Conduct
from exam_server.connection import RemarkKind
from exam_server.event_log import Commit
from exam_server.events import AnyEvent, Created
from exam_server.held import Held
from exam_server.rounds import Rounds
from exam_server.sitting import Sitting, fold
from question_bank.candidate_copy import CandidateItem
from tests.histories.sittings import first_row, make_copies


async def quiet() -> None:
    """Let everything run that can run without the database's or the clock's doing."""
    for _ in range(12):
        await asyncio.sleep(0)


class MemoryLog:
    """Rows of all sittings, and the commits on their way to them."""

    def __init__(self) -> None:
        self.rows: dict[SittingId, list[Row]] = {}
        self.due: dict[SittingId, Moment | None] = {}
        self.on_its_way: list[Commit] = []
        self.full = False
        self.by_itself = False

    def create(self, sitting: SittingId, created: Created) -> None:
        self.rows[sitting] = [first_row(sitting, created)]
        self.due[sitting] = created.closes_at

    def append(self, commit: Commit) -> None:
        self.on_its_way.append(commit)
        if self.by_itself:
            asyncio.get_running_loop().call_soon(self.land_all)

    def land_all(self) -> None:
        while self.on_its_way:
            self.land()

    def land(self, place: int = 0) -> None:
        """What PostgreSQL does: the row is written where its predecessor is the newest one."""
        commit = self.on_its_way.pop(place)
        commit.done("durable" if self._write(commit) else "overtaken")

    def land_unheard(self, place: int = 0) -> None:
        """Written, but the answer was lost: the repeated statement does not return the row."""
        commit = self.on_its_way.pop(place)
        self._write(commit)
        commit.done("overtaken")

    def land_for_nobody(self, place: int = 0) -> None:
        """Written after the process that sent it had died."""
        self._write(self.on_its_way.pop(place))

    def refuse(self, place: int = 0) -> None:
        self.on_its_way.pop(place).done("refused")

    def _write(self, commit: Commit) -> bool:
        rows = self.rows[commit.sitting_id]
        if commit.version != len(rows) or commit.prev != rows[-1].digest:
            return False
        rows.append(Row(commit.version, commit.prev, commit.digest, commit.events))
        if commit.due_changed:
            self.due[commit.sitting_id] = moment_of(commit.due)
        return True

    def events(self, sitting: SittingId) -> list[AnyEvent]:
        return list(follow_chain(sitting, self.rows[sitting]))

    def state(self, sitting: SittingId) -> Sitting:
        """What is durable."""
        return fold(sitting, self.events(sitting))


def moment_of(due: datetime | None) -> Moment | None:
    return None if due is None else from_datetime(due)


class MemorySource:
    """Reads from a MemoryLog; may be away."""

    def __init__(self, log: MemoryLog, clock: ManualClock) -> None:
        self.log = log
        self.clock = clock
        self.ahead = 0
        self.away = False
        self.refused = asyncio.Event()
        self.copied: dict[tuple[ItemId, int], CandidateItem] = {}
        self.given: list[SittingId] = []
        """Whose logs were read."""

    def _ask(self) -> None:
        if self.away:
            self.refused.set()
            raise Unavailable("database_away", "База данных недоступна.")

    async def rows(self, sitting: SittingId, candidate: PersonId | None = None) -> list[Row]:
        self._ask()
        rows = list(self.log.rows.get(sitting, []))
        if not rows or candidate not in (None, read_chain_head(rows).candidate):
            return []
        self.given.append(sitting)
        return rows

    async def versions(self, sittings: Sequence[SittingId]) -> Mapping[SittingId, int]:
        self._ask()
        return {sitting: len(self.log.rows[sitting]) - 1 for sitting in sittings}

    async def overdue(self, before: Moment, limit: int) -> list[SittingId]:
        self._ask()
        due = sorted((due, sitting) for sitting, due in self.log.due.items() if due is not None and due < before)
        return [sitting for _, sitting in due[:limit]]

    async def copies(self, refs: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[ItemId, int], CandidateItem]:
        self._ask()
        if not self.copied:
            for rows in self.log.rows.values():
                created = read_chain_head(rows)
                self.copied.update(make_copies(created.form))
        assert all(ref in self.copied for ref in refs)
        return self.copied

    async def texts(self, notes: Sequence[int]) -> Mapping[int, str]:
        self._ask()
        return {note: f"text of note {note}" for note in notes}

    async def moment(self) -> Moment:
        self._ask()
        return self.clock.now() + self.ahead


def read_chain_head(rows: list[Row]) -> Created:
    event = msgspec.json.decode(rows[0].events)["events"][0]
    return msgspec.convert(event, Created)


class Line:
    """The way to one page. Keeps what it is told, and compares each word with what is durable at that moment."""

    def __init__(self, log: MemoryLog, sitting: SittingId, stream: str) -> None:
        self.log = log
        self.sitting = sitting
        self.stream = stream
        self.told: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.epoch: int | None = None

    def send(self, data: bytes) -> None:
        if self.closed is not None:
            return
        message = msgspec.json.decode(data)
        self._check(message, self.log.state(self.sitting))
        self.told.append(message)

    def close(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = code

    def _check(self, message: dict[str, Any], stored: Sitting) -> None:
        match message["type"]:
            case "ack":
                assert stored.streams.get(self.stream, 0) >= message["seq"], "acknowledged before it was durable"
            case "snapshot":
                assert message["epoch"] <= stored.epoch, "a snapshot before its commit"
                assert message["seq"] <= stored.streams.get(self.stream, 0)
                if self.epoch is None:
                    self.epoch = message["epoch"]
            case "item":
                visited = stored.items[message["item"]["position"]]
                assert visited.visited, "an item left before its commit"
                assert visited.stage >= message["item"]["stage"], "a stage left before its commit"
            case "closed":
                assert stored.items[message["position"]].locked, "a lock was told before its commit"
            case "ended":
                assert stored.status == "ended", "the end was told before its commit"
            case "late":
                assert stored.late
            case "deadlines":
                assert message["deadline"] <= timing.exam_deadline(stored), "time was given before its commit"
            case "taken_over":
                assert self.epoch is not None
                assert stored.epoch > self.epoch, "a takeover was told before its commit"

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.told]

    def acks(self) -> list[int]:
        return [message["seq"] for message in self.told if message["type"] == "ack"]

    def refusals(self) -> list[tuple[str, int | None]]:
        return [(message["code"], message.get("seq")) for message in self.told if message["type"] == "refused"]


class Pipe:
    """One process's way to the log; what it sends after its death goes nowhere."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.sent: list[Commit] = []
        self.dead = False

    @property
    def full(self) -> bool:
        return self.log.full

    def append(self, commit: Commit) -> None:
        if not self.dead:
            self.sent.append(commit)
            self.log.append(commit)


class Owner:
    """One server process: a conduct with what it reads from and what it told the world about."""

    def __init__(self, log: MemoryLog, clock: ManualClock) -> None:
        self.log = log
        self.pipe = Pipe(log)
        self.source = MemorySource(log, clock)
        self.changes: list[tuple[Sitting, tuple[AnyEvent, ...]]] = []
        self.conduct = Conduct(self.pipe, self.source, clock, self._note)
        self.rounds = Rounds(self.conduct, self.source, clock)

    def die(self) -> list[Commit]:
        """Forget everything; what was on its way to the log at that moment."""
        self.pipe.dead = True
        for task in self.conduct._tasks:
            task.cancel()
        return [commit for commit in self.log.on_its_way if commit in self.pipe.sent]

    def _note(self, state: Sitting, events: tuple[AnyEvent, ...]) -> None:
        stored = self.log.events(state.id)
        # two processes may have written equal events: any place where they stand may be the one meant
        ends = [end for end in range(len(stored), 0, -1) if tuple(stored[end - len(events) : end]) == events]
        assert any(state == fold(state.id, stored[:end]) for end in ends), "a state was shown that is not durable"
        self.changes.append((state, events))

    async def attach(self, sitting: SittingId, stream: str, land: bool = True) -> tuple[Held, Line]:
        line = Line(self.log, sitting, stream)
        task = asyncio.ensure_future(self.conduct.attach(sitting, line, stream))
        await quiet()
        if land:
            self.log.land_all()
        return await task, line


def hurry(monkeypatch: Any) -> None:
    """Reading again waits no time between tries."""
    monkeypatch.setattr(reading, "RETRY_FIRST", 0.0)
    monkeypatch.setattr(reading, "RETRY_MOST", 0.0)


class MemoryRecords:
    """What is kept beside the log, in lists; may be away."""

    def __init__(self) -> None:
        self.away = False
        self.greeted: list[tuple[SittingId, int, str, str]] = []
        self.remarks: list[tuple[SittingId, PersonId, str, str]] = []

    async def greet(self, sitting: SittingId, epoch: int, address: str, device: str) -> None:
        self._ask()
        self.greeted.append((sitting, epoch, address, device))

    async def keep(
        self, sitting: SittingId, candidate: PersonId, kind: RemarkKind, text: str, position: int | None = None
    ) -> int:
        self._ask()
        self.remarks.append((sitting, candidate, kind, text))
        return len(self.remarks)

    def _ask(self) -> None:
        if self.away:
            raise Unavailable("database_away", "База данных недоступна.")
