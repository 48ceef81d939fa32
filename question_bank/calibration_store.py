"""Calibrations of item versions in PostgreSQL: slope and location, with where they come from."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from core.errors import Invalid
from core.ids import ItemId
from core.moments import Moment
from question_bank.expectation import FARTHEST
from question_bank.health import Standing

MOST_SLOPE = 10.0
LONGEST_SOURCE = 200


class Calibrated(Struct, frozen=True):
    """One version's parameters in logits, with their standard errors, from the responses of `sample` candidates."""

    item: ItemId
    version: int
    a: float
    b: float
    a_error: float | None
    """None: the slope was given, as Rasch's 1 is."""
    b_error: float | None
    sample: int
    source: str
    """What worked it out: an analysis and its data."""
    at: Moment = 0


async def save_calibrations(connection: AsyncConnection, found: Sequence[Calibrated], at: Moment) -> None:
    """Keep these; the newest of a version holds. Raises Invalid (`calibration_invalid`, `item_unknown`)."""
    for one in found:
        if (
            not 0 < one.a <= MOST_SLOPE
            or not -FARTHEST <= one.b <= FARTHEST
            or one.sample < 1
            or not one.source.strip()
            or len(one.source) > LONGEST_SOURCE
            or any(error is not None and not error >= 0 for error in (one.a_error, one.b_error))
        ):
            raise Invalid(
                "calibration_invalid",
                f"Калибровка задания «{one.item}» невозможна: наклон — больше 0 и не больше {MOST_SLOPE:.0f}, "
                f"трудность — от −{FARTHEST:.0f} до {FARTHEST:.0f}, число ответов — не меньше 1, источник назван.",
                fields={"item": one.item},
            )
    columns = {
        "items": [one.item for one in found],
        "versions": [one.version for one in found],
    }
    unknown = await fetch_all(
        connection,
        """
        SELECT item_id, version FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS t(item_id, version)
        WHERE NOT EXISTS (SELECT FROM question_bank.item_version v
                          WHERE v.item_id = t.item_id AND v.version = t.version) LIMIT 1
        """,
        **columns,
    )
    for row in unknown:
        raise Invalid(
            "item_unknown",
            f"Версии {row['version']} задания «{row['item_id']}» в банке нет.",
            fields={"item": row["item_id"]},
        )
    await execute(
        connection,
        """
        INSERT INTO question_bank.calibration (item_id, version, a, b, a_error, b_error, sample, source, calibrated_at)
        SELECT t.*, :at FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[]), CAST(:a AS float8[]),
            CAST(:b AS float8[]), CAST(:a_error AS float8[]), CAST(:b_error AS float8[]), CAST(:samples AS int[]),
            CAST(:sources AS text[])) AS t
        ON CONFLICT (item_id, version, calibrated_at) DO UPDATE
        SET a = excluded.a, b = excluded.b, a_error = excluded.a_error, b_error = excluded.b_error,
            sample = excluded.sample, source = excluded.source
        """,
        **columns,
        a=[one.a for one in found],
        b=[one.b for one in found],
        a_error=[one.a_error for one in found],
        b_error=[one.b_error for one in found],
        samples=[one.sample for one in found],
        sources=[one.source.strip() for one in found],
        at=at,
    )
    await execute(
        connection,
        """
        UPDATE question_bank.speciality SET revision = revision + 1
        WHERE code IN (SELECT speciality FROM question_bank.item_version WHERE item_id = ANY(CAST(:items AS text[])))
        """,
        items=columns["items"],
    )


async def list_calibrations(connection: AsyncConnection, item: ItemId) -> list[Calibrated]:
    """All of an item, the newest first."""
    rows = await fetch_all(
        connection,
        """
        SELECT item_id, version, a, b, a_error, b_error, sample, source, calibrated_at
        FROM question_bank.calibration WHERE item_id = :item ORDER BY calibrated_at DESC, version DESC
        """,
        item=item,
    )
    return [
        Calibrated(
            ItemId(row["item_id"]),
            row["version"],
            row["a"],
            row["b"],
            row["a_error"],
            row["b_error"],
            row["sample"],
            row["source"],
            row["calibrated_at"],
        )
        for row in rows
    ]


async def load_standings(connection: AsyncConnection, speciality: str) -> dict[ItemId, Standing]:
    """Of the items of a speciality that are in service."""
    rows = await fetch_all(
        connection,
        """
        SELECT i.id, v.published_at,
               EXISTS (SELECT FROM question_bank.calibration c
                       WHERE c.item_id = i.id AND c.version = i.version) AS calibrated,
               EXISTS (SELECT FROM question_bank.angoff_rating r
                       WHERE r.item_id = i.id AND r.version = i.version) AS rated
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE i.state IN ('active', 'piloted') AND v.speciality = :speciality
        """,
        speciality=speciality,
    )
    return {ItemId(row["id"]): Standing(row["calibrated"], row["rated"], row["published_at"]) for row in rows}
