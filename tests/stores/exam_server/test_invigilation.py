"""What a proctor does to a sitting is decided by the log and has a written reason."""

import asyncio
from collections.abc import Awaitable

import msgspec
import pytest

from core.access.roles import Principal
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import HOUR, MINUTE, SECOND
from exam_server import store, timing, wire
from exam_server.commands import Admit, Attach, Detach, Help, ReadNotice, Start
from exam_server.connectivity import trace
from exam_server.events import Allowance, Ended, Extended, HelpAnswered, Paused, Told
from exam_server.invigilation import LONGEST_MESSAGE, LONGEST_REASON, LONGEST_SHOWN, Invigilation
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


async def actions(database: Database) -> list[tuple[str, str, dict[str, str]]]:
    posted = [msgspec.json.decode(body) for body in await acts(database)]
    return [(one["actor"], one["action"], one["fields"]) for one in posted]


async def notes_of(database: Database, sitting: SittingId) -> dict[int, store.Note]:
    async with database.transaction() as connection:
        return await store.load_notes(connection, sitting)


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
    by = proctor.id
    for act in (
        invigilation.give_time(running, by, 5, reason),
        invigilation.end(running, by, reason),
        invigilation.pause(running, by, reason),
        invigilation.set_allowance(running, by, 150, 0, 0, reason),
        invigilation.move_close(running, by, (await engine.stored(running)).closes_at + HOUR, reason),
    ):
        assert await code_of(act) == "reason_missing"
    state = await engine.stored(running)
    assert (state.status, state.halt, state.allowance) == ("running", None, Allowance())


async def test_what_the_candidate_is_to_read_is_short(
    invigilation: Invigilation, proctor: Principal, running: SittingId, database: Database
) -> None:
    long = "x" * (LONGEST_SHOWN + 1)
    assert await code_of(invigilation.pause(running, proctor.id, long)) == "reason_missing"
    assert await code_of(invigilation.end(running, proctor.id, long)) == "reason_missing"
    for text in ("", " \n ", "x" * (LONGEST_MESSAGE + 1)):
        assert await code_of(invigilation.tell(running, proctor.id, "message", text)) == "message_unfit"
    assert await notes_of(database, running) == {}


async def test_a_pause_gives_its_time_back_and_its_reason_is_for_the_candidate(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, clock: ManualClock,
    database: Database,
) -> None:  # fmt: skip
    before = await engine.stored(running)
    await invigilation.pause(running, proctor.id, "Пожарная тревога")
    (event,) = [event for event in await engine.events(running) if isinstance(event, Paused)]
    assert (event.by, (await notes_of(database, running))[event.note].body) == (proctor.id, "Пожарная тревога")
    assert await code_of(invigilation.pause(running, proctor.id, "Ещё раз")) == "paused"
    clock.advance(7 * MINUTE)
    await invigilation.resume(running, proctor.id)
    assert await code_of(invigilation.resume(running, proctor.id)) == "not_paused"
    after = await engine.stored(running)
    assert timing.exam_deadline(after) == timing.exam_deadline(before) + 7 * MINUTE
    assert [action for _, action, _ in await actions(database)] == ["sitting.paused", "sitting.resumed"]


async def test_nothing_is_kept_of_an_act_that_the_sitting_does_not_allow(
    invigilation: Invigilation, proctor: Principal, prepared: SittingId, engine: Engine, database: Database
) -> None:
    refused = {
        "not_started": invigilation.pause(prepared, proctor.id, "Пожарная тревога"),
        "bad_moment": invigilation.move_close(prepared, proctor.id, 1, "Перенос начала"),
    }
    for code, act in refused.items():
        with pytest.raises(AccreditationError) as refusal:
            await act
        assert (refusal.value.code, refusal.value.status) == (code, 409)
        assert refusal.value.message == wire.SENTENCES[code]
    assert await notes_of(database, prepared) == {}
    assert await actions(database) == []


async def test_a_message_waits_until_it_is_read(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, database: Database
) -> None:
    await invigilation.tell(running, proctor.id, "message", "  Осталось полчаса  ")
    await invigilation.tell(running, proctor.id, "warning", "Уберите телефон")
    first, second = (event for event in await engine.events(running) if isinstance(event, Told))
    notes = await notes_of(database, running)
    assert [(notes[one.note].kind, notes[one.note].body) for one in (first, second)] == [
        ("message", "Осталось полчаса"),
        ("warning", "Уберите телефон"),
    ]
    await engine.order(running, ReadNotice(2, first.note))
    assert [one.note for one in (await engine.stored(running)).unread] == [second.note]
    assert [fields for _, _, fields in await actions(database)] == [{"kind": "message"}, {"kind": "warning"}]


async def test_a_call_for_help_is_answered_once(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, database: Database
) -> None:
    await engine.order(running, Help(2))
    await invigilation.answer_help(running, proctor.id)
    await invigilation.answer_help(running, proctor.id)
    (event,) = [event for event in await engine.events(running) if isinstance(event, HelpAnswered)]
    assert event.by == proctor.id
    assert [action for _, action, _ in await actions(database)] == ["sitting.help_answered"]


async def test_an_allowance_replaces_the_one_there_was(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, database: Database
) -> None:
    before = timing.exam_deadline(await engine.stored(running))
    await invigilation.set_allowance(running, proctor.id, 150, 10, 2, "Решение комиссии № 4")
    state = await engine.stored(running)
    assert state.allowance == Allowance(150, 10 * MINUTE, 2)
    limit = state.rules.exam_limit
    assert timing.exam_deadline(state) == before + limit // 2 + 10 * MINUTE
    await invigilation.set_allowance(running, proctor.id, 100, 0, 0, "Записано по ошибке")
    assert timing.exam_deadline(await engine.stored(running)) == before
    assert (await actions(database))[0] == (
        f"person:{proctor.id}",
        "sitting.allowance_set",
        {"percent": "150", "minutes": "10", "breaks": "2"},
    )


@pytest.mark.parametrize(
    ("percent", "minutes", "breaks", "field"),
    [
        (99, 0, 0, "percent"),
        (401, 0, 0, "percent"),
        (100, -1, 0, "extra"),
        (100, 361, 0, "extra"),
        (100, 0, 21, "breaks"),
    ],
)
async def test_an_allowance_has_bounds(
    invigilation: Invigilation, proctor: Principal, running: SittingId, percent: int, minutes: int, breaks: int,
    field: str, database: Database,
) -> None:  # fmt: skip
    with pytest.raises(AccreditationError) as refusal:
        await invigilation.set_allowance(running, proctor.id, percent, minutes, breaks, "Решение комиссии")
    assert (refusal.value.code, list(refusal.value.fields)) == ("bad_allowance", [field])
    assert await notes_of(database, running) == {}


async def test_the_window_of_one_sitting_is_moved(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, prepared: SittingId
) -> None:
    closes_at = (await engine.stored(running)).closes_at
    await invigilation.move_close(running, proctor.id, closes_at + HOUR, "Поздно запустили зал")
    assert (await engine.stored(running)).closes_at == closes_at + HOUR


async def lose(engine: Engine, sitting: SittingId, clock: ManualClock, seconds: int) -> None:
    await engine.order(sitting, Detach((await engine.stored(sitting)).epoch))
    clock.advance(seconds * SECOND)
    await engine.order(sitting, Attach("browser01"))


async def test_a_proven_outage_is_made_good_up_to_what_the_record_shows(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, clock: ManualClock,
    database: Database,
) -> None:  # fmt: skip
    by = proctor.id
    assert await code_of(invigilation.make_good(running, by, 1, "Сбой сети")) == "no_outage"
    await lose(engine, running, clock, 45)
    await lose(engine, running, clock, 50)
    record = trace(await engine.events(running), {}, clock.now())
    assert (record.owed, record.owed_breaks) == (95 * SECOND, 2)
    for minutes in (0, 3, 10**9):
        assert await code_of(invigilation.make_good(running, by, minutes, "Сбой сети")) == "bad_span"
    before = timing.exam_deadline(await engine.stored(running))
    await invigilation.make_good(running, by, 2, "Сбой сети в классе")
    assert timing.exam_deadline(await engine.stored(running)) == before + 2 * MINUTE
    assert await code_of(invigilation.make_good(running, by, 1, "Ещё раз")) == "no_outage"
    (fields,) = [fields for _, action, fields in await actions(database) if action == "sitting.outage_made_good"]
    assert fields == {"minutes": "2", "lost_ms": "95000", "breaks": "2"}


async def test_two_proctors_do_not_give_the_same_outage_back(
    invigilation: Invigilation, engine: Engine, proctor: Principal, running: SittingId, clock: ManualClock
) -> None:
    await lose(engine, running, clock, 60)
    both = await asyncio.gather(
        *(invigilation.make_good(running, proctor.id, 1, "Сбой сети") for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["Conflict", "NoneType"]
    assert (await engine.stored(running)).extra == MINUTE


async def test_before_the_start_there_is_no_time_to_give(
    invigilation: Invigilation, engine: Engine, proctor: Principal, prepared: SittingId
) -> None:
    assert await code_of(invigilation.give_time(prepared, proctor.id, 5, "Сбой связи")) == "not_started"
    await invigilation.end(prepared, proctor.id, "Не тот человек")
    assert (await engine.stored(prepared)).end_reason == "proctor"


async def test_an_unknown_sitting(invigilation: Invigilation, proctor: Principal) -> None:
    nobody, by = SittingId(404), proctor.id
    for act in (
        invigilation.give_time(nobody, by, 5, "Сбой связи"),
        invigilation.make_good(nobody, by, 5, "Сбой связи"),
        invigilation.set_allowance(nobody, by, 150, 0, 0, "Сбой связи"),
        invigilation.move_close(nobody, by, 1, "Сбой связи"),
        invigilation.pause(nobody, by, "Сбой связи"),
        invigilation.resume(nobody, by),
        invigilation.tell(nobody, by, "message", "Сбой связи"),
        invigilation.answer_help(nobody, by),
        invigilation.end(nobody, by, "Сбой связи"),
    ):
        assert await code_of(act) == "unknown_sitting"
