import httpx
import pytest

from core.access import LOGIN_COOKIE, create_person
from core.access.roles import Role
from core.moments import MINUTE
from core.web import csrf
from tests.stores.cabinet.centre import SECRET, Browser, Centre, plain

PASSWORD = "верный пароль 2026"


@pytest.fixture
async def visitor(centre: Centre) -> Browser:
    """Somebody at the sign-in page; Vera has an account."""
    async with centre.database.transaction() as connection:
        await create_person(
            connection,
            login="vera",
            password=PASSWORD,
            family_name="Ким",
            roles=[Role.CANDIDATE],
            now=centre.clock.now(),
        )
    browser = await centre.browser()
    await browser.read("/login")
    browser.csrf = csrf.token(SECRET, "visitor:" + browser.cookies["visitor"])
    return browser


async def sign_in(browser: Browser, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await browser.submit("/login", login="Vera", password=password, **more)


async def test_the_front_page_says_what_this_is_and_where_to_go(centre: Centre) -> None:
    text = await (await centre.browser()).read("/")
    assert "Аккредитация медицинских работников" in text
    assert 'href="/login"' in text
    assert 'href="/register"' in text


@pytest.mark.parametrize(
    ("role", "home"), [(Role.CANDIDATE, "/cabinet"), (Role.PROCTOR, "/staff"), (Role.EMPLOYER, "/register")]
)
async def test_whoever_is_signed_in_goes_straight_home(centre: Centre, role: Role, home: str) -> None:
    browser = await centre.browser(await centre.person("someone", role))
    for path in ("/", "/login"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_the_right_password_leads_to_the_page_that_was_asked_for(visitor: Browser) -> None:
    asked = await visitor.get("/cabinet/windows?exam=a&page=2")
    assert asked.status_code == 303
    page = plain((await visitor.get(asked.headers["location"])).text)
    assert 'name="next" value="/cabinet/windows?exam=a&amp;page=2"' in page
    answer = await sign_in(visitor, next="/cabinet/windows?exam=a&page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cabinet/windows?exam=a&page=2")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "Ким" in await visitor.read("/cabinet")


@pytest.mark.parametrize("wanted", ["https://evil.test/", "//evil.test", "/\\evil.test", "", "/login", "//["])
async def test_signing_in_never_leads_away(visitor: Browser, wanted: str) -> None:
    assert (await sign_in(visitor, next=wanted)).headers["location"] == "/cabinet"


async def test_a_wrong_password_is_said_clearly_and_what_was_typed_is_text(visitor: Browser) -> None:
    answer = await visitor.submit("/login", login='"><script>alert(1)</script>', password="неверный")
    text = plain(answer.text)
    assert answer.status_code == 401
    assert "Войти не удалось" in text
    assert "Логин или пароль не подходят" in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "неверный" not in text
    assert LOGIN_COOKIE not in answer.cookies


@pytest.mark.parametrize(
    ("login", "password", "said", "unsaid"),
    [
        ("", "", ("Введите логин.", "Введите пароль."), ()),
        ("  ", "x", ("Введите логин.",), ("Введите пароль.",)),
        ("vera", "", ("Введите пароль.",), ("Введите логин.",)),
        ("v" * 300, "x", ("Введите логин.",), ()),
    ],
)
async def test_an_empty_field_is_named_at_the_field(
    visitor: Browser, login: str, password: str, said: tuple[str, ...], unsaid: tuple[str, ...]
) -> None:
    answer = await visitor.submit("/login", login=login, password=password)
    text = plain(answer.text)
    assert answer.status_code == 422
    assert all(sentence in text for sentence in said)
    assert not any(sentence in text for sentence in unsaid)
    assert 'aria-invalid="true"' in text


async def test_too_many_failures_lock_the_sign_in_for_a_while(centre: Centre, visitor: Browser) -> None:
    for _ in range(5):
        assert (await sign_in(visitor, "неверный")).status_code == 401
    answer = await sign_in(visitor)
    text = plain(answer.text)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert "Вход ненадолго закрыт" in text
    assert "Повторите через 10 минут." in text
    centre.clock.advance(11 * MINUTE)
    assert (await sign_in(visitor)).status_code == 303


async def test_the_lock_is_told_in_english_too(centre: Centre, visitor: Browser) -> None:
    visitor.headers["accept-language"] = "en"
    for _ in range(5):
        await sign_in(visitor, "неверный")
    centre.clock.advance(9 * MINUTE + 1)
    assert "Try again in 1 minute." in plain((await sign_in(visitor)).text)


async def test_a_form_of_another_page_is_refused(visitor: Browser) -> None:
    visitor.csrf = "another"
    answer = await sign_in(visitor)
    assert answer.status_code == 403
    assert LOGIN_COOKIE not in answer.cookies


async def test_signing_out_ends_the_login_on_the_server(centre: Centre) -> None:
    browser = await centre.browser(await centre.person("vera"))
    token = browser.cookies[LOGIN_COOKIE]
    assert (await browser.get("/cabinet")).status_code == 200
    answer = await browser.submit("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert LOGIN_COOKIE not in browser.cookies
    browser.cookies.set(LOGIN_COOKIE, token, domain="exam.test")
    assert (await browser.get("/cabinet")).headers["location"] == "/login?next=/cabinet"


async def test_signing_out_by_a_foreign_form_is_refused(centre: Centre) -> None:
    browser = await centre.browser(await centre.person("vera"))
    browser.csrf = ""
    assert (await browser.submit("/logout")).status_code == 403
    assert (await browser.get("/cabinet")).status_code == 200


async def test_signing_in_again_ends_the_login_before(centre: Centre, visitor: Browser) -> None:
    await sign_in(visitor)
    first = visitor.cookies[LOGIN_COOKIE]
    page = await visitor.read("/cabinet")
    visitor.csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    await sign_in(visitor)
    assert visitor.cookies[LOGIN_COOKIE] != first
    stale = await centre.browser()
    stale.cookies.set(LOGIN_COOKIE, first, domain="exam.test")
    assert (await stale.get("/cabinet")).status_code == 303


async def test_passwords_are_shown_only_where_this_is_a_demonstration(centre: Centre, visitor: Browser) -> None:
    assert "Демонстрация" not in await visitor.read("/login")
    centre.app.state.demo_people = (
        ("vera", PASSWORD, "Аккредитуемая", "Соколова Вера"),
        ("x", "<b>пароль", "Проктор <i>", "Зимин <u>"),
    )
    text = await visitor.read("/login")
    assert "Аккредитуемая" in text
    assert "Соколова Вера" in text
    assert "Зимин &lt;u&gt;" in text
    assert PASSWORD in text
    assert "&lt;b&gt;пароль" in text
    assert "Проктор &lt;i&gt;" in text
    assert "<b>пароль" not in text


async def test_the_password_field_is_made_for_password_managers(visitor: Browser) -> None:
    text = await visitor.read("/login")
    assert 'autocomplete="username"' in text
    assert 'autocomplete="current-password"' in text
    assert 'data-shows="f-password"' in text
