"""Practice in the cabinet: begun with one button, read afterwards by requirement, and nobody else's."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from msgspec.structs import replace

from cabinet.practice import load_practice_page
from core.access.roles import Principal
from core.blobs import Blobs
from core.ids import AssetId, BlueprintId, ItemId, SittingId
from core.moments import MINUTE
from exam_server.commands import Attach, Respond, Show, Start, Submit
from exam_server.store import load_sitting
from question_bank.asset_store import keep_asset
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Cell
from question_bank.items import Item, Role, make_stage
from question_bank.pictures import redraw
from question_bank.store import load_items, publish_items
from tests.stores.cabinet.centre import EXAM, EXPLAINING, NURSING, PRACTICE, Centre


async def practise(centre: Centre, candidate: Principal, right: int, exam: str = PRACTICE.id) -> SittingId:
    """A whole run begun from the cabinet: the first `right` items rightly, the others wrongly."""
    browser = await centre.browser(candidate)
    answer = await browser.submit("/cabinet/practice", exam=exam)
    assert answer.status_code == 303, answer.text
    sitting = SittingId(int(answer.headers["location"].removeprefix("/exam/")))
    async with centre.database.transaction() as connection:
        form = (await load_sitting(connection, sitting)).form
        items = await load_items(connection, [(entry.item, entry.version) for entry in form.entries])
    await centre.obey(sitting, [Attach("browser01"), Start(1)])
    seq = 1
    for position, entry in enumerate(form.entries):
        role = Role.KEY if position < right else Role.DISTRACTOR
        choices = items[entry.item, entry.version].stages[0].choices
        value = next(choice.id for choice in choices if choice.role is role)
        await centre.obey(sitting, [Show(seq + 1, position), Respond(seq + 2, position, 0, (value,))])
        seq += 2
    centre.clock.advance(3 * MINUTE)
    await centre.obey(sitting, [Submit(seq + 1)])
    await centre.conclude(sitting)
    return sitting


async def test_a_run_is_begun_and_gone_on_with_from_the_page(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    browser = await centre.browser(somebody)
    page = await browser.read("/cabinet/practice")
    assert "Вы ещё не тренировались" in page
    assert page.count('action="/cabinet/practice"') == 2
    assert EXAM.title not in page
    assert "Пояснение открывается после каждого задания." in page
    begun = await browser.submit("/cabinet/practice", exam=EXPLAINING.id)
    assert (begun.status_code, begun.headers["location"][:6]) == (303, "/exam/")
    page = await browser.read("/cabinet/practice")
    assert "Вы не закончили тренировку" in page
    assert f'href="{begun.headers["location"]}"' in page
    assert 'action="/cabinet/practice"' not in page
    refused = await browser.submit("/cabinet/practice", exam=PRACTICE.id)
    assert (refused.status_code, "Сначала завершите начатую" in refused.text.replace("\N{NO-BREAK SPACE}", " ")) == (
        409,
        True,
    )
    assert (await browser.submit("/cabinet/practice", exam=EXAM.id)).status_code in (404, 409)


async def test_an_exam_is_not_begun_as_practice(centre: Centre, candidate: Principal) -> None:
    browser = await centre.browser(candidate)
    for exam in (EXAM.id, "nothing", ""):
        assert (await browser.submit("/cabinet/practice", exam=exam)).status_code == 404


async def test_errors_stand_by_requirement_with_the_reason(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    first = await practise(centre, somebody, 3)
    await practise(centre, somebody, 5)
    async with centre.database.transaction() as connection:
        practice = await load_practice_page(connection, somebody.id)
    (area,) = practice.areas
    assert (area.code, area.title, area.share) == ("СД-01", "Безопасная среда", Fraction(8, 10))
    assert [point.share for point in area.points] == [Fraction(3, 5), Fraction(1)]
    assert len(area.mistakes) == 2
    browser = await centre.browser(somebody)
    page = await browser.read("/cabinet/practice")
    assert "Ошибки по требованиям" in page
    for mistake in area.mistakes:
        assert mistake.explanation.explanation in page
    assert "верно 80 %" in page
    assert "2 тренировки" in page
    assert "<polyline" in page
    run = await browser.read(f"/cabinet/practice/{first}")
    assert "3 из 5 баллов" in run
    assert run.count("<details") == 5
    assert run.count(" open>") == 2
    assert "Почему так" in run
    english = await (await centre.browser(somebody, "en")).read(f"/cabinet/practice/{first}")
    assert "Review of a practice run" in english


async def test_what_goes_right_later_is_said_to_be_mended(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    await practise(centre, somebody, 0)
    await practise(centre, somebody, 5)
    async with centre.database.transaction() as connection:
        practice = await load_practice_page(connection, somebody.id)
    mistakes = practice.areas[0].mistakes
    assert len(mistakes) == 5
    # Five of seven items in each run: at least three of them came twice.
    assert sum(one.mended for one in mistakes) >= 3
    assert [one.mended for one in mistakes] == sorted(one.mended for one in mistakes)


async def test_a_run_is_its_candidates_own(centre: Centre, candidate: Principal) -> None:
    somebody = await centre.person("somebody")
    sitting = await practise(centre, somebody, 1)
    other = await centre.browser(candidate)
    assert (await other.get(f"/cabinet/practice/{sitting}")).status_code == 404
    exam = await centre.take(candidate, await centre.book(candidate, await centre.window()), 5)
    assert (await other.get(f"/cabinet/practice/{exam}")).status_code == 403
    assert (await other.get("/cabinet/practice/99999")).status_code == 404
    assert "Вы ещё не тренировались" in await other.read("/cabinet/practice")


async def test_a_run_that_is_not_finished_leads_to_its_state(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    browser = await centre.browser(somebody)
    begun = await browser.submit("/cabinet/practice", exam=EXPLAINING.id)
    sitting = begun.headers["location"].removeprefix("/exam/")
    answer = await browser.get(f"/cabinet/practice/{sitting}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cabinet/results/{sitting}")
    await centre.obey(SittingId(int(sitting)), [Attach("browser01"), Start(1), Submit(2)])
    await centre.conclude(SittingId(int(sitting)))
    page = await browser.read(f"/cabinet/results/{sitting}")
    assert f'href="/cabinet/practice/{sitting}"' in page
    assert "задания ещё встретятся другим" not in page


async def test_practice_changes_nothing_in_the_cabinet_of_accreditation(centre: Centre, candidate: Principal) -> None:
    async def told() -> str:
        page = await (await centre.browser(candidate)).read("/cabinet")
        return page.partition("<main")[2].partition("</main>")[0]

    before = await told()
    await practise(centre, candidate, 5)
    assert await told() == before
    assert "Тренировка" in before


async def test_rich_texts_are_shown_clean_with_signed_pictures(centre: Centre, tmp_path: Path) -> None:
    blobs = Blobs.in_folder(tmp_path, {"k": bytes(32)})
    picture = redraw(cv2.imencode(".png", np.zeros((20, 30, 3), np.uint8))[1].tobytes())
    item = ItemId("p-rich")
    options = tuple((f"<em>{letter}</em>", Role.KEY if letter == "а" else Role.DISTRACTOR) for letter in "абвг")
    rich = Item(
        item,
        1,
        NURSING,
        "СД-03",
        "recall",
        0.6,
        15 * MINUTE,
        '<p>Плёнка: <img data-asset="plenka" alt="Полоска"></p>',
        (make_stage(item, 1, 0, "choice", options),),
        "<ul><li>раз</li></ul>",
        "practice",
        ("Приказ, п. 3",),
        "html",
    )
    exam = replace(PRACTICE, id=BlueprintId("rich"), cells=(Cell("СД-03", "four_option", 1),))
    async with centre.database.transaction() as connection:
        await keep_asset(connection, blobs, AssetId("plenka"), picture, centre.clock.now())
        await publish_items(connection, [rich], centre.clock.now())
        await save_blueprint(connection, exam, centre.clock.now())
    somebody = await centre.person("somebody")
    sitting = await practise(centre, somebody, 0, exam.id)
    browser = await centre.browser(somebody)
    for path in ("/cabinet/practice", f"/cabinet/practice/{sitting}"):
        page = (await browser.get(path)).text
        assert "<ul><li>раз</li></ul>" in page
        assert "<em>а</em>" in page
        assert f'src="/exam/{sitting}/media/plenka?position=0&amp;until=' in page
        assert 'alt="Полоска" width="30" height="20"' in page
        assert "data-asset" not in page
        assert "Приказ, п." in page.replace("\N{NO-BREAK SPACE}", " ")
