"""Pictures are kept once under their id, and rich items can be published only over pictures that are there."""

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from core.ids import AssetId, ItemId
from question_bank.asset_store import find_picture, keep_asset, keep_drawn, load_asset, load_sizes
from question_bank.candidate_store import candidate_copies
from question_bank.catalogue import list_items
from question_bank.items import Item, Role, candidate_copy, make_stage
from question_bank.pictures import Picture, content_id, redraw
from question_bank.store import load_items, publish_items

EKG, OTHER = AssetId("ekg-1"), AssetId("other")


def picture(width: int = 30, height: int = 20) -> Picture:
    return redraw(cv2.imencode(".png", np.full((height, width, 3), 90, np.uint8))[1].tobytes())


def rich(item: Item) -> Item:
    options = tuple((f"{choice.text} <sub>{n}</sub>", choice.role) for n, choice in enumerate(item.stages[0].choices))
    return replace(
        item,
        id=ItemId("rich"),
        stem='<p>Плёнка<img data-asset="ekg-1" alt="ЭКГ"></p>',
        explanation='<p>Потому.</p><img data-asset="other" alt="Схема">',
        stages=(make_stage(ItemId("rich"), 1, 0, "choice", options),),
        markup="html",
    )


async def test_a_picture_is_kept_once_and_never_changes(database: Database, blobs: Blobs, clock: ManualClock) -> None:
    async with database.transaction() as connection:
        kept = await keep_asset(connection, blobs, EKG, picture(), clock.now())
        assert await keep_asset(connection, blobs, EKG, picture(), clock.now() + 1) == kept
        assert (kept.width, kept.height, kept.media_type) == (30, 20, "image/png")
        assert await blobs.get(connection, kept.blob) == picture().data
        with pytest.raises(Conflict, match="asset_exists"):
            await keep_asset(connection, blobs, EKG, picture(31), clock.now())
        with pytest.raises(Invalid, match="bad_asset_id"):
            await keep_asset(connection, blobs, AssetId("../x"), picture(), clock.now())
        with pytest.raises(NotFound, match="asset_unknown"):
            await load_asset(connection, OTHER)
        assert await load_sizes(connection, [EKG, OTHER]) == {EKG: (30, 20)}


async def test_a_strangers_picture_is_kept_under_its_content_and_only_once(
    database: Database, blobs: Blobs, clock: ManualClock
) -> None:
    photograph = cv2.imencode(".jpg", np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8))[1].tobytes()
    drawn = redraw(photograph)
    async with database.transaction() as connection:
        assert await find_picture(connection, photograph) is None
        kept = await keep_drawn(connection, blobs, drawn, clock.now())
        assert kept.id == content_id(drawn)
        assert await blobs.get(connection, kept.blob) == drawn.data
        assert await keep_drawn(connection, blobs, redraw(photograph), clock.now() + 1) == kept
        assert await find_picture(connection, drawn.data) == kept, "what left and came back"
        named = await keep_asset(connection, blobs, EKG, picture(), clock.now())
        assert await keep_drawn(connection, blobs, picture(), clock.now()) == named


async def test_a_rich_item_is_kept_clean_with_the_sizes_of_its_pictures(
    catalogued: Database, blobs: Blobs, bank: list[Item], clock: ManualClock
) -> None:
    item = rich(bank[0])
    async with catalogued.transaction() as connection:
        with pytest.raises(Invalid, match="asset_unknown"):
            await publish_items(connection, [item], clock.now())
    async with catalogued.transaction() as connection:
        await keep_asset(connection, blobs, EKG, picture(), clock.now())
        await keep_asset(connection, blobs, OTHER, picture(8, 9), clock.now())
        assert await publish_items(connection, [item], clock.now()) == 1
        assert await publish_items(connection, [item], clock.now()) == 0
        (kept,) = (await load_items(connection, [(item.id, 1)])).values()
        (copy,) = (await candidate_copies(connection, [(item.id, 1)])).values()
        (row,) = (await list_items(connection, words="Плёнка")).rows
    assert kept.stem == '<p>Плёнка<img data-asset="ekg-1" alt="ЭКГ" width="30" height="20"></p>'
    assert 'width="8" height="9"' in kept.explanation
    assert (copy, copy.markup, copy.assets) == (candidate_copy(kept), "html", (EKG,))
    assert [choice.id for choice in kept.stages[0].choices] == [choice.id for choice in item.stages[0].choices]
    assert row.stem == "Плёнка ЭКГ"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("stem", "<script>alert(1)</script>"),
        ("stem", '<img data-asset="ekg-1">'),
        ("explanation", "<table><tr><td>1</td></tr></table>"),
    ],
)
async def test_what_would_be_dropped_is_refused_at_its_field(
    catalogued: Database, bank: list[Item], clock: ManualClock, field: str, text: str
) -> None:
    async with catalogued.transaction() as connection:
        with pytest.raises(Invalid) as refusal:
            await publish_items(connection, [replace(rich(bank[0]), **{field: text})], clock.now())
    assert set(refusal.value.fields) == {field}


async def test_an_option_holds_no_block(catalogued: Database, bank: list[Item], clock: ManualClock) -> None:
    options = tuple((f"<p>{n}</p>", Role.KEY if n == 0 else Role.DISTRACTOR) for n in range(4))
    item = replace(rich(bank[0]), stages=(make_stage(ItemId("rich"), 1, 0, "choice", options),))
    async with catalogued.transaction() as connection:
        with pytest.raises(Invalid) as refusal:
            await publish_items(connection, [item], clock.now())
    assert "stages.0.choices" in refusal.value.fields


async def test_plain_text_stays_as_it_was_written(catalogued: Database, bank: list[Item], clock: ManualClock) -> None:
    item = replace(bank[0], stem="Если p < 0,05 и <b>не тег</b>?")
    async with catalogued.transaction() as connection:
        await publish_items(connection, [item], clock.now())
        (copy,) = (await candidate_copies(connection, [(item.id, 1)])).values()
    assert (copy.stem, copy.markup, copy.assets) == (item.stem, "text", ())
