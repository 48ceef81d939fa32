"""The way from an outcome to the register and back: signed there, signed back, exactly one entry."""

from pathlib import Path

import pytest

from app.topics import join_topics
from core import outbox
from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, execute, fetch_all
from core.ids import SittingId
from core.keys import Keys
from core.signatures import verify
from core.web.pages import Pages
from exam_server.conclusion import Outcome, load_outcome
from question_bank.blueprints import Blueprint
from registry import notices
from registry.intake import Intake, Sender
from tests.stores.cabinet.centre import AUTOMATIC, PRACTICE, Centre


class Post:
    """The outbox of one service with the register behind it."""

    def __init__(self, database: Database, clock: ManualClock, blobs: Blobs) -> None:
        self.database = database
        self.keys = Keys.fresh()
        platform = self.keys.platform
        intake = Intake(
            database, {platform.kid: Sender("exam", platform.public)}, self.keys.registry, clock, zone="Europe/Moscow"
        )
        self.handlers = join_topics(intake, self.keys.registry.public, platform, blobs)

    async def deliver(self) -> None:
        while await outbox.deliver(self.database, self.handlers):
            pass

    async def outcome(self, sitting: SittingId) -> Outcome:
        async with self.database.transaction() as connection:
            found = await load_outcome(connection, sitting)
        assert found is not None
        return found

    async def entries(self) -> list[str]:
        async with self.database.transaction() as connection:
            rows = await fetch_all(connection, "SELECT number FROM registry.entry ORDER BY number")
        return [row["number"] for row in rows]


@pytest.fixture
async def centre(database: Database, clock: ManualClock) -> Centre:
    centre = Centre(database, clock, Pages(["cabinet"]))
    await centre.fill()
    return centre


@pytest.fixture
def post(database: Database, clock: ManualClock, tmp_path: Path) -> Post:
    return Post(database, clock, Blobs.in_folder(tmp_path, Keys.fresh().masters))


async def take(centre: Centre, right: int, blueprint: Blueprint = AUTOMATIC) -> SittingId:
    one = await centre.person(f"k{right}")
    await centre.admit(one)
    window = await centre.window(blueprint)
    return await centre.take(one, await centre.book(one, window), right)


async def test_a_pass_gets_an_entry_and_its_signed_receipt_comes_back(centre: Centre, post: Post) -> None:
    sitting = await take(centre, 20)
    await post.deliver()
    outcome = await post.outcome(sitting)
    assert await post.entries() == [outcome.register_number]
    assert outcome.receipt is not None
    register = post.keys.registry
    signed = verify(outcome.receipt, {register.kid: register.public}, notices.RECEIPT_TYPE)
    assert notices.read_receipt(signed.payload).number == outcome.register_number


async def test_a_fail_is_known_to_the_register_and_has_no_entry(centre: Centre, post: Post) -> None:
    sitting = await take(centre, 3)
    await post.deliver()
    outcome = await post.outcome(sitting)
    assert outcome.receipt is not None
    assert outcome.register_number is None
    assert await post.entries() == []


async def test_practice_is_nobodys_business(centre: Centre, post: Post) -> None:
    sitting = await take(centre, 5, PRACTICE)
    await post.deliver()
    async with post.database.transaction() as connection:
        assert await load_outcome(connection, sitting) is None
    assert await post.entries() == []


async def test_a_delivery_that_broke_off_gives_the_same_number_again(centre: Centre, post: Post) -> None:
    """The register had committed when the platform's own transaction failed."""
    sitting = await take(centre, 20)
    async with post.database.transaction() as connection:
        (posted,) = await fetch_all(connection, "SELECT id, body FROM core.outbox WHERE topic = 'exam.outcome'")
    await post.deliver()
    first = await post.outcome(sitting)
    async with post.database.transaction() as connection:
        await execute(connection, "UPDATE exam_server.outcome SET register_number = NULL, receipt = NULL")
        await execute(connection, "UPDATE core.outbox SET sent = NULL, body = :body WHERE id = :id", **posted)
    await post.deliver()
    again = await post.outcome(sitting)
    assert (again.register_number, again.receipt) == (first.register_number, first.receipt)
    assert len(await post.entries()) == 1


async def test_every_topic_that_is_posted_has_a_handler(centre: Centre, post: Post) -> None:
    await take(centre, 20)
    async with post.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT DISTINCT topic FROM core.outbox")
    topics = {row["topic"] for row in rows}
    assert topics >= {"exam.outcome"}
    assert topics <= set(post.handlers)
    await post.deliver()
    async with post.database.transaction() as connection:
        assert await outbox.waiting(connection) == {}
