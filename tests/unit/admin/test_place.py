from admin.place import Clock, Notice, clocks, cut_off, notices
from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server.commands import MoveClose, Pause, SetAllowance, Show, Stop, TakeBreak
from exam_server.events import Allowance, NoticeRead, Told
from question_bank.forms import SectionRule
from tests.histories.sittings import CHOICE, NOW, PROCTOR, Drive, make_created, make_form, make_rules


def begun(**rules: object) -> Drive:
    form = make_form(CHOICE, CHOICE, CHOICE, limit=MINUTE)
    return Drive(make_created(form, make_rules(**rules), NOW + DAY)).start()  # type: ignore[arg-type]


def named(*found: Clock) -> dict[str, tuple[int, int | None]]:
    return {one.name: (one.left, one.deadline) for one in found}


def test_before_the_start_and_after_the_end_no_clock_runs() -> None:
    drive = Drive(make_created())
    assert clocks(drive.state, NOW) == ()


def test_every_clock_is_told_the_exams_first() -> None:
    drive = begun(sections=(SectionRule(2, 10 * MINUTE), SectionRule(1)))
    found = clocks(drive.state, NOW + 20 * SECOND)
    assert [one.name for one in found] == ["exam", "section", "item", "window"]
    assert named(*found) == {
        "exam": (HOUR - 20 * SECOND, NOW + HOUR),
        "section": (10 * MINUTE - 20 * SECOND, NOW + 10 * MINUTE),
        "item": (40 * SECOND, NOW + MINUTE),
        "window": (DAY - 20 * SECOND, NOW + DAY),
    }


def test_a_clock_is_never_below_nothing() -> None:
    assert named(*clocks(begun().state, NOW + 2 * DAY))["exam"] == (0, NOW + HOUR)


def test_in_a_pause_the_clocks_stand_where_they_stood_and_the_window_closes_all_the_same() -> None:
    drive = begun(sections=(SectionRule(3, 10 * MINUTE),))
    drive.do(Show(0, 1), at=NOW + 5 * SECOND)
    drive.do(Pause(PROCTOR, 1), at=NOW + 20 * SECOND)
    assert named(*clocks(drive.state, NOW + HOUR)) == {
        "exam": (HOUR - 20 * SECOND, None),
        "section": (10 * MINUTE - 20 * SECOND, None),
        "item": (45 * SECOND, None),
        "window": (DAY - HOUR, NOW + DAY),
    }


def test_on_a_break_no_item_waits() -> None:
    drive = begun(breaks=1, break_limit=5 * MINUTE)
    drive.do(TakeBreak(0), at=NOW + 20 * SECOND)
    assert named(*clocks(drive.state, NOW + MINUTE)) == {
        "exam": (HOUR - 20 * SECOND, None),
        "window": (DAY - MINUTE, NOW + DAY),
    }


def test_what_was_said_knows_whether_it_was_read() -> None:
    first, second = Told(NOW, "message", 4, PROCTOR), Told(NOW + 5, "warning", 6, PROCTOR)
    assert notices((first, second, NoticeRead(NOW + 9, 4, 3), NoticeRead(NOW + 9, 99, 4))) == (
        Notice(6, "warning", NOW + 5, PROCTOR),
        Notice(4, "message", NOW, PROCTOR, NOW + 9),
    )


def test_what_the_close_takes_away_is_told() -> None:
    form = make_form(CHOICE, limit=2 * HOUR)
    drive = Drive(make_created(form, make_rules(), NOW + HOUR + 10 * MINUTE)).start()
    assert cut_off(drive.state, NOW) == 0
    drive.do(SetAllowance(Allowance(percent=150), PROCTOR, 1))
    assert cut_off(drive.state, NOW + MINUTE) == 20 * MINUTE
    drive.do(MoveClose(NOW + 2 * HOUR, PROCTOR, 2))
    assert cut_off(drive.state, NOW + MINUTE) == 0
    drive.do(Pause(PROCTOR, 1), at=NOW + 2 * MINUTE)
    assert cut_off(drive.state, NOW + 42 * MINUTE) == 10 * MINUTE, "a pause is given back, and the close stays"
    drive.do(Stop(PROCTOR, 3))
    assert cut_off(drive.state, NOW + DAY) == 0


def test_before_the_start_nothing_is_taken_away() -> None:
    assert cut_off(Drive(make_created()).state, NOW + DAY) == 0
