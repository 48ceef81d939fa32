"""To how many forms items are open."""

from hypothesis import given
from hypothesis import strategies as st

from core.ids import ItemId
from question_bank.exposure import SLACK, Openness, control, horizon
from question_bank.pool import WHOLE

ITEM, OTHER = ItemId("i1"), ItemId("i2")


def test_what_is_drawn_seldom_is_open_to_all() -> None:
    assert control(1_000, {ITEM: 100, OTHER: 0}, 900, {}, 0.2) == {}


def test_what_is_drawn_too_often_is_closed_until_it_is_made_good() -> None:
    """Of 1,000 forms 200 may have it, and 20 of the next 100. It has had 400 of all: it is closed to them."""
    found = control(1_000, {ITEM: 400}, 0, {}, 0.2)
    assert found == {ITEM: Openness(0, 1_000)}
    later = control(2_000, {ITEM: 400}, 1_000, found, 0.2)
    # 440 + 3 - 400 of the next 200, of which it is drawn for two in five that it is open to.
    assert later[ITEM] == Openness(int(WHOLE * 43 / (200 * 0.4)), 1_000)


@given(
    st.integers(0, 5_000),
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.none() | st.builds(Openness, share=st.integers(0, WHOLE), was_open=st.integers(0, 5_000)),
)
def test_a_share_is_a_share_and_the_allowance_is_kept_in_expectation(
    forms: int, drawn: float, cap: float, known: Openness | None
) -> None:
    times = int(forms * drawn)
    found = control(forms, {ITEM: times}, 0, {ITEM: known} if known else {}, cap).get(ITEM, Openness(WHOLE, forms))
    assert 0 <= found.share <= WHOLE
    assert found.was_open >= 0
    if found.share:
        rate = times / max(found.was_open, times, 1)
        expected = times + horizon(forms) * rate * found.share / WHOLE
        assert expected <= cap * (forms + horizon(forms)) + SLACK + 1e-6


def test_what_was_closed_once_is_remembered_when_it_is_open_again() -> None:
    """Of the 2,000 forms it was open to 600 and half of the next 1,000; it may stand on 343 more."""
    found = control(2_000, {ITEM: 100}, 1_000, {ITEM: Openness(WHOLE // 2, 600)}, 0.2)
    assert found == {ITEM: Openness(WHOLE, 1_100)}


def test_shares_change_ever_more_rarely() -> None:
    assert horizon(0) == horizon(400) == 50
    assert horizon(10_000) == 1_000
