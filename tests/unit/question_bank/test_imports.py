"""Two items with one digest ask the same and count the same as right, whatever else is said of them."""

import pytest
from msgspec.structs import replace

from core.ids import ItemId
from question_bank.drafts import Draft, DraftChoice, make_item
from question_bank.imports import Counts, digest_of
from question_bank.items import Role
from tests.drafts import four_option


def digest(draft: Draft, item: str = "i1", version: int = 1) -> bytes:
    return digest_of(make_item(draft, ItemId(item), version))


def test_what_is_said_of_an_item_is_not_in_its_digest() -> None:
    draft = four_option()
    other = replace(draft, requirement="ЛД-09", difficulty=0.2, tags=("ЭКГ",), explanation="Потому.")
    assert digest(draft) == digest(other, "i2", 7)


@pytest.mark.parametrize(
    "other",
    [
        four_option("Другой вопрос?"),
        four_option(key=2),
        replace(four_option(), markup="html"),
        replace(four_option(), stages=()),
        replace(four_option(), stages=(replace(four_option().stages[0], prompt="Что?"),)),
        replace(
            four_option(),
            stages=(replace(four_option().stages[0], choices=(DraftChoice("Один", Role.KEY),)),),
        ),
    ],
)
def test_what_it_asks_is(other: Draft) -> None:
    assert digest(other) != digest(four_option())


def test_what_is_kept_is_new_or_changed() -> None:
    assert Counts(read=6, new=1, changed=2, unchanged=1, duplicate=1, rejected=1).kept == 3
