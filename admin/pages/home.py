"""The page that staff start from: what they can do here, and how much of it waits."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import protocols_desk, review_room, sittings
from admin.pages.door import for_staff
from admin.pages.frame import SECTIONS, sections_of, show
from admin.pages.proctor import wall_of
from core import outbox
from core.access import Permission, Principal
from core.web import language
from core.web.requests import database_of
from question_bank.catalogue import count_shortcuts

_EVERYBODY = tuple(dict.fromkeys(permission for section in SECTIONS for permission in section.permissions))


@for_staff(*_EVERYBODY)
async def show_home(request: Request, reader: Principal) -> Response:
    """`GET /staff`."""
    counts: dict[str, tuple[int, str]] = {}
    lang = language.of(request)
    some = language.ngettext(lang)
    say = language.gettext(lang)
    if reader.may(Permission.PROCTOR_WATCH):
        live = len(await wall_of(request.app).tiles())
        counts["/staff/proctor"] = live, some("тестирование идёт", "тестирований идёт", live)
    async with database_of(request).transaction() as connection:
        if reader.may(Permission.REVIEW_READ):
            waiting = await review_room.count_waiting(connection)
            counts["/staff/reviews"] = waiting, some("ждёт рассмотрения", "ждут рассмотрения", waiting)
        if reader.may(Permission.BANK_EDIT):
            mine = (await count_shortcuts(connection, reader.id))["reviews"]
            counts["/staff/bank"] = mine, some("ждёт вашей проверки", "ждут вашей проверки", mine)
        if reader.may(Permission.PROTOCOL_READ):
            ready = await protocols_desk.count_ready(connection)
            counts["/staff/protocols"] = ready, some("результат ждёт протокола", "результатов ждут протокола", ready)
        if reader.may(Permission.SITTING_READ):
            states = await sittings.count_states(connection)
            counts["/staff/sittings"] = states.get("live", 0), say("не завершено")
        if reader.may(Permission.OPERATE):
            stuck = len(await outbox.stuck(connection))
            counts["/staff/operations"] = stuck, some("сообщение не уходит", "сообщений не уходят", stuck)
    return show(request, reader, "home", {"counts": counts, "own": sections_of(reader)})


routes: list[BaseRoute] = [Route("/staff", show_home, methods=["GET"])]
