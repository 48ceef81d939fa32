from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet.bookings import Standing
from cabinet.home import (
    STEPS,
    Home,
    Progress,
    Stage,
    choose_next,
    days_between,
    find_path,
    is_ahead,
    stage_before,
)
from cabinet.outcomes import Fate
from core.ids import BlueprintId, BookingId, PersonId, SittingId, WindowId
from core.moments import DAY, HOUR, MINUTE, Moment
from exam_server.conclusion import Outcome
from exam_server.eligibility import Hindrance, PastAttempt
from exam_server.scheduling import Booking, Window
from question_bank.blueprints import Blueprint, Cell

NOW: Moment = 1_795_338_000_000
"""2026-11-22T09:00:00Z"""
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
BEFORE: tuple[Stage, ...] = ("cancelled", "hindered", "waiting", "open", "missed")
STAGES: tuple[Stage, ...] = (*BEFORE, *get_args(Fate))


def progress(
    stage: Stage,
    opens_at: Moment = NOW,
    number: int = 1,
    hindrance: Hindrance | None = None,
    entry: str | None = None,
    entered_at: Moment | None = None,
) -> Progress:
    window = Window(WindowId(number), EXAM.id, 1, opens_at, opens_at + HOUR, 5, 1, "", None)
    sitting = None if stage in BEFORE else SittingId(number)
    outcome = Outcome(SittingId(number), PersonId(1), "confirmed", True, False, 1, 1, None, None, entry, None)
    return Progress(
        Booking(BookingId(number), window, PersonId(1), NOW, sitting, sitting is not None, entered_at),
        EXAM,
        stage,
        Standing((), ()),
        3,
        0,
        hindrance,
        outcome=outcome if stage == "passed" else None,
    )


def test_the_day_is_the_sittings_own_once_there_is_one() -> None:
    assert progress("waiting").day == NOW
    assert progress("passed", entered_at=NOW + 3 * DAY).day == NOW + 3 * DAY


@pytest.mark.parametrize(
    ("opens_in", "cancelled", "hindrance", "stage"),
    [
        (0, False, None, "open"),
        (DAY, False, "too_early", "waiting"),
        (DAY, False, "documents_missing", "hindered"),
        (0, False, "waiting", "hindered"),
        (-HOUR, False, "too_late", "missed"),
        (-DAY, False, "documents_missing", "missed"),
        (DAY, True, "window_cancelled", "cancelled"),
        (-DAY, True, "window_cancelled", "cancelled"),
    ],
)
def test_where_a_booking_stands_before_its_sitting(
    opens_in: int, cancelled: bool, hindrance: Hindrance | None, stage: Stage
) -> None:
    opens_at = NOW + opens_in
    window = Window(WindowId(1), EXAM.id, 1, opens_at, opens_at + HOUR, 5, 1, "", NOW if cancelled else None)
    assert stage_before(window, hindrance, NOW) == stage


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (progress("running"), progress("open", number=2)),
        (progress("open"), progress("computing", number=2)),
        (progress("computing"), progress("waiting", number=2)),
        (progress("waiting"), progress("preliminary", number=2)),
        (progress("hindered", hindrance="documents_missing"), progress("review", number=2)),
        (progress("cancelled"), progress("failed", number=2)),
        (progress("waiting", NOW + DAY), progress("waiting", NOW + 2 * DAY, 2)),
        (progress("waiting", NOW + DAY), progress("hindered", NOW + 2 * DAY, 2, "documents_missing")),
        (progress("failed", NOW - DAY), progress("failed", NOW - 2 * DAY, 2)),
        (progress("passed", NOW - DAY), progress("missed", NOW - 2 * DAY, 2)),
        (progress("preliminary", NOW - 9 * DAY), progress("failed", NOW - DAY, 2)),
        (progress("failed", NOW - DAY), progress("hindered", NOW + DAY, 2, "passed")),
    ],
)
def test_what_can_be_done_now_comes_before_what_only_has_happened(more: Progress, less: Progress) -> None:
    if less.hindrance == "passed":
        assert not is_ahead(less)
    else:
        assert choose_next([less, more]) is more
        assert choose_next([more, less]) is more


def test_without_bookings_nothing_is_next() -> None:
    assert choose_next([]) is None


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.integers(-5, 5)), min_size=1, max_size=8))
def test_whatever_is_ahead_comes_first(drawn: list[tuple[Stage, int]]) -> None:
    bookings = [progress(stage, NOW + days * DAY, number) for number, (stage, days) in enumerate(drawn, 1)]
    chosen = choose_next(bookings)
    assert chosen in bookings
    assert is_ahead(chosen) == any(is_ahead(one) for one in bookings)


@pytest.mark.parametrize(
    ("at", "admitted", "current"),
    [
        (None, False, "admission"),
        (None, True, "booking"),
        (progress("waiting"), True, "exam"),
        (progress("open"), True, "exam"),
        (progress("hindered", hindrance="documents_missing"), False, "admission"),
        (progress("hindered", hindrance="waiting"), True, "exam"),
        (progress("running"), True, "exam"),
        (progress("computing"), True, "decision"),
        (progress("review"), True, "decision"),
        (progress("preliminary"), True, "decision"),
        (progress("passed"), True, "register"),
        (progress("passed", entry="77-2026-4821-9037-5526-31"), True, None),
        (progress("failed"), True, "booking"),
        (progress("annulled"), True, "booking"),
        (progress("missed"), True, "booking"),
        (progress("absent"), True, "booking"),
        (progress("cancelled"), True, "booking"),
    ],
)
def test_the_path_has_one_current_step(at: Progress | None, admitted: bool, current: str | None) -> None:
    reached = len(STEPS) if current is None else STEPS.index(current)
    states = ["done"] * reached + ["current", *["next"] * len(STEPS)]
    assert list(find_path(at, admitted)) == states[: len(STEPS)]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_place_on_the_path_and_in_the_order(stage: Stage) -> None:
    one = progress(stage)
    assert len(find_path(one, True)) == len(STEPS)
    assert choose_next([one]) is one


@pytest.mark.parametrize(
    ("then", "zone", "days"),
    [
        (NOW + HOUR, "Europe/Moscow", 0),
        (NOW + 11 * HOUR, "Europe/Moscow", 0),
        (NOW + 12 * HOUR, "Europe/Moscow", 1),
        (NOW + 3 * HOUR, "Asia/Kamchatka", 1),
        (NOW + 3 * DAY, "Europe/Moscow", 3),
        (NOW - 5 * DAY, "Europe/Moscow", 0),
    ],
)
def test_days_are_counted_by_midnights_where_the_candidate_lives(then: Moment, zone: str, days: int) -> None:
    assert days_between(NOW, then, zone) == days


def test_the_wait_and_a_pass_are_found_among_all_attempts() -> None:
    attempts = (PastAttempt(False, date(2026, 12, 1)), PastAttempt(False, date(2026, 12, 22)), PastAttempt(None, None))
    one = progress("hindered")
    one = Progress(one.booking, EXAM, "hindered", Standing(("Диплом",), attempts), 0, 0)
    assert one.retake_on == date(2026, 12, 22)
    assert not one.passed
    assert one.missing == ("Диплом",)


def test_a_candidate_is_admitted_where_one_speciality_misses_nothing() -> None:
    home = Home(None, (), (), (), {"S1": ("Диплом", "Сертификат"), "S2": ("Диплом",)})
    assert not home.admitted
    assert home.missing == ("Диплом", "Сертификат")
    assert Home(None, (), (), (), {"S1": ("Диплом",), "S2": ()}).admitted
    assert not Home(None, (), (), (), {}).admitted
