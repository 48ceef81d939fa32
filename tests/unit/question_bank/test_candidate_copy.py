"""What a candidate may see: ordering, opening, and that nothing else can be in it."""

import subprocess
import sys
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.ids import ChoiceId, ItemId
from question_bank.candidate_copy import (
    CandidateChoice,
    CandidateItem,
    CandidateStage,
    open_stages,
    order_choices,
)

SIZES = (4, 7, 5)
COPY = CandidateItem(
    ItemId("c1"),
    "case",
    "Условие",
    tuple(
        CandidateStage(
            "actions",
            f"Шаг {number}",
            f"Данные {number}" if number else "",
            tuple(CandidateChoice(ChoiceId(f"{number}-{place}"), f"Действие {place}") for place in range(size)),
            False,
        )
        for number, size in enumerate(SIZES)
    ),
)
IDS = tuple(tuple(choice.id for choice in stage.choices) for stage in COPY.stages)


@given(st.randoms(use_true_random=False))
def test_choices_stand_in_the_forms_order_and_nothing_else_changes(random: Random) -> None:
    order = tuple(tuple(random.sample(ids, len(ids))) for ids in IDS)
    ordered = order_choices(COPY, order)
    assert tuple(tuple(choice.id for choice in stage.choices) for stage in ordered.stages) == order
    assert order_choices(ordered, IDS) == COPY


@pytest.mark.parametrize(
    "order",
    [
        IDS[:2],
        (*IDS, IDS[0]),
        (IDS[0][:-1], *IDS[1:]),
        ((*IDS[0][:-1], IDS[0][0]), *IDS[1:]),
        ((*IDS[0], IDS[0][0]), *IDS[1:]),
        ((*IDS[0][:-1], ChoiceId("foreign")), *IDS[1:]),
        (IDS[1], IDS[0], IDS[2]),
    ],
)
def test_an_order_of_other_choices_is_refused(order: tuple[tuple[ChoiceId, ...], ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        order_choices(COPY, order)
    assert refusal.value.code == "choices_differ"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_only_open_stages_are_in_the_copy(count: int) -> None:
    opened = open_stages(COPY, count)
    assert opened.stages == COPY.stages[:count]
    text = msgspec.json.encode(opened).decode()
    for number in range(3):
        assert (f"Шаг {number}" in text) == (number < count)


@pytest.mark.parametrize("count", [-1, 0, 4])
def test_a_stage_that_does_not_exist_is_refused(count: int) -> None:
    with pytest.raises(Invalid) as refusal:
        open_stages(COPY, count)
    assert refusal.value.code == "stage_unknown"


def test_the_type_has_no_place_for_a_key() -> None:
    schema = msgspec.json.schema(CandidateItem)
    fields = {name: set(definition["properties"]) for name, definition in schema["$defs"].items()}
    assert fields == {
        "CandidateItem": {"item", "kind", "stem", "stages", "markup"},
        "CandidateStage": {"kind", "prompt", "reveal", "choices", "ordered"},
        "CandidateChoice": {"id", "text"},
    }


@pytest.mark.parametrize(
    "module", ["candidate_copy", "candidate_store", "forms", "blueprints", "assembly", "pool_store", "blueprint_store"]
)
def test_serving_candidates_and_drawing_forms_never_load_keys(module: str) -> None:
    program = f"import sys, question_bank.{module}; print('question_bank.items' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
