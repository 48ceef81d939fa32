"""One simulated day from one seed: a few sittings, two or three processes, one database, and whatever goes wrong."""

from collections.abc import Iterator
from math import ceil
from random import Random
from typing import Any

from core.ids import BlueprintId, ItemId, PersonId, SittingId
from core.moments import MINUTE, SECOND, Span
from exam_server import timing
from exam_server.commands import Admit
from exam_server.events import NO_ALLOWANCE, Allowance, Created
from question_bank.forms import (
    Form,
    FormEntry,
    FormStage,
    Navigation,
    OnItemTimeout,
    Rules,
    SectionRule,
    StageKind,
)
from question_bank.items import Item, Role, make_stage
from tests.histories.sittings import stage_text
from tests.simulation.candidates import Browser, Candidate, Tab
from tests.simulation.faults import Faults
from tests.simulation.node import Node
from tests.simulation.pages import ask, ask_hear, ask_work
from tests.simulation.plants import Plant
from tests.simulation.postgres import Postgres
from tests.simulation.staff import Staff
from tests.simulation.timeline import START, Timeline
from tests.simulation.witness import Witness

CALM: Span = 2 * MINUTE
"""How long everything may take to come to rest once nothing goes wrong any more."""


class World:
    """Everything there is. `run` plays it from beginning to end."""

    def __init__(self, seed: int, plant: Plant, trace: bool = False, perfect: bool = False) -> None:
        self.seed = seed
        self.timeline = timeline = Timeline(seed, trace)
        self.plant = plant
        self.witness = Witness(timeline)
        self.postgres = Postgres(timeline, self.witness)
        self.calm = False
        self.home: set[SittingId] = set()
        self._tabs: dict[int, Tab] = {}
        self._pages = 0
        self._due = float("inf")
        self._tick_at: float = float("inf")
        self.forms: dict[SittingId, Form] = {}
        self.nodes: list[Node] = self.postgres.nodes
        count = 1 if perfect else timeline.between(1, 3)
        for number in range(count):
            self.start_node(f"node{number}", 0 if perfect else timeline.between(-45, 45))
        self.candidates = [self._seat(SittingId(number + 1), perfect) for number in range(timeline.between(2, 6))]
        self.faults = Faults(self)
        self.staff = Staff(self)
        if not perfect:
            self.faults.begin()
            self.staff.begin()
        timeline.later(SECOND, self._watch_deadlines)

    # --- setting out ------------------------------------------------------------------------------------------

    def start_node(self, name: str, offset: Span) -> Node:
        node = Node(self, name, offset)
        self.nodes.append(node)
        return node

    def _seat(self, sitting: SittingId, perfect: bool) -> Candidate:
        timeline = self.timeline
        entries, items = make_paper(timeline.random, sitting, timeline.between(12, 60))
        for item in items:
            self.postgres.copies[item.id, item.version] = self.plant.copy(item)
        exam_limit = sum(entry.limit for entry in entries) * timeline.between(50, 110) // 100
        begins = timeline.between(5 * SECOND, 5 * MINUTE)
        closes = START + begins + exam_limit * timeline.between(85, 130) // 100 + timeline.between(0, MINUTE)
        navigation: Navigation = "free" if timeline.chance(0.6) else "linear"
        on_timeout: OnItemTimeout = "advance" if timeline.chance(0.85) else "finish"
        form = Form(BlueprintId("bp"), 1, 5, "stratified-swap/1", "0" * 64, tuple(entries))
        rules = Rules(
            exam_limit,
            navigation,
            on_timeout,
            timeline.chance(0.8),
            self._draw_sections(entries) if timeline.chance(0.3) else (),
            timeline.between(0, 2) if timeline.chance(0.4) else 0,
            timeline.between(60, 600) * SECOND,
        )
        allowance = Allowance(timeline.between(100, 150), 0, timeline.between(0, 1)) if timeline.chance(0.2) else None
        created = Created(
            START, PersonId(sitting + 100), form, rules, closes, START + begins - MINUTE, allowance or NO_ALLOWANCE
        )
        self.forms[sitting] = form
        self.postgres.create(sitting, created)
        self.witness.create(sitting, created)
        candidate = Candidate(self, sitting, created.candidate)
        timeline.at(begins - 4 * SECOND, self._admit, sitting)
        timeline.at(begins, candidate.arrive)
        return candidate

    def _draw_sections(self, entries: list[FormEntry]) -> tuple[SectionRule, ...]:
        """Two or three sections, each with a limit of its own or without."""
        timeline = self.timeline
        first = timeline.between(1, len(entries) // 2)
        counts = [first, len(entries) - first]
        if timeline.chance(0.5):
            counts[1:] = [counts[1] // 2, counts[1] - counts[1] // 2]
        sections, begin = [], 0
        for count in counts:
            whole = sum(entry.limit for entry in entries[begin : begin + count])
            sections.append(
                SectionRule(count, whole * timeline.between(50, 110) // 100 if timeline.chance(0.5) else None)
            )
            begin += count
        return tuple(sections)

    def _admit(self, sitting: SittingId) -> None:
        node = self.any_node()
        if node is None:
            self.timeline.later(SECOND, self._admit, sitting)
        else:
            node.order(sitting, Admit("biometrics"), lambda fate: self._admitted(sitting, fate))

    def _admitted(self, sitting: SittingId, fate: str) -> None:
        if fate == "unknown":
            self.timeline.later(SECOND, self._admit, sitting)

    # --- nodes ------------------------------------------------------------------------------------------------

    def living(self) -> list[Node]:
        return [node for node in self.nodes if not node.dead]

    def any_node(self) -> Node | None:
        living = self.living()
        return living[self.timeline.between(0, len(living) - 1)] if living else None

    def balance(self, tab: Tab) -> Node | None:
        """What the load balancer chooses; None: it finds nobody, or the page does not find it."""
        if tab.blocked_until > self.timeline.now and self.timeline.chance(0.5):
            return None
        return self.any_node()

    # --- pages ------------------------------------------------------------------------------------------------

    def number_page(self, tab: Tab) -> int:
        self._pages += 1
        self._tabs[self._pages] = tab
        return self._pages

    def forget_page(self, tab: Tab) -> None:
        del self._tabs[tab.id]

    def call(self, deed: str, *values: object) -> None:
        """Have something done in the pages, before anything else happens."""
        self.timeline.asked.append(ask(self.seed, self.timeline.now, deed, *values))

    def hear(self, tab: Tab, texts: list[str]) -> None:
        self.timeline.asked.append(ask_hear(self.seed, self.timeline.now, tab.id, texts))

    def work(self, tab: Tab, texts: list[str]) -> None:
        seed = self.timeline.between(0, 2**31)
        self.timeline.asked.append(ask_work(self.seed, self.timeline.now, tab.id, texts, seed))

    def heed(self, told: list[list[Any]], due: float | None) -> None:
        """What came of it."""
        self._due = float("inf") if due is None else due
        self._plan_tick()
        if told:
            self.timeline.note("pages", told)
        for what in told:
            match what:
                case ["stored", _, stream, seq, edit]:
                    self.witness.stored_on_disk(stream, seq, edit)
                case ["moved", _, stream, moves]:
                    self.witness.numbered_anew(stream, moves)
                case ["dropped", _, stream, seqs]:
                    self.witness.dropped_from_disk(stream, seqs)
                case [_, int(page), *_]:
                    tab = self._tabs.get(page)
                    if tab is not None:
                        tab.told(what)
                case ["kept", disk, seqs]:
                    self._tell_kept(disk, seqs)

    def _plan_tick(self) -> None:
        if self._due < self._tick_at:
            self._tick_at = self._due
            self.timeline.at(ceil(self._due), self._tick, self._due)

    def _tick(self, when: float) -> None:
        if when != self._tick_at:
            return
        self._tick_at = float("inf")
        if self._due <= self.timeline.now:
            self.call("tick")
        else:
            self._plan_tick()

    # --- time -------------------------------------------------------------------------------------------------

    def _watch_deadlines(self) -> None:
        """Every process sweeps every two seconds; only where something is overdue anything comes of it."""
        dues = [due for due in self.postgres.due.values() if due is not None]
        if not dues:
            return
        overdue = min(dues) + timing.BROKEN_GRACE + timing.SWEEP_MARGIN - START
        if overdue < self.timeline.now + 100:
            for node in self.living():
                node.sweep()
        self.timeline.at(max(self.timeline.now + 2 * SECOND, min(overdue, self.timeline.now + 10 * SECOND)),
                         self._watch_deadlines)  # fmt: skip

    def run(self) -> Iterator[None]:
        """Until every sitting is over or its window closed, then until everything has come to rest."""
        timeline = self.timeline
        records = self.witness.records.values()
        while any(not record.ended and timeline.moment < record.closes_at + 20 * SECOND for record in records):
            yield from timeline.run(timeline.now + 10 * SECOND)
        self.calm = True
        self.faults.end()
        yield from timeline.run(timeline.now + CALM)
        for candidate in self.candidates:
            candidate.go_home()
        end = timeline.now + 30 * MINUTE
        while len(self.home) < len(self.candidates) and timeline.now < end:
            yield from timeline.run(timeline.now + 10 * SECOND)
        self.staff.admit_late()
        yield from timeline.run(timeline.now + 30 * SECOND)
        for node in self.living():
            node.look_soon()
        yield from timeline.run(timeline.now + 30 * SECOND)
        self.witness.conclude(self)
        self.end()
        yield

    def end(self) -> None:
        """Let go of everything."""
        for node in self.living():
            node.die()
        self.call("end")

    def _tell_kept(self, disk: str, seqs: list[int]) -> None:
        for candidate in self.candidates:
            candidate.told_kept(disk, seqs)

    def went_home(self, candidate: Candidate) -> None:
        self.home.add(candidate.sitting)

    def browsers(self) -> Iterator[Browser]:
        for candidate in self.candidates:
            yield from candidate.browsers


def make_paper(random: Random, sitting: SittingId, count: int) -> tuple[list[FormEntry], list[Item]]:
    """Items with their keys, and the entries of a form of them."""
    entries, items = [], []
    for number in range(count):
        kinds: tuple[StageKind, ...] = ("choice",)
        if random.random() < 0.15:
            kinds = ("actions", "choice", "actions") if random.random() < 0.5 else ("choice", "actions")
        name = ItemId(f"s{sitting}i{number}")
        limit = (45 + int(random.random() * 75)) * SECOND * len(kinds)
        stages = tuple(
            make_stage(
                name,
                1,
                index,
                kind,
                tuple(
                    (f"{stage_text(number, index)} {letter}", role)
                    for letter, role in zip("abcd", ROLES[kind], strict=True)
                ),
                prompt=stage_text(number, index),
                reveal=stage_text(number, index) if index else "",
            )
            for index, kind in enumerate(kinds)
        )
        items.append(
            Item(name, 1, "sp", "rq", "recall", 0.5, limit, f"stem of {name}", stages, f"SECRET-{name} is the key")
        )
        form_stages = tuple(
            FormStage(stage.kind, tuple(random.sample([choice.id for choice in stage.choices], len(stage.choices))))
            for stage in stages
        )
        entries.append(FormEntry(name, 1, limit, 1, form_stages))
    return entries, items


ROLES: dict[StageKind, tuple[Role, ...]] = {
    "choice": (Role.KEY, Role.DISTRACTOR, Role.DISTRACTOR, Role.DISTRACTOR),
    "actions": (Role.REQUIRED, Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL),
}
