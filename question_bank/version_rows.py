"""The rows of item versions: what is refused before they are written, how they are written and read back.

A version is one row of item_version (what may be drawn and shown) and one of item_key (roles, weights, explanation).
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from core.errors import Conflict, Invalid
from core.ids import AssetId, ChoiceId, ItemId, PersonId
from core.moments import Moment
from question_bank.asset_store import load_sizes
from question_bank.candidate_store import decode_content, encode_content
from question_bank.faults import find_faults
from question_bank.forms import ItemPool
from question_bank.items import Choice, Item, Role, Stage, candidate_copy, change_texts
from question_bank.likeness import sketch_all, texts_of
from question_bank.markup import clean, find_assets, read_plain, set_sizes
from question_bank.requirement_store import list_requirements
from question_bank.word_store import keep_words
from question_bank.wording import fold, words_of
from question_bank.workflow import State


class _StageKey(Struct, frozen=True):
    """One element of the jsonb column item_key.stages; roles stand in the author's order."""

    weight: int
    roles: tuple[tuple[ChoiceId, Role], ...]


_keys = msgspec.json.Decoder(tuple[_StageKey, ...])
_sources = msgspec.json.Decoder(tuple[str, ...])


async def insert_versions(
    connection: AsyncConnection, items: Sequence[Item], state: State, author: PersonId | None, at: Moment
) -> None:
    """The rows of versions whose items are there. Nothing is checked: they come from `dress`."""
    texts = [search_words(item) for item in items]
    await execute(
        connection,
        """
        INSERT INTO question_bank.item_version
            (item_id, version, speciality, requirement, kind, level, difficulty, limit_ms, content, words,
             published_at, state, ready, author, tags, language, sketch)
        SELECT id, version, speciality, requirement, kind, level, difficulty, limit_ms,
               CAST(content AS jsonb), to_tsvector('russian', words), :at, :state, ready, :author,
               ARRAY(SELECT jsonb_array_elements_text(CAST(tags AS jsonb))), language, CAST(sketch AS int[])
        FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:specialities AS text[]),
                    CAST(:requirements AS text[]), CAST(:kinds AS text[]), CAST(:levels AS text[]),
                    CAST(:difficulties AS float8[]), CAST(:limits AS int[]), CAST(:contents AS text[]),
                    CAST(:words AS text[]), CAST(:readies AS bool[]), CAST(:tags AS text[]), CAST(:languages AS text[]),
                    CAST(:sketches AS text[]))
            AS t(id, version, speciality, requirement, kind, level, difficulty, limit_ms, content, words, ready, tags,
                 language, sketch)
        """,
        ids=[item.id for item in items],
        versions=[item.version for item in items],
        specialities=[item.speciality for item in items],
        requirements=[item.requirement for item in items],
        kinds=[item.kind for item in items],
        levels=[item.level for item in items],
        difficulties=[item.difficulty for item in items],
        limits=[item.limit for item in items],
        contents=[encode_content(candidate_copy(item)) for item in items],
        words=texts,
        readies=[not find_faults(item).all for item in items],
        tags=[msgspec.json.encode(item.tags).decode() for item in items],
        languages=[item.language for item in items],
        sketches=[f"{{{','.join(map(str, one))}}}" for one in sketch_all([texts_of(item) for item in items])],
        at=at,
        state=state,
        author=author,
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
        ids=[item.id for item in items],
        versions=[item.version for item in items],
        stages=[encode_key(item) for item in items],
        explanations=[item.explanation for item in items],
        sources=[msgspec.json.encode(item.sources).decode() for item in items],
    )
    await keep_words(connection, sorted(set().union(*map(words_of, texts))))


async def refuse_other_pool(connection: AsyncConnection, items: Sequence[Item]) -> None:
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


async def dress(connection: AsyncConnection, items: Sequence[Item]) -> list[Item]:
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


async def refuse_unknown_requirements(connection: AsyncConnection, items: Iterable[Item]) -> None:
    known = {(known.speciality, known.code) for known in await list_requirements(connection)}
    for item in items:
        if (item.speciality, item.requirement) not in known:
            raise Invalid(
                "requirement_unknown",
                f"Задание «{item.id}»: требования {item.requirement} в специальности {item.speciality} нет. "
                "Добавьте требование или исправьте код.",
                fields={"item": item.id, "requirement": item.requirement},
            )


async def count_revision(connection: AsyncConnection, specialities: set[str]) -> None:
    await execute(
        connection,
        """
        UPDATE question_bank.speciality SET revision = revision + 1
        WHERE code = ANY(CAST(:codes AS text[]))
        """,
        codes=sorted(specialities),
    )


def encode_key(item: Item) -> str:
    stages = [
        _StageKey(stage.weight, tuple((choice.id, choice.role) for choice in stage.choices)) for stage in item.stages
    ]
    return msgspec.json.encode(stages).decode()


def read_item(row: RowMapping) -> Item:
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
        tuple(row["tags"]),
        row["language"],
    )


def search_words(item: Item) -> str:
    parts = [item.stem]
    for stage in item.stages:
        parts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    return fold("\n".join(read_plain(part) if item.markup == "html" else part for part in parts))


def _assets(item: Item) -> tuple[AssetId, ...]:
    return candidate_copy(item).assets + find_assets(item.explanation)
