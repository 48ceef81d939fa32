"""The browser protocol, version 1: what a page may say and what it is told. Pure.

No type in this module has a place for a key: items travel as question_bank.candidate_copy.CandidateItem.
Text frames hold JSON; a client may send the same bytes in a binary frame.
"""

from typing import Annotated, Literal, TypeAlias, final

import msgspec
from msgspec import Meta, Struct

from core.ids import ChoiceId, SittingId
from core.moments import Moment, Span
from exam_server.commands import (
    CandidateMessage,
    CloseSection,
    EndBreak,
    Flag,
    Instead,
    LockStage,
    Position,
    ReadNotice,
    RefusalCode,
    Respond,
    Show,
    Start,
    Submit,
    TakeBreak,
)
from exam_server.events import EndReason, NoticeKind
from exam_server.media import Exhibit
from exam_server.sitting import Status
from question_bank.candidate_copy import CandidateItem
from question_bank.forms import Explanations, Navigation

PROTOCOL = 1
MAX_MESSAGE = 16_384
"""Bytes of one message from a page."""
MAX_REMARK = 1_000
"""Characters of what a candidate writes to a remark or a call for help."""


@final
class Ping(Struct, frozen=True, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Are you there, and what time is it? `sent` comes back unchanged."""

    sent: Annotated[float, Meta(ge=0, le=1e15)]


@final
class Remark(CandidateMessage, frozen=True, tag="remark"):
    """«This item seems wrong», with the candidate's comment."""

    position: Position
    text: Annotated[str, Meta(min_length=1, max_length=MAX_REMARK)]


@final
class AskHelp(CandidateMessage, frozen=True, tag="help"):
    """A person is needed here; a few words may say what for."""

    text: Annotated[str, Meta(max_length=MAX_REMARK)] = ""
    instead: Instead = 0


Incoming: TypeAlias = (
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
    | Remark
    | AskHelp
    | Ping
)


class Outgoing(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Something a page is told."""


class Mark(Struct, frozen=True, omit_defaults=True):
    """One place of the item map."""

    answered: bool = False
    visited: bool = False
    locked: bool = False
    expired: bool = False
    flagged: bool = False
    withdrawn: bool = False
    questioned: bool = False


class SectionView(Struct, frozen=True, omit_defaults=True):
    """The present section: its number from 0 of `count`, its places, and when it locks where it has its own limit."""

    number: int
    count: int
    first: int
    items: int
    begun: bool = False
    deadline: Moment | None = None


class HaltView(Struct, frozen=True, omit_defaults=True):
    """The clocks stand since a moment. `until`: it is a break, which ends then; else a pause, with its reason."""

    since: Moment
    until: Moment | None = None
    text: str = ""


class NoticeView(Struct, frozen=True):
    """A message of the proctor that was not confirmed yet."""

    id: int
    kind: NoticeKind
    text: str
    at: Moment


class OpenItem(Struct, frozen=True, omit_defaults=True):
    """The item on screen: its opened stages, what was answered so far, and when it locks (server time, ms).

    `media`: where its pictures can be fetched while it is open.
    """

    position: int
    content: CandidateItem
    answers: tuple[tuple[ChoiceId, ...], ...]
    stage: int
    deadline: Moment
    limit: Span
    media: tuple[Exhibit, ...] = ()


class View(Outgoing, frozen=True, kw_only=True):
    """Everything a page needs to draw itself anew.

    `deadline` is the exam's; while the clocks stand (`halt`) it is what it was when they stopped. `opens_at` is told
    before the start only, `reason` is what staff wrote to an end.
    """

    now: Moment
    status: Status
    navigation: Navigation
    flags: bool
    marks: tuple[Mark, ...]
    deadline: Moment
    closes_at: Moment
    opens_at: Moment = 0
    item: OpenItem | None = None
    section: SectionView | None = None
    halt: HaltView | None = None
    breaks_left: int = 0
    break_limit: Span = 0
    notices: tuple[NoticeView, ...] = ()
    help: bool = False
    explanations: Explanations = "none"
    explained: int | None = None
    """Nothing is on screen since this item was locked: its explanation is open until another one is asked for."""
    ended: EndReason | None = None
    reason: str = ""


class Snapshot(View, frozen=True, kw_only=True, tag="snapshot"):
    """What a page is told when it has taken the sitting over. `seq`: all edits of its browser up to here are stored."""

    protocol: int
    sitting: SittingId
    epoch: int
    seq: int


class Changed(View, frozen=True, kw_only=True, tag="changed"):
    """Something other than the candidate's own edits changed the sitting: this is how it stands now."""


class Ack(Outgoing, frozen=True, tag="ack"):
    """Every edit up to `seq` is durable."""

    seq: int


class ShownItem(Outgoing, frozen=True, tag="item"):
    """Draw this item now."""

    now: Moment
    item: OpenItem


class Closed(Outgoing, frozen=True, tag="closed"):
    """An item locked without the candidate's doing."""

    position: int
    expired: bool


class Deadlines(Outgoing, frozen=True, tag="deadlines"):
    """The clocks were changed."""

    now: Moment
    deadline: Moment
    item_deadline: Moment | None = None


class Finished(Outgoing, frozen=True, tag="ended"):
    """The sitting is over; `text` is what staff wrote to it."""

    reason: EndReason
    text: str = ""


class TakenOver(Outgoing, frozen=True, tag="taken_over"):
    """Another page goes on with this sitting; this one is to stop."""


class Late(Outgoing, frozen=True, tag="late"):
    """The response came after its time: kept for the commission, not scored."""

    seq: int
    position: int


class Notice(Outgoing, frozen=True, tag="notice"):
    """A message from the proctor; the page answers with `read` once the candidate has confirmed it."""

    id: int
    kind: NoticeKind
    text: str
    at: Moment


class Pong(Outgoing, frozen=True, tag="pong"):
    sent: float
    now: Moment


WireCode: TypeAlias = (
    RefusalCode | Literal["malformed", "unknown_type", "invalid_message", "message_too_large", "flood", "internal"]
)


@final
class Refused(Outgoing, frozen=True, tag="refused"):
    """A message that had no effect, and why. The connection and the exam go on. `seq` where it had one."""

    code: WireCode
    message: str
    seq: int | None = None


AnyOutgoing: TypeAlias = (
    Snapshot | Changed | Ack | ShownItem | Closed | Deadlines | Finished | TakenOver | Late | Notice | Pong | Refused
)

SENTENCES: dict[str, str] = {
    "bad_seq": "Номер изменения не подходит. Обновите страницу.",
    "not_admitted": "Сначала пройдите проверку техники и подтвердите личность.",
    "not_started": "Тестирование ещё не начато.",
    "already_started": "Тестирование уже идёт.",
    "ended": "Тестирование завершено, изменения не принимаются.",
    "unknown_item": "Такого задания нет в вашем наборе.",
    "unknown_option": "Такого варианта нет в этом задании.",
    "wrong_count": "Число выбранных вариантов не подходит к заданию.",
    "item_not_open": "Это задание сейчас не открыто.",
    "item_locked": "Время или доступ к этому заданию закончились.",
    "stage_locked": "Этот шаг уже закрыт.",
    "stage_not_open": "Этот шаг ещё не открыт.",
    "stage_unanswered": "Сначала выберите ответ на этом шаге.",
    "flags_off": "В этом тестировании отметки не предусмотрены.",
    "going_back_off": "В этом тестировании задания идут по порядку.",
    "too_many_devices": "Тестирование открывали на слишком многих устройствах. Обратитесь к проктору.",
    "too_late": "Ответ получен после срока и не принят.",
    "bad_span": "Время задано неверно.",
    "past_window": "Столько времени не помещается: тестирование закроется раньше. Добавьте меньше.",
    "too_early": "Тестирование ещё не открыто. Дождитесь назначенного времени.",
    "paused": "Тестирование приостановлено. Ответ сохранён на этом устройстве и будет отправлен снова.",
    "not_paused": "Тестирование не приостановлено.",
    "on_break": "Идёт перерыв. Вернитесь к заданиям, чтобы продолжить.",
    "not_on_break": "Перерыв уже окончен.",
    "unknown_notice": "Это сообщение уже прочитано.",
    "no_breaks_left": "Перерывов больше нет.",
    "nothing_left": "Впереди нет новых заданий: после перерыва отвечать было бы не на что.",
    "other_section": "Это задание из другого раздела.",
    "last_section": "Это последний раздел. Чтобы закончить, завершите тестирование.",
    "superseded": "На это задание позже ответили с другого устройства; засчитан тот ответ.",
    "bad_allowance": "Дополнительное время задано неверно: от 100 до 400 процентов и не больше 6 часов.",
    "bad_moment": "Новое время окончания должно быть в будущем, не дальше месяца.",
    "too_many_notices": "Кандидат ещё не прочёл прошлые сообщения. Дождитесь, пока он их прочтёт.",
    "too_many_remarks": "Обращений слишком много. Расскажите об остальном после тестирования.",
    "already_begun": "Тестирование уже начато: набор заданий заменить нельзя.",
    "not_ended": "Тестирование ещё идёт.",
    "unknown_late": "Такого опоздавшего ответа нет, или он уже учтён.",
    "malformed": "Сообщение не прочитано.",
    "unknown_type": "Неизвестный вид сообщения.",
    "invalid_message": "Сообщение заполнено неверно.",
    "message_too_large": "Сообщение слишком большое.",
    "busy": "Сервер занят. Ответ сохранён на этом устройстве и будет отправлен снова.",
    "flood": "Слишком много сообщений. Подключение закрыто, его можно возобновить.",
    "internal": "Ошибка на сервере. Ответ сохранён на этом устройстве и будет отправлен снова.",
}

_decoder: msgspec.json.Decoder[Incoming] = msgspec.json.Decoder(Incoming)
_encoder = msgspec.json.Encoder()


def decode(data: str | bytes) -> Incoming | Refused:
    """A page's message, validated; or why it can't be used."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError as error:
        text = str(error)
        if text.endswith("`$.type`") or "`type`" in text:
            return refused("unknown_type", _seq_of(data))
        return refused("invalid_message", _seq_of(data), text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return refused("malformed")


def encode(message: AnyOutgoing) -> bytes:
    return _encoder.encode(message)


def encode_ack(seq: int) -> bytes:
    """The same as encode(Ack(seq)), for the one message that is sent with every answer."""
    return b'{"type":"ack","seq":%d}' % seq


def refused(code: WireCode, seq: int | None = None, detail: str = "") -> Refused:
    """A refusal with its sentence; `detail` says which field, for developers of clients."""
    sentence = SENTENCES[code]
    return Refused(code, f"{sentence} ({detail[:200]})" if detail else sentence, seq)


class _Numbered(Struct):
    seq: Annotated[int, Meta(ge=0, le=2**53)] | None = None


def _seq_of(data: str | bytes) -> int | None:
    try:
        return msgspec.json.decode(data, type=_Numbered).seq
    except (msgspec.DecodeError, RecursionError):
        return None
