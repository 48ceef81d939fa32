"""The report of a file that was brought in, to be taken away; and what was rejected, as it stood in the file."""

import csv
import io
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from admin.pages.door import for_staff, read_id, read_query
from admin.pages.exchange_words import DRY_FATE, KEPT_FATE, WEIGHT_WORDS
from admin.pages.frame import say_in, show
from core.access import Permission, Principal
from core.database import Database
from core.web.requests import database_of
from question_bank.import_store import list_lines, load_batch, load_original
from question_bank.imports import Batch, Line

_COLUMNS = ("Номер в файле", "Файл в архиве", "Строка", "Обозначение", "Что с заданием", "Замечание", "Код", "Почему")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SUFFIXES = {"application/json": "json", "application/xml": "xml", "text/xml": "xml", "text/html": "html"}


@for_staff(Permission.BANK_EDIT)
async def show_original(request: Request, reader: Principal) -> Response:
    """`GET …/runs/{run}/originals/{place}?as=file`: a rejected item as text, or as a file."""
    number, place = read_id(request, "run"), read_id(request, "place")
    async with database_of(request).transaction() as connection:
        batch = await load_batch(connection, number)
        original = await load_original(connection, number, min(place, 2**31 - 1))
    if read_query(request, "as") == "file":
        suffix = _SUFFIXES.get(original.media_type.partition(";")[0].strip(), "txt")
        return Response(
            original.data, media_type="application/octet-stream", headers=_attached(f"item-{place}.{suffix}")
        )
    context = {
        "batch": batch,
        "place": place,
        "whole": original.whole,
        "text": original.data.decode("utf-8", "replace").replace("\x00", "\ufffd"),
    }
    return show(request, reader, "import_original", context)


@for_staff(Permission.BANK_EDIT)
async def take_csv(request: Request, reader: Principal) -> Response:
    """`GET …/runs/{run}/report.csv`: one row for each line, for Excel."""
    say, _ = say_in(request)
    database, batch = database_of(request), await _batch(request)
    words = DRY_FATE if batch.dry else KEPT_FATE

    async def rows() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf" + _row([say(one) for one in _COLUMNS])
        async for page in _pages(database, batch.id):
            yield b"".join(
                _row(
                    [
                        str(one.place.number),
                        one.place.member,
                        str(one.place.line or ""),
                        one.identifier,
                        say(words[one.fate]),
                        say(WEIGHT_WORDS[one.weight]),
                        one.code,
                        say(one.sentence) if one.sentence else "",
                    ]
                )
                for one in page
            )

    return StreamingResponse(rows(), media_type="text/csv; charset=utf-8", headers=_attached(f"import-{batch.id}.csv"))


@for_staff(Permission.BANK_EDIT)
async def take_json(request: Request, reader: Principal) -> Response:
    """`GET …/runs/{run}/report.json`: counts, then the lines."""
    database, batch = database_of(request), await _batch(request)
    words = DRY_FATE if batch.dry else KEPT_FATE
    head = {
        "file": batch.file_name,
        "format": batch.format,
        "dry_run": batch.dry,
        "state": batch.state,
        "reason": batch.reason,
        "counts": msgspec.to_builtins(batch.counts),
    }

    async def parts() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(head)[:-1] + b',"lines":['
        comma = b"\n"
        async for page in _pages(database, batch.id):
            for one in page:
                told = msgspec.to_builtins(one) | {"what_happens": words[one.fate]}
                yield comma + msgspec.json.encode(told)
                comma = b",\n"
        yield b"]}\n"

    return StreamingResponse(parts(), media_type="application/json", headers=_attached(f"import-{batch.id}.json"))


async def _batch(request: Request) -> Batch:
    async with database_of(request).transaction() as connection:
        return await load_batch(connection, read_id(request, "run"))


async def _pages(database: Database, batch: int) -> AsyncIterator[list[Line]]:
    """No transaction waits for whoever downloads."""
    after = 0
    while True:
        async with database.transaction() as connection:
            page = await list_lines(connection, batch, after=after)
        if not page:
            return
        after = page[-1][0]
        yield [line for _, line in page]


def _row(cells: list[str]) -> bytes:
    """What a spreadsheet would take for a formula is given as text."""
    target = io.StringIO()
    csv.writer(target, delimiter=";").writerow([f"'{one}" if one.startswith(_FORMULA) else one for one in cells])
    return target.getvalue().encode()


def _attached(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}


routes: list[BaseRoute] = [
    Route("/staff/bank/import/runs/{run}/originals/{place}", show_original, methods=["GET"]),
    Route("/staff/bank/import/runs/{run}/report.csv", take_csv, methods=["GET"]),
    Route("/staff/bank/import/runs/{run}/report.json", take_json, methods=["GET"]),
]
