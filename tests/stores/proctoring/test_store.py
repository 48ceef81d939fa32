from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core import outbox
from core.blobs import DISCARDED, Blobs, Damaged
from core.database import Database, execute, fetch_all
from core.errors import AccreditationError
from core.ids import BlobId, IncidentId, PersonId, SittingId
from proctoring import evidence, store
from proctoring.evidence import Role, Still
from proctoring.incidents import GapChange, IncidentChange, Severity
from proctoring.review import Decision, Finding, Ruling, Stage, Verdict
from proctoring.signals import Kind
from proctoring.store import Coverage, Gap, Progress, Reference, Watched

SITTING, OTHER = SittingId(7), SittingId(8)
READER = PersonId(3)
JPEG = b"\xff\xd8\xff picture"


def change(
    step: str = "opened", seen_at: int = 4_000, kind: Kind = Kind.ABSENT, began_at: int = 1_000
) -> IncidentChange:
    reason = "over" if step == "closed" else ""
    return IncidentChange(step, kind, began_at, seen_at, 3, 0.5, "eyes-1", 0.25, Severity.HIGH, reason)  # type: ignore[arg-type]


async def record(
    database: Database, *changes: IncidentChange, sitting: SittingId = SITTING, holds: bool = True
) -> IncidentId:
    async with database.transaction() as connection:
        for one in changes:
            number = await store.record_incident(connection, sitting, one, holds, "tried-1")
    return number


def finding(incident: IncidentId, verdict: Verdict = Verdict.CONFIRMED, at: int = 9_000) -> Finding:
    return Finding(incident, verdict, READER, "  Видно на снимке ", at)


async def test_an_incident_is_one_row_however_often_it_is_told(database: Database) -> None:
    first = await record(database, change())
    again = await record(
        database, change(), change("extended", 6_000), change("closed", 7_000), change("extended", 9_000)
    )
    async with database.transaction() as connection:
        (incident,) = await store.incidents_of(connection, SITTING)
        assert await store.incident_by_id(connection, first) == incident
        assert await store.incident_of(connection, SITTING, Kind.ABSENT, 1_000) == first
    assert again == first
    assert (incident.began_at, incident.seen_at, incident.ended_at, incident.reason) == (1_000, 7_000, 7_000, "over")
    assert (incident.severity, incident.holds, incident.score, incident.policy) == (
        Severity.HIGH,
        True,
        0.25,
        "tried-1",
    )


async def test_incidents_come_in_order_of_time_and_of_their_sitting_only(database: Database) -> None:
    await record(database, change(began_at=3_000), change(began_at=1_000), change(kind=Kind.BLUR, began_at=2_000))
    await record(database, change(), sitting=OTHER)
    async with database.transaction() as connection:
        assert [one.began_at for one in await store.incidents_of(connection, SITTING)] == [1_000, 2_000, 3_000]


async def test_unknown_things_are_not_found(database: Database) -> None:
    async with database.transaction() as connection:
        for wanted, asked in [
            ("incident_unknown", store.incident_by_id(connection, IncidentId(1))),
            ("incident_unknown", store.incident_of(connection, SITTING, Kind.ABSENT, 1)),
            ("evidence_unknown", store.evidence_by_id(connection, 1)),
        ]:
            with pytest.raises(AccreditationError, match=wanted):
                await asked
        assert await store.incidents_of(connection, SITTING) == []
        assert await store.reference_of(connection, SITTING) is None
        assert await store.coverage_of(connection, SITTING) == Coverage(0, 0, 0, 0, 0)


async def test_a_still_is_sealed_once_and_opens_again(database: Database, blobs: Blobs) -> None:
    number = await record(database, change())
    async with database.transaction() as connection:
        for jpeg in (JPEG, JPEG + b" later"):
            await evidence.seal(connection, blobs, SITTING, number, Role.AT, Still(4_000, jpeg))
        await evidence.seal(connection, blobs, SITTING, number, Role.BEFORE, Still(500, JPEG))
    async with database.transaction() as connection:
        before, at = await store.evidence_of(connection, SITTING)
        assert await store.evidence_by_id(connection, at.id) == (at, SITTING)
        assert await blobs.get(connection, at.blob) == JPEG
        assert await store.evidence_of(connection, OTHER) == []
    assert (before.role, at.role, at.taken_at, at.size) == ("before", "at", 4_000, len(JPEG))
    assert at.sha256 == before.sha256
    assert before.blob != at.blob


async def test_destroying_the_key_of_a_sitting_destroys_its_evidence(database: Database, blobs: Blobs) -> None:
    number = await record(database, change())
    async with database.transaction() as connection:
        await evidence.seal(connection, blobs, SITTING, number, Role.AT, Still(4_000, JPEG))
    async with database.transaction() as connection:
        assert await blobs.destroy(connection, store.blob_owner(SITTING), 9_000)
        (still,) = await store.evidence_of(connection, SITTING)
        with pytest.raises(AccreditationError, match="blob_missing"):
            await blobs.get(connection, still.blob)


async def test_the_newest_reference_stands(database: Database, blobs: Blobs) -> None:
    async with database.transaction() as connection:
        for number in (1, 2):
            reference = Reference(bytes([number]) * 512, "names-1", 150.0, 5.0, 100.0)
            await store.record_reference(connection, blobs, SITTING, reference, JPEG, number)
    async with database.transaction() as connection:
        assert await store.reference_embedding(connection, blobs, SITTING) == b"\x02" * 512
        current = await store.reference_of(connection, SITTING)
        assert current is not None
        assert current.taken_at == 2
        assert await blobs.get(connection, current.picture) == JPEG
        assert await store.reference_embedding(connection, blobs, OTHER) is None
        rows = await fetch_all(connection, "SELECT * FROM proctoring.reference")
    assert all(b"\x01" * 64 not in str(row).encode() for row in rows)


def stored(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.rglob("*") if path.is_file()}


async def keep_reference(database: Database, blobs: Blobs, number: int) -> store.ReferenceRecord:
    async with database.transaction() as connection:
        reference = Reference(bytes([number]) * 512, "names-1", 150.0, 5.0, 100.0)
        await store.record_reference(connection, blobs, SITTING, reference, JPEG, number)
        kept = await store.reference_of(connection, SITTING)
    assert kept is not None
    return kept


async def test_files_of_a_reference_go_after_another_one_stands(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    first = await keep_reference(database, blobs, 1)
    second = await keep_reference(database, blobs, 2)
    files = set(stored(tmp_path))
    assert files == {first.embedding, first.picture, second.embedding, second.picture}, "nothing before the commit"
    assert await outbox.deliver(database, {DISCARDED: blobs.remove_file}) == 2
    assert set(stored(tmp_path)) == {second.embedding, second.picture}
    async with database.transaction() as connection:
        assert await store.reference_embedding(connection, blobs, SITTING) == b"\x02" * 512


async def test_a_replacement_that_was_undone_takes_nothing_away(database: Database, blobs: Blobs) -> None:
    await keep_reference(database, blobs, 1)
    async with database.transaction() as connection:
        reference = Reference(b"\x02" * 512, "names-1", 150.0, 5.0, 100.0)
        await store.record_reference(connection, blobs, SITTING, reference, JPEG, 2)
        await connection.rollback()
    assert await outbox.deliver(database, {DISCARDED: blobs.remove_file}) == 0
    async with database.transaction() as connection:
        assert await store.reference_embedding(connection, blobs, SITTING) == b"\x01" * 512


async def test_a_withdrawn_reference_leaves_no_file(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    await keep_reference(database, blobs, 1)
    async with database.transaction() as connection:
        await store.withdraw_reference(connection, SITTING, 9)
    await outbox.deliver(database, {DISCARDED: blobs.remove_file})
    assert stored(tmp_path) == {}
    async with database.transaction() as connection:
        assert await store.reference_embedding(connection, blobs, SITTING) is None


async def test_a_reference_replaced_while_it_is_read_is_read_again(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    first = await keep_reference(database, blobs, 1)

    class Overtaken(Blobs):
        """Another tab replaces the first reference just before its file is read."""

        async def get(self, connection: AsyncConnection, blob_id: BlobId) -> bytes:
            if blob_id == first.embedding:
                await keep_reference(database, self, 2)
            return await super().get(connection, blob_id)

    async with database.transaction() as connection:
        overtaken = Overtaken.in_folder(tmp_path / "blobs", {"one": bytes(32)})
        assert await store.reference_embedding(connection, overtaken, SITTING) == b"\x02" * 512


async def test_a_reference_whose_file_is_lost_is_told(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    kept = await keep_reference(database, blobs, 1)
    stored(tmp_path)[kept.embedding].unlink()
    async with database.transaction() as connection:
        with pytest.raises(Damaged, match="blob_lost"):
            await store.reference_embedding(connection, blobs, SITTING)


async def test_gaps_are_written_once_and_closed(database: Database) -> None:
    async with database.transaction() as connection:
        await store.record_gap(connection, SITTING, GapChange("opened", 1_000), "silent")
        await store.record_gap(connection, SITTING, GapChange("opened", 1_000), "silent")
        await store.record_gap(connection, SITTING, GapChange("closed", 1_000, 9_000), "overload")
        assert await store.gaps_of(connection, SITTING) == [Gap(1_000, 9_000, "overload")]


async def test_a_stretch_of_watching_counts(database: Database) -> None:
    async with database.transaction() as connection:
        first = await store.open_watch(connection, SITTING, "tried-1", 1_000)
        other = await store.open_watch(connection, OTHER, "tried-1", 1_000)
        await store.record_progress(
            connection, [Progress(other, 2_000, 5, 4, 1, 0), Progress(first, 9_000, 10, 7, 2, 1)]
        )
        await store.close_watch(connection, first, 10_000)
        assert await store.coverage_of(connection, SITTING) == Coverage(10, 7, 2, 1, 9_000)
        assert await store.coverage_of(connection, OTHER) == Coverage(5, 4, 1, 0, 1_000)


async def test_after_a_crash_open_things_are_closed_and_the_time_since_is_a_gap(database: Database) -> None:
    await record(database, change(seen_at=6_000))
    async with database.transaction() as connection:
        crashed = await store.open_watch(connection, SITTING, "tried-1", 1_000)
        await store.record_progress(connection, [Progress(crashed, 7_000, 6, 6, 0, 0)])
        await store.record_gap(connection, SITTING, GapChange("opened", 7_000), "silent")
    async with database.transaction() as connection:
        again = await store.open_watch(connection, SITTING, "tried-1", 20_000)
        (incident,) = await store.incidents_of(connection, SITTING)
        assert (incident.ended_at, incident.reason) == (6_000, store.INTERRUPTED)
        assert await store.gaps_of(connection, SITTING) == [Gap(7_000, 20_000, "silent")]
    assert again != crashed


async def test_time_between_two_cameras_is_a_gap(database: Database) -> None:
    async with database.transaction() as connection:
        await store.close_watch(connection, await store.open_watch(connection, SITTING, "tried-1", 1_000), 5_000)
        await store.open_watch(connection, SITTING, "tried-1", 9_000)
        assert await store.gaps_of(connection, SITTING) == [Gap(5_000, 9_000, "disconnected")]


async def test_what_a_crash_left_is_settled_once(database: Database) -> None:
    await record(database, change(seen_at=6_000))
    await record(database, change("closed", 3_000, began_at=2_000))
    async with database.transaction() as connection:
        crashed = await store.open_watch(connection, SITTING, "tried-1", 1_000)
        await store.open_watch(connection, OTHER, "tried-1", 1_000)
        await store.record_progress(connection, [Progress(crashed, 7_000, 6, 6, 0, 0)])
        await store.record_gap(connection, SITTING, GapChange("opened", 8_000), "silent")
    for at in (20_000, 30_000):
        async with database.transaction() as connection:
            await store.settle(connection, SITTING, at)
            ends = [(one.ended_at, one.reason) for one in await store.incidents_of(connection, SITTING)]
            assert ends == [(6_000, store.INTERRUPTED), (3_000, "over")]
            assert await store.gaps_of(connection, SITTING) == [
                Gap(7_000, 20_000, store.INTERRUPTED),
                Gap(8_000, 20_000, "silent"),
            ]
            assert (await store.coverage_of(connection, SITTING)).watched == 6_000
            assert (await store.watched(connection, SITTING, 0, at)).complete
            assert not (await store.watched(connection, OTHER, 0, at)).complete


async def test_nothing_is_left_out_where_nobody_ever_watched(database: Database) -> None:
    async with database.transaction() as connection:
        await store.settle(connection, SITTING, 20_000)
        assert await store.gaps_of(connection, SITTING) == []


Times = list[tuple[int, int]]


def counted(began_at: int, ended_at: int, stretches: Times, gaps: Times) -> int:
    """Unseen milliseconds, one by one."""
    return sum(
        not any(a <= at < b for a, b in stretches) or any(a <= at < b for a, b in gaps)
        for at in range(began_at, ended_at)
    )


@pytest.mark.parametrize(
    ("stretches", "gaps"),
    [
        ([], []),
        ([], [(10, 20)]),
        ([(0, 100)], []),
        ([(10, 30)], []),
        ([(0, 30), (40, 100)], [(30, 40)]),
        ([(0, 30), (50, 90)], [(20, 35), (60, 70), (65, 80), (88, 200)]),
        ([(0, 10), (60, 100)], []),
        ([(25, 25)], [(20, 20)]),
    ],
)
async def test_what_was_not_seen_is_counted(database: Database, stretches: Times, gaps: Times) -> None:
    async with database.transaction() as connection:
        for began_at, ended_at in stretches:
            await execute(
                connection,
                "INSERT INTO proctoring.watch (sitting, policy, opened_at, last_frame_at, closed_at)"
                " VALUES (:sitting, 'tried-1', :began_at, :began_at, :ended_at)",
                sitting=SITTING,
                began_at=began_at,
                ended_at=ended_at,
            )
        for began_at, ended_at in gaps:
            await store.record_gap(connection, SITTING, GapChange("closed", began_at, ended_at), "silent")
        for window in ((20, 60), (0, 100), (50, 50), (60, 20)):
            wanted = Watched(complete=True, unseen=counted(*window, stretches, gaps))
            assert await store.watched(connection, SITTING, *window) == wanted


async def test_while_a_stretch_is_open_not_everything_is_stored(database: Database) -> None:
    async with database.transaction() as connection:
        first = await store.open_watch(connection, SITTING, "tried-1", 1_000)
        await store.record_progress(connection, [Progress(first, 4_000, 3, 3, 0, 0)])
        await store.record_gap(connection, SITTING, GapChange("opened", 3_000), "silent")
        assert await store.watched(connection, SITTING, 1_000, 9_000) == Watched(complete=False, unseen=6_000)
        await store.record_gap(connection, SITTING, GapChange("closed", 3_000, 8_000), "silent")
        await store.close_watch(connection, first, 9_000)
        assert await store.watched(connection, SITTING, 1_000, 9_000) == Watched(complete=True, unseen=5_000)


async def test_a_list_is_counted_in_one_query(database: Database) -> None:
    first = await record(database, change())
    await record(database, change(began_at=2_000), change(kind=Kind.BLUR, began_at=3_000))
    await record(database, change(kind=Kind.BLUR), holds=False)
    async with database.transaction() as connection:
        await store.record_finding(connection, finding(first))
        await store.record_finding(connection, finding(first, Verdict.DISMISSED))
        await store.record_gap(connection, SITTING, GapChange("opened", 1_000), "silent")
        counts = await store.counts_of(connection, [SITTING, OTHER])
    assert counts == {SITTING: store.Counts(4, 3, 2, 1), OTHER: store.Counts()}


async def test_a_review_goes_from_open_to_done(database: Database) -> None:
    number = await record(database, change())
    decision = Decision(SITTING, Ruling.WARNING, READER, " Отходил от стола ", 10_000)
    async with database.transaction() as connection:
        assert (await store.review_of(connection, OTHER)).stage is Stage.NOTHING
        assert (await store.review_of(connection, SITTING)).unread == (number,)
        with pytest.raises(AccreditationError, match="review_unread"):
            await store.record_decision(connection, decision)
        await store.record_finding(connection, finding(number))
        await store.record_decision(connection, decision)
        review = await store.review_of(connection, SITTING)
        (found,) = await store.findings_of(connection, SITTING)
        decided = await store.decision_of(connection, SITTING)
        counts = await store.counts_of(connection, [SITTING])
        for late in (store.record_decision(connection, decision), store.record_finding(connection, finding(number))):
            with pytest.raises(AccreditationError, match="review_decided"):
                await late
    assert (review.stage, review.ruling) == (Stage.DONE, Ruling.WARNING)
    assert (found.verdict, found.reason, found.reviewer) == (Verdict.CONFIRMED, "Видно на снимке", READER)
    assert decided is not None
    assert decided.reason == "Отходил от стола"
    assert counts[SITTING].ruling is Ruling.WARNING


async def test_a_finding_needs_an_incident_and_a_reason(database: Database) -> None:
    number = await record(database, change())
    async with database.transaction() as connection:
        with pytest.raises(AccreditationError, match="incident_unknown"):
            await store.record_finding(connection, finding(IncidentId(number + 1)))
        with pytest.raises(AccreditationError, match="reason_missing"):
            await store.record_finding(connection, Finding(number, Verdict.CONFIRMED, READER, " ", 1))
        assert await store.findings_of(connection, SITTING) == []
