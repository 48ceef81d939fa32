"""Whole histories in a world where everything goes wrong: an ordinary day, a bad one, processes that keep dying."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from core.moments import HOUR, SECOND
from exam_server import reading
from exam_server.events import Created
from tests.histories.sittings import CHOICE, NOW, UNFOLDING, make_created, make_form, make_rules, thorough
from tests.histories.world import Act, World

EVERYDAY = ["edit"] * 8 + ["send"] * 8 + ["land"] * 8 + ["clock"] * 3 + ["settle", "compare", "connect"]
TROUBLE = ["connect", "leave", "crash", "land_unheard", "sweep", "extend", "away", "full", "refuse", "stop", "race"]
TROUBLE += ["intervene"] * 2


def acts(kinds: list[str]) -> st.SearchStrategy[list[Act]]:
    who = st.sampled_from([0, 0, 0, 0, 3, 3, 3, 1, 2, 4, 5])  # mostly the page that began
    act = st.builds(Act, st.sampled_from(kinds), who, st.integers(0, 60))
    return st.lists(act, min_size=30, max_size=80)


worlds = st.builds(
    lambda navigation, timeout, limit, exam: make_created(
        make_form(CHOICE, UNFOLDING, CHOICE, limit=limit), make_rules(navigation, timeout, True, exam), NOW + 2 * HOUR
    ),
    st.sampled_from(["linear", "free"]),
    st.sampled_from(["advance", "finish"]),
    st.sampled_from([10 * SECOND, HOUR]),
    st.sampled_from([60 * SECOND, HOUR]),
)


async def live_through(created: Created, history: list[Act]) -> None:
    world = World(created)
    await world.begin()
    for act in history:
        await world.act(act)
    await world.calm_down()
    world.check()


def run(created: Created, history: list[Act]) -> None:
    first, most = reading.RETRY_FIRST, reading.RETRY_MOST
    reading.RETRY_FIRST = reading.RETRY_MOST = 0.0
    try:
        asyncio.run(live_through(created, history))
    finally:
        reading.RETRY_FIRST, reading.RETRY_MOST = first, most


@given(worlds, acts(EVERYDAY))
@thorough(40)
def test_an_ordinary_day(created: Created, history: list[Act]) -> None:
    run(created, history)


@given(worlds, acts(EVERYDAY + TROUBLE))
@thorough(60)
def test_a_bad_day(created: Created, history: list[Act]) -> None:
    run(created, history)


@given(
    worlds,
    acts(["edit", "edit", "send", "send", "land", "connect", "crash", "land_unheard", "extend", "clock", "race"]),
)
@thorough(60)
def test_two_processes_that_keep_dying(created: Created, history: list[Act]) -> None:
    run(created, history)
