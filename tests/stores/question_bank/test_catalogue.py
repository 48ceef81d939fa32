"""Items found: by words however they are typed, by every filter and many at once; nothing that is typed breaks it."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, fetch_all, fetch_one
from core.ids import ItemId, PersonId
from question_bank.catalogue import (
    MOST_COUNTED,
    count_shortcuts,
    list_authors,
    list_ids,
    list_items,
    list_refs,
    shortcuts,
)
from question_bank.drafts import draft_of
from question_bank.items import Role, make_stage
from question_bank.requirement_store import repeal_requirement, save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import load_items, publish_items, withdraw_item
from question_bank.version_store import move_version, rate, save_version
from question_bank.wanted import Condition, Wanted
from question_bank.wording import Piece
from question_bank.workflow import Actor

Catalogue = tuple[tuple[Speciality, ...], tuple[Requirement, ...]]
AUTHOR, OTHER = PersonId(11), PersonId(12)


def chosen(**fields: Any) -> Wanted:
    return Wanted(**fields)


async def write(database: Database, number: int, clock: ManualClock, **changes: Any) -> ItemId:
    """A draft of AUTHOR's that says something else than any other."""
    async with database.transaction() as connection:
        (old,) = (await load_items(connection, [(ItemId("f001"), 1)])).values()
        item = ItemId(f"n{number:03}")
        draft = replace(draft_of(old), stem=f"Черновик {number} про аппендицит?", **changes)
        await save_version(connection, item, 0, draft, AUTHOR, clock.now())
    return item


async def found(database: Database, wanted: Wanted = Wanted(), words: str = "") -> list[str]:
    async with database.transaction() as connection:
        page = await list_items(connection, wanted, words=words, limit=500)
    assert page.total == len(page.rows)
    return [row.item for row in page.rows]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("пневмония", 35),
        ("лечением пневмоний", 35),
        ("пневм", 35),
        ("ЕЛКИН", 3),
        ("Ёлк", 3),
        ("инфаркты", 3),
        ('"инфаркт миокарда"', 3),
        ("инфаркт -стенокардия", 0),
        ("f01", 10),
        ("F013", 1),
        ("R2", 13),
        ("хирургия", 13),
        ("неонатолог", 5),
        ("ничего такого", 0),
        ("пневмония инфаркт", 0),
    ],
)
async def test_words_ids_codes_and_titles_find(filled: Database, words: str, count: int) -> None:
    assert len(await found(filled, words=words)) == count


@pytest.mark.parametrize("typed", ["пнемвония", "пневманией", "инфракт", "стенакардия", "плеврид"])
async def test_a_mistyped_word_finds_its_nearest_and_says_so(filled: Database, typed: str) -> None:
    async with filled.transaction() as connection:
        page = await list_items(connection, words=typed)
        assert page.total in (3, 35)
        assert list(page.meant) == [typed]
        assert any(piece.found for piece in page.rows[0].pieces)
        exact = await list_items(connection, words="пневмония")
        assert exact.meant == {}


async def test_of_several_words_only_the_one_that_nothing_has_is_replaced(filled: Database) -> None:
    async with filled.transaction() as connection:
        page = await list_items(connection, words="лечение пнемвонии")
        assert (page.total, page.meant) == (35, {"пнемвонии": "пневмонии"})
        assert (await list_items(connection, words="лечение инфракт")).total == 0


@pytest.mark.parametrize(
    "typed",
    [
        "'",
        "')) OR 1=1 --",
        "'; DROP TABLE question_bank.item; --",
        "\x00",
        "пневмония\x00",
        "щ" * 10_000,
        "а " * 5_000,
        "!!! & | <-> :* ((",
        "\\",
        "%",
        "_",
        "f\\",
        "\ud800",
        "🫀" * 300,
        '"""',
        "-" * 50,
        "- " * 50,
        '-"' * 50,
        "-a" * 50,
        " -a" * 50,
        '"-a" ' * 30,
        "or or or",
        "ﬁ İ ß",
        "слово_" * 40,
        "\u202e\u200b",
        "<script>alert(1)</script>",
    ],
)
async def test_nothing_that_is_typed_breaks_it(filled: Database, typed: str) -> None:
    async with filled.transaction() as connection:
        page = await list_items(connection, words=typed)
        assert page.total == (35 if "пневмония" in typed else 0)
        for name in ("speciality", "section", "requirement", "tag"):
            plain = typed.replace("\x00", "").encode("utf-8", "ignore").decode()
            assert (await list_items(connection, chosen(**{name: plain + "·"}))).total == 0
        assert await fetch_one(connection, "SELECT 1 FROM question_bank.item LIMIT 1") is not None


async def test_better_answers_stand_first_and_their_words_are_marked(filled: Database, clock: ManualClock) -> None:
    async with filled.transaction() as connection:
        (old,) = (await load_items(connection, [(ItemId("f005"), 1)])).values()
        often = replace(old, id=ItemId("z999"), stem="Пневмония: лечение пневмонии, вызвавшей пневмонию?")
        await publish_items(connection, [often], clock.now())
        page = await list_items(connection, words="пневмония")
        assert page.rows[0].item == "z999"
        marked = [piece.text for piece in page.rows[0].pieces if piece.found]
        assert marked == ["Пневмония", "пневмонии", "пневмонию"]
        other = (await list_items(connection, words="вариант а задания 7")).rows[0]
        assert other.item == "f007"
        assert Piece("Вариант", found=True) in other.pieces


async def test_a_line_tells_of_the_newest_version_and_of_the_one_in_service(
    filled: Database, clock: ManualClock
) -> None:
    item = ItemId("f002")
    async with filled.transaction() as connection:
        (old,) = (await load_items(connection, [(item, 1)])).values()
        await save_version(connection, item, 1, replace(draft_of(old), stem="Иначе?"), AUTHOR, clock.now())
        await rate(connection, item, 2, AUTHOR, 60, clock.now())
        await rate(connection, item, 2, OTHER, 80, clock.now())
        (row,) = (await list_items(connection, words="f002")).rows
    assert (row.version, row.state, row.in_service, row.service) == (2, "draft", 1, "active")
    assert (row.author, row.judged, row.judges, row.stem) == (AUTHOR, 0.7, 2, "Иначе?")
    assert item in await found(filled, Wanted(where="draft"))
    assert item in await found(filled, Wanted(where="active"))
    assert item not in await found(filled, words="лечение")
    assert await found(filled, Wanted(rated=True)) == [item]
    assert item not in await found(filled, Wanted(rated=False))
    assert await found(filled, Wanted(author=AUTHOR)) == [item]


async def test_every_filter_finds_its_own_and_all_of_them_go_together(filled: Database, clock: ManualClock) -> None:
    async with filled.transaction() as connection:
        await save_requirements(connection, [], [Requirement("R9", "S1", "Новое", "Раздел 9")])
    item = await write(
        filled,
        1,
        clock,
        requirement="R9",
        tags=("срочно", "из архива"),
        language="en",
        level="analysis",
        difficulty=0.31,
        pool="practice",
        explanation="Потому.",
    )
    alone = {
        "section": "Раздел 9",
        "requirement": "R9",
        "where": "draft",
        "pool": "practice",
        "tag": "срочно",
        "language": "en",
        "author": AUTHOR,
        "harder": 0.4,
    }
    for name, value in alone.items():
        assert await found(filled, chosen(**{name: value})) == [item], name
    assert await found(filled, chosen(**alone), "аппендицита") == [item]
    assert await found(filled, chosen(**alone, speciality="S2")) == []
    assert await found(filled, Wanted(easier=0.31, harder=0.32)) == [item]
    assert item not in await found(filled, Wanted(easier=0.32))


async def test_items_are_what_somebody_else_asks_of_them_too(filled: Database) -> None:
    named = Condition("i.id = ANY(CAST(:named AS text[]))", {"named": ["f013", "c000", "nobody"]})
    assert await found(filled, Wanted(beside=named)) == ["c000", "f013"]
    assert await found(filled, Wanted(beside=named, kind="case")) == ["c000"]
    assert await found(filled, Wanted(beside=named), "f01") == ["f013"]
    async with filled.transaction() as connection:
        assert await list_ids(connection, Wanted(beside=named), "") == ["c000", "f013"]


async def test_filters_agree_with_each_other_in_any_combination(filled: Database, clock: ManualClock) -> None:
    await write(filled, 1, clock, requirement="R2")
    await write(filled, 2, clock, stages=(), tags=("x",))
    async with filled.transaction() as connection:
        everything = (await list_items(connection, limit=500)).rows
    options = {
        "speciality": (None, "S1", "S2"),
        "requirement": (None, "R1", "R2"),
        "kind": (None, "four_option", "case"),
        "where": (None, "draft", "active", "unready"),
    }
    for values in itertools.product(*options.values()):
        wanted = chosen(**dict(zip(options, values, strict=True)))
        expected = [
            row.item
            for row in everything
            if wanted.speciality in (None, row.speciality)
            and wanted.requirement in (None, row.requirement)
            and wanted.kind in (None, row.kind)
            and (
                {
                    None: True,
                    "draft": row.state == "draft",
                    "active": row.service == "active",
                    "unready": not row.ready,
                }[wanted.where]
            )
        ]
        assert await found(filled, wanted) == expected, wanted


async def test_shortcuts_lead_to_what_they_count(filled: Database, clock: ManualClock) -> None:
    draft, sent, passed = [await write(filled, number, clock) for number in range(3)]
    unready = await write(filled, 4, clock, stages=())
    author, other = Actor(AUTHOR, True, True), Actor(OTHER, True, True)
    async with filled.transaction() as connection:
        for item in (sent, passed):
            await move_version(connection, item, 1, "send", author, clock.now())
        await move_version(connection, passed, 1, "approve", other, clock.now())
        mine = await count_shortcuts(connection, AUTHOR)
        theirs = await count_shortcuts(connection, OTHER)
    assert mine == {"drafts": 2, "reviews": 0, "approved": 1, "unready": 1}
    assert theirs == {"drafts": 0, "reviews": 1, "approved": 1, "unready": 1}
    assert await found(filled, shortcuts(AUTHOR)["drafts"]) == [draft, unready]
    assert await found(filled, shortcuts(OTHER)["reviews"]) == [sent]
    assert await found(filled, shortcuts(AUTHOR)["approved"]) == [passed]
    async with filled.transaction() as connection:
        assert await list_authors(connection) == [AUTHOR]


async def test_a_new_author_may_review_what_was_approved_before_they_wrote(
    filled: Database, clock: ManualClock
) -> None:
    item = await write(filled, 1, clock)
    author, other = Actor(AUTHOR, True, True), Actor(OTHER, True, True)
    async with filled.transaction() as connection:
        await move_version(connection, item, 1, "send", author, clock.now())
        await move_version(connection, item, 1, "approve", other, clock.now())
        (old,) = (await load_items(connection, [(item, 1)])).values()
        await save_version(connection, item, 1, replace(draft_of(old), stem="Иначе?"), OTHER, clock.now())
        await move_version(connection, item, 2, "send", other, clock.now())
    assert await found(filled, Wanted(reviewer=AUTHOR)) == [item]
    assert await found(filled, Wanted(reviewer=OTHER)) == []


async def test_withdrawn_items_and_repealed_requirements_are_found(filled: Database, clock: ManualClock) -> None:
    async with filled.transaction() as connection:
        await withdraw_item(connection, ItemId("f000"))
        await repeal_requirement(connection, "S2", "R1", AUTHOR, "Приказ 7", clock.now())
    assert await found(filled, Wanted(where="withdrawn")) == ["f000"]
    assert len(await found(filled, Wanted(repealed=True))) == 5
    assert len(await found(filled, Wanted(repealed=False))) == 33
    async with filled.transaction() as connection:
        assert all(row.repealed for row in (await list_items(connection, Wanted(repealed=True))).rows)


async def test_pages_follow_each_other_and_all_that_match_can_be_named(filled: Database) -> None:
    async with filled.transaction() as connection:
        leafed = [
            row.item
            for offset in range(0, 50, 7)
            for row in (await list_items(connection, words="пневмония", limit=7, offset=offset)).rows
        ]
        assert len(leafed) == len(set(leafed)) == 35
        beyond = await list_items(connection, words="пневмония", offset=MOST_COUNTED + 5)
        assert (beyond.rows, beyond.total) == ((), 35)
        refs, total, more = await list_refs(connection, Wanted(speciality="S1"), "", 10)
        assert ([item for item, _ in refs[:2]], len(refs), total, more) == (["c000", "c001"], 10, 33, False)


async def test_words_are_kept_once_and_without_waiting_for_anybody(filled: Database, clock: ManualClock) -> None:
    async with filled.transaction() as one, filled.transaction() as other:
        (old,) = (await load_items(one, [(ItemId("f001"), 1)])).values()
        for connection, id in ((one, "x001"), (other, "x002")):
            stage = make_stage(
                ItemId(id), 1, 0, "choice", tuple((f"в{n}", Role.KEY if not n else Role.DISTRACTOR) for n in range(4))
            )
            new = replace(old, id=ItemId(id), stem="Совершенно небывалое словечко", stages=(stage,), speciality="S1")
            await save_version(connection, ItemId(id), 0, draft_of(new), AUTHOR, clock.now())
    async with filled.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT lexeme, count(*) AS times FROM question_bank.word GROUP BY lexeme HAVING count(*) > 1"
        )
        assert {row["times"] for row in rows} <= {2}
        page = await list_items(connection, words="славечко")
    assert page.meant == {"славечко": "словечко"}
    assert [row.item for row in page.rows] == ["x001", "x002"]
