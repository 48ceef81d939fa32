"""The page of one's own account, and what a password that somebody else chose still opens."""

import pytest

from core.access import LOGIN_COOKIE, Principal, Role, principal_of, set_password
from core.access.people import FAILURES_OWN
from core.moments import MINUTE
from tests.stores.cabinet.centre import EXAM, Browser, Centre, plain

GIVEN = "выдан и записан"
OWN = "собственный, новый"


async def given(centre: Centre, login: str = "vera", *roles: Role) -> tuple[Principal, Browser]:
    """Somebody whose password an operator set, signed in."""
    who = await centre.person(login, *roles)
    async with centre.database.transaction() as connection:
        await set_password(connection, who.id, GIVEN)
    return who, await centre.browser(who)


async def change(browser: Browser, old: str = GIVEN, new: str = OWN, again: str = OWN, **more: str) -> tuple[int, str]:
    """The status and, of a page, its text; else where it leads."""
    answer = await browser.submit("/account", old=old, password=new, again=again, **more)
    return answer.status_code, answer.headers.get("location", plain(answer.text))


@pytest.mark.parametrize("path", ["/cabinet", "/cabinet/windows", "/cabinet/practice"])
async def test_a_given_password_leads_to_its_page_and_back(centre: Centre, path: str) -> None:
    _, browser = await given(centre)
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/account?next={path}")
    assert "Придумайте свой пароль" in await browser.read(answer.headers["location"])
    assert await change(browser, next=path) == (303, f"/account?done=1&next={path}")
    page = await browser.read(f"/account?done=1&next={path}")
    assert "Пароль изменён" in page
    assert f'href="{path}"' in page
    await browser.read(path)


async def test_whoever_signs_in_with_it_is_led_there_at_once(centre: Centre) -> None:
    await given(centre, "boss", Role.EMPLOYER)
    browser = await centre.browser()
    page = await browser.read("/login")
    browser.csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    answer = await browser.submit("/login", login="boss", password=GIVEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert (await browser.get("/")).headers["location"] == "/account"


async def test_this_login_stays_and_the_others_are_closed(centre: Centre) -> None:
    who, here = await given(centre)
    there = await centre.browser(who)
    await there.get("/cabinet")
    assert (await change(here))[0] == 303
    await here.read("/cabinet")
    assert (await there.get("/cabinet")).headers["location"] == "/login?next=/cabinet"
    async with centre.database.transaction() as connection:
        assert await principal_of(connection, there.cookies[LOGIN_COOKIE], centre.clock.now()) is None


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("", "", "", ("Введите нынешний пароль.", "Введите новый пароль.")),
        (GIVEN, OWN, OWN + "!", ("Пароли не совпадают.",)),
        (GIVEN, "коротко", "коротко", ("Не короче 8 символов.",)),
        (GIVEN, GIVEN, GIVEN, ("Новый пароль совпадает с нынешним.",)),
        ("другой пароль", OWN, OWN, ("Нынешний пароль введён неверно.",)),
        (GIVEN, "я" * 2_000, "я" * 2_000, ("Введите новый пароль.",)),
    ],
)
async def test_what_is_wrong_is_said_at_the_field_and_no_password_comes_back(
    centre: Centre, old: str, new: str, again: str, said: tuple[str, ...]
) -> None:
    _, browser = await given(centre)
    status, text = await change(browser, old, new, again)
    assert status == 422
    assert "Пароль не изменён" in text
    assert all(sentence in text for sentence in said)
    assert 'aria-invalid="true"' in text
    assert not [typed for typed in (GIVEN, OWN, "другой пароль") if typed in text]


async def test_guessing_is_slowed_down(centre: Centre) -> None:
    _, browser = await given(centre)
    for _ in range(FAILURES_OWN):
        assert (await change(browser, "не тот пароль"))[0] == 422
    status, text = await change(browser)
    assert status == 429
    assert "Повторите через 10 минут." in text
    centre.clock.advance(10 * MINUTE)
    assert (await change(browser))[0] == 303


async def test_an_exam_that_runs_is_one_step_away(centre: Centre) -> None:
    who = await centre.person("vera")
    await centre.admit(who)
    sitting = await centre.enter(who, await centre.book(who, await centre.window(EXAM)))
    await centre.start(sitting)
    async with centre.database.transaction() as connection:
        await set_password(connection, who.id, GIVEN)
    page = await (await centre.browser(who)).read("/account")
    assert "У вас идёт тестирование" in page
    assert f'href="/exam/{sitting}"' in page


async def test_the_page_is_for_whoever_is_signed_in_and_leads_nowhere_else(centre: Centre) -> None:
    assert (await (await centre.browser()).get("/account")).headers["location"] == "/login?next=/account"
    browser = await centre.browser(await centre.person("anna", Role.PROCTOR))
    for elsewhere in ("https://evil.test/", "//evil.test/"):
        page = await browser.read(f"/account?next={elsewhere}")
        assert '<input type="hidden" name="next" value="/staff">' in page
        assert '<a href="/staff">Вернуться без изменений</a>' in page
    browser.csrf = "another"
    assert (await change(browser))[0] == 403


async def test_it_speaks_english_too(centre: Centre) -> None:
    _, browser = await given(centre)
    browser.headers["accept-language"] = "en"
    status, text = await change(browser, new="short", again="short")
    assert status == 422
    assert "At least 8 characters." in text
    assert "Present password" in text
