"""What one draft of an item changes in another, word by word. Pure.

Texts are compared as they are read: of a rich text its words, and whether only its looks have changed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from msgspec import Struct

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.items import Role
from question_bank.markup import Markup, read_plain

Kind = Literal["same", "gone", "new"]

MOST_PAIRS = 1_000_000
"""Words of a text times those of the other, summed over a draft: beyond that what differs is shown as one piece."""
ALIKE = 0.3
"""Share of common words from which on two options are one that was rewritten."""

_Compare: TypeAlias = "Callable[[str, str], TextDifference]"

_WORDS = re.compile(r"\s+|[^\W_]+|[\W_]")


class _Purse:
    """What a comparison may cost."""

    def __init__(self) -> None:
        self._left = MOST_PAIRS

    def pay(self, pairs: int) -> bool:
        if pairs > self._left:
            return False
        self._left -= pairs
        return True


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
    purse = _Purse()

    def text(old: str, new: str) -> TextDifference:
        return _compare_texts(_read(old, before.markup), _read(new, after.markup), old != new, purse)

    names = ("speciality", "requirement", "level", "difficulty", "limit", "language", "pool", "markup")
    return Difference(
        text(before.stem, after.stem),
        _compare_stages(before, after, text),
        text(before.explanation, after.explanation),
        _pieces(before.sources, after.sources, purse),
        _pieces(before.tags, after.tags, purse),
        _values(before, after, names),
    )


def _compare_texts(before: str, after: str, differ: bool, purse: _Purse) -> TextDifference:
    pieces = _joined(_runs(_WORDS.findall(before), _WORDS.findall(after), purse))
    return TextDifference(pieces, before == after and differ)


def _read(text: str, markup: Markup) -> str:
    return read_plain(text) if markup == "html" else text


def _pieces(before: Sequence[str], after: Sequence[str], purse: _Purse) -> tuple[Piece, ...]:
    """Every element by itself."""
    return tuple(Piece(kind, one) for kind, run in _runs(before, after, purse) for one in run)


def _runs(before: Sequence[str], after: Sequence[str], purse: _Purse) -> list[tuple[Kind, Sequence[str]]]:
    """What is the same, gone and new, in order; between two that are the same at most one of each."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    made: list[tuple[Kind, Sequence[str]]] = [("same", before[:start])]
    if not purse.pay(len(old) * len(new)):
        made += [("gone", old), ("new", new)]
    else:
        for how, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if how == "equal":
                made.append(("same", old[old_from:old_to]))
            else:
                made += [("gone", old[old_from:old_to]), ("new", new[new_from:new_to])]
    made.append(("same", before[len(before) - end :]))
    return [(kind, run) for kind, run in made if run]


def _joined(runs: Sequence[tuple[Kind, Sequence[str]]]) -> tuple[Piece, ...]:
    """Each run as one piece; a lone space between changed words is changed with them."""
    made: list[Piece] = []
    texts: dict[Kind, str] = {"same": "", "gone": "", "new": ""}

    def flush(*kinds: Kind) -> None:
        made.extend(Piece(kind, texts[kind]) for kind in kinds if texts[kind])
        texts.update(dict.fromkeys(kinds, ""))

    for place, (kind, run) in enumerate(runs):
        text = "".join(run)
        if kind != "same":
            flush("same")
            texts[kind] += text
        elif text.isspace() and 0 < place < len(runs) - 1:
            texts["gone"] += text
            texts["new"] += text
        else:
            flush("gone", "new")
            texts["same"] += text
    flush("same", "gone", "new")
    return tuple(made)


def _compare_stages(before: Draft, after: Draft, text: _Compare) -> tuple[StageDifference, ...]:
    old, new = [_signature(stage) for stage in before.stages], [_signature(stage) for stage in after.stages]
    made: list[StageDifference] = []
    for how, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        olds, news = list(range(old_from, old_to)), list(range(new_from, new_to))
        paired = min(len(olds), len(news)) if how != "equal" else len(olds)
        pairs: list[tuple[int | None, int | None]] = [(olds[number], news[number]) for number in range(paired)]
        pairs += [(number, None) for number in olds[paired:]]
        pairs += [(None, number) for number in news[paired:]]
        made += [_compare_stage(before, after, *pair, text) for pair in pairs]
    return tuple(made)


def _signature(stage: DraftStage) -> tuple[str, ...]:
    return (stage.prompt, *(choice.text for choice in stage.choices))


_NO_STAGE = DraftStage(())


def _compare_stage(before: Draft, after: Draft, old: int | None, new: int | None, text: _Compare) -> StageDifference:
    was = _NO_STAGE if old is None else before.stages[old]
    now = _NO_STAGE if new is None else after.stages[new]
    values = _values(was, now, ("kind", "ordered", "weight")) if old is not None and new is not None else ()
    pairs = _pair(
        [_read(choice.text, before.markup) for choice in was.choices],
        [_read(choice.text, after.markup) for choice in now.choices],
    )
    return StageDifference(
        None if old is None else old + 1,
        None if new is None else new + 1,
        text(was.reveal, now.reveal),
        text(was.prompt, now.prompt),
        _compare_choices(was.choices, now.choices, pairs, text),
        values,
    )


def _compare_choices(
    before: Sequence[DraftChoice], after: Sequence[DraftChoice], pairs: Mapping[int, int], text: _Compare
) -> tuple[ChoiceDifference, ...]:
    """In the order of `after`; what is gone stands where it was."""
    kept = sorted(pairs.values())
    made: list[tuple[int, ChoiceDifference]] = []
    for place, choice in enumerate(after):
        was = pairs.get(place)
        if was is None:
            made.append((place * 2, ChoiceDifference(text("", choice.text), None, choice.role)))
        else:
            moved = kept.index(was) != sorted(pairs).index(place)
            told = text(before[was].text, choice.text)
            made.append((place * 2, ChoiceDifference(told, before[was].role, choice.role, moved)))
    for place, choice in enumerate(before):
        if place not in kept:
            made.append((place * 2 - 1, ChoiceDifference(text(choice.text, ""), choice.role, None)))
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
    words, others = [_word_set(text) for text in before], [_word_set(text) for text in after]
    rest = [place for place in range(len(after)) if place not in pairs]
    scored = sorted(
        ((_likeness(words[old], others[new]), new == old, old, new) for new in rest for old in free), reverse=True
    )
    for likeness, _, old, new in scored:
        if likeness >= ALIKE and new not in pairs and old in free:
            pairs[new] = old
            free.remove(old)
    return pairs


def _word_set(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index of the sets of words."""
    return len(one & other) / len(one | other) if one | other else 0.0


def _values(before: Draft | DraftStage, after: Draft | DraftStage, names: Sequence[str]) -> tuple[Value, ...]:
    found = []
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Value(name, _said(old), _said(new)))
    return tuple(found)


def _said(value: object) -> str:
    return "" if value is None else str(value)
