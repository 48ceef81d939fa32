"""Letters count options; those that look alike in both alphabets are what a person reads."""

import pytest

from question_bank.exchange.letters import CYRILLIC, LATIN, Alphabet, alphabet_of_all, is_foreign, number_of


@pytest.mark.parametrize(
    ("letter", "alphabet", "number"),
    [
        ("A", None, 0), ("А", None, 0), ("B", None, 1), ("В", None, 2), ("г", None, 3), ("d", None, 3),
        ("В", "latin", 1), ("B", "cyrillic", 2), ("Б", "latin", 1), ("D", "cyrillic", 3), ("С", "latin", 2),
        ("С", None, 2), ("Ё", None, None), ("E", None, None), ("", None, None), ("АБ", None, None),
    ],
)  # fmt: skip
def test_letters_count_four_options(letter: str, alphabet: Alphabet | None, number: int | None) -> None:
    assert number_of(letter, 4, alphabet) == number


@pytest.mark.parametrize("letters", [CYRILLIC, LATIN])
def test_every_letter_counts_in_its_own_alphabet(letters: str) -> None:
    alphabet = alphabet_of_all(letters)
    assert [number_of(letter.lower(), len(letters), alphabet) for letter in letters] == list(range(len(letters)))


@pytest.mark.parametrize(
    ("letters", "alphabet"),
    [("АБВГ", "cyrillic"), ("ABCD", "latin"), ("AВСD", "latin"), ("АB", "cyrillic"), ("12", None), ("", None)],
)
def test_the_alphabet_is_told_by_what_is_in_one_only(letters: str, alphabet: Alphabet | None) -> None:
    assert alphabet_of_all(letters) == alphabet


def test_a_letter_of_the_other_alphabet_is_foreign() -> None:
    assert is_foreign("B", "cyrillic")
    assert not is_foreign("В", "cyrillic")
    assert not is_foreign("В", None)
    assert not is_foreign("5", "latin")
