"""A candidate who knows the keys, and so decides how many items to get right."""

from collections.abc import Collection
from typing import Any

from core.ids import ChoiceId, ItemId
from question_bank.items import Item, Role, Stage
from question_bank.store import load_items
from tests.server.booth import Booth, Page

Keys = dict[ItemId, Item]


async def read_keys(booth: Booth) -> Keys:
    """The items of the booth's form with their keys."""
    form = (await booth.state()).form
    async with booth.database.transaction() as connection:
        items = await load_items(connection, [(entry.item, entry.version) for entry in form.entries])
    return {item.id: item for item in items.values()}


def solve(stage: Stage, right: bool) -> list[ChoiceId]:
    """Choices that earn the whole stage, or nothing of it."""
    if stage.kind == "choice":
        role = Role.KEY if right else Role.DISTRACTOR
        return [next(choice.id for choice in stage.choices if choice.role is role)]
    if right:
        return [choice.id for choice in stage.choices if choice.role is Role.REQUIRED]
    return [choice.id for choice in stage.choices if choice.role in (Role.HARMFUL, Role.NEUTRAL)][:1]


async def take(page: Page, keys: Keys, wrong: Collection[int] = ()) -> dict[str, Any]:
    """Answer every item rightly but those at the positions in `wrong`, then submit; the `ended` that is told."""
    assert page.item is not None
    count = len(page.snapshot["marks"])
    for position in range(count):
        if page.item["position"] != position:
            await page.show(position)
        while page.item["position"] == position:
            item, stage = page.item, page.item["stage"]
            own = keys[item["content"]["item"]].stages
            value = solve(own[stage], position not in wrong)
            await page.order("respond", position=position, stage=stage, value=value)
            if len(own) == 1:
                break
            await page.order("lock", position=position, stage=stage)
            heard = await page.hear("item", "ended")
            if heard["type"] == "ended":
                return heard
    await page.order("submit")
    return await page.hear("ended")
