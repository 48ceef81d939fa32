import asyncio

from core.ids import SittingId
from proctoring.incidents import begin
from proctoring.signals import Kind
from proctoring.watching import Counters, Watch


def watch() -> Watch:
    return Watch(1, SittingId(7), begin(0), None, None)


def test_why_nothing_was_seen() -> None:
    one = watch()
    assert one.why_unseen == "silent"
    one.broken += 1
    assert one.why_unseen == "broken"
    one.dropped += 1
    assert one.why_unseen == "overload"
    one.note_seen()
    assert one.why_unseen == "silent"
    assert one.counters == Counters(received=0, processed=1, dropped=1, broken=1)


def test_a_last_still_is_due_once() -> None:
    one = watch()
    showing = one.show(Kind.ABSENT, 1_000, 4_000)
    assert list(one.due(3_999)) == []
    assert list(one.due(4_000)) == [showing]
    assert list(one.due(5_000)) == []
    assert one.conceal(Kind.ABSENT, 1_000) is None


def test_an_incident_that_closes_early_still_lacks_its_last_still() -> None:
    one = watch()
    showing = one.show(Kind.ABSENT, 1_000, 4_000)
    assert one.conceal(Kind.ABSENT, 1_000) is showing
    assert one.conceal(Kind.ABSENT, 1_000) is None


async def test_whoever_waits_for_rest_is_woken() -> None:
    one = watch()
    await one.rest()
    one.in_work = True
    waiting = [asyncio.ensure_future(one.rest()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(future.done() for future in waiting)
    one.in_work = False
    one.wake()
    await asyncio.gather(*waiting)
