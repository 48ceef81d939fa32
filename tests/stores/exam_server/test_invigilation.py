"""What a proctor does to a sitting is decided by the log and has a written reason."""

from collections.abc import Awaitable

import pytest

from core.access.roles import Principal
from core.database import Database, fetch_all
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import MINUTE
from exam_server import store, timing
from exam_server.commands import Admit, Attach, Start
from exam_server.events import Ended, Extended
from exam_server.invigilation import LONGEST_REASON, Invigilation
from tests.stores.cabinet.centre import Centre
from tests.stores.exam_server.conftest import Engine


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(AccreditationError) as refusal:
        await work
    return refusal.value.code


@pytest.fixture
async def proctor(centre: Centre) -> Principal:
    return await centre.person("proctor")


@pytest.fixture
def invigilation(centre: Centre, database: Database, engine: Engine) -> Invigilation:
    return Invigilation(database, centre.clock, engine.conduct)


@pytest.fixture
async def running(engine: Engine, prepared: SittingId) -> SittingId:
    await engine.order(prepared, Admit("person"), Attach("browser01"), Start(1))
    return prepared


async def acts(database: Database) -> list[str]:
    async with database.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT convert_from(body, 'UTF8') AS body FROM core.outbox WHERE topic = 'journal' ORDER BY id"
        )
    return [row["body"] for row in rows if "sitting." in row["body"]]


async def test_time_given_moves_both_clocks_and_has_its_reason(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, database: Database
) -> None:
    before = await engine.stored(running)
    await invigilation.give_time(running, proctor.id, 10, "  Пропадала связь  ")
    after = await engine.stored(running)
    assert timing.exam_deadline(after) == timing.exam_deadline(before) + 10 * MINUTE
    assert timing.item_deadline(after) == (timing.item_deadline(before) or 0) + 10 * MINUTE
    (event,) = [event for event in await engine.events(running) if isinstance(event, Extended)]
    async with database.transaction() as connection:
        note = (await store.load_notes(connection, running))[event.note]
    assert (note.author, note.kind, note.body, event.by) == (proctor.id, "extend", "Пропадала связь", proctor.id)
    (act,) = await acts(database)
    assert "sitting.extended" in act


async def test_an_end_by_a_person_is_final(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, database: Database
) -> None:
    await invigilation.end(running, proctor.id, "Подсказки")
    state = await engine.stored(running)
    assert (state.status, state.end_reason) == ("ended", "proctor")
    (event,) = [event for event in await engine.events(running) if isinstance(event, Ended)]
    assert (event.by, event.note is not None) == (proctor.id, True)
    assert await code_of(invigilation.end(running, proctor.id, "Ещё раз")) == "ended"
    assert await code_of(invigilation.give_time(running, proctor.id, 5, "Ещё раз")) == "ended"
    assert len(await acts(database)) == 1


@pytest.mark.parametrize("minutes", [0, -1, 241, 10**9])
async def test_time_has_bounds(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, minutes: int
) -> None:
    assert await code_of(invigilation.give_time(running, proctor.id, minutes, "Сбой связи")) == "bad_span"
    assert (await engine.stored(running)).extra == 0


@pytest.mark.parametrize("reason", ["", "   ", "ой", "x" * (LONGEST_REASON + 1)])
async def test_a_reason_is_a_sentence(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, reason: str
) -> None:
    assert await code_of(invigilation.give_time(running, proctor.id, 5, reason)) == "reason_missing"
    assert await code_of(invigilation.end(running, proctor.id, reason)) == "reason_missing"
    assert (await engine.stored(running)).status == "running"


async def test_before_the_start_there_is_no_time_to_give(
    invigilation: Invigilation, engine: Engine, proctor: Principal, prepared: SittingId
) -> None:
    assert await code_of(invigilation.give_time(prepared, proctor.id, 5, "Сбой связи")) == "not_started"
    await invigilation.end(prepared, proctor.id, "Не тот человек")
    assert (await engine.stored(prepared)).end_reason == "proctor"


async def test_an_unknown_sitting(invigilation: Invigilation, proctor: Principal) -> None:
    assert await code_of(invigilation.give_time(SittingId(404), proctor.id, 5, "Сбой связи")) == "unknown_sitting"
    assert await code_of(invigilation.end(SittingId(404), proctor.id, "Сбой связи")) == "unknown_sitting"
