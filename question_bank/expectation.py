"""What a candidate just at the cut is expected to earn on an item, and how much the item tells there. Pure.

What is known of an item differs, and the best is taken:

1. its calibration: the two-parameter logistic model (A. Birnbaum, in Lord & Novick, Statistical Theories of Mental Test
   Scores, 1968, ch. 17), Rasch's where the slope is 1: P = 1 / (1 + exp(-a(theta - b))). The ability at the cut is
   where the calibrated items of the pool are together expected to earn exactly the cut;
2. its Angoff ratings: their mean is by definition the probability that a borderline candidate is right (W. H. Angoff,
   Scales, Norms, and Equivalent Scores, in Educational Measurement, 1971);
3. the mean of the items of its band of which 1 or 2 is known, the band being that of its author's estimate;
4. its author's estimate.

Information is that of the same model at the same ability, a²P(1 - P) (F. M. Lord, Applications of Item Response Theory
to Practical Testing Problems, 1980, ch. 5); where no slope is known it is Rasch's, 1. Everything is rounded to
millionths once, and kept so: what is drawn later never depends on a floating point number.
"""

from collections.abc import Sequence
from math import exp
from typing import Literal

from msgspec import Struct

from question_bank.bands import Band, band_of

WHOLE = 1_000_000
"""Expected scores are counted in millionths of an item: integers add up the same everywhere."""

FARTHEST = 12.0
"""Abilities beyond ±12 tell no candidates apart."""
STEPS = 60
CLOSE = 1e-9

Basis = Literal["calibration", "angoff", "band", "estimate"]


class Calibration(Struct, frozen=True):
    """Slope and location of an item, in logits."""

    a: float
    b: float


class Evidence(Struct, frozen=True):
    """What is known of an item's difficulty."""

    estimate: float
    """The author's, 0..1."""
    calibration: Calibration | None = None
    angoff: float | None = None
    """Mean rating, 0..1."""


class Expectation(Struct, frozen=True):
    """Both in millionths; information in 1/logit²."""

    expected: int
    information: int
    basis: Basis


def probability(calibration: Calibration, theta: float) -> float:
    """Expected share of the score at an ability."""
    x = calibration.a * (theta - calibration.b)
    # exp of a large positive number overflows, of a large negative one it does not.
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def information(calibration: Calibration, theta: float) -> float:
    """Fisher information at an ability."""
    p = probability(calibration, theta)
    return calibration.a**2 * p * (1 - p)


def solve_cut(calibrations: Sequence[Calibration], share: float) -> float:
    """The ability whose expected share over these items is `share`, 0..1, within ±FARTHEST.

    The share grows with ability where all slopes are positive; Newton's steps, halved where they leave the bracket.
    """
    low, high, theta = -FARTHEST, FARTHEST, 0.0
    for _ in range(STEPS):
        total = slope = 0.0
        for one in calibrations:
            p = probability(one, theta)
            total += p
            slope += one.a * p * (1 - p)
        over = total / len(calibrations) - share
        if abs(over) < CLOSE:
            break
        if over > 0:
            high = theta
        else:
            low = theta
        step = theta - over * len(calibrations) / slope if slope > 0 else low - 1
        theta = step if low < step < high else (low + high) / 2
    return theta


def expect(evidence: Sequence[Evidence], cut: int) -> list[Expectation]:
    """The expectation of every item of a pool at the cut, per cent, in the same order."""
    calibrated = [one.calibration for one in evidence if one.calibration is not None]
    theta = solve_cut(calibrated, min(99.9, cut) / 100) if calibrated else 0.0
    known: dict[int, Expectation] = {}
    sums: dict[Band, list[int]] = {}
    for place, one in enumerate(evidence):
        if one.calibration is not None:
            expected = _clamp(probability(one.calibration, theta))
            known[place] = Expectation(expected, round(information(one.calibration, theta) * WHOLE), "calibration")
        elif one.angoff is not None:
            expected = _clamp(one.angoff)
            known[place] = Expectation(expected, _plain(expected), "angoff")
        else:
            continue
        total = sums.setdefault(band_of(expected), [0, 0])
        total[0] += expected
        total[1] += 1
    means = {band: total // count for band, (total, count) in sums.items()}
    return [known[place] if place in known else _fall_back(one, means) for place, one in enumerate(evidence)]


def estimate(share: float) -> Expectation:
    """What follows from an author's estimate alone."""
    expected = _clamp(share)
    return Expectation(expected, _plain(expected), "estimate")


def _fall_back(evidence: Evidence, means: dict[Band, int]) -> Expectation:
    plain = estimate(evidence.estimate)
    expected = means.get(band_of(plain.expected))
    return plain if expected is None else Expectation(expected, _plain(expected), "band")


def _clamp(share: float) -> int:
    """No item is certain."""
    return min(WHOLE - 1, max(1, round(share * WHOLE)))


def _plain(expected: int) -> int:
    """Information of an item whose slope is 1."""
    return expected * (WHOLE - expected) // WHOLE
