"""Letters of options: А–Г and A–D, and those that look the same in both alphabets. Pure."""

from collections.abc import Iterable
from typing import Literal

Alphabet = Literal["cyrillic", "latin"]

CYRILLIC = "АБВГДЕЖЗИКЛМНОПРСТУФ"
LATIN = "ABCDEFGHIJKLMNOPQRST"
"""As options are counted: without Ё and Й."""

_ALIKE = dict(zip("ABCEHKMOPT", "АВСЕНКМОРТ", strict=True))
_ALIKE |= {cyrillic: latin for latin, cyrillic in _ALIKE.items()}
_NUMBERS = {letter: number for letters in (CYRILLIC, LATIN) for number, letter in enumerate(letters)}


def alphabet_of(letter: str) -> Alphabet | None:
    """Of one letter that options are counted with, in either case."""
    letter = letter.upper()
    if len(letter) != 1:
        return None
    return "cyrillic" if letter in CYRILLIC else "latin" if letter in LATIN else None


def alphabet_of_all(letters: Iterable[str]) -> Alphabet | None:
    """Of letters that stand beside each other: by those that look like nothing else. None where there are none."""
    letters = [letter for letter in letters if alphabet_of(letter) is not None]
    telling = [letter for letter in letters if letter.upper() not in _ALIKE] or letters
    return alphabet_of(telling[0]) if telling else None


def number_of(letter: str, count: int, alphabet: Alphabet | None = None) -> int | None:
    """Which of so many options, from 0, the letter is; None where it is none of them.

    `alphabet`: that of the options themselves. A letter of the other one is the one that looks like it, for that is
    what a person reads: В typed for B is the second of A, B, C, D.
    """
    letter = letter.upper()
    own, alike = _NUMBERS.get(letter), _NUMBERS.get(_ALIKE.get(letter, ""))
    if alphabet is not None and alphabet_of(letter) != alphabet and alike is not None:
        own, alike = alike, None
    for number in (own, alike):
        if number is not None and number < count:
            return number
    return None


def is_foreign(letter: str, alphabet: Alphabet | None) -> bool:
    """Whether the letter is of the other alphabet than the options are."""
    return alphabet is not None and alphabet_of(letter) not in (None, alphabet)
