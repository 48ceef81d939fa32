from msgspec.structs import replace

from admin.responses import ResponseLine, late_lines, remarks, response_lines, share
from core.ids import PersonId
from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server.commands import AdmitLate, Flag, Help, Question, Settle, Show, Stop, Withdraw
from question_bank.forms import SectionRule
from tests.histories.sittings import CHOICE, NOW, PROCTOR, UNFOLDING, Drive, make_created, make_form, make_rules

MEMBER = PersonId(5)


def begun(**rules: object) -> Drive:
    form = make_form(CHOICE, CHOICE, UNFOLDING, limit=MINUTE)
    return Drive(make_created(form, make_rules(**rules), NOW + DAY)).start()  # type: ignore[arg-type]


def lines(drive: Drive, now: int) -> tuple[ResponseLine, ...]:
    return response_lines(drive.state, drive.events, now)


def test_time_on_screen_is_summed_over_visits_and_runs_on() -> None:
    drive = begun()
    drive.do(drive.answer(0), at=NOW + 5 * SECOND)
    drive.do(drive.answer(0, "b"), at=NOW + 6 * SECOND)
    drive.do(Show(0, 1), at=NOW + 10 * SECOND)
    drive.do(Flag(0, 1, True), at=NOW + 11 * SECOND)
    drive.do(Show(0, 0), at=NOW + 30 * SECOND)
    first, second, third = lines(drive, NOW + 34 * SECOND)
    assert (first.spent, first.visits, first.first_after, first.revisions, first.answered) == (
        14 * SECOND, 2, 5 * SECOND, 2, True,
    )  # fmt: skip
    assert (second.spent, second.visits, second.first_after, second.flagged) == (20 * SECOND, 1, None, True)
    assert (third.spent, third.visits, third.limit, third.answered) == (0, 0, MINUTE, False)
    assert [line.position for line in lines(drive, NOW)] == [1, 2, 3]


def test_marks_of_an_item_stand_with_it() -> None:
    drive = begun()
    drive.do(Question(0, 0, 4), at=NOW + SECOND)
    drive.do(Withdraw(drive.state.form.entries[2].item), at=NOW + 2 * SECOND)
    drive.do(Settle(), at=NOW + 2 * MINUTE)
    drive.do(drive.answer(0), at=NOW + 2 * MINUTE)
    first, _, third = lines(drive, NOW + 2 * MINUTE)
    assert (first.questioned, first.expired, first.late) == (True, True, 1)
    assert third.withdrawn


def test_a_share_is_of_the_items_own_limit() -> None:
    line = lines(begun(), NOW + 15 * SECOND)[0]
    assert share(line) == 0.25
    assert share(replace(line, spent=HOUR)) == 1.0
    assert share(replace(line, limit=0)) == 0.0


def test_how_late_is_counted_from_the_deadline_of_the_item() -> None:
    drive = begun()
    drive.do(Settle(), at=NOW + 2 * MINUTE)
    drive.do(drive.answer(0), at=NOW + 2 * MINUTE)
    (late,) = late_lines(drive.state, drive.events)
    assert (late.number, late.position, late.stage, late.stages) == (1, 1, 1, 1)
    assert (late.deadline, late.late_by, late.admitted_at) == (NOW + MINUTE, MINUTE, None)


def test_or_of_its_section_or_of_the_whole() -> None:
    drive = begun(sections=(SectionRule(2, 30 * SECOND), SectionRule(1)))
    drive.do(Settle(), at=NOW + MINUTE)
    drive.do(drive.answer(0), at=NOW + MINUTE)
    (late,) = late_lines(drive.state, drive.events)
    assert late.late_by == 30 * SECOND
    short = begun(exam_limit=20 * SECOND)
    short.do(Settle(), at=NOW + MINUTE)
    short.do(short.answer(0), at=NOW + MINUTE)
    (late,) = late_lines(short.state, short.events)
    assert (late.deadline, late.late_by) == (NOW + 20 * SECOND, 40 * SECOND)


def test_an_admission_stands_with_the_answer_it_is_of() -> None:
    drive = begun()
    drive.do(Settle(), at=NOW + 2 * MINUTE)
    for letter in "ab":
        drive.do(drive.answer(0, letter), at=NOW + 2 * MINUTE)
    drive.do(Stop(PROCTOR, 1), at=NOW + 3 * MINUTE)
    drive.do(AdmitLate(1, MEMBER, 9), at=NOW + HOUR)
    first, second = late_lines(drive.state, drive.events)
    assert (first.admitted_at, first.by, first.note) == (None, None, None)
    assert (second.number, second.admitted_at, second.by, second.note) == (2, NOW + HOUR, MEMBER, 9)


def test_remarks_and_calls_keep_their_order() -> None:
    drive = begun()
    drive.do(Help(0, 3), at=NOW + SECOND)
    drive.do(Question(0, 0, 4), at=NOW + 2 * SECOND)
    drive.do(Help(0), at=NOW + 3 * SECOND)
    assert [(one.at, one.position, one.note) for one in remarks(drive.events)] == [
        (NOW + SECOND, None, 3),
        (NOW + 2 * SECOND, 1, 4),
        (NOW + 3 * SECOND, None, None),
    ]
