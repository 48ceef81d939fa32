"""What a page is told: enough to draw itself, and never a stage before it opens."""

import msgspec
from hypothesis import given
from msgspec.structs import replace

from core.moments import HOUR, MINUTE
from exam_server import timing, wire
from exam_server.announcements import announce, draw_item, quoted, take_snapshot
from exam_server.commands import (
    Advance,
    Attach,
    CloseSection,
    Command,
    Extend,
    Flag,
    LockStage,
    Pause,
    ReadNotice,
    Resume,
    SetAllowance,
    Settle,
    Show,
    Start,
    Stop,
    Submit,
    Tell,
)
from exam_server.events import Allowance, Created
from question_bank.forms import SectionRule
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    SITTING,
    UNFOLDING,
    Drive,
    Step,
    creations,
    long,
    make_copies,
    make_created,
    make_form,
    make_rules,
    stage_text,
    steps,
    thorough,
)

FORM = make_form(CHOICE, UNFOLDING, CHOICE)
COPIES = make_copies(FORM)
TEXTS = {4: "Смотрите на экран", 5: "Пожарная тревога"}


def begun(navigation: str = "free") -> Drive:
    return Drive(make_created(FORM, make_rules(navigation))).start()  # type: ignore[arg-type]


def test_the_explanation_of_a_locked_item_is_open_until_the_candidate_goes_on() -> None:
    drive = Drive(make_created(FORM, make_rules("linear", explanations="item")))
    drive.do(Attach(FIRST))
    drive.do(Start(0))
    (anew,) = [message for message in tell(drive, Show(0, 1)) if isinstance(message, wire.Changed)]
    assert (anew.explanations, anew.explained, anew.item, anew.marks[0].locked) == ("item", 0, None, True)
    drive.do(Attach(SECOND_BROWSER))
    assert take_snapshot(drive.state, COPIES, TEXTS, drive.now).explained == 0
    drive.seq = 0
    (shown,) = tell(drive, Show(0, 1))
    assert isinstance(shown, wire.ShownItem)
    assert take_snapshot(drive.state, COPIES, TEXTS, drive.now).explained is None


def tell(drive: Drive, command: Command, at: int | None = None) -> list[wire.AnyOutgoing]:
    events = drive.do(command, at)
    return announce(drive.state, events, COPIES, TEXTS, drive.now)


def test_a_page_that_attaches_gets_the_whole_state_and_nothing_else() -> None:
    drive = begun()
    drive.do(drive.answer(0))
    drive.do(Flag(0, 2, True))
    (snapshot,) = tell(drive, Attach(FIRST), NOW + 5_000)
    assert snapshot == take_snapshot(drive.state, COPIES, TEXTS, NOW + 5_000)
    assert isinstance(snapshot, wire.Snapshot)
    assert (snapshot.sitting, snapshot.status, snapshot.epoch, snapshot.seq) == (SITTING, "running", 2, 3)
    assert snapshot.now == NOW + 5_000
    assert snapshot.deadline == NOW + HOUR
    assert snapshot.marks == (wire.Mark(answered=True, visited=True), wire.Mark(), wire.Mark(flagged=True))
    assert snapshot.item is not None
    assert snapshot.item.answers == (("0.0.a",),)
    assert snapshot.item.deadline == NOW + MINUTE


def test_a_snapshot_counts_only_the_edits_of_its_own_browser() -> None:
    drive = begun()
    (snapshot,) = tell(drive, Attach(SECOND_BROWSER))
    assert isinstance(snapshot, wire.Snapshot)
    assert snapshot.seq == 0


def test_before_the_start_and_after_the_end_there_is_no_item() -> None:
    fresh = Drive(make_created(FORM))
    assert take_snapshot(fresh.state, COPIES, TEXTS, NOW).item is None
    drive = begun()
    drive.do(Submit(0))
    snapshot = take_snapshot(drive.state, COPIES, TEXTS, NOW)
    assert (snapshot.item, snapshot.ended, snapshot.status) == (None, "submitted", "ended")


def test_choices_come_in_this_candidates_order() -> None:
    item = draw_item(begun().state, COPIES)
    assert item is not None
    assert [choice.id for choice in item.content.stages[0].choices] == ["0.0.d", "0.0.b", "0.0.c", "0.0.a"]


def test_showing_an_item_draws_it() -> None:
    drive = begun()
    (shown,) = tell(drive, Show(0, 1), NOW + 1_000)
    assert isinstance(shown, wire.ShownItem)
    assert (shown.item.position, shown.item.stage, shown.item.deadline) == (1, 0, NOW + 61_000)


def test_the_next_stage_is_drawn_when_its_own_opens() -> None:
    drive = begun()
    first = tell(drive, Show(0, 1))
    drive.do(drive.answer(1))
    second = tell(drive, LockStage(0, 1, 0))
    assert stage_text(1, 1).encode() not in wire.encode(first[0])
    assert stage_text(1, 1).encode() in wire.encode(second[0])
    assert stage_text(1, 2).encode() not in wire.encode(second[0])


def test_moving_on_in_a_linear_exam_closes_the_item_left() -> None:
    drive = begun("linear")
    closed, shown = tell(drive, Show(0, 1))
    assert closed == wire.Closed(0, expired=False)
    assert isinstance(shown, wire.ShownItem)


def test_time_running_out_closes_the_item() -> None:
    drive = begun("linear")
    assert tell(drive, Settle(), NOW + 62_001) == [wire.Closed(0, expired=True)]
    (shown,) = tell(drive, Advance())
    assert isinstance(shown, wire.ShownItem)


def test_time_given_back_moves_the_countdowns() -> None:
    drive = begun()
    (told,) = tell(drive, Extend(MINUTE, PROCTOR, 1), NOW + 3_000)
    assert told == wire.Deadlines(NOW + 3_000, NOW + HOUR + MINUTE, NOW + 2 * MINUTE)


def test_a_late_answer_says_so() -> None:
    drive = begun("linear")
    drive.do(Settle(), NOW + 62_001)
    assert tell(drive, drive.answer(0)) == [wire.Late(drive.seq, 0)]


def test_the_end_comes_with_its_reason_and_without_an_item() -> None:
    assert tell(begun(), Stop(PROCTOR, 1)) == [wire.Finished("proctor")]
    drive = begun()
    assert tell(drive, Settle(), NOW + 2 * HOUR) == [wire.Closed(0, expired=True), wire.Finished("exam_time")]


def test_an_accepted_answer_needs_no_words_of_its_own() -> None:
    drive = begun()
    assert tell(drive, drive.answer(0)) == []


@given(creations(), long(steps(), 40))
@thorough(60)
def test_no_message_ever_holds_a_stage_that_is_not_open(created: Created, history: list[Step]) -> None:
    copies = make_copies(created.form)
    drive = Drive(created).start()
    for step in history:
        drive.now = max(NOW, step.wait.until(drive.now, drive.state))
        before = drive.state
        events, _ = drive.attempt(step.fit(before))
        told = announce(drive.state, events, copies, {}, drive.now)
        sent = b"".join(wire.encode(message) for message in (*told, take_snapshot(drive.state, copies, {}, drive.now)))
        for number, item in enumerate(drive.state.items):
            for stage in range(len(item.answers)):
                if number != drive.state.current or stage > item.stage:
                    assert f'"{stage_text(number, stage)}"'.encode() not in sent
        if drive.state.current is not None:
            item = drive.state.items[drive.state.current]
            assert f'"{stage_text(drive.state.current, item.stage)}"'.encode() in sent
            assert timing.item_deadline(drive.state) is not None
        msgspec.json.decode(wire.encode(take_snapshot(drive.state, copies, {}, drive.now)))


def test_a_pause_takes_the_item_off_the_page_and_says_why() -> None:
    drive = begun()
    (changed,) = tell(drive, Pause(PROCTOR, 5), NOW + 10_000)
    assert isinstance(changed, wire.Changed)
    assert (changed.item, changed.halt) == (None, wire.HaltView(NOW + 10_000, None, "Пожарная тревога"))
    assert changed.deadline == NOW + HOUR
    told = tell(drive, Resume(PROCTOR), NOW + 70_000)
    assert isinstance(told[-1], wire.Changed)
    assert (told[-1].halt, told[-1].deadline) == (None, NOW + HOUR + MINUTE)


def test_a_message_is_told_at_once_and_again_until_it_is_read() -> None:
    drive = begun()
    (notice,) = tell(drive, Tell("warning", PROCTOR, 4), NOW + 1_000)
    assert notice == wire.Notice(4, "warning", "Смотрите на экран", NOW + 1_000)
    snapshot = take_snapshot(drive.state, COPIES, TEXTS, drive.now)
    assert snapshot.notices == (wire.NoticeView(4, "warning", "Смотрите на экран", NOW + 1_000),)
    drive.do(ReadNotice(0, 4))
    assert take_snapshot(drive.state, COPIES, TEXTS, drive.now).notices == ()


def test_an_end_by_staff_says_what_they_wrote() -> None:
    drive = begun()
    assert tell(drive, Stop(PROCTOR, 5, "window_cancelled")) == [wire.Finished("window_cancelled", "Пожарная тревога")]
    assert quoted(drive.state) == (5,)
    assert take_snapshot(drive.state, COPIES, TEXTS, drive.now).reason == "Пожарная тревога"


def test_a_section_is_told_with_its_places_and_its_clock() -> None:
    sections = (SectionRule(1, MINUTE), SectionRule(2))
    drive = Drive(make_created(FORM, make_rules(sections=sections))).start()
    first = take_snapshot(drive.state, COPIES, TEXTS, drive.now).section
    assert first == wire.SectionView(0, 2, 0, 1, begun=True, deadline=NOW + MINUTE)
    (changed,) = tell(drive, CloseSection(0, 0), NOW + 5_000)
    assert isinstance(changed, wire.Changed)
    assert (changed.section, changed.item) == (wire.SectionView(1, 2, 1, 2), None)


def test_the_page_is_told_anew_when_a_section_begins_or_gets_more_time() -> None:
    sections = (SectionRule(1, MINUTE), SectionRule(2, MINUTE))
    drive = Drive(make_created(FORM, make_rules(sections=sections))).start()
    drive.do(CloseSection(0, 0), NOW + 5_000)
    (begun_now,) = tell(drive, Show(0, 1), NOW + 9_000)
    assert isinstance(begun_now, wire.Changed)
    assert begun_now.section == wire.SectionView(1, 2, 1, 2, begun=True, deadline=NOW + 9_000 + MINUTE)
    assert begun_now.item is not None
    (given,) = tell(drive, Extend(MINUTE, PROCTOR, 4), NOW + 10_000)
    assert isinstance(given, wire.Changed)
    assert given.section == wire.SectionView(1, 2, 1, 2, begun=True, deadline=NOW + 9_000 + 2 * MINUTE)


# --- pictures -------------------------------------------------------------------------------------------


IMAGE = '<img data-asset="pic-{}" alt="Рисунок" width="4" height="3">'
ILLUSTRATED = {
    ref: replace(
        copy,
        markup="html",
        stem=IMAGE.format("stem"),
        stages=tuple(replace(s, prompt=IMAGE.format(f"s{n}")) for n, s in enumerate(copy.stages)),
    )
    for ref, copy in COPIES.items()
}


def test_the_pictures_of_opened_stages_go_out_with_signed_addresses() -> None:
    copies = ILLUSTRATED
    drive = begun()
    drive.do(Show(0, 1))
    item = draw_item(drive.state, copies, b"key")
    assert item is not None
    shown = [exhibit.asset for exhibit in item.media]
    assert shown == ["pic-stem", "pic-s0"], "a stage that is not open has shown its picture"
    until = item.deadline + timing.BROKEN_GRACE
    assert f"until={until}&" in item.media[1].address
    assert take_snapshot(drive.state, copies, TEXTS, NOW, b"key").item == item
    assert b"media" not in wire.encode(take_snapshot(drive.state, copies, TEXTS, NOW))
    plain = draw_item(drive.state, COPIES, b"key")
    assert plain is not None
    assert plain.media == ()


def test_time_given_back_renews_the_addresses_of_pictures() -> None:
    drive = begun()
    drive.do(drive.answer(0))
    for command in (Extend(MINUTE, PROCTOR, 1), SetAllowance(Allowance(percent=200), PROCTOR, 1)):
        events = drive.do(command)
        told = announce(drive.state, events, ILLUSTRATED, TEXTS, drive.now, b"key")
        item = next(one.item for one in told if isinstance(one, wire.ShownItem | wire.Changed))
        assert item is not None
        assert item.answers == (("0.0.a",),)
        deadline = timing.item_deadline(drive.state)
        assert deadline is not None
        assert item.deadline == deadline
        assert all(f"until={deadline + timing.BROKEN_GRACE}&" in exhibit.address for exhibit in item.media)
        assert item.media


def test_time_given_back_between_items_draws_none() -> None:
    drive = begun("linear")
    drive.do(Settle(), NOW + 62_001)
    assert drive.state.current is None
    events = drive.do(Extend(MINUTE, PROCTOR, 1))
    (told,) = announce(drive.state, events, ILLUSTRATED, TEXTS, drive.now, b"key")
    assert isinstance(told, wire.Deadlines)
