"""Blueprints: what is well-formed, and what the engine is told of them."""

import msgspec
import pytest
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import BlueprintId
from core.moments import HOUR
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.forms import Rules

PLAN = Blueprint(
    id=BlueprintId("b"),
    version=1,
    title="Тестирование",
    speciality="31.05.01",
    speciality_title="Лечебное дело",
    cells=(Cell("ЛД-01", "four_option", 18), Cell(None, "case", 2, weight=3)),
    exam_limit=HOUR,
    navigation="free",
    on_item_timeout="advance",
    flags=True,
    confirmation="automatic",
    cut=85,
    accreditation="primary",
)


def test_a_well_formed_one_is_accepted_and_tells_the_engine_its_rules() -> None:
    PLAN.validate()
    assert PLAN.length == 20
    assert PLAN.rules == Rules(HOUR, "free", "advance", True)
    replace(PLAN, exam_limit=12 * HOUR, cut=100).validate()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"title": " "}, "title"),
        ({"speciality": ""}, "speciality"),
        ({"version": 0}, "version"),
        ({"cells": ()}, "cells"),
        ({"cells": (Cell(None, "case", 0), Cell(None, "case", 1))}, "cells.0.count"),
        ({"cells": (Cell(None, "case", 1), Cell(None, "case", 1, -1))}, "cells.1.weight"),
        ({"cells": (Cell(None, "case", 1, 0),)}, "cells"),
        ({"cells": (Cell(None, "case", 501),)}, "cells"),
        ({"exam_limit": 59_999}, "exam_limit"),
        ({"exam_limit": 12 * HOUR + 1}, "exam_limit"),
        ({"cut": 0}, "cut"),
        ({"cut": 101}, "cut"),
        ({"navigation": "linear"}, "flags"),
        ({"pilots": -1}, "pilots"),
        ({"pilots": 51}, "pilots"),
        ({"pilots": 1, "practice": True}, "pilots"),
        ({"exposure_cap": 0.0}, "exposure_cap"),
        ({"exposure_cap": 1e-300}, "exposure_cap"),
        ({"exposure_cap": 1.01}, "exposure_cap"),
        ({"exposure_cap": float("nan")}, "exposure_cap"),
        ({"minimum_information": 0.0}, "minimum_information"),
        ({"minimum_information": 1001.0}, "minimum_information"),
    ],
)
def test_every_fault_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        replace(PLAN, **change).validate()
    assert refusal.value.code == "blueprint_invalid"
    assert set(refusal.value.fields) == {field}


def test_what_was_stored_before_levels_and_bands_still_reads() -> None:
    stored = msgspec.json.decode(msgspec.json.encode(PLAN))
    for name in ("pilots", "exposure_cap", "minimum_information"):
        del stored[name]
    for cell in stored["cells"]:
        del cell["level"], cell["band"]
    assert msgspec.convert(stored, Blueprint) == PLAN


def test_pilots_are_items_of_the_form_and_of_the_section_with_most_of_their_kind() -> None:
    cells = (Cell(None, "four_option", 3), Cell(None, "case", 9, section=1), Cell("ЛД-01", "four_option", 4, section=1))
    plan = replace(PLAN, cells=cells, sections=(Section("А"), Section("Б")), pilots=2)
    plan.validate()
    assert plan.pilots_place == ("four_option", 1)
    assert plan.length == 18
    assert [rule.count for rule in plan.rules.sections] == [3, 15]
    assert replace(PLAN, cells=(Cell(None, "case", 2),)).pilots_place == ("case", 0)
