"""The state of the machine, and messages that have to be sent again."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import operations
from admin.pages.door import for_staff, read_id
from admin.pages.frame import back, show
from core.access import Permission, Principal
from core.errors import AccreditationError
from core.web.requests import database_of

TOPIC_WORDS = {
    "journal": "Записи журнала действий",
    "exam.outcome": "Итоги аккредитации для реестра",
    "blobs.destroyed": "Удаление материалов наблюдения",
}


@for_staff(Permission.OPERATE)
async def show_operations(request: Request, reader: Principal) -> Response:
    """`GET /staff/operations`."""
    return await _desk(request, reader)


@for_staff(Permission.OPERATE)
async def retry(request: Request, reader: Principal) -> Response:
    """`POST /staff/operations/outbox/{id}/retry`."""
    message = read_id(request)
    try:
        async with database_of(request).transaction() as connection:
            await operations.retry(connection, message, reader, request.app.state.clock.now())
    except AccreditationError as problem:
        return await _desk(request, reader, problem)
    return back("/staff/operations", "retried")


async def _desk(request: Request, reader: Principal, problem: AccreditationError | None = None) -> Response:
    state = request.app.state
    async with database_of(request).transaction() as connection:
        queue = await operations.read_queue(connection)
        machine = await operations.read_machine(
            connection, state.conduct, state.event_log, state.pipeline, state.settings.frame_workers
        )
    context = {"queue": queue, "machine": machine, "topic_words": TOPIC_WORDS, "now": state.clock.now()}
    return show(request, reader, "operations", context, problem)


routes: list[BaseRoute] = [
    Route("/staff/operations", show_operations, methods=["GET"]),
    Route("/staff/operations/outbox/{id}/retry", retry, methods=["POST"]),
]
