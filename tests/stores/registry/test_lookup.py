from datetime import date

import pytest
from msgspec.structs import replace

from core.database import Database
from core.errors import AccreditationError, NotFound, TooMany
from registry import numbers, store
from registry.entries import Status, suspend
from registry.lookup import MOST_NAMESAKES, Answer, by_name, by_number
from registry.notices import Kind
from tests.stores.registry.conftest import Receive
from tests.unit.registry.samples import ANNA, MEDICINE, TODAY, annulled, passed


async def ask(database: Database, text: str, today: date = TODAY) -> Answer:
    async with database.transaction() as connection:
        return await by_number(connection, text, today)


async def ask_name(database: Database, text: str) -> list[Answer]:
    async with database.transaction() as connection:
        return await by_name(connection, text, TODAY)


async def test_a_number_is_answered_with_what_a_check_needs(database: Database, receive: Receive) -> None:
    number = (await receive(passed(1))).number
    assert number is not None
    assert await ask(database, number.replace("-", " ")) == Answer(
        number=number,
        name=ANNA.name,
        speciality=MEDICINE,
        kind=Kind.PRIMARY,
        status=Status.VALID,
        valid_from=date(2026, 5, 14),
        valid_to=date(2031, 5, 14),
        successor=None,
    )
    assert (await ask(database, number, date(2031, 5, 15))).status is Status.EXPIRED


async def test_an_answer_never_says_why(database: Database, receive: Receive) -> None:
    number = (await receive(passed(1))).number
    assert number is not None
    async with database.transaction() as connection:
        entry = await store.entry(connection, number)
        assert entry is not None
        await store.change_entry(connection, suspend(entry, "Тайная причина"), "person:1", 1)
    answer = await ask(database, number)
    assert answer.status is Status.SUSPENDED
    assert "Тайная" not in repr(answer)
    assert "1990" not in repr(answer)


async def test_a_replaced_entry_leads_to_its_successor(database: Database, receive: Receive) -> None:
    old, new = (await receive(passed(1))).number, (await receive(passed(2))).number
    assert old is not None
    answer = await ask(database, old)
    assert (answer.status, answer.successor) == (Status.SUPERSEDED, new)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (numbers.compose("77", 2026, 1), "entry_unknown"),
        ("77-2026-0000-0000-0001-00", "number_mistyped"),
        ("12", "number_malformed"),
    ],
)
async def test_what_is_not_found_says_why(database: Database, text: str, code: str) -> None:
    with pytest.raises(AccreditationError) as error:
        await ask(database, text)
    assert error.value.code == code
    assert isinstance(error.value, NotFound) is (code == "entry_unknown")


async def test_a_name_is_answered_with_what_stands_and_a_masked_number(database: Database, receive: Receive) -> None:
    await receive(passed(1))
    number = (await receive(passed(2))).number
    assert number is not None
    (answer,) = await ask_name(database, "ИВАНОВА Анна, лечебное дело")
    assert (answer.name, answer.status, answer.successor) == (ANNA.name, Status.VALID, None)
    assert answer.number == numbers.masked(number)
    assert number not in repr(answer)
    assert await ask_name(database, "Петрова Анна, лечебное дело") == []


async def test_an_annulled_entry_is_said_to_be(database: Database, receive: Receive) -> None:
    await receive(passed(1))
    await receive(annulled(2, of=1))
    (answer,) = await ask_name(database, "Иванова Анна Петровна, лечебное дело")
    assert answer.status is Status.ANNULLED


async def test_namesakes_are_shown_side_by_side_but_not_by_the_dozen(database: Database, receive: Receive) -> None:
    for number in range(1, MOST_NAMESAKES + 1):
        await receive(passed(number, person=replace(ANNA, reference=f"person-{number}")))
    assert len(await ask_name(database, "Иванова Анна Петровна, лечебное дело")) == MOST_NAMESAKES
    await receive(passed(99, person=replace(ANNA, reference="person-99")))
    with pytest.raises(TooMany):
        await ask_name(database, "Иванова Анна Петровна, лечебное дело")


async def test_without_entries_no_speciality_is_known(database: Database) -> None:
    with pytest.raises(AccreditationError) as error:
        await ask_name(database, "Иванова Анна Петровна, лечебное дело")
    assert error.value.code == "query_speciality"
