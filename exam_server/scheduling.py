"""Windows, admission, bookings."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound, TooMany
from core.ids import BlueprintId, BookingId, PersonId, SittingId, WindowId
from core.moments import Moment, to_datetime
from exam_server.eligibility import SENTENCES, Circumstances, PastAttempt, find_hindrance
from question_bank.blueprints import Blueprint
from question_bank.fixed_form_store import check_fixed


def unknown_booking() -> NotFound:
    """A new error each time: one that is raised keeps the frames it went through."""
    return NotFound("unknown_booking", "Такой записи на тестирование нет. Откройте её из личного кабинета.")


def unknown_window() -> NotFound:
    return NotFound("unknown_window", "Такого времени тестирования нет. Выберите другое в календаре.")


MOST_BOOKINGS = 20
"""How often a candidate may take a place in the same window: each time makes a row, and a form may be drawn for it."""

NO_BOOKING, NO_WINDOW = unknown_booking(), unknown_window()
"""Their codes and sentences, for those who only quote them."""


class Window(Struct, frozen=True):
    """A date and time at which an exam is held."""

    id: WindowId
    blueprint: BlueprintId
    blueprint_version: int
    opens_at: Moment
    closes_at: Moment
    capacity: int
    taken: int
    place: str
    cancelled_at: Moment | None
    fixed_form: str | None = None
    """Digest of the form that everybody is given; None: each is drawn."""


class Booking(Struct, frozen=True):
    """A candidate's place in a window, with the sitting it led to, if any."""

    id: BookingId
    window: Window
    candidate: PersonId
    booked_at: Moment
    sitting: SittingId | None
    ended: bool
    entered_at: Moment | None = None
    """When the candidate came in."""
    prepared: SittingId | None = None
    """The sitting whose form is there already; `sitting` is the same one once the candidate has come in."""


_WINDOW = """w.id AS window_id, w.blueprint_id, w.blueprint_version, w.opens_at, w.closes_at, w.capacity, w.place,
    w.cancelled_at, w.fixed_form, (SELECT count(*) FROM exam_server.booking t
                     WHERE t.window_id = w.id AND t.cancelled_at IS NULL) AS taken"""
_BOOKING = f"""SELECT b.id, b.candidate, b.booked_at, s.id AS sitting_id, s.entered_at,
    s.entered_at IS NOT NULL AND s.next_deadline IS NULL AS ended, {_WINDOW}
    FROM exam_server.booking b JOIN exam_server."window" w ON w.id = b.window_id
    LEFT JOIN exam_server.sitting s ON s.booking_id = b.id"""


async def open_window(
    connection: AsyncConnection,
    blueprint: Blueprint,
    opens_at: Moment,
    closes_at: Moment,
    capacity: int,
    place: str = "",
    fixed_form: str | None = None,
) -> WindowId:
    """Plan a window, with a form for everybody or one drawn for each.

    Raises Invalid for a span or capacity that makes no sense, for a form of another exam (`fixed_form_strange`).
    """
    if closes_at <= opens_at or capacity < 1:
        raise Invalid("bad_window", "Окончание должно быть позже начала, мест — не меньше одного.")
    if fixed_form is not None:
        await check_fixed(connection, fixed_form, blueprint.id, blueprint.version)
    row = await fetch_one(
        connection,
        """INSERT INTO exam_server."window"
               (blueprint_id, blueprint_version, opens_at, closes_at, capacity, place, fixed_form)
           VALUES (:blueprint, :version, :opens, :closes, :capacity, :place, :fixed) RETURNING id""",
        fixed=fixed_form,
        blueprint=blueprint.id,
        version=blueprint.version,
        opens=opens_at,
        closes=closes_at,
        capacity=capacity,
        place=place,
    )
    assert row is not None
    return WindowId(row["id"])


async def give_fixed_form(connection: AsyncConnection, window: WindowId, digest: str | None) -> None:
    """From now on everybody of a window is given this form, with None one drawn for each; forms that are there stay.

    Raises NotFound (`unknown_window`, `fixed_form_unknown`), Invalid (`fixed_form_strange`).
    """
    known = await load_window(connection, window)
    if digest is not None:
        await check_fixed(connection, digest, known.blueprint, known.blueprint_version)
    await execute(
        connection, """UPDATE exam_server."window" SET fixed_form = :digest WHERE id = :id""", digest=digest, id=window
    )


async def list_windows(connection: AsyncConnection, now: Moment, limit: int = 100) -> list[Window]:
    """Windows that are open or still to come, the earliest first."""
    rows = await fetch_all(
        connection,
        f"""SELECT {_WINDOW} FROM exam_server."window" w WHERE w.closes_at > :now
            ORDER BY w.opens_at, w.id LIMIT :limit""",
        now=now,
        limit=limit,
    )
    return [_window(row) for row in rows]


async def load_window(connection: AsyncConnection, window: WindowId) -> Window:
    """Raises NotFound."""
    row = await fetch_one(connection, f"""SELECT {_WINDOW} FROM exam_server."window" w WHERE w.id = :id""", id=window)
    if row is None:
        raise unknown_window()
    return _window(row)


async def list_admissions(connection: AsyncConnection, candidate: PersonId) -> dict[str, tuple[str, ...]]:
    """What is missing for admission, by the specialities that were decided about; nothing missing is admitted."""
    rows = await fetch_all(
        connection,
        "SELECT speciality, missing FROM exam_server.admission WHERE candidate = :candidate ORDER BY speciality",
        candidate=candidate,
    )
    return {row["speciality"]: tuple(row["missing"]) for row in rows}


async def decide_admission(
    connection: AsyncConnection, candidate: PersonId, speciality: str, missing: Sequence[str], at: Moment
) -> None:
    """Write down whether a candidate is admitted in a speciality: with nothing missing, yes."""
    await execute(
        connection,
        """INSERT INTO exam_server.admission (candidate, speciality, missing, decided_at)
           VALUES (:candidate, :speciality, :missing, :at)
           ON CONFLICT (candidate, speciality) DO UPDATE SET missing = :missing, decided_at = :at""",
        candidate=candidate,
        speciality=speciality,
        missing=list(missing),
        at=at,
    )


async def book(connection: AsyncConnection, window: WindowId, candidate: PersonId, at: Moment) -> BookingId:
    """Take a place; asking again gives the same booking.

    Raises NotFound, Conflict (`window_full`, `window_over`), TooMany (`too_many_bookings`).
    """
    row = await fetch_one(  # the lock makes those who come together count one after another
        connection,
        """SELECT capacity, closes_at, cancelled_at FROM exam_server."window" WHERE id = :id FOR UPDATE""",
        id=window,
    )
    if row is None:
        raise unknown_window()
    mine = await fetch_one(
        connection,
        """SELECT count(*) AS bookings, min(id) FILTER (WHERE cancelled_at IS NULL) AS held FROM exam_server.booking
           WHERE window_id = :window AND candidate = :candidate""",
        window=window,
        candidate=candidate,
    )
    assert mine is not None
    if mine["held"] is not None:
        return BookingId(mine["held"])
    if row["cancelled_at"] is not None or row["closes_at"] <= at:
        raise Conflict("window_over", "На это время записаться уже нельзя. Выберите другое в календаре.")
    if mine["bookings"] >= MOST_BOOKINGS:
        raise TooMany(
            "too_many_bookings",
            "На это время вы записывались слишком много раз. Выберите другое или обратитесь к организатору.",
        )
    made = await fetch_one(
        connection,
        """INSERT INTO exam_server.booking (window_id, candidate, booked_at)
           SELECT :window, :candidate, :at
           WHERE (SELECT count(*) FROM exam_server.booking
                  WHERE window_id = :window AND cancelled_at IS NULL) < :capacity
           RETURNING id""",
        window=window,
        candidate=candidate,
        at=at,
        capacity=row["capacity"],
    )
    if made is None:
        raise Conflict("window_full", "Свободных мест на это время нет. Выберите другое в календаре.")
    return BookingId(made["id"])


async def list_bookings(connection: AsyncConnection, candidate: PersonId) -> list[Booking]:
    """The candidate's bookings that were not cancelled, the latest window first."""
    rows = await fetch_all(
        connection,
        f"{_BOOKING} WHERE b.candidate = :candidate AND b.cancelled_at IS NULL ORDER BY w.opens_at DESC, b.id DESC",
        candidate=candidate,
    )
    return [_booking(row) for row in rows]


async def cancel_booking(connection: AsyncConnection, booking_id: BookingId, candidate: PersonId, at: Moment) -> None:
    """Give the place back: before the window opens, or at any time where the window was cancelled.

    Raises NotFound for a booking that is not this candidate's, Conflict (`booking_entered`, `window_opened`).
    """
    await line_up(connection, candidate)
    booking = await lock_booking(connection, booking_id, candidate)
    if booking.sitting is not None:
        raise Conflict("booking_entered", "Вы уже вошли на тестирование: эту запись отменить нельзя.")
    if booking.window.cancelled_at is None and booking.window.opens_at <= at:
        raise Conflict(
            "window_opened",
            "Запись отменяют до начала тестирования, а оно уже открыто. Если вы не придёте, попытка не израсходуется.",
        )
    await execute(connection, "UPDATE exam_server.booking SET cancelled_at = :at WHERE id = :id", at=at, id=booking_id)


async def lock_booking(connection: AsyncConnection, booking_id: BookingId, candidate: PersonId) -> Booking:
    """The candidate's own booking, which nobody else changes until the transaction ends.

    Whoever is drawing its form just now is waited for. Raises NotFound.
    """
    await execute(connection, "SELECT 1 FROM exam_server.booking WHERE id = :id FOR UPDATE", id=booking_id)
    return await load_booking(connection, booking_id, candidate)


async def load_booking(connection: AsyncConnection, booking_id: BookingId, candidate: PersonId) -> Booking:
    """The candidate's own booking. Raises NotFound for any other, and for one that was given back."""
    row = await fetch_one(connection, f"{_BOOKING} WHERE b.id = :id AND b.cancelled_at IS NULL", id=booking_id)
    if row is None or row["candidate"] != candidate:
        raise unknown_booking()
    return _booking(row)


async def line_up(connection: AsyncConnection, candidate: PersonId) -> None:
    """Until the transaction ends, whatever else this candidate books, cancels or enters waits for it."""
    await execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('attempt', :who))", who=candidate)


async def find_reason_to_wait(
    connection: AsyncConnection,
    booking: Booking,
    blueprint: Blueprint,
    attempts: Sequence[PastAttempt],
    now: Moment,
    attempts_allowed: int,
    zone: str,
) -> Conflict | None:
    """Why the candidate can't begin now, as the refusal that says so; None when nothing stands in the way."""
    admission = await fetch_one(
        connection,
        "SELECT missing FROM exam_server.admission WHERE candidate = :candidate AND speciality = :speciality",
        candidate=booking.candidate,
        speciality=blueprint.speciality,
    )
    missing = None if admission is None else tuple(admission["missing"])
    hindrance = find_hindrance(
        Circumstances(
            missing=missing,
            cancelled=booking.window.cancelled_at is not None,
            opens_at=booking.window.opens_at,
            closes_at=booking.window.closes_at,
            attempts=attempts,
            attempts_allowed=attempts_allowed,
            practice=blueprint.practice,
        ),
        now,
        today_in(now, zone),
    )
    if hindrance is None:
        return None
    fields = {"documents": ", ".join(missing)} if hindrance == "documents_missing" and missing else {}
    return Conflict(hindrance, SENTENCES[hindrance], fields=fields)


async def past_attempts(connection: AsyncConnection, candidate: PersonId, blueprint: BlueprintId) -> list[PastAttempt]:
    """The attempts at an exam that count. One annulled for a violation counts as not passed."""
    rows = await fetch_all(
        connection,
        """SELECT o.passed AND o.state <> 'annulled' AS passed, o.retake_on FROM exam_server.sitting s
           LEFT JOIN exam_server.outcome o ON o.sitting_id = s.id
           WHERE s.candidate = :candidate AND s.blueprint_id = :blueprint AND NOT s.practice
             AND s.entered_at IS NOT NULL AND (o.state IS NULL OR o.state NOT IN ('absent', 'cancelled'))
           ORDER BY s.id""",
        candidate=candidate,
        blueprint=blueprint,
    )
    return [PastAttempt(row["passed"], row["retake_on"]) for row in rows]


def today_in(now: Moment, zone: str) -> date:
    """The date that a calendar on the wall of that zone shows."""
    return to_datetime(now).astimezone(ZoneInfo(zone)).date()


def _window(row: RowMapping) -> Window:
    return Window(
        WindowId(row["window_id"]),
        BlueprintId(row["blueprint_id"]),
        row["blueprint_version"],
        row["opens_at"],
        row["closes_at"],
        row["capacity"],
        row["taken"],
        row["place"],
        row["cancelled_at"],
        row["fixed_form"],
    )


def _booking(row: RowMapping) -> Booking:
    prepared = None if row["sitting_id"] is None else SittingId(row["sitting_id"])
    return Booking(
        BookingId(row["id"]),
        _window(row),
        PersonId(row["candidate"]),
        row["booked_at"],
        None if row["entered_at"] is None else prepared,
        row["ended"],
        row["entered_at"],
        prepared,
    )
