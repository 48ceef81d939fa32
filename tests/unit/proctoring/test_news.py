import json

from proctoring import news
from proctoring.signals import Face, Reading


def test_a_frame_is_told_by_its_moment_and_its_faces_and_nothing_else() -> None:
    face = Face(64, 48, 320, 240, 0.9, (0.0,) * 10)
    told = json.loads(news.of_frame(Reading(5, 640, 480, (face, face), 99.96, 0.5)))
    assert told == {"kind": "frame", "at": 5, "faces": 2}


def test_kinds_of_news_are_told_apart() -> None:
    assert [json.loads(one) for one in (news.INCIDENT, news.COVERAGE)] == [{"kind": "incident"}, {"kind": "coverage"}]
