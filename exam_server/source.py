"""Where the engine reads from: logs, versions, overdue sittings, items without their keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from core.database import Database, fetch_all
from core.ids import ItemId, PersonId, SittingId
from core.moments import Moment, to_datetime
from core.together import Together
from exam_server.chain import Row
from question_bank.candidate_copy import CandidateItem
from question_bank.candidate_store import candidate_copies

MOST_LOGS = 50
"""Logs read in one statement: a long one is some hundred KB."""
Asked: TypeAlias = tuple[SittingId, PersonId | None]


class Source(Protocol):
    """What the engine reads. Raises OSError or core.errors.Unavailable while the database is away."""

    async def rows(self, sitting: SittingId, candidate: PersonId | None = None) -> list[Row]:
        """The whole log of a sitting, oldest first; empty when there is none.

        `candidate`: whoever else's it is, it need not be read; whether it is theirs is for the caller to check.
        """

    async def versions(self, sittings: Sequence[SittingId]) -> Mapping[SittingId, int]:
        """The newest version of each."""

    async def overdue(self, before: Moment, limit: int) -> list[SittingId]:
        """Sittings whose next deadline lies before a moment."""

    async def copies(self, refs: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[ItemId, int], CandidateItem]:
        """Item versions as candidates may see them."""

    async def texts(self, notes: Sequence[int]) -> Mapping[int, str]:
        """What was written in notes, by id."""

    async def moment(self) -> Moment:
        """The database's own clock."""


class DatabaseSource:
    """The source in PostgreSQL. Item versions never change, so they are kept once read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._copies: dict[tuple[ItemId, int], CandidateItem] = {}
        self._logs = Together(self._read_logs, MOST_LOGS)

    async def rows(self, sitting: SittingId, candidate: PersonId | None = None) -> list[Row]:
        return await self._logs.ask((sitting, candidate)) or []

    async def _read_logs(self, asked: Sequence[Asked]) -> Mapping[Asked, list[Row]]:
        """A log that nobody who asks now may have is not read."""
        async with self._database.transaction() as connection:
            found = await fetch_all(
                connection,
                """SELECT sitting_id, version, prev, digest, events FROM exam_server.log
                   WHERE sitting_id = ANY(ARRAY(
                       SELECT id FROM exam_server.sitting
                       WHERE id = ANY(CAST(:ids AS bigint[]))
                         AND (candidate = ANY(CAST(:candidates AS bigint[])) OR id = ANY(CAST(:anybodys AS bigint[])))))
                   ORDER BY sitting_id, version""",
                ids=sorted({sitting for sitting, _ in asked}),
                candidates=[candidate for _, candidate in asked if candidate is not None],
                anybodys=[sitting for sitting, candidate in asked if candidate is None],
            )
        logs: dict[SittingId, list[Row]] = {}
        for row in found:
            logs.setdefault(row["sitting_id"], []).append(
                Row(row["version"], row["prev"], row["digest"], row["events"])
            )
        return {(sitting, candidate): logs[sitting] for sitting, candidate in asked if sitting in logs}

    async def versions(self, sittings: Sequence[SittingId]) -> Mapping[SittingId, int]:
        async with self._database.transaction() as connection:
            found = await fetch_all(
                connection,
                """SELECT id, (SELECT version FROM exam_server.log WHERE sitting_id = id
                               ORDER BY version DESC LIMIT 1) AS version
                   FROM unnest(CAST(:ids AS bigint[])) AS id""",
                ids=list(sittings),
            )
        return {SittingId(row["id"]): row["version"] for row in found if row["version"] is not None}

    async def overdue(self, before: Moment, limit: int) -> list[SittingId]:
        async with self._database.transaction() as connection:
            found = await fetch_all(
                connection,
                """SELECT id FROM exam_server.sitting WHERE next_deadline < :before
                   ORDER BY next_deadline LIMIT :limit""",
                before=to_datetime(before),
                limit=limit,
            )
        return [SittingId(row["id"]) for row in found]

    async def copies(self, refs: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[ItemId, int], CandidateItem]:
        missing = [ref for ref in refs if ref not in self._copies]
        if missing:
            async with self._database.transaction() as connection:
                self._copies.update(await candidate_copies(connection, missing))
        return self._copies

    async def texts(self, notes: Sequence[int]) -> Mapping[int, str]:
        async with self._database.transaction() as connection:
            found = await fetch_all(
                connection,
                "SELECT id, body FROM exam_server.note WHERE id = ANY(CAST(:ids AS bigint[]))",
                ids=list(notes),
            )
        return {row["id"]: row["body"] for row in found}

    async def moment(self) -> Moment:
        async with self._database.transaction() as connection:
            found = await fetch_all(
                connection, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now"
            )
        return Moment(found[0]["now"])
