"""What a proctor may do at a place: each act is a form; a refused one comes back with what was typed and why."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.pages.door import for_staff
from admin.pages.frame import back
from admin.pages.proctor import draw_place, place_of_another
from admin.planning import local_moment
from core.access import Permission, Principal
from core.errors import AccreditationError, Forbidden, Invalid
from core.ids import SittingId
from core.web.requests import Endpoint, read_text
from exam_server.entrance import Entrance
from exam_server.invigilation import Invigilation

Typed: TypeAlias = dict[str, str]
Act: TypeAlias = Callable[[Invigilation, SittingId, Principal, Typed], Awaitable[None]]

MOST_DIGITS = 4


def act(form: str, done: str, *fields: str) -> Callable[[Act], Endpoint]:
    """An endpoint of the act `form` with these fields; `done` is what the place says afterwards."""

    def wrap(carry_out: Act) -> Endpoint:
        async def endpoint(request: Request, reader: Principal) -> Response:
            sitting = await place_of_another(request, reader)
            typed = {name: await read_text(request, name) for name in fields}
            try:
                await carry_out(request.app.state.invigilation, sitting, reader, typed)
            except AccreditationError as problem:
                return await draw_place(request, reader, problem, {"form": form, **typed})
            return back(f"/staff/proctor/{sitting}", done)

        return for_staff(Permission.PROCTOR_ACT)(endpoint)

    return wrap


@act("warning", "warned", "text")
async def warn(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.tell(sitting, reader.id, "warning", typed["text"])


@act("message", "told", "text")
async def tell(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.tell(sitting, reader.id, "message", typed["text"])


@act("help", "helped")
async def answer_help(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.answer_help(sitting, reader.id)


@act("pause", "paused", "reason")
async def pause(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.pause(sitting, reader.id, typed["reason"])


@act("resume", "resumed")
async def resume(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.resume(sitting, reader.id)


@act("time", "time", "minutes", "reason")
async def give_time(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    minutes = _number(typed["minutes"])
    if minutes is None:
        raise Invalid("bad_span", "Время не добавлено.", fields={"minutes": "Целое число от 1 до 240."})
    await invigilation.give_time(sitting, reader.id, minutes, typed["reason"])


@act("outage", "outage", "minutes", "reason")
async def make_good(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    minutes = _number(typed["minutes"])
    if minutes is None:
        raise Invalid("bad_span", "Время не возвращено.", fields={"minutes": "Целое число минут."})
    await invigilation.make_good(sitting, reader.id, minutes, typed["reason"])


@act("allowance", "allowance", "percent", "extra", "breaks", "reason")
async def set_allowance(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    numbers = {name: _number(typed[name]) for name in ("percent", "extra", "breaks")}
    percent, extra, breaks = numbers.values()
    if percent is None or extra is None or breaks is None:
        wrong = {name: "Целое число." for name, number in numbers.items() if number is None}
        raise Invalid("bad_allowance", "Дополнительное время не изменено.", fields=wrong)
    await invigilation.set_allowance(sitting, reader.id, percent, extra, breaks, typed["reason"])


@act("close", "close", "day", "time", "reason")
async def move_close(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    closes_at = local_moment(typed["day"], typed["time"], reader.zone)
    if closes_at is None:
        raise Invalid("bad_moment", "Окончание не перенесено.", fields={"day": "Укажите день и время."})
    await invigilation.move_close(sitting, reader.id, closes_at, typed["reason"])


@act("end", "ended", "reason")
async def end(invigilation: Invigilation, sitting: SittingId, reader: Principal, typed: Typed) -> None:
    await invigilation.end(sitting, reader.id, typed["reason"])


@for_staff(Permission.PROCTOR_ACT)
async def confirm_identity(request: Request, reader: Principal) -> Response:
    """`POST /staff/proctor/{id}/identity`: the passport was compared with the face."""
    sitting = await place_of_another(request, reader)
    entrance: Entrance = request.app.state.entrance
    try:
        await entrance.confirm_identity(sitting, reader.id)
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await draw_place(request, reader, problem)
    return back(f"/staff/proctor/{sitting}", "identity")


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


ACTS: dict[str, Endpoint] = {
    "warning": warn,
    "message": tell,
    "help": answer_help,
    "pause": pause,
    "resume": resume,
    "time": give_time,
    "outage": make_good,
    "allowance": set_allowance,
    "close": move_close,
    "end": end,
    "identity": confirm_identity,
}
routes: list[BaseRoute] = [
    Route(f"/staff/proctor/{{id}}/{name}", endpoint, methods=["POST"]) for name, endpoint in ACTS.items()
]
