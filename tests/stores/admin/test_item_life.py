"""An item's page: two people, four eyes, what was said, ratings that lead nobody, versions compared."""

from collections.abc import Sequence

import msgspec
import pytest

from core.access import Principal, Role
from core.database import fetch_all
from core.ids import ItemId
from core.moments import SECOND
from question_bank.drafts import draft_of
from question_bank.store import load_items
from question_bank.version_store import list_steps, load_line
from tests.stores.admin.school import School

ITEM = "ld-000"
PAGE = f"/staff/bank/{ITEM}"


@pytest.fixture
async def author(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


@pytest.fixture
async def reviewer(school: School) -> Principal:
    return await school.hire("reviewer", Role.METHODOLOGIST)


async def write(school: School, who: Principal, based_on: int = 1, **changes: object) -> None:
    async with school.database.transaction() as connection:
        item = (await load_items(connection, [(ItemId(ITEM), based_on)]))[ItemId(ITEM), based_on]
    draft = msgspec.to_builtins(draft_of(item)) | changes
    answer = await school.send(who, f"{PAGE}/versions", {"based_on": based_on, "draft": draft})
    assert answer.status_code == 200, answer.text
    school.clock.advance(SECOND)


async def moved(school: School, who: Principal, version: int, move: str, words: str = "") -> int:
    answer = await school.post(who, f"{PAGE}/move?version={version}", move=move, words=words)
    school.clock.advance(SECOND)
    return answer.status_code


async def states(school: School) -> Sequence[tuple[int, str]]:
    async with school.database.transaction() as connection:
        return [(row.version, row.state) for row in (await load_line(connection, ItemId(ITEM))).versions]


async def test_two_people_bring_a_version_into_force(school: School, author: Principal, reviewer: Principal) -> None:
    await write(school, author, stem="Что делают первым?")
    assert await moved(school, author, 2, "send") == 303
    own = (await school.get(author, f"{PAGE}?version=2")).text
    assert "Вы автор этой версии: утвердит другой методист." in own
    assert 'value="approve"' not in own
    assert await moved(school, author, 2, "approve") == 403
    assert 'value="approve"' in (await school.get(reviewer, f"{PAGE}?version=2")).text
    assert await moved(school, reviewer, 2, "approve") == 303
    assert await moved(school, reviewer, 2, "activate") == 303
    assert await states(school) == [(2, "active"), (1, "retired")]
    async with school.database.transaction() as connection:
        steps = [(step.version, step.what) for step in await list_steps(connection, ItemId(ITEM))]
        rows = await fetch_all(connection, "SELECT body FROM core.outbox WHERE topic = 'journal' ORDER BY id")
    assert steps == [(2, "save"), (2, "send"), (2, "approve"), (1, "replace"), (2, "activate")]
    noted = [msgspec.json.decode(bytes(row["body"])) for row in rows]
    assert [one["fields"]["move"] for one in noted if one["action"] == "bank.version_moved"] == [
        "send", "approve", "activate",
    ]  # fmt: skip


async def test_a_version_goes_back_with_words_only(school: School, author: Principal, reviewer: Principal) -> None:
    await write(school, author, stem="Что делают первым?")
    await moved(school, author, 2, "send")
    silent = await school.post(reviewer, f"{PAGE}/move?version=2", move="return", words=" ")
    assert silent.status_code == 409
    assert "Напишите, почему." in silent.text
    assert await moved(school, reviewer, 2, "return", "Уточните <b>дозу</b>.") == 303
    page = (await school.get(author, f"{PAGE}?version=2")).text
    assert "Уточните &lt;b&gt;дозу&lt;/b&gt;." in page
    assert (await states(school))[0] == (2, "draft")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("move?version=1", {"move": "explode"}, 422),
        ("move?version=1", {"move": "approve"}, 409),
        ("move?version=7", {"move": "retire", "words": "x"}, 404),
        ("move", {"move": "retire"}, 404),
        ("move?version=99999999999999999", {"move": "retire"}, 404),
        ("comment?version=1", {"comment": " "}, 422),
        ("comment?version=1", {"comment": "а" * 2_001}, 422),
        ("rate?version=1", {"rating": "101"}, 422),
        ("rate?version=1", {"rating": "-1"}, 422),
        ("rate?version=1", {"rating": "много"}, 422),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page(
    school: School, author: Principal, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await school.post(author, f"{PAGE}/{path}", **fields)
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert await states(school) == [(1, "active")]


async def test_comments_stand_at_their_field(school: School, author: Principal) -> None:
    for field in ("stages.0.choices", "stages.0.nothing", "stem"):
        assert (
            await school.post(author, f"{PAGE}/comment?version=1", comment="Верно?", field=field)
        ).status_code == 303
    async with school.database.transaction() as connection:
        steps = await list_steps(connection, ItemId(ITEM))
    assert [step.field for step in steps] == ["stages.0.choices", "", "stem"]
    assert "Шаг 1: Варианты ответа" in (await school.get(author, PAGE)).text


async def test_ratings_of_others_are_hidden_until_ones_own_is_given(
    school: School, author: Principal, reviewer: Principal
) -> None:
    assert (await school.post(reviewer, f"{PAGE}/rate?version=1", rating="40")).status_code == 303
    before = (await school.get(author, PAGE)).text
    assert "Оценок: 1" in before
    assert reviewer.name not in before
    assert (await school.post(author, f"{PAGE}/rate?version=1", rating="60")).status_code == 303
    after = (await school.get(author, PAGE)).text
    assert reviewer.name in after
    assert "50,0" in after
    assert "14,1" in after


async def test_two_versions_are_compared_in_the_text(school: School, author: Principal) -> None:
    await write(school, author, stem="Что делают первым?", limit=90_000)
    page = (await school.get(author, f"{PAGE}?version=2&against=1")).text
    assert "Чем версия 2 отличается от версии 1" in page
    assert "<ins>" in page
    assert "<del>" in page
    assert "<ins>1 мин 30 с</ins>" in page.replace("\u00a0", " ")
    await moved(school, author, 2, "send")
    assert "Чем версия 2 отличается от версии 1" in (await school.get(author, f"{PAGE}?version=2")).text
    for against in ("2", "9", "x", ""):
        assert "Зачёркнуто то" not in (await school.get(author, f"{PAGE}?version=2&against={against}")).text


async def test_an_unfinished_edit_is_told_on_the_page(school: School, author: Principal, reviewer: Principal) -> None:
    async with school.database.transaction() as connection:
        item = (await load_items(connection, [(ItemId(ITEM), 1)]))[ItemId(ITEM), 1]
    letter = {"based_on": 1, "draft": msgspec.to_builtins(draft_of(item))}
    await school.send(author, f"{PAGE}/working-copy", letter)
    assert "У вас есть несохранённая правка." in (await school.get(author, PAGE)).text
    assert "У вас есть несохранённая правка." not in (await school.get(reviewer, PAGE)).text
