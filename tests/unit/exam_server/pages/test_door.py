"""When the page that waits asks, speaks and goes in."""

from collections.abc import Iterator

import pytest

from core.moments import DAY, HOUR, MINUTE, SECOND
from tests.unit.exam_server.pages.engine import Module


@pytest.fixture(scope="module")
def module() -> Iterator[Module]:
    module = Module("door.js")
    yield module
    module.close()


def test_those_who_wait_for_one_moment_come_in_over_seconds(module: Module) -> None:
    assert [module.call("enterAfter", random) for random in (0, 0.5, 1)] == [0, 4 * SECOND, 8 * SECOND]


def test_a_server_that_does_not_answer_is_asked_less_and_less_often(module: Module) -> None:
    assert [module.call("tryAfter", failures, 1) for failures in (1, 2, 3, 4, 99)] == [
        2_000,
        4_000,
        8_000,
        10_000,
        10_000,
    ]
    assert module.call("tryAfter", 1, 0) == SECOND


def test_the_server_is_asked_now_and_then_and_not_by_all_at_once(module: Module) -> None:
    assert [module.call("askAfter", HOUR, random) for random in (0, 1)] == [90 * SECOND, 150 * SECOND]
    assert [module.call("askAfter", MINUTE, random) for random in (0, 1)] == [45 * SECOND, 75 * SECOND]


def test_a_wait_of_days_is_told_in_days(module: Module) -> None:
    lefts = (SECOND, DAY, DAY + 1, 3 * DAY - 1)
    assert [module.call("daysLeft", left) for left in lefts] == [None, None, 1, 2]
    assert module.run("module.MARKS") == [HOUR, 10 * MINUTE, 5 * MINUTE, MINUTE]
