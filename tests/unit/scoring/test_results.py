"""A whole form marked and decided."""

from datetime import date
from fractions import Fraction
from random import Random

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.errors import Invalid
from core.ids import BlueprintId, ChoiceId, ItemId, PersonId, SittingId
from core.moments import HOUR, MINUTE
from question_bank.assembly import assemble
from question_bank.blueprints import Blueprint, Cell
from question_bank.items import Item, Role, make_stage, pool_item
from question_bank.pool import Pool
from scoring.decision import Decision, advice
from scoring.marking import ALGORITHM
from scoring.results import Responses, Result, mark_form, work_out


def simple(number: int) -> Item:
    id = ItemId(f"i{number:02}")
    options = tuple((f"Вариант {n}", Role.KEY if n == number % 4 else Role.DISTRACTOR) for n in range(4))
    requirement = f"R{number % 2}"
    stages = (make_stage(id, 1, 0, "choice", options),)
    return Item(id, 1, "S", requirement, "recall", 0.6, MINUTE, "Вопрос?", stages, "Потому.")


def case(number: int) -> Item:
    id = ItemId(f"c{number}")
    actions = (("Да", Role.REQUIRED), ("Тоже", Role.REQUIRED), ("Лишнее", Role.NEUTRAL), ("Вред", Role.HARMFUL))
    stages = (make_stage(id, 1, 0, "actions", actions, prompt="Что сделать?"),)
    return Item(id, 1, "S", "R1", "analysis", 0.6, MINUTE, "Условие.", stages, "Потому.")


ITEMS = [simple(number) for number in range(24)] + [case(number) for number in range(2)]
KEPT = {(item.id, item.version): item for item in ITEMS}
PLAN = Blueprint(
    id=BlueprintId("b"),
    version=1,
    title="Проба",
    speciality="S",
    speciality_title="S",
    cells=(Cell(None, "four_option", 18), Cell(None, "case", 1, weight=2)),
    exam_limit=HOUR,
    navigation="linear",
    on_item_timeout="advance",
    flags=False,
    confirmation="protocol",
    cut=85,
    accreditation="primary",
)
FORM = assemble(PLAN, Pool(pool_item(item) for item in ITEMS), seed=11)


def key(id: ItemId) -> dict[int, tuple[ChoiceId, ...]]:
    item = KEPT[id, 1]
    return {
        number: tuple(c.id for c in stage.choices if c.role in (Role.KEY, Role.REQUIRED))
        for number, stage in enumerate(item.stages)
    }


def result(responses: Responses, clock: ManualClock) -> Result:
    return work_out(
        sitting=SittingId(5),
        person=PersonId(6),
        form=FORM,
        blueprint=PLAN,
        items=KEPT,
        responses=responses,
        titles={"R0": "Первое", "R1": "Второе"},
        ended=clock.now(),
        zone="Europe/Moscow",
        retake_days=30,
        decided_at=clock.now() + MINUTE,
    )


def test_all_right_passes_without_advice(clock: ManualClock) -> None:
    made = result({entry.item: key(entry.item) for entry in FORM.entries}, clock)
    assert made.decision == Decision(True, Fraction(20), 20, 85)
    assert made.advice == ()
    assert made.retake_on is None
    assert made.preliminary
    assert made.algorithm == ALGORITHM
    assert not replace(made, confirmed_at=clock.now()).preliminary


def test_seventeen_of_twenty_passes_and_a_part_of_a_point_less_does_not(clock: ManualClock) -> None:
    answers = {entry.item: key(entry.item) for entry in FORM.entries}
    simple_entries = [entry for entry in FORM.entries if entry.item.startswith("i")]
    for entry in simple_entries[:3]:
        del answers[entry.item]
    assert result(answers, clock).decision.passed
    (big,) = [entry for entry in FORM.entries if entry.item.startswith("c")]
    needless = KEPT[big.item, 1].stages[0].choices[2].id
    answers[big.item] = {0: (*answers[big.item][0], needless)}
    made = result(answers, clock)
    assert made.decision.raw == Fraction(33, 2)
    assert not made.decision.passed
    assert made.retake_on == date(2026, 12, 22)
    assert made.decided_at == clock.now() + MINUTE
    assert made.advice == advice(made.marks, {"R0": "Первое", "R1": "Второе"}, 85)
    assert made.advice


def test_marks_stand_in_the_forms_order_and_name_requirements() -> None:
    marks = mark_form(FORM, KEPT, {FORM.entries[3].item: key(FORM.entries[3].item)})
    assert [m.item for m in marks] == [entry.item for entry in FORM.entries]
    assert [m.weight for m in marks] == [entry.weight for entry in FORM.entries]
    assert [m.score for m in marks] == [1 if place == 3 else 0 for place in range(19)]
    assert all(m.requirement == KEPT[m.item, 1].requirement for m in marks)


def test_the_order_of_entries_and_options_does_not_matter(clock: ManualClock) -> None:
    random = Random(4)
    answers: dict[ItemId, dict[int, tuple[ChoiceId, ...]]] = {
        entry.item: {0: (random.choice(entry.stages[0].choices),)} for entry in FORM.entries
    }
    other = assemble(replace(PLAN, cells=(Cell(None, "four_option", 24), Cell(None, "case", 2))), POOL, 99)
    turned = replace(
        FORM,
        entries=tuple(
            replace(next(entry for entry in FORM.entries if entry.item == drawn.item), stages=drawn.stages)
            for drawn in other.entries
            if drawn.item in answers
        ),
    )
    assert turned.entries != FORM.entries
    assert sorted(m.item for m in mark_form(turned, KEPT, answers)) == sorted(answers)
    assert {m.item: m for m in mark_form(turned, KEPT, answers)} == {m.item: m for m in mark_form(FORM, KEPT, answers)}


POOL = Pool(pool_item(item) for item in ITEMS)


def test_a_choice_of_another_item_is_refused() -> None:
    one, two = FORM.entries[0].item, FORM.entries[1].item
    with pytest.raises(Invalid, match="choice_unknown"):
        mark_form(FORM, KEPT, {one: key(two)})
