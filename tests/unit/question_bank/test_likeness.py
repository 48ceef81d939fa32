"""Likeness is Jaccard's of the words' shingles; a sketch finds what is alike as often as is promised."""

import random
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.items import Role
from question_bank.likeness import (
    BANDS,
    ROWS,
    SHINGLE,
    likeness,
    normalise,
    shingle,
    sketch,
    sketch_all,
    sketch_of,
    texts_of,
)

STEM = "Ведущим симптомом при остром инфаркте миокарда является"
OPTIONS = ("загрудинная боль", "одышка", "Кашель", "отёки голеней")
TEXTS = st.lists(st.text(alphabet="абвгдеё ABC123,.-\n", max_size=30), max_size=6)


def alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    return likeness(shingle(one), shingle(other))


def jaccard(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """The same by sets of strings."""

    def cut(texts: tuple[str, ...]) -> set[str]:
        words = [f" {normalise(text)} ".ljust(SHINGLE) for text in texts if normalise(text)]
        return {text[place : place + SHINGLE] for text in words for place in range(len(text) - SHINGLE + 1)}

    a, b = cut(one), cut(other)
    return len(a & b) / len(a | b)


def test_words_are_compared_without_capitals_punctuation_and_yo() -> None:
    assert normalise(" Остро-возникшая «БОЛЬ»: всё, да_нет… ") == "остро возникшая боль все да нет"
    assert alike((STEM, *OPTIONS), (f"  {STEM.upper()}: ", *reversed(OPTIONS))) == 1


@pytest.mark.parametrize(
    ("other", "least", "most"),
    [
        ((STEM, *OPTIONS[:3], "боль в эпигастрии"), 0.65, 0.95),
        ((STEM.replace("Ведущим", "Главным"), *OPTIONS), 0.75, 0.99),
        (("Нормальный уровень калия плазмы, ммоль/л", "3,5–5,1", "1,2", "7,0", "9,5"), 0, 0.1),
    ],
)
def test_a_change_of_words_shows_in_the_likeness(other: tuple[str, ...], least: float, most: float) -> None:
    found = alike((STEM, *OPTIONS), other)
    assert least <= found <= most
    assert found == pytest.approx(jaccard((STEM, *OPTIONS), other))


@given(TEXTS.map(tuple), TEXTS.map(tuple))
def test_likeness_is_symmetric_bounded_and_that_of_sets(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    found = alike(one, other)
    assert found == alike(other, one)
    assert 0 <= found <= 1
    if any(map(normalise, one)) and any(map(normalise, other)):
        assert found == pytest.approx(jaccard(one, other))
    else:
        assert found == 0


@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_texts_changes_nothing(texts: list[str], chance: random.Random) -> None:
    mixed = texts.copy()
    chance.shuffle(mixed)
    assert sketch(mixed) == sketch(texts)
    assert len(sketch(texts)) in (0, BANDS)
    assert all(-(1 << 31) <= band < 1 << 31 for band in sketch(texts))
    assert (sketch(texts) == ()) == (not any(map(normalise, texts)))


@given(
    st.lists(st.lists(st.text(alphabet="абвё ΑΣς İ́A1,_\n\0&😀\ud800", max_size=12) | TEXTS.map("".join), max_size=4))
)
def test_many_at_once_have_the_sketches_that_their_shingles_have(items: list[list[str]]) -> None:
    many = items * (1 + 2 * (len(items) > 70))
    assert sketch_all(many) == [sketch_of(shingle(texts)) for texts in many]
    for texts in items:
        assert bool(len(shingle(texts))) == any(map(normalise, texts))


def test_a_sketch_stays_what_it_was() -> None:
    """Those of a bank are kept."""
    found = sketch_all([(STEM, *OPTIONS), ("β-блокатор", "ab"), ("_",), ("й",)])
    assert [len(one) for one in found] == [BANDS, BANDS, 0, BANDS]
    assert sha256(repr(found).encode()).hexdigest()[:16] == "e28a217b5f15e51f"
    assert sketch_all([(STEM, f"{number}") for number in range(450)])[449] == sketch((STEM, "449"))


def test_letters_that_are_not_russian_are_told_apart() -> None:
    assert alike(("α-блокатор",), ("β-блокатор",)) < 1
    assert alike(("H₂O",), ("H₃O",)) < 1


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.85])
def test_a_band_is_shared_as_often_as_is_promised(share: float) -> None:
    """Over 1,500 pairs of sets of 250; five standard errors and what rotation adds are allowed."""
    chance, pairs, size = np.random.default_rng(11), 1_500, 250
    alone = round(size * (1 - share) / (1 + share))
    hits, exact = 0, 0.0
    for _ in range(pairs):
        hashes = chance.integers(0, 1 << 64, size + alone, dtype=np.uint64)
        one, other = np.unique(hashes[:size]), np.unique(hashes[alone:])
        exact = likeness(one, other)
        hits += bool(set(enumerate(sketch_of(one))) & set(enumerate(sketch_of(other))))
    promised = 1 - (1 - exact**ROWS) ** BANDS
    error = 5 * (promised * (1 - promised) / pairs) ** 0.5
    assert hits / pairs == pytest.approx(promised, abs=error + 0.02)


def test_of_a_draft_its_words_count_whatever_they_are_written_in() -> None:
    plain = Draft(
        STEM, (DraftStage(tuple(DraftChoice(text, Role.DISTRACTOR) for text in OPTIONS), prompt="Укажите", reveal=""),)
    )
    rich = Draft(
        f"<p>{STEM.replace('остром', '<em>остром</em>')}</p>",
        (DraftStage(tuple(DraftChoice(text, Role.KEY) for text in OPTIONS), prompt="Укажите"),),
        explanation="Другое пояснение",
        markup="html",
    )
    assert texts_of(plain) == (STEM, "Укажите", *OPTIONS)
    assert sketch(texts_of(rich)) == sketch(texts_of(plain))
