"""Sees everything that is made, sent, received, stored and told, and knows the rules by itself.

Deadlines, grace, order and openness are worked out here from the rows as they land and from the record of what was
received when: by other means than the engine's, so that a mistake there does not excuse itself here.
"""

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from core.ids import SittingId
from core.moments import SECOND, Moment, Span
from exam_server.chain import follow_chain
from exam_server.commands import CandidateCommand, Help, Question
from exam_server.events import Created, decode_batch
from exam_server.sitting import Sitting, create, evolve, fold
from tests.simulation.record import Record
from tests.simulation.timeline import START, Timeline

if TYPE_CHECKING:
    from tests.simulation.letters import Letters
    from tests.simulation.network import Connection
    from tests.simulation.node import Node
    from tests.simulation.world import World

FOR_NOW = {"busy", "internal", "flood", "paused"}
"""Refusals after which a page keeps the edit and sends it again."""
SECRET = re.compile(r"SECRET-\w+")
TEXT = re.compile(r"text-of-item-(\d+)-stage-(\d+)")
READING_SLACK: Span = 200
"""A process may have been busy for this long between a message's arrival and its reading of the clock, ms."""


class Witness:
    """Everything that was seen of all sittings, and every rule that was broken."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.records: dict[SittingId, Record] = {}
        self.states: dict[SittingId, Sitting] = {}
        """What is durable, as the engine folds it."""
        self.told: dict[str, int] = {}
        """The newest number that any message acknowledged, by stream."""
        self.refused: dict[tuple[str, int], str] = {}
        """Edits that were refused for good, as it was sent."""
        self.kept: dict[tuple[str, int], dict[str, Any]] = {}
        """Edits that were on a disk."""
        self.counts: Counter[str] = Counter()

    def create(self, sitting: SittingId, created: Created) -> None:
        self.records[sitting] = Record(self.timeline, sitting, created, self.kept)
        self.states[sitting] = create(sitting, created)

    def record(self, sitting: SittingId) -> Record:
        return self.records[sitting]

    # --- at the pages -----------------------------------------------------------------------------------------

    def stored_on_disk(self, stream: str, seq: int, edit: dict[str, Any]) -> None:
        if (stream, seq) in self.kept:
            self.timeline.blame(f"{stream} gave number {seq} twice")
        self.kept[stream, seq] = edit

    def numbered_anew(self, stream: str, moves: list[tuple[int, int]]) -> None:
        """Edits that the server has not taken, and must not take under their old numbers any more."""
        for old, new in moves:
            edit = self.kept.pop((stream, old), None)
            if edit is None:
                self.timeline.blame(f"{stream} numbered {old} anew, which it does not have")
            elif any(old in record.stored.get(stream, ()) for record in self.records.values()):
                self.timeline.blame(f"{stream} numbered {old} anew, which is stored")
            else:
                self.counts["moved"] += 1
                self.stored_on_disk(stream, new, edit)

    def dropped_from_disk(self, stream: str, seqs: list[int]) -> None:
        for seq in seqs:
            if seq > self.told.get(stream, 0) and (stream, seq) not in self.refused:
                self.timeline.blame(f"{stream} deleted {seq}, which nobody had acknowledged")

    # --- at the processes ----------------------------------------------------------------------------------------

    def received(self, sitting: SittingId, stream: str, command: CandidateCommand, now: Moment, node: "Node") -> None:
        """A process took an edit in and read its clock."""
        there = self.timeline.moment + node.clock.offset
        waited = isinstance(command, Question | Help) or node.conduct.by_request(sitting)  # after the reading
        if now > there + READING_SLACK or (now < there - READING_SLACK and not waited):
            self.timeline.blame(f"{node.name} says {now - there} ms past its own clock")
        self.timeline.note(node.name, "receives", sitting, stream, command.seq, now)
        self.records[sitting].receipts.setdefault((stream, command.seq), []).append(
            (now, min(self.timeline.moment, now - node.clock.offset))
        )

    def landed(self, sitting: SittingId, stored: bytes) -> None:
        """A row is durable from this moment on."""
        events = decode_batch(stored)
        self.counts["answers"] += sum(type(event).__name__ == "Responded" for event in events)
        self.counts["late"] += sum(type(event).__name__ == "RespondedLate" for event in events)
        self.records[sitting].take(events)
        state = self.states[sitting]
        for event in events:
            state = evolve(state, event)
        self.states[sitting] = state

    # --- on the way to the pages ---------------------------------------------------------------------------------

    def leaves(self, connection: "Connection | Letters", text: str) -> None:
        """A message leaves a process for a page, now."""
        record, stream = self.records[connection.sitting], connection.stream
        if text.startswith('{"type":"ack"'):
            seq = int(text[20:-1])
            if record.heard.get(stream, 0) < seq:
                self.timeline.blame(f"{stream} was told that {seq} is stored, and it is not")
            self.told[stream] = max(self.told.get(stream, 0), seq)
            return
        if SECRET.search(text):
            self.timeline.blame(f"a key was sent: {text[:200]}")
        for position, stage in TEXT.findall(text):
            if int(stage) >= record.opened.get(int(position), 0):
                self.timeline.blame(f"item {position} stage {stage} of {record.sitting} left before it was open")
        message = msgspec.json.decode(text)
        match message["type"]:
            case "snapshot":
                if message["seq"] > record.heard.get(stream, 0):
                    self.timeline.blame(f"a snapshot tells {stream} of {message['seq']}, which is not stored")
                if message["epoch"] > record.epoch:
                    self.timeline.blame("a snapshot left before its attachment was stored")
                self.told[stream] = max(self.told.get(stream, 0), message["seq"])
                if message["status"] == "ended" and not record.ended:
                    self.timeline.blame("a snapshot told of the end before it was stored")
            case "refused":
                self.counts["refused"] += 1
                if message["code"] not in FOR_NOW and message.get("seq") is not None:
                    self.refused[stream, message["seq"]] = message["code"]
            case "closed" if message["position"] not in record.locked:
                self.timeline.blame("an item was told to be locked before that was stored")
            case "ended" if not record.ended:
                self.timeline.blame("the end was told before it was stored")
            case "changed" if message["deadline"] > record.exam_due:
                self.timeline.blame("time was given before that was stored")
            case "deadlines" if message["deadline"] > record.exam_due:
                self.timeline.blame("time was given before that was stored")
            case "late" if not record.lates:
                self.timeline.blame("an answer was told to be late before that was stored")

    # --- once it is quiet ----------------------------------------------------------------------------------------

    def compare_states(self, node: "Node") -> None:
        """What a process holds of a sitting is what its log says, wherever it stands still at the newest row."""
        for sitting, held in node.conduct._held.items():
            rows = node.world.postgres.rows[sitting]
            still = held.flight is None and held.forming is None and not held.reloading
            if still and held.version == len(rows) - 1 and held.state != self.states[sitting]:
                self.timeline.blame(f"{node.name} holds another {sitting} than its log tells")

    def conclude(self, world: "World") -> None:
        """How everything must stand in the end."""
        for sitting, record in self.records.items():
            self._verify(world, sitting)
            if fold(sitting, list(follow_chain(sitting, world.postgres.rows[sitting]))) != self.states[sitting]:
                self.timeline.blame(f"sitting {sitting} folds to something else")
            if not record.ended:
                self.timeline.blame(f"sitting {sitting} never came to its end")
            if world.postgres.due[sitting] is not None:
                self.timeline.blame(f"sitting {sitting} is over and still has a deadline")
        for node in world.nodes:
            node.enter(lambda: None)
            for sitting, held in node.conduct._held.items():
                if held.flight is not None or held.forming is not None or held.reloading or held.waiting:
                    self.timeline.blame(f"{node.name} still has {sitting} on its way")
                if held.version != len(world.postgres.rows[sitting]) - 1:
                    self.timeline.blame(f"{node.name} never noticed the newest row of {sitting}")
            self.compare_states(node)
        lost = {stream for browser in world.browsers() if browser.lost for stream in browser.streams}
        for (stream, seq), edit in self.kept.items():
            stored = any(seq in record.stored.get(stream, ()) for record in self.records.values())
            if not stored and (stream, seq) not in self.refused and stream not in lost:
                self.timeline.blame(f"{stream}: {seq} ({edit['type']}) is neither stored nor refused")

    def _verify(self, world: "World", sitting: SittingId) -> None:
        """The digest chain, by its definition."""
        before = b""
        for version, row in enumerate(world.postgres.rows[sitting]):
            place = sitting.to_bytes(8, "big") + version.to_bytes(4, "big")
            if (row.version, row.prev) != (version, before):
                self.timeline.blame(f"sitting {sitting} forks at {version}")
            if row.digest != hashlib.sha256(before + place + row.events).digest():
                self.timeline.blame(f"sitting {sitting} does not verify at {version}")
            before = row.digest

    def hours(self) -> float:
        """Hours of all sittings from their start to their end, simulated."""
        spans = ((record.over_at or START) - record.started_at for record in self.records.values() if record.started_at)
        return sum(span for span in spans if span > 0) / (3_600 * SECOND)
