from typing import get_args

import pytest

from admin.chronicle import Line, Writer, actors, clock_text, end_text, gap_reason, in_order
from core.ids import BlueprintId, ChoiceId, IncidentId, PersonId, SittingId
from core.moments import MINUTE, SECOND, Moment
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
from proctoring.signals import Kind
from proctoring.store import Gap
from question_bank.forms import Form, Rules

AT: Moment = 1_795_338_000_000
CHOICE = ChoiceId("secret-choice")
EVENTS: tuple[AnyEvent, ...] = (
    Created(
        AT, PersonId(1), Form(BlueprintId("b"), 1, 1, "a", "s", ()), Rules(MINUTE, "free", "advance", True), AT + MINUTE
    ),
    Admitted(AT, "biometrics"),
    Admitted(AT, "person"),
    AdmissionWithdrawn(AT),
    Started(AT, 1),
    Attached(AT, "stream", 3),
    Detached(AT),
    Shown(AT, 4),
    Responded(AT, 4, 0, (CHOICE,), 2),
    Responded(AT, 4, 0, (), 3),
    StageLocked(AT, 4, 1, 4),
    ItemLocked(AT, 4),
    ItemExpired(AT, 4),
    Flagged(AT, 4, True, 5),
    Flagged(AT, 4, False, 6),
    RespondedLate(AT, 4, 0, (CHOICE,), 7),
    LateAdmitted(AT, 0, PersonId(2), 9),
    OutageCompensated(AT, MINUTE, AT - MINUTE),
    Paused(AT, PersonId(2), 9),
    Resumed(AT, PersonId(2)),
    BreakBegun(AT, AT + MINUTE, 8),
    BreakOver(AT, 9),
    BreakOver(AT),
    AllowanceSet(AT, Allowance(150, MINUTE, 1), PersonId(2), 9),
    CloseMoved(AT, AT + MINUTE, PersonId(2), 9),
    SectionClosed(AT, 0, 10),
    SectionExpired(AT, 0),
    ItemWithdrawn(AT, 4),
    FormReplaced(AT, Form(BlueprintId("b"), 1, 2, "a", "s", ())),
    Questioned(AT, 4, 9, 11),
    HelpAsked(AT, 12),
    HelpAnswered(AT, PersonId(2)),
    Told(AT, "message", 9, PersonId(2)),
    Told(AT, "warning", 9, PersonId(2)),
    NoticeRead(AT, 9, 13),
    Extended(AT, 10 * MINUTE, PersonId(2), 9, "outage"),
    Extended(AT, 10 * MINUTE, PersonId(2), 9),
    Ended(AT, "proctor", by=PersonId(2), note=9),
)


def echo(text: str) -> str:
    return text


@pytest.fixture
def writer() -> Writer:
    note = Note(9, PersonId(2), "extend", "Отключали свет", AT)
    return Writer(echo, "ru", {PersonId(2): "Зимин Олег"}, {9: note})


def test_every_kind_of_event_has_words(writer: Writer) -> None:
    assert {type(event) for event in EVENTS} == set(get_args(AnyEvent))
    lines = writer.lines(EVENTS)
    assert [line.at for line in lines] == [AT] * len(EVENTS)
    texts = [line.text for line in lines]
    assert len(set(texts)) == len(texts)
    assert all(text and "%(" not in text for text in texts)


def test_leaving_after_the_end_is_no_lost_connection(writer: Writer) -> None:
    before, _, after = writer.lines([Detached(AT), Ended(AT, "submitted"), Detached(AT)])
    assert (before.text, before.tone) == ("Связь прервалась", "warn")
    assert (after.text, after.tone) == ("Страница закрыта", "neutral")


def test_no_line_tells_what_was_chosen(writer: Writer) -> None:
    assert not any(CHOICE in line.text + line.detail for line in writer.lines(EVENTS))


def test_items_are_counted_from_one_and_answers_are_minor(writer: Writer) -> None:
    shown = writer.lines([Shown(AT, 0)])[0]
    assert (shown.text, shown.minor) == ("Открыто задание 1", True)
    assert not writer.lines([ItemExpired(AT, 0)])[0].minor


def test_who_acted_and_why_stands_with_the_act(writer: Writer) -> None:
    extended, ended = writer.lines(EVENTS[-2:])
    assert extended.text == "Добавлено 10\u00a0мин: Зимин Олег"
    assert extended.detail == "Отключали свет"
    assert ended.text == "Тестирование завершил проктор: Зимин Олег"
    assert ended.detail == "Отключали свет"


def test_whoever_acted_is_known_and_admission_by_biometrics_is_nobody() -> None:
    assert actors(EVENTS) == {PersonId(2)}
    assert actors([Admitted(AT, "person"), Ended(AT, "submitted")]) == set()


def test_a_moved_close_is_told_in_the_readers_zone() -> None:
    line = Writer(echo, "ru", zone="Asia/Yakutsk").lines([CloseMoved(AT, AT + MINUTE, PersonId(2), 9)])[0]
    assert line.text.replace("\u00a0", " ") == "Окончание перенесено на 22 ноября 2026, 18:01 (МСК+6): № 2"


def test_a_person_and_a_note_that_are_gone_leave_a_line(writer: Writer) -> None:
    line = writer.lines([Extended(AT, MINUTE, PersonId(77), 1)])[0]
    assert line.text.endswith("№ 77")
    assert line.detail == ""


def test_every_end_and_every_gap_has_words_of_its_own() -> None:
    ends = {end_text(reason, echo) for reason in get_args(EndReason)}
    assert len(ends) == len(get_args(EndReason))
    reasons = ("silent", "overload", "broken", "disconnected", "interrupted")
    assert len({gap_reason(reason, echo) for reason in reasons}) == len(reasons)
    assert gap_reason("of a later release", echo) == "of a later release"


def test_incidents_lead_to_their_place_and_open_ones_go_on(writer: Writer) -> None:
    one = Incident(
        IncidentId(5), SittingId(1), Kind.ABSENT, Severity.MEDIUM, True, AT, AT + SECOND, AT + 90 * SECOND, "over",
        3, 1.0, None, "yunet", "standard-1",
    )  # fmt: skip
    line = writer.incident_lines([one])[0]
    assert (line.anchor, line.tone, line.detail) == ("incident-5", "warn", "1\u00a0мин\u00a030\u00a0с")
    assert writer.gap_lines([Gap(AT, None, "silent")])[0].detail == "продолжается"


def test_findings_and_decision_have_a_name_and_a_reason(writer: Writer) -> None:
    finding = Finding(IncidentId(5), Verdict.CONFIRMED, PersonId(2), "видно телефон", AT)
    decision = Decision(SittingId(1), Ruling.ANNUL, PersonId(2), "грубое нарушение", AT + 1)
    found, decided = writer.review_lines([finding], decision)
    assert "Зимин Олег" in found.text
    assert found.detail == "видно телефон"
    assert (decided.tone, decided.detail) == ("danger", "грубое нарушение")


def test_lines_of_one_moment_keep_the_order_given() -> None:
    first, second, earlier = Line(AT, "a"), Line(AT, "b"), Line(AT - 1, "c")
    assert in_order([first], [second, earlier]) == [earlier, first, second]


def test_a_clock_is_told_to_the_second_in_the_zone() -> None:
    assert clock_text(AT + 7 * SECOND, "Asia/Yakutsk") == "18:00:07"
