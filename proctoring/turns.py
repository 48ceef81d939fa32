"""What may not happen twice at once to one sitting."""

import asyncio
from weakref import WeakValueDictionary

from core.ids import SittingId


class Turns:
    """Acts upon a sitting come one after another, in the order they were asked for; no sitting waits for another."""

    def __init__(self) -> None:
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[SittingId, asyncio.Lock] = WeakValueDictionary()

    def of(self, sitting: SittingId) -> asyncio.Lock:
        """For `async with`: inside it is this sitting's turn."""
        return self._locks.setdefault(sitting, asyncio.Lock())

    def __len__(self) -> int:
        """Sittings at which somebody is acting or waiting to act."""
        return len(self._locks)
