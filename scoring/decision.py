"""From marks to pass or fail, exactly; what to tell the candidate; when to come again. Pure.

No float takes part in anything here: pass <=> 100 * sum(w * x) >= cut * sum(w).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from core.errors import Conflict, Invalid
from core.ids import ItemId
from core.moments import Moment, to_datetime


class ItemMark(Struct, frozen=True):
    """What one item earned."""

    item: ItemId
    requirement: str
    weight: int
    """Points for a mark of 1; 0 is not scored."""
    score: Fraction
    """0..1."""


class Decision(Struct, frozen=True):
    passed: bool
    raw: Fraction
    """Points earned."""
    maximum: int
    """Points that could be earned."""
    cut: int
    """Per cent of the maximum that passes."""


class WeakArea(Struct, frozen=True):
    """A requirement below the cut."""

    requirement: str
    title: str
    score: Fraction
    """Points earned."""
    maximum: int


def decide(marks: Sequence[ItemMark], cut: int) -> Decision:
    """Pass or fail, by exact arithmetic; being at the cut is a pass.

    Raises Conflict (`nothing_scored`) when no item counts: nobody passes an empty exam. Raises
    ValueError for a score outside 0..1 or a negative weight.
    """
    for mark in marks:
        if mark.weight < 0 or not 0 <= mark.score <= 1:
            raise ValueError(f"{mark.item}: weight {mark.weight}, score {mark.score}")
    raw = sum((mark.weight * mark.score for mark in marks), Fraction(0))
    maximum = sum(mark.weight for mark in marks)
    if maximum == 0:
        raise Conflict("nothing_scored", "В наборе нет оцениваемых заданий. Решение примет комиссия после проверки.")
    return Decision(100 * raw >= cut * maximum, raw, maximum, cut)


def points_needed(maximum: int, cut: int) -> int:
    """The least whole number of points that passes: 68 of 79 and 68 of 80 at 85 %."""
    return -(-cut * maximum // 100)


def percent_text(raw: Fraction, maximum: int) -> str:
    """The share for people, e.g. «85 %» or «84,9 %»: one decimal, always cut off and never rounded.

    Cutting off can't lift a result over a whole number of per cent, so what is shown never says
    "85" of what did not reach 85.
    """
    tenths = 1000 * raw // maximum
    whole, rest = divmod(tenths, 10)
    return f"{whole},{rest}\u00a0%" if rest else f"{whole}\u00a0%"


def points_text(points: Fraction) -> str:
    """Points for people, e.g. «68» or «67,58»: at most two decimals, cut off."""
    whole, rest = divmod(100 * points // 1, 100)
    return f"{whole},{rest:02}".rstrip("0").rstrip(",") if rest else str(whole)


def earliest_retake(ended: Moment, zone: str, days: int) -> date:
    """The first day of a new attempt: the day the attempt ended where the candidate lives, plus `days`.

    Calendar days, so clock changes do not matter. Raises Invalid (`zone_unknown`).
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            "zone_unknown", "Неизвестный часовой пояс. Выберите пояс из списка.", fields={"zone": zone}
        ) from error
    return to_datetime(ended).astimezone(place).date() + timedelta(days=days)


def attempts_left(allowed: int, used: int, annulled: int = 0) -> int:
    """How many attempts remain; one annulled for technical reasons is not counted."""
    return max(0, allowed - (used - annulled))


def advice(marks: Sequence[ItemMark], titles: Mapping[str, str], cut: int) -> tuple[WeakArea, ...]:
    """The requirements below the cut, weakest first; among equals the one with more points to gain.

    Unscored items do not count. A requirement without a title goes by its code.
    """
    earned: dict[str, Fraction] = {}
    maximum: dict[str, int] = {}
    for mark in marks:
        if mark.weight:
            earned[mark.requirement] = earned.get(mark.requirement, Fraction(0)) + mark.weight * mark.score
            maximum[mark.requirement] = maximum.get(mark.requirement, 0) + mark.weight
    weak = [
        WeakArea(code, titles.get(code, code), score, maximum[code])
        for code, score in earned.items()
        if 100 * score < cut * maximum[code]
    ]
    weak.sort(key=lambda area: (area.score / area.maximum, -area.maximum, area.requirement))
    return tuple(weak)
