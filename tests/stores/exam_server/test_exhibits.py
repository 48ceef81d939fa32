"""Pictures are for the one who has their item on screen, or its explanation open; by what is in the log."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from core.access.roles import Principal
from core.blobs import Blobs
from core.errors import AccreditationError
from core.ids import AssetId, BlueprintId, ItemId, SittingId
from core.moments import MINUTE
from exam_server.commands import Attach, LockStage, Pause, Respond, Show, Start, Submit
from exam_server.exhibits import open_exhibit
from exam_server.practice import begin_run
from exam_server.store import load_sitting
from question_bank.asset_store import keep_asset
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Cell
from question_bank.forms import ItemPool
from question_bank.items import Item, Role, make_stage
from question_bank.pictures import redraw
from question_bank.store import publish_items
from tests.stores.cabinet.centre import EXAM, EXPLAINING, NURSING, Centre

PICTURES = ("pic-stem", "pic-later", "pic-why")


def drawn(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((20, 30, 3), shade, np.uint8))[1].tobytes()


def image(name: str) -> str:
    return f'<img data-asset="{name}" alt="Рисунок">'


def illustrated(number: int, pool: ItemPool) -> Item:
    """A case of two stages with a picture in its stem, in what the second stage reveals, and in its explanation."""
    id = ItemId(f"{pool}-case-{number}")
    options = tuple((f"Вариант {letter}", Role.KEY if letter == "а" else Role.DISTRACTOR) for letter in "абвг")
    stages = (
        make_stage(id, 1, 0, "choice", options, prompt="<p>Что видно?</p>"),
        make_stage(id, 1, 1, "choice", options, prompt="<p>А теперь?</p>", reveal=image("pic-later")),
    )
    return Item(
        id,
        1,
        NURSING,
        "СД-02",
        "recall",
        0.6,
        15 * MINUTE,
        image("pic-stem"),
        stages,
        image("pic-why"),
        pool,
        (),
        "html",
    )


class Gallery:
    """Asks for pictures of one sitting."""

    def __init__(self, centre: Centre, candidate: Principal) -> None:
        self.centre = centre
        self.candidate = candidate
        self.sitting = SittingId(0)

    async def ask(self, position: int, name: str, who: Principal | None = None) -> str:
        """The code of the refusal, or "shown"."""
        async with self.centre.database.transaction() as connection:
            try:
                found = await open_exhibit(
                    connection, self.sitting, (who or self.candidate).id, position, AssetId(name)
                )
            except AccreditationError as refusal:
                return refusal.code
        assert (found.width, found.height) == (30, 20)
        return "shown"

    async def all(self, position: int) -> list[str]:
        return [name for name in PICTURES if await self.ask(position, name) == "shown"]

    async def response(self, seq: int, position: int, stage: int) -> Respond:
        async with self.centre.database.transaction() as connection:
            entry = (await load_sitting(connection, self.sitting)).form.entries[position]
        return Respond(seq, position, stage, (entry.stages[stage].choices[0],))


@pytest.fixture
async def gallery(centre: Centre, candidate: Principal, tmp_path: Path) -> Gallery:
    blobs = Blobs.in_folder(tmp_path / "blobs", {"k": bytes(32)})
    now = centre.clock.now()
    cells = (Cell("СД-02", "case", 2),)
    async with centre.database.transaction() as connection:
        for shade, name in enumerate(PICTURES):
            await keep_asset(connection, blobs, AssetId(name), redraw(drawn(shade)), now)
        await publish_items(connection, [illustrated(n, pool) for n in range(2) for pool in ("exam", "practice")], now)
        for blueprint in (EXAM, EXPLAINING):
            await save_blueprint(
                connection, replace(blueprint, id=BlueprintId(f"{blueprint.id}-pic"), cells=cells), now
            )
    return Gallery(centre, candidate)


async def enter(gallery: Gallery) -> None:
    exam = replace(EXAM, id=BlueprintId(f"{EXAM.id}-pic"), cells=(Cell("СД-02", "case", 2),))
    centre, candidate = gallery.centre, gallery.candidate
    gallery.sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window(exam)))


async def test_before_the_start_nothing_is_shown(gallery: Gallery) -> None:
    await enter(gallery)
    assert await gallery.all(0) == []


async def test_a_picture_is_shown_while_its_stage_of_its_item_is_open(gallery: Gallery) -> None:
    await enter(gallery)
    await gallery.centre.start(gallery.sitting)
    assert await gallery.all(0) == ["pic-stem"]
    assert await gallery.ask(1, "pic-stem") == "media_closed", "an item that is not on screen"
    assert await gallery.ask(99, "pic-stem") == "media_closed"
    assert await gallery.ask(0, "nothing") == "media_closed"
    response = await gallery.response(2, 0, 0)
    await gallery.centre.obey(gallery.sitting, [response, LockStage(3, 0, 0)])
    assert await gallery.all(0) == ["pic-stem", "pic-later"]
    await gallery.centre.obey(gallery.sitting, [Show(4, 1)])
    assert await gallery.all(0) == []
    assert await gallery.all(1) == ["pic-stem"]


async def test_a_pause_and_the_end_close_it(gallery: Gallery) -> None:
    await enter(gallery)
    await gallery.centre.start(gallery.sitting)
    await gallery.centre.obey(gallery.sitting, [Pause(gallery.candidate.id, 1)])
    assert await gallery.all(0) == []
    await gallery.centre.obey(gallery.sitting, [])
    other = await gallery.centre.person("other")
    assert await gallery.ask(0, "pic-stem", other) == "unknown_sitting"


async def test_an_exam_that_has_ended_shows_nothing_and_explains_nothing(gallery: Gallery) -> None:
    await enter(gallery)
    await gallery.centre.start(gallery.sitting)
    await gallery.centre.obey(gallery.sitting, [Submit(2)])
    assert await gallery.all(0) == []


async def test_practice_shows_them_again_with_the_explanation(gallery: Gallery) -> None:
    async with gallery.centre.database.transaction() as connection:
        gallery.sitting = await begin_run(
            connection,
            BlueprintId(f"{EXPLAINING.id}-pic"),
            gallery.candidate.id,
            pools=gallery.centre.pools,
            seed=1,
            now=gallery.centre.clock.now(),
        )
    await gallery.centre.obey(gallery.sitting, [Attach("browser01"), Start(1)])
    assert await gallery.all(0) == ["pic-stem"]
    assert await gallery.ask(0, "pic-why") == "media_closed"
    first, second = await gallery.response(2, 0, 0), await gallery.response(4, 0, 1)
    await gallery.centre.obey(gallery.sitting, [first, LockStage(3, 0, 0), second, LockStage(5, 0, 1)])
    assert await gallery.all(0) == list(PICTURES)
    assert await gallery.ask(1, "pic-stem") == "item_not_seen"
    await gallery.centre.obey(gallery.sitting, [Show(6, 1), Submit(7)])
    assert await gallery.all(0) == list(PICTURES)
