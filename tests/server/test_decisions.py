"""Decisions of staff at one process, about sittings whose pages are at another."""

from collections.abc import Awaitable, Callable

from app.demo.seed import QUICK
from core.clock import SystemClock
from core.database import execute
from core.ids import WindowId
from core.moments import HOUR
from exam_server.scheduling import open_window
from question_bank.blueprint_store import load_blueprint
from tests.server.booth import STREAM, Booth, Page, Staff, until
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]


async def seat_apart(booth: Booth) -> WindowId:
    """A window of the candidate's own, so that nobody else is touched."""
    now = SystemClock().now()
    async with booth.database.transaction() as connection:
        window = await open_window(connection, await load_blueprint(connection, QUICK), now - HOUR, now + HOUR, 1)
        await execute(
            connection,
            "UPDATE exam_server.booking SET window_id = :window WHERE id = :booking",
            window=window,
            booking=booth.booking,
        )
    return window


async def begin_at(booth: Booth, server: Server) -> Page:
    """The entrance at the candidate's own server, the exam at another."""
    await booth.pass_entrance()
    page = await booth.open_page(STREAM, server)
    await page.order("start")
    await page.hear("item")
    return page


async def test_a_page_elsewhere_hears_that_its_window_was_cancelled(
    house: Server, annex: Server, booths: Booths
) -> None:
    booth = await booths(house)
    window = await seat_apart(booth)
    page = await begin_at(booth, annex)
    async with await Staff.open(house, "metodist") as planner:
        answer = await planner.post(f"/staff/windows/{window}/cancel", data={"reason": "Нет света", "sure": "yes"})
        assert answer.status_code == 303, answer.text
    heard = await page.hear("ended", "snapshot")  # the job of the process that has the page may come first
    fate = (heard["ended"], heard["reason"]) if heard["type"] == "snapshot" else (heard["reason"], heard["text"])
    assert fate == ("window_cancelled", "Нет света")

    async def cancelled() -> bool:
        return await booth.fate() == "cancelled"

    await until(cancelled, "the outcome is there")
    await page.leave()


async def test_a_page_elsewhere_hears_that_its_window_closes_later(
    house: Server, annex: Server, booths: Booths
) -> None:
    booth = await booths(house)
    window = await seat_apart(booth)
    page = await begin_at(booth, annex)
    before = page.snapshot["closes_at"]
    async with await Staff.open(house, "metodist") as planner:
        moved = {"day": "2099-01-01", "time": "10:00", "reason": "Опоздание"}
        assert (await planner.post(f"/staff/windows/{window}/close", data=moved)).status_code == 422
        async with booth.database.transaction() as connection:
            await execute(
                connection,
                """UPDATE exam_server."window" SET closes_at = closes_at + :more WHERE id = :id""",
                more=HOUR,
                id=window,
            )
            await execute(
                connection,
                """INSERT INTO exam_server.window_change
                       (window_id, kind, closes_at, reason, decided_by, decided_at)
                   VALUES (:id, 'close_moved', :closes, 'Опоздание', :by, 1)""",
                id=window,
                closes=before + HOUR,
                by=planner.person,
            )
    # a job finds what somebody left undone: of the process that has the page or of the other one
    heard = await page.hear("changed", "snapshot")
    assert heard["closes_at"] == before + HOUR
    await page.leave()


async def test_an_item_withdrawn_elsewhere_is_not_shown_any_more(house: Server, annex: Server, booths: Booths) -> None:
    booth = await booths(house)
    await seat_apart(booth)
    page = await begin_at(booth, annex)
    entries = (await booth.state()).form.entries
    place = len(entries) - 3
    async with await Staff.open(house, "metodist") as methodologist:
        path = f"/staff/bank/{entries[place].item}/withdraw"
        answer = await methodologist.post(path, data={"reason": "Утечка", "sure": "yes"})
        assert answer.status_code == 303, answer.text
    heard = await page.hear("changed", "snapshot")
    assert heard["marks"][place]["withdrawn"] is True
    page.seq += 1
    refused = await page.ask({"type": "show", "seq": page.seq, "position": place})
    assert (refused["type"], refused["code"]) == ("refused", "item_locked")
    assert (await booth.state()).items[place].withdrawn
    await page.leave()
