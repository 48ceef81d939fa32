"""Forms drawn before their window opens: what they are, whom they do not bind, and what a start costs by then."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.form_verification import prove_forms
from cabinet.bookings import book_window, give_back, list_offers
from cabinet.home import load_home
from cabinet.outcomes import load_view
from core.access.roles import Principal
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Invalid, NotFound
from core.ids import BookingId, SittingId, WindowId
from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server import scheduling, timing
from exam_server.chain import Row
from exam_server.closing import Closing
from exam_server.commands import Admit, Start
from exam_server.conclusion import Conclusion, load_outcome
from exam_server.events import Allowance, Created, Ended, Shown, Started, decode_batch
from exam_server.preparation import BATCH, Preparation, prepare_some
from exam_server.sitting import Sitting
from exam_server.source import DatabaseSource
from exam_server.store import load_card, load_sitting
from question_bank import fixed_forms
from question_bank.assembly import ALGORITHM, prove
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.fixed_form_store import load_build
from question_bank.fixed_forms import Order
from question_bank.form_builds import FormBuilds
from question_bank.pool_store import PreparedPools, load_snapshot
from question_bank.store import withdraw_item
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, NURSING, Centre
from tests.stores.exam_server.conftest import Engine, warm
from tests.stores.exam_server.test_scheduling import code_of


class Office:
    """The centre with the jobs that prepare and close."""

    def __init__(self, centre: Centre, engine: Engine) -> None:
        self.centre = centre
        self.engine = engine
        database = centre.database
        self.source = DatabaseSource(database)
        self.preparation = Preparation(database, centre.clock, PreparedPools(), self.source, DAY)
        self.closing = Closing(database, centre.clock, engine.conduct)
        self.conclusion = Conclusion(database, centre.clock, 30)

    async def booking(self, candidate: Principal) -> scheduling.Booking:
        async with self.centre.database.transaction() as connection:
            (booking,) = await scheduling.list_bookings(connection, candidate.id)
        return booking

    async def prepared(self, candidate: Principal) -> SittingId:
        prepared = (await self.booking(candidate)).prepared
        assert prepared is not None
        return prepared

    async def stored(self, sitting: SittingId) -> Sitting:
        async with self.centre.database.transaction() as connection:
            return await load_sitting(connection, sitting)


@pytest.fixture
def office(centre: Centre, engine: Engine) -> Office:
    return Office(centre, engine)


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that go through the pool meanwhile; the log has a connection of its own."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(" ".join(statement.split()))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_who_is_booked_has_a_form_before_the_window_opens(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    window = await centre.window(opens_in=2 * HOUR)
    booking = await centre.book(candidate, window)
    assert await office.preparation.sweep() == 1
    assert await office.preparation.sweep() == 0
    sitting = await office.stored(await office.prepared(candidate))
    assert (sitting.opens_at, sitting.closes_at) == (centre.clock.now() + 2 * HOUR, centre.clock.now() + 6 * HOUR)
    assert (sitting.status, sitting.candidate, len(sitting.form.entries)) == ("ready", candidate.id, EXAM.length)
    async with centre.database.transaction() as connection:
        assert prove(sitting.form, EXAM, await load_snapshot(connection, sitting.form.snapshot))
        form = await fetch_one(
            connection, "SELECT items, versions FROM exam_server.form WHERE sitting_id = :id", id=sitting.id
        )
    assert form is not None
    assert form["items"] == [entry.item for entry in sitting.form.entries]
    assert form["versions"] == [entry.version for entry in sitting.form.entries]
    assert await code_of(centre.enter(candidate, booking)) == "too_early"
    centre.clock.advance(2 * HOUR)
    assert await centre.enter(candidate, booking) == sitting.id == await centre.enter(candidate, booking)
    assert (await office.stored(sitting.id)).form == sitting.form
    async with centre.database.transaction() as connection:
        card = await load_card(connection, sitting.id)
    assert (card.entered_at, card.attempt, card.created_at) == (centre.clock.now(), 1, centre.clock.now() - 2 * HOUR)


async def test_only_what_opens_soon_is_prepared(centre: Centre, candidate: Principal, office: Office) -> None:
    await centre.book(candidate, await centre.window(opens_in=DAY + MINUTE))
    await centre.book(candidate, await centre.window())
    cancelled = await centre.window(opens_in=HOUR)
    await centre.book(candidate, cancelled)
    await centre.cancel_window(cancelled)
    assert await office.preparation.sweep() == 0
    centre.clock.advance(MINUTE)
    assert await office.preparation.sweep() == 1


async def test_a_late_booking_is_prepared_too_and_one_after_the_opening_gets_its_form_at_entering(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    window = await centre.window(opens_in=HOUR)
    assert await office.preparation.sweep() == 0
    await centre.book(candidate, window)
    assert await office.preparation.sweep() == 1
    centre.clock.advance(HOUR)
    other = await centre.person("late")
    await centre.admit(other)
    booking = await centre.book(other, window)
    assert await office.preparation.sweep() == 0
    sitting = await office.stored(await centre.enter(other, booking))
    assert (sitting.opens_at, sitting.status) == (centre.clock.now(), "ready")


async def test_processes_share_the_work(centre: Centre, database: Database, office: Office) -> None:
    window = await centre.window(opens_in=HOUR, capacity=1_000)
    people = BATCH * 2 + 7
    async with database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.booking (window_id, candidate, booked_at)
               SELECT :window, 1000 + n, 0 FROM generate_series(1, CAST(:people AS int)) AS n""",
            window=window,
            people=people,
        )
    others = [Preparation(database, centre.clock, PreparedPools(), office.source, DAY) for _ in range(3)]
    await warm(database, 4)
    made = await asyncio.gather(*(one.sweep() for one in (office.preparation, *others)))
    assert sum(made) == people
    async with database.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT l.events FROM exam_server.log l JOIN exam_server.sitting s ON s.id = l.sitting_id"
        )
        bookings = await fetch_one(connection, "SELECT count(DISTINCT booking_id) AS n FROM exam_server.sitting")
    assert bookings is not None
    assert bookings["n"] == people
    forms = {created.form.seed for row in rows for created in decode_batch(row["events"]) if type(created) is Created}
    assert len(forms) == people


async def test_whoever_enters_while_forms_are_drawn_gets_one_sitting(
    centre: Centre, candidate: Principal, office: Office, database: Database
) -> None:
    window = await centre.window(opens_in=HOUR)
    booking = await centre.book(candidate, window)
    early = centre.clock.now()
    centre.clock.advance(HOUR)
    await warm(database, 3)

    async def prepare() -> list[SittingId]:
        async with database.transaction() as connection:
            return await prepare_some(connection, window, pools=PreparedPools(), seeds=lambda: 5, now=early)

    entered, made = await asyncio.gather(centre.enter(candidate, booking), prepare())
    assert made in ([], [entered])
    assert (await office.booking(candidate)).sitting == entered


async def test_an_exam_that_can_not_be_filled_holds_up_no_other(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    hungry = Blueprint(
        EXAM.id,
        2,
        "Слишком много",
        NURSING,
        "Сестринское дело",
        (Cell("СД-01", "four_option", 11),),
        EXAM.exam_limit,
        "free",
        "advance",
        True,
        "protocol",
        85,
        "primary",
    )
    async with centre.database.transaction() as connection:
        await save_blueprint(connection, hungry, centre.clock.now())
    await centre.book(candidate, await centre.window(hungry, opens_in=HOUR))
    await centre.book(candidate, await centre.window(AUTOMATIC, opens_in=2 * HOUR))
    assert await office.preparation.sweep() == 1


async def test_admission_taken_back_after_preparation_counts_at_entering(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    centre.clock.advance(HOUR)
    await centre.admit(candidate, "Диплом")
    assert await code_of(centre.enter(candidate, booking)) == "documents_missing"
    await centre.admit(candidate)
    assert await centre.enter(candidate, booking) == await office.prepared(candidate)


# --- a form binds nobody ----------------------------------------------------------------------------------------


async def test_a_prepared_form_is_no_attempt_and_no_secret_door(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    sitting = await office.prepared(candidate)
    now = centre.clock.now()
    async with centre.database.transaction() as connection:
        assert await scheduling.past_attempts(connection, candidate.id, EXAM.id) == []
        home = await load_home(connection, candidate, now, 3)
        offers = await list_offers(connection, candidate, now, 3)
        with pytest.raises(NotFound):
            await load_view(connection, sitting, candidate.id, now, 3)
    assert home.next is not None
    assert (home.next.stage, home.next.attempts_left) == ("waiting", 3)
    assert [(offer.booked, offer.used) for offer in offers.offers] == [(True, False)]


async def test_a_booking_with_a_form_can_be_moved_and_given_back(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    first, second = await centre.window(opens_in=HOUR), await centre.window(opens_in=2 * HOUR)

    async def book(window: WindowId) -> BookingId:
        async with centre.database.transaction() as connection:
            return await book_window(connection, window, candidate, centre.clock.now(), 3)

    await book(first)
    await office.preparation.sweep()
    left = await office.prepared(candidate)
    moved = await book(second)
    await office.preparation.sweep()
    taken = await office.prepared(candidate)
    assert (await office.booking(candidate)).id == moved
    await office.closing.sweep()
    assert [(await office.stored(one)).end_reason for one in (left, taken)] == ["window_cancelled", None]
    async with centre.database.transaction() as connection:
        await give_back(connection, moved, candidate, centre.clock.now())
    await office.closing.sweep()
    await office.closing.sweep()
    ends = [one for one in await office.engine.events(taken) if type(one) is Ended]
    assert [one.reason for one in ends] == ["window_cancelled"]
    assert await office.conclusion.sweep() == 2
    async with centre.database.transaction() as connection:
        assert [getattr(await load_outcome(connection, one), "state", None) for one in (left, taken)] == [
            "cancelled",
            "cancelled",
        ]
        assert await scheduling.past_attempts(connection, candidate.id, EXAM.id) == []


async def test_who_never_comes_is_absent_and_loses_nothing(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    await centre.book(candidate, await centre.window(opens_in=HOUR, lasts=HOUR))
    await office.preparation.sweep()
    sitting = await office.prepared(candidate)
    centre.clock.advance(2 * HOUR + MINUTE)
    assert await office.engine.rounds.sweep() == 1
    assert await office.conclusion.sweep() == 1
    now = centre.clock.now()
    async with centre.database.transaction() as connection:
        outcome = await load_outcome(connection, sitting)
        home = await load_home(connection, candidate, now, 3)
        assert await scheduling.past_attempts(connection, candidate.id, EXAM.id) == []
    assert outcome is not None
    assert outcome.state == "absent"
    assert home.next is not None
    assert home.next.stage == "missed"


async def test_an_allowance_decided_before_is_in_the_form_and_moves_the_close(
    centre: Centre, candidate: Principal, office: Office
) -> None:
    async with centre.database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.allowance
                   (candidate, blueprint_id, percent, extra, breaks, reason, decided_by, decided_at, applied_at)
               VALUES (:who, :exam, 150, :extra, 2, 'Решение № 7', 1, 0, 0)""",
            who=candidate.id,
            exam=EXAM.id,
            extra=5 * MINUTE,
        )
    await centre.book(candidate, await centre.window(opens_in=HOUR, lasts=HOUR))
    await office.preparation.sweep()
    sitting = await office.stored(await office.prepared(candidate))
    assert sitting.allowance == Allowance(150, 5 * MINUTE, 2)
    assert timing.stretch(sitting, EXAM.exam_limit) == 65 * MINUTE
    # So much more time, and two breaks of the usual ten minutes.
    assert sitting.closes_at == centre.clock.now() + 2 * HOUR + 25 * MINUTE + 20 * MINUTE


# --- what a start costs -----------------------------------------------------------------------------------------


class Silence:
    """A page that is told things."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self._news = asyncio.Event()

    def send(self, data: bytes) -> None:
        self.told.append(data)
        self._news.set()

    async def hear(self, said: bytes) -> bytes:
        """The message that has this in it."""
        while True:
            for message in self.told:
                if said in message:
                    return message
            self._news.clear()
            await self._news.wait()

    def close(self, code: int, reason: str) -> None:
        raise AssertionError((code, reason))


async def test_a_start_is_one_read_and_one_event(
    centre: Centre, candidate: Principal, office: Office, database: Database
) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    centre.clock.advance(HOUR)
    sitting = await centre.enter(candidate, booking)
    await office.engine.order(sitting, Admit("person"))
    fresh = Engine(office.engine.log, database, centre.clock, office.source)
    line = Silence()
    with counted(database) as said:
        await fresh.conduct.hold_for(sitting, candidate.id)
        held = await fresh.conduct.attach(sitting, line, "browser01")
    assert [re.findall(r"FROM (exam_server\S+)", one) for one in said] == [["exam_server.log", "exam_server.sitting"]]
    before = await rows_of(database, sitting)
    with counted(database) as said:
        fresh.conduct.receive(held, line, Start(1), centre.clock.now())
        await line.hear(b'"type":"item"')
    assert said == []
    started = (await rows_of(database, sitting))[len(before) :]
    assert [[type(one) for one in decode_batch(row.events)] for row in started] == [[Started, Shown]]


async def rows_of(database: Database, sitting: SittingId) -> list[Row]:
    return await DatabaseSource(database).rows(sitting)


async def test_nothing_begins_before_the_window_opens(centre: Centre, candidate: Principal, office: Office) -> None:
    await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    sitting = await office.prepared(candidate)
    line = Silence()
    held = await office.engine.conduct.attach(sitting, line, "browser01")
    await office.engine.order(sitting, Admit("person"))
    office.engine.conduct.receive(held, line, Start(1), centre.clock.now())
    assert b'"too_early"' in await line.hear(b"refused")
    assert not any(b'"type":"item"' in message for message in line.told)
    centre.clock.advance(HOUR)
    office.engine.conduct.receive(held, line, Start(1), centre.clock.now())
    await line.hear(b'"type":"item"')


async def test_a_window_with_a_fixed_form_gives_it_to_everybody_in_an_order_of_their_own(
    centre: Centre, office: Office, database_url: str
) -> None:
    number = await FormBuilds(centre.database, centre.clock).run(EXAM.id, Order(1, time_limit=2 * SECOND), None)
    async with centre.database.transaction() as connection:
        (digest,) = (await load_build(connection, number)).forms
        with pytest.raises(Invalid, match="fixed_form_strange"):
            await scheduling.open_window(connection, AUTOMATIC, 1, HOUR, 9, "", digest)
        now = centre.clock.now()
        window = await scheduling.open_window(connection, EXAM, now + HOUR, now + 5 * HOUR, 9, "", digest)
        assert (await scheduling.load_window(connection, window)).fixed_form == digest
    people = [await centre.person(f"k{number}") for number in range(4)]
    for one in people:
        await centre.admit(one)
    for one in people[:2]:
        await centre.book(one, window)
    assert await office.preparation.sweep() == 2
    late = await centre.book(people[2], window)
    centre.clock.advance(HOUR)
    sittings = [await office.prepared(one) for one in people[:2]]
    sittings.append(await centre.enter(people[2], late))
    forms = [(await office.stored(sitting)).form for sitting in sittings]
    assert {form.algorithm for form in forms} == {fixed_forms.ALGORITHM}
    assert {form.snapshot for form in forms} == {digest}
    assert len({frozenset((entry.item, entry.version) for entry in form.entries) for form in forms}) == 1
    assert len({form.entries for form in forms}) == 3
    proofs = [proof for sitting in sittings for proof in await prove_forms(database_url, sitting)]
    assert [proof.verdict for proof in proofs] == ["same"] * 3

    # What has left the bank is given to nobody: from then on forms are drawn.
    async with centre.database.transaction() as connection:
        await withdraw_item(connection, forms[0].entries[0].item)
    last = await centre.enter(people[3], await centre.book(people[3], window))
    assert (await office.stored(last)).form.algorithm == ALGORITHM
    async with centre.database.transaction() as connection:
        await scheduling.give_fixed_form(connection, window, None)
        assert (await scheduling.load_window(connection, window)).fixed_form is None
        with pytest.raises(NotFound, match="fixed_form_unknown"):
            await scheduling.give_fixed_form(connection, window, "0" * 64)
