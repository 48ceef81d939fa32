"""Stills that show an incident: a short ring of recent frames, which of them to keep, and sealing them."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs
from core.ids import IncidentId, SittingId
from core.moments import SECOND, Moment, Span
from proctoring import store

MEDIA_TYPE: Final = "image/jpeg"
RING_FRAMES: Final = 12
RING_BYTES: Final = 1_000_000
AFTER: Final[Span] = 3 * SECOND
"""How long after an incident was opened the picture `after` is taken, if it does not close earlier."""


class Role(StrEnum):
    """What a still shows: the last frame before an incident, one at it, one after it was noticed."""

    BEFORE = "before"
    AT = "at"
    AFTER = "after"


class Still(msgspec.Struct, frozen=True):
    """A frame as it was received, byte for byte. `at`: receipt."""

    at: Moment
    jpeg: bytes


class Ring:
    """The newest frames of one sitting, bounded in number and in bytes; the newest is always kept."""

    def __init__(self, frames: int = RING_FRAMES, limit: int = RING_BYTES) -> None:
        self._stills: deque[Still] = deque()
        self._frames = frames
        self._limit = limit
        self._held = 0

    def add(self, still: Still) -> None:
        self._stills.append(still)
        self._held += len(still.jpeg)
        while len(self._stills) > 1 and (len(self._stills) > self._frames or self._held > self._limit):
            self._held -= len(self._stills.popleft().jpeg)

    @property
    def stills(self) -> tuple[Still, ...]:
        """Oldest first."""
        return tuple(self._stills)

    @property
    def held(self) -> int:
        """Bytes."""
        return self._held

    @property
    def newest(self) -> Still | None:
        return self._stills[-1] if self._stills else None


def pick(stills: Iterable[Still], began_at: Moment) -> dict[Role, Still]:
    """What to keep of a ring, oldest first, when an incident that began at `began_at` opens.

    `before`: the newest frame before it; `at`: the first frame from its beginning on, or the newest before it
    where none has come since (an incident of the window, say).
    """
    before: Still | None = None
    first: Still | None = None
    for still in stills:
        if still.at < began_at:
            before = still
        elif first is None:
            first = still
    if first is None:
        return {} if before is None else {Role.AT: before}
    return {Role.AT: first} if before is None else {Role.BEFORE: before, Role.AT: first}


async def seal(
    connection: AsyncConnection, blobs: Blobs, sitting: SittingId, incident: IncidentId, role: Role, still: Still
) -> None:
    """Encrypt a still under the sitting's own key and record it; a second still of the same role is not taken."""
    if await store.has_evidence(connection, incident, role):
        return
    blob = await blobs.put(connection, store.blob_owner(sitting), still.jpeg, MEDIA_TYPE, still.at)
    await store.record_evidence(connection, incident, role, still.at, blob)
