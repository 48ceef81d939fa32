from hypothesis import given
from hypothesis import strategies as st

from admin.pages.door import LONGEST_TEXT, plain, read_ids


@given(st.text())
def test_what_people_type_can_be_stored_and_is_bounded(text: str) -> None:
    kept = plain(text, LONGEST_TEXT)
    assert "\x00" not in kept
    assert "\r" not in kept
    assert len(kept) <= LONGEST_TEXT
    kept.encode()


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Отключали свет:\n\t«10 минут» <b>&amp;</b>"
    assert plain(text, 100) == text


def test_text_is_cut_to_its_length() -> None:
    assert plain("абв", 2) == "аб"


def test_what_is_no_id_is_left_out() -> None:
    assert read_ids(["1", "07", "0", "-1", "1e3", "９", "9" * 19, "42", ""]) == [1, 42]
