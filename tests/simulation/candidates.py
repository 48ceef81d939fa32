"""Candidates with their browsers: they answer, change their minds, lose their way, close the laptop, come back."""

from typing import TYPE_CHECKING, Any

from core.ids import PersonId, SittingId
from core.moments import MINUTE, SECOND, Span
from tests.simulation.letters import Letters
from tests.simulation.network import Connection, is_taken_over

if TYPE_CHECKING:
    from tests.simulation.world import World

FIRST_PAUSE: Span = 500
LONGEST_PAUSE: Span = 10_000
FINAL = {4001, 4400, 4401, 4404, 4409}
"""As link.js has them."""
ONLY_SEEN = tuple(f'{{"type":"{name}"' for name in ("item", "closed", "deadlines", "late", "notice"))
"""What only changes the picture: it may wait for the next thing that happens to the page."""


class Browser:
    """One device: what its disk keeps of the sitting outlives every tab."""

    def __init__(self, candidate: "Candidate", number: int) -> None:
        timeline = candidate.world.timeline
        self.candidate = candidate
        self.disk = f"{candidate.sitting}.{number}"
        self._drawn = 0
        self.lost = False
        """Its disk was wiped: what was not sent is gone."""
        self.streams: set[str] = set()
        self.tells_windows = timeline.chance(0.8)
        """Its windows can tell each other which of them has the sitting."""
        self.walled = timeline.chance(0.12)
        """A proxy lets no socket through: it goes by requests."""
        lazy = timeline.chance(0.25)
        self.laziness = 0.2 if lazy else 0.01
        self.slowness = 400 if lazy else 60
        self.latency = timeline.between(2, 80)
        self.jitter = timeline.between(1, 60)

    def fresh_stream(self) -> str:
        """The name that the next stream of this browser would get."""
        self._drawn += 1
        return f"stream{self.disk.replace('.', 'x')}n{self._drawn}"


class Tab:
    """One exam page: the real queue in it, and the link as link.js works."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.candidate = browser.candidate
        self.world = browser.candidate.world
        self.timeline = self.world.timeline
        self.id = self.world.number_page(self)
        self.latency = browser.latency
        self.jitter = browser.jitter
        self.stream: str = ""
        self.connection: Connection | Letters | None = None
        self.epoch = 0
        """Of the newest snapshot; 0 takes the sitting over, whoever has it."""
        self.live = False
        self.gone = False
        self.over = False
        self.taken = False
        self._unread: list[str] = []
        self._failures = 0
        self._retry = 0
        self.world.call(
            "open", self.id, browser.disk, browser.fresh_stream(), self.timeline.between(0, 2**31),
            browser.laziness, browser.slowness,
        )  # fmt: skip

    @property
    def blocked_until(self) -> int:
        return self.candidate.blocked_until

    # --- the link ---------------------------------------------------------------------------------------------

    def connect(self) -> None:
        if self.gone or self.over or self.taken:
            return
        self._hang_up()
        self._retry += 1
        node = self.world.balance(self)
        if node is None:
            self._lost()
        else:
            self.connection = (Letters if self.browser.walled else Connection)(self.world, self, node)

    def restart(self) -> None:
        """The candidate wants the sitting back in this tab."""
        self.taken = False
        self.epoch = 0
        self._failures = 0
        self.connect()

    def hear(self, connection: Connection | Letters, text: str) -> None:
        if self.gone or connection is not self.connection:
            return
        if is_taken_over(text):
            self._finish()
            return
        if text.startswith('{"type":"snapshot"'):
            self._failures = 0
            self.live = True
            if self.browser.tells_windows:
                for other in self.candidate.tabs:
                    other.give_way(self)
        self._unread.append(text)
        if not text.startswith(ONLY_SEEN):
            unread, self._unread = self._unread, []
            self.world.hear(self, unread)

    def work(self) -> None:
        """The candidate does the next thing."""
        unread, self._unread = self._unread, []
        self.world.work(self, unread)

    def give_way(self, newer: "Tab") -> None:
        """Another window of this browser has the sitting now."""
        if newer is not self and newer.browser is self.browser and not (self.gone or self.over or self.taken):
            self._finish()

    def closed(self, connection: Connection | Letters, code: int) -> None:
        """The connection is gone, as far as the page can tell."""
        if self.gone or connection is not self.connection:
            return
        self.connection = None
        self.timeline.note("page", self.id, "closed", code)
        if code in FINAL:
            self._finish()
        else:
            self._lost()

    def _finish(self) -> None:
        self.taken = True
        self._hang_up()
        self._down()

    def _lost(self) -> None:
        self._down()
        most = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self._failures += 1
        self.timeline.later(100 + self.timeline.between(0, most), self._connect_again, self._retry)

    def _connect_again(self, retry: int) -> None:
        if retry == self._retry:
            self.connect()

    def _down(self) -> None:
        self.live = False
        self.world.call("down", self.id)

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.leave()
            self.connection = None
        self.live = False

    def told(self, what: list[Any]) -> None:
        """What came of a call into the page."""
        match what:
            case ["opened", _, stream]:
                self.stream = stream
                self.browser.streams.add(stream)
            case ["loaded", _]:
                self.connect()
            case ["send", _, text]:
                if self.connection is not None:
                    self.connection.say(text)
            case ["over", _]:
                self.over = True
                self._hang_up()

    def close(self) -> None:
        """Reloaded, closed or crashed: nothing of it goes on."""
        if not self.gone:
            self._hang_up()
            self.world.call("close", self.id)
            self.gone = True
            self.world.forget_page(self)


class Candidate:
    """One person at one sitting. `id` makes it the principal of its connections."""

    def __init__(self, world: "World", sitting: SittingId, person: PersonId) -> None:
        self.world = world
        self.timeline = world.timeline
        self.sitting = sitting
        self.id = person
        self.blocked_until = 0
        self.away = False
        self.pace = self.timeline.between(18, 46) * SECOND
        self.browsers = [Browser(self, 0)]
        self.tab: Tab | None = None
        self.tabs: list[Tab] = []
        self._delivering: list[Browser] = []
        self._until = 0

    @property
    def browser(self) -> Browser:
        return self.browsers[-1] if self.tab is None else self.tab.browser

    def arrive(self) -> None:
        self.open(self.browsers[0])
        self._think()

    def open(self, browser: Browser) -> Tab:
        self.tab = Tab(browser)
        self.tabs.append(self.tab)
        return self.tab

    def _think(self) -> None:
        random = self.timeline.random
        span = min(int(random.expovariate(1 / self.pace)) + 1_500, 5 * MINUTE)
        if self.timeline.chance(0.08):
            span = self.timeline.between(50, 900)  # changes its mind, or presses twice
        self.timeline.later(span, self._act)

    def _act(self) -> None:
        if self.world.calm or self.world.witness.record(self.sitting).ended:
            return
        tab = self.tab
        if tab is not None and not self.away:
            if tab.taken:
                if self.timeline.chance(0.3):
                    tab.restart()
            elif not tab.over:
                tab.work()
        self._think()

    def hurry(self) -> None:
        """One more answer at the last moment."""
        tab = self.tab
        if tab is not None and not (self.away or self.world.calm or tab.gone or tab.over or tab.taken):
            tab.work()

    # --- what they do to their pages ----------------------------------------------------------------------------

    def reload(self) -> None:
        if self.tab is not None and not self.away:
            browser = self.tab.browser
            self.tab.close()
            self.open(browser)

    def leave(self, span: Span) -> None:
        """Close everything, come back after a while."""
        if not self.tabs:
            return
        self.away = True
        for tab in self.tabs:
            tab.close()
        self.timeline.later(span, self._return)

    def _return(self) -> None:
        if self.away and not self.world.calm:
            self.away = False
            self.open(self.browser)

    def open_second_tab(self) -> None:
        if not self.tabs:
            return
        if not self.away:
            self.open(self.browser)

    def take_other_device(self) -> None:
        if not self.tabs:
            return
        if not self.away:
            if len(self.browsers) < 3:
                self.browsers.append(Browser(self, len(self.browsers)))
            self.open(self.browsers[self.timeline.between(0, len(self.browsers) - 1)])

    def wipe(self) -> None:
        """The browser throws away what it keeps, unsent edits too."""
        if not self.tabs:
            return
        browser = self.browser
        browser.lost = True
        for tab in self.tabs:
            tab.close()
        self.world.call("wipe", browser.disk)
        self.open(browser)

    # --- the end --------------------------------------------------------------------------------------------

    def go_home(self) -> None:
        """Once everything works again, every browser delivers what it still has, one after the other."""
        for tab in self.tabs:
            tab.close()
        self.away = False
        self._deliver(list(self.browsers))

    def _deliver(self, browsers: list[Browser]) -> None:
        if self.tab is not None:
            self.tab.close()
            self.tab = None
        if browsers:
            self.open(browsers[0])
            self.timeline.later(5 * SECOND, self._look, browsers, self.timeline.now + 3 * MINUTE)
        else:
            self.world.went_home(self)

    def _look(self, browsers: list[Browser], until: int) -> None:
        self._delivering, self._until = browsers, until
        self.world.call("kept", browsers[0].disk)

    def told_kept(self, disk: str, seqs: list[int]) -> None:
        """What a browser still has."""
        browsers = self._delivering
        if self.tab is None or not browsers or browsers[0].disk != disk:
            return
        if not seqs and (self.tab.live or self.tab.over):
            self._deliver(browsers[1:])
        elif self.timeline.now > self._until:
            self.timeline.blame(f"sitting {self.sitting}: {disk} can't deliver {seqs}")
            self._deliver(browsers[1:])
        else:
            self.timeline.later(5 * SECOND, self._look, browsers, self._until)
