"""The way to the server, in an engine whose sockets, requests and timers are in the test's hands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.exam_server.pages.engine import Module

BROWSER = """(() => {
  let ids = 0;
  Object.assign(globalThis, { timers: [], time: 0, sockets: [], posts: [], served: true, heard: [], draw: 0.5 });
  Math.random = () => draw;
  globalThis.setTimeout = (work, span = 0) => (timers.push({ id: (ids += 1), at: time + span, work }), ids);
  globalThis.clearTimeout = (id) => { timers = timers.filter((one) => one.id !== id); };
  globalThis.setInterval = () => 0;
  globalThis.performance = { now: () => time };
  globalThis.AbortController = class { signal = {}; abort() {} };
  globalThis.window = { addEventListener() {} };
  globalThis.document = { visibilityState: "visible", addEventListener() {} };
  globalThis.location = { protocol: "https:", host: "exam.example" };
  globalThis.WebSocket = class {
    static OPEN = 1;
    constructor(url) { Object.assign(this, { url, readyState: 0, sent: [] }); sockets.push(this); }
    send(text) { this.sent.push(JSON.parse(text)); }
    close() { this.readyState = 3; }
  };
  globalThis.fetch = (path, options) => path === "/health"
    ? Promise.resolve({ ok: served })
    : new Promise((resolve) => posts.push({ path, ...JSON.parse(options.body), resolve }));
  globalThis.pass = (span) => {
    time += span;
    const due = timers.filter((one) => one.at <= time);
    timers = timers.filter((one) => one.at > time);
    due.forEach((one) => one.work());
  };
  globalThis.link = new module.Link({ sitting: 7, stream: "browser01", token: "t",
    clock: { sample() {}, hint() {} },
    told: { message: (one) => heard.push(one.type), changed() {} } });
  link.start();
})()"""
SNAPSHOT = {"type": "snapshot", "epoch": 3, "seq": 0}


class Page:
    """A page that has begun to connect."""

    def __init__(self) -> None:
        self.module = Module("link.js")
        self.module.run(BROWSER)

    def run(self, expression: str) -> Any:
        return self.module.run(expression)

    def fail(self) -> None:
        """The newest socket does not open."""
        self.run("sockets.at(-1).onclose({ code: 1006, reason: '' })")

    def wait(self) -> None:
        """Until the next try."""
        self.run("pass(Math.min(...timers.map((one) => one.at)) - time)")

    def answer(self, *messages: dict[str, Any], status: int = 200) -> None:
        said = {"messages": messages} if status == 200 else {"code": "busy"}
        self.run(
            f"posts.at(-1).resolve({{ ok: {str(status == 200).lower()}, status: {status},"
            f" json: () => Promise.resolve({json.dumps(said)}) }})"
        )

    @staticmethod
    def json(value: Any) -> str:
        return (
            str(value).replace("True", "true").replace("'", '"').replace("(", "[").replace(",)", "]").replace(")", "]")
        )

    def block(self) -> None:
        """Three sockets in a row that do not open, while pages are served."""
        for _ in range(3):
            self.fail()
            if not self.run("link.slow"):
                self.wait()

    @property
    def state(self) -> str:
        return str(self.run("link.state"))


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    yield page
    page.module.close()


def test_pauses_are_drawn_from_nothing_to_a_bound_that_doubles(page: Page) -> None:
    page.run("served = false, null")
    pauses = []
    for _ in range(7):
        page.fail()
        pauses.append(page.run("timers[0].at - time"))
        page.wait()
    assert pauses == [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]
    page.run("draw = 0, null")
    page.fail()
    assert page.run("timers[0].at - time") == 0
    assert not page.run("link.slow")


def test_a_socket_is_live_with_its_first_snapshot_and_says_when_it_was_taken_over(page: Page) -> None:
    page.run("sockets[0].readyState = 1, sockets[0].onopen()")
    assert page.state == "connecting"
    page.run(f"sockets[0].onmessage({{ data: '{json.dumps(SNAPSHOT)}' }})")
    assert page.state == "live"
    page.run("link.send({ type: 'flag' })")
    assert [sent["type"] for sent in page.run("sockets[0].sent")] == ["ping", "flag"]
    page.run("""sockets[0].onmessage({ data: '{"type":"taken_over"}' })""")
    assert page.state == "taken"
    page.run("pass(60000)")
    assert page.run("sockets.length") == 1


def test_where_pages_come_and_sockets_do_not_it_goes_by_requests(page: Page) -> None:
    page.block()
    assert page.run("link.slow")
    (first,) = page.run("posts")
    assert (first["path"], first["stream"], first["epoch"]) == ("/exam/7/edits", "browser01", 0)
    assert [edit["type"] for edit in first["edits"]] == ["ping"]
    page.answer({"type": "pong", "sent": 0, "now": 1}, SNAPSHOT)
    assert (page.state, page.run("heard")) == ("live", ["snapshot"])
    page.run("link.send({ type: 'respond', seq: 1 })")
    sent = page.run("posts.at(-1)")
    assert (sent["epoch"], [edit["type"] for edit in sent["edits"]]) == (3, ["respond", "ping"])
    page.answer({"type": "ack", "seq": 1}, {**SNAPSHOT, "seq": 1})
    assert page.run("heard") == ["snapshot", "ack", "changed"]
    page.wait()
    assert page.run("posts.length") == 3, "it asks again by itself"


def test_a_request_that_fails_is_made_again_and_begins_anew(page: Page) -> None:
    page.block()
    page.answer(SNAPSHOT)
    page.run("link.send({ type: 'respond', seq: 1 })")
    page.answer(status=503)
    assert page.state == "down"
    page.wait()
    assert [edit["type"] for edit in page.run("posts.at(-1)")["edits"]] == ["ping"], "what waited is sent by the queue"
    page.answer(SNAPSHOT)
    assert (page.state, page.run("heard")) == ("live", ["snapshot", "snapshot"])


@pytest.mark.parametrize(("status", "state"), [(401, "signin"), (403, "signin"), (404, "absent"), (409, "refused")])
def test_what_asking_again_would_not_change_ends_the_asking(page: Page, status: int, state: str) -> None:
    page.block()
    page.answer(status=status)
    assert page.state == state
    page.run("pass(120000)")
    assert page.run("posts.length") == 1


def test_sockets_are_tried_again_every_minute(page: Page) -> None:
    page.block()
    page.answer(SNAPSHOT)
    tried = page.run("sockets.length")
    page.run("pass(60000)")
    page.answer(SNAPSHOT)
    assert page.run("sockets.length") == tried + 1
    page.fail()
    assert (page.state, page.run("link.slow")) == ("live", True)
    page.answer(SNAPSHOT)
    page.run("pass(60000)")
    page.answer(SNAPSHOT)
    page.run("sockets.at(-1).readyState = 1, sockets.at(-1).onopen()")
    page.run(f"sockets.at(-1).onmessage({{ data: '{json.dumps(SNAPSHOT)}' }})")
    assert (page.state, page.run("link.slow")) == ("live", False)
    asked = page.run("posts.length")
    page.run("pass(30000)")
    assert page.run("posts.length") == asked


def test_another_window_of_the_browser_takes_it_without_a_word_from_the_server(page: Page) -> None:
    page.run("link.yield()")
    assert page.state == "taken"
    page.run("link.restart()")
    assert (page.state, page.run("sockets.length")) == ("connecting", 2)
