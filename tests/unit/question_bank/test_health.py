"""The health of a pool: each figure against counting by hand."""

from msgspec.structs import replace

from core.ids import ItemId
from core.moments import DAY
from question_bank.blueprints import Cell
from question_bank.health import NEXT, Standing, Used, weigh_health
from question_bank.pool import Pool
from tests.unit.question_bank.pools import generate_items, plan

ITEMS = generate_items(30, seed=1)
POOL = Pool(ITEMS)
NOW = 10_000 * DAY
IDS = [item.item for item in POOL.items]


def test_an_untouched_pool_of_which_nothing_is_known() -> None:
    health = weigh_health(plan(Cell("R0", "four_option", 9)), POOL, {}, {}, 0, NOW)
    assert (health.items, health.never_used, health.uncalibrated, health.unrated) == (30, 30, 30, 30)
    assert (health.over_used, health.retiring) == ((), ())
    assert [(cell.have, cell.missing) for cell in health.cells] == [(8, 1)]


def test_what_is_used_known_and_due() -> None:
    standings = {item: Standing(place % 3 == 0, place % 2 == 0, NOW - place * DAY) for place, item in enumerate(IDS)}
    uses = {IDS[1]: Used(50, 30), IDS[2]: Used(31, 31), IDS[3]: Used(30, 4), ItemId("gone"): Used(99, 99)}
    blueprint = replace(plan(Cell(None, "four_option", 5)), exposure_cap=0.3)
    health = weigh_health(blueprint, POOL, standings, uses, 100, NOW, worn_after=60, old_after=40 * DAY)
    assert health.never_used == 27
    assert health.over_used == ((IDS[1], 0.5), (IDS[2], 0.31))
    assert health.uncalibrated == 20
    assert health.unrated == 10
    # By age those from the 20th day on; by use the two that half of 60 and more have seen.
    assert [one.item for one in health.retiring] == [*IDS[:20:-1], IDS[2], *sorted([IDS[20], IDS[1]])]
    assert health.retiring[0].used_up == 29 / 40
    assert health.retiring[-1].used_up == 0.5


def test_only_so_many_are_named() -> None:
    uses = {item: Used(90, 90) for item in IDS}
    blueprint = replace(plan(Cell(None, "four_option", 5)), exposure_cap=0.3)
    health = weigh_health(blueprint, POOL, {}, uses, 100, NOW, worn_after=1)
    assert len(health.over_used) == len(health.retiring) == NEXT
