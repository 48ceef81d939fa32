"""The bank's shelves: the list of items as the methodologist reads it, with people's names and requirements' titles."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access import Principal, people
from core.ids import ItemId, PersonId
from exam_server.exposure import EVER_DRAWN, NEVER_DRAWN, count_drawn, list_overdrawn
from question_bank.catalogue import PAGE, ItemPage, Shortcut, count_shortcuts, list_authors, list_items
from question_bank.requirement_store import list_requirements, list_specialities, load_titles
from question_bank.requirements import Requirement, Speciality
from question_bank.wanted import Condition, Wanted

Exposed = Literal["never", "ever", "over"]
"""By forms of exams: on none, on some, on a larger share of some exam's than its cap allows."""

MOST_OFFERED = 100
"""So many requirements are offered where no speciality is chosen, or none."""


class Shelf(Struct, frozen=True):
    """A page of the list and what stands around it."""

    found: ItemPage
    counts: dict[Shortcut, int]
    specialities: tuple[Speciality, ...]
    requirements: tuple[Requirement, ...]
    """That can be chosen: of the chosen speciality, or of all where they are few."""
    authors: tuple[tuple[PersonId, str], ...]
    """By name."""
    titles: dict[tuple[str, str], str]
    """Of requirements, by speciality and code."""
    drawn: dict[ItemId, int]
    """On how many forms of exams the items of this page stood, where they did."""

    @property
    def sections(self) -> list[str]:
        return sorted({one.section for one in self.requirements if one.section})

    @property
    def names(self) -> dict[PersonId, str]:
        return dict(self.authors)


async def offer_requirements(connection: AsyncConnection, speciality: str | None) -> tuple[Requirement, ...]:
    """Those that can be chosen in a filter."""
    found = await list_requirements(connection, speciality)
    return tuple(found) if speciality is not None or len(found) <= MOST_OFFERED else ()


async def narrow(connection: AsyncConnection, wanted: Wanted, exposed: Exposed | None) -> Wanted:
    """With what the bank itself does not know: where its items were drawn."""
    if exposed is None:
        return wanted
    if exposed == "over":
        over = await list_overdrawn(connection)
        return replace(wanted, beside=Condition("i.id = ANY(CAST(:over AS text[]))", {"over": over}))
    return replace(wanted, beside=EVER_DRAWN if exposed == "ever" else NEVER_DRAWN)


async def open_shelf(
    connection: AsyncConnection,
    wanted: Wanted,
    words: str,
    page: int,
    reader: Principal,
    requirements: tuple[Requirement, ...],
) -> Shelf:
    """One page of the list, from 1; `requirements`: what offer_requirements gave."""
    found = await list_items(connection, wanted, words=words, offset=(page - 1) * PAGE)
    places = {(row.speciality, row.requirement) for row in found.rows}
    who = await people(connection, await list_authors(connection))
    return Shelf(
        found=found,
        counts=await count_shortcuts(connection, reader.id),
        specialities=tuple(await list_specialities(connection)),
        requirements=requirements,
        authors=tuple(sorted(((one.id, one.name) for one in who), key=lambda one: one[1])),
        titles=await load_titles(connection, places),
        drawn=await count_drawn(connection, [row.item for row in found.rows]),
    )
