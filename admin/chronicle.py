"""What happened in a sitting, in words and in order of time. Pure.

Nothing here names an option or its text: who reads a chronicle need not be allowed to read the bank.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from core.ids import PersonId
from core.moments import Moment, to_datetime
from core.web.formats import MOSCOW, datetime_text, duration_text
from exam_server.events import (
    AdmissionWithdrawn,
    Admitted,
    Allowance,
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Created,
    Detached,
    Ended,
    EndReason,
    Extended,
    Flagged,
    FormReplaced,
    HelpAnswered,
    HelpAsked,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    NoticeRead,
    OutageCompensated,
    Paused,
    Questioned,
    Responded,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    Told,
)
from exam_server.store import Note
from proctoring.incidents import Incident, Severity
from proctoring.review import Decision, Finding, Ruling, Verdict
from proctoring.signals import TITLES
from proctoring.store import Gap

Say: TypeAlias = Callable[[str], str]
"""Translates a Russian sentence into the reader's language."""
Tone = Literal["neutral", "ok", "warn", "danger"]


class Line(Struct, frozen=True):
    """One thing that happened. `minor`: only of interest to who reads everything; `anchor`: what it leads to."""

    at: Moment
    text: str
    tone: Tone = "neutral"
    minor: bool = False
    anchor: str = ""
    detail: str = ""


class Writer(Struct, frozen=True):
    """What it takes to put events into words: the reader's language and zone, names by person, notes by id."""

    say: Say
    lang: str = "ru"
    names: Mapping[PersonId, str] = {}
    notes: Mapping[int, Note] = {}
    zone: str = MOSCOW

    def lines(self, events: Iterable[AnyEvent]) -> list[Line]:
        """One line for each event, in the order of the log."""
        told, over = [], False
        for event in events:
            if over and isinstance(event, Detached):
                told.append(Line(event.at, self.say("Страница закрыта")))
            else:
                told.append(self._line(event))
            over = over or isinstance(event, Ended)
        return told

    def incident_lines(self, incidents: Iterable[Incident]) -> list[Line]:
        """One line for each incident, at its beginning."""
        return [self._incident(one) for one in incidents]

    def gap_lines(self, gaps: Iterable[Gap]) -> list[Line]:
        """One line for each coverage gap, at its beginning."""
        say = self.say
        told = []
        for gap in gaps:
            text = say("Разрыв наблюдения: %(reason)s") % {"reason": gap_reason(gap.reason, say)}
            told.append(Line(gap.began_at, text, "warn", detail=self._length(gap.began_at, gap.ended_at)))
        return told

    def review_lines(self, findings: Iterable[Finding], decision: Decision | None) -> list[Line]:
        """Findings and the decision that ended the review."""
        say = self.say
        told = [
            Line(
                one.at,
                say("Заключение эксперта %(name)s: %(verdict)s")
                % {"name": self._name(one.reviewer), "verdict": verdict_text(one.verdict, say).lower()},
                anchor=f"incident-{one.incident}",
                detail=one.reason,
            )
            for one in findings
        ]
        if decision is not None:
            values = {"name": self._name(decision.reviewer), "ruling": ruling_text(decision.ruling, say).lower()}
            text = say("Решение эксперта %(name)s: %(ruling)s") % values
            told.append(Line(decision.at, text, RULING_TONES[decision.ruling], detail=decision.reason))
        return told

    def _incident(self, one: Incident) -> Line:
        tone = SEVERITY_TONES[one.severity]
        length = self._length(one.began_at, one.ended_at)
        return Line(one.began_at, self.say(TITLES[one.kind]), tone, anchor=f"incident-{one.id}", detail=length)

    def _length(self, began_at: Moment, ended_at: Moment | None) -> str:
        return self.say("продолжается") if ended_at is None else duration_text(ended_at - began_at, self.lang)

    def _name(self, person: PersonId | None) -> str:
        return "" if person is None else self.names.get(person, f"№ {person}")

    def _note(self, note: int | None) -> str:
        found = None if note is None else self.notes.get(note)
        return "" if found is None else found.body

    def _line(self, event: AnyEvent) -> Line:
        say, at = self.say, event.at
        match event:
            case Created():
                return Line(at, say("Набор заданий составлен, заданий: %(count)s") % {"count": len(event.form.entries)})
            case Admitted():
                text = (
                    say("Личность подтверждена сравнением с контрольным снимком")
                    if event.by == "biometrics"
                    else say("Личность подтвердил сотрудник по паспорту")
                )
                return Line(at, text, "ok")
            case AdmissionWithdrawn():
                return Line(at, say("Кандидат изменил согласие, допуск к началу снят"))
            case Started():
                return Line(at, say("Тестирование начато"), "ok")
            case Attached():
                return Line(at, say("Подключение № %(epoch)s") % {"epoch": event.epoch})
            case Detached():
                return Line(at, say("Связь прервалась"), "warn")
            case Paused():
                text = say("Приостановлено: %(name)s") % {"name": self._name(event.by)}
                return Line(at, text, "warn", detail=self._note(event.note))
            case Resumed():
                return Line(at, say("Продолжено: %(name)s") % {"name": self._name(event.by)}, "ok")
            case BreakBegun():
                span = duration_text(event.until - at, self.lang)
                return Line(at, say("Перерыв, не дольше %(span)s") % {"span": span})
            case BreakOver():
                return Line(at, say("Перерыв окончен") if event.seq is not None else say("Время перерыва вышло"))
            case OutageCompensated():
                span = duration_text(event.span, self.lang)
                return Line(at, say("Возвращено %(span)s за перебой в работе сервиса") % {"span": span}, "ok")
            case AllowanceSet():
                text = say("Дополнительное время: %(allowance)s. Назначил: %(name)s")
                values = {"allowance": allowance_text(event.allowance, say, self.lang), "name": self._name(event.by)}
                return Line(at, text % values, "ok", detail=self._note(event.note))
            case CloseMoved():
                when = datetime_text(event.closes_at, self.lang, self.zone)
                text = say("Окончание перенесено на %(when)s: %(name)s") % {"when": when, "name": self._name(event.by)}
                return Line(at, text, detail=self._note(event.note))
            case FormReplaced():
                return Line(at, say("Набор заданий заменён до начала"))
            case SectionClosed():
                return Line(at, say("Раздел %(section)s завершён") % {"section": event.section + 1})
            case SectionExpired():
                return Line(at, say("Время раздела %(section)s истекло") % {"section": event.section + 1}, "warn")
            case HelpAsked():
                return Line(at, say("Кандидат просит помощи"), "warn", detail=self._note(event.note))
            case HelpAnswered():
                return Line(at, say("На просьбу о помощи ответили: %(name)s") % {"name": self._name(event.by)})
            case Told() if event.kind == "warning":
                text = say("Предупреждение: %(name)s") % {"name": self._name(event.by)}
                return Line(at, text, "warn", detail=self._note(event.note))
            case Told():
                text = say("Сообщение: %(name)s") % {"name": self._name(event.by)}
                return Line(at, text, detail=self._note(event.note))
            case NoticeRead():
                return Line(at, say("Кандидат прочёл сообщение"), minor=True)
            case Extended() if event.cause == "outage":
                values = {"span": duration_text(event.span, self.lang), "name": self._name(event.by)}
                text = say("Возвращено %(span)s за обрыв связи: %(name)s") % values
                return Line(at, text, "ok", detail=self._note(event.note))
            case Extended():
                values = {"span": duration_text(event.span, self.lang), "name": self._name(event.by)}
                return Line(at, say("Добавлено %(span)s: %(name)s") % values, "ok", detail=self._note(event.note))
            case Ended():
                detail = self._note(event.note) if event.note is not None else ""
                text = end_text(event.reason, say)
                if event.by is not None:
                    text += f": {self._name(event.by)}"
                return Line(at, text, "danger" if event.reason == "proctor" else "neutral", detail=detail)
        return self._item_line(event)

    def _item_line(self, event: AnyEvent) -> Line:
        say, at = self.say, event.at
        number = {"item": getattr(event, "position", 0) + 1, "stage": getattr(event, "stage", 0) + 1}
        match event:
            case Shown():
                return Line(at, say("Открыто задание %(item)s") % number, minor=True)
            case Responded() if event.value:
                return Line(at, say("Задание %(item)s: ответ сохранён") % number, minor=True)
            case Responded():
                return Line(at, say("Задание %(item)s: ответ снят") % number, minor=True)
            case StageLocked():
                return Line(at, say("Задание %(item)s: шаг %(stage)s закрыт") % number, minor=True)
            case ItemLocked():
                return Line(at, say("Задание %(item)s закрыто") % number, minor=True)
            case ItemExpired():
                return Line(at, say("Время на задание %(item)s истекло") % number, "warn")
            case Flagged() if event.on:
                return Line(at, say("Задание %(item)s отмечено") % number, minor=True)
            case Flagged():
                return Line(at, say("Отметка задания %(item)s снята") % number, minor=True)
            case ItemWithdrawn():
                return Line(at, say("Задание %(item)s отозвано до показа и не учитывается") % number, "warn")
            case Questioned():
                text = say("Задание %(item)s: кандидат считает, что в нём ошибка") % number
                return Line(at, text, "warn", detail=self._note(event.note))
            case LateAdmitted():
                values = {"number": event.late + 1, "name": self._name(event.by)}
                text = say("Опоздавший ответ № %(number)s засчитан: %(name)s") % values
                return Line(at, text, "ok", detail=self._note(event.note))
            case RespondedLate():
                return Line(at, say("Задание %(item)s: ответ пришёл после срока и не засчитан") % number, "warn")
        raise TypeError(f"no words for {type(event).__name__}")


def actors(events: Iterable[AnyEvent]) -> set[PersonId]:
    """Everybody who did something to a sitting."""
    done = {getattr(event, "by", None) for event in events if not isinstance(event, Admitted)}
    return {person for person in done if person is not None}


SEVERITY_TONES: dict[Severity, Tone] = {Severity.LOW: "neutral", Severity.MEDIUM: "warn", Severity.HIGH: "danger"}
RULING_TONES: dict[Ruling, Tone] = {Ruling.NO_VIOLATION: "ok", Ruling.WARNING: "warn", Ruling.ANNUL: "danger"}


def in_order(*parts: Sequence[Line]) -> list[Line]:
    """Lines of several sources in order of time; of one moment in the order given."""
    return sorted((line for part in parts for line in part), key=lambda line: line.at)


def clock_text(at: Moment, zone: str) -> str:
    """A time of day to the second in the zone: «14:30:05»."""
    return to_datetime(at).astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def end_text(reason: EndReason, say: Say) -> str:
    """Why a sitting ended."""
    match reason:
        case "submitted":
            return say("Кандидат завершил тестирование")
        case "completed":
            return say("Все задания закрыты, тестирование завершено")
        case "exam_time":
            return say("Время тестирования истекло")
        case "item_time":
            return say("Время задания истекло, тестирование завершено")
        case "window_closed":
            return say("Назначенное время закончилось, тестирование завершено")
        case "proctor":
            return say("Тестирование завершил проктор")
        case "not_started":
            return say("Тестирование так и не было начато")
        case "window_cancelled":
            return say("Тестирование отменено организатором")


def allowance_text(allowance: Allowance, say: Say, lang: str) -> str:
    """What a candidate is given beside the usual limits."""
    parts = []
    if allowance.percent != 100:
        parts.append(say("%(percent)s %% обычного времени") % {"percent": allowance.percent})
    if allowance.extra:
        parts.append(say("ещё %(span)s") % {"span": duration_text(allowance.extra, lang)})
    if allowance.breaks:
        parts.append(say("перерывов сверх обычных: %(count)s") % {"count": allowance.breaks})
    return ", ".join(parts) or say("нет")


def gap_reason(reason: str, say: Say) -> str:
    """Why nothing was seen."""
    match reason:
        case "silent":
            return say("кадры не приходили")
        case "overload":
            return say("сервер не успевал смотреть кадры")
        case "broken":
            return say("кадры не читались")
        case "disconnected":
            return say("камера была отключена")
        case "interrupted":
            return say("сервер перезапускался")
    return reason


def verdict_text(verdict: Verdict, say: Say) -> str:
    """A finding about one incident."""
    return say("Нарушение подтверждено") if verdict is Verdict.CONFIRMED else say("Нарушения нет")


def ruling_text(ruling: Ruling, say: Say) -> str:
    """A decision about a whole sitting."""
    match ruling:
        case Ruling.NO_VIOLATION:
            return say("Нарушений нет")
        case Ruling.WARNING:
            return say("Предупреждение")
        case Ruling.ANNUL:
            return say("Аннулировать результат")
