"""Results in PostgreSQL: recorded once, worked out anew where something more counts, then confirmed."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, NotFound
from core.ids import BlueprintId, ItemId, PersonId, ProtocolId, SittingId
from core.moments import Moment
from scoring.decision import Decision, ItemMark, WeakArea
from scoring.results import Result, fraction_pair

Pair = tuple[int, int]


class _Mark(Struct, frozen=True):
    """One element of the jsonb column result.marks."""

    item: ItemId
    requirement: str
    weight: int
    score: Pair


class _Area(Struct, frozen=True):
    """One element of the jsonb column result.advice."""

    requirement: str
    title: str
    score: Pair
    maximum: int


_marks = msgspec.json.Decoder(tuple[_Mark, ...])
_areas = msgspec.json.Decoder(tuple[_Area, ...])

_COLUMNS = """sitting_id, person_id, blueprint_id, blueprint_version, algorithm, raw_num, raw_den, maximum, cut,
    passed, marks::text AS marks, advice::text AS advice, retake_on, decided_at, confirmed_at, protocol_id"""


class Superseded(Struct, frozen=True):
    """What a result was before it was worked out anew; `cause` is a word for machines."""

    revision: int
    passed: bool
    raw: Fraction
    maximum: int
    decided_at: Moment
    superseded_at: Moment
    cause: str


async def record_result(connection: AsyncConnection, result: Result) -> bool:
    """Record a preliminary result; True when it is new, False when the same one is there already.

    Raises Conflict (`result_differs`) when another result stands recorded: only a regrade may change it.
    Who decided it and when does not make a difference, marks and decision do.
    """
    inserted = await execute(
        connection,
        """
        INSERT INTO scoring.result (sitting_id, person_id, blueprint_id, blueprint_version, algorithm,
            raw_num, raw_den, maximum, cut, passed, marks, advice, retake_on, decided_at)
        VALUES (:sitting, :person, :blueprint, :blueprint_version, :algorithm, :raw_num, :raw_den, :maximum,
            :cut, :passed, CAST(:marks AS jsonb), CAST(:advice AS jsonb), :retake_on, :decided_at)
        ON CONFLICT (sitting_id) DO NOTHING
        """,
        **values_of(result),
    )
    if inserted:
        return True
    recorded = await load_result(connection, result.sitting)
    if (recorded.person, recorded.marks, recorded.decision) != (result.person, result.marks, result.decision):
        raise Conflict(
            "result_differs",
            f"Результат тестирования {result.sitting} уже записан и отличается. Проведите пересчёт.",
        )
    return False


async def replace_result(connection: AsyncConnection, result: Result, cause: str, at: Moment) -> bool:
    """Put a result worked out anew in the place of a preliminary one, which is kept; False when nothing is different.

    Raises NotFound (`result_unknown`), Conflict (`already_confirmed`).
    """
    await fetch_one(
        connection,
        "SELECT sitting_id FROM scoring.result WHERE sitting_id = :sitting FOR UPDATE",
        sitting=result.sitting,
    )
    recorded = await load_result(connection, result.sitting)
    if not recorded.preliminary:
        raise _confirmed()
    if (recorded.person, recorded.marks, recorded.decision) == (result.person, result.marks, result.decision):
        return False
    await execute(
        connection,
        """
        INSERT INTO scoring.superseded (sitting_id, revision, result, cause, superseded_at)
        SELECT r.sitting_id, (SELECT count(*) + 1 FROM scoring.superseded s WHERE s.sitting_id = r.sitting_id),
               to_jsonb(r), :cause, :at
        FROM scoring.result r WHERE r.sitting_id = :sitting
        """,
        sitting=result.sitting,
        cause=cause,
        at=at,
    )
    await execute(
        connection,
        """
        UPDATE scoring.result SET blueprint_id = :blueprint, blueprint_version = :blueprint_version,
            algorithm = :algorithm, raw_num = :raw_num, raw_den = :raw_den, maximum = :maximum, cut = :cut,
            passed = :passed, marks = CAST(:marks AS jsonb), advice = CAST(:advice AS jsonb),
            retake_on = :retake_on, decided_at = :decided_at
        WHERE sitting_id = :sitting AND person_id = :person
        """,
        **values_of(result),
    )
    return True


async def superseded_of(connection: AsyncConnection, sitting: SittingId) -> list[Superseded]:
    """What the result of a sitting was before, the oldest first; empty where it was worked out once."""
    rows = await fetch_all(
        connection,
        """
        SELECT s.revision, s.cause, s.superseded_at, r.passed, r.raw_num, r.raw_den, r.maximum, r.decided_at
        FROM scoring.superseded s, jsonb_to_record(s.result)
             AS r(passed boolean, raw_num bigint, raw_den bigint, maximum int, decided_at bigint)
        WHERE s.sitting_id = :sitting ORDER BY s.revision
        """,
        sitting=sitting,
    )
    return [
        Superseded(
            row["revision"],
            row["passed"],
            Fraction(row["raw_num"], row["raw_den"]),
            row["maximum"],
            row["decided_at"],
            row["superseded_at"],
            row["cause"],
        )
        for row in rows
    ]


async def load_result(connection: AsyncConnection, sitting: SittingId) -> Result:
    """Raises NotFound (`result_unknown`) while the sitting has none."""
    found = await load_results(connection, [sitting])
    if sitting not in found:
        raise NotFound("result_unknown", "Результата ещё нет. Обновите страницу через минуту.")
    return found[sitting]


async def load_results(connection: AsyncConnection, sittings: Iterable[SittingId]) -> dict[SittingId, Result]:
    """The results of those sittings that have one."""
    rows = await fetch_all(
        connection,
        f"SELECT {_COLUMNS} FROM scoring.result WHERE sitting_id = ANY(CAST(:sittings AS bigint[]))",
        sittings=list(sittings),
    )
    return {SittingId(row["sitting_id"]): result_of(row) for row in rows}


async def confirm(
    connection: AsyncConnection, sitting: SittingId, at: Moment, protocol: ProtocolId | None = None
) -> bool:
    """Confirm a result, by a protocol or (None) by itself; True when it was preliminary until now.

    Confirming the same way again changes nothing. Raises NotFound (`result_unknown`), Conflict
    (`already_confirmed`) when another protocol confirmed it.
    """
    changed = await execute(
        connection,
        """
        UPDATE scoring.result SET confirmed_at = :at, protocol_id = :protocol
        WHERE sitting_id = :sitting AND confirmed_at IS NULL
        """,
        at=at,
        protocol=protocol,
        sitting=sitting,
    )
    if changed:
        return True
    row = await fetch_one(
        connection, "SELECT protocol_id FROM scoring.result WHERE sitting_id = :sitting", sitting=sitting
    )
    if row is None:
        raise NotFound("result_unknown", "Результата ещё нет. Обновите страницу через минуту.")
    if row["protocol_id"] != protocol:
        raise _confirmed()
    return False


def _confirmed() -> Conflict:
    return Conflict(
        "already_confirmed", "Результат уже утверждён. Изменить его можно только пересчётом или апелляцией."
    )


def values_of(result: Result) -> dict[str, Any]:
    """A result as the columns of its table take it."""
    raw = result.decision.raw
    marks = [_Mark(m.item, m.requirement, m.weight, fraction_pair(m.score)) for m in result.marks]
    areas = [_Area(a.requirement, a.title, fraction_pair(a.score), a.maximum) for a in result.advice]
    return {
        "sitting": result.sitting,
        "person": result.person,
        "blueprint": result.blueprint,
        "blueprint_version": result.blueprint_version,
        "algorithm": result.algorithm,
        "raw_num": raw.numerator,
        "raw_den": raw.denominator,
        "maximum": result.decision.maximum,
        "cut": result.decision.cut,
        "passed": result.decision.passed,
        "marks": msgspec.json.encode(marks).decode(),
        "advice": msgspec.json.encode(areas).decode(),
        "retake_on": result.retake_on,
        "decided_at": result.decided_at,
    }


def result_of(row: RowMapping) -> Result:
    """A result from the columns of its table."""
    protocol = row["protocol_id"]
    return Result(
        SittingId(row["sitting_id"]),
        PersonId(row["person_id"]),
        BlueprintId(row["blueprint_id"]),
        row["blueprint_version"],
        row["algorithm"],
        Decision(row["passed"], Fraction(row["raw_num"], row["raw_den"]), row["maximum"], row["cut"]),
        tuple(ItemMark(m.item, m.requirement, m.weight, Fraction(*m.score)) for m in _marks.decode(row["marks"])),
        tuple(WeakArea(a.requirement, a.title, Fraction(*a.score), a.maximum) for a in _areas.decode(row["advice"])),
        row["retake_on"],
        row["decided_at"],
        row["confirmed_at"],
        None if protocol is None else ProtocolId(protocol),
    )
