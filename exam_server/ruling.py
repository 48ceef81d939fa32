"""What a decision is, and what follows once everything is locked. Pure."""

from msgspec import Struct

from core.moments import Moment
from exam_server.commands import RefusalCode
from exam_server.events import AnyEvent, Ended, SectionClosed
from exam_server.sitting import Sitting, evolve


class Ruling(Struct, frozen=True):
    """What follows from a command. Events and a refusal can stand together: time may have run out first."""

    events: tuple[AnyEvent, ...] = ()
    refusal: RefusalCode | None = None


def complete(sitting: Sitting, at: Moment) -> tuple[AnyEvent, ...]:
    """With the whole section locked the next one is due; with the last one locked it is the end."""
    if sitting.status != "running" or any(not sitting.items[position].locked for position in sitting.section_range):
        return ()
    if sitting.last_section:
        return (Ended(at, "completed"),)
    closed = SectionClosed(at, sitting.section)
    return (closed, *complete(evolve(sitting, closed), at))
