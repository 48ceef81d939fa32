"""Results of practice in PostgreSQL: apart from those of exams, so that nothing that reads those can meet one."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from core.ids import PersonId, SittingId
from scoring.results import Result
from scoring.store import result_of, values_of

MOST_RUNS = 200
"""Runs that a history goes back."""

_SELECT = """SELECT sitting_id, person_id, blueprint_id, blueprint_version, algorithm, raw_num, raw_den, maximum, cut,
    passed, marks::text AS marks, advice::text AS advice, CAST(NULL AS date) AS retake_on, decided_at,
    decided_at AS confirmed_at, CAST(NULL AS bigint) AS protocol_id FROM scoring.practice_result"""


async def record_practice(connection: AsyncConnection, result: Result) -> None:
    """Keep the result of a practice run, without any wait for the next one. The first one stays."""
    values = values_of(result)
    del values["retake_on"]
    await execute(
        connection,
        """
        INSERT INTO scoring.practice_result (sitting_id, person_id, blueprint_id, blueprint_version, algorithm,
            raw_num, raw_den, maximum, cut, passed, marks, advice, decided_at)
        VALUES (:sitting, :person, :blueprint, :blueprint_version, :algorithm, :raw_num, :raw_den, :maximum,
            :cut, :passed, CAST(:marks AS jsonb), CAST(:advice AS jsonb), :decided_at)
        ON CONFLICT (sitting_id) DO NOTHING
        """,
        **values,
    )


async def load_practice(connection: AsyncConnection, sittings: Iterable[SittingId]) -> dict[SittingId, Result]:
    """The results of those practice runs that have one."""
    rows = await fetch_all(
        connection, f"{_SELECT} WHERE sitting_id = ANY(CAST(:sittings AS bigint[]))", sittings=list(sittings)
    )
    return {SittingId(row["sitting_id"]): result_of(row) for row in rows}


async def list_practice(connection: AsyncConnection, person: PersonId, limit: int = MOST_RUNS) -> list[Result]:
    """A person's practice results, the latest first."""
    rows = await fetch_all(
        connection,
        f"{_SELECT} WHERE person_id = :person ORDER BY sitting_id DESC LIMIT :limit",
        person=person,
        limit=limit,
    )
    return [result_of(row) for row in rows]
