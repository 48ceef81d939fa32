"""Keeping items from being seen too often: to what share of forms an item is open, and what was drawn and seen. Pure.

An item is closed to a form with a probability that follows from how often it was drawn so far (W. J. van der Linden,
B. P. Veldkamp, Constraining Item Exposure in Computerized Adaptive Testing with Shadow Tests, Journal of Educational
and Behavioral Statistics 29, 2004: P(open) = cap · forms it was open to / forms it was drawn for). Shares are worked
out anew after some forms, not after each, so what an item was drawn too often meanwhile is made good by the next ones.
"""

from collections.abc import Mapping

from msgspec import Struct

from core.ids import ItemId
from question_bank.pool import WHOLE

SLACK = 3
"""Forms that an item may stand on beside what the cap allows: of the first few dozen forms no share can be told."""
SOONEST = 50
"""Forms drawn before shares are worked out anew, at first;"""
GROWTH = 10
"""later one tenth of all forms, so that pools, and the snapshots kept of them, change ever more rarely."""


class Openness(Struct, frozen=True):
    """Of how many forms an item is open to."""

    share: int
    """From now on, in millionths."""
    was_open: int
    """Of the forms so far, to how many it was; an expected number, rounded."""


def horizon(forms: int) -> int:
    """After how many more forms shares are worked out anew."""
    return max(SOONEST, forms // GROWTH)


def control(
    forms: int, drawn: Mapping[ItemId, int], before: int, opennesses: Mapping[ItemId, Openness], cap: float
) -> dict[ItemId, Openness]:
    """How open items are to the next forms, so that none stands on more than `cap` of them all.

    `drawn`: how many of all `forms` so far each item stands on. `opennesses` was worked out after `before` forms; items
    that it does not have were open to all. So are those that the answer does not have.
    """
    ahead = horizon(forms)
    found: dict[ItemId, Openness] = {}
    for item, times in drawn.items():
        known = opennesses.get(item)
        was_open = forms if known is None else known.was_open + max(0, forms - before) * known.share // WHOLE
        rest = cap * (forms + ahead) + SLACK - times
        # Of the forms that it is open to, it is drawn for this share.
        rate = times / max(was_open, times, 1)
        share = 0 if rest <= 0 else min(WHOLE, int(WHOLE * rest / (ahead * rate)) if rate else WHOLE)
        if share < WHOLE or known is not None:
            found[item] = Openness(share, max(was_open, times))
    return found
