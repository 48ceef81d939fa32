"""What can happen to a sitting. The log of these is the truth; everything else is folded from it. Pure.

Events carry no free text and no address: what people write stands in tables of its own and is named by id.
A stored batch says which schema it was written in, so that later releases can still read it.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from core.ids import ChoiceId, PersonId
from core.moments import Moment, Span
from question_bank.forms import Form, Rules

SCHEMA = 1

IdentityBy = Literal["biometrics", "person"]
EndReason = Literal["submitted", "completed", "exam_time", "item_time", "window_closed", "proctor", "not_started"]


class Event(Struct, frozen=True, tag_field="e", omit_defaults=True):
    """Something that happened at a moment of the server's clock."""

    at: Moment


class Created(Event, frozen=True, tag="created"):
    """A form was given to a candidate. The window closes at `closes_at`, whatever the other clocks say."""

    candidate: PersonId
    form: Form
    rules: Rules
    closes_at: Moment


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
    """In a linear exam: left behind, can't be changed any more."""

    position: int


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


class Extended(Event, frozen=True, tag="extended"):
    """Time given back by a person; `note` names the reason in its own table."""

    span: Span
    by: PersonId
    note: int


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
    | Extended
    | Ended
)


class Batch(Struct, frozen=True):
    """One row of the log: all events of one or more whole commands."""

    schema: int
    events: tuple[AnyEvent, ...]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Batch)


def encode_batch(events: tuple[AnyEvent, ...]) -> bytes:
    """The bytes that are stored and digested."""
    return _encoder.encode(Batch(SCHEMA, events))


def decode_batch(stored: bytes) -> tuple[AnyEvent, ...]:
    """Stored bytes as events of the present schema. Raises msgspec.DecodeError on foreign bytes."""
    return _decoder.decode(stored).events
