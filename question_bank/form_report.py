"""How parallel some forms are: their curves over ability, their key figures, what they share. Pure.

An item's slope and location follow from what is expected of it and what it tells at the cut (see expectation), so
ability is measured from the cut, in logits.
"""

from collections.abc import Sequence
from math import log, sqrt

from msgspec import Struct

from question_bank.expectation import Calibration, information, probability
from question_bank.fixed_forms import FixedForm
from question_bank.pool import WHOLE, Pool, PoolItem

SPAN = 3.0
STEP = 0.25
THETAS: tuple[float, ...] = tuple(STEP * step for step in range(-round(SPAN / STEP), round(SPAN / STEP) + 1))
"""Abilities relative to the cut at which curves are given."""


class FormFigures(Struct, frozen=True):
    """One form. Points are per cent of the maximum where they are shares."""

    digest: str
    points: int
    """The maximum."""
    expected: float
    """Points that a candidate at the cut is expected to earn,"""
    standard_error: float
    """and the standard error of measurement of ability there, in logits; 0 where the form tells nothing."""
    information: float
    scores: tuple[float, ...]
    """Expected share of the maximum, 0..1, at each of THETAS."""
    informations: tuple[float, ...]
    """Information at each of THETAS."""


class FormReport(Struct, frozen=True):
    """Forms side by side."""

    thetas: tuple[float, ...]
    forms: tuple[FormFigures, ...]
    shared: tuple[tuple[int, ...], ...]
    """How many items each has in common with each, itself included."""
    largest_score_gap: float
    """Between any two forms at any of THETAS, as a share of the maximum."""


def compare_forms(pool: Pool, forms: Sequence[FixedForm]) -> FormReport:
    """`pool`: what the forms were built from."""
    figures = tuple(_figures(pool, form) for form in forms)
    items = [{place.item for place in form.places} for form in forms]
    gaps = [max(curve) - min(curve) for curve in zip(*(one.scores for one in figures), strict=True)]
    return FormReport(
        THETAS,
        figures,
        tuple(tuple(len(one & other) for other in items) for one in items),
        max(gaps, default=0.0),
    )


def calibration_of(item: PoolItem) -> Calibration:
    """Slope and location relative to the cut that give what is known of an item there."""
    p = item.expected / WHOLE
    if not 0 < p < 1:
        p = min(1 - 1 / WHOLE, max(1 / WHOLE, p))
    slope = sqrt(item.information / WHOLE / (p * (1 - p))) or 1e-6
    return Calibration(slope, -log(p / (1 - p)) / slope)


def _figures(pool: Pool, form: FixedForm) -> FormFigures:
    scored = [(pool.by_id[place.item], place.weight) for place in form.places if place.weight]
    known = [(calibration_of(item), weight) for item, weight in scored]
    points = sum(weight for _, weight in scored)
    told = sum(item.information for item, _ in scored) / WHOLE
    return FormFigures(
        form.digest,
        points,
        sum(item.expected * weight for item, weight in scored) / WHOLE,
        1 / sqrt(told) if told > 0 else 0.0,
        told,
        tuple(sum(weight * probability(one, theta) for one, weight in known) / points for theta in THETAS),
        tuple(sum(information(one, theta) for one, _ in known) for theta in THETAS),
    )
