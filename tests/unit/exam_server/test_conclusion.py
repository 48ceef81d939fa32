"""Which exams confirm themselves."""

import pytest
from msgspec.structs import replace

from core.moments import HOUR
from exam_server.commands import LockStage, Settle, Show, Submit
from exam_server.conclusion import UNSEEN_AT_MOST, OutcomeState, awaits_answers, choose_state
from proctoring.store import Watched
from question_bank.blueprints import Confirmation
from tests.histories.sittings import CHOICE, NOW, Drive, make_created, make_form, make_rules
from tests.stores.cabinet.centre import AUTOMATIC

SEEN = Watched(True, UNSEEN_AT_MOST)


@pytest.mark.parametrize(
    ("confirmation", "flagged", "watched", "state"),
    [
        ("automatic", False, SEEN, "confirmed"),
        ("automatic", True, SEEN, "preliminary"),
        ("automatic", False, Watched(False, 0), "preliminary"),
        ("automatic", False, Watched(True, UNSEEN_AT_MOST + 1), "preliminary"),
        ("protocol", False, SEEN, "preliminary"),
        ("protocol", True, SEEN, "preliminary"),
    ],
)
def test_an_incident_and_a_blind_camera_wait_for_a_person(
    confirmation: Confirmation, flagged: bool, watched: Watched, state: OutcomeState
) -> None:
    assert choose_state(replace(AUTOMATIC, confirmation=confirmation), flagged, watched) == state


def test_an_exam_with_late_answers_waits_for_the_commission() -> None:
    assert choose_state(AUTOMATIC, False, SEEN, late=True) == "preliminary"


def test_an_exam_that_a_proctor_ended_waits_for_the_commission() -> None:
    assert choose_state(AUTOMATIC, False, SEEN, stopped=True) == "preliminary"


def test_an_exam_for_which_answers_may_still_come_waits_for_the_commission() -> None:
    assert choose_state(AUTOMATIC, False, SEEN, awaited=True) == "preliminary"


def begun() -> Drive:
    return Drive(make_created(make_form(CHOICE, CHOICE), make_rules("linear"))).start()


def test_a_failure_that_the_clock_ended_may_still_be_turned() -> None:
    out_of_time = begun()
    out_of_time.do(Settle(), NOW + 3 * HOUR)
    assert out_of_time.state.end_reason == "exam_time"
    assert awaits_answers(out_of_time.state, passed=False)
    assert not awaits_answers(out_of_time.state, passed=True), "what comes late makes no pass better"


def test_who_submitted_has_nothing_left_to_send() -> None:
    drive = begun()
    drive.do(Submit(0))
    assert not awaits_answers(drive.state, passed=False)


def test_the_last_item_may_be_locked_by_the_candidate_or_by_the_clock() -> None:
    by_the_clock, by_hand = begun(), begun()
    for drive in (by_the_clock, by_hand):
        drive.do(Show(0, 1))
    by_hand.do(by_hand.answer(1))
    by_hand.do(LockStage(0, 1, 0))
    by_the_clock.do(Settle(), NOW + HOUR // 2)
    assert by_hand.state.end_reason == by_the_clock.state.end_reason == "completed"
    assert awaits_answers(by_the_clock.state, passed=False)
    assert not awaits_answers(by_hand.state, passed=False)
