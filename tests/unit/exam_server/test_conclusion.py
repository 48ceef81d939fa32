"""Which exams confirm themselves."""

import pytest
from msgspec.structs import replace

from exam_server.conclusion import UNSEEN_AT_MOST, OutcomeState, choose_state
from proctoring.store import Watched
from question_bank.blueprints import Confirmation
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
