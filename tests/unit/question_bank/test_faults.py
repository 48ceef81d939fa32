"""Faults: all of them at once, by field, and which of them keep a draft from being kept."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import ItemId
from question_bank.faults import Faults, drop_controls, find_faults, refuse_unfit, refuse_unready
from question_bank.items import Role, make_stage
from tests.unit.question_bank.samples import FOUR, case, item, simple


def test_well_formed_items_are_accepted() -> None:
    for made in (simple(), case()):
        assert find_faults(made) == Faults({}, {})
        refuse_unready(made)


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
    Fault({"explanation": " ", "pool": "practice"}, "explanation"),
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
    Fault(with_options(*FOUR[:3], ("Иной", Role.NEUTRAL)), "stages.0.roles"),
    Fault(with_actions(Role.NEUTRAL, Role.HARMFUL), "stages.0.roles"),
    Fault(with_actions(Role.REQUIRED, Role.KEY), "stages.0.roles"),
    Fault(with_actions(Role.REQUIRED), "stages.0.choices"),
    Fault(with_actions(*[Role.REQUIRED] * 21), "stages.0.choices"),
    Fault({"stages": (replace(case().stages[0], weight=0),)}, "stages.0.weight"),
    Fault({"stages": (replace(case().stages[0], prompt=""),)}, "stages.0.prompt"),
    Fault({"stages": (replace(case().stages[0], reveal="Рано"),)}, "stages.0.reveal"),
    Fault({"stages": (case().stages[0], replace(case().stages[1], ordered=True))}, "stages.1.ordered"),
    Fault({"stages": (case().stages[0], case().stages[0])}, "stages"),
    Fault({"tags": ("а" * 61,)}, "tags"),
    Fault({"tags": ("",)}, "tags"),
    Fault({"sources": ("Приказ\x00",)}, "sources"),
    Fault({"stem": "<p onclick='x'>Вопрос</p>", "markup": "html"}, "stem"),
    Fault({"stem": "<p> </p>", "markup": "html"}, "stem"),
    Fault({"stem": '<img data-asset="ekg-1" alt="">?', "markup": "html"}, "stem"),
    Fault({"explanation": "<table><tr><td>1</td></tr></table>", "markup": "html"}, "explanation"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.field)
def test_every_fault_is_named_and_is_the_only_one(fault: Fault) -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_unready(item(*simple().stages, **fault.change))
    assert refusal.value.code == "item_invalid"
    assert set(refusal.value.fields) == {fault.field}


UNREADY = [
    Fault({"stem": "  "}, "stem"),
    Fault({"explanation": "", "pool": "practice"}, "explanation"),
    Fault({"stem": '<img data-asset="ekg-1" alt="">?', "markup": "html"}, "stem"),
    Fault({"explanation": "<table><tr><td>1</td></tr></table>", "markup": "html"}, "explanation"),
    Fault({"stages": ()}, "stages"),
    Fault(with_options(*FOUR[:3]), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("  первый ", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:3], ("Иной", Role.KEY)), "stages.0.key"),
    Fault(with_actions(Role.NEUTRAL, Role.HARMFUL), "stages.0.roles"),
    Fault({"stages": (replace(case().stages[0], prompt=""),)}, "stages.0.prompt"),
    Fault({"explanation": " ", "pool": "practice"}, "explanation"),
    Fault(with_options(*FOUR, ("Пятый", Role.DISTRACTOR)), "stages.0.choices"),
    Fault(with_options(*FOUR[:1], *FOUR[2:], ("Второй", Role.DISTRACTOR)), "stages.0.key"),
    Fault(with_actions(Role.REQUIRED), "stages.0.choices"),
    Fault({"stages": (replace(case().stages[0], reveal="Рано"),)}, "stages.0.reveal"),
    Fault({"stem": "<p> </p>", "markup": "html"}, "stem"),
]


@pytest.mark.parametrize("fault", UNREADY, ids=lambda fault: fault.field)
def test_a_draft_may_be_unready(fault: Fault) -> None:
    made = item(*simple().stages, **fault.change)
    refuse_unfit(made)
    faults = find_faults(made)
    assert not faults.unfit
    assert set(faults.unready) == {fault.field}


def test_a_field_that_cannot_be_kept_is_not_called_unready_too() -> None:
    faults = find_faults(item(*simple().stages, **with_options(*FOUR[:2], ("Бе\x00з", Role.DISTRACTOR))))
    assert set(faults.unfit) == {"stages.0.choices"}
    assert not faults.unready


@pytest.mark.parametrize("fault", [one for one in FAULTS if one not in UNREADY], ids=lambda fault: fault.field)
def test_what_is_out_of_bounds_cannot_even_be_kept(fault: Fault) -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_unfit(item(*simple().stages, **fault.change))
    assert set(refusal.value.fields) == {fault.field}


def test_two_options_of_a_draft_that_say_the_same_have_ids_of_their_own() -> None:
    stage = make_stage(ItemId("i1"), 1, 0, "choice", (("", Role.KEY), ("", Role.DISTRACTOR), ("а", Role.DISTRACTOR)))
    assert len({choice.id for choice in stage.choices}) == 3


def test_control_characters_are_dropped_and_nothing_else() -> None:
    assert drop_controls("а\x00б\tв\nг\ud800") == "аб\tв\nг"
