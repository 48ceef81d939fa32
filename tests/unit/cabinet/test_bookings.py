from datetime import date

import pytest
from msgspec.structs import replace

from cabinet.bookings import Offer, Standing, hindrance_at, is_movable, obstacle
from core.ids import BlueprintId, BookingId, PersonId, SittingId, WindowId
from core.moments import DAY, HOUR, MINUTE, Moment
from exam_server.eligibility import Hindrance, PastAttempt
from exam_server.scheduling import Booking, Window
from question_bank.blueprints import Blueprint, Cell

NOW: Moment = 1_795_338_000_000
"""2026-11-22T09:00:00Z"""
ZONE = "Asia/Novosibirsk"
EXAM = Blueprint(
    BlueprintId("exam"),
    1,
    "Тестирование",
    "S1",
    "Лечебное дело",
    (Cell(None, "four_option", 20),),
    40 * MINUTE,
    "free",
    "advance",
    True,
    "protocol",
    85,
    "primary",
)
FIT = Standing((), ())


def window(opens_at: Moment = NOW, lasts: int = 4 * HOUR, cancelled: bool = False, taken: int = 0) -> Window:
    return Window(WindowId(1), EXAM.id, 1, opens_at, opens_at + lasts, 3, taken, "", NOW - 1 if cancelled else None)


def failed(retake_on: date) -> Standing:
    return Standing((), (PastAttempt(False, retake_on),))


@pytest.mark.parametrize(
    ("at", "standing", "hindrance"),
    [
        (window(), FIT, None),
        (window(NOW + DAY), FIT, "too_early"),
        (window(NOW - DAY), FIT, "too_late"),
        (window(cancelled=True), FIT, "window_cancelled"),
        (window(), Standing(None, ()), "not_admitted"),
        (window(NOW + DAY), Standing(("Диплом",), ()), "documents_missing"),
        (window(), failed(date(2026, 11, 23)), "waiting"),
        # The wait is over by the time the window opens, in the candidate's calendar.
        (window(NOW + DAY), failed(date(2026, 11, 23)), "too_early"),
        (window(NOW + 8 * HOUR + 1), failed(date(2026, 11, 23)), "too_early"),
        (window(NOW + 7 * HOUR), failed(date(2026, 11, 23)), "waiting"),
        (window(NOW + DAY), Standing((), (PastAttempt(True, None),)), "passed"),
        (window(), Standing((), (PastAttempt(None, None),)), "in_progress"),
        (window(), Standing((), (PastAttempt(False, date(2026, 1, 1)),) * 3), "attempts_used"),
    ],
)
def test_what_stands_in_the_way_is_judged_when_the_window_opens(
    at: Window, standing: Standing, hindrance: Hindrance | None
) -> None:
    assert hindrance_at(at, EXAM, standing, 3, NOW, ZONE) == hindrance


def test_practice_asks_for_nothing() -> None:
    practice = replace(EXAM, practice=True)
    assert hindrance_at(window(), practice, Standing(None, (PastAttempt(True, None),) * 9), 3, NOW, ZONE) is None


@pytest.mark.parametrize(
    ("at", "standing", "expected"),
    [
        (window(NOW + DAY), FIT, None),
        (window(NOW - DAY), FIT, "too_late"),
        (window(lasts=DAY), failed(date(2026, 11, 24)), "waiting"),
        (window(lasts=2 * DAY), failed(date(2026, 11, 24)), None),
        (window(NOW + DAY), Standing(("Диплом",), ()), "documents_missing"),
    ],
)
def test_a_place_may_be_taken_ahead_of_time_and_where_a_wait_ends_within_the_window(
    at: Window, standing: Standing, expected: Hindrance | None
) -> None:
    assert obstacle(at, EXAM, standing, 3, NOW, ZONE) == expected


@pytest.mark.parametrize(
    ("at", "sitting", "movable"),
    [
        (window(NOW + 1), None, True),
        (window(NOW), None, False),
        (window(NOW + 1, cancelled=True), None, False),
        (window(NOW + 1), SittingId(5), False),
    ],
)
def test_a_place_is_movable_until_its_window_opens(at: Window, sitting: SittingId | None, movable: bool) -> None:
    assert is_movable(Booking(BookingId(1), at, PersonId(1), NOW, sitting, False), NOW) is movable


@pytest.mark.parametrize(
    ("taken", "booked", "used", "hindrance", "bookable"),
    [
        (2, False, False, None, True),
        (3, False, False, None, False),
        (9, False, False, None, False),
        (0, True, False, None, False),
        (0, False, True, None, False),
        (0, False, False, "waiting", False),
    ],
)
def test_only_a_free_place_that_nothing_forbids_can_be_booked(
    taken: int, booked: bool, used: bool, hindrance: Hindrance | None, bookable: bool
) -> None:
    offer = Offer(window(taken=taken), EXAM, hindrance, booked, used, False)
    assert offer.bookable is bookable
    assert offer.free == max(0, 3 - taken)
