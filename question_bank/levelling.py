"""Making forms equal: items are swapped for others of the same cell until a form is as hard as it should be. Pure.

This is the swap step of random test assembly under constraints (W. J. van der Linden, Linear Models for Optimal Test
Design, 2005, ch. 4, "greedy and swapping heuristics") with two aims at the cut, the expected score and the information,
and with a random walk first so that no item is preferred for being handy.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from msgspec import Struct

from question_bank.drawing import Drawing, Slot
from question_bank.pool import WHOLE, PoolItem

TOLERANCE = WHOLE // 100
"""Forms within 0.01 items of the expected score aimed at are equal enough; see benchmarks/assembly.py."""
INFORMATION_TOLERANCE = 50
"""One in so many: the standard error at the cut goes with the root of the information, so forms within 2 % of that
aimed at measure equally well to 1 %. Less would be bought with items that tell little or much drawn too seldom."""
WALK = 400
"""Random swaps tried before the best swap is looked for."""
POLISH = 30
"""Best swaps at most."""
NEAR = 6
"""Candidates that the best swap looks at to either side of what an item should be replaced by."""


class Aim(Struct, frozen=True):
    """What a form should come to at the cut: expected score and information, in millionths."""

    expected: int
    information: int
    minimum: int = 0
    """Information below which no form is given out."""


class Levelling:
    """The scored places of one form on their way to the aim."""

    def __init__(self, slots: Sequence[Slot], aim: Aim, drawing: Drawing) -> None:
        self._slots = [slot for slot in slots if slot.weight]
        self._drawing = drawing
        self._gap = aim.expected - sum(slot.item.expected * slot.weight for slot in self._slots)
        self._lack = aim.information - sum(slot.item.information for slot in self._slots)
        self._tolerance = max(1, aim.information // INFORMATION_TOLERANCE)
        self._most = aim.information - aim.minimum
        """A lack above it is too little information."""

    def run(self) -> bool:
        """Swap in place; whether the form tells enough at the cut."""
        if not self._slots:
            return True
        self._walk()
        self._polish()
        if self._lack > self._most:
            self._inform()
        return self._lack <= self._most

    @property
    def _level(self) -> bool:
        return self._cost(self._gap, self._lack) == 0

    def _cost(self, gap: int, lack: int) -> int:
        """How far out of tolerance, each counted in its own, so that neither is bought with the other."""
        over, under = abs(gap) - TOLERANCE, abs(lack) - self._tolerance
        return (over * self._tolerance if over > 0 else 0) + (under * TOLERANCE if under > 0 else 0)

    def _walk(self) -> None:
        draw, slots, drawing = self._drawing.draw, self._slots, self._drawing
        count = len(slots)
        cost = self._cost(self._gap, self._lack)
        for _ in range(WALK):
            if not cost:
                return
            slot = slots[int(draw() * count)]
            stratum, now = slot.part.stratum, slot.item.expected
            expected = stratum.expected
            # Anything between here and the whole way to the aim makes the gap smaller. One drawn from all of those
            # spares the items at the ends. Where the gap is closed, others about as hard may tell more or less.
            wanted = now + self._gap // slot.weight
            first = bisect_left(expected, min(now, wanted) - TOLERANCE)
            last = bisect_right(expected, max(now, wanted) + TOLERANCE)
            other = stratum.items[first + int(draw() * (last - first))]
            gap = self._gap - slot.weight * (other.expected - now)
            lack = self._lack - (other.information - slot.item.information)
            found = self._cost(gap, lack)
            if found < cost and drawing.is_free(other.item) and drawing.is_open(other):
                self._swap(slot, other)
                cost = found

    def _polish(self) -> None:
        for _ in range(POLISH):
            if self._level:
                return
            found = self._best_swap()
            if found is None:
                return
            self._swap(*found)

    def _best_swap(self) -> tuple[Slot, PoolItem] | None:
        """The swap that leaves the least, or None when none makes it less."""
        best: tuple[Slot, PoolItem] | None = None
        least = self._cost(self._gap, self._lack)
        for slot in self._slots:
            stratum = slot.part.stratum
            centre = bisect_left(stratum.expected, slot.item.expected + self._gap // slot.weight)
            for other in stratum.items[max(0, centre - NEAR) : centre + NEAR]:
                cost = self._cost(
                    self._gap - slot.weight * (other.expected - slot.item.expected),
                    self._lack - (other.information - slot.item.information),
                )
                if cost < least and self._drawing.is_free(other.item) and self._drawing.is_open(other):
                    best, least = (slot, other), cost
        return best

    def _inform(self) -> None:
        """Take what tells most, however hard it is, until the form tells enough; in need what is closed to it too."""
        for closed in (False, True):
            for slot in sorted(self._slots, key=lambda slot: slot.item.information):
                if self._lack <= self._most:
                    return
                better = [
                    other
                    for other in slot.part.stratum.items
                    if other.information > slot.item.information
                    and self._drawing.is_free(other.item)
                    and (closed or self._drawing.is_open(other))
                ]
                if better:
                    self._swap(slot, max(better, key=lambda other: other.information))

    def _swap(self, slot: Slot, other: PoolItem) -> None:
        self._gap -= slot.weight * (other.expected - slot.item.expected)
        self._lack -= other.information - slot.item.information
        self._drawing.give_back(slot.item.item)
        self._drawing.take(other.item)
        slot.item = other
