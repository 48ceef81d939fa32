"""Protocols: choose, read the draft, sign with the password, and read what was signed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import protocols_desk
from admin.chronicle import ruling_text
from admin.pages.door import for_staff, read_id, read_ids, read_texts
from admin.pages.frame import back, say_in, show
from core.access import Permission, Principal, address_of
from core.errors import AccreditationError, Forbidden
from core.ids import ProtocolId, SittingId
from core.signatures import Signer
from core.web.requests import database_of, read_field, read_text
from exam_server.protocols import list_protocols, load_protocol
from proctoring.review import Ruling
from scoring.decision import percent_text

LONGEST_PASSWORD = 1_024


@for_staff(Permission.PROTOCOL_READ)
async def show_protocols(request: Request, reader: Principal) -> Response:
    """`GET /staff/protocols`: what is ready to be signed, and what has been."""
    return await _desk(request, reader)


@for_staff(Permission.PROTOCOL_SIGN)
async def show_draft(request: Request, reader: Principal) -> Response:
    """`POST /staff/protocols/draft` with the chosen sittings; changes nothing."""
    return await _draft(request, reader)


@for_staff(Permission.PROTOCOL_SIGN)
async def sign(request: Request, reader: Principal) -> Response:
    """`POST /staff/protocols/sign` with the sittings, the mark of the draft that was read, and the password."""
    state = request.app.state
    sittings = [SittingId(number) for number in read_ids(await read_texts(request, "sitting"))]
    password = await read_field(request, "password", LONGEST_PASSWORD)
    mark = await read_text(request, "mark", 100)
    signing: Signer = state.signer
    database, now = database_of(request), state.clock.now()
    try:
        await protocols_desk.prove(database, reader, password, address_of(request), now)
        signed = await protocols_desk.sign(database, reader, signing, sittings, mark, now)
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _draft(request, reader, problem)
    return back(f"/staff/protocols/{signed.id}", "signed")


@for_staff(Permission.PROTOCOL_READ)
async def show_protocol(request: Request, reader: Principal) -> Response:
    """`GET /staff/protocols/{id}`: the protocol as it was signed, and whether the signature holds."""
    number = ProtocolId(read_id(request))
    say, _ = say_in(request)
    signing: Signer = request.app.state.signer
    async with database_of(request).transaction() as connection:
        protocol = await load_protocol(connection, number)
        names = await protocols_desk.names_of(connection, protocol.minutes.lines)
        incidents = await protocols_desk.count_incidents(connection, protocol.minutes.lines)
    context = {
        "protocol": protocol,
        "names": names,
        "incidents": incidents,
        "check": protocols_desk.check(protocol, {signing.kid: signing.public}),
        "ruling_text": lambda ruling: ruling_text(Ruling(ruling), say) if ruling else "",
    }
    return show(request, reader, "protocol", context)


async def _desk(request: Request, reader: Principal, problem: AccreditationError | None = None) -> Response:
    say, _ = say_in(request)
    async with database_of(request).transaction() as connection:
        context = {
            "ready": await protocols_desk.list_ready(connection, reader),
            "protocols": await list_protocols(connection),
            "percent": percent_text,
            "ruling_text": lambda ruling: ruling_text(ruling, say),
        }
    return show(request, reader, "protocols", context, problem)


async def _draft(request: Request, reader: Principal, problem: AccreditationError | None = None) -> Response:
    say, _ = say_in(request)
    sittings = [SittingId(number) for number in read_ids(await read_texts(request, "sitting"))]
    try:
        async with database_of(request).transaction() as connection:
            draft = await protocols_desk.draft(connection, sittings)
    except AccreditationError as refusal:
        return await _desk(request, reader, problem or refusal)
    context = {
        "draft": draft,
        "ruling_text": lambda ruling: ruling_text(Ruling(ruling), say) if ruling else "",
        "confirmed": sum(1 for line in draft.lines if line.decision == "confirm"),
    }
    return show(request, reader, "protocol_draft", context, problem)


routes: list[BaseRoute] = [
    Route("/staff/protocols", show_protocols, methods=["GET"]),
    Route("/staff/protocols/draft", show_draft, methods=["POST"]),
    Route("/staff/protocols/sign", sign, methods=["POST"]),
    Route("/staff/protocols/{id}", show_protocol, methods=["GET"]),
]
