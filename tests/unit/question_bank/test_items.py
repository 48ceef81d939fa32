"""Items: what is well-formed, and that the candidate's copy does not depend on the key."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ItemId
from question_bank.items import Role, candidate_copy, choice_id, make_stage, pool_item
from tests.unit.question_bank.samples import ACTIONS, FOUR, case, item, simple


def test_the_kind_follows_from_the_stages() -> None:
    assert simple().kind == "four_option"
    assert case().kind == "case"
    assert item(make_stage(ItemId("i1"), 3, 0, "actions", ACTIONS, prompt="Что?")).kind == "case"
    assert item(make_stage(ItemId("i1"), 3, 0, "choice", FOUR, prompt="Диагноз?")).kind == "case"


@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_copy_is_the_same_whatever_the_key_and_wherever_it_stood(random: Random, key: int) -> None:
    texts = [text for text, _ in FOUR]
    options = [(text, Role.KEY if place == key else Role.DISTRACTOR) for place, text in enumerate(texts)]
    random.shuffle(options)
    assert candidate_copy(simple(tuple(options))) == candidate_copy(simple())


@given(st.randoms(use_true_random=False))
def test_the_copy_of_a_case_does_not_show_the_right_order_nor_roles(random: Random) -> None:
    roles = [role for _, role in ACTIONS]
    random.shuffle(roles)
    actions = [(text, role) for (text, _), role in zip(ACTIONS, roles, strict=True)]
    random.shuffle(actions)
    first = make_stage(ItemId("i1"), 3, 0, "actions", tuple(actions), prompt="Что сделать?", ordered=True)
    changed = replace(case(), stages=(first, replace(case().stages[1], weight=7)), explanation="Другое")
    assert candidate_copy(changed) == candidate_copy(case())


def test_no_word_of_the_key_is_in_the_copy() -> None:
    encoded = msgspec.json.encode(candidate_copy(case())).decode()
    for word in ("role", "key", "required", "neutral", "harmful", "distractor", "weight", "Потому"):
        assert word not in encoded
    assert "Вызвать помощь" in encoded
    assert "ЭКГ" in encoded


def test_choice_ids_differ_by_item_version_stage_and_text() -> None:
    ids = {
        choice_id(ItemId(item), version, stage, text)
        for item in ("i1", "i2")
        for version in (1, 2)
        for stage in (0, 1)
        for text in ("Первый", "Второй")
    }
    assert len(ids) == 16
    assert all(len(id) == 10 and set(id) <= set("0123456789abcdef") for id in ids)


def test_drawing_sees_choices_in_the_order_of_ids_and_the_difficulty_in_millionths() -> None:
    drawn = pool_item(case())
    assert drawn.expected == 700_000
    assert drawn.kind == "case"
    for stage, made in zip(case().stages, drawn.stages, strict=True):
        assert list(made.choices) == sorted(choice.id for choice in stage.choices)
