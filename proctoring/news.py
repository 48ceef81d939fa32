"""What staff's pages are told of a sitting while it goes on: JSON on its live channel. Pure.

It only says that it is time to look: whatever a page shows besides the picture is read from the database.
"""

from typing import Final

import msgspec

from core.moments import Moment
from proctoring.signals import Reading

INCIDENT: Final = b'{"kind":"incident"}'
"""An incident was opened, extended or closed, and that is stored."""
COVERAGE: Final = b'{"kind":"coverage"}'
"""A gap has begun or ended, or watching is over."""


class FrameNews(msgspec.Struct, frozen=True, tag_field="kind", tag="frame"):
    """A frame was looked at. `at`: receipt; `faces`: how many were seen."""

    at: Moment
    faces: int


def of_frame(reading: Reading) -> bytes:
    return msgspec.json.encode(FrameNews(reading.at, len(reading.faces)))
