"""The browser protocol, version 1: what a page may say and what it is told. Pure.

No type in this module has a place for a key: items travel as question_bank.candidate_copy.CandidateItem.
Text frames hold JSON; a client may send the same bytes in a binary frame.
"""

from typing import Annotated, Literal, TypeAlias, final

import msgspec
from msgspec import Meta, Struct

from core.ids import ChoiceId, SittingId
from core.moments import Moment, Span
from exam_server.commands import Flag, LockStage, RefusalCode, Respond, Show, Start, Submit
from exam_server.events import EndReason
from exam_server.sitting import Status
from question_bank.candidate_copy import CandidateItem
from question_bank.forms import Navigation

PROTOCOL = 1
MAX_MESSAGE = 16_384
"""Bytes of one message from a page."""


@final
class Ping(Struct, frozen=True, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Are you there, and what time is it? `sent` comes back unchanged."""

    sent: Annotated[float, Meta(ge=0, le=1e15)]


Incoming: TypeAlias = Start | Show | Respond | LockStage | Flag | Submit | Ping


class Outgoing(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Something a page is told."""


class Mark(Struct, frozen=True, omit_defaults=True):
    """One place of the item map."""

    answered: bool = False
    visited: bool = False
    locked: bool = False
    expired: bool = False
    flagged: bool = False


class OpenItem(Struct, frozen=True):
    """The item on screen: its opened stages, what was answered so far, and when it locks (server time, ms)."""

    position: int
    content: CandidateItem
    answers: tuple[tuple[ChoiceId, ...], ...]
    stage: int
    deadline: Moment
    limit: Span


class Snapshot(Outgoing, frozen=True, tag="snapshot"):
    """Everything a page needs to draw itself anew. `seq`: all edits of this browser up to here are stored."""

    protocol: int
    sitting: SittingId
    now: Moment
    status: Status
    epoch: int
    seq: int
    navigation: Navigation
    flags: bool
    marks: tuple[Mark, ...]
    deadline: Moment
    item: OpenItem | None = None
    ended: EndReason | None = None


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
    """The sitting is over."""

    reason: EndReason


class TakenOver(Outgoing, frozen=True, tag="taken_over"):
    """Another page goes on with this sitting; this one is to stop."""


class Late(Outgoing, frozen=True, tag="late"):
    """The response came after its time: kept for the commission, not scored."""

    seq: int
    position: int


class Notice(Outgoing, frozen=True, tag="notice"):
    """A message from the proctor."""

    text: str


class Pong(Outgoing, frozen=True, tag="pong"):
    sent: float
    now: Moment


WireCode: TypeAlias = (
    RefusalCode
    | Literal["malformed", "unknown_type", "invalid_message", "message_too_large", "busy", "flood", "internal"]
)


@final
class Refused(Outgoing, frozen=True, tag="refused"):
    """A message that had no effect, and why. The connection and the exam go on. `seq` where it had one."""

    code: WireCode
    message: str
    seq: int | None = None


AnyOutgoing: TypeAlias = (
    Snapshot | Ack | ShownItem | Closed | Deadlines | Finished | TakenOver | Late | Notice | Pong | Refused
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
