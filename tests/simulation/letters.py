"""The way by requests where a proxy lets no socket through: one at a time, as courier.js has it.

A request may be lost on the way there or on the way back; the page can't tell which, and asks again.
"""

import json
from typing import TYPE_CHECKING

from core.errors import AccreditationError, NotFound
from core.moments import SECOND, Span
from exam_server.fallback import Letter, read_letter
from tests.simulation.network import is_taken_over

if TYPE_CHECKING:
    from tests.simulation.candidates import Tab
    from tests.simulation.node import Node
    from tests.simulation.world import World

ASK_EVERY: Span = 17 * SECOND
"""courier.js asks much oftener, which would only take longer here; it is not to seem gone in between."""
ANSWER_WITHIN: Span = 12 * SECOND
LOST = 0.01
SNAPSHOT = '{"type":"snapshot"'


class Letters:
    """In place of a connection, as a tab uses it."""

    waits = True
    """What a request brings may have to wait for another one after it was received."""

    def __init__(self, world: "World", tab: "Tab", node: "Node") -> None:
        self.world = world
        self.timeline = world.timeline
        self.tab = tab
        self.node = node
        self.sitting = tab.candidate.sitting
        self.stream: str = tab.stream
        self.page_there = True
        self._anew = True
        self._waiting: list[str] = []
        self._number = 0
        self._answered = 0
        self._seen = ""
        self._ask()

    def say(self, text: str) -> None:
        self._waiting.append(text)
        if self._answered == self._number:
            self._ask()

    def leave(self) -> None:
        self.page_there = False

    def watch(self) -> None:
        """Each request notices by itself when nothing comes back."""

    # --- one request ----------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if not self.page_there:
            return
        edits: list[str] = []
        if not self._anew:  # what the page begins anew with comes first
            edits, self._waiting = self._waiting, []
        self._number += 1
        body = f'{{"stream":{json.dumps(self.stream)},"epoch":{self.tab.epoch},"edits":[{",".join(edits)}]}}'
        if not self.timeline.chance(LOST):
            self.timeline.at(self._arrival(), self._come_in, read_letter(body.encode()), self._number)
        self.timeline.later(ANSWER_WITHIN, self._give_up, self._number)

    def _arrival(self) -> int:
        span = self.tab.latency + self.timeline.between(0, self.tab.jitter)
        return max(self.timeline.now + span, self.tab.blocked_until)

    def _come_in(self, letter: Letter, number: int) -> None:
        if self.node.dead:
            self._fail(number)
        else:
            self.node.enter(self._serve, letter, number)

    def _serve(self, letter: Letter, number: int) -> None:
        self.node.start(self._answer(letter, number))

    async def _answer(self, letter: Letter, number: int) -> None:
        """What pages/edits.py does with it."""
        try:
            told = await self.node.fallback.answer(self.sitting, self.tab.candidate.id, letter, ("192.0.2.1", "device"))
        except NotFound:
            self.timeline.blame(f"sitting {self.sitting} was not found")
            return
        except AccreditationError:
            self.timeline.later(self.tab.latency, self._fail, number)
            return
        if self.node.dead:
            return
        texts = [data.decode() for data in told]
        for text in texts:
            self.world.witness.leaves(self, text)
        if not self.timeline.chance(LOST):
            self.timeline.at(self._arrival(), self._reach_page, texts, number)

    # --- at the page ----------------------------------------------------------------------------------------------

    def _reach_page(self, texts: list[str], number: int) -> None:
        if not self.page_there or number != self._number:
            return
        self._answered = number
        for text in texts:
            if text.startswith(SNAPSHOT):
                self.tab.epoch = json.loads(text)["epoch"]
                if not self._anew:
                    text = text.replace(SNAPSHOT, '{"type":"changed"', 1)
                self._anew = False
            view = _without_moment(text)
            if view == self._seen:
                continue  # nothing new in it
            self._seen = view
            self.tab.hear(self, text)
            if is_taken_over(text):
                return
        self.timeline.later(0 if self._waiting else ASK_EVERY, self._ask_again, number)

    def _ask_again(self, number: int) -> None:
        if number == self._number:
            self._ask()

    def _give_up(self, number: int) -> None:
        if number != self._answered:
            self._fail(number)

    def _fail(self, number: int) -> None:
        if self.page_there and number == self._number:
            self.page_there = False
            self.tab.closed(self, 1006)


def _without_moment(text: str) -> str:
    """A message apart from the moment at which it was said."""
    before, now, after = text.partition('"now":')
    return before + after[after.find(",") :] if now else text
