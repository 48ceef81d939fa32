"""What is typed, read; slips of the finger; the stretch of a text that shows what was found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.wording import (
    END_MARK,
    LONGEST_QUERY,
    START_MARK,
    Piece,
    cut_out,
    find_nearest,
    fold,
    read_marks,
    read_query,
    shares,
    trigrams,
    words_of,
)

LETTERS = st.text("абвгдеклмнопрст", min_size=6, max_size=14)


@pytest.mark.parametrize(
    ("typed", "head", "last"),
    [
        ("", "", ""),
        ("  Гипертони ", "", "гипертони"),
        ("лечение гипер", "лечение ", "гипер"),
        ("лечение ги", "лечение ги", ""),
        ("лечение -гипертонии", "лечение -гипертонии", ""),
        ("ЭКГ-диагно", "экг-", "диагно"),
        ('"инфаркт миок', '"инфаркт миок', ""),
        ('"инфаркт" миок', '"инфаркт" ', "миок"),
        ("ёлка\x00' & !", "елка ' & !", ""),
    ],
)
def test_what_is_typed_is_a_web_search_with_the_last_word_still_being_written(typed: str, head: str, last: str) -> None:
    query = read_query(typed)
    assert (query.head, query.last) == (head, last)


def test_a_query_knows_its_words_without_those_that_must_not_be_there() -> None:
    query = read_query('Лечение -гриппа острой -"болезнь сердца" Пневмонии')
    assert query.words == ("лечение", "острой", "пневмонии")
    assert query.number == ""
    assert read_query("Т-17").number == "т-17"
    assert read_query("лечение гепертонии").replaced({"гепертонии": "гипертония"}).text == "лечение гипертония"


@given(st.text())
def test_anything_can_be_typed(typed: str) -> None:
    query = read_query(typed)
    assert len(query.text) <= LONGEST_QUERY
    assert query.text == query.head + query.last
    assert not any(ord(one) < 32 for one in query.text)
    assert len(query.words) <= 8
    assert query.last == "" or query.last.replace("_", "").isalnum() or not query.last.isascii()


@given(LETTERS, st.data())
def test_one_slip_leaves_a_stretch_of_trigrams_whole(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    slip = data.draw(st.sampled_from(["change", "drop", "double"]))
    other = {
        "change": word[:place] + "я" + word[place + 1 :],
        "drop": word[:place] + word[place + 1 :],
        "double": word[:place] + "я" + word[place:],
    }[slip]
    its = set(trigrams(other))
    assert any(set(share) <= its for share in shares(word) if share)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("гепертон", "гипертон"), ("пнемвон", "пневмон"), ("инфракт", "инфаркт"), ("щщщщщщ", None), ("гастри", "гастрит")],
)
def test_the_nearest_word_is_the_one_that_is_meant(typed: str, meant: str | None) -> None:
    assert find_nearest(typed, ["гипертон", "гипотон", "пневмон", "инфаркт", "гастрит", "гастроскоп"]) == meant
    assert find_nearest(typed, []) is None


def test_words_that_are_kept_are_of_letters_and_neither_short_nor_endless() -> None:
    assert words_of(fold("Доза 5мг ЁЖ в сутки, COVID-19 " + "щ" * 50)) == {"доза", "сутки", "covid"}


def test_marks_are_read_only_where_the_texts_match() -> None:
    marked = f"лечение {START_MARK}пневмонии{END_MARK} и {START_MARK}гриппа{END_MARK}"
    assert read_marks("Лечение пневмонии и гриппа", marked) == [(8, 17), (20, 26)]
    assert read_marks("Лечение пневмонии", marked) == []
    assert read_marks("ничего", "ничего") == []


def test_a_line_shows_the_found_words_and_says_where_it_was_cut() -> None:
    assert cut_out("Коротко", []) == (Piece("Коротко"),)
    assert cut_out("Лечение пневмонии", [(8, 17)]) == (Piece("Лечение "), Piece("пневмонии", found=True))
    long = "слово " * 60 + "пневмония " + "слово " * 60
    pieces = cut_out(long, [(360, 369)])
    assert pieces[0] == Piece("…")
    assert Piece("пневмония", found=True) in pieces
    assert pieces[-1].text.endswith("…")
    assert sum(len(piece.text) for piece in pieces) < 260


@given(st.text(max_size=400), st.data())
def test_a_line_is_always_short_and_a_part_of_the_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    pieces = cut_out(text, [(start, end)] if end > start else [])
    assert sum(len(piece.text) for piece in pieces) <= 222
    assert "".join(piece.text for piece in pieces).strip("…") in text or "…" in text
