import json

from core.ids import IncidentId, SittingId
from proctoring import news
from proctoring.incidents import IncidentChange, Severity
from proctoring.signals import Face, Kind, Reading

SITTING = SittingId(7)


def test_a_frame_is_told_in_parts_of_the_picture() -> None:
    face = Face(64, 48, 320, 240, 0.9, (0.0,) * 10)
    told = json.loads(news.encode(news.of_frame(SITTING, Reading(5, 640, 480, (face,), 99.96, 0.5))))
    assert told == {
        "kind": "frame",
        "sitting": 7,
        "at": 5,
        "faces": 1,
        "boxes": [[0.1, 0.1, 0.5, 0.5]],
        "brightness": 100.0,
        "identity": "match",
        "likeness": 0.5,
    }


def test_an_incident_is_told_with_its_title_and_its_end() -> None:
    change = IncidentChange("closed", Kind.ABSENT, 1, 9, 4, 1.0, "eyes-1", 0.0, Severity.MEDIUM, "over")
    told = json.loads(news.encode(news.of_incident(SITTING, IncidentId(3), change, holds=True)))
    assert told["kind"] == "incident"
    assert (told["incident"], told["what"], told["title"]) == (3, "absent", "Нет лица в кадре")
    assert (told["began_at"], told["ended_at"]) == (1, 9)


def test_each_sitting_has_a_channel() -> None:
    assert news.channel(SITTING) == "sitting:7"
