"""Rows around the log: sittings, the entrance, connections, notes."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from core.access.roles import Principal
from core.database import Database, execute
from core.errors import NotFound
from core.ids import SittingId
from exam_server import store
from exam_server.chain import BrokenChain
from exam_server.commands import Admit, Attach, Start, Submit
from exam_server.store import Entrance
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine

AT = 1_795_338_000_000


async def test_a_sitting_has_a_card(database: Database, candidate: Principal, prepared: SittingId) -> None:
    async with database.transaction() as connection:
        card = await store.load_card(connection, prepared)
        sitting = await store.load_sitting(connection, prepared)
    assert (card.id, card.candidate, card.blueprint, card.blueprint_version) == (prepared, candidate.id, EXAM.id, 1)
    assert (card.attempt, card.ended, card.created_at) == (1, False, AT)
    assert (sitting.id, sitting.status, sitting.form.blueprint) == (prepared, "ready", EXAM.id)


async def test_an_unknown_sitting(database: Database) -> None:
    async with database.transaction() as connection:
        for load in (store.load_card, store.load_events, store.load_sitting):
            with pytest.raises(NotFound):
                await load(connection, SittingId(404))
        assert await store.load_entrance(connection, SittingId(404)) == Entrance()
        assert await store.load_notes(connection, SittingId(404)) == {}


async def test_an_ended_sitting_waits_for_its_conclusion(
    database: Database, centre: Centre, engine: Engine, prepared: SittingId
) -> None:
    async def waiting(after: int = 0, limit: int = 10) -> list[SittingId]:
        async with database.transaction() as connection:
            return await store.unconcluded(connection, SittingId(after), limit)

    assert await waiting() == []
    await engine.order(prepared, Admit("person"), Attach("browser01"), Start(1), Submit(2))
    assert await waiting() == [prepared]
    assert await waiting(limit=0) == []
    assert await waiting(after=prepared) == []
    await centre.conclude(prepared)
    assert await waiting() == []
    async with database.transaction() as connection:
        assert (await store.load_card(connection, prepared)).ended
        assert await store.all_sittings(connection) == [prepared]


async def test_a_log_is_final(database: Database, prepared: SittingId) -> None:
    for change in (
        "UPDATE exam_server.log SET events = '{}' WHERE sitting_id = :id",
        "DELETE FROM exam_server.log WHERE sitting_id = :id",
    ):
        with pytest.raises(DBAPIError) as refusal:
            async with database.transaction() as connection:
                await execute(connection, change, id=prepared)
        assert isinstance(refusal.value.orig.__cause__, asyncpg.PostgresError)  # type: ignore[union-attr]


async def test_a_row_slipped_into_a_log_is_noticed(database: Database, engine: Engine, prepared: SittingId) -> None:
    await engine.order(prepared, Admit("person"))
    async with database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.log (sitting_id, version, prev, digest, events)
               SELECT sitting_id, version + 1, digest, sha256(events), events FROM exam_server.log
               WHERE sitting_id = :id AND version = 1""",
            id=prepared,
        )
    async with database.transaction() as connection:
        with pytest.raises(BrokenChain, match=f"sitting {prepared}: version 2"):
            await store.load_events(connection, prepared)


async def test_the_entrance_keeps_each_step(database: Database, candidate: Principal, prepared: SittingId) -> None:
    async with database.transaction() as connection:
        await store.record_consent(connection, prepared, "2026-1", True, AT)
        await store.record_check(connection, prepared, '{"a": 1}', AT + 1)
        await store.record_reference(connection, prepared, AT + 2)
        assert await store.load_entrance(connection, prepared) == Entrance(
            AT + 1, AT, True, AT + 2, consent_version="2026-1", consents=1
        )


async def test_another_consent_takes_back_what_rested_on_the_old_one(
    database: Database, candidate: Principal, prepared: SittingId
) -> None:
    async with database.transaction() as connection:
        await store.record_consent(connection, prepared, "2026-1", True, AT)
        await store.record_reference(connection, prepared, AT + 1)
        await store.record_consent(connection, prepared, "2026-1", False, AT + 2)
        assert await store.load_entrance(connection, prepared) == Entrance(
            None, AT + 2, False, consent_version="2026-1", consents=1
        )
        await store.record_identity(connection, prepared, candidate.id, AT + 3)
        await store.record_consent(connection, prepared, "2026-1", False, AT + 4)
        kept = Entrance(None, AT + 4, False, None, AT + 3, candidate.id, consent_version="2026-1", consents=1)
        assert await store.load_entrance(connection, prepared) == kept
        await store.record_consent(connection, prepared, "2026-1", True, AT + 5)
        assert await store.load_entrance(connection, prepared) == Entrance(
            None, AT + 5, True, consent_version="2026-1", consents=2
        )


async def test_connections_are_kept_once_an_epoch(database: Database, prepared: SittingId) -> None:
    async with database.transaction() as connection:
        first = store.Connected(prepared, 1, "192.0.2.1", "Chromium", AT)
        await store.record_connections(
            connection, [store.Connected(prepared, 2, "192.0.2.2", "Firefox", AT + 5), first]
        )
        again = store.Connected(prepared, 1, "192.0.2.9", "again", AT + 9)
        await store.record_connections(connection, [again, again])
        rows = await store.load_connections(connection, prepared)
    assert [dict(row) for row in rows] == [
        {"epoch": 1, "address": "192.0.2.1", "device": "Chromium", "connected_at": AT},
        {"epoch": 2, "address": "192.0.2.2", "device": "Firefox", "connected_at": AT + 5},
    ]


async def test_notes_are_told_apart_by_their_ids(database: Database, candidate: Principal, prepared: SittingId) -> None:
    async with database.transaction() as connection:
        first = await store.write_note(connection, prepared, candidate.id, "extend", "Сбой <связи>", AT)
        second = await store.write_note(connection, prepared, candidate.id, "stop", "Конец", AT + 1)
        notes = await store.load_notes(connection, prepared)
    assert list(notes) == [first, second]
    assert (notes[first].body, notes[second].kind, notes[second].written_at) == ("Сбой <связи>", "stop", AT + 1)
