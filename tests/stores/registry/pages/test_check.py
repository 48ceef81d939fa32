from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from core.clock import ManualClock
from core.database import Database
from core.settings import Settings
from core.web.pages import Pages
from registry import store
from registry.entries import Status, suspend
from registry.lookup import Answer
from registry.notices import Kind
from registry.pages import routes
from registry.pages.check import TONES, sentence
from tests.stores.registry.conftest import Receive
from tests.unit.registry.samples import ANNA, MEDICINE, annulled, passed


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=routes)
    app.state.settings, app.state.database, app.state.clock = Settings(), database, clock
    app.state.pages, app.state.csrf_secret = Pages(["registry"]), bytes(32)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


def shown(answer: httpx.Response) -> str:
    """The page's text as a person reads it: no-break spaces are spaces."""
    return " ".join(answer.text.replace("\N{NO-BREAK SPACE}", " ").split())


async def entered(receive: Receive) -> str:
    number = (await receive(passed(1))).number
    assert number is not None
    return number


async def test_the_empty_form_asks_one_question(site: httpx.AsyncClient) -> None:
    answer = await site.get("/register")
    assert answer.status_code == 200
    assert answer.text.count('name="q"') == 1
    assert "noindex" in answer.text
    assert "field--invalid" not in answer.text
    assert "aria-invalid" not in answer.text


async def test_a_number_is_answered_with_a_sentence_first(site: httpx.AsyncClient, receive: Receive) -> None:
    number = await entered(receive)
    for answer in (await site.get("/register", params={"q": number}), await site.get(f"/register/{number}")):
        assert answer.status_code == 200
        page = shown(answer)
        assert "Аккредитация действительна до 14 мая 2031 года" in page
        assert page.index("Аккредитация действительна") < page.index("<dl")
        assert ANNA.name in page
        assert f"<dd>{number}</dd>" in page
        assert "14 февраля 1990" not in page


async def test_a_name_is_answered_without_the_whole_number(site: httpx.AsyncClient, receive: Receive) -> None:
    number = await entered(receive)
    answer = await site.get("/register", params={"q": "иванова анна петровна лечебное дело"})
    assert "Аккредитация действительна до 14 мая 2031 года" in shown(answer)
    assert number not in answer.text


async def test_namesakes_come_with_a_hint(site: httpx.AsyncClient, receive: Receive) -> None:
    await receive(passed(1))
    await receive(passed(2, person=replace(ANNA, reference="person-2")))
    answer = await site.get("/register", params={"q": "Иванова Анна Петровна, лечебное дело"})
    assert shown(answer).count("Аккредитация действительна до") == 2
    assert "попросите у него номер записи" in shown(answer)


async def test_a_replaced_entry_links_to_the_new_one(site: httpx.AsyncClient, receive: Receive) -> None:
    number = await entered(receive)
    successor = (await receive(passed(2))).number
    answer = await site.get(f"/register/{number}")
    assert "Запись заменена новой" in shown(answer)
    assert f'href="/register/{successor}"' in answer.text


async def test_a_suspension_shows_without_its_reason(
    site: httpx.AsyncClient, receive: Receive, database: Database
) -> None:
    receipt = await receive(passed(1))
    assert receipt.number is not None
    async with database.transaction() as connection:
        entry = await store.entry(connection, receipt.number)
        assert entry is not None
        await store.change_entry(connection, suspend(entry, "Тайная причина"), "person:1", 1)
    answer = await site.get(f"/register/{receipt.number}")
    assert "Аккредитация приостановлена" in shown(answer)
    assert "Тайная" not in answer.text


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("77-2026-0000-0000-0001-00", 422, "контрольные цифры не сходятся"),
        ("77-2026-0000-0000-0000-36", 404, "Записи с таким номером в реестре нет"),
        ("123", 422, "состоит из 20 цифр"),
        ("Петрова Анна, лечебное дело", 404, "нет записи на это имя"),
        ("Иванова Анна", 422, "Добавьте к имени специальность"),
        ("Иванова лечебное дело", 422, "Укажите фамилию и имя полностью"),
        ("я" * 5000, 422, "Запрос слишком длинный"),
        ("\0", 422, "Добавьте к имени специальность"),
    ],
)
async def test_what_is_not_found_is_explained_at_the_field(
    site: httpx.AsyncClient, receive: Receive, query: str, status: int, words: str
) -> None:
    await receive(passed(1))
    answer = await site.get("/register", params={"q": query})
    assert answer.status_code == status
    assert words in shown(answer)
    assert 'aria-invalid="true"' in answer.text


async def test_what_was_typed_is_text_and_not_markup(site: httpx.AsyncClient) -> None:
    for answer in (
        await site.get("/register", params={"q": '"><script>alert(1)</script>'}),
        await site.get('/register/"><script>alert(1)<'),
    ):
        assert answer.status_code == 422
        assert "<script>alert" not in answer.text


async def test_checks_in_a_row_are_slowed_down(site: httpx.AsyncClient, clock: ManualClock, receive: Receive) -> None:
    number = await entered(receive)
    statuses = [(await site.get(f"/register/{number}")).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    refused = await site.get("/register", params={"q": number})
    assert "действительна" not in refused.text
    assert "Слишком много проверок подряд" in shown(refused)
    assert (await site.get("/register")).status_code == 200
    clock.advance(3_000)
    assert (await site.get(f"/register/{number}")).status_code == 200


async def test_the_page_speaks_english_too(site: httpx.AsyncClient, receive: Receive) -> None:
    number = await entered(receive)
    await receive(annulled(2, of=1))
    answer = await site.get(f"/register/{number}", headers={"accept-language": "en"})
    assert "The entry is annulled and confirms no accreditation" in answer.text
    missing = await site.get("/register/12", headers={"accept-language": "en"})
    assert "An entry's number has 20 digits" in missing.text.replace("&#39;", "'")


def test_every_status_has_its_sentence_in_both_languages() -> None:
    assert TONES.keys() == set(Status)
    said = set()
    for status in Status:
        answer = Answer("77", "Ли Мария", MEDICINE, Kind.PRIMARY, status, date(2026, 1, 31), date(2027, 1, 31), None)
        said |= {sentence(answer, lang).replace("\N{NO-BREAK SPACE}", " ") for lang in ("ru", "en")}
    assert len(said) == 2 * len(Status)
    assert "Аккредитация не действует: срок закончился 31 января 2027 года" in said
    assert "The accreditation is valid until 31 January 2027" in said
