"""Incidents and the stills that show them."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import BlobRef
from core.database import execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import BlobId, IncidentId, SittingId
from core.moments import Moment
from proctoring.incidents import Incident, IncidentChange, Severity
from proctoring.review import Ruling
from proctoring.signals import Kind


class Evidence(msgspec.Struct, frozen=True):
    """A sealed still. `role`: before, at, after; `sha256`: hex, of the JPEG as it was received; `size`: bytes."""

    id: int
    incident: IncidentId
    role: str
    taken_at: Moment
    blob: BlobId
    sha256: str
    size: int


class Counts(msgspec.Struct, frozen=True):
    """For one row of a list. `holding`: incidents a person must read; `unread`: those without a finding."""

    incidents: int = 0
    holding: int = 0
    unread: int = 0
    gaps: int = 0
    ruling: Ruling | None = None


async def record_incident(
    connection: AsyncConnection, sitting: SittingId, change: IncidentChange, holds: bool, policy: str
) -> IncidentId:
    """Write a change of an incident, known by (sitting, kind, began_at). Repeating it changes nothing; one that has
    ended stays as it is."""
    ended_at = change.seen_at if change.step == "closed" else None
    row = await fetch_one(
        connection,
        """
        INSERT INTO proctoring.incident AS i (sitting, kind, severity, holds, began_at, seen_at, ended_at, reason,
                                              readings, strength, score, source, policy)
        VALUES (:sitting, :kind, :severity, :holds, :began_at, :seen_at, :ended_at, :reason,
                :readings, :strength, :score, :source, :policy)
        ON CONFLICT (sitting, kind, began_at) DO UPDATE SET
            seen_at = CASE WHEN i.ended_at IS NULL THEN excluded.seen_at ELSE i.seen_at END,
            ended_at = COALESCE(i.ended_at, excluded.ended_at),
            reason = CASE WHEN i.ended_at IS NULL THEN excluded.reason ELSE i.reason END,
            readings = GREATEST(i.readings, excluded.readings),
            strength = excluded.strength, score = excluded.score, source = excluded.source
        RETURNING id
        """,
        sitting=sitting,
        kind=change.kind.value,
        severity=change.severity.value,
        holds=holds,
        began_at=change.began_at,
        seen_at=change.seen_at,
        ended_at=ended_at,
        reason=change.reason,
        readings=change.readings,
        strength=change.strength,
        score=change.score,
        source=change.source,
        policy=policy,
    )
    assert row is not None
    return IncidentId(row["id"])


async def has_evidence(connection: AsyncConnection, incident: IncidentId, role: str) -> bool:
    return (
        await fetch_one(
            connection,
            "SELECT 1 FROM proctoring.evidence WHERE incident = :incident AND role = :role",
            incident=incident,
            role=role,
        )
        is not None
    )


async def record_evidence(
    connection: AsyncConnection,
    incident: IncidentId,
    role: str,
    taken_at: Moment,
    blob: BlobRef,
) -> None:
    await execute(
        connection,
        "INSERT INTO proctoring.evidence (incident, role, taken_at, blob, sha256, size)"
        " VALUES (:incident, :role, :taken_at, :blob, :sha256, :size)",
        incident=incident,
        role=role,
        taken_at=taken_at,
        blob=blob.id,
        sha256=blob.sha256.hex(),
        size=blob.size,
    )


async def incidents_of(connection: AsyncConnection, sitting: SittingId) -> list[Incident]:
    """In order of time."""
    rows = await fetch_all(
        connection,
        "SELECT * FROM proctoring.incident WHERE sitting = :sitting ORDER BY began_at, id",
        sitting=sitting,
    )
    return [_incident(row) for row in rows]


async def incident_by_id(connection: AsyncConnection, incident: IncidentId) -> Incident:
    """Raises NotFound incident_unknown."""
    row = await fetch_one(connection, "SELECT * FROM proctoring.incident WHERE id = :id", id=incident)
    if row is None:
        raise NotFound("incident_unknown", "Такого инцидента нет. Обновите страницу.")
    return _incident(row)


async def incident_of(connection: AsyncConnection, sitting: SittingId, kind: Kind, began_at: Moment) -> IncidentId:
    """The id of the incident that these identify. Raises NotFound incident_unknown."""
    row = await fetch_one(
        connection,
        "SELECT id FROM proctoring.incident WHERE sitting = :sitting AND kind = :kind AND began_at = :began_at",
        sitting=sitting,
        kind=kind.value,
        began_at=began_at,
    )
    if row is None:
        raise NotFound("incident_unknown", "Такого инцидента нет. Обновите страницу.")
    return IncidentId(row["id"])


async def evidence_of(connection: AsyncConnection, sitting: SittingId) -> list[Evidence]:
    """Of all incidents of a sitting, in order of time."""
    rows = await fetch_all(
        connection,
        "SELECT e.* FROM proctoring.evidence e JOIN proctoring.incident i ON i.id = e.incident"
        " WHERE i.sitting = :sitting ORDER BY e.taken_at, e.id",
        sitting=sitting,
    )
    return [_evidence(row) for row in rows]


async def evidence_by_id(connection: AsyncConnection, evidence: int) -> tuple[Evidence, SittingId]:
    """One still and whose it is. Raises NotFound evidence_unknown."""
    row = await fetch_one(
        connection,
        "SELECT e.*, i.sitting FROM proctoring.evidence e JOIN proctoring.incident i ON i.id = e.incident"
        " WHERE e.id = :id",
        id=evidence,
    )
    if row is None:
        raise NotFound("evidence_unknown", "Такого снимка нет. Обновите страницу.")
    return _evidence(row), SittingId(row["sitting"])


async def counts_of(connection: AsyncConnection, sittings: Sequence[SittingId]) -> dict[SittingId, Counts]:
    """For a list: every sitting asked for, in one query."""
    rows = await fetch_all(
        connection,
        """
        SELECT s.id, COALESCE(i.incidents, 0) AS incidents, COALESCE(i.holding, 0) AS holding,
               COALESCE(i.unread, 0) AS unread, COALESCE(g.gaps, 0) AS gaps, d.decision
          FROM unnest(CAST(:sittings AS bigint[])) AS s(id)
          LEFT JOIN (SELECT sitting, count(*) AS incidents, count(*) FILTER (WHERE holds) AS holding,
                            count(*) FILTER (WHERE holds AND NOT EXISTS (
                                SELECT 1 FROM proctoring.finding f WHERE f.incident = n.id)) AS unread
                       FROM proctoring.incident n WHERE sitting = ANY(CAST(:sittings AS bigint[]))
                      GROUP BY sitting) i ON i.sitting = s.id
          LEFT JOIN (SELECT sitting, count(*) AS gaps FROM proctoring.coverage_gap
                      WHERE sitting = ANY(CAST(:sittings AS bigint[])) GROUP BY sitting) g ON g.sitting = s.id
          LEFT JOIN proctoring.decision d ON d.sitting = s.id
        """,
        sittings=list(sittings),
    )
    return {
        SittingId(row["id"]): Counts(
            row["incidents"],
            row["holding"],
            row["unread"],
            row["gaps"],
            None if row["decision"] is None else Ruling(row["decision"]),
        )
        for row in rows
    }


def _incident(row: RowMapping) -> Incident:
    return Incident(
        id=IncidentId(row["id"]),
        sitting=SittingId(row["sitting"]),
        kind=Kind(row["kind"]),
        severity=Severity(row["severity"]),
        holds=row["holds"],
        began_at=row["began_at"],
        seen_at=row["seen_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        readings=row["readings"],
        strength=row["strength"],
        score=row["score"],
        source=row["source"],
        policy=row["policy"],
    )


def _evidence(row: RowMapping) -> Evidence:
    return Evidence(
        id=row["id"],
        incident=IncidentId(row["incident"]),
        role=row["role"],
        taken_at=row["taken_at"],
        blob=BlobId(row["blob"]),
        sha256=row["sha256"],
        size=row["size"],
    )
