"""Sittings as staff read them: a list over all packages in one query, and everything about one of them."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, get_args

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.chronicle import actors
from core.access import Permission, Principal, people
from core.database import fetch_all
from core.errors import Forbidden, NotFound
from core.ids import BlueprintId, IncidentId, ItemId, PersonId, SittingId
from core.moments import Moment
from exam_server import store
from exam_server.chain import BrokenChain
from exam_server.conclusion import Outcome, load_outcome
from exam_server.events import AnyEvent
from exam_server.protocols import SignedProtocol, load_protocol
from exam_server.sitting import Sitting
from exam_server.turns import fold_in_turns
from proctoring import review
from proctoring import store as watched
from proctoring.incidents import Incident
from proctoring.review import Decision, Finding, Review
from proctoring.store import Coverage, Evidence, Gap
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.items import Item
from question_bank.requirement_store import list_requirements
from question_bank.store import load_items
from scoring.results import Result
from scoring.store import Superseded, load_results, superseded_of

PAGE = 50

State = Literal["live", "concluding", "preliminary", "review", "confirmed", "annulled", "absent", "cancelled"]
"""`review`: preliminary and held by an open review; `concluding`: over, and not marked yet."""
STATES: tuple[State, ...] = get_args(State)

NAME = "concat_ws(' ', p.family_name, NULLIF(p.given_name, ''), NULLIF(p.patronymic, ''))"
"""SQL: «Фамилия Имя Отчество» of core.person p."""
HELD = """EXISTS (SELECT FROM proctoring.incident i WHERE i.sitting = s.id AND i.holds)
          AND NOT EXISTS (SELECT FROM proctoring.decision d WHERE d.sitting = s.id)"""
"""SQL: a review of sitting s is open."""


class SittingRow(Struct, frozen=True):
    """One line of the list."""

    id: SittingId
    name: str
    title: str
    attempt: int
    created_at: Moment
    state: State
    passed: bool | None
    raw: Fraction | None
    maximum: int | None
    incidents: int
    gaps: int


class SittingPage(Struct, frozen=True):
    """One page of the list and how many sittings there are in all."""

    rows: tuple[SittingRow, ...]
    total: int


async def list_sittings(
    connection: AsyncConnection,
    *,
    state: State | None = None,
    blueprint: str | None = None,
    words: str = "",
    page: int = 1,
) -> SittingPage:
    """The newest first. `words` is looked for in names and logins."""
    wanted = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await fetch_all(
        connection,
        _LIST,
        state=state,
        blueprint=blueprint or None,
        words=f"%{wanted}%",
        limit=PAGE,
        offset=(page - 1) * PAGE,
    )
    return SittingPage(tuple(_row(row) for row in rows), rows[0]["total"] if rows else 0)


async def list_exams(connection: AsyncConnection) -> list[tuple[BlueprintId, str]]:
    """Exams that somebody has sat, for the filter: id and title."""
    rows = await fetch_all(
        connection,
        """SELECT DISTINCT ON (b.id) b.id, b.content ->> 'title' AS title FROM question_bank.blueprint b
           WHERE EXISTS (SELECT FROM exam_server.sitting s WHERE s.blueprint_id = b.id AND NOT s.practice)
           ORDER BY b.id, b.version DESC""",
    )
    return sorted(((BlueprintId(row["id"]), row["title"]) for row in rows), key=lambda exam: exam[1])


async def count_states(connection: AsyncConnection) -> dict[State, int]:
    """How many sittings are in each state."""
    rows = await fetch_all(connection, f"SELECT state, count(*) AS many FROM ({_STATES}) one GROUP BY state")
    return {row["state"]: row["many"] for row in rows}


class MarkLine(Struct, frozen=True):
    """One item of a form: what it earned, and only for who may read the bank the item itself."""

    position: int
    item: ItemId
    version: int
    requirement: str
    requirement_title: str
    score: Fraction | None
    weight: int
    answered: bool
    expired: bool
    withdrawn: bool
    content: Item | None
    answers: tuple[tuple[str, ...], ...]


class Dossier(Struct, frozen=True):
    """Everything about one sitting. `events` and `state` are None where the log does not verify."""

    card: store.SittingCard
    candidate: Principal
    blueprint: Blueprint
    entrance: store.Entrance
    events: tuple[AnyEvent, ...] | None
    state: Sitting | None
    outcome: Outcome | None
    result: Result | None
    superseded: tuple[Superseded, ...]
    marks: tuple[MarkLine, ...]
    connections: Sequence[RowMapping]
    incidents: tuple[Incident, ...]
    evidence: dict[IncidentId, list[Evidence]]
    findings: tuple[Finding, ...]
    decision: Decision | None
    review: Review
    gaps: tuple[Gap, ...]
    coverage: Coverage
    notes: dict[int, store.Note]
    protocol: SignedProtocol | None
    names: dict[PersonId, str]


async def open_dossier(connection: AsyncConnection, sitting: SittingId, reader: Principal) -> Dossier:
    """Raises NotFound, and Forbidden for the reader's own sitting."""
    card = await open_card(connection, sitting, reader)
    events: tuple[AnyEvent, ...] | None
    try:
        events = tuple(await store.load_events(connection, sitting))
    except BrokenChain:
        events = None
    state = None if events is None else await fold_in_turns(sitting, events)
    incidents = await watched.incidents_of(connection, sitting)
    findings = await watched.findings_of(connection, sitting)
    decision = await watched.decision_of(connection, sitting)
    outcome = await load_outcome(connection, sitting)
    result = (await load_results(connection, [sitting])).get(sitting)
    entrance = await store.load_entrance(connection, sitting)
    notes = await store.load_notes(connection, sitting)
    protocol = None
    if outcome is not None and outcome.protocol is not None:
        protocol = await load_protocol(connection, outcome.protocol)
    blueprint = await load_blueprint(connection, card.blueprint, card.blueprint_version)
    known = await people(connection, _mentioned(card, entrance, events, notes, findings, decision, protocol))
    candidate = next((one for one in known if one.id == card.candidate), None)
    if candidate is None:
        raise NotFound("unknown_person", "Учётной записи кандидата больше нет.")
    return Dossier(
        card=card,
        candidate=candidate,
        blueprint=blueprint,
        entrance=entrance,
        events=events,
        state=state,
        outcome=outcome,
        result=result,
        superseded=tuple(await superseded_of(connection, sitting)),
        marks=() if state is None else await _marks(connection, state, blueprint, result, reader),
        connections=await store.load_connections(connection, sitting),
        incidents=tuple(incidents),
        evidence=await stills(connection, sitting),
        findings=tuple(findings),
        decision=decision,
        review=review.review(incidents, findings, decision),
        gaps=tuple(await watched.gaps_of(connection, sitting)),
        coverage=await watched.coverage_of(connection, sitting),
        notes=notes,
        protocol=protocol,
        names={one.id: one.name for one in known},
    )


async def stills(connection: AsyncConnection, sitting: SittingId) -> dict[IncidentId, list[Evidence]]:
    """The sealed stills of a sitting by incident, in order of time."""
    found: dict[IncidentId, list[Evidence]] = {}
    for one in await watched.evidence_of(connection, sitting):
        found.setdefault(one.incident, []).append(one)
    return found


async def open_card(connection: AsyncConnection, sitting: SittingId, reader: Principal) -> store.SittingCard:
    """Raises NotFound, for practice too, which is nobody's business; Forbidden for the reader's own sitting."""
    card = await store.load_card(connection, sitting)
    if card.practice:
        raise store.unknown_sitting()
    refuse_own(reader, card.candidate)
    return card


def refuse_own(reader: Principal, candidate: PersonId) -> None:
    """Raise Forbidden where staff would look at, or decide about, their own sitting."""
    if reader.id == candidate:
        raise Forbidden(
            "own_sitting",
            "Это ваше собственное тестирование. Им занимаются другие сотрудники, а вы видите его в личном кабинете.",
        )


def _mentioned(
    card: store.SittingCard,
    entrance: store.Entrance,
    events: Sequence[AnyEvent] | None,
    notes: dict[int, store.Note],
    findings: Sequence[Finding],
    decision: Decision | None,
    protocol: SignedProtocol | None,
) -> set[PersonId]:
    ids = {card.candidate} | {note.author for note in notes.values()} | {one.reviewer for one in findings}
    ids |= actors(events or ())
    ids |= {decision.reviewer} if decision is not None else set()
    ids |= {protocol.signed_by} if protocol is not None else set()
    ids |= {entrance.identified_by} if entrance.identified_by is not None else set()
    return ids


async def _marks(
    connection: AsyncConnection, state: Sitting, blueprint: Blueprint, result: Result | None, reader: Principal
) -> tuple[MarkLine, ...]:
    """The form line by line. The items themselves are loaded only for who may read the bank, after the end."""
    titles = {one.code: one.title for one in await list_requirements(connection, blueprint.speciality)}
    refs = [(entry.item, entry.version) for entry in state.form.entries]
    readable = reader.may(Permission.BANK_READ) and state.status == "ended"
    items = await load_items(connection, refs) if readable else {}
    marks = {mark.item: mark for mark in result.marks} if result is not None else {}
    lines = []
    for position, (entry, progress) in enumerate(zip(state.form.entries, state.items, strict=True)):
        mark = marks.get(entry.item)
        requirement = "" if mark is None else mark.requirement
        lines.append(
            MarkLine(
                position=position + 1,
                item=entry.item,
                version=entry.version,
                requirement=requirement,
                requirement_title=titles.get(requirement, ""),
                score=None if mark is None else mark.score,
                weight=entry.weight,
                answered=any(progress.answers),
                expired=progress.expired,
                withdrawn=progress.withdrawn,
                content=items.get((entry.item, entry.version)),
                answers=progress.answers if readable else (),
            )
        )
    return tuple(lines)


def _row(row: RowMapping) -> SittingRow:
    raw = None if row["raw_den"] is None else Fraction(row["raw_num"], row["raw_den"])
    return SittingRow(
        SittingId(row["id"]),
        row["name"],
        row["title"] or row["blueprint_id"],
        row["attempt"],
        row["created_at"],
        row["state"],
        row["passed"],
        raw,
        row["maximum"],
        row["incidents"],
        row["gaps"],
    )


_STATES = f"""
    SELECT s.id, s.candidate, s.blueprint_id, s.blueprint_version, s.attempt, s.created_at, o.passed,
           CASE WHEN s.next_deadline IS NOT NULL THEN 'live'
                WHEN o.state IS NULL THEN 'concluding'
                WHEN o.state = 'preliminary' AND {HELD} THEN 'review'
                ELSE o.state END AS state
    FROM exam_server.sitting s LEFT JOIN exam_server.outcome o ON o.sitting_id = s.id
    WHERE s.entered_at IS NOT NULL AND NOT s.practice
"""
_LIST = f"""
    WITH page AS (
        SELECT one.*, {NAME} AS name, count(*) OVER () AS total
        FROM ({_STATES}) one JOIN core.person p ON p.id = one.candidate
        WHERE (CAST(:state AS text) IS NULL OR one.state = :state)
          AND (CAST(:blueprint AS text) IS NULL OR one.blueprint_id = :blueprint)
          AND (:words = '%%' OR {NAME} ILIKE :words OR p.login ILIKE :words)
        ORDER BY one.id DESC LIMIT :limit OFFSET :offset)
    SELECT page.*, b.content ->> 'title' AS title, r.raw_num, r.raw_den, r.maximum,
           (SELECT count(*) FROM proctoring.incident i WHERE i.sitting = page.id) AS incidents,
           (SELECT count(*) FROM proctoring.coverage_gap g WHERE g.sitting = page.id) AS gaps
    FROM page
    LEFT JOIN question_bank.blueprint b ON b.id = page.blueprint_id AND b.version = page.blueprint_version
    LEFT JOIN scoring.result r ON r.sitting_id = page.id
    ORDER BY page.id DESC
"""
