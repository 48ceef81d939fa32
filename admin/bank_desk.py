"""The bank as the methodologist reads it: items with their keys."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.remarks import list_remarks
from core import journal
from core.access import Principal, people
from core.database import fetch_one
from core.ids import ItemId, SittingId
from core.moments import Moment
from exam_server.withdrawal import Withdrawal, list_kept, load_withdrawal
from question_bank.items import Item
from question_bank.requirement_store import list_requirements, list_specialities
from question_bank.store import current_version, load_items


class ItemSheet(Struct, frozen=True):
    """One version of an item with its key."""

    item: Item
    speciality: str
    requirement: str
    withdrawn: bool
    withdrawal: Withdrawal | None
    """Who withdrew it and what became of the sittings that had it."""
    withdrawn_by: str
    kept: tuple[SittingId, ...]
    """Sittings in which it was shown before: whether it counts there is for somebody to decide."""
    remarks: int
    """What candidates wrote about any of its versions."""


async def open_item(
    connection: AsyncConnection, item: ItemId, version: int | None, reader: Principal, now: Moment
) -> ItemSheet:
    """One version, the current by default. Reading a key is written down. Raises NotFound."""
    current = await current_version(connection, item)
    wanted = (item, current if version is None else version)
    found = (await load_items(connection, [wanted]))[wanted]
    row = await fetch_one(connection, "SELECT state FROM question_bank.item WHERE id = :item", item=item)
    specialities = {one.code: one.title for one in await list_specialities(connection)}
    titles = {one.code: one.title for one in await list_requirements(connection, found.speciality)}
    await journal.record(
        connection, f"person:{reader.id}", "bank.item_read", f"item:{item}", {"version": wanted[1]}, now
    )
    withdrawal = await load_withdrawal(connection, item)
    who = [] if withdrawal is None else await people(connection, [withdrawal.decided_by])
    remarked = await list_remarks(connection, item=item)
    return ItemSheet(
        item=found,
        speciality=specialities.get(found.speciality, ""),
        requirement=titles.get(found.requirement, ""),
        withdrawn=row is not None and row["state"] == "withdrawn",
        withdrawal=withdrawal,
        withdrawn_by=who[0].name if who else "",
        kept=() if withdrawal is None else tuple(await list_kept(connection, item)),
        remarks=sum(row.remarks for row in remarked.rows),
    )
