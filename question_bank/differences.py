"""What one draft of an item changes in another, word by word. Pure.

Texts are compared as they are read: of a rich text its words, and whether only its looks have changed.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.items import Role
from question_bank.markup import Markup, read_plain

Kind = Literal["same", "gone", "new"]

MOST_PAIRS = 250_000
"""Words of one text times words of the other: beyond that what differs is shown as one piece."""
ALIKE = 0.3
"""Share of common words from which on two options are one that was rewritten."""

_WORDS = re.compile(r"\s+|[^\W_]+|[\W_]")


class Piece(Struct, frozen=True):
    kind: Kind
    text: str


class TextDifference(Struct, frozen=True):
    pieces: tuple[Piece, ...]
    restyled: bool = False
    """The words are the same, their looks or pictures are not."""

    @property
    def same(self) -> bool:
        return not self.restyled and all(piece.kind == "same" for piece in self.pieces)


class ChoiceDifference(Struct, frozen=True):
    """`role_before` None: it is new; `role_after` None: it is gone. Places count from 1."""

    text: TextDifference
    role_before: Role | None
    role_after: Role | None
    moved: bool = False

    @property
    def same(self) -> bool:
        return self.text.same and self.role_before == self.role_after and not self.moved


class Value(Struct, frozen=True):
    """A field that is no text, as the draft has it."""

    field: str
    before: str
    after: str


class StageDifference(Struct, frozen=True):
    """`before`, `after`: the stage's number from 1; None: it is new, or gone."""

    before: int | None
    after: int | None
    reveal: TextDifference
    prompt: TextDifference
    choices: tuple[ChoiceDifference, ...]
    values: tuple[Value, ...]

    @property
    def same(self) -> bool:
        texts = self.reveal.same and self.prompt.same and all(choice.same for choice in self.choices)
        return texts and self.before == self.after and not self.values


class Difference(Struct, frozen=True):
    stem: TextDifference
    stages: tuple[StageDifference, ...]
    explanation: TextDifference
    sources: tuple[Piece, ...]
    tags: tuple[Piece, ...]
    values: tuple[Value, ...]

    @property
    def same(self) -> bool:
        lists = (*self.sources, *self.tags)
        texts = self.stem.same and self.explanation.same and all(stage.same for stage in self.stages)
        return texts and not self.values and all(piece.kind == "same" for piece in lists)


def compare(before: Draft, after: Draft) -> Difference:
    def text(old: str, new: str) -> TextDifference:
        return compare_texts(old, new, before.markup, after.markup)

    names = ("speciality", "requirement", "level", "difficulty", "limit", "language", "pool", "markup")
    return Difference(
        text(before.stem, after.stem),
        _compare_stages(before, after),
        text(before.explanation, after.explanation),
        _pieces(before.sources, after.sources),
        _pieces(before.tags, after.tags),
        _values(before, after, names),
    )


def compare_texts(before: str, after: str, old: Markup = "text", new: Markup = "text") -> TextDifference:
    """Two texts in their markups as one text with what is gone and what is new."""
    words_before, words_after = _read(before, old), _read(after, new)
    pieces = _joined(_pieces(_WORDS.findall(words_before), _WORDS.findall(words_after)))
    return TextDifference(pieces, words_before == words_after and before != after)


def _read(text: str, markup: Markup) -> str:
    return read_plain(text) if markup == "html" else text


def _pieces(before: Sequence[str], after: Sequence[str]) -> tuple[Piece, ...]:
    """Every element by itself."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    made = [Piece("same", one) for one in before[:start]]
    if len(old) * len(new) > MOST_PAIRS:
        made += [Piece("gone", one) for one in old] + [Piece("new", one) for one in new]
    else:
        for how, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if how == "equal":
                made += [Piece("same", one) for one in old[old_from:old_to]]
            else:
                made += [Piece("gone", one) for one in old[old_from:old_to]]
                made += [Piece("new", one) for one in new[new_from:new_to]]
    return (*made, *(Piece("same", one) for one in before[len(before) - end :]))


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbours as one: what is gone before what is new; a lone space between changed words is changed with them."""
    made: list[Piece] = []
    texts: dict[Kind, str] = {"same": "", "gone": "", "new": ""}

    def flush(*kinds: Kind) -> None:
        made.extend(Piece(kind, texts[kind]) for kind in kinds if texts[kind])
        texts.update(dict.fromkeys(kinds, ""))

    for place, piece in enumerate(pieces):
        around = (*pieces[place - 1 : place], *pieces[place + 1 : place + 2])
        if piece.text.isspace() and len(around) == 2 and all(one.kind != "same" for one in around):
            if piece.kind != "new":
                texts["gone"] += piece.text
            if piece.kind != "gone":
                texts["new"] += piece.text
            continue
        if piece.kind == "same":
            flush("gone", "new")
        else:
            flush("same")
        texts[piece.kind] += piece.text
    flush("same", "gone", "new")
    return tuple(made)


def _compare_stages(before: Draft, after: Draft) -> tuple[StageDifference, ...]:
    old, new = [_signature(stage) for stage in before.stages], [_signature(stage) for stage in after.stages]
    made: list[StageDifference] = []
    for how, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        olds, news = list(range(old_from, old_to)), list(range(new_from, new_to))
        paired = min(len(olds), len(news)) if how != "equal" else len(olds)
        made += [_compare_stage(before, after, olds[n], news[n]) for n in range(paired)]
        made += [_compare_stage(before, after, number, None) for number in olds[paired:]]
        made += [_compare_stage(before, after, None, number) for number in news[paired:]]
    return tuple(made)


def _signature(stage: DraftStage) -> tuple[str, ...]:
    return (stage.prompt, *(choice.text for choice in stage.choices))


_NO_STAGE = DraftStage(())


def _compare_stage(before: Draft, after: Draft, old: int | None, new: int | None) -> StageDifference:
    was = _NO_STAGE if old is None else before.stages[old]
    now = _NO_STAGE if new is None else after.stages[new]
    values = _values(was, now, ("kind", "ordered", "weight")) if old is not None and new is not None else ()
    return StageDifference(
        None if old is None else old + 1,
        None if new is None else new + 1,
        compare_texts(was.reveal, now.reveal, before.markup, after.markup),
        compare_texts(was.prompt, now.prompt, before.markup, after.markup),
        _compare_choices(was.choices, now.choices, before.markup, after.markup),
        values,
    )


def _compare_choices(
    before: Sequence[DraftChoice], after: Sequence[DraftChoice], old: Markup, new: Markup
) -> tuple[ChoiceDifference, ...]:
    """In the order of `after`; what is gone stands behind the option that it followed."""
    pairs = _pair([_read(one.text, old) for one in before], [_read(one.text, new) for one in after])
    kept = sorted(pairs.values())
    made: list[tuple[int, ChoiceDifference]] = []
    for place, choice in enumerate(after):
        was = pairs.get(place)
        if was is None:
            text = compare_texts("", choice.text, old, new)
            made.append((place * 2, ChoiceDifference(text, None, choice.role)))
        else:
            text = compare_texts(before[was].text, choice.text, old, new)
            moved = kept.index(was) != sorted(pairs).index(place)
            made.append((place * 2, ChoiceDifference(text, before[was].role, choice.role, moved)))
    for place, choice in enumerate(before):
        if place not in kept:
            text = compare_texts(choice.text, "", old, new)
            made.append((place * 2 - 1, ChoiceDifference(text, choice.role, None)))
    return tuple(difference for _, difference in sorted(made, key=lambda one: one[0]))


def _pair(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Which option of `before` each of `after` was: the same words first, then those that are most alike."""
    pairs: dict[int, int] = {}
    free = list(range(len(before)))
    for place, text in enumerate(after):
        same = next((one for one in free if before[one] == text), None)
        if same is not None:
            pairs[place] = same
            free.remove(same)
    rest = [place for place in range(len(after)) if place not in pairs]
    scored = sorted(
        ((_likeness(before[old], after[new]), new == old, old, new) for new in rest for old in free), reverse=True
    )
    for likeness, _, old, new in scored:
        if likeness >= ALIKE and new not in pairs and old in free:
            pairs[new] = old
            free.remove(old)
    return pairs


def _likeness(one: str, other: str) -> float:
    """Jaccard's index of the sets of words."""
    words, others = (set(re.findall(r"\w+", text.casefold())) for text in (one, other))
    return len(words & others) / len(words | others) if words | others else 0.0


def _values(before: Draft | DraftStage, after: Draft | DraftStage, names: Sequence[str]) -> tuple[Value, ...]:
    found = []
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Value(name, _said(old), _said(new)))
    return tuple(found)


def _said(value: object) -> str:
    return "" if value is None else str(value)
