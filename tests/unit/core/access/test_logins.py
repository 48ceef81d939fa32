from core.access.logins import FRESH, STALE, RecentLogins, digest
from core.access.roles import Principal
from core.ids import PersonId

NOW = 1_795_338_000_000
KEY = digest("token")
SOMEONE = Principal(PersonId(1), "someone", "Иванова Анна", frozenset())


def test_an_answer_is_believed_for_its_time_only() -> None:
    recent = RecentLogins()
    assert recent.recall(KEY, NOW) == (False, None)
    recent.remember(KEY, SOMEONE, NOW)
    assert recent.recall(KEY, NOW + FRESH - 1) == (True, SOMEONE)
    assert recent.recall(KEY, NOW + FRESH) == (False, None)
    assert recent.recall(KEY, NOW + STALE - 1, STALE) == (True, SOMEONE)
    assert recent.recall(KEY, NOW - 1) == (False, None)


def test_that_a_token_is_unknown_is_remembered_too() -> None:
    recent = RecentLogins()
    recent.remember(KEY, None, NOW)
    assert recent.recall(KEY, NOW) == (True, None)


def test_an_ended_login_cannot_come_back_with_a_late_answer() -> None:
    recent = RecentLogins()
    recent.remember(KEY, SOMEONE, NOW)
    recent.forget(KEY)
    recent.remember(KEY, SOMEONE, NOW)
    assert recent.recall(KEY, NOW) == (False, None)


def test_only_so_many_are_kept_and_the_oldest_go_first() -> None:
    recent = RecentLogins(size=2)
    for name in ("a", "b", "c"):
        recent.remember(digest(name), SOMEONE, NOW)
    assert [recent.recall(digest(name), NOW)[0] for name in ("a", "b", "c")] == [False, True, True]
