"""Items of the demo that are being tried out, the way they came there, and items that give each other away."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.drafts import draft_of
from question_bank.enemy_store import set_enemies
from question_bank.items import Item
from question_bank.version_store import move_version, save_version
from question_bank.workflow import Actor, Move

PILOTED = frozenset(ItemId(item) for item in ("pd-010", "pd-027", "pd-033"))
ENEMIES = ((ItemId("pd-015"), ItemId("pd-c1")),)
"""What to give for asthma, and a case whose story says what the child is given for it."""

_STEPS: tuple[Move, ...] = ("send", "approve", "pilot")


async def try_out(
    connection: AsyncConnection, items: Sequence[Item], author: PersonId, methodologist: PersonId, now: Moment
) -> None:
    """Write these items, have them approved by somebody else, and put them on trial."""
    writing, deciding = Actor(author, True, False), Actor(methodologist, True, True)
    for item in items:
        await save_version(connection, item.id, 0, draft_of(item), author, now)
        for move in _STEPS:
            await move_version(connection, item.id, 1, move, writing if move == "send" else deciding, now)


async def declare_enemies(connection: AsyncConnection, methodologist: PersonId, now: Moment) -> None:
    for item, other in ENEMIES:
        await set_enemies(connection, item, [other], methodologist, now)
