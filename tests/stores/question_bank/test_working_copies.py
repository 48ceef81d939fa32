"""Working copies: one per author and item, kept as typed, gone when saved."""

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database
from core.errors import TooLarge
from core.ids import ItemId, PersonId
from question_bank.drafts import Draft, draft_of
from question_bank.working_copies import drop_copy, keep_copy, load_copy
from tests.stores.question_bank.conftest import four_option

ANNA, BORIS = PersonId(1), PersonId(2)
FIRST, SECOND = ItemId("i000001"), ItemId("i000002")


async def test_each_author_has_a_copy_of_his_own(database: Database, clock: ManualClock) -> None:
    draft = draft_of(four_option(1))
    half = Draft("", ())
    async with database.transaction() as connection:
        await keep_copy(connection, ANNA, FIRST, 0, half, clock.now())
        await keep_copy(connection, ANNA, FIRST, 2, draft, clock.advance(1_000))
        await keep_copy(connection, BORIS, FIRST, 1, half, clock.now())
        await keep_copy(connection, ANNA, SECOND, 0, half, clock.advance(1_000))
        kept = await load_copy(connection, ANNA, FIRST)
        assert kept is not None
        assert (kept.based_on, kept.draft) == (2, draft)
        await drop_copy(connection, ANNA, FIRST)
        assert await load_copy(connection, ANNA, FIRST) is None
        assert await load_copy(connection, BORIS, FIRST) is not None


async def test_a_copy_is_bounded(database: Database, clock: ManualClock) -> None:
    with pytest.raises(TooLarge, match="copy_too_large"):
        async with database.transaction() as connection:
            await keep_copy(connection, ANNA, FIRST, 0, replace(Draft("", ()), stem="я" * 200_001), clock.now())
