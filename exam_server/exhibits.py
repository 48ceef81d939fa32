"""Which pictures a candidate may see at this moment, by what is durable: those of the item on screen, or explained."""

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Forbidden
from core.ids import AssetId, PersonId, SittingId
from exam_server.practice import check_explained
from exam_server.sitting import Sitting
from exam_server.store import load_card, load_sitting, unknown_sitting
from question_bank.asset_store import Asset, load_asset
from question_bank.candidate_copy import open_stages
from question_bank.candidate_store import candidate_copies
from question_bank.explanation_store import load_explanation


async def open_exhibit(
    connection: AsyncConnection, sitting_id: SittingId, candidate: PersonId, position: int, asset: AssetId
) -> Asset:
    """The asset, if it is part of what this candidate is shown now.

    Raises NotFound for somebody else's sitting, Forbidden (`media_closed`) for a picture of an item that is not on
    screen, of a stage that is not open, or of no item of this place.
    """
    if (await load_card(connection, sitting_id)).candidate != candidate:
        raise unknown_sitting()
    sitting = await load_sitting(connection, sitting_id)
    if asset not in await _shown(connection, sitting, position):
        raise Forbidden("media_closed", "Изображение показывают, только пока открыто его задание.")
    return await load_asset(connection, asset)


async def _shown(connection: AsyncConnection, sitting: Sitting, position: int) -> tuple[AssetId, ...]:
    if not 0 <= position < len(sitting.items):
        return ()
    entry = sitting.form.entries[position]
    ref = (entry.item, entry.version)
    if sitting.status == "running" and sitting.halt is None and sitting.current == position:
        copy = (await candidate_copies(connection, [ref]))[ref]
        return open_stages(copy, sitting.items[position].stage + 1).assets
    if sitting.rules.practice:
        check_explained(sitting, position)
        return (await load_explanation(connection, ref)).assets
    return ()
