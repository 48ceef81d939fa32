"""Which responses count, and which exams confirm themselves."""

import pytest
from msgspec.structs import replace

from core.ids import ItemId
from core.moments import MINUTE, SECOND
from exam_server.commands import Settle
from exam_server.conclusion import UNSEEN_AT_MOST, OutcomeState, choose_state, gather_responses
from proctoring.store import Watched
from question_bank.blueprints import Confirmation
from tests.histories.sittings import CHOICE, NOW, UNFOLDING, Drive, make_created, make_form
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


def test_responses_are_gathered_by_item_and_stage() -> None:
    drive = Drive(make_created(make_form(CHOICE, UNFOLDING, CHOICE))).start()
    drive.do(drive.answer(0, "b"))
    drive.do(drive.answer(0, "c"))
    assert gather_responses(drive.state) == {ItemId("i0"): {0: ("0.0.c",)}, ItemId("i1"): {}, ItemId("i2"): {}}


def test_an_answer_taken_back_and_a_late_one_do_not_count() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, limit=20 * SECOND))).start()
    first = drive.answer(0, "a")
    drive.do(first)
    drive.do(type(first)(0, 0, 0, ()))
    assert gather_responses(drive.state)[ItemId("i0")] == {}
    drive.do(Settle(), at=NOW + MINUTE)
    drive.do(drive.answer(0, "a"))
    assert len(drive.state.late) == 1
    assert gather_responses(drive.state)[ItemId("i0")] == {}
