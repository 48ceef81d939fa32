"""What is typed to find an item, and how it is told what was found. Pure.

Words are compared folded (`fold`): lower case, ё as е. A word that the bank does not have is taken for a mistyped one
and replaced by its nearest, by trigrams (E. Ukkonen, "Approximate string-matching with q-grams", 1992).
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

LONGEST_QUERY = 200
LONGEST_NUMBER = 80
SHORTEST_PREFIX = 3
"""A word that is still being typed is taken for the beginning of one from so many letters on."""
SHORTEST_WORD, LONGEST_WORD = 3, 40
"""Words that are kept for those who mistype them."""
SURELY_LONG = 9
"""A word of so many letters may hold two slips."""
MOST_WORDS = 8
ALIKE = 0.3
SNIPPET = 220
BEFORE = 60

START_MARK, END_MARK = "\x02", "\x03"
"""Around a found word; no text of an item has them (see faults.is_plain)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_STRAY = re.compile(r"(?<![\w\s])-|-(?![\w\"])")
"""PostgreSQL gives up where one minus follows another."""
_TYPED = re.compile(r"(?:^|[^\w-])(?:\w+-)*(\w+)\Z")
_WORD = re.compile(rf"(?<![^\W\d_])[^\W\d_]{{{SHORTEST_WORD},{LONGEST_WORD}}}(?![^\W\d_])")
_MARKED = re.compile(f"{START_MARK}(.*?){END_MARK}", re.DOTALL)


class Query(Struct, frozen=True):
    """What is looked for. `head` is read as a web search is (quotes, minus); `last` may be the beginning of a word."""

    text: str
    head: str
    last: str

    @property
    def number(self) -> str:
        """What may be the beginning of an id or a code; "" for words."""
        return self.text if len(self.text) <= LONGEST_NUMBER and " " not in self.text else ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that an item must have, without those that it must not."""
        bare = re.sub(r'(?:^|\s)-(?:"[^"]*"|\S+)', " ", self.text)
        return tuple(dict.fromkeys(_WORD.findall(bare)))[:MOST_WORDS]

    def replaced(self, words: dict[str, str]) -> "Query":
        """With other words in place of those that nothing has."""
        return read_query(_WORD.sub(lambda found: words.get(found[0], found[0]), self.text))


class Piece(Struct, frozen=True):
    """A stretch of a text; `found`: it is one of the words that were looked for."""

    text: str
    found: bool = False


def fold(text: str) -> str:
    """The same word typed with ё or with е is found either way."""
    return text.lower().replace("ё", "е")


def read_query(typed: str) -> Query:
    """Whatever was typed; controls and what is beyond 200 characters are left out."""
    text = " ".join(_STRAY.sub(" ", _CONTROL.sub(" ", fold(typed)[:LONGEST_QUERY])).split())
    typing = None if text.count('"') % 2 else _TYPED.search(text)
    if typing is None or len(typing[1]) < SHORTEST_PREFIX:
        return Query(text, text, "")
    return Query(text, text[: typing.start(1)], typing[1])


def words_of(text: str) -> set[str]:
    """The words of a folded text that are kept for those who mistype them."""
    return set(_WORD.findall(" ".join(set(text.split()))))


def trigrams(word: str) -> list[str]:
    """Three letters at a time, the beginning padded by two blanks, the end by one: length + 1 of them."""
    padded = f"  {word} "
    return [padded[place : place + 3] for place in range(len(padded) - 2)]


def shares(word: str) -> list[list[str]]:
    """Stretches of the word's trigrams of which at least one is in every word that differs by a slip or two.

    A slip spoils at most three neighbouring trigrams, which reach into at most two stretches: of 2k + 1 stretches one
    survives k slips.
    """
    whole = trigrams(word)
    parts = 5 if len(word) >= SURELY_LONG else 3
    bounds = [len(whole) * number // parts for number in range(parts + 1)]
    return [whole[start:end] for start, end in pairwise(bounds)]


def find_nearest(word: str, others: Iterable[str]) -> str | None:
    """The word that shares most trigrams with this one (Jaccard), the shorter and earlier of equals; None for none."""
    own = set(trigrams(word))

    def likeness(other: str) -> float:
        its = set(trigrams(other))
        return len(own & its) / len(own | its)

    found = min(((-likeness(other), len(other), other) for other in others), default=None)
    return found[2] if found is not None and -found[0] >= ALIKE else None


def read_marks(text: str, marked: str) -> list[tuple[int, int]]:
    """Where the found words stand in a text, of its folded copy with marks; nothing where the two do not match."""
    spans, shift = [], 0
    for found in _MARKED.finditer(marked):
        start = found.start() - shift
        spans.append((start, start + len(found[1])))
        shift += 2
    return spans if len(marked) - shift == len(text) else []


def cut_out(text: str, spans: Sequence[tuple[int, int]], most: int = SNIPPET) -> tuple[Piece, ...]:
    """So much of the text as a line of a list has room for, from a little before the first found word."""
    start, end = 0, len(text)
    if end > most:
        first = spans[0][0] if spans else 0
        if first > most - BEFORE:
            start = text.rfind(" ", 0, first - BEFORE) + 1 or first - BEFORE
        end = min(len(text), start + most)
        if end < len(text):
            end = max(text.rfind(" ", start, end), start + most // 2)
    pieces = [Piece("…")] if start else []
    at = start
    for opened, closed in spans:
        if closed > end or opened < at:
            continue
        pieces += [Piece(text[at:opened]), Piece(text[opened:closed], found=True)]
        at = closed
    pieces += [Piece(text[at:end] + ("…" if end < len(text) else ""))]
    return tuple(piece for piece in pieces if piece.text)
