"""The commission's reading of what was noticed: a queue, a finding for each incident, a decision at the end."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.sittings import HELD, NAME, refuse_own
from core import journal
from core.access import Permission, Principal
from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Forbidden
from core.ids import IncidentId, PersonId, SittingId
from core.moments import Moment
from exam_server.store import load_card
from proctoring.incidents import Incident
from proctoring.review import Decision, Finding, Ruling, Verdict
from proctoring.signals import FALSE_MATCH_RATE, MATCH_AT, MISMATCH_BELOW, Kind
from proctoring.store import incident_by_id, record_decision, record_finding

MOST_CASES = 500
FACE_KINDS = frozenset({Kind.OTHER_PERSON, Kind.IDENTITY_UNCERTAIN})


class Case(Struct, frozen=True):
    """A sitting that waits in the queue. `holding`: incidents to read; `unread`: those without a finding yet."""

    sitting: SittingId
    candidate: PersonId
    name: str
    title: str
    concluded_at: Moment
    holding: int
    unread: int


async def queue(connection: AsyncConnection, reviewer: Principal, limit: int = MOST_CASES) -> list[Case]:
    """Sittings whose outcome waits for a review, the longest waiting first; never the reviewer's own."""
    rows = await fetch_all(
        connection,
        f"""SELECT s.id AS sitting, s.candidate, {NAME} AS name, b.content ->> 'title' AS title, o.concluded_at,
                   n.holding, n.unread
            FROM exam_server.outcome o
            JOIN exam_server.sitting s ON s.id = o.sitting_id
            JOIN core.person p ON p.id = s.candidate
            LEFT JOIN question_bank.blueprint b ON b.id = s.blueprint_id AND b.version = s.blueprint_version
            CROSS JOIN LATERAL (
                SELECT count(*) AS holding, count(*) FILTER (WHERE NOT EXISTS (
                           SELECT FROM proctoring.finding f WHERE f.incident = i.id)) AS unread
                FROM proctoring.incident i WHERE i.sitting = s.id AND i.holds) n
            WHERE o.state = 'preliminary' AND s.candidate <> :reviewer AND {HELD}
            ORDER BY o.concluded_at, s.id LIMIT :limit""",
        reviewer=reviewer.id,
        limit=limit,
    )
    return [Case(**row) for row in rows]


async def count_waiting(connection: AsyncConnection) -> int:
    """How many sittings wait for a review."""
    row = await fetch_one(
        connection,
        f"""SELECT count(*) AS many FROM exam_server.outcome o JOIN exam_server.sitting s ON s.id = o.sitting_id
            WHERE o.state = 'preliminary' AND {HELD}""",
    )
    return 0 if row is None else int(row["many"])


async def find(
    connection: AsyncConnection,
    reviewer: Principal,
    sitting: SittingId,
    incident: IncidentId,
    verdict: Verdict,
    reason: str,
    now: Moment,
) -> None:
    """Give a finding about one incident. Raises NotFound, Forbidden, Conflict, Invalid."""
    await _admit(connection, reviewer, sitting)
    if (await incident_by_id(connection, incident)).sitting != sitting:
        raise Conflict("other_sitting", "Этот инцидент относится к другому тестированию. Обновите страницу.")
    await record_finding(connection, Finding(incident, verdict, reviewer.id, reason, now))
    await journal.record(
        connection,
        f"person:{reviewer.id}",
        "review.found",
        f"sitting:{sitting}",
        {"incident": incident, "verdict": verdict.value},
        now,
    )


async def decide(
    connection: AsyncConnection, reviewer: Principal, sitting: SittingId, ruling: Ruling, reason: str, now: Moment
) -> None:
    """End the review. Raises NotFound, Forbidden, Conflict, Invalid as `proctoring.review` rules."""
    await _admit(connection, reviewer, sitting)
    await record_decision(connection, Decision(sitting, ruling, reviewer.id, reason, now))
    await journal.record(
        connection, f"person:{reviewer.id}", "review.decided", f"sitting:{sitting}", {"ruling": ruling.value}, now
    )


async def _admit(connection: AsyncConnection, reviewer: Principal, sitting: SittingId) -> None:
    if not reviewer.may(Permission.REVIEW_DECIDE):
        raise Forbidden("forbidden", "Заключения и решения выносят члены аккредитационной подкомиссии.")
    card = await load_card(connection, sitting)
    refuse_own(reviewer, card.candidate)
    if not card.ended:
        raise Conflict("still_running", "Тестирование ещё идёт. Рассмотреть его можно после завершения.")
    # A finding and the decision that rests on it must see each other.
    await execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('review', :sitting))", sitting=sitting)
    # Locked: nobody makes the outcome final while what it should rest on is being written.
    outcome = await fetch_one(
        connection, "SELECT state FROM exam_server.outcome WHERE sitting_id = :sitting FOR UPDATE", sitting=sitting
    )
    if outcome is None:
        raise Conflict("no_outcome_yet", "Результат ещё подсчитывается. Рассмотреть тестирование можно через минуту.")
    if outcome["state"] != "preliminary":
        raise Conflict("outcome_final", "Результат уже утверждён; изменить его может апелляция.")


class Likeness(Struct, frozen=True):
    """What a comparison of faces means: the score, what counts as the same face and as another one, and of how many
    strangers one is taken for the right person at that threshold."""

    score: float
    match_at: float
    mismatch_below: float
    strangers: int


def likeness(incident: Incident) -> Likeness | None:
    """The score of a face comparison with its threshold; None where the incident is about something else."""
    if incident.kind not in FACE_KINDS or incident.score is None:
        return None
    return Likeness(incident.score, MATCH_AT, MISMATCH_BELOW, 10 * round(0.1 / FALSE_MATCH_RATE))
