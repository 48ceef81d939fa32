"""What candidates are given beside an exam's limits, decided before it: more time, more breaks. Never a diagnosis."""

from collections.abc import Iterable

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.ids import BlueprintId, PersonId
from exam_server.events import Allowance


async def load_allowances(
    connection: AsyncConnection, blueprint: BlueprintId, candidates: Iterable[PersonId]
) -> dict[PersonId, Allowance]:
    """The allowances of those candidates who have one at this exam."""
    rows = await fetch_all(
        connection,
        """SELECT candidate, percent, extra, breaks FROM exam_server.allowance
           WHERE blueprint_id = :blueprint AND candidate = ANY(CAST(:candidates AS bigint[]))""",
        blueprint=blueprint,
        candidates=list(candidates),
    )
    return {PersonId(row["candidate"]): _allowance(row) for row in rows}


def _allowance(row: RowMapping) -> Allowance:
    return Allowance(row["percent"], row["extra"], row["breaks"])
