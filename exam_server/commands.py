"""What may be asked of a sitting: by its page, by the server itself, by staff. Pure."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from core.ids import ChoiceId, ItemId, PersonId
from core.moments import Moment, Span
from exam_server.events import Allowance, IdentityBy, NoticeKind, StopReason, Via
from question_bank.forms import Form

Seq: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]
Position: TypeAlias = Annotated[int, Meta(ge=0, le=9_999)]
Instead: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""The newest number that was refused for now and is not coming again: it was numbered anew, above this one. 0: none."""


class CandidateMessage(Struct, frozen=True, gc=False, tag_field="type", forbid_unknown_fields=True):
    """What a candidate's page can ask for. `seq` numbers the edits of one browser, counting up."""

    seq: Seq


class Start(CandidateMessage, frozen=True, tag="start"):
    """Begin: the exam clock starts and the first item is shown."""


class Show(CandidateMessage, frozen=True, tag="show"):
    """Put an item on the screen."""

    position: Position


class Respond(CandidateMessage, frozen=True, tag="respond"):
    """The chosen option, or the chosen actions in the chosen order. An empty value takes a response back.

    `epoch`: of the connection during which it was chosen, 0 where that is not known. It only tells a response that
    waited on one device from a newer one given on another.
    """

    position: Position
    stage: Position
    value: Annotated[tuple[Annotated[ChoiceId, Meta(max_length=64)], ...], Meta(max_length=32)]
    epoch: Annotated[int, Meta(ge=0, le=2**31)] = 0


class LockStage(CandidateMessage, frozen=True, tag="lock"):
    """Close this stage of a case for good; the next one opens."""

    position: Position
    stage: Position


class Flag(CandidateMessage, frozen=True, tag="flag"):
    """Mark an item for review, or take the mark away."""

    position: Position
    on: bool


class CloseSection(CandidateMessage, frozen=True, tag="close_section"):
    """Leave a section for good."""

    section: Position


class TakeBreak(CandidateMessage, frozen=True, tag="take_break"):
    """Stop the clocks for a while; whatever was seen is locked."""


class EndBreak(CandidateMessage, frozen=True, tag="end_break"):
    """Back from the break."""


class ReadNotice(CandidateMessage, frozen=True, tag="read"):
    """The message of this id has been read."""

    notice: Annotated[int, Meta(ge=0, le=2**53)]
    instead: Instead = 0


class Submit(CandidateMessage, frozen=True, tag="submit"):
    """End the sitting."""


class Question(CandidateMessage, frozen=True):
    """An item seems wrong; the comment is kept already, under `note`."""

    position: Position
    note: int


class Help(CandidateMessage, frozen=True):
    """The candidate needs a person; what was written with it is kept under `note`."""

    note: int | None = None
    instead: Instead = 0


class Attach(Struct, frozen=True):
    """A page connects. `orphaned`: whoever held the last connection is gone without a word (a crash)."""

    stream: str
    orphaned: bool = False
    via: Via = "socket"


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
    cause: Literal["given", "outage"] = "given"


class Pause(Struct, frozen=True):
    by: PersonId
    note: int


class Resume(Struct, frozen=True):
    by: PersonId


class SetAllowance(Struct, frozen=True):
    """Replace the candidate's allowance."""

    allowance: Allowance
    by: PersonId
    note: int


class MoveClose(Struct, frozen=True):
    """Let the window of this sitting close at another moment."""

    closes_at: Moment
    by: PersonId
    note: int


class CompensateOutage(Struct, frozen=True):
    """The service was away for `span` from `began_at` on. Given twice it counts once."""

    began_at: Moment
    span: Span


class Tell(Struct, frozen=True):
    """Show the candidate the note's text."""

    kind: NoticeKind
    by: PersonId
    note: int


class AnswerHelp(Struct, frozen=True):
    """Somebody has taken the candidate's call up."""

    by: PersonId


class Withdraw(Struct, frozen=True):
    """Nobody is to see this item from now on."""

    item: ItemId


class ReplaceForm(Struct, frozen=True):
    """Give another form before the start."""

    form: Form


class AdmitLate(Struct, frozen=True):
    """The commission counts the late answer of this number, from 0."""

    late: int
    by: PersonId
    note: int


class Stop(Struct, frozen=True):
    """Staff end the sitting, with the id of the written reason."""

    by: PersonId
    note: int
    reason: StopReason = "proctor"


CandidateCommand: TypeAlias = (
    Start
    | Show
    | Respond
    | LockStage
    | Flag
    | CloseSection
    | TakeBreak
    | EndBreak
    | ReadNotice
    | Submit
    | Question
    | Help
)
StaffCommand: TypeAlias = (
    Extend
    | Pause
    | Resume
    | SetAllowance
    | MoveClose
    | CompensateOutage
    | Tell
    | AnswerHelp
    | Withdraw
    | ReplaceForm
    | AdmitLate
    | Stop
)
Command: TypeAlias = CandidateCommand | StaffCommand | Attach | Detach | Settle | Advance | Admit | WithdrawAdmission

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
    "busy",
    "too_late",
    "bad_span",
    "past_window",
    "too_early",
    "paused",
    "not_paused",
    "on_break",
    "not_on_break",
    "unknown_notice",
    "no_breaks_left",
    "nothing_left",
    "other_section",
    "last_section",
    "superseded",
    "bad_allowance",
    "bad_moment",
    "too_many_notices",
    "too_many_remarks",
    "already_begun",
    "not_ended",
    "unknown_late",
]
