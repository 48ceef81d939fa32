"""What a package's list of contents says of an item, in the words of LOM (IEEE 1484.12.1): read and written. Pure.

Tags are keywords, the time limit is the typical learning time, sources are what the item is based on, enemies what it
conflicts with; codes, level, difficulty and pool are taxons of a classification of ours.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any, get_args

from msgspec import Struct

from core.moments import SECOND, Span
from question_bank.drafts import Draft
from question_bank.exchange.entries import Leaving
from question_bank.exchange.qti_names import CATALOG
from question_bank.faults import MAX_LIMIT, MAX_TAG, MAX_TAGS, MIN_LIMIT
from question_bank.forms import ItemPool, Language, Level

_DURATION = re.compile(r"P(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})(?:\.(\d{1,3}))?S)?)?", re.ASCII)
_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}
_POOLS: dict[str, ItemPool] = {pool: pool for pool in get_args(ItemPool)}
_LANGUAGES: dict[str, Language] = {language: language for language in get_args(Language)}


class Metadata(Struct, frozen=True):
    """None and "" mean: not said. `home`: the id in a bank of ours."""

    home: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    limit: Span | None = None
    sources: tuple[str, ...] = ()
    enemies: tuple[str, ...] = ()
    codes: dict[str, str] = {}
    """speciality, requirement, level, difficulty, pool."""

    @property
    def level(self) -> Level | None:
        return _LEVELS.get(self.codes.get("level", ""))

    @property
    def pool(self) -> ItemPool | None:
        return _POOLS.get(self.codes.get("pool", ""))

    @property
    def difficulty(self) -> float | None:
        try:
            share = float(self.codes.get("difficulty", ""))
        except ValueError:
            return None
        return share if 0 < share < 1 else None


NOTHING = Metadata()


def language_of(tag: str) -> Language | None:
    """`ru-RU` → `ru`; None for a language that items are not in."""
    return _LANGUAGES.get(tag.strip().lower().partition("-")[0])


def fit_limit(limit: Span) -> Span | None:
    """The limit, or None where no item may have it."""
    return limit if MIN_LIMIT <= limit <= MAX_LIMIT else None


def read_metadata(resource: Any) -> Metadata:
    """What the `metadata` of a resource says, whatever the namespace of its LOM."""
    lom = next((one for one in _named(resource, "metadata") for one in _named(one, "lom")), None)
    if lom is None:
        return NOTHING
    home, language = "", ""
    tags: list[str] = []
    sources: list[str] = []
    enemies: list[str] = []
    codes: dict[str, str] = {}
    limit: Span | None = None
    for part in lom:
        name = _local(part.tag)
        if name == "general":
            for one in part:
                kind = _local(one.tag)
                if kind == "identifier":
                    home = _own_entry(one) or home
                elif kind == "language":
                    language = language or (one.text or "")
                elif kind == "keyword":
                    tags += _strings(one)
        elif name == "educational":
            limit = next((span for one in _named(part, "typicallearningtime") for span in _durations(one)), limit)
        elif name == "relation":
            for one in _named(part, "resource"):
                enemies += [entry for entry in map(_own_entry, _named(one, "identifier")) if entry]
                sources += [text for text in _described(one) if _kind(part) == "isbasedon"]
        elif name == "classification":
            codes |= dict(_taxons(part))
    if not home:  # of others: what may be kept at all
        tags = list(dict.fromkeys(tag.strip() for tag in tags if 0 < len(tag.strip()) <= MAX_TAG))[:MAX_TAGS]
        sources, enemies, codes = [], [], {}
        limit = None if limit is None else fit_limit(limit)
    return Metadata(home, tuple(tags), language, limit, tuple(sources), tuple(enemies), codes)


def write_metadata(leaving: Leaving, title: str) -> str:
    """The `metadata` of an item's resource; `title` is escaped already."""
    draft = leaving.draft
    language = f"<imsmd:language>{draft.language}</imsmd:language>" if draft.language else ""
    keywords = "".join(f"<imsmd:keyword>{_string(tag)}</imsmd:keyword>" for tag in draft.tags)
    learning = (
        ""
        if draft.limit is None
        else "<imsmd:educational><imsmd:typicalLearningTime><imsmd:duration>"
        f"{write_duration(draft.limit)}</imsmd:duration></imsmd:typicalLearningTime></imsmd:educational>"
    )
    based = "".join(
        f"{_relation('LOMv1.0', 'isbasedon')}<imsmd:description>{_string(source)}</imsmd:description>{_RELATION_END}"
        for source in draft.sources
    )
    conflicts = "".join(
        f"{_relation(CATALOG, 'conflictswith')}{_identifier(enemy)}{_RELATION_END}" for enemy in leaving.enemies
    )
    taxons = "".join(
        f"<imsmd:taxon><imsmd:id>{name}:{_escape(code)}</imsmd:id></imsmd:taxon>" for name, code in _codes(draft)
    )
    classified = (
        "<imsmd:classification><imsmd:purpose><imsmd:source>LOMv1.0</imsmd:source>"
        "<imsmd:value>competency</imsmd:value></imsmd:purpose><imsmd:taxonPath><imsmd:source><imsmd:string>"
        f"{CATALOG}</imsmd:string></imsmd:source>{taxons}</imsmd:taxonPath></imsmd:classification>"
        if taxons
        else ""
    )
    return (
        f"<metadata><imsmd:lom><imsmd:general>{_identifier(leaving.item)}<imsmd:title><imsmd:string>{title}"
        f"</imsmd:string></imsmd:title>{language}{keywords}</imsmd:general>{learning}{based}{conflicts}{classified}"
        "</imsmd:lom></metadata>"
    )


def write_duration(span: Span) -> str:
    """A span in the words of ISO 8601."""
    whole, rest = divmod(span, SECOND)
    return f"PT{whole}.{rest:03}S" if rest else f"PT{whole}S"


def read_duration(text: str) -> Span | None:
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds, parts = found.groups("0")
    whole = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * SECOND + int(parts.ljust(3, "0"))


def _codes(draft: Draft) -> Iterator[tuple[str, str]]:
    difficulty = "" if draft.difficulty is None else repr(draft.difficulty)
    named = (
        ("speciality", draft.speciality),
        ("requirement", draft.requirement),
        ("level", draft.level or ""),
        ("difficulty", difficulty),
        ("pool", draft.pool or ""),
    )
    return ((name, code) for name, code in named if code)


_RELATION_END = "</imsmd:resource></imsmd:relation>"


def _relation(source: str, kind: str) -> str:
    return (
        f"<imsmd:relation><imsmd:kind><imsmd:source>{source}</imsmd:source><imsmd:value>{kind}</imsmd:value>"
        "</imsmd:kind><imsmd:resource>"
    )


def _identifier(entry: str) -> str:
    return (
        f"<imsmd:identifier><imsmd:catalog>{CATALOG}</imsmd:catalog><imsmd:entry>{_escape(entry)}</imsmd:entry>"
        "</imsmd:identifier>"
    )


def _string(text: str) -> str:
    return f"<imsmd:string>{_escape(text)}</imsmd:string>"


def _escape(text: str) -> str:
    return escape(text, quote=False).replace("\r", "&#13;")


@lru_cache(1024)
def _local(tag: Any) -> str:
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _named(element: Any, name: str) -> list[Any]:
    return [one for one in element if _local(one.tag) == name]


def _own_entry(identifier: Any) -> str:
    """The entry of an identifier that is of our catalogue, else ""."""
    if any(one.text == CATALOG for one in _named(identifier, "catalog")):
        return next((one.text or "" for one in _named(identifier, "entry")), "")
    return ""


def _strings(element: Any) -> list[str]:
    """The texts of an element, in LOM's words or those of its elder, IMS metadata 1.2."""
    return [one.text or "" for one in element if _local(one.tag) in ("string", "langstring")]


def _durations(element: Any) -> list[Span]:
    found = (read_duration(one.text or "") for one in element if _local(one.tag) in ("duration", "datetime"))
    return [span for span in found if span is not None]


def _described(resource: Any) -> list[str]:
    return [text for one in _named(resource, "description") for text in _strings(one)]


def _kind(relation: Any) -> str:
    return next((value.text or "" for one in _named(relation, "kind") for value in _named(one, "value")), "")


def _taxons(classification: Any) -> Iterator[tuple[str, str]]:
    """Taxons of classifications of ours: what is told, and what of it."""
    for path in _named(classification, "taxonpath"):
        ours = False
        for one in path:
            name = _local(one.tag)
            if name == "source":
                ours = CATALOG in _strings(one)
            elif name == "taxon" and ours:
                for id in _named(one, "id"):
                    kind, _, code = (id.text or "").partition(":")
                    yield kind, code
