"""May this person begin a new attempt now? Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

from core.moments import Moment

Hindrance = Literal[
    "not_admitted",
    "documents_missing",
    "window_cancelled",
    "too_early",
    "too_late",
    "in_progress",
    "passed",
    "attempts_used",
    "waiting",
]

SENTENCES: dict[Hindrance, str] = {
    "not_admitted": "Допуск к тестированию ещё не оформлен. Обратитесь в аккредитационную подкомиссию.",
    "documents_missing": "Для допуска не хватает документов. Передайте их в аккредитационную подкомиссию.",
    "window_cancelled": "Это время тестирования отменено. Выберите другое в календаре.",
    "too_early": "Тестирование ещё не открыто. Вернитесь к назначенному времени.",
    "too_late": "Время тестирования прошло. Выберите другую дату в календаре.",
    "in_progress": "Предыдущая попытка ещё идёт или её результат не подсчитан. Откройте её из личного кабинета.",
    "passed": "Тестирование по этой специальности уже сдано.",
    "attempts_used": "Все попытки использованы. Обратитесь в аккредитационную подкомиссию.",
    "waiting": "Новая попытка пока недоступна: срок после прошлой ещё не истёк.",
}


class PastAttempt(Struct, frozen=True):
    """One attempt that counts: not an absence. One annulled for a violation counts as not passed."""

    passed: bool | None
    """None while the result is not known yet."""
    retake_on: date | None


class Circumstances(Struct, frozen=True):
    """All that the answer depends on. `missing` is None where nobody has decided about admission."""

    missing: tuple[str, ...] | None
    cancelled: bool
    opens_at: Moment
    closes_at: Moment
    attempts: Sequence[PastAttempt]
    attempts_allowed: int
    practice: bool


def find_hindrance(circumstances: Circumstances, now: Moment, today: date) -> Hindrance | None:
    """The first thing that stands in the way, or None. `today` is the date in the candidate's zone.

    Practice asks for no admission and counts no attempts.
    """
    if circumstances.cancelled:
        return "window_cancelled"
    if not circumstances.practice:
        hindrance = _admission_hindrance(circumstances, today)
        if hindrance is not None:
            return hindrance
    if now < circumstances.opens_at:
        return "too_early"
    return "too_late" if now >= circumstances.closes_at else None


def _admission_hindrance(circumstances: Circumstances, today: date) -> Hindrance | None:
    if circumstances.missing is None:
        return "not_admitted"
    if circumstances.missing:
        return "documents_missing"
    if any(attempt.passed is None for attempt in circumstances.attempts):
        return "in_progress"
    if any(attempt.passed for attempt in circumstances.attempts):
        return "passed"
    if len(circumstances.attempts) >= circumstances.attempts_allowed:
        return "attempts_used"
    if any(attempt.retake_on is not None and today < attempt.retake_on for attempt in circumstances.attempts):
        return "waiting"
    return None
