"""The calendar of windows, and taking a place in one."""

from datetime import date
from typing import Any

from babel.dates import format_date
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import has_desk
from cabinet.bookings import Offer, book_window, list_offers
from cabinet.pages.entry import for_candidates, read_id
from cabinet.pages.words import day_moment, elsewhere, span
from core.access.roles import Principal
from core.errors import AccreditationError, Conflict
from core.ids import WindowId
from core.moments import Moment
from core.web import language
from core.web.pages import render
from core.web.requests import database_of, read_field
from exam_server.scheduling import NO_WINDOW, today_in

ON_A_PAGE = 40
_LONGEST_ID = 200


class Day(Struct, frozen=True):
    """The windows that open on one day of the candidate's calendar; no day stands for those open now."""

    day: date | None
    offers: tuple[Offer, ...]
    number: str = ""
    month: str = ""
    weekday: str = ""


@for_candidates
async def show_windows(request: Request, candidate: Principal) -> Response:
    """`GET /cabinet/windows`, with `exam`, `all` and `page`."""
    return await _windows_page(request, candidate)


@for_candidates
async def take_place(request: Request, candidate: Principal) -> Response:
    """`POST /cabinet/bookings` with the field `window`."""
    state = request.app.state
    window = WindowId(read_id(await read_field(request, "window"), NO_WINDOW))
    try:
        async with database_of(request).transaction() as connection:
            await book_window(connection, window, candidate, state.clock.now(), state.settings.attempts)
    except Conflict as refusal:
        return await _windows_page(request, candidate, refusal)
    return RedirectResponse("/cabinet", status_code=303)


def group_days(offers: tuple[Offer, ...], now: Moment, zone: str, lang: str) -> list[Day]:
    """Offers in the order of their windows, by the day they open on in the zone; open ones stand first."""
    by_day: dict[date | None, list[Offer]] = {}
    for offer in offers:
        day = None if offer.window.opens_at <= now else today_in(offer.window.opens_at, zone)
        by_day.setdefault(day, []).append(offer)
    return [_day(day, tuple(own), today_in(now, zone).year, lang) for day, own in by_day.items()]


routes: list[BaseRoute] = [
    Route("/cabinet/windows", show_windows, methods=["GET"]),
    Route("/cabinet/bookings", take_place, methods=["POST"]),
]


async def _windows_page(request: Request, candidate: Principal, refusal: AccreditationError | None = None) -> Response:
    state = request.app.state
    now = state.clock.now()
    asked = request.query_params if request.method == "GET" else {}
    exam = asked.get("exam", "")[:_LONGEST_ID] or None
    everything = asked.get("all") == "1"
    async with database_of(request).transaction() as connection:
        found = await list_offers(connection, candidate, now, state.settings.attempts, exam, everything)
    pages = max(1, -(-len(found.offers) // ON_A_PAGE))
    page = min(_page(asked.get("page", "1")), pages)
    shown = found.offers[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
    context: dict[str, Any] = {
        "days": group_days(shown, now, candidate.zone, language.of(request)),
        "found": found,
        "exam": exam,
        "everything": everything,
        "page": page,
        "pages": pages,
        "now": now,
        "zone": candidate.zone,
        "home_zone": state.settings.zone,
        "refusal": refusal,
        "day_moment": day_moment,
        "span": span,
        "elsewhere": elsewhere,
        "has_desk": has_desk(candidate),
    }
    return render(request, "cabinet/windows.html", context, 200 if refusal is None else refusal.status)


def _page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else 1


def _day(day: date | None, offers: tuple[Offer, ...], this_year: int, lang: str) -> Day:
    if day is None:
        return Day(None, offers)
    month = format_date(day, "MMMM" if day.year == this_year else "MMMM y", locale=lang)
    return Day(day, offers, str(day.day), month, format_date(day, "EEEE", locale=lang))
