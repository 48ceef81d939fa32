"""Loads what forms are drawn from, and keeps it: a form can be proved only with its pool.

Reads no keys, so that whatever draws forms need not be able to.
"""

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, NotFound
from core.ids import ChoiceId, ItemId
from core.moments import Moment
from question_bank.blueprints import Blueprint
from question_bank.forms import FormStage, StageKind
from question_bank.pool import WHOLE, Pool, PoolItem


class _ChoiceId(Struct, frozen=True):
    id: ChoiceId


class _Stage(Struct, frozen=True):
    kind: StageKind
    choices: tuple[_ChoiceId, ...]


_stages = msgspec.json.Decoder(tuple[_Stage, ...])
_snapshot = msgspec.json.Decoder(tuple[tuple[ItemId, int, int], ...])


async def load_pool(connection: AsyncConnection, blueprint: Blueprint) -> Pool:
    """The active items of the blueprint's speciality that one of its cells could take, current versions.

    Practice draws from the practice pool alone, and an exam never from it.
    """
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.requirement, v.kind, v.limit_ms, v.difficulty,
               (v.content -> 'stages')::text AS stages
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE i.state = 'active' AND i.pool = :pool AND v.speciality = :speciality
        """,
        pool="practice" if blueprint.practice else "exam",
        speciality=blueprint.speciality,
    )
    wanted = {(cell.requirement, cell.kind) for cell in blueprint.cells}
    return Pool(
        PoolItem(
            ItemId(row["item_id"]),
            row["version"],
            row["requirement"],
            row["kind"],
            row["limit_ms"],
            round(row["difficulty"] * WHOLE),
            _form_stages(row["stages"]),
        )
        for row in rows
        if (None, row["kind"]) in wanted or (row["requirement"], row["kind"]) in wanted
    )


async def save_snapshot(connection: AsyncConnection, pool: Pool, at: Moment) -> str:
    """Keep which item versions a pool has; returns the digest. A snapshot that is kept already is left."""
    known = await fetch_one(
        connection, "SELECT 1 FROM question_bank.snapshot WHERE digest = :digest", digest=pool.snapshot
    )
    if known is None:
        await execute(
            connection,
            """
            INSERT INTO question_bank.snapshot (digest, items, saved_at)
            VALUES (:digest, CAST(:items AS jsonb), :at) ON CONFLICT DO NOTHING
            """,
            digest=pool.snapshot,
            items=msgspec.json.encode([(i.item, i.version, i.expected) for i in pool.items]).decode(),
            at=at,
        )
    return pool.snapshot


async def load_snapshot(connection: AsyncConnection, digest: str) -> Pool:
    """The pool as it was when a form was drawn, whatever became of its items since.

    Raises NotFound (`snapshot_unknown`), Conflict (`snapshot_broken`) when what is stored no longer
    adds up to the digest.
    """
    row = await fetch_one(
        connection,
        "SELECT items::text AS items FROM question_bank.snapshot WHERE digest = :digest",
        digest=digest,
    )
    if row is None:
        raise NotFound("snapshot_unknown", "Снимка пула заданий нет. Проверьте номер тестирования.")
    listed = _snapshot.decode(row["items"])
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.requirement, v.kind, v.limit_ms, wanted.expected,
               (v.content -> 'stages')::text AS stages
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[]), CAST(:expected AS int[]))
            AS wanted(item_id, version, expected)
        JOIN question_bank.item_version v USING (item_id, version)
        """,
        items=[item for item, _, _ in listed],
        versions=[version for _, version, _ in listed],
        expected=[expected for _, _, expected in listed],
    )
    pool = Pool(
        PoolItem(
            ItemId(row["item_id"]),
            row["version"],
            row["requirement"],
            row["kind"],
            row["limit_ms"],
            row["expected"],
            _form_stages(row["stages"]),
        )
        for row in rows
    )
    if pool.snapshot != digest:
        raise Conflict(
            "snapshot_broken", "Снимок пула не сходится со своей контрольной суммой. Сообщите администратору."
        )
    return pool


class PreparedPools:
    """Pools kept between draws for as long as nothing that can be drawn changes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[int, Pool]] = {}

    async def pool(self, connection: AsyncConnection, blueprint: Blueprint) -> Pool:
        """The pool of a blueprint's version, loaded again only after the bank has changed.

        The bank does not change again before the transaction ends: a form that is drawn in it is there by the time
        that somebody who withdraws an item looks for the forms that have it.
        """
        row = await fetch_one(
            connection,
            "SELECT revision FROM question_bank.speciality WHERE code = :code FOR SHARE",
            code=blueprint.speciality,
        )
        revision = -1 if row is None else int(row["revision"])
        key = (blueprint.id, blueprint.version)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == revision:
            return kept[1]
        pool = await load_pool(connection, blueprint)
        self._kept[key] = (revision, pool)
        return pool


def _form_stages(text: str) -> tuple[FormStage, ...]:
    return tuple(FormStage(stage.kind, tuple(choice.id for choice in stage.choices)) for stage in _stages.decode(text))
