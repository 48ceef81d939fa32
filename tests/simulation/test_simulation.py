"""A few seeds of the simulation; `python -m tests.simulation` plays as many as one likes."""

from tests.simulation.play import play, stage


def test_a_perfect_day() -> None:
    with stage() as made:
        first = made.play(3, perfect=True)
        again = made.play(3, perfect=True)
    assert first.violations == ()
    assert first.answers > 50
    assert first == again


def test_days_on_which_everything_goes_wrong() -> None:
    outcomes = list(play(range(1, 13)))
    assert [outcome.violations for outcome in outcomes if outcome.violations] == []
