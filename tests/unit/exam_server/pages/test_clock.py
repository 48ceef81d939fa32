"""The clocks of the page: what is said aloud, and what time it is at the server."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from core.moments import MINUTE, SECOND
from tests.unit.exam_server.pages.engine import Module


@pytest.fixture(scope="module")
def module() -> Iterator[Module]:
    module = Module("clock.js")
    yield module
    module.close()


def said(module: Module, limit: int, lefts: list[int]) -> list[int]:
    """The thresholds that are said while the time left goes through these values."""
    marks = module.call("thresholds", limit)
    return [one for before, left in pairwise(lefts) if (one := module.call("passed", before, left, marks)) is not None]


def test_half_ten_five_and_one_minute_are_said_once_each_and_nothing_in_between(module: Module) -> None:
    every_second = list(range(60 * MINUTE, -1, -SECOND))
    assert said(module, 60 * MINUTE, every_second) == [30 * MINUTE, 10 * MINUTE, 5 * MINUTE, MINUTE]


@pytest.mark.parametrize(
    ("limit", "marks"),
    [
        (45 * SECOND, [22_500]),
        (3 * MINUTE, [90 * SECOND, MINUTE]),
        (12 * MINUTE, [6 * MINUTE, 5 * MINUTE, MINUTE]),
    ],
)
def test_short_limits_have_fewer(module: Module, limit: int, marks: list[int]) -> None:
    assert said(module, limit, list(range(limit, -1, -250))) == marks


def test_a_page_that_slept_says_only_the_last_one(module: Module) -> None:
    assert said(module, 60 * MINUTE, [40 * MINUTE, 40 * SECOND]) == [MINUTE]


def test_time_that_was_given_is_said_again_when_it_runs_out_again(module: Module) -> None:
    lefts = [5 * MINUTE + 1, 5 * MINUTE - 1, 15 * MINUTE, 10 * MINUTE, 5 * MINUTE]
    assert said(module, 60 * MINUTE, lefts) == [5 * MINUTE, 10 * MINUTE, 5 * MINUTE]


def test_the_quickest_answer_tells_the_time_and_a_moved_clock_is_noticed(module: Module) -> None:
    module.run("globalThis.local = 0, globalThis.clock = new module.ServerClock(() => local), null")
    module.run("clock.sample(0, 400, 10_200), clock.sample(500, 520, 10_530), null")
    assert module.run("clock.offset") == 10_530 - 510
    module.run("clock.sample(1_000, 1_020, 99_000), null")
    assert module.run("clock.offset") == 99_000 - 1_010
