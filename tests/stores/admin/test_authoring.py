"""The editor's requests: what is kept while one types, what becomes a version, what is refused and why."""

import re
from typing import Any

import msgspec
import pytest

from admin import authoring
from admin.authoring import LONGEST_STEM, read_letter
from core.access import Principal, Role
from core.database import fetch_all
from core.errors import Invalid
from core.ids import ItemId
from question_bank.drafts import Draft, draft_of
from question_bank.requirement_store import repeal_requirement
from question_bank.store import load_items
from question_bank.version_store import list_steps, load_line
from question_bank.working_copies import LARGEST, load_copy
from tests.stores.admin.school import School

ITEM = "ld-000"
NEW = "i000077"


@pytest.fixture
async def author(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


async def draft_in(school: School, item: str = ITEM) -> dict[str, Any]:
    async with school.database.transaction() as connection:
        line = await load_line(connection, ItemId(item))
        found = await load_items(connection, [(ItemId(item), line.latest)])
    made: dict[str, Any] = msgspec.to_builtins(draft_of(found[ItemId(item), line.latest]))
    return made


async def journaled(school: School) -> list[str]:
    async with school.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT body FROM core.outbox WHERE topic = 'journal' ORDER BY id")
    return [str(msgspec.json.decode(bytes(row["body"]))["action"]) for row in rows]


async def test_a_new_item_gets_a_number_and_opens_blank(school: School, author: Principal) -> None:
    answer = await school.get(author, "/staff/bank/new")
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert place.startswith("/staff/bank/i0")
    page = await school.get(author, place)
    assert page.status_code == 200
    assert "Новое задание" in page.text
    assert (await school.get(author, "/staff/bank/nobody/edit")).status_code == 404


async def test_what_is_typed_is_kept_and_found_again(school: School, author: Principal) -> None:
    draft = {**await draft_in(school), "stem": "Недописанное условие"}
    answer = await school.send(author, f"/staff/bank/{ITEM}/working-copy", {"based_on": 1, "draft": draft})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"saved_at": school.clock.now()}
    page = await school.get(author, f"/staff/bank/{ITEM}/edit")
    (data,) = re.findall(r'<script type="application/json" id="editor-data">(.*?)</script>', page.text, re.DOTALL)
    assert msgspec.json.decode(data)["copy"]["draft"]["stem"] == "Недописанное условие"
    async with school.database.transaction() as connection:
        copy = await load_copy(connection, author.id, ItemId(ITEM))
        assert copy is not None
        assert (copy.based_on, copy.draft.stem) == (1, "Недописанное условие")
        assert (await load_line(connection, ItemId(ITEM))).latest == 1
    assert (await school.send(author, f"/staff/bank/{ITEM}/working-copy", None, "DELETE")).status_code == 204
    async with school.database.transaction() as connection:
        assert await load_copy(connection, author.id, ItemId(ITEM)) is None


async def test_a_saved_draft_is_a_version_and_its_copy_is_gone(school: School, author: Principal) -> None:
    draft = {**await draft_in(school), "pool": "exam", "tags": ["новое"]}
    await school.send(author, f"/staff/bank/{NEW}/working-copy", {"based_on": 0, "draft": draft})
    answer = await school.send(
        author, f"/staff/bank/{NEW}/versions", {"based_on": 0, "draft": draft, "words": "Первая"}
    )
    assert answer.json() | {"saved_at": 0} == {"version": 1, "state": "draft", "saved_at": 0, "refusal": None}
    async with school.database.transaction() as connection:
        assert await load_copy(connection, author.id, ItemId(NEW)) is None
        (step,) = await list_steps(connection, ItemId(NEW))
    assert (step.what, step.words, step.done_by) == ("save", "Первая", author.id)
    assert await draft_in(school, NEW) == {**draft, "tags": ("новое",)}
    assert "bank.version_saved" in await journaled(school)


async def test_saved_and_sent_in_one_go(school: School, author: Principal) -> None:
    letter = {"based_on": 1, "draft": {**await draft_in(school), "stem": "Иначе?"}, "send": True}
    answer = await school.send(author, f"/staff/bank/{ITEM}/versions", letter)
    assert (answer.json()["version"], answer.json()["state"]) == (2, "review")
    assert (await journaled(school))[-2:] == ["bank.version_saved", "bank.version_moved"]


async def test_what_is_not_ready_is_saved_and_stays_a_draft(school: School, author: Principal) -> None:
    draft = await draft_in(school)
    draft["stages"][0]["choices"] = draft["stages"][0]["choices"][:3]
    letter = {"based_on": 1, "draft": draft, "send": True}
    answer = await school.send(author, f"/staff/bank/{ITEM}/versions", letter)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "draft"
    assert answer.json()["refusal"] == "В задании есть ошибки. Исправьте их и отправьте ещё раз."
    checked = await school.send(author, f"/staff/bank/{ITEM}/check", {"based_on": 2, "draft": draft})
    assert checked.json()["faults"]["unready"] == {"stages.0.choices": "Нужно ровно четыре варианта."}


async def test_as_one_types_there_is_advice_and_what_is_like_it_is_shown(school: School, author: Principal) -> None:
    draft = await draft_in(school)
    draft["stages"][0]["choices"][3]["text"] = "Всё перечисленное верно"
    path = f"/staff/bank/{ITEM}/check"
    found = (await school.send(author, path, {"based_on": 1, "draft": draft})).json()
    told = {(one["code"], one["field"]) for one in found["advice"]}
    assert ("all_of_these", "stages.0.choices") in told
    assert all("." in one["sentence"] for one in found["advice"])
    kept = await draft_in(school)
    letter = {"based_on": 0, "draft": kept}
    found = (await school.send(author, f"/staff/bank/{NEW}/check", letter)).json()
    likest = found["alike"][0]
    assert (likest["item"], likest["likeness"], likest["stem"]) == (ITEM, 1.0, kept["stem"])
    found = (await school.send(author, path, letter)).json()
    assert ITEM not in [one["item"] for one in found["alike"]]
    empty = {**draft, "stem": "", "stages": [], "explanation": ""}
    found = (await school.send(author, path, {"based_on": 1, "draft": empty})).json()
    assert (found["advice"], found["alike"]) == ([], [])


async def test_who_comes_second_is_shown_what_the_first_has_changed(school: School, author: Principal) -> None:
    other = await school.hire("second", Role.METHODOLOGIST)
    draft = await draft_in(school)
    first = await school.send(
        other, f"/staff/bank/{ITEM}/versions", {"based_on": 1, "draft": {**draft, "stem": "Кто?"}}
    )
    assert first.status_code == 200
    mine = {"based_on": 1, "draft": {**draft, "stem": "Что?"}}
    second = await school.send(author, f"/staff/bank/{ITEM}/versions", mine)
    assert (second.status_code, second.json()["code"]) == (409, "version_overtaken")
    newest = (await school.send(author, f"/staff/bank/{ITEM}/newest", mine)).json()
    assert (newest["version"], newest["author"]) == (2, other.name)
    assert newest["difference"]["stem"]["pieces"] == [
        {"kind": "gone", "text": "Кто"},
        {"kind": "new", "text": "Что"},
        {"kind": "same", "text": "?"},
    ]
    again = await school.send(author, f"/staff/bank/{ITEM}/versions", {**mine, "based_on": 2})
    assert again.json()["version"] == 3


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"stem": "<script>alert(1)</script>", "markup": "html"}, 422, "stem"),
        ({"stem": "а" * 10_001}, 422, "stem"),
        ({"stem": "звонок \x07"}, 422, "body"),
        ({"stem": "нуль \x00"}, 422, "body"),
        ({"colour": "red"}, 422, "body"),
        ({"stages": "нет"}, 422, "body"),
        ({"difficulty": 1.5}, 422, "difficulty"),
        ({"difficulty": None}, 422, "difficulty"),
        ({"limit": 10**12}, 422, "limit"),
        ({"limit": 10**30}, 422, "limit"),
        ({"requirement": "нет такого"}, 422, "requirement"),
        ({"stem": '<img data-asset="nobody-has-it" alt="x">', "markup": "html"}, 422, "asset"),
        ({"tags": ["а" * 61]}, 422, "tags"),
    ],
)
async def test_a_hostile_draft_is_refused_by_name_and_nothing_is_kept(
    school: School, author: Principal, change: dict[str, Any], status: int, field: str
) -> None:
    letter = {"based_on": 1, "draft": {**await draft_in(school), **change}}
    answer = await school.send(author, f"/staff/bank/{ITEM}/versions", letter)
    assert answer.status_code == status, answer.text
    assert field in answer.json()["fields"], answer.text
    async with school.database.transaction() as connection:
        assert (await load_line(connection, ItemId(ITEM))).latest == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{}", b'{"based_on":1}', b"[" * 100_000])
async def test_what_is_no_letter_is_refused(school: School, author: Principal, body: bytes) -> None:
    for name in ("check", "working-copy", "newest", "versions"):
        answer = await school.send(author, f"/staff/bank/{ITEM}/{name}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "draft_invalid"), name


async def test_a_text_without_end_is_not_kept(school: School, author: Principal) -> None:
    large = {"based_on": 1, "draft": {**await draft_in(school), "stem": "а" * (LARGEST // 2 + 500)}}
    answer = await school.send(author, f"/staff/bank/{ITEM}/working-copy", large)
    assert (answer.status_code, answer.json()["code"]) == (413, "copy_too_large")
    async with school.database.transaction() as connection:
        assert await load_copy(connection, author.id, ItemId(ITEM)) is None


async def test_lone_surrogates_are_no_text() -> None:
    with pytest.raises(Invalid, match="draft_invalid"):
        read_letter(b'{"based_on":0,"draft":{"stem":"\\ud800","stages":[]}}')


async def test_stages_without_end_are_not_looked_at() -> None:
    stages = ",".join(['{"choices":[]}'] * 4_000)
    with pytest.raises(Invalid, match="draft_invalid"):
        read_letter(f'{{"based_on":0,"draft":{{"stem":"","stages":[{stages}]}}}}'.encode())


async def test_only_numbers_that_the_bank_gives_become_items(school: School, author: Principal) -> None:
    kept = await draft_in(school)
    letter = {"based_on": 0, "draft": kept}
    for item in ("mine", "i1", "i00000x", "../x"):
        answer = await school.send(author, f"/staff/bank/{item}/versions", letter)
        assert answer.status_code == 404, item


async def test_a_repealed_requirement_is_told_and_not_found_any_more(school: School, author: Principal) -> None:
    draft = await draft_in(school)
    path = f"/staff/bank/find/requirements?q={draft['requirement'].lower()}"
    assert [one["code"] for one in (await school.get(author, path)).json()["found"]] == [draft["requirement"]]
    async with school.database.transaction() as connection:
        await repeal_requirement(
            connection, draft["speciality"], draft["requirement"], author.id, "Приказ", school.clock.now()
        )
    assert (await school.get(author, path)).json()["found"] == []
    checked = await school.send(author, f"/staff/bank/{ITEM}/check", {"based_on": 1, "draft": draft})
    assert checked.json()["faults"]["unready"] == {"requirement": "Требование отменено. Выберите действующее."}


async def test_enemies_are_saved_with_the_version(school: School, author: Principal) -> None:
    letter = {"based_on": 1, "draft": await draft_in(school), "enemies": ["ld-001"]}
    assert (await school.send(author, f"/staff/bank/{ITEM}/versions", letter)).json()["version"] == 1
    async with school.database.transaction() as connection:
        sheet = await authoring.open_editor(connection, ItemId("ld-001"), author, school.clock.now())
        assert sheet.enemies == (ITEM,)
        (named,) = await authoring.list_stems(connection, sheet.enemies)
    assert named.item == ITEM
    assert 0 < len(named.stem) <= LONGEST_STEM
    unknown = await school.send(author, f"/staff/bank/{ITEM}/versions", {**letter, "enemies": ["nobody"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "item_unknown")


async def test_without_the_token_nothing_is_written(school: School, author: Principal) -> None:
    answer = await school.send(author, f"/staff/bank/{ITEM}/versions", {"based_on": 1}, token="")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


def test_a_blank_draft_is_a_four_option_item_to_be_filled_in() -> None:
    draft: Draft = authoring.blank_draft()
    assert [choice.role for choice in draft.stages[0].choices] == ["distractor"] * 4
    assert (draft.level, draft.difficulty, draft.limit, draft.pool) == ("application", 0.7, 60_000, "exam")
