"""A password that an operator replaces in the middle of an exam, with pages at two processes."""

from collections.abc import Awaitable, Callable

from core.access import set_password, sign_in
from core.access.logins import digest
from core.clock import SystemClock
from core.database import fetch_one
from core.web import csrf
from tests.server.booth import Booth
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]
GIVEN, OWN = "выдан и записан", "собственный, новый"
PAGE = {"accept": "text/html"}


async def test_no_exam_waits_for_a_password_and_everything_else_does(
    house: Server, annex: Server, booths: Booths
) -> None:
    booth = await booths(house)
    page = await booth.begin()
    await sign_in_as_given(booth)

    assert (await booth.http.get(f"/exam/{booth.sitting}", headers=PAGE)).status_code == 200
    for server in (house, annex):
        answer = await booth.http.get(f"{server.address}/cabinet", headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account?next=/cabinet")
    await page.order("show", position=1)
    await page.hear("item")

    fields = {"old": GIVEN, "password": OWN, "again": OWN, "next": "/cabinet"}
    answer = await booth.post("/account", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=1&next=/cabinet")
    # The other process saw the person a moment ago, and asks all the same.
    assert (await booth.http.get(f"{annex.address}/cabinet", headers=PAGE)).status_code == 200
    assert (await booth.post("/account", data=fields)).status_code == 422


async def test_an_exam_that_opens_is_come_into_with_a_password_that_was_given(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await sign_in_as_given(booth)
    assert (await booth.http.get(f"/exam/bookings/{booth.booking}", headers=PAGE)).status_code == 200
    sitting = await booth.enter()
    answer = await booth.http.get(f"/exam/bookings/{booth.booking}", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/exam/{sitting}")
    assert (await booth.http.get(f"/exam/{sitting}", headers=PAGE)).status_code == 200


async def test_whatever_is_typed_into_the_form_is_refused_by_name(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    for old, new in (
        ("", ""),
        ("\x00", "\x00" * 9),
        ("😀" * 9, "😀" * 10),
        ("' OR 1=1 --", "x" * 257),
        ("x", "y" * 5_000),
    ):
        answer = await booth.post("/account", data={"old": old, "password": new, "again": new, "next": "//evil.test"})
        assert answer.status_code == 422, (old, new[:20], answer.text[:300])
        assert 'aria-invalid="true"' in answer.text
    assert (await booth.post("/account", files={"old": b"x", "password": b"y"})).status_code == 422
    assert (await booth.post("/account", content=b"{}")).status_code == 422
    foreign = await booth.http.post("/account", data={"csrf": "another"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "csrf_failed")


async def sign_in_as_given(booth: Booth) -> None:
    """An operator gives the candidate another password, who comes back with it."""
    async with booth.database.transaction() as connection:
        await set_password(connection, booth.person, GIVEN)
        row = await fetch_one(connection, "SELECT login FROM core.person WHERE id = :id", id=booth.person)
    assert row is not None
    token = await sign_in(booth.database, row["login"], GIVEN, "127.0.0.1", SystemClock().now())
    booth.http.cookies.clear()
    booth.http.cookies.set("login", token)
    booth.csrf = csrf.token(booth.server.keys.secret, "login:" + digest(token).hex())
