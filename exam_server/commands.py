"""What may be asked of a sitting: by its page, by the server itself, by staff. Pure."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from core.ids import ChoiceId, PersonId
from core.moments import Span
from exam_server.events import IdentityBy

Seq: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]
Position: TypeAlias = Annotated[int, Meta(ge=0, le=9_999)]


class CandidateMessage(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What a candidate's page can ask for. `seq` numbers the edits of one browser, counting up."""

    seq: Seq


class Start(CandidateMessage, frozen=True, tag="start"):
    """Begin: the exam clock starts and the first item is shown."""


class Show(CandidateMessage, frozen=True, tag="show"):
    """Put an item on the screen."""

    position: Position


class Respond(CandidateMessage, frozen=True, tag="respond"):
    """The chosen option, or the chosen actions in the chosen order. An empty value takes a response back."""

    position: Position
    stage: Position
    value: Annotated[tuple[Annotated[ChoiceId, Meta(max_length=64)], ...], Meta(max_length=32)]


class LockStage(CandidateMessage, frozen=True, tag="lock"):
    """Close this stage of a case for good; the next one opens."""

    position: Position
    stage: Position


class Flag(CandidateMessage, frozen=True, tag="flag"):
    """Mark an item for review, or take the mark away."""

    position: Position
    on: bool


class Submit(CandidateMessage, frozen=True, tag="submit"):
    """End the sitting."""


class Attach(Struct, frozen=True):
    """A page connects. `orphaned`: whoever held the last connection is gone without a word (a crash)."""

    stream: str
    orphaned: bool = False


class Detach(Struct, frozen=True):
    """The connection of `epoch` is lost."""

    epoch: int


class Settle(Struct, frozen=True):
    """Nothing but the passing of time."""


class Advance(Struct, frozen=True):
    """A live page has nothing on screen: show it the next open item."""


class Admit(Struct, frozen=True):
    by: IdentityBy


class WithdrawAdmission(Struct, frozen=True):
    """What the admission rested on was taken back."""


class Extend(Struct, frozen=True):
    span: Span
    by: PersonId
    note: int


class Stop(Struct, frozen=True):
    """A proctor ends the sitting, with the id of the written reason."""

    by: PersonId
    note: int


CandidateCommand: TypeAlias = Start | Show | Respond | LockStage | Flag | Submit
Command: TypeAlias = CandidateCommand | Attach | Detach | Settle | Advance | Admit | WithdrawAdmission | Extend | Stop

RefusalCode = Literal[
    "bad_seq",
    "not_admitted",
    "not_started",
    "already_started",
    "ended",
    "unknown_item",
    "unknown_option",
    "wrong_count",
    "item_not_open",
    "item_locked",
    "stage_locked",
    "stage_not_open",
    "stage_unanswered",
    "flags_off",
    "going_back_off",
    "too_many_devices",
    "too_late",
    "bad_span",
    "past_window",
]
