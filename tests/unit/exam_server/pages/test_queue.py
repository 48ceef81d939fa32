"""The page's answer queue, in a JavaScript engine: what is sent when, and what is deleted from the disk when."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.simulation.pages import Pages, ask

START = {"type": "start"}
FIRST = {"type": "respond", "position": 0, "stage": 0, "value": ["a"]}
SECOND = {"type": "respond", "position": 0, "stage": 0, "value": ["b"]}
LOCK = {"type": "lock", "position": 0, "stage": 0}
HELP = {"type": "help", "text": ""}


@pytest.fixture(scope="module")
def engine() -> Iterator[Pages]:
    engine = Pages()
    yield engine
    engine.close()


class Browser:
    """Tabs that share one disk, at a time of their own. `slow`: how long a transaction takes at most, ms."""

    def __init__(self, engine: Pages, day: int, slow: int = 0) -> None:
        self.engine = engine
        self.day = day
        self.slow = slow
        self.now = 0
        self.tabs = 0
        self.due: float | None = None

    def do(self, deed: str, *values: object) -> list[list[Any]]:
        """What came of it, without the page's number."""
        ((told, self.due),) = self.engine.do([ask(self.day, self.now, deed, *values)])
        return [[what, *more] for what, _, *more in told if what != "made"]

    def open(self) -> int:
        self.tabs += 1
        self.do("open", self.tabs, "disk", "stream", 7, 1 if self.slow else 0, self.slow)
        return self.tabs

    def up(self, tab: int, seq: int = 0) -> list[list[Any]]:
        """The line is up; everything up to `seq` is stored."""
        snapshot = {"type": "snapshot", "seq": seq, "status": "running", "navigation": "free", "marks": [{}]}
        return self.do("hear", tab, [{**snapshot, "flags": True, "deadline": 10**9}])

    def hear(self, tab: int, **message: object) -> list[list[Any]]:
        return self.do("hear", tab, [message])

    def wait(self, span: int) -> list[list[Any]]:
        """Everything that happens by itself within so many ms."""
        end, told = self.now + span, []
        while self.due is not None and self.due <= end:
            self.now = max(self.now, int(self.due) + 1)
            told += self.do("tick")
        self.now = end
        return told

    @property
    def kept(self) -> list[int]:
        return self.do("kept", "disk")[0][1]  # type: ignore[no-any-return]


@pytest.fixture
def browser(engine: Pages, request: pytest.FixtureRequest) -> Iterator[Browser]:
    day = hash(request.node.name) % 2**31
    browser = Browser(engine, day, getattr(request, "param", 0))
    yield browser
    engine.do([ask(day, 0, "end")])


def sent(told: list[list[Any]]) -> list[str]:
    return [text for what, *(text, *_) in told if what == "send"]


def test_one_edit_is_under_way_at_a_time(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    assert sent(browser.do("add", tab, FIRST)) == ['{"type":"respond","position":0,"stage":0,"value":["a"],"seq":1}']
    assert sent(browser.do("add", tab, LOCK)) == []
    assert sent(browser.hear(tab, type="ack", seq=1)) == ['{"type":"lock","position":0,"stage":0,"seq":2}']


def test_an_edit_stays_on_the_disk_until_it_is_acknowledged(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    browser.do("down", tab)
    browser.wait(60_000)
    assert browser.kept == [1]
    browser.up(tab)
    assert ["dropped", "stream", [1]] in browser.hear(tab, type="ack", seq=1)
    assert browser.kept == []


def test_what_was_under_way_goes_again_under_its_number(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    (first,) = sent(browser.do("add", tab, FIRST))
    browser.do("down", tab)
    browser.do("add", tab, SECOND)
    assert sent(browser.up(tab)) == [first]


def test_what_the_snapshot_confirms_is_not_sent_again(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    browser.do("down", tab)
    browser.do("add", tab, LOCK)
    told = browser.up(tab, seq=1)
    assert ["dropped", "stream", [1]] in told
    assert sent(told) == ['{"type":"lock","position":0,"stage":0,"seq":2}']


def test_without_an_answer_it_is_sent_again(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    first = sent(browser.do("add", tab, FIRST))
    assert sent(browser.wait(14_000)) == []
    assert sent(browser.wait(2_000)) == first


@pytest.mark.parametrize("code", ["busy", "internal", "paused"])
def test_what_is_refused_for_now_is_kept_and_nothing_overtakes_it(browser: Browser, code: str) -> None:
    tab = browser.open()
    browser.up(tab)
    first = sent(browser.do("add", tab, FIRST))
    browser.do("add", tab, LOCK)
    told = browser.hear(tab, type="refused", code=code, message="later", seq=1)
    assert (sent(told), browser.kept) == ([], [1, 2])
    assert sent(browser.wait(600)) == first


def test_pauses_between_tries_grow(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    tries = []
    while browser.now < 120_000:
        browser.hear(tab, type="refused", code="busy", message="later", seq=1)
        while not sent(browser.wait(50)):
            pass
        tries.append(browser.now)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses[0] <= 1_050
    assert all(5_000 <= pause <= 10_050 for pause in pauses[6:])


def test_once_a_pause_is_over_it_is_tried_at_once(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    first = sent(browser.do("add", tab, FIRST))
    view = {"status": "running", "navigation": "free", "flags": True, "marks": [{}], "deadline": 10**9}
    browser.hear(tab, type="changed", halt={"since": 1, "text": ""}, **view)
    browser.hear(tab, type="refused", code="paused", message="later", seq=1)
    browser.hear(tab, type="changed", **view)
    assert sent(browser.wait(1)) == first


def test_a_call_for_help_is_not_kept_back_by_what_a_pause_puts_off(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    for edit in (LOCK, HELP, SECOND):
        browser.do("add", tab, edit)
    told = browser.hear(tab, type="refused", code="paused", message="later", seq=1)
    assert sent(told) == ['{"type":"help","text":"","seq":3,"instead":1}']
    assert ["moved", "stream", [[1, 5], [2, 6], [4, 7]]] in told
    assert browser.kept == [3, 5, 6, 7]
    assert sent(browser.hear(tab, type="ack", seq=3)) == [
        '{"type":"respond","position":0,"stage":0,"value":["a"],"seq":5}'
    ]
    assert sent(browser.hear(tab, type="refused", code="paused", message="later", seq=5)) == []
    told = browser.do("add", tab, {"type": "read", "notice": 4})
    assert sent(told) == ['{"type":"read","notice":4,"seq":8,"instead":5}']
    assert browser.kept == [8, 9, 10, 11]
    browser.hear(tab, type="ack", seq=8)
    browser.wait(60_000)
    orders = [sent(browser.hear(tab, type="ack", seq=seq)) for seq in (9, 10, 11)]
    assert orders == [
        ['{"type":"lock","position":0,"stage":0,"seq":10}'],
        ['{"type":"respond","position":0,"stage":0,"value":["b"],"seq":11}'],
        [],
    ]


def test_nothing_is_numbered_anew_while_a_copy_of_it_is_on_its_way(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    browser.do("add", tab, HELP)
    assert len(sent(browser.wait(16_000))) == 1, "it was sent a second time"
    assert sent(browser.hear(tab, type="refused", code="paused", message="later", seq=1)) == []
    assert browser.kept == [1, 2]
    told = browser.hear(tab, type="refused", code="paused", message="later", seq=1)
    assert sent(told) == ['{"type":"help","text":"","seq":2,"instead":1}']
    assert browser.kept == [2, 3]


def test_what_went_over_a_line_that_is_down_does_not_count(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    browser.do("add", tab, HELP)
    browser.do("down", tab)
    assert len(sent(browser.up(tab))) == 1
    told = browser.hear(tab, type="refused", code="paused", message="later", seq=1)
    assert sent(told) == ['{"type":"help","text":"","seq":2,"instead":1}']


def test_a_tab_whose_line_another_one_has_numbers_nothing_anew(browser: Browser) -> None:
    left, right = browser.open(), browser.open()
    browser.up(left)
    browser.do("add", left, FIRST)
    browser.do("add", left, HELP)
    browser.up(right)
    assert sent(browser.hear(left, type="refused", code="paused", message="later", seq=1)) == []
    assert browser.kept == [1, 2]


def test_what_is_refused_for_good_is_told_and_the_next_one_goes(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    browser.do("add", tab, LOCK)
    told = browser.hear(tab, type="refused", code="item_locked", message="no", seq=1)
    assert ["refused", "stream", 1, "item_locked"] in told
    assert ["dropped", "stream", [1]] in told
    assert sent(told) == ['{"type":"lock","position":0,"stage":0,"seq":2}']


def test_a_refusal_without_a_number_is_meant_for_what_is_under_way(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab)
    browser.do("add", tab, FIRST)
    assert ["refused", "stream", 1, "malformed"] in browser.hear(tab, type="refused", code="malformed", message="no")


def test_a_reload_goes_on_where_the_page_was(browser: Browser) -> None:
    old = browser.open()
    browser.up(old)
    first = sent(browser.do("add", old, FIRST))
    browser.do("add", old, SECOND)
    browser.do("close", old)
    new = browser.open()
    assert sent(browser.up(new)) == first
    assert sent(browser.hear(new, type="ack", seq=1)) == [
        '{"type":"respond","position":0,"stage":0,"value":["b"],"seq":2}'
    ]
    browser.do("add", new, LOCK)
    assert browser.kept == [2, 3]


def test_a_browser_that_lost_its_disk_numbers_above_what_the_server_has(browser: Browser) -> None:
    tab = browser.open()
    browser.up(tab, seq=41)
    assert sent(browser.do("add", tab, LOCK)) == ['{"type":"lock","position":0,"stage":0,"seq":42}']


def test_two_tabs_never_give_one_number_twice_and_the_live_one_sends_for_both(browser: Browser) -> None:
    left, right = browser.open(), browser.open()
    browser.do("add", left, FIRST)
    browser.do("add", right, SECOND)
    browser.do("add", left, LOCK)
    assert browser.kept == [1, 2, 3]
    numbers = [text.split('"seq":')[1] for text in sent(browser.up(right))]
    for seq in (1, 2, 3):
        numbers += [text.split('"seq":')[1] for text in sent(browser.hear(right, type="ack", seq=seq))]
    assert numbers == ["1}", "2}", "3}"]
    assert browser.kept == []
    assert sent(browser.up(left, seq=3)) == []


def test_the_tab_that_sees_the_end_sends_what_another_one_left_before_all_is_erased(browser: Browser) -> None:
    left, right = browser.open(), browser.open()
    browser.up(right)
    browser.do("add", left, FIRST)
    told = browser.hear(right, type="ended", reason="exam_time")
    assert [what for what, *_ in told] == ["send"]
    assert browser.kept == [1]
    told = browser.hear(right, type="ack", seq=1)
    assert [what for what, *_ in told] == ["dropped", "over", "dropped"]
    assert browser.kept == []


@pytest.mark.parametrize("browser", [400], indirect=True)
def test_nothing_is_sent_before_it_is_on_the_disk(browser: Browser) -> None:
    tab = browser.open()
    browser.wait(2_000)
    browser.up(tab)
    browser.wait(2_000)
    browser.do("add", tab, FIRST)
    told = browser.wait(3_000)
    assert [what for what, *_ in told if what in {"stored", "send"}] == ["stored", "send"]


def test_it_never_says_more_than_the_server_bears(browser: Browser) -> None:
    """The server closes a connection that says more than 20 messages a second for long."""
    tab = browser.open()
    browser.up(tab)
    for _ in range(200):
        browser.do("add", tab, FIRST)
    seq = count = 1
    while browser.now < 5_000:
        told = browser.hear(tab, type="ack", seq=seq) or browser.wait(10)
        while not sent(told):
            told = browser.wait(10)
        seq, count = seq + 1, count + 1
    assert 60 <= count <= 30 + 5 * 15 + 1
