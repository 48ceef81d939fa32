"""Items with their keys in PostgreSQL: publish, load for marking, list for the methodologist.

Nothing that serves a candidate imports this module; see candidate_store and pool_store.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import AssetId, ChoiceId, ItemId
from core.moments import Moment, Span
from question_bank.asset_store import load_sizes
from question_bank.candidate_store import ItemRef, decode_content, encode_content, refuse_missing
from question_bank.faults import refuse_unready
from question_bank.forms import ItemKind, ItemPool
from question_bank.items import Choice, Item, Level, Role, Stage, candidate_copy, change_texts
from question_bank.markup import clean, find_assets, read_plain, set_sizes
from question_bank.requirement_store import list_requirements

BATCH = 2_000
PAGE = 50
MAX_PAGE = 500


class _StageKey(Struct, frozen=True):
    """One element of the jsonb column item_key.stages; roles stand in the author's order."""

    weight: int
    roles: tuple[tuple[ChoiceId, Role], ...]


_keys = msgspec.json.Decoder(tuple[_StageKey, ...])
_sources = msgspec.json.Decoder(tuple[str, ...])


class ItemRow(Struct, frozen=True):
    """One line of the methodologist's list: the current version of an item."""

    item: ItemId
    version: int
    speciality: str
    requirement: str
    kind: ItemKind
    level: Level
    difficulty: float
    limit: Span
    stem: str
    state: str
    published_at: Moment
    pool: ItemPool


class ItemPage(Struct, frozen=True):
    rows: tuple[ItemRow, ...]
    total: int
    """How many items match in all."""


async def publish_items(connection: AsyncConnection, items: Sequence[Item], at: Moment) -> int:
    """Publish item versions; returns how many were new. A version that is there already is left.

    Rich text is cleaned on the way, and its pictures get their sizes. Raises Invalid for an item that is not
    well-formed, names an unknown requirement or a picture that is not there, Conflict
    (`version_exists`) when a version is there already and is different, or (`pool_fixed`) when the item is of the
    other pool. Nothing is published then
    (the caller's transaction is to be rolled back).
    """
    for item in items:
        refuse_unready(item)
    await _refuse_unknown_requirements(connection, items)
    items = await _dress(connection, items)
    published = 0
    for start in range(0, len(items), BATCH):
        published += await _publish_batch(connection, items[start : start + BATCH], at)
    if published:
        await _count_revision(connection, {item.speciality for item in items})
    return published


async def withdraw_item(connection: AsyncConnection, item: ItemId) -> None:
    """Take an item out of every pool at once; forms that have it keep it. Raises NotFound."""
    row = await fetch_one(
        connection,
        """
        UPDATE question_bank.item i SET state = 'withdrawn' FROM question_bank.item_version v
        WHERE i.id = :item AND v.item_id = i.id AND v.version = i.version RETURNING v.speciality
        """,
        item=item,
    )
    if row is None:
        raise NotFound("item_unknown", f"Задания «{item}» в банке нет.", fields={"item": item})
    await _count_revision(connection, {row["speciality"]})


async def load_items(connection: AsyncConnection, refs: Iterable[ItemRef]) -> dict[ItemRef, Item]:
    """Item versions with their keys, for marking and for staff.

    Raises NotFound (`item_unknown`) naming the first version that does not exist.
    """
    wanted = list(dict.fromkeys(refs))
    items = await _present_items(connection, wanted)
    refuse_missing(wanted, items.keys())
    return items


async def current_version(connection: AsyncConnection, item: ItemId) -> int:
    """The version that new forms take. Raises NotFound (`item_unknown`)."""
    row = await fetch_one(connection, "SELECT version FROM question_bank.item WHERE id = :item", item=item)
    if row is None:
        raise NotFound("item_unknown", f"Задания «{item}» в банке нет.", fields={"item": item})
    return int(row["version"])


async def list_items(
    connection: AsyncConnection,
    *,
    speciality: str | None = None,
    requirement: str | None = None,
    kind: ItemKind | None = None,
    words: str = "",
    limit: int = PAGE,
    offset: int = 0,
) -> ItemPage:
    """One page of items, by id.

    `words` looks in stems, prompts and choices (Russian morphology; quotes and minus as in web search)
    and at the beginning of ids.
    """
    filters = """
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE (CAST(:speciality AS text) IS NULL OR v.speciality = :speciality)
          AND (CAST(:requirement AS text) IS NULL OR v.requirement = :requirement)
          AND (CAST(:kind AS text) IS NULL OR v.kind = :kind)
          AND (CAST(:words AS text) = '' OR v.words @@ websearch_to_tsquery('russian', :words)
               OR starts_with(lower(i.id), :words))
    """
    values = {
        "speciality": speciality or None,
        "requirement": requirement or None,
        "kind": kind,
        "words": _fold(words).strip()[:200],
    }
    total = await fetch_one(connection, f"SELECT count(*) AS total {filters}", **values)
    rows = await fetch_all(
        connection,
        f"""
        SELECT i.id, i.state, v.version, v.speciality, v.requirement, v.kind, v.level, v.difficulty,
               v.limit_ms, v.content ->> 'stem' AS stem, v.content ->> 'markup' AS markup, v.published_at, i.pool
        {filters} ORDER BY i.id LIMIT :limit OFFSET :offset
        """,
        **values,
        limit=max(1, min(limit, MAX_PAGE)),
        offset=max(0, offset),
    )
    return ItemPage(tuple(_row(row) for row in rows), 0 if total is None else int(total["total"]))


async def _present_items(connection: AsyncConnection, wanted: Sequence[ItemRef]) -> dict[ItemRef, Item]:
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.speciality, v.requirement, v.level, v.difficulty, v.limit_ms,
               v.content::text AS content, k.stages::text AS stages, k.explanation, k.sources::text AS sources,
               i.pool
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS wanted(item_id, version)
        JOIN question_bank.item_version v USING (item_id, version)
        JOIN question_bank.item_key k USING (item_id, version)
        JOIN question_bank.item i ON i.id = item_id
        """,
        items=[item for item, _ in wanted],
        versions=[version for _, version in wanted],
    )
    return {(ItemId(row["item_id"]), row["version"]): _item(row) for row in rows}


async def _publish_batch(connection: AsyncConnection, items: Sequence[Item], at: Moment) -> int:
    refs = [(item.id, item.version) for item in items]
    if len(set(refs)) != len(refs):
        raise Invalid("item_repeated", "Задание встречается в списке дважды. Уберите повтор.")
    present = await _present_items(connection, refs)
    for item in items:
        known = present.get((item.id, item.version))
        if known is not None and known != item:
            raise Conflict(
                "version_exists",
                f"Версия {item.version} задания «{item.id}» уже опубликована и отличается. "
                "Опубликуйте изменения новой версией.",
                fields={"item": item.id},
            )
    fresh = [item for item in items if (item.id, item.version) not in present]
    if not fresh:
        return 0
    await _refuse_other_pool(connection, fresh)
    await execute(
        connection,
        """
        INSERT INTO question_bank.item (id, version, pool)
        SELECT id, max(version), min(pool)
        FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:pools AS text[])) AS t(id, version, pool)
        GROUP BY id ORDER BY id
        ON CONFLICT (id) DO UPDATE SET version = greatest(question_bank.item.version, excluded.version)
        """,
        ids=[item.id for item in fresh],
        versions=[item.version for item in fresh],
        pools=[item.pool for item in fresh],
    )
    await execute(
        connection,
        """
        INSERT INTO question_bank.item_version
            (item_id, version, speciality, requirement, kind, level, difficulty, limit_ms, content, words,
             published_at)
        SELECT id, version, speciality, requirement, kind, level, difficulty, limit_ms,
               CAST(content AS jsonb), to_tsvector('russian', words), :at
        FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:specialities AS text[]),
                    CAST(:requirements AS text[]), CAST(:kinds AS text[]), CAST(:levels AS text[]),
                    CAST(:difficulties AS float8[]), CAST(:limits AS int[]), CAST(:contents AS text[]),
                    CAST(:words AS text[]))
            AS t(id, version, speciality, requirement, kind, level, difficulty, limit_ms, content, words)
        """,
        ids=[item.id for item in fresh],
        versions=[item.version for item in fresh],
        specialities=[item.speciality for item in fresh],
        requirements=[item.requirement for item in fresh],
        kinds=[item.kind for item in fresh],
        levels=[item.level for item in fresh],
        difficulties=[item.difficulty for item in fresh],
        limits=[item.limit for item in fresh],
        contents=[encode_content(candidate_copy(item)) for item in fresh],
        words=[_words(item) for item in fresh],
        at=at,
    )
    await execute(
        connection,
        """
        INSERT INTO question_bank.item_key (item_id, version, stages, explanation, sources)
        SELECT id, version, CAST(stages AS jsonb), explanation, CAST(sources AS jsonb)
        FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:stages AS text[]),
                    CAST(:explanations AS text[]), CAST(:sources AS text[]))
            AS t(id, version, stages, explanation, sources)
        """,
        ids=[item.id for item in fresh],
        versions=[item.version for item in fresh],
        stages=[_encode_key(item) for item in fresh],
        explanations=[item.explanation for item in fresh],
        sources=[msgspec.json.encode(item.sources).decode() for item in fresh],
    )
    return len(fresh)


async def _refuse_other_pool(connection: AsyncConnection, items: Sequence[Item]) -> None:
    """An item stays in the pool of its first version: practice has shown its key to whoever asked."""
    rows = await fetch_all(
        connection,
        "SELECT id, pool FROM question_bank.item WHERE id = ANY(CAST(:ids AS text[]))",
        ids=[item.id for item in items],
    )
    pools: dict[str, ItemPool] = {row["id"]: row["pool"] for row in rows}
    for item in items:
        if pools.setdefault(item.id, item.pool) != item.pool:
            raise Conflict(
                "pool_fixed",
                f"Задание «{item.id}» нельзя перенести между тренировкой и экзаменом. "
                "Опубликуйте его как новое задание под другим номером.",
                fields={"item": item.id},
            )


async def _dress(connection: AsyncConnection, items: Sequence[Item]) -> list[Item]:
    """Rich items as they are kept: clean, with the sizes of their pictures. Raises Invalid (`asset_unknown`)."""
    cleaned = [change_texts(item, clean) if item.markup == "html" else item for item in items]
    assets = {(item.id, item.version): _assets(item) for item in cleaned if item.markup == "html"}
    sizes = await load_sizes(connection, (asset for named in assets.values() for asset in named))
    for (item_id, _), named in assets.items():
        for asset in named:
            if asset not in sizes:
                raise Invalid(
                    "asset_unknown",
                    f"Задание «{item_id}»: изображения «{asset}» нет. Загрузите его или исправьте имя.",
                    fields={"item": item_id, "asset": asset},
                )

    def size(text: str) -> str:
        return set_sizes(text, sizes)

    return [change_texts(item, size) if item.markup == "html" else item for item in cleaned]


def _assets(item: Item) -> tuple[AssetId, ...]:
    return candidate_copy(item).assets + find_assets(item.explanation)


async def _refuse_unknown_requirements(connection: AsyncConnection, items: Iterable[Item]) -> None:
    known = {(known.speciality, known.code) for known in await list_requirements(connection)}
    for item in items:
        if (item.speciality, item.requirement) not in known:
            raise Invalid(
                "requirement_unknown",
                f"Задание «{item.id}»: требования {item.requirement} в специальности {item.speciality} нет. "
                "Добавьте требование или исправьте код.",
                fields={"item": item.id, "requirement": item.requirement},
            )


async def _count_revision(connection: AsyncConnection, specialities: set[str]) -> None:
    await execute(
        connection,
        """
        UPDATE question_bank.speciality SET revision = revision + 1
        WHERE code = ANY(CAST(:codes AS text[]))
        """,
        codes=sorted(specialities),
    )


def _encode_key(item: Item) -> str:
    stages = [
        _StageKey(stage.weight, tuple((choice.id, choice.role) for choice in stage.choices)) for stage in item.stages
    ]
    return msgspec.json.encode(stages).decode()


def _item(row: RowMapping) -> Item:
    content = decode_content(row["content"])
    stages = []
    for stage, key in zip(content.stages, _keys.decode(row["stages"]), strict=True):
        texts = {choice.id: choice.text for choice in stage.choices}
        choices = tuple(Choice(id, texts[id], role) for id, role in key.roles)
        stages.append(Stage(stage.kind, stage.prompt, stage.reveal, choices, stage.ordered, key.weight))
    return Item(
        ItemId(row["item_id"]),
        row["version"],
        row["speciality"],
        row["requirement"],
        row["level"],
        row["difficulty"],
        row["limit_ms"],
        content.stem,
        tuple(stages),
        row["explanation"],
        row["pool"],
        _sources.decode(row["sources"]),
        content.markup,
    )


def _row(row: RowMapping) -> ItemRow:
    return ItemRow(
        ItemId(row["id"]),
        row["version"],
        row["speciality"],
        row["requirement"],
        row["kind"],
        row["level"],
        row["difficulty"],
        row["limit_ms"],
        read_plain(row["stem"]) if row["markup"] == "html" else row["stem"],
        row["state"],
        row["published_at"],
        row["pool"],
    )


def _words(item: Item) -> str:
    parts = [item.stem]
    for stage in item.stages:
        parts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    return _fold("\n".join(read_plain(part) if item.markup == "html" else part for part in parts))


def _fold(text: str) -> str:
    """The same word typed with ё or with е is found either way."""
    return text.lower().replace("ё", "е")
