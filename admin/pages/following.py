"""Decisions that many sittings follow: a page waits a moment for them, and then follows by itself."""

from exam_server.consequences import Consequences

SHORT = 2.0
"""Seconds that a decision is waited for before the page that follows it is shown."""


async def begin(consequences: Consequences) -> None:
    """Carry it out now; what is not done in a moment goes on by itself."""
    await consequences.hasten(SHORT)
