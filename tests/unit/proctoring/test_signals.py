import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctoring.signals import (
    CAMERA_KINDS,
    DARK_BELOW,
    IDENTITY_EVERY,
    MATCH_AT,
    MISMATCH_BELOW,
    TITLES,
    WINDOW_KINDS,
    Face,
    Identity,
    Kind,
    Reading,
    Watched,
    compare,
    comparison_due,
    fit_to_compare,
    observe,
    report,
    same_track,
    watch,
)

STRAIGHT = (130.0, 130.0, 170.0, 130.0, 150.0, 155.0, 135.0, 180.0, 165.0, 180.0)


def face(x: float = 100, y: float = 100, side: float = 100, landmarks: tuple[float, ...] = STRAIGHT) -> Face:
    return Face(x, y, side, side * 1.2, 0.9, landmarks)


def reading(*faces: Face, at: int = 1000, brightness: float = 120.0, identity: float | None = None) -> Reading:
    return Reading(at, 640, 480, faces, brightness, identity, "eyes-1", "names-1")


def kinds(seen: Reading) -> set[Kind]:
    return {signal.kind for signal in observe(seen).signals}


def test_one_person_in_good_light_is_no_signal() -> None:
    observation = observe(reading(face(), identity=0.8))
    assert observation.signals == ()
    assert observation.informs == CAMERA_KINDS
    assert observation.frame


def test_nobody_is_absence() -> None:
    (signal,) = observe(reading(at=5)).signals
    assert (signal.kind, signal.strength, signal.began_at, signal.source) == (Kind.ABSENT, 1.0, 5, "eyes-1")


def test_what_is_too_dark_to_see_is_not_absence() -> None:
    observation = observe(reading(brightness=DARK_BELOW - 1))
    assert {signal.kind for signal in observation.signals} == {Kind.DARK}
    assert Kind.ABSENT not in observation.informs


def test_a_face_found_in_the_dark_is_presence() -> None:
    observation = observe(reading(face(), brightness=DARK_BELOW - 1))
    assert {signal.kind for signal in observation.signals} == {Kind.DARK}
    assert Kind.ABSENT in observation.informs


def test_two_faces_are_several() -> None:
    (signal,) = observe(reading(face(), face(300))).signals
    assert (signal.kind, signal.score) == (Kind.SEVERAL_FACES, 2)


@pytest.mark.parametrize(
    ("cosine", "answer", "expected"),
    [
        (MATCH_AT, Identity.MATCH, set()),
        (MATCH_AT - 0.001, Identity.UNCERTAIN, {Kind.IDENTITY_UNCERTAIN}),
        (MISMATCH_BELOW, Identity.UNCERTAIN, {Kind.IDENTITY_UNCERTAIN}),
        (MISMATCH_BELOW - 0.001, Identity.MISMATCH, {Kind.IDENTITY_UNCERTAIN, Kind.OTHER_PERSON}),
        (-1.0, Identity.MISMATCH, {Kind.IDENTITY_UNCERTAIN, Kind.OTHER_PERSON}),
    ],
)
def test_a_comparison_has_three_answers(cosine: float, answer: Identity, expected: set[Kind]) -> None:
    assert compare(cosine) is answer
    assert kinds(reading(face(), identity=cosine)) == expected


def test_a_frame_without_a_comparison_says_nothing_about_identity() -> None:
    assert not observe(reading(face())).informs & {Kind.OTHER_PERSON, Kind.IDENTITY_UNCERTAIN}


@given(st.integers(0, 3), st.floats(0, 255), st.none() | st.floats(-1, 1, allow_nan=False), st.integers(0, 10**13))
def test_every_signal_is_one_that_was_looked_for(
    count: int, brightness: float, identity: float | None, at: int
) -> None:
    observation = observe(reading(*[face()] * count, at=at, brightness=brightness, identity=identity))
    assert {signal.kind for signal in observation.signals} <= observation.informs <= CAMERA_KINDS
    assert all(0 <= signal.strength <= 1 and signal.ended_at == at for signal in observation.signals)


def test_the_page_reports_its_window() -> None:
    observation = report(Kind.TAB_HIDDEN, 7)
    assert [signal.kind for signal in observation.signals] == [Kind.TAB_HIDDEN]
    assert report(Kind.TAB_HIDDEN, 8, over=True).signals == ()
    assert report(Kind.TAB_HIDDEN, 8, over=True).informs == {Kind.TAB_HIDDEN}
    assert not observation.frame


@pytest.mark.parametrize("kind", sorted(CAMERA_KINDS))
def test_the_page_has_no_say_in_the_camera(kind: Kind) -> None:
    with pytest.raises(ValueError, match=kind):
        report(kind, 7)


def test_every_kind_has_a_title_and_a_side() -> None:
    assert TITLES.keys() == set(Kind) == CAMERA_KINDS | WINDOW_KINDS
    assert not CAMERA_KINDS & WINDOW_KINDS


def test_a_track_goes_on_while_boxes_overlap() -> None:
    assert same_track(face(100), face(140))
    assert not same_track(face(100), face(300))
    assert not same_track(face(side=20), face(side=200))


def test_a_turned_head_is_not_compared() -> None:
    turned = face(landmarks=(130.0, 130.0, 170.0, 130.0, 168.0, 155.0, *STRAIGHT[6:]))
    assert fit_to_compare(face(), 5.0)
    assert not fit_to_compare(turned, 5.0)
    assert not fit_to_compare(face(), 0.5)
    assert not fit_to_compare(face(side=30), 5.0)


@given(st.floats(-3, 3), st.floats(0.5, 50))
def test_tilting_and_nearing_the_head_do_not_turn_it(angle: float, scale: float) -> None:
    turn = complex(1, 0) * scale * (2.718281828459045 ** complex(0, angle))
    points = [complex(x, y) * turn for x, y in zip(STRAIGHT[::2], STRAIGHT[1::2], strict=True)]
    tilted = face(landmarks=tuple(value for point in points for value in (point.real, point.imag)))
    assert tilted.turn == pytest.approx(face().turn, abs=1e-6)


def seen(at: int, *faces: Face, identity: float | None = 0.9) -> Watched:
    return watch(Watched(), reading(*faces, at=at, identity=identity))


def test_a_comparison_is_due_at_the_start() -> None:
    assert comparison_due(Watched(), (face(),), 0)
    assert not comparison_due(Watched(), (), 0)


def test_a_confirmed_face_is_compared_again_only_after_a_while() -> None:
    before = seen(1000, face())
    assert not comparison_due(before, (face(110),), 1000 + IDENTITY_EVERY - 1)
    assert comparison_due(before, (face(110),), 1000 + IDENTITY_EVERY)


def test_a_change_before_the_camera_is_compared_at_once() -> None:
    before = seen(1000, face())
    assert comparison_due(before, (face(), face(300)), 1001)
    assert comparison_due(before, (face(400),), 1001)


def test_doubt_is_compared_at_every_frame() -> None:
    assert comparison_due(seen(1000, face(), identity=MATCH_AT - 0.01), (face(),), 2000)


def test_whoever_comes_back_is_compared_even_if_the_first_frame_was_bad() -> None:
    away = watch(seen(1000, face()), reading(at=2000))
    blurred = watch(away, reading(face(), at=3000))
    assert comparison_due(away, (face(),), 3000)
    assert comparison_due(blurred, (face(),), 4000)


def test_a_reading_survives_encoding() -> None:
    one = reading(face(), identity=0.5)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Reading) == one
