"""Many items at once: foreseen, done in chunks, every refusal told; four eyes hold for each."""

import re
from collections.abc import Sequence
from html import unescape

import pytest
from msgspec.structs import replace

from admin import bulk
from admin.authoring import actor_of
from admin.bulk import CHUNK, Foreseen, carry_out, foresee
from core.access import Principal, Role
from core.database import fetch_all
from core.errors import Conflict, Invalid
from core.ids import ItemId
from question_bank.candidate_store import ItemRef
from question_bank.drafts import draft_of
from question_bank.requirement_store import repeal_requirement, save_requirements
from question_bank.requirements import Requirement
from question_bank.standings import load_standings
from question_bank.store import load_items
from question_bank.version_store import load_standing, move_version, save_version
from tests.stores.admin.school import ITEMS, School


async def write(school: School, author: Principal, count: int, **changes: object) -> list[ItemRef]:
    """Drafts of this author's, as many as are wanted."""
    async with school.database.transaction() as connection:
        (old,) = (await load_items(connection, [(ItemId("ld-001"), 1)])).values()
        first = len(await fetch_all(connection, "SELECT id FROM question_bank.item"))
        refs = []
        for number in range(first, first + count):
            item = ItemId(f"n{number:04}")
            draft = replace(draft_of(old), stem=f"Черновик {number}?", **changes)
            await save_version(connection, item, 0, draft, author.id, school.clock.now())
            refs.append((item, 1))
    return refs


async def states(school: School, refs: Sequence[ItemRef]) -> list[str]:
    async with school.database.transaction() as connection:
        return [standing.state for standing in (await load_standings(connection, refs)).values()]


async def look(school: School, act: bulk.Act, refs: Sequence[ItemRef], who: Principal) -> Foreseen:
    async with school.database.transaction() as connection:
        return await foresee(connection, act, refs, who)


@pytest.fixture
async def author(school: School) -> Principal:
    return await school.hire("author", Role.METHODOLOGIST)


async def test_standings_of_many_are_those_of_each(school: School, author: Principal) -> None:
    drafts = await write(school, author, 3)
    unready = await write(school, author, 1, stages=())
    other = school.staff[Role.METHODOLOGIST]
    async with school.database.transaction() as connection:
        await move_version(connection, *drafts[0], "send", actor_of(author), 1)
        await move_version(connection, *drafts[0], "approve", actor_of(other), 1)
        (old,) = (await load_items(connection, [drafts[0]])).values()
        await save_version(connection, drafts[0][0], 1, replace(draft_of(old), stem="Иначе?"), other.id, 1)
        refs = [*drafts, *unready, (drafts[0][0], 2), (ItemId("ld-001"), 1)]
        many = await load_standings(connection, [*refs, (ItemId("nothing"), 1), (ItemId("ld-001"), 9)])
        assert many == {ref: await load_standing(connection, *ref) for ref in refs}


async def test_what_would_happen_is_what_happens(school: School, author: Principal) -> None:
    drafts = await write(school, author, CHUNK + 5)
    unready = await write(school, author, 2, stages=())
    active = [(ItemId("ld-001"), 1)]
    foreseen = await look(school, "send", [*drafts, *unready, *active, (ItemId("gone"), 1)], author)
    assert sorted(foreseen.able) == sorted(drafts)
    assert [len(ones) for ones in foreseen.reasons.values()] == [2, 1, 1]
    assert bulk.UNSUITED["active"] in foreseen.reasons
    done = await carry_out(school.database, school.clock, "send", foreseen.able, "", None, author)
    assert (sorted(done.done), done.refused) == (sorted(drafts), ())
    assert set(await states(school, drafts)) == {"review"}
    again = await carry_out(school.database, school.clock, "send", foreseen.able, "", None, author)
    assert again.done == ()
    assert len(again.refused) == len(drafts)


async def test_nobody_approves_their_own_among_many(school: School, author: Principal) -> None:
    other = school.staff[Role.METHODOLOGIST]
    mine, theirs = await write(school, author, 2), await write(school, other, 2)
    for who, refs in ((author, mine), (other, theirs)):
        await carry_out(school.database, school.clock, "send", refs, "", None, who)
    foreseen = await look(school, "approve", [*mine, *theirs], author)
    assert list(foreseen.able) == theirs
    done = await carry_out(school.database, school.clock, "approve", [*mine, *theirs], "", None, author)
    assert list(done.done) == theirs
    assert {one.item for one in done.refused} == {item for item, _ in mine}
    assert "Своё задание" in done.refused[0].sentence
    assert await states(school, mine) == ["review", "review"]


async def test_one_that_changed_meanwhile_holds_up_no_other(school: School, author: Principal) -> None:
    drafts = await write(school, author, 3)
    foreseen = await look(school, "send", drafts, author)
    async with school.database.transaction() as connection:
        (old,) = (await load_items(connection, [drafts[1]])).values()
        await save_version(connection, drafts[1][0], 1, replace(draft_of(old), stem="Иначе?"), author.id, 1)
    done = await carry_out(school.database, school.clock, "send", foreseen.able, "", None, author)
    assert list(done.done) == [drafts[0], drafts[2]]
    assert [one.item for one in done.refused] == [drafts[1][0]]


async def test_retiring_is_about_the_version_in_service_and_needs_words(school: School, author: Principal) -> None:
    item = ItemId("ld-001")
    async with school.database.transaction() as connection:
        (old,) = (await load_items(connection, [(item, 1)])).values()
        await save_version(connection, item, 1, replace(draft_of(old), stem="Иначе?"), author.id, 1)
    foreseen = await look(school, "retire", [(item, 2)], author)
    assert foreseen.able == ((item, 1),)
    with pytest.raises(Conflict, match="words_missing"):
        await carry_out(school.database, school.clock, "retire", foreseen.able, " ", None, author)
    with pytest.raises(Invalid, match="words_invalid"):
        await carry_out(school.database, school.clock, "retire", foreseen.able, "я" * 3_000, None, author)
    done = await carry_out(school.database, school.clock, "retire", foreseen.able, "Устарело", None, author)
    assert done.done == ((item, 1),)
    assert await states(school, [(item, 1), (item, 2)]) == ["retired", "draft"]


async def test_another_requirement_makes_drafts_and_leaves_what_serves(school: School, author: Principal) -> None:
    target = Requirement("ОТ-2", "31.02.01", "Реанимация")
    async with school.database.transaction() as connection:
        await save_requirements(connection, [], [target])
    refs = [(ItemId(f"ld-00{number}"), 1) for number in range(1, 4)]
    done = await carry_out(school.database, school.clock, "requirement", refs, "Приказ 7", target, author)
    assert list(done.done) == refs
    async with school.database.transaction() as connection:
        items = await load_items(connection, [(item, 2) for item, _ in refs])
        assert {item.requirement for item in items.values()} == {"ОТ-2"}
        assert (await load_standing(connection, *refs[0])).state == "active"
    again = await carry_out(
        school.database, school.clock, "requirement", [(item, 2) for item, _ in refs], "", target, author
    )
    assert again.done == ()
    assert {one.sentence for one in again.refused} == {"Задание уже написано к этому требованию."}


# --- the pages


def hidden(text: str, name: str) -> str:
    found = re.search(rf'<textarea name="{name}"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    assert found is not None
    return unescape(found[1]).strip()


async def test_chosen_in_the_list_foreseen_and_done(school: School, author: Principal) -> None:
    drafts = await write(school, author, 3)
    unready = await write(school, author, 1, stages=())
    listed = (await school.get(author, "/staff/bank?where=draft&author=me")).text
    assert listed.count('name="item"') == 4
    chosen = [f"{item}:{version}" for item, version in [*drafts, *unready]]
    answer = await school.post(author, "/staff/bank/bulk", act="send", item=chosen)
    assert answer.status_code == 200
    assert "В задании есть ошибки" in answer.text
    items = hidden(answer.text, "items")
    assert items.split() == [f"{item}:1" for item, _ in drafts]
    told = await school.post(author, "/staff/bank/bulk/do", act="send", items=items + "\nnothing:1")
    assert told.status_code == 200
    assert "Сделано: 3" in told.text
    assert set(await states(school, drafts)) == {"review"}
    async with school.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT 1 FROM question_bank.history WHERE what = 'send'")
    assert len(rows) == 3


async def test_all_that_was_found_and_what_is_wrong_is_said(school: School, author: Principal) -> None:
    everything = await school.post(author, "/staff/bank/bulk", act="retire", all="yes", asked="where=active")
    assert len(hidden(everything.text, "items").split()) == 2 * ITEMS
    wordless = await school.post(author, "/staff/bank/bulk/do", act="retire", items=hidden(everything.text, "items"))
    assert wordless.status_code == 409
    assert "Напишите, почему." in wordless.text
    assert set(await states(school, [(ItemId("ld-001"), 1)])) == {"active"}
    for fields in ({"act": "fly", "item": "ld-001:1"}, {"act": "send"}, {"act": "send", "item": "ld-001"}):
        assert (await school.post(author, "/staff/bank/bulk", **fields)).status_code == 422
    nothing = await school.post(author, "/staff/bank/bulk", act="approve", item="ld-001:1")
    assert "Ни с одним" in nothing.text
    proctor = await school.post(school.staff[Role.PROCTOR], "/staff/bank/bulk", act="send", item="ld-001:1")
    assert proctor.status_code == 403


async def test_a_requirement_that_is_no_longer_in_force_is_not_offered(school: School, author: Principal) -> None:
    async with school.database.transaction() as connection:
        await save_requirements(
            connection, [], [Requirement("ОТ-2", "31.02.01", "Реанимация"), Requirement("ОТ-3", "31.02.01", "Прочее")]
        )
        await repeal_requirement(connection, "31.02.01", "ОТ-3", author.id, "Приказ 7", 1)
    preview = await school.post(author, "/staff/bank/bulk", act="requirement", item=["ld-001:1", "ld-002:1"])
    assert "ОТ-2 Реанимация" in preview.text
    assert "ОТ-3" not in preview.text
    items = hidden(preview.text, "items")
    for wrong in ("", "31.02.01/ОТ-3", "x"):
        refused = await school.post(author, "/staff/bank/bulk/do", act="requirement", items=items, requirement=wrong)
        assert refused.status_code == 422
    told = await school.post(
        author, "/staff/bank/bulk/do", act="requirement", items=items, requirement="31.02.01/ОТ-2", words="Приказ 7"
    )
    assert "Сделано: 2" in told.text
