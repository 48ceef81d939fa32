"""A few seeds of the simulation; `python -m tests.simulation` plays as many as one likes."""

from tests.simulation.play import play


def test_a_perfect_day() -> None:
    first, *_ = play([3], perfect=True)
    assert first.violations == ()
    assert first.answers > 50


def test_days_on_which_everything_goes_wrong() -> None:
    outcomes = list(play(range(1, 31)))
    assert [outcome.violations for outcome in outcomes if outcome.violations] == []


def test_a_seed_shows_again_what_it_showed() -> None:
    together = {outcome.seed: outcome for outcome in play(range(1, 6))}
    assert list(play([4])) == [together[4]]
