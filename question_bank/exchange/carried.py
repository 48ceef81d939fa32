"""What formats of others have no place for, carried beside the item so that it comes home as it was. Pure.

Once exactly, as JSON, which whoever does not know it passes over; and once as tags, as far as tags can, for what has
been through a Moodle in between.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from core.moments import Span
from question_bank.drafts import Draft, DraftStage
from question_bank.exchange.entries import Leaving, Remark
from question_bank.faults import MAX_TAG, MAX_TAGS, drop_controls, is_plain
from question_bank.forms import ItemPool, Language, Level
from question_bank.items import Role
from question_bank.markup import Markup

MARK = "accreditation"
"""By which whoever reads knows it again."""
_TAG_MARK = "bank:"
LONGEST_TAG = 50
"""What a Moodle keeps of one."""


class Carried(Struct, frozen=True, omit_defaults=True):
    home: str = ""
    markup: Markup | None = None
    speciality: str = ""
    requirement: str = ""
    level: Level | None = None
    difficulty: float | None = None
    limit: Span | None = None
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    """None: they stand where the format has them."""
    language: Language | None = None
    pool: ItemPool | None = None
    weight: int = 1
    enemies: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(Carried)
UNREAD = Remark("loss", "own_unread", "Сведения о задании, записанные этой системой, повреждены и не прочитаны.")
SPACES = Remark("note", "spaces", "Пробелы по краям текстов в этот формат не помещаются и опущены.")
CASE = Remark(
    "loss",
    "case",
    "Ситуационная задача или набор действий: в этом формате для них нет места, задание не записано. "
    "Выберите QTI, XLSX или CSV.",
)
_IN_TAGS = {"item": "home"} | {
    name: name for name in ("speciality", "requirement", "level", "difficulty", "limit", "language", "pool")
}


def carry(item: Leaving, *, tags: bool) -> Carried:
    """`tags`: whether the format itself has no place where they come back as they are."""
    draft = item.draft
    return Carried(
        item.item,
        draft.markup,
        draft.speciality,
        draft.requirement,
        draft.level,
        draft.difficulty,
        draft.limit,
        draft.sources,
        draft.tags if tags else None,
        draft.language,
        draft.pool,
        draft.stages[0].weight if draft.stages else 1,
        item.enemies,
    )


def pack(carried: Carried) -> str:
    return msgspec.json.encode(carried).decode()


def unpack(text: str) -> Carried | None:
    """None where it is not what we write."""
    try:
        return _decoder.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def as_tags(carried: Carried) -> tuple[str, ...]:
    """What tags can hold of it, in words that a person understands too."""
    said = (
        ("item", carried.home),
        ("speciality", carried.speciality),
        ("requirement", carried.requirement),
        ("level", carried.level),
        ("difficulty", carried.difficulty),
        ("limit", carried.limit),
        ("language", carried.language),
        ("pool", carried.pool),
    )
    tags = (f"{_TAG_MARK}{name}={value}" for name, value in said if value not in (None, ""))
    return tuple(tag for tag in tags if len(tag) <= LONGEST_TAG and "," not in tag and "\n" not in tag)


def from_tags(tags: tuple[str, ...]) -> tuple[Carried | None, tuple[str, ...]]:
    """What `as_tags` made, as far as it is there, and the tags that are only tags."""
    if not any(tag.startswith(_TAG_MARK) for tag in tags):
        return None, tags
    said: dict[str, str] = {}
    others = []
    for tag in tags:
        name, sign, value = tag.removeprefix(_TAG_MARK).partition("=")
        if tag.startswith(_TAG_MARK) and sign and value and name in _IN_TAGS:
            said[_IN_TAGS[name]] = value
        else:
            others.append(tag)
    try:
        return msgspec.convert(said, Carried, strict=False), tuple(others)
    except msgspec.ValidationError:
        return None, tags


def give_back(draft: Draft, carried: Carried) -> Draft:
    """The draft with what was carried beside it; what it brings itself (texts, key, tags) is its own."""
    stages = draft.stages
    if carried.weight != 1 and stages:
        stages = (replace(stages[0], weight=carried.weight), *stages[1:])
    return replace(
        draft,
        stages=stages,
        sources=carried.sources,
        speciality=carried.speciality,
        requirement=carried.requirement,
        level=carried.level,
        difficulty=carried.difficulty,
        limit=carried.limit,
        tags=draft.tags if carried.tags is None else carried.tags,
        language=carried.language,
        pool=carried.pool,
    )


def settle_tags(tags: list[str], remarks: list[Remark]) -> tuple[str, ...]:
    """Tags of others as tags may be here; each once."""
    if not tags:
        return ()
    settled = tuple(dict.fromkeys(tag for tag in (" ".join(drop_controls(tag).split()) for tag in tags) if tag))
    cut = tuple(dict.fromkeys(tag[:MAX_TAG].rstrip() for tag in settled))[:MAX_TAGS]
    if cut != settled:
        remarks.append(
            Remark("loss", "tags_cut", f"Меток не больше {MAX_TAGS}, каждая до {MAX_TAG} знаков: лишнее отрезано.")
        )
    return cut


def settle_text(text: str, remarks: list[Remark]) -> str:
    """A text of others without control characters."""
    if is_plain(text):
        return text
    if all(remark.code != "controls_dropped" for remark in remarks):
        remarks.append(Remark("note", "controls_dropped", "Убраны управляющие знаки."))
    return drop_controls(text)


def settle_ends(text: str) -> str:
    """A text of ours with one kind of line end, for formats of lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def find_plain_choice(draft: Draft) -> DraftStage | Remark:
    """The one stage of an item that a format without cases can hold, or why it has no place there."""
    stages = draft.stages
    if len(stages) != 1 or stages[0].kind != "choice" or stages[0].ordered:
        return CASE
    stage = stages[0]
    if stage.prompt.strip() or stage.reveal:
        return CASE
    keys = sum(choice.role == Role.KEY for choice in stage.choices)
    if keys > 1:
        return Remark(
            "loss", "several_keys", "Отмечено несколько эталонов: в этом формате это задание другого вида, не записано."
        )
    return stage
