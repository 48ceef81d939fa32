"""A form while it is drawn: which items stand on it, which others may. Pure.

Items that would stand on too many forms are open to a share of them only: whether to this one is decided by a draw of
its own (W. J. van der Linden, B. P. Veldkamp, Constraining Item Exposure in Computerized Adaptive Testing with Shadow
Tests, Journal of Educational and Behavioral Statistics 29, 2004). As there, a form that could not be filled otherwise
takes what is closed to it, what is closed to fewest first.
"""

from collections import deque
from collections.abc import Iterable
from random import Random

from core.ids import ItemId
from question_bank.pool import WHOLE, Pool, PoolItem, Profile, Stratum


class Slot:
    """A place on the form: the item that holds it now, and the stratum another may come from."""

    __slots__ = ("item", "part", "weight")

    def __init__(self, part: "Part", item: PoolItem) -> None:
        self.part = part
        self.item = item
        self.weight = part.weight


class Part:
    """What one cell of the blueprint asks of the pool."""

    __slots__ = ("count", "profile", "section", "stratum", "weight")

    def __init__(self, profile: Profile, stratum: Stratum, count: int, weight: int, section: int) -> None:
        self.profile = profile
        self.stratum = stratum
        self.count = count
        self.weight = weight
        self.section = section


class Drawing:
    """One draw. `left_out` are items that it does without."""

    def __init__(self, pool: Pool, seed: int, left_out: Iterable[ItemId] = ()) -> None:
        # Python promises that Random(seed).random() never changes, and of the other methods it does not:
        # everything is built on it, or a form could not be proved after an upgrade.
        self.draw = Random(seed).random
        self.used: set[ItemId] = set(left_out)
        self._enemies = pool.enemies
        self._blocked: dict[ItemId, int] = {}
        self._open: dict[ItemId, bool] = {}

    def is_free(self, item: ItemId) -> bool:
        """Whether the item is not on the form, and no enemy of it is."""
        return item not in self.used and not self._blocked.get(item)

    def is_open(self, item: PoolItem) -> bool:
        """Whether the item is open to this form; decided when first asked."""
        if item.share >= WHOLE:
            return True
        known = self._open.get(item.item)
        if known is None:
            known = self._open[item.item] = self.draw() * WHOLE < item.share
        return known

    def take(self, item: ItemId) -> None:
        self.used.add(item)
        for enemy in self._enemies.get(item, ()):
            self._blocked[enemy] = self._blocked.get(enemy, 0) + 1

    def give_back(self, item: ItemId) -> None:
        self.used.discard(item)
        for enemy in self._enemies.get(item, ()):
            self._blocked[enemy] -= 1

    def fill(self, parts: Iterable[Part]) -> list[Slot] | None:
        """A place for every item that the parts ask for; None where enemies leave too few."""
        slots: list[Slot] = []
        for part in parts:
            sample = self._sample(part.stratum, part.count)
            slots += [Slot(part, item) for item in sample]
            short = part.count - len(sample)
            for closed in (False, True):
                while short and (item := self._spare(part.stratum, closed)) is not None:
                    self.take(item.item)
                    slots.append(Slot(part, item))
                    short -= 1
                while short and self._make_room(part, slots, closed):
                    short -= 1
            if short:
                return None
        return slots

    def _sample(self, stratum: Stratum, count: int) -> list[PoolItem]:
        """Up to `count` items that are free and open, every set equally likely."""
        items, draw, size = stratum.items, self.draw, len(stratum.items)
        taken: list[PoolItem] = []
        # In a large stratum most tries hit, and the whole of it need not be copied.
        tries = 4 * count + 16 if size > 4 * count else 0
        while len(taken) < count and tries:
            tries -= 1
            item = items[int(draw() * size)]
            if self.is_free(item.item) and self.is_open(item):
                self.take(item.item)
                taken.append(item)
        if len(taken) < count:
            left = [item for item in items if self.is_free(item.item)]
            for place in range(len(left)):
                if len(taken) == count:
                    break
                other = place + int(draw() * (len(left) - place))
                left[place], left[other] = left[other], left[place]
                item = left[place]
                if self.is_free(item.item) and self.is_open(item):
                    self.take(item.item)
                    taken.append(item)
        return taken

    def _spare(self, stratum: Stratum, closed: bool) -> PoolItem | None:
        """A free item, at random; of those that are closed to this form, where they are asked for, the most open."""
        left = [item for item in stratum.items if self.is_free(item.item) and (closed or self.is_open(item))]
        if not left:
            return None
        most = max(item.share for item in left) if closed else 0
        left = [item for item in left if item.share >= most]
        return left[int(self.draw() * len(left))]

    def _make_room(self, part: Part, slots: list[Slot], closed: bool) -> bool:
        """One more item for a part by an augmenting path: another part gives up an item and takes a spare one."""
        came: dict[Part, tuple[Part, Slot]] = {}
        queue, seen = deque([part]), {part}
        while queue:
            taker = queue.popleft()
            spare = self._spare(taker.stratum, closed)
            if spare is not None:
                self.take(spare.item)
                item = spare
                while taker in came:
                    taker, slot = came[taker]
                    item, slot.item = slot.item, item
                slots.append(Slot(part, item))
                return True
            for slot in slots:
                if slot.part not in seen and taker.profile.covers(slot.item.profile):
                    seen.add(slot.part)
                    came[slot.part] = (taker, slot)
                    queue.append(slot.part)
        return False
