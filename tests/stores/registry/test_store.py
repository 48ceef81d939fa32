from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, fetch_all
from core.ids import RegisterNumber
from core.moments import DAY
from registry import store
from registry.entries import suspend
from registry.notices import Speciality
from tests.stores.registry.conftest import Receive
from tests.unit.registry.samples import ANNA, MEDICINE, passed


async def test_what_stood_on_a_day_can_be_read_later(database: Database, receive: Receive, clock: ManualClock) -> None:
    begun = clock.now()
    receipt = await receive(passed(1))
    assert receipt.number is not None
    clock.advance(DAY)
    successor = await receive(passed(2))
    async with database.transaction() as connection:
        assert await store.entry_at(connection, receipt.number, begun - 1) is None
        first = await store.entry_at(connection, receipt.number, begun + DAY - 1)
        second = await store.entry_at(connection, receipt.number, begun + DAY)
        versions = await store.history(connection, receipt.number)
    assert first is not None
    assert second is not None
    assert (first.version, first.superseded_by) == (1, None)
    assert (second.version, second.superseded_by) == (2, successor.number)
    assert [(at, actor, entry.version) for at, actor, entry in versions] == [
        (begun, "sender:exam", 1),
        (begun + DAY, "sender:exam", 2),
    ]


async def test_a_version_is_written_by_one_only(database: Database, receive: Receive, clock: ManualClock) -> None:
    receipt = await receive(passed(1))
    assert receipt.number is not None
    async with database.transaction() as connection:
        entry = await store.entry(connection, receipt.number)
        assert entry is not None
        changed = suspend(entry, "Решение № 5")
        assert await store.change_entry(connection, changed, "person:1", clock.now())
        assert not await store.change_entry(connection, changed, "person:2", clock.now())
        assert await store.entry(connection, receipt.number) == changed
        assert len(await store.history(connection, receipt.number)) == 2


async def test_unknown_numbers_are_none(database: Database) -> None:
    async with database.transaction() as connection:
        assert await store.entry(connection, RegisterNumber("77")) is None
        assert await store.entry_at(connection, RegisterNumber("77"), 0) is None
        assert await store.history(connection, RegisterNumber("77")) == []


async def test_names_are_found_whole_or_without_what_follows(database: Database, receive: Receive) -> None:
    for number, name in enumerate(["Фёдорова Анна Петровна", "Федорова Анна", "Федорова Аннабель", "Иванова Анна"], 1):
        await receive(passed(number, person=replace(ANNA, reference=name, name=name)))
    async with database.transaction() as connection:
        found = await store.entries_named(connection, "федорова анна", MEDICINE.code, limit=10)
        assert [entry.name for entry in found] == ["Федорова Анна", "Фёдорова Анна Петровна"]
        assert len(await store.entries_named(connection, "федорова анна", MEDICINE.code, limit=1)) == 1
        assert await store.entries_named(connection, "федорова анна", "other", limit=10) == []
        assert await store.entries_named(connection, "%", MEDICINE.code, limit=10) == []


async def test_specialities_and_latest_entries_are_listed(
    database: Database, receive: Receive, clock: ManualClock
) -> None:
    await receive(passed(1))
    clock.advance(DAY)
    nursing = Speciality("34.02.01", "Сестринское дело")
    await receive(passed(2, speciality=nursing))
    async with database.transaction() as connection:
        assert await store.specialities(connection) == [MEDICINE, nursing]
        latest = await store.latest_entries(connection, limit=10)
        assert [entry.speciality for _, entry in latest] == [nursing, MEDICINE]
        assert await store.latest_entries(connection, before=clock.now()) == latest[1:]


async def test_no_foreign_key_leads_out_of_the_register_or_into_it(database: Database) -> None:
    async with database.transaction() as connection:
        crossing = await fetch_all(
            connection,
            "SELECT c.conname FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid"
            " JOIN pg_class b ON b.oid = c.confrelid JOIN pg_namespace m ON m.oid = a.relnamespace"
            " JOIN pg_namespace n ON n.oid = b.relnamespace"
            " WHERE c.contype = 'f' AND (m.nspname = 'registry') <> (n.nspname = 'registry')",
        )
        own = await fetch_all(
            connection, "SELECT 1 FROM pg_tables WHERE schemaname = 'registry' AND tablename = 'entry'"
        )
    assert crossing == []
    assert len(own) == 1
