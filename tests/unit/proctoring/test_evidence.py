from hypothesis import given
from hypothesis import strategies as st

from proctoring.evidence import Ring, Role, Still, pick


def still(at: int, size: int = 10) -> Still:
    return Still(at, bytes(size))


@given(st.lists(st.integers(0, 400), max_size=50), st.integers(1, 12), st.integers(1, 1_000))
def test_a_ring_is_bounded_and_keeps_the_newest(sizes: list[int], frames: int, limit: int) -> None:
    ring = Ring(frames, limit)
    for at, size in enumerate(sizes):
        ring.add(still(at, size))
        assert len(ring.stills) <= frames
        assert ring.held == sum(len(one.jpeg) for one in ring.stills)
        assert ring.held <= limit or len(ring.stills) == 1
        assert ring.newest == still(at, size)
    ats = [one.at for one in ring.stills]
    assert ats == list(range(len(sizes) - len(ats), len(sizes)))


def test_an_empty_ring_has_no_newest() -> None:
    assert Ring().newest is None


def test_stills_are_picked_before_and_at() -> None:
    stills = [still(at) for at in range(1_000, 6_000, 1_000)]
    assert pick(stills, 3_000) == {Role.BEFORE: still(2_000), Role.AT: still(3_000)}
    assert pick(stills, 2_500) == {Role.BEFORE: still(2_000), Role.AT: still(3_000)}


def test_an_incident_from_the_start_has_nothing_before() -> None:
    assert pick([still(1_000), still(2_000)], 1_000) == {Role.AT: still(1_000)}


def test_an_incident_of_the_window_takes_the_last_frame() -> None:
    assert pick([still(1_000), still(2_000)], 2_500) == {Role.AT: still(2_000)}


def test_no_frames_are_no_stills() -> None:
    assert pick([], 1_000) == {}
