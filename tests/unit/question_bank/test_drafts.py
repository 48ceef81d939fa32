"""Drafts: an item and its draft say the same; what a draft does not say comes from the defaults."""

import msgspec
import pytest
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import ItemId
from core.moments import MINUTE
from question_bank.drafts import Defaults, Draft, DraftChoice, DraftStage, draft_of, fill, make_item
from question_bank.items import Item, Role, make_stage

FOUR = (("Первый", Role.DISTRACTOR), ("Второй", Role.KEY), ("Третий", Role.DISTRACTOR), ("Иной", Role.DISTRACTOR))
ACTIONS = (("Вызвать помощь", Role.REQUIRED), ("Измерить рост", Role.NEUTRAL), ("Дать воды", Role.HARMFUL))


def case() -> Item:
    id = ItemId("i1")
    return Item(
        id,
        3,
        "31.05.01",
        "ЛД-01",
        "recall",
        0.7,
        MINUTE,
        "Больной 50 лет.",
        (
            make_stage(id, 3, 0, "actions", ACTIONS, prompt="Что сделать?", ordered=True),
            make_stage(id, 3, 1, "choice", FOUR, prompt="Диагноз?", reveal="ЭКГ: …", weight=2),
        ),
        "Потому что.",
        "practice",
        ("Клинические рекомендации, п. 2",),
        "text",
        ("ЭКГ",),
        "en",
    )


def test_an_item_made_of_its_draft_is_the_same() -> None:
    assert make_item(draft_of(case()), ItemId("i1"), 3) == case()


def test_a_draft_survives_json() -> None:
    draft = draft_of(case())
    assert msgspec.json.decode(msgspec.json.encode(draft), type=Draft) == draft


BARE = Draft("Вопрос?", (DraftStage(tuple(DraftChoice(text, role) for text, role in FOUR)),))


def test_the_defaults_fill_what_is_not_said_and_nothing_else() -> None:
    defaults = Defaults("31.05.01", "ЛД-02", "analysis", 0.4, 2 * MINUTE, "en", "practice")
    filled = fill(replace(BARE, requirement="ЛД-09", difficulty=0.9), defaults)
    assert filled == replace(
        BARE,
        speciality="31.05.01",
        requirement="ЛД-09",
        level="analysis",
        difficulty=0.9,
        limit=2 * MINUTE,
        language="en",
        pool="practice",
    )
    assert fill(draft_of(case()), defaults) == draft_of(case())


def test_a_draft_that_leaves_something_unsaid_is_no_item() -> None:
    with pytest.raises(Invalid) as refusal:
        make_item(replace(BARE, level="recall"), ItemId("i1"), 1)
    assert refusal.value.code == "draft_unfilled"
    assert set(refusal.value.fields) == {"difficulty", "limit"}
