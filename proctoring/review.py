"""What a person has to read, what they found, what they decided. Pure; no detector decides anything here."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from core.errors import Conflict, Forbidden, Invalid
from core.ids import IncidentId, PersonId, SittingId
from core.moments import Moment
from proctoring.incidents import Incident

REASON_LENGTH: Final = 2000


class Verdict(StrEnum):
    """Of one incident: a violation, or none."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Ruling(StrEnum):
    """Of a whole sitting."""

    NO_VIOLATION = "no_violation"
    WARNING = "warning"
    ANNUL = "annul"


class Finding(msgspec.Struct, frozen=True):
    """What one reviewer found about one incident; their later finding replaces an earlier one."""

    incident: IncidentId
    verdict: Verdict
    reviewer: PersonId
    reason: str
    at: Moment


class Decision(msgspec.Struct, frozen=True):
    """The end of a review."""

    sitting: SittingId
    ruling: Ruling
    reviewer: PersonId
    reason: str
    at: Moment


class Stage(StrEnum):
    NOTHING = "nothing"
    OPEN = "open"
    DONE = "done"


class Review(msgspec.Struct, frozen=True):
    """`unread`: incidents that a person must still read, in order of time; `ruling` once done."""

    stage: Stage
    unread: tuple[IncidentId, ...] = ()
    ruling: Ruling | None = None

    @property
    def holds_outcome(self) -> bool:
        """Whether the outcome waits."""
        return self.stage is Stage.OPEN


def must_read(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Incidents that a person reads before there is an outcome, in order of time."""
    return tuple(sorted((one for one in incidents if one.holds), key=lambda one: (one.began_at, one.id)))


def flagged(incidents: Iterable[Incident]) -> bool:
    """Whether the outcome waits for a person at all."""
    return any(one.holds for one in incidents)


def newest(findings: Iterable[Finding]) -> dict[IncidentId, Finding]:
    """The finding that stands for each incident: the last one."""
    return {finding.incident: finding for finding in sorted(findings, key=lambda finding: finding.at)}


def review(incidents: Sequence[Incident], findings: Iterable[Finding], decision: Decision | None) -> Review:
    """Where the review of a sitting stands. Everything read is not yet decided: a person says so."""
    if decision is not None:
        return Review(Stage.DONE, ruling=decision.ruling)
    if not flagged(incidents):
        return Review(Stage.NOTHING)
    found = newest(findings)
    return Review(Stage.OPEN, tuple(one.id for one in must_read(incidents) if one.id not in found))


def check_reason(reason: str) -> str:
    """The reason without outer blanks. Raises Invalid reason_missing, reason_too_long."""
    kept = reason.strip()
    if not kept:
        raise Invalid("reason_missing", "Напишите, на чём основано заключение.", fields={"reason": "Не заполнено"})
    if len(kept) > REASON_LENGTH:
        raise Invalid(
            "reason_too_long", f"Сократите обоснование до {REASON_LENGTH} знаков.", fields={"reason": "Слишком длинно"}
        )
    return kept


def check_decision(
    incidents: Sequence[Incident], findings: Sequence[Finding], present: Decision | None, decision: Decision
) -> None:
    """Whether a decision may stand. Raises Conflict review_decided, review_unread, review_nothing_confirmed, Invalid.

    Everything that must be read has been; a warning or an annulment rests on at least one confirmed incident.
    """
    check_reason(decision.reason)
    if present is not None:
        raise Conflict("review_decided", "Решение по этому тестированию уже принято. Изменить его может апелляция.")
    found = newest(findings)
    unread = [one for one in must_read(incidents) if one.id not in found]
    if unread:
        raise Conflict("review_unread", f"Сначала дайте заключение по каждому инциденту: осталось {len(unread)}.")
    confirmed = any(finding.verdict is Verdict.CONFIRMED for finding in found.values())
    if decision.ruling is not Ruling.NO_VIOLATION and not confirmed:
        raise Conflict(
            "review_nothing_confirmed",
            "Предупреждение и аннулирование возможны, только если подтверждён хотя бы один инцидент.",
        )


class Appeal(msgspec.Struct, frozen=True):
    """An appeal against a decision and who hears it."""

    against: Decision
    reviewer: PersonId
    at: Moment


def check_appeal(appeal: Appeal, findings: Iterable[Finding]) -> None:
    """Whoever decided or gave a finding does not hear the appeal. Raises Forbidden appeal_same_reviewer."""
    took_part = {appeal.against.reviewer, *(finding.reviewer for finding in findings)}
    if appeal.reviewer in took_part:
        raise Forbidden("appeal_same_reviewer", "Апелляцию рассматривает тот, кто не участвовал в первом рассмотрении.")
