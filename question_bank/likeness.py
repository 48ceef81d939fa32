"""How alike two items are in their words, and a sketch by which those that are can be found in a large bank. Pure.

Items are compared as sets of shingles: each run of five characters of the normalised stem, prompts, options. Stem and
options count by their length; each text is cut by itself, so the order of options does not matter, nor do capitals,
punctuation, ё for е. Likeness is Jaccard's: shared shingles over all. It sees words, not meaning: «повышена» for
«снижена» is nearly the same text.

A sketch is MinHash (A. Broder, «On the resemblance and containment of documents», 1997) by one permutation (P. Li,
A. Owen, C.-H. Zhang, «One permutation hashing», 2012), with empty bins filled by rotation (A. Shrivastava, P. Li,
«Densifying one permutation hashing via rotation for fast near neighbor search», 2014), and cut into BANDS of ROWS: two
items of likeness s share a band with the probability 1 - (1 - s**ROWS)**BANDS: 0.64 at 0.5, 0.99 at 0.7, 0.9998 at 0.8.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from question_bank.markup import Markup, read_plain

BANDS = 16
ROWS = 4
SHINGLE = 5
"""Characters."""

Shingles: TypeAlias = npt.NDArray[np.uint64]
"""Hashes, sorted, each once."""


class _Choice(Protocol):
    @property
    def text(self) -> str: ...


class _Stage(Protocol):
    @property
    def prompt(self) -> str: ...
    @property
    def reveal(self) -> str: ...
    @property
    def choices(self) -> Sequence[_Choice]: ...


class Written(Protocol):
    """A draft, a version of an item, or what a candidate may see of one."""

    @property
    def stem(self) -> str: ...
    @property
    def stages(self) -> Sequence[_Stage]: ...
    @property
    def markup(self) -> Markup: ...


_BINS = BANDS * ROWS
_AT_ONCE = 200
"""Items whose hashes lie in the processor's cache together."""
_APART = re.compile(r"[\W_]+")
_BETWEEN = re.compile(r"[^\w\0 ][^\w\0]*| [^\w\0]+")
"""All that a space is written for, but a space that stands alone."""
_SHORT = re.compile(r"\0 \w{1,2} (?=\0)")
"""A text that is shorter than a shingle, after its zero."""
_CODE = "cp1251"
"""One byte a character: of others, Greek ones say, the number stands in the text."""
_TAIL = b"." * 8
_WHOLE = np.uint64((1 << 8 * SHINGLE) - 1)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080 & (1 << 8 * SHINGLE) - 1)
_IN_BIN = np.uint64(65 - _BINS.bit_length())
_REST = np.uint64((1 << 65 - _BINS.bit_length()) - 1)
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
"""More than what is left of a hash within its bin."""
_TWO = np.uint64(0xFFFF)
_PLACES = np.arange(_BINS)
_LIMITS = np.append(_PLACES.astype(np.uint64) << _IN_BIN, _NOTHING)
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_SHIFTS = np.array([27, 31], np.uint64)
_FAR = np.uint64(0xA0761D6478BD642F)
_SALTS = np.arange(1, BANDS + 1, dtype=np.uint64) * _FACTORS[0]
_MIXED = np.cumprod(np.full(ROWS, 0xE7037ED1A0B428DB, np.uint64))


def texts_of(written: Written) -> tuple[str, ...]:
    """What is compared: the plain words of stem, prompts, what stages reveal, options; the stem comes first."""
    texts = [written.stem]
    for stage in written.stages:
        texts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    return tuple(read_plain(text) if written.markup == "html" else text for text in texts if text)


def sketch(texts: Iterable[str]) -> tuple[int, ...]:
    """BANDS numbers of 32 bits with a sign, () where there are no words. Items that are alike share one of them."""
    return sketch_all([texts])[0]


def sketch_all(items: Sequence[Iterable[str]]) -> list[tuple[int, ...]]:
    """The sketch of each item's texts; hundreds at a time cost a part of what they do one by one."""
    return [one for at in range(0, len(items), _AT_ONCE) for one in _sketch(items[at : at + _AT_ONCE])]


def _sketch(items: Sequence[Iterable[str]]) -> Iterator[tuple[int, ...]]:
    runs, owners = _hash(items)
    least = np.full((len(items), _BINS), _NOTHING)
    np.minimum.at(least.reshape(-1), owners * _BINS + (runs >> _IN_BIN).astype(np.intp), runs & _REST)
    there = least.min(axis=1) != _NOTHING
    bands = iter(_band(least[there]).tolist())
    return (tuple(next(bands)) if one else () for one in there.tolist())


def normalise(text: str) -> str:
    """The words of a text in small letters without punctuation, one space between them."""
    return _APART.sub(" ", text.lower().replace("ё", "е")).strip()


def shingle(texts: Iterable[str]) -> Shingles:
    """The shingles of all texts; a word at the edge of its text is told from one in the middle by a space."""
    return np.unique(_hash([texts])[0])


def sketch_of(shingles: Shingles) -> tuple[int, ...]:
    """What `sketch_all` makes of the texts with these shingles."""
    if not len(shingles):
        return ()
    first = shingles.searchsorted(_LIMITS)
    full = (first[1:] > first[:-1]).nonzero()[0]
    least = np.full((1, _BINS), _NOTHING)
    least[0, full] = shingles[first[full]] & _REST
    return tuple(_band(least)[0].tolist())


def _band(least: Shingles) -> npt.NDArray[np.int32]:
    """The bands of items from the least hash in each of their bins; each item has one at least."""
    full = np.where(least == _NOTHING, 2 * _BINS, _PLACES)
    twice = np.concatenate((full, full + _BINS), axis=1)
    after = np.minimum.accumulate(twice[:, ::-1], axis=1)[:, ::-1][:, :_BINS]
    least = np.take_along_axis(least, after % _BINS, axis=1) + (after - _PLACES).astype(np.uint64) * _FAR
    least *= _FACTORS[1]
    least ^= least >> _SHIFTS[0]
    bands: Shingles = least.reshape(-1, BANDS, ROWS) @ _MIXED + _SALTS
    bands ^= bands >> _SHIFTS[1]
    bands *= _FACTORS[2]
    numbers: npt.NDArray[np.int32] = bands.view(np.int32)[:, 1::2]
    return numbers


def _hash(items: Iterable[Iterable[str]]) -> tuple[Shingles, npt.NDArray[np.intp]]:
    """A hash of each run of characters that lies within one text, item by item, and the number of its item."""
    signs = _lay_out(items).encode(_CODE, "xmlcharrefreplace")
    eights = np.ndarray(len(signs), np.uint64, signs + _TAIL, strides=(1,))
    runs = eights & _WHOLE
    places = ((runs - _ONES & ~runs & _HIGHS) == 0).nonzero()[0]
    gaps = (runs & _TWO == 0).nonzero()[0]
    runs = runs[places]
    runs *= _FACTORS[0]
    runs ^= runs >> _SHIFTS[1]
    runs *= _FACTORS[1]
    runs ^= runs >> _SHIFTS[0]
    runs *= _FACTORS[2]
    return runs, np.repeat(np.arange(len(gaps)), np.diff(places.searchsorted(gaps), append=len(places)))


def _lay_out(items: Iterable[Iterable[str]]) -> str:
    """All texts, each normalised between two spaces, with a zero between texts and two before each item."""
    texts = (" \0 ".join(text.replace("\0", " ") for text in texts) for texts in items)
    laid = "".join(f"\0\0 {text} " for text in texts).lower().replace("ё", "е").replace("_", " ")
    return _SHORT.sub(lambda found: found[0].ljust(1 + SHINGLE), _BETWEEN.sub(" ", laid + "\0"))


def likeness(one: Shingles, other: Shingles) -> float:
    """Jaccard's, 0..1; two items without words are not alike."""
    if not len(one) or not len(other):
        return 0.0
    both = np.concatenate((one, other))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared)
