"""One sealed still, opened for who may see it. Every look is written down before the picture leaves."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.pages.door import for_staff, read_id
from admin.sittings import refuse_own
from core import journal
from core.access import Permission, Principal, address_of
from core.blobs import Blobs
from core.web.requests import database_of
from exam_server.store import load_card
from proctoring.evidence import MEDIA_TYPE
from proctoring.store import evidence_by_id


@for_staff(Permission.EVIDENCE_READ)
async def show_evidence(request: Request, reader: Principal) -> Response:
    """`GET /staff/evidence/{id}`: the JPEG as it was received, never kept by the browser."""
    number = read_id(request)
    blobs: Blobs = request.app.state.blobs
    async with database_of(request).transaction() as connection:
        evidence, sitting = await evidence_by_id(connection, number)
        refuse_own(reader, (await load_card(connection, sitting)).candidate)
        picture = await blobs.get(connection, evidence.blob)
        await journal.record(
            connection,
            f"person:{reader.id}",
            "evidence.viewed",
            f"sitting:{sitting}",
            {"evidence": number, "incident": evidence.incident, "address": address_of(request)[:200]},
            request.app.state.clock.now(),
        )
    return Response(picture, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


routes: list[BaseRoute] = [Route("/staff/evidence/{id}", show_evidence, methods=["GET"])]
