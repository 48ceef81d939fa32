"""What reviewers found and decided."""

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict
from core.ids import IncidentId, PersonId, SittingId
from proctoring import review
from proctoring.review import Decision, Finding, Ruling, Verdict
from proctoring.store.incidents import incident_by_id, incidents_of


async def record_finding(connection: AsyncConnection, finding: Finding) -> None:
    """Raises Invalid (reason), NotFound incident_unknown, Conflict review_decided."""
    reason = review.check_reason(finding.reason)
    incident = await incident_by_id(connection, finding.incident)
    if await decision_of(connection, incident.sitting) is not None:
        raise Conflict("review_decided", "Решение по этому тестированию уже принято. Изменить его может апелляция.")
    await execute(
        connection,
        "INSERT INTO proctoring.finding (incident, verdict, reviewer, reason, found_at)"
        " VALUES (:incident, :verdict, :reviewer, :reason, :at)",
        incident=finding.incident,
        verdict=finding.verdict.value,
        reviewer=finding.reviewer,
        reason=reason,
        at=finding.at,
    )


async def findings_of(connection: AsyncConnection, sitting: SittingId) -> list[Finding]:
    """All of a sitting, oldest first."""
    rows = await fetch_all(
        connection,
        "SELECT f.incident, f.verdict, f.reviewer, f.reason, f.found_at FROM proctoring.finding f"
        " JOIN proctoring.incident i ON i.id = f.incident WHERE i.sitting = :sitting ORDER BY f.found_at, f.id",
        sitting=sitting,
    )
    return [
        Finding(
            IncidentId(row["incident"]),
            Verdict(row["verdict"]),
            PersonId(row["reviewer"]),
            row["reason"],
            row["found_at"],
        )
        for row in rows
    ]


async def decision_of(connection: AsyncConnection, sitting: SittingId) -> Decision | None:
    row = await fetch_one(connection, "SELECT * FROM proctoring.decision WHERE sitting = :sitting", sitting=sitting)
    if row is None:
        return None
    return Decision(sitting, Ruling(row["decision"]), PersonId(row["reviewer"]), row["reason"], row["decided_at"])


async def review_of(connection: AsyncConnection, sitting: SittingId) -> review.Review:
    """Where the review of a sitting stands."""
    incidents = await incidents_of(connection, sitting)
    findings = await findings_of(connection, sitting)
    return review.review(incidents, findings, await decision_of(connection, sitting))


async def record_decision(connection: AsyncConnection, decision: Decision) -> None:
    """Raises what `review.check_decision` raises."""
    incidents = await incidents_of(connection, decision.sitting)
    findings = await findings_of(connection, decision.sitting)
    review.check_decision(incidents, findings, await decision_of(connection, decision.sitting), decision)
    touched = await execute(
        connection,
        "INSERT INTO proctoring.decision (sitting, decision, reviewer, reason, decided_at)"
        " VALUES (:sitting, :ruling, :reviewer, :reason, :at) ON CONFLICT (sitting) DO NOTHING",
        sitting=decision.sitting,
        ruling=decision.ruling.value,
        reviewer=decision.reviewer,
        reason=review.check_reason(decision.reason),
        at=decision.at,
    )
    if touched == 0:
        raise Conflict("review_decided", "Решение по этому тестированию уже принято. Изменить его может апелляция.")
