"""Items: what is well-formed, and that the candidate's copy does not depend on the key."""

from dataclasses import dataclass
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import ItemId
from core.moments import MINUTE
from question_bank.items import Item, Role, Stage, candidate_copy, choice_id, make_stage, pool_item

FOUR = (("Первый", Role.DISTRACTOR), ("Второй", Role.KEY), ("Третий", Role.DISTRACTOR), ("Иной", Role.DISTRACTOR))
ACTIONS = (
    ("Вызвать помощь", Role.REQUIRED),
    ("Начать компрессии", Role.REQUIRED),
    ("Измерить рост", Role.NEUTRAL),
    ("Дать воды", Role.HARMFUL),
)


def item(*stages: Stage, **changes: object) -> Item:
    made = Item(ItemId("i1"), 3, "31.05.01", "ЛД-01", "recall", 0.7, MINUTE, "Вопрос?", stages, "Потому что.")
    return replace(made, **changes)


def simple(options: tuple[tuple[str, Role], ...] = FOUR) -> Item:
    return item(make_stage(ItemId("i1"), 3, 0, "choice", options))


def case() -> Item:
    return item(
        make_stage(ItemId("i1"), 3, 0, "actions", ACTIONS, prompt="Что сделать?", ordered=True),
        make_stage(ItemId("i1"), 3, 1, "choice", FOUR, prompt="Диагноз?", reveal="ЭКГ: …", weight=2),
    )


def test_the_kind_follows_from_the_stages() -> None:
    assert simple().kind == "four_option"
    assert case().kind == "case"
    assert item(make_stage(ItemId("i1"), 3, 0, "actions", ACTIONS, prompt="Что?")).kind == "case"
    assert item(make_stage(ItemId("i1"), 3, 0, "choice", FOUR, prompt="Диагноз?")).kind == "case"


def test_well_formed_items_are_accepted() -> None:
    simple().validate()
    case().validate()


@dataclass
class Fault:
    change: dict[str, object]
    field: str


def with_options(*options: tuple[str, Role]) -> dict[str, object]:
    return {"stages": (make_stage(ItemId("i1"), 3, 0, "choice", options),)}


def with_actions(*roles: Role) -> dict[str, object]:
    actions = tuple((f"Действие {number}", role) for number, role in enumerate(roles))
    return {"stages": (make_stage(ItemId("i1"), 3, 0, "actions", actions, prompt="Что сделать?"),)}


FAULTS = [
    Fault({"stem": "  "}, "stem"),
    Fault({"stem": "а\x00б"}, "stem"),
    Fault({"stem": "а\ud800"}, "stem"),
    Fault({"stem": "а" * 10_001}, "stem"),
    Fault({"explanation": ""}, "explanation"),
    Fault({"requirement": ""}, "requirement"),
    Fault({"version": 0}, "version"),
    Fault({"difficulty": 0.0}, "difficulty"),
    Fault({"difficulty": 1.0}, "difficulty"),
    Fault({"difficulty": float("nan")}, "difficulty"),
    Fault({"limit": 4_999}, "limit"),
    Fault({"limit": 3_600_001}, "limit"),
    Fault({"stages": ()}, "stages"),
    Fault(with_options(*FOUR[:3]), "stages.0.choices"),
    Fault(with_options(*FOUR, ("Пятый", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("  первый ", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("\x07", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("а" * 1_001, Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("Иной", Role.KEY)), "stages.0.key"),
    Fault(with_options(*FOUR[:1], *FOUR[2:], ("Второй", Role.DISTRACTOR)), "stages.0.key"),
    Fault(with_options(*FOUR[:3], ("Иной", Role.NEUTRAL)), "stages.0.key"),
    Fault(with_actions(Role.NEUTRAL, Role.HARMFUL), "stages.0.roles"),
    Fault(with_actions(Role.REQUIRED, Role.KEY), "stages.0.roles"),
    Fault(with_actions(Role.REQUIRED), "stages.0.choices"),
    Fault(with_actions(*[Role.REQUIRED] * 21), "stages.0.choices"),
    Fault({"stages": (replace(case().stages[0], weight=0),)}, "stages.0.weight"),
    Fault({"stages": (replace(case().stages[0], prompt=""),)}, "stages.0.prompt"),
    Fault({"stages": (replace(case().stages[0], reveal="Рано"),)}, "stages.0.reveal"),
    Fault({"stages": (case().stages[0], replace(case().stages[1], ordered=True))}, "stages.1.ordered"),
    Fault({"stages": (case().stages[0], case().stages[0])}, "stages"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.field)
def test_every_fault_is_named_and_is_the_only_one(fault: Fault) -> None:
    with pytest.raises(Invalid) as refusal:
        item(*simple().stages, **fault.change).validate()
    assert refusal.value.code == "item_invalid"
    assert set(refusal.value.fields) == {fault.field}


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
