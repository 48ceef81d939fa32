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
from collections.abc import Iterable, Sequence
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
_APART = re.compile(r"[\W_]+")
_CODE = "cp1251"
"""One byte a character: of others, Greek ones say, the number stands in the text."""
_TAIL = 8 - SHINGLE
_WHOLE = np.uint64((1 << 8 * SHINGLE) - 1)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080 & (1 << 8 * SHINGLE) - 1)
_PLACES = np.arange(_BINS)
_STARTS = _PLACES.astype(np.uint64) << np.uint64(65 - _BINS.bit_length())
_LIMITS = np.append(_STARTS, np.uint64(0xFFFFFFFFFFFFFFFF))
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
    runs = _hash(texts)
    runs.sort()
    return sketch_of(runs)


def normalise(text: str) -> str:
    """The words of a text in small letters without punctuation, one space between them."""
    return _APART.sub(" ", text.lower().replace("ё", "е")).strip()


def shingle(texts: Iterable[str]) -> Shingles:
    """The shingles of all texts; a word at the edge of its text is told from one in the middle by a space."""
    return np.unique(_hash(texts))


def sketch_of(shingles: Shingles) -> tuple[int, ...]:
    """The same for shingles, sorted; whether each is there once does not matter."""
    if not len(shingles):
        return ()
    first = shingles.searchsorted(_LIMITS)
    full = (first[1:] > first[:-1]).nonzero()[0]
    if len(full) == _BINS:
        least = shingles[first[:-1]] - _STARTS
    else:
        later = full.searchsorted(_PLACES)
        taken = full.take(later, mode="wrap")
        least = shingles[first[taken]] - _STARTS[taken]
        least += ((taken - _PLACES) % _BINS).astype(np.uint64) * _FAR
    least *= _FACTORS[1]
    least ^= least >> _SHIFTS[0]
    bands = least.reshape(BANDS, ROWS) @ _MIXED + _SALTS
    bands ^= bands >> _SHIFTS[1]
    bands *= _FACTORS[2]
    return tuple(bands.view(np.int32)[1::2].tolist())


def _hash(texts: Iterable[str]) -> Shingles:
    """A hash of each run of characters that lies within one text, in no order."""
    words = [f" {one} ".ljust(SHINGLE) for text in texts if (one := normalise(text))]
    if not words:
        return np.empty(0, np.uint64)
    signs = "\0".join(words).encode(_CODE, "xmlcharrefreplace")
    count = len(signs) - SHINGLE + 1
    eights = np.ndarray(count, np.uint64, signs + bytes(_TAIL), strides=(1,))
    runs = eights & _WHOLE
    if len(words) > 1:
        runs = runs[(runs - _ONES & ~runs & _HIGHS) == 0]
    runs *= _FACTORS[0]
    runs ^= runs >> _SHIFTS[1]
    runs *= _FACTORS[1]
    runs ^= runs >> _SHIFTS[0]
    runs *= _FACTORS[2]
    return runs


def likeness(one: Shingles, other: Shingles) -> float:
    """Jaccard's, 0..1; two items without words are not alike."""
    if not len(one) or not len(other):
        return 0.0
    both = np.concatenate((one, other))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared)
