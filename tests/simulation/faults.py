"""What goes wrong, how often, and for how long: drawn from the seed, over when the seed says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.moments import MINUTE, SECOND, Span

if TYPE_CHECKING:
    from tests.simulation.candidates import Candidate
    from tests.simulation.network import Connection
    from tests.simulation.node import Node
    from tests.simulation.world import World

CLOCKS_WITHIN: Span = 45
"""Machines' clocks are this far off at most, ms, so that no two are further apart than the engine tolerates."""


class Faults:
    """Something goes wrong every few minutes; in some worlds more often, in some only of one kind."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.timeline = world.timeline
        self.count = 0
        self._pace = self.timeline.between(40, 240) * SECOND
        kinds = {
            self.break_connection: 6,
            self.silence: 4,
            self.cut_off_candidate: 4,
            self.cut_off_node: 3,
            self.slow_down: 4,
            self.fail: 4,
            self.take_database_away: 2,
            self.refuse_row: 1,
            self.stuff: 2,
            self.kill: 4,
            self.suspend: 4,
            self.step_clock: 2,
            self.lose_clock: 0.3,
            self.reload: 4,
            self.leave: 4,
            self.second_tab: 2,
            self.other_device: 2,
            self.wipe: 0.4,
            self.flap: 1,
            self.race: 4,
        }
        self._kinds = list(kinds)
        self._weights = [weight * (3 if self.timeline.chance(0.1) else 1) for weight in kinds.values()]

    def begin(self) -> None:
        span = int(self.timeline.random.expovariate(1 / self._pace))
        self.timeline.later(span, self._strike)

    def _strike(self) -> None:
        if self.world.calm:
            return
        kind = self.timeline.random.choices(self._kinds, self._weights)[0]
        self.timeline.note("fault", kind.__name__)
        self.count += 1
        kind()
        self.begin()

    def end(self) -> None:
        """Nothing goes wrong any more, and what was wrong is mended."""
        world = self.world
        world.postgres.calm()
        for candidate in world.candidates:
            candidate.blocked_until = 0
        for node in world.living():
            node.blocked_until = node.stuffed_until = 0
            node.resume()
        if not world.living():
            world.start_node("node9", 0)

    # --- who ----------------------------------------------------------------------------------------------------

    def _candidate(self) -> "Candidate":
        """One of those who have come; of all, before anybody has."""
        candidates = [one for one in self.world.candidates if one.tabs] or self.world.candidates
        return candidates[self.timeline.between(0, len(candidates) - 1)]

    def _connection(self) -> "Connection | None":
        """Of those that are open, one; most often of one whose sitting still runs."""
        found = [connection for node in self.world.living() for connection in node.connections if not connection.cut]
        return found[self.timeline.between(0, len(found) - 1)] if found else None

    def _node(self) -> "Node | None":
        return self.world.any_node()

    def _span(self, low: Span, high: Span) -> Span:
        """Mostly short."""
        return low + int((high - low) * self.timeline.random.random() ** 3)

    # --- the network ----------------------------------------------------------------------------------------------

    def break_connection(self) -> None:
        connection = self._connection()
        if connection is not None:
            connection.reset()

    def silence(self) -> None:
        """Half-open, one way or the other."""
        connection = self._connection()
        if connection is not None:
            ways = (connection.vanish, connection.forget_page, connection.forget_server)
            ways[self.timeline.between(0, 2)]()

    def cut_off_candidate(self) -> None:
        """A partition between one candidate and everything."""
        candidate = self._candidate()
        candidate.blocked_until = self.timeline.now + self._span(SECOND, 3 * MINUTE)
        for tab in candidate.tabs:
            if tab.connection is not None:
                tab.connection.watch()

    def cut_off_node(self) -> None:
        """A partition between one process and the database."""
        node = self._node()
        if node is not None:
            node.blocked_until = self.timeline.now + self._span(SECOND, MINUTE)

    # --- the log --------------------------------------------------------------------------------------------------

    def slow_down(self) -> None:
        self.world.postgres.slow_until = self.timeline.now + self._span(2 * SECOND, MINUTE)

    def fail(self) -> None:
        """Statements are lost, or their answers are."""
        self.world.postgres.failing_until = self.timeline.now + self._span(2 * SECOND, MINUTE)

    def take_database_away(self) -> None:
        self.world.postgres.away_until = self.timeline.now + self._span(SECOND, MINUTE)

    def refuse_row(self) -> None:
        self.world.postgres.poisoned.add(self._candidate().sitting)

    def stuff(self) -> None:
        node = self._node()
        if node is not None:
            node.stuffed_until = self.timeline.now + self._span(SECOND, 20 * SECOND)

    # --- the machines ---------------------------------------------------------------------------------------------

    def kill(self) -> None:
        node = self._node()
        if node is None:
            return
        connections = list(node.connections)
        offset = node.clock.offset if abs(node.clock.offset) <= CLOCKS_WITHIN else 0  # somebody has set the clock
        node.die()
        for connection in connections:
            if self.timeline.chance(0.7):
                connection.reset()
            else:
                connection.vanish()
        self.timeline.later(self._span(SECOND, MINUTE), self._restart, node, offset)

    def _restart(self, node: "Node", offset: Span) -> None:
        self.world.nodes.remove(node)
        if not (self.world.calm and self.world.living()):
            self.world.start_node(node.name, offset)

    def suspend(self) -> None:
        """The process stands still; its clock does not."""
        node = self._node()
        if node is None or node.paused:
            return
        node.pause()
        for connection in node.connections:
            connection.watch()
        self.timeline.later(self._span(100, 45 * SECOND), node.resume)

    def step_clock(self) -> None:
        node = self._node()
        if node is not None:
            node.clock.offset = self.timeline.between(-CLOCKS_WITHIN, CLOCKS_WITHIN)
            node.look_soon()

    def lose_clock(self) -> None:
        """Beyond tolerance for a while: from then on the true time proves nothing about this world's deadlines."""
        node = self._node()
        if node is None:
            return
        for record in self.world.witness.records.values():
            record.trusted = False
        was = node.clock.offset
        node.clock.offset = self.timeline.between(-6 * SECOND, 6 * SECOND)
        node.look_soon()
        self.timeline.later(self._span(5 * SECOND, MINUTE), self._mend_clock, node, was)

    def _mend_clock(self, node: "Node", offset: Span) -> None:
        node.clock.offset = offset
        node.look_soon()

    # --- the candidates -------------------------------------------------------------------------------------------

    def reload(self) -> None:
        self._candidate().reload()

    def leave(self) -> None:
        self._candidate().leave(self._span(2 * SECOND, 8 * MINUTE))

    def second_tab(self) -> None:
        self._candidate().open_second_tab()

    def other_device(self) -> None:
        self._candidate().take_other_device()

    def wipe(self) -> None:
        self._candidate().wipe()

    def flap(self) -> None:
        """A page that comes again and again without rest."""
        candidate = self._candidate()
        for turn in range(self.timeline.between(10, 200)):
            self.timeline.later(turn * 150, self._reload, candidate)

    def _reload(self, candidate: "Candidate") -> None:
        """A browser forgets its stream once all is over, and a sitting takes only so many."""
        if not (self.world.calm or self.world.witness.record(candidate.sitting).ended):
            candidate.reload()

    def race(self) -> None:
        """Just when an item runs out: the connection breaks, the process dies or stands still, or the log slows."""
        candidate = self._candidate()
        due = self.world.witness.record(candidate.sitting).due
        if due is None:
            return
        left = due - self.timeline.moment
        if 0 < left < 3 * MINUTE:
            what = (self.break_connection, self.kill, self.suspend, self.slow_down, self.fail, self.cut_off_node)
            self.timeline.later(
                left + self.timeline.between(-2_000, 2_000), self._race, what[self.timeline.between(0, 5)]
            )
            for span in (-500, 500, 1_500, 1_900, 5_000, 9_000):
                self.timeline.later(left + span + self.timeline.between(-200, 200), candidate.hurry)

    def _race(self, what: Callable[[], None]) -> None:
        if not self.world.calm:
            what()
