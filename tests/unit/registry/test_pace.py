from hypothesis import given
from hypothesis import strategies as st

from registry.pace import Pace

NOW = 1_795_338_000_000


def test_a_burst_then_one_at_a_time() -> None:
    pace = Pace(burst=3, interval=1000)
    assert [pace.wait("10.0.0.1", NOW) for _ in range(5)] == [0, 0, 0, 1000, 1000]
    assert pace.wait("10.0.0.1", NOW + 999) == 1
    assert pace.wait("10.0.0.1", NOW + 1000) == 0
    assert pace.wait("10.0.0.1", NOW + 1000) == 1000


def test_a_rested_address_has_its_burst_again() -> None:
    pace = Pace(burst=3, interval=1000)
    for _ in range(4):
        pace.wait("10.0.0.1", NOW)
    assert [pace.wait("10.0.0.1", NOW + 3000) for _ in range(4)] == [0, 0, 0, 1000]


def test_addresses_are_apart_and_a_subscribers_ipv6_are_not() -> None:
    pace = Pace(burst=1, interval=1000)
    assert pace.wait("10.0.0.1", NOW) == 0
    assert pace.wait("10.0.0.2", NOW) == 0
    assert pace.wait("::ffff:10.0.0.2", NOW) == 1000
    assert pace.wait("2001:db8:0:1::1", NOW) == 0
    assert pace.wait("2001:db8:0:1:ffff::2", NOW) == 1000
    assert pace.wait("2001:db8:0:2::1", NOW) == 0
    assert pace.wait("", NOW) == 0
    assert pace.wait("", NOW) == 1000


def test_only_so_many_addresses_are_remembered() -> None:
    pace = Pace(burst=1, interval=1000, addresses=2)
    for host in (1, 2, 3):
        pace.wait(f"10.0.0.{host}", NOW)
    assert pace.wait("10.0.0.3", NOW) == 1000
    assert pace.wait("10.0.0.1", NOW) == 0


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_no_address_gets_more_than_its_share(gaps: list[int]) -> None:
    """In any window there are at most `burst` answers and one per interval."""
    pace, now, answered = Pace(burst=4, interval=1000), NOW, []
    for gap in gaps:
        now += gap
        if pace.wait("10.0.0.1", now) == 0:
            answered.append(now)
    for first in range(len(answered)):
        for last in range(first, len(answered)):
            assert last - first + 1 <= 4 + (answered[last] - answered[first]) // 1000
