"""A form is there a day before its window opens; until then no call of its candidate brings anything of it."""

import json
from collections.abc import Awaitable, Callable

from starlette.routing import Mount, Route

from admin.pages import routes as staff_routes
from app.candidate import READINGS
from app.demo.seed import QUICK
from cabinet.pages import routes as cabinet_routes
from core.clock import SystemClock
from core.ids import BookingId
from core.moments import HOUR
from core.randomness import fresh_seed
from exam_server.pages import routes as exam_routes
from exam_server.preparation import prepare_some
from exam_server.scheduling import book, open_window
from exam_server.store import load_sitting
from question_bank.blueprint_store import load_blueprint
from question_bank.candidate_store import candidate_copies
from question_bank.pool_store import PreparedPools
from tests.server.booth import CONSENT, Booth, dial
from tests.server.processes import Server

Booths = Callable[..., Awaitable[Booth]]
# Whatever an address names, it is tried with the sitting's number.
PATHS = sorted(
    {
        (method, route.path)
        for route in (*exam_routes, *cabinet_routes, *staff_routes)
        if isinstance(route, Route) and "{" in route.path and not route.path.startswith("/exam/sample")
        for method in sorted((route.methods or set()) - {"HEAD"})
    }
)
BODIES = {
    "check": READINGS,
    "consent": CONSENT,
    "edits": {"stream": "browser01", "edits": [{"type": "start", "seq": 1}]},
}
MARKS = 24
"""Characters of a text that tell it from others."""


async def book_ahead(booth: Booth) -> BookingId:
    """A booking of the candidate for a window that opens in an hour, with its form drawn."""
    now = SystemClock().now()
    async with booth.database.transaction() as connection:
        blueprint = await load_blueprint(connection, QUICK)
        window = await open_window(connection, blueprint, now + HOUR, now + 3 * HOUR, 5)
        booking = await book(connection, window, booth.person, now)
        (booth.sitting,) = await prepare_some(connection, window, pools=PreparedPools(), seeds=fresh_seed, now=now)
    return booking


async def secrets(booth: Booth) -> list[str]:
    """What would give an item of the form away: its id, the beginning of its text, its options."""
    async with booth.database.transaction() as connection:
        sitting = await load_sitting(connection, booth.sitting)
        copies = await candidate_copies(connection, [(entry.item, entry.version) for entry in sitting.form.entries])
    found = []
    for copy in copies.values():
        choices = [choice for stage in copy.stages for choice in stage.choices]
        found += [copy.item, copy.stem[:MARKS], *(choice.id for choice in choices)]
    return found


def test_there_are_calls_to_try() -> None:
    assert len(PATHS) > 20
    assert not any(isinstance(route, Mount) for route in (*exam_routes, *cabinet_routes))


async def test_no_call_brings_anything_of_a_form_before_its_window_opens(house: Server, booths: Booths) -> None:
    booth, other = await booths(house), await booths(house)
    booking = await book_ahead(booth)
    hidden = await secrets(booth)
    said = []
    for method, path in PATHS:
        if "{booking}" in path and path.startswith("/exam/"):
            continue  # that waits for the opening, and is looked at below
        address = "/".join(str(booth.sitting) if "{" in part else part for part in path.split("/"))
        if method == "GET":
            answer = await booth.http.get(address)
        else:
            answer = await booth.post(address, json=BODIES.get(address.rpartition("/")[2], {}))
        if (method, path) == ("GET", "/exam/{sitting}"):
            assert (answer.status_code, answer.headers["location"]) == (303, f"/exam/bookings/{booking}")
        else:
            assert answer.status_code in (403, 404), (method, address, answer.status_code, answer.text)
        said.append(answer.text)
    for path in (f"/exam/bookings/{booking}", f"/exam/bookings/{booking}/state"):
        answer = await booth.http.get(path)
        assert answer.status_code == 200
        said.append(answer.text)
        assert (await other.http.get(path)).status_code == 404
    assert (await other.http.get(f"/exam/{booth.sitting}")).status_code == 404
    answer = await booth.post(f"/cabinet/bookings/{booking}/enter")
    assert answer.status_code == 409
    said.append(answer.text)
    for page in ("/cabinet", "/cabinet/windows"):
        answer = await booth.http.get(page)
        assert answer.status_code == 200
        said.append(answer.text)
    for path in (f"/ws/sittings/{booth.sitting}?stream=browser01", f"/ws/camera/{booth.sitting}"):
        socket = await dial(house, path, booth.cookie)
        await socket.wait_closed()
        assert socket.close_code == 4404, path
    whole = json.dumps(said, ensure_ascii=False)
    assert [secret for secret in hidden if secret in whole] == []
