"""A few seeds of the simulation; `python -m tests.simulation` plays as many as one likes."""

from itertools import islice

import pytest

from tests.simulation.plants import PLANTS
from tests.simulation.play import play

RARE = {"pace_forgotten": 40, "receipt_forgotten": 120}
"""Bugs that take more than a dozen seeds to show."""


def test_a_perfect_day() -> None:
    (outcome,) = play([3], perfect=True)
    assert outcome.violations == ()
    assert outcome.answers > 50


def test_days_on_which_everything_goes_wrong() -> None:
    outcomes = list(play(range(1, 31)))
    assert [outcome for outcome in outcomes if outcome.violations] == []
    assert sum(outcome.faults for outcome in outcomes) > 300


def test_a_seed_shows_again_what_it_showed() -> None:
    together = {outcome.seed: outcome for outcome in play(range(1, 6))}
    assert list(play([4])) == [together[4]]


@pytest.mark.parametrize("plant", sorted(PLANTS.keys() - {"none"}))
def test_a_planted_bug_is_found(plant: str) -> None:
    found = (outcome for outcome in play(range(1, 1 + RARE.get(plant, 12)), plant) if outcome.violations)
    assert list(islice(found, 1)), "nobody noticed"
