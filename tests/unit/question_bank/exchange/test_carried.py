"""What is carried beside an item comes home, exactly or as far as tags can hold it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from question_bank.exchange.carried import (
    LONGEST_TAG,
    Carried,
    as_tags,
    carry,
    find_plain_choice,
    from_tags,
    give_back,
    pack,
    settle_tags,
    settle_text,
    unpack,
)
from question_bank.exchange.entries import Leaving, Remark
from question_bank.faults import MAX_TAG, MAX_TAGS
from tests.drafts import four_option, leavings


@given(leavings())
def test_what_is_packed_comes_back(item: Leaving) -> None:
    carried = carry(item, tags=True)
    assert unpack(pack(carried)) == carried
    assert "\n" not in pack(carried)
    bare = replace(item.draft, sources=(), speciality="", requirement="", level=None, difficulty=None, limit=None)
    bare = replace(bare, tags=(), language=None, pool=None)
    stages = tuple(replace(stage, weight=1) if number == 0 else stage for number, stage in enumerate(bare.stages))
    assert give_back(replace(bare, stages=stages), carried) == item.draft


@given(leavings(), st.lists(st.text(min_size=1).filter(lambda tag: not tag.startswith("bank:"))))
def test_tags_hold_what_is_short(item: Leaving, others: list[str]) -> None:
    carried = carry(item, tags=False)
    tags = as_tags(carried)
    assert all(len(tag) <= LONGEST_TAG for tag in tags)
    found, left = from_tags((*others, *tags))
    assert left == tuple(others)
    assert found == replace(carried, markup=None, sources=(), weight=1, enemies=())


@pytest.mark.parametrize("tag", ["bank:limit=soon", "bank:level=great", "bank:pool="])
def test_tags_that_say_nothing_known_stay_tags(tag: str) -> None:
    found, left = from_tags(("ЭКГ", tag))
    assert (found in (None, Carried()), left) == (True, ("ЭКГ", tag))


@pytest.mark.parametrize("text", ["", "[]", '{"home":1}', '{"limit":"x"}', "\ud800", '{"level":"great"}'])
def test_what_we_did_not_write_is_nothing(text: str) -> None:
    assert unpack(text) is None


def test_tags_of_others_are_made_to_fit() -> None:
    remarks: list[Remark] = []
    assert settle_tags([" a  b ", "a b", "", "c\x00"], remarks) == ("a b", "c")
    assert not remarks
    assert settle_tags(["x" * (MAX_TAG + 5)], remarks) == ("x" * MAX_TAG,)
    assert len(settle_tags([str(number) for number in range(MAX_TAGS + 1)], remarks)) == MAX_TAGS
    assert {remark.code for remark in remarks} == {"tags_cut"}


def test_control_characters_go_and_are_told_once() -> None:
    remarks: list[Remark] = []
    assert [settle_text(text, remarks) for text in ("a\x00b", "c\x01", "d\te")] == ["ab", "c", "d\te"]
    assert [remark.code for remark in remarks] == ["controls_dropped"]


def test_only_a_choice_without_a_prompt_is_plain() -> None:
    draft = four_option()
    (stage,) = draft.stages
    assert find_plain_choice(draft) == stage
    assert find_plain_choice(replace(draft, stages=(replace(stage, prompt=" "),))) == replace(stage, prompt=" ")
    for changed in ((), (stage, stage), (replace(stage, prompt="?"),), (replace(stage, reveal="ЭКГ"),)):
        told = find_plain_choice(replace(draft, stages=changed))
        assert isinstance(told, Remark)
        assert told.code == "case"
