"""Entries are made ready piece by piece; what a reader raises is heard after what it had read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import AssetId, ItemId
from question_bank import arrivals
from question_bank.arrivals import Ready, Refused, Source, Waiting, columns_of, prepare, rename_assets, with_columns
from question_bank.drafts import Defaults, Draft
from question_bank.exchange.entries import Arriving, Place, Rejected
from tests.drafts import DEFAULTS, four_option

IDS = [ItemId(f"n{number}") for number in range(3)]


def entries(count: int, **more: object) -> Iterator[Arriving | Rejected]:
    for number in range(1, count + 1):
        yield Arriving(Place(number), four_option(f"Вопрос {number}?"), **more)  # type: ignore[arg-type]


def source(found: Iterator[Arriving | Rejected]) -> Source:
    return Source(lambda path: found, Path("x"), DEFAULTS)


def test_pieces_are_no_longer_than_there_are_ids() -> None:
    taken = source(entries(5))
    pieces = [taken.take(IDS), taken.take(IDS), taken.take(IDS)]
    assert [len(piece) for piece in pieces] == [3, 2, 0]
    assert [entry.item.id for piece in pieces for entry in piece if isinstance(entry, Ready)] == [*IDS, *IDS[:2]]


def test_a_piece_is_full_of_pictures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "PIECE_PICTURES", 10)
    taken = source(entries(3, pictures={"x": b"123456"}))
    assert [len(taken.take(IDS)), len(taken.take(IDS))] == [2, 1]


def test_what_breaks_off_is_heard_after_what_was_read() -> None:
    def broken() -> Iterator[Arriving | Rejected]:
        yield from entries(2)
        raise Invalid("exchange_csv_broken", "Сломано.")

    taken = source(broken())
    assert len(taken.take(IDS)) == 2
    for _ in range(2):
        with pytest.raises(Invalid, match="exchange_csv_broken"):
            taken.take(IDS)


@pytest.mark.parametrize(("home", "item"), [("x-1", "x-1"), ("", "n0"), ("../x", "n0"), ("a" * 65, "n0")])
def test_an_id_of_ours_is_kept(home: str, item: str) -> None:
    (ready,) = source(entries(1, home=home)).take(IDS)
    assert isinstance(ready, Ready)
    assert ready.item.id == item


def arriving(draft: Draft) -> Arriving:
    return Arriving(Place(1), draft)


def test_what_cannot_be_kept_is_refused_and_what_is_unready_told() -> None:
    unfit = prepare(arriving(four_option("x" * 10_001)), IDS[0], 1, DEFAULTS)
    assert isinstance(unfit, Refused)
    assert unfit.refusal.code == "unfit"
    nowhere = prepare(arriving(replace(four_option(), requirement="")), IDS[0], 1, Defaults("", ""))
    assert isinstance(nowhere, Refused)
    assert nowhere.refusal.code == "requirement_missing"
    blank = prepare(arriving(four_option("")), IDS[0], 1, DEFAULTS)
    assert isinstance(blank, Ready)
    assert blank.unready == {"stem": "Заполните поле."}
    (dressed,) = with_columns([blank], sized=False)
    assert isinstance(dressed, Ready)
    assert dressed.columns == columns_of([blank.item])[0]


def test_pictures_wait_for_their_names() -> None:
    draft = replace(four_option('<p>a<img data-asset="один.png" alt="ЭКГ"></p>'), markup="html")
    waiting = prepare(replace(arriving(draft), pictures={"один.png": b"x"}), IDS[0], 1, DEFAULTS)
    assert isinstance(waiting, Waiting)
    unfit = prepare(arriving(four_option("x" * 10_001)), IDS[0], 1, DEFAULTS)
    named = rename_assets(draft, {"один.png": AssetId("p-1")})
    ready = prepare(arriving(named), IDS[0], 1, DEFAULTS)
    assert isinstance(ready, Ready)
    assert ready.assets == (AssetId("p-1"),)
    assert with_columns([ready], sized=False) == [ready]
    assert with_columns([unfit, ready], sized=True) == [unfit, replace(ready, columns=columns_of([ready.item])[0])]
