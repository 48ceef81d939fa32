"""The list of sittings, and everything about one of them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import sittings
from admin.chronicle import Say, Writer, clock_text, gap_reason, in_order, ruling_text, verdict_text
from admin.devices import name_device
from admin.pages.door import for_staff, read_id, read_page, read_query
from admin.pages.frame import back, pages_of, say_in, show
from admin.pages.texts import item_text, item_words
from admin.plot import draw, draw_connectivity
from admin.responses import late_lines, remarks, response_lines, share
from admin.review_room import likeness
from admin.sittings import STATES, Dossier
from core.access import Permission, Principal
from core.errors import AccreditationError, Forbidden
from core.ids import SittingId
from core.moments import Moment
from core.web.requests import database_of, read_text
from exam_server.connectivity import Place, trace
from exam_server.events import AnyEvent
from exam_server.late_answers import LateAnswers
from proctoring.review import newest
from proctoring.signals import TITLES
from scoring.decision import percent_text, points_text

STATE_TONES = {
    "live": "info",
    "concluding": "neutral",
    "preliminary": "neutral",
    "review": "warn",
    "confirmed": "ok",
    "annulled": "danger",
    "absent": "neutral",
    "cancelled": "neutral",
}
STATE_WORDS = {
    "live": "Не завершено",
    "concluding": "Подсчёт результата",
    "preliminary": "Предварительно",
    "review": "На рассмотрении",
    "confirmed": "Утверждено",
    "annulled": "Аннулировано",
    "absent": "Неявка",
    "cancelled": "Отменено организатором",
}
SEVERITY_WORDS = {"low": "Низкая важность", "medium": "Средняя важность", "high": "Высокая важность"}
CHANGE_WORDS = {"address": "другой адрес", "device": "другое устройство", "browser": "другой браузер"}
VIA_WORDS = {"socket": "основной", "http": "запасной"}
CANDIDATES_NOTES = ("question", "help")
"""Kinds of notes that candidates write."""
ROLE_WORDS = {"before": "до", "at": "в момент инцидента", "after": "после"}


@for_staff(Permission.SITTING_READ)
async def show_list(request: Request, reader: Principal) -> Response:
    """`GET /staff/sittings?state=&exam=&q=&page=`."""
    wanted = read_query(request, "state")
    state = next((one for one in STATES if one == wanted), None)
    exam, words, page = read_query(request, "exam"), read_query(request, "q"), read_page(request)
    async with database_of(request).transaction() as connection:
        found = await sittings.list_sittings(connection, state=state, blueprint=exam, words=words, page=page)
        if not found.rows and page > 1:
            page = 1
            found = await sittings.list_sittings(connection, state=state, blueprint=exam, words=words)
        exams = await sittings.list_exams(connection)
        counts = await sittings.count_states(connection)
    chosen = {"state": state or "", "exam": exam, "q": words}
    context = {
        "found": found,
        "exams": exams,
        "counts": counts,
        "states": STATES,
        "state_words": STATE_WORDS,
        "state_tones": STATE_TONES,
        "chosen": chosen,
        "page": page,
        "pages": pages_of(found.total, sittings.PAGE),
        "address": "/staff/sittings?" + urlencode({**chosen, "page": ""}),
        "percent": percent_text,
    }
    return show(request, reader, "sittings", context)


@for_staff(Permission.SITTING_READ)
async def show_sitting(request: Request, reader: Principal) -> Response:
    """`GET /staff/sittings/{id}`."""
    return await _sitting(request, reader)


@for_staff(Permission.REVIEW_DECIDE)
async def admit_late(request: Request, reader: Principal) -> Response:
    """`POST /staff/sittings/{id}/late/{number}` with a reason."""
    sitting, number = SittingId(read_id(request)), read_id(request, "number")
    reason = await read_text(request, "reason")
    desk: LateAnswers = request.app.state.late_answers
    try:
        changed = await desk.admit(sitting, number - 1, reader, reason)
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _sitting(request, reader, problem, {"late": str(number), "reason": reason})
    return back(f"/staff/sittings/{sitting}", "late" if changed else "late_same", "late")


async def _sitting(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        dossier = await sittings.open_dossier(connection, sitting, reader)
    say, _ = say_in(request)
    now, events, state = request.app.state.clock.now(), dossier.events or (), dossier.state
    lines = () if state is None else response_lines(state, events, now)
    preliminary = dossier.outcome is not None and dossier.outcome.state == "preliminary"
    context = {
        **describe(request, reader, dossier),
        **describe_connectivity(dossier.events or (), dossier.connections, now, say),
        "state": _state(dossier),
        "responses": lines,
        "shares": [share(line) for line in lines],
        "item_text": item_text,
        "item_words": item_words,
        "late": () if state is None else late_lines(state, events),
        "admits": preliminary and reader.may(Permission.REVIEW_DECIDE),
        "remarks": remarks(events),
        "typed": {"late": "", "reason": "", **(typed or {})},
        "staff_notes": [note for note in dossier.notes.values() if note.kind not in CANDIDATES_NOTES],
    }
    return show(request, reader, "sitting", context, problem)


def describe_connectivity(
    events: Sequence[AnyEvent], rows: Sequence[RowMapping], now: Moment, say: Say
) -> dict[str, Any]:
    """The record of a candidate's connection as the pages that show it take it."""
    record = trace(events, {row["epoch"]: Place(row["address"], row["device"]) for row in rows}, now)
    return {
        "record": record,
        "connectivity": draw_connectivity(record, now, say),
        "change_words": CHANGE_WORDS,
        "via_words": VIA_WORDS,
        "device_name": lambda agent: name_device(agent, say),
        "now": now,
        "clock_text": clock_text,
    }


def describe(request: Request, reader: Principal, dossier: Dossier) -> dict[str, Any]:
    """A dossier as the pages that show one take it."""
    say, lang = say_in(request)
    writer = Writer(say, lang, dossier.names, dossier.notes, reader.zone)
    events = dossier.events or ()
    lines = in_order(
        writer.lines(events),
        writer.incident_lines(dossier.incidents),
        writer.gap_lines(dossier.gaps),
        writer.review_lines(dossier.findings, dossier.decision),
    )
    told = [(clock_text(line.at, reader.zone), line) for line in lines]
    return {
        "dossier": dossier,
        "lines": [pair for pair in told if not pair[1].minor],
        "all_lines": told,
        "plot": draw(events, dossier.incidents, dossier.gaps, request.app.state.clock.now(), say),
        "found_by_incident": newest(dossier.findings),
        "titles": TITLES,
        "severity_words": SEVERITY_WORDS,
        "role_words": ROLE_WORDS,
        "likeness": likeness,
        "clock_text": clock_text,
        "gap_reason": lambda reason: gap_reason(reason, say),
        "verdict_text": lambda verdict: verdict_text(verdict, say),
        "ruling_text": lambda ruling: ruling_text(ruling, say),
        "percent": percent_text,
        "points": points_text,
    }


def _state(dossier: Dossier) -> tuple[str, str]:
    """Word and tone of where the sitting stands."""
    if dossier.outcome is None:
        name = "concluding" if dossier.card.ended else "live"
    elif dossier.outcome.state == "preliminary" and dossier.review.holds_outcome:
        name = "review"
    else:
        name = dossier.outcome.state
    return STATE_WORDS[name], STATE_TONES[name]


routes: list[BaseRoute] = [
    Route("/staff/sittings", show_list, methods=["GET"]),
    Route("/staff/sittings/{id}", show_sitting, methods=["GET"]),
    Route("/staff/sittings/{id}/late/{number}", admit_late, methods=["POST"]),
]
