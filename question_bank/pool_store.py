"""Loads what forms are drawn from, and keeps it: a form can be proved only with its pool.

Reads no keys, so that whatever draws forms need not be able to.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, NotFound
from core.ids import ChoiceId, ItemId
from core.moments import Moment
from question_bank.assembly import find_plan
from question_bank.blueprints import Blueprint
from question_bank.expectation import Calibration, Evidence, Expectation, estimate, expect
from question_bank.forms import FormStage, StageKind
from question_bank.pool import WHOLE, Pool, PoolItem
from question_bank.snapshots import Columns, pack, unpack


class _ChoiceId(Struct, frozen=True):
    id: ChoiceId


class _Stage(Struct, frozen=True):
    kind: StageKind
    choices: tuple[_ChoiceId, ...]


_stages = msgspec.json.Decoder(tuple[_Stage, ...])


async def load_pool(connection: AsyncConnection, blueprint: Blueprint) -> Pool:
    """The items in service of the blueprint's speciality that one of its cells could take.

    Practice draws from the practice pool alone, and an exam never from it. Items of repealed requirements are left
    out; piloted ones are there where the blueprint tries some out. What is expected at the blueprint's cut is worked
    out from all that is known of the items, see expectation.
    """
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.requirement, v.kind, v.level, v.limit_ms, v.difficulty,
               i.state = 'piloted' AS pilot, c.a, c.b, r.rating, (v.content -> 'stages')::text AS stages
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        JOIN question_bank.requirement q ON q.speciality = v.speciality AND q.code = v.requirement
        LEFT JOIN (SELECT DISTINCT ON (item_id, version) item_id, version, a, b FROM question_bank.calibration
                   ORDER BY item_id, version, calibrated_at DESC) c ON c.item_id = i.id AND c.version = i.version
        LEFT JOIN (SELECT item_id, version, CAST(avg(rating) AS float8) / 100 AS rating
                   FROM question_bank.angoff_rating GROUP BY item_id, version) r
            ON r.item_id = i.id AND r.version = i.version
        WHERE (i.state = 'active' OR i.state = 'piloted' AND :pilots) AND i.pool = :pool
          AND v.speciality = :speciality AND q.repealed_at IS NULL
        ORDER BY v.item_id
        """,
        pilots=blueprint.pilots > 0,
        pool="practice" if blueprint.practice else "exam",
        speciality=blueprint.speciality,
    )
    enemies = await fetch_all(
        connection,
        """
        SELECT e.item_id, e.other_id FROM question_bank.enemy e
        JOIN question_bank.item i ON i.id = e.item_id
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE v.speciality = :speciality
        """,
        speciality=blueprint.speciality,
    )
    shares: Sequence[RowMapping] = ()
    if blueprint.exposure_cap is not None:
        shares = await fetch_all(
            connection,
            "SELECT item_id, share FROM question_bank.openness WHERE blueprint_id = :id AND share < :whole",
            id=blueprint.id,
            whole=WHOLE,
        )
    # A bank of 100,000 takes seconds, and candidates at work come first.
    return await asyncio.to_thread(_make_pool, blueprint, rows, enemies, shares)


def _make_pool(
    blueprint: Blueprint, rows: Sequence[RowMapping], enemies: Sequence[RowMapping], shares: Sequence[RowMapping]
) -> Pool:
    asked = {(cell.requirement, cell.kind, cell.level) for cell in blueprint.cells}

    def is_asked(row: RowMapping) -> bool:
        if row["pilot"]:
            return bool(row["kind"] == blueprint.pilots_place[0])
        return any(
            (code, row["kind"], level) in asked for code in (None, row["requirement"]) for level in (None, row["level"])
        )

    kept = [row for row in rows if is_asked(row)]
    scored = [row for row in kept if not row["pilot"]]
    found: dict[str, Expectation] = {row["item_id"]: estimate(row["difficulty"]) for row in kept if row["pilot"]}
    expected = expect([_evidence(row) for row in scored], blueprint.cut)
    found |= {row["item_id"]: one for row, one in zip(scored, expected, strict=True)}
    open_to = {row["item_id"]: row["share"] for row in shares}
    pool = Pool(
        (
            PoolItem(
                ItemId(row["item_id"]),
                row["version"],
                row["requirement"],
                row["kind"],
                row["limit_ms"],
                found[row["item_id"]].expected,
                read_stages(row["stages"]),
                row["level"],
                found[row["item_id"]].information,
                open_to.get(row["item_id"], WHOLE),
                row["pilot"],
            )
            for row in kept
        ),
        ((ItemId(row["item_id"]), ItemId(row["other_id"])) for row in enemies),
    )
    # Worked out here, as it takes long: draws find it.
    assert pool.snapshot
    with suppress(Conflict):
        find_plan(blueprint, pool)
    return pool


def _evidence(row: RowMapping) -> Evidence:
    calibration = None if row["a"] is None else Calibration(row["a"], row["b"])
    return Evidence(row["difficulty"], calibration, row["rating"])


async def save_snapshot(connection: AsyncConnection, pool: Pool, at: Moment) -> str:
    """Keep which item versions a pool has; returns the digest. A snapshot that is kept already is left."""
    known = await fetch_one(
        connection, "SELECT 1 FROM question_bank.snapshot WHERE digest = :digest", digest=pool.snapshot
    )
    if known is None:
        await execute(
            connection,
            """
            INSERT INTO question_bank.snapshot (digest, packed, saved_at)
            VALUES (:digest, :packed, :at) ON CONFLICT DO NOTHING
            """,
            digest=pool.snapshot,
            packed=await asyncio.to_thread(pack, pool),
            at=at,
        )
    return pool.snapshot


async def load_snapshot(connection: AsyncConnection, digest: str) -> Pool:
    """The pool as it was when a form was drawn, whatever became of its items since.

    Raises NotFound (`snapshot_unknown`), Conflict (`snapshot_old` where an earlier release kept it, `snapshot_broken`
    where what is stored does not add up to the digest).
    """
    row = await fetch_one(connection, "SELECT packed FROM question_bank.snapshot WHERE digest = :digest", digest=digest)
    if row is None:
        raise NotFound("snapshot_unknown", "Снимка пула заданий нет. Проверьте номер тестирования.")
    if row["packed"] is None:
        raise Conflict("snapshot_old", "Снимок пула сохранил прежний выпуск программы: только он и может его прочесть.")
    try:
        kept = unpack(row["packed"])
    except ValueError as error:
        raise _broken() from error
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.requirement, v.kind, v.level, v.limit_ms, wanted.place,
               (v.content -> 'stages')::text AS stages
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[]))
            WITH ORDINALITY AS wanted(item_id, version, place)
        JOIN question_bank.item_version v USING (item_id, version)
        """,
        items=kept.items,
        versions=kept.versions,
    )
    pool = await asyncio.to_thread(_restore, kept, rows)
    if pool.snapshot != digest:
        raise _broken()
    return pool


def _restore(kept: Columns, rows: Sequence[RowMapping]) -> Pool:
    pilots = set(kept.pilots)
    items = []
    for row in rows:
        place = row["place"] - 1
        items.append(
            PoolItem(
                ItemId(row["item_id"]),
                row["version"],
                row["requirement"],
                row["kind"],
                row["limit_ms"],
                kept.expected[place],
                read_stages(row["stages"]),
                row["level"],
                kept.information[place],
                kept.shares.get(place, WHOLE),
                place in pilots,
            )
        )
    pool = Pool(items, kept.pairs())
    assert pool.snapshot
    return pool


def _broken() -> Conflict:
    return Conflict("snapshot_broken", "Снимок пула не сходится со своей контрольной суммой. Сообщите администратору.")


class PreparedPools:
    """Pools kept between draws for as long as nothing that can be drawn changes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[tuple[int, int], Pool]] = {}
        self._loading: dict[tuple[str, int], asyncio.Lock] = {}

    async def pool(self, connection: AsyncConnection, blueprint: Blueprint) -> Pool:
        """The pool of a blueprint's version, loaded again only after the bank has changed, or the shares of its items.

        The bank does not change again before the transaction ends: a form that is drawn in it is there by the time
        that somebody who withdraws an item looks for the forms that have it.
        """
        row = await fetch_one(
            connection,
            """
            SELECT s.revision, coalesce(c.round, 0) AS round FROM question_bank.speciality s
            LEFT JOIN question_bank.exposure_control c ON c.blueprint_id = :blueprint
            WHERE s.code = :code FOR SHARE OF s
            """,
            code=blueprint.speciality,
            blueprint=blueprint.id if blueprint.exposure_cap is not None else None,
        )
        state = (-1, 0) if row is None else (int(row["revision"]), int(row["round"]))
        key = (blueprint.id, blueprint.version)
        # Hundreds may come in at once after a change: one of them loads, the others wait for it.
        async with self._loading.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is not None and kept[0] == state:
                return kept[1]
            pool = await load_pool(connection, blueprint)
            self._kept[key] = (state, pool)
        return pool


def read_stages(text: str) -> tuple[FormStage, ...]:
    """Kinds and choices from the stages of a version's content."""
    return tuple(FormStage(stage.kind, tuple(choice.id for choice in stage.choices)) for stage in _stages.decode(text))
