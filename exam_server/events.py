"""What can happen to a sitting. The log of these is the truth; everything else is folded from it. Pure.

Events carry no free text and no address: what people write stands in tables of its own and is named by id.
A stored batch says which schema it was written in, so that later releases can still read it.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from core.ids import ChoiceId, PersonId
from core.moments import Moment, Span
from question_bank.forms import Form, Rules

SCHEMA = 2
"""2 added sections, pauses, breaks, allowances, messages, remarks, withdrawal, late admission, outages. All of it is
additive: a batch of schema 1 reads as it stands."""

IdentityBy = Literal["biometrics", "person"]
EndReason = Literal[
    "submitted", "completed", "exam_time", "item_time", "window_closed", "proctor", "not_started", "window_cancelled"
]
StopReason = Literal["proctor", "window_cancelled"]
Via = Literal["socket", "http"]
NoticeKind = Literal["message", "warning"]


class Allowance(Struct, frozen=True, omit_defaults=True):
    """What a candidate is given beside the blueprint's limits: `percent` of them, then `extra` on top of the whole.

    Section and item limits are stretched in the same proportion as the exam's.
    """

    percent: int = 100
    extra: Span = 0
    breaks: int = 0


NO_ALLOWANCE = Allowance()


class Event(Struct, frozen=True, gc=False, tag_field="e", omit_defaults=True):
    """Something that happened at a moment of the server's clock."""

    at: Moment


class Created(Event, frozen=True, tag="created"):
    """A form was given to a candidate. The window closes at `closes_at`, whatever the other clocks say."""

    candidate: PersonId
    form: Form
    rules: Rules
    closes_at: Moment
    opens_at: Moment = 0
    """Before it nothing begins."""
    allowance: Allowance = NO_ALLOWANCE


class Admitted(Event, frozen=True, tag="admitted"):
    """Check, consent and identity are settled: the sitting may start."""

    by: IdentityBy


class AdmissionWithdrawn(Event, frozen=True, tag="admission_withdrawn"):
    """Something the admission rested on was taken back before the start."""


class Started(Event, frozen=True, tag="started"):
    seq: int


class Attached(Event, frozen=True, tag="attached"):
    """A page took the sitting over. `stream` names the browser whose sequence numbers follow."""

    stream: str
    epoch: int
    via: Via = "socket"


class Detached(Event, frozen=True, tag="detached"):
    """The connection was lost."""


class Shown(Event, frozen=True, tag="shown"):
    """An item is on the candidate's screen: its clock runs, that of the item before stops."""

    position: int
    seq: int | None = None


class Responded(Event, frozen=True, tag="responded"):
    position: int
    stage: int
    value: tuple[ChoiceId, ...]
    seq: int


class StageLocked(Event, frozen=True, tag="stage_locked"):
    """The candidate closed a stage of a case; the next one opens."""

    position: int
    stage: int
    seq: int


class ItemLocked(Event, frozen=True, tag="item_locked"):
    """In a linear exam: left behind, can't be changed any more.

    `seq` where it stands for itself: practice that explains an item shows the next one only when asked again.
    """

    position: int
    seq: int | None = None


class ItemExpired(Event, frozen=True, tag="item_expired"):
    """The item's own limit ran out; `at` is the deadline itself."""

    position: int


class Flagged(Event, frozen=True, tag="flagged"):
    position: int
    on: bool
    seq: int


class RespondedLate(Event, frozen=True, tag="responded_late"):
    """Received after deadline and grace: kept as evidence, not scored. `at` is the receipt."""

    position: int
    stage: int
    value: tuple[ChoiceId, ...]
    seq: int


class LateAdmitted(Event, frozen=True, tag="late_admitted"):
    """The commission counts a late answer: the one of this number, from 0, in the order of their receipt."""

    late: int
    by: PersonId
    note: int


class Extended(Event, frozen=True, tag="extended"):
    """Time given back by a person; `note` names the reason in its own table."""

    span: Span
    by: PersonId
    note: int
    cause: Literal["given", "outage"] = "given"
    """outage: makes good a proven loss of connection."""


class OutageCompensated(Event, frozen=True, tag="outage_compensated"):
    """The service itself was away from `began_at` on: the time is given back without anybody asking.

    `span` is less than the whole where the clocks stood meanwhile, or another outage has given a part of it back.
    """

    span: Span
    began_at: Moment
    ended_at: Moment = 0
    """0 in logs of before it was written down."""


class Paused(Event, frozen=True, tag="paused"):
    """All clocks but the window's stand still, and the item is taken off the screen."""

    by: PersonId
    note: int


class Resumed(Event, frozen=True, tag="resumed"):
    by: PersonId


class BreakBegun(Event, frozen=True, tag="break_begun"):
    """The candidate takes a break until `until` at the latest: clocks stand still, what was seen is locked."""

    until: Moment
    seq: int


class BreakOver(Event, frozen=True, tag="break_over"):
    """The candidate is back; without `seq` the break ran out."""

    seq: int | None = None


class AllowanceSet(Event, frozen=True, tag="allowance_set"):
    """Replaces the allowance there was."""

    allowance: Allowance
    by: PersonId
    note: int


class CloseMoved(Event, frozen=True, tag="close_moved"):
    """The window of this sitting closes at another moment."""

    closes_at: Moment
    by: PersonId
    note: int


class SectionClosed(Event, frozen=True, tag="section_closed"):
    """A section was left for good; the next one begins when its first item is shown."""

    section: int
    seq: int | None = None


class SectionExpired(Event, frozen=True, tag="section_expired"):
    """The section's own limit ran out; `at` is the deadline itself."""

    section: int


class ItemWithdrawn(Event, frozen=True, tag="item_withdrawn"):
    """Taken out of the form before it was shown: nobody sees it, and it does not count."""

    position: int


class FormReplaced(Event, frozen=True, tag="form_replaced"):
    """Another form, before anything of the first was shown."""

    form: Form


class Questioned(Event, frozen=True, tag="questioned"):
    """«This item seems wrong»: the candidate's comment is the note."""

    position: int
    note: int
    seq: int


class HelpAsked(Event, frozen=True, tag="help_asked"):
    seq: int
    note: int | None = None


class HelpAnswered(Event, frozen=True, tag="help_answered"):
    by: PersonId


class Told(Event, frozen=True, tag="told"):
    """The proctor says something to the candidate."""

    kind: NoticeKind
    note: int
    by: PersonId


class NoticeRead(Event, frozen=True, tag="notice_read"):
    """The candidate confirms having read it."""

    note: int
    seq: int


class Ended(Event, frozen=True, tag="ended"):
    reason: EndReason
    seq: int | None = None
    by: PersonId | None = None
    note: int | None = None


AnyEvent = (
    Created
    | Admitted
    | AdmissionWithdrawn
    | Started
    | Attached
    | Detached
    | Shown
    | Responded
    | StageLocked
    | ItemLocked
    | ItemExpired
    | Flagged
    | RespondedLate
    | LateAdmitted
    | Extended
    | OutageCompensated
    | Paused
    | Resumed
    | BreakBegun
    | BreakOver
    | AllowanceSet
    | CloseMoved
    | SectionClosed
    | SectionExpired
    | ItemWithdrawn
    | FormReplaced
    | Questioned
    | HelpAsked
    | HelpAnswered
    | Told
    | NoticeRead
    | Ended
)


def trace_of(kind: type[Event]) -> bytes:
    """Bytes that stand in every stored batch with such an event: it is told from the others without being read."""
    config = kind.__struct_config__
    return msgspec.json.encode({config.tag_field: config.tag})[1:-1]


class Batch(Struct, frozen=True):
    """One row of the log: all events of one or more whole commands."""

    schema: int
    events: tuple[AnyEvent, ...]


_encoder = msgspec.json.Encoder()
_HEAD, _TAIL = b'{"schema":%d,"events":[' % SCHEMA, b"]}"
_decoder = msgspec.json.Decoder(Batch)


def encode_batch(events: Sequence[AnyEvent]) -> bytes:
    """The bytes that are stored and digested: a Batch of the present schema."""
    if len(events) == 1:
        return _HEAD + _encoder.encode(events[0]) + _TAIL  # the same bytes in half the time
    return _encoder.encode(Batch(SCHEMA, tuple(events)))


def decode_batch(stored: bytes) -> tuple[AnyEvent, ...]:
    """Stored bytes as events of the present schema.

    Raises msgspec.DecodeError on foreign bytes, msgspec.ValidationError on a schema this release does not know.
    """
    batch = _decoder.decode(stored)
    if not 1 <= batch.schema <= SCHEMA:
        raise msgspec.ValidationError(f"schema {batch.schema} is not known here")
    return batch.events
