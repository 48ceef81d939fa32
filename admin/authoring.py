"""Writing an item at the desk: what the editor opens with, checks while one types, working copies, versions saved."""

import asyncio
import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import Permission, Principal, people
from core.database import fetch_all
from core.errors import AccreditationError, Conflict, Invalid, NotFound
from core.ids import ItemId
from core.moments import Moment
from question_bank.asset_store import load_sizes
from question_bank.differences import Difference, compare
from question_bank.drafts import Defaults, Draft, DraftChoice, DraftStage, draft_of, fill, make_item
from question_bank.enemy_store import list_enemies, set_enemies
from question_bank.faults import MAX_STAGES, Faults, find_faults, is_plain
from question_bank.items import OPTIONS, Item, Role, candidate_copy
from question_bank.markup import find_assets, read_plain
from question_bank.requirement_store import list_requirements
from question_bank.store import load_items
from question_bank.version_store import load_line, move_version, read_words, save_version
from question_bank.workflow import Actor, State
from question_bank.working_copies import WorkingCopy, drop_copy, keep_copy, load_copy

BLANK = "Заполните поле."
MOST_FOUND = 20
MOST_ENEMIES = 50
MOST_STAGES = 50
MOST_CHOICES = 100
"""More than an item may have, so that its author is told of them as of other faults; far more is not even looked at."""
LONGEST_STEM = 160

_NEW = re.compile(r"i[0-9]{6,12}", re.ASCII)
_UNSAID = Defaults("", "")


class Letter(Struct, frozen=True, forbid_unknown_fields=True):
    """What the editor sends. `based_on`: the version that the draft was begun from; 0: a new item."""

    based_on: Annotated[int, Meta(ge=0, le=1_000_000)]
    draft: Draft
    words: str = ""
    send: bool = False
    """To review, once it is saved."""
    enemies: tuple[str, ...] | None = None
    """None: left as they are."""


class Sheet(Struct, frozen=True):
    """What the editor opens with. `latest` 0: nobody has saved a version."""

    item: ItemId
    latest: int
    state: State | None
    draft: Draft
    copy: WorkingCopy | None
    """What the author was typing and did not save."""
    enemies: tuple[ItemId, ...]


class Checked(Struct, frozen=True):
    """Sentences by field."""

    unfit: dict[str, str]
    unready: dict[str, str]


class Saved(Struct, frozen=True):
    """`refusal`: why the version, which is saved, did not go to review."""

    version: int
    state: State
    refusal: AccreditationError | None = None


class Overtaken(Struct, frozen=True):
    """The newest version, and what an author's own draft changes in it."""

    version: int
    author: str
    saved_at: Moment
    draft: Draft
    difference: Difference


class FoundRequirement(Struct, frozen=True):
    speciality: str
    code: str
    title: str
    section: str


class NamedItem(Struct, frozen=True):
    """`stem`: its beginning, in plain words."""

    item: ItemId
    stem: str


_letters = msgspec.json.Decoder(Letter)


def read_letter(body: bytes) -> Letter:
    """Raises Invalid (`draft_invalid`) for what is no letter, and for texts that no keyboard writes."""
    try:
        letter = _letters.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Invalid(
            "draft_invalid",
            "Данные страницы не прочитаны. Обновите страницу и повторите.",
            fields={"body": str(error)[:200]},
        ) from None
    stages = letter.draft.stages
    if len(stages) > MOST_STAGES or any(len(stage.choices) > MOST_CHOICES for stage in stages):
        raise Invalid(
            "draft_invalid",
            "В задании слишком много шагов или вариантов. Разделите его.",
            fields={"stages": f"Не больше {MAX_STAGES} шагов."},
        )
    if not is_plain(_all_text(letter)):
        raise Invalid(
            "draft_invalid",
            "В тексте есть управляющие знаки. Уберите их и повторите.",
            fields={"body": "Уберите управляющие знаки."},
        )
    return letter


def actor_of(reader: Principal) -> Actor:
    return Actor(reader.id, reader.may(Permission.BANK_EDIT), reader.may(Permission.BANK_APPROVE))


def blank_draft() -> Draft:
    """What a new item begins as: four empty options, none of them the key yet."""
    options = tuple(DraftChoice("", Role.DISTRACTOR) for _ in range(OPTIONS))
    return fill(Draft("", (DraftStage(options),)), _UNSAID)


async def open_editor(connection: AsyncConnection, item: ItemId, reader: Principal, now: Moment) -> Sheet:
    """The newest version as a draft; an item number that was never saved opens blank. Reading a key is written down.

    Raises NotFound (`item_unknown`), Conflict (`item_withdrawn`).
    """
    copy = await load_copy(connection, reader.id, item)
    try:
        line = await load_line(connection, item)
    except NotFound:
        if _NEW.fullmatch(item) is None:
            raise
        return Sheet(item, 0, None, blank_draft(), copy, ())
    if line.service == "withdrawn":
        raise Conflict("item_withdrawn", "Задание отозвано и больше не используется. Создайте новое.")
    newest = (await load_items(connection, [(item, line.latest)]))[item, line.latest]
    await journal.record(
        connection, f"person:{reader.id}", "bank.item_read", f"item:{item}", {"version": line.latest}, now
    )
    enemies = tuple(await list_enemies(connection, item))
    return Sheet(item, line.latest, line.versions[0].state, draft_of(newest), copy, enemies)


async def check(connection: AsyncConnection, item: ItemId, draft: Draft) -> Checked:
    """All that is wrong with a draft now, as save and send would find it."""
    faults = _faults(draft, item)
    unfit, unready = dict(faults.unfit), dict(faults.unready)
    for name in ("level", "difficulty", "limit"):
        if getattr(draft, name) is None:
            unfit[name] = BLANK
    if draft.requirement and "requirement" not in unfit:
        known = {one.code: one for one in await list_requirements(connection, draft.speciality)}
        if draft.requirement not in known:
            unfit["requirement"] = "Такого требования в этой специальности нет. Выберите из списка."
        elif known[draft.requirement].repealed_at is not None:
            unready["requirement"] = "Требование отменено. Выберите действующее."
    if draft.markup == "html":
        unfit |= await _lost_pictures(connection, make_item(fill(draft, _UNSAID), item, 1))
    return Checked(unfit, {field: sentence for field, sentence in unready.items() if field not in unfit})


async def keep(connection: AsyncConnection, item: ItemId, letter: Letter, reader: Principal, now: Moment) -> None:
    """Keep what is being typed; it need not be complete. Raises NotFound (`item_unknown`), TooLarge."""
    await _refuse_stranger(connection, item)
    await keep_copy(connection, reader.id, item, letter.based_on, letter.draft, now)


async def save(connection: AsyncConnection, item: ItemId, letter: Letter, reader: Principal, now: Moment) -> Saved:
    """The draft as the next version, and to review where that is wanted: what cannot go there is saved all the same.

    Raises what save_version and read_words do, NotFound (`item_unknown`).
    """
    await _refuse_stranger(connection, item)
    words = read_words(letter.words)
    version = await save_version(connection, item, letter.based_on, letter.draft, reader.id, now, words)
    await drop_copy(connection, reader.id, item)
    if letter.enemies is not None:
        await declare_enemies(connection, item, letter.enemies, reader, now)
    who, what = f"person:{reader.id}", f"item:{item}"
    await journal.record(connection, who, "bank.version_saved", what, {"version": version}, now)
    line = await load_line(connection, item)
    state = line.versions[0].state
    if not letter.send or state == "review":
        return Saved(version, state)
    if state != "draft":
        same = "Текст такой же, как в версии, которая уже прошла проверку."
        return Saved(version, state, Conflict("nothing_changed", same))
    try:
        # A refused move has written nothing.
        state = await move_version(connection, item, version, "send", actor_of(reader), now)
    except Conflict as refusal:
        return Saved(version, state, refusal)
    await journal.record(connection, who, "bank.version_moved", what, {"version": version, "move": "send"}, now)
    return Saved(version, state)


async def declare_enemies(
    connection: AsyncConnection, item: ItemId, others: tuple[str, ...], reader: Principal, now: Moment
) -> None:
    """Raises Invalid (`too_many_enemies`), NotFound (`item_unknown`)."""
    wanted = sorted({ItemId(other.strip()) for other in others if other.strip() and is_plain(other)})
    if len(wanted) > MOST_ENEMIES:
        raise Invalid("too_many_enemies", "Слишком много несовместимых заданий. Оставьте не больше 50.")
    if wanted == await list_enemies(connection, item):
        return
    await set_enemies(connection, item, wanted, reader.id, now)
    await journal.record(
        connection, f"person:{reader.id}", "bank.enemies_set", f"item:{item}", {"enemies": " ".join(wanted)}, now
    )


async def compare_with_newest(
    connection: AsyncConnection, item: ItemId, draft: Draft, reader: Principal, now: Moment
) -> Overtaken:
    """What somebody saved in between, and how one's own draft differs from it. Raises NotFound (`item_unknown`)."""
    line = await load_line(connection, item)
    row = line.versions[0]
    newest = draft_of((await load_items(connection, [(item, row.version)]))[item, row.version])
    await journal.record(
        connection, f"person:{reader.id}", "bank.item_read", f"item:{item}", {"version": row.version}, now
    )
    authors = await people(connection, [] if row.author is None else [row.author])
    # In a thread: whoever compares long texts keeps nobody else waiting.
    difference = await asyncio.to_thread(compare, newest, draft)
    return Overtaken(row.version, authors[0].name if authors else "", row.saved_at, newest, difference)


async def find_requirements(connection: AsyncConnection, words: str, speciality: str) -> list[FoundRequirement]:
    """Requirements in force that have all the words in code, title or section; at most MOST_FOUND, by code."""
    terms = [f"%{term}%" for term in re.sub(r"[%_\\]", " ", words.lower().replace("ё", "е")).split()[:8]]
    rows = await fetch_all(
        connection,
        """
        SELECT speciality, code, title, section FROM question_bank.requirement
        WHERE repealed_at IS NULL AND (:speciality = '' OR speciality = :speciality)
          AND replace(lower(code || ' ' || title || ' ' || section), 'ё', 'е') LIKE ALL (CAST(:terms AS text[]))
        ORDER BY speciality, code LIMIT :most
        """,
        speciality=speciality,
        terms=terms,
        most=MOST_FOUND,
    )
    return [FoundRequirement(row["speciality"], row["code"], row["title"], row["section"]) for row in rows]


async def list_stems(connection: AsyncConnection, items: Iterable[ItemId]) -> list[NamedItem]:
    rows = await fetch_all(
        connection,
        """
        SELECT i.id, v.content ->> 'stem' AS stem, v.content ->> 'markup' AS markup FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE i.id = ANY(CAST(:ids AS text[])) ORDER BY i.id
        """,
        ids=list(items),
    )
    return [
        NamedItem(row["id"], (read_plain(row["stem"]) if row["markup"] == "html" else row["stem"])[:LONGEST_STEM])
        for row in rows
    ]


def _faults(draft: Draft, item: ItemId) -> Faults:
    return find_faults(make_item(fill(draft, _UNSAID), item, 1))


async def _lost_pictures(connection: AsyncConnection, item: Item) -> dict[str, str]:
    named = {*candidate_copy(item).assets, *find_assets(item.explanation)}
    known = await load_sizes(connection, named)
    lost = {asset for asset in named if asset not in known}
    places = {"stem": item.stem, "explanation": item.explanation}
    for number, stage in enumerate(item.stages):
        places |= {f"stages.{number}.prompt": stage.prompt, f"stages.{number}.reveal": stage.reveal}
        places[f"stages.{number}.choices"] = "".join(choice.text for choice in stage.choices)
    return {
        field: "Изображения больше нет. Загрузите его снова."
        for field, text in places.items()
        if lost & set(find_assets(text))
    }


async def _refuse_stranger(connection: AsyncConnection, item: ItemId) -> None:
    """Only numbers that the bank gives out become items."""
    if _NEW.fullmatch(item) is None:
        await load_line(connection, item)


def _all_text(letter: Letter) -> str:
    draft = letter.draft
    parts = [letter.words, draft.stem, draft.explanation, draft.speciality, draft.requirement]
    parts += [*draft.sources, *draft.tags, *(letter.enemies or ())]
    for stage in draft.stages:
        parts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    return "\n".join(parts)
