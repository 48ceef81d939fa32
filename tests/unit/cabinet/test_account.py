import pytest

from cabinet.account import has_desk, home_of, way_back
from core.access.roles import Principal, Role
from core.ids import PersonId


def somebody(*roles: Role) -> Principal:
    return Principal(PersonId(1), "kim", "Ким Вера", frozenset(roles))


@pytest.mark.parametrize(
    ("roles", "home", "desk"),
    [
        ([Role.CANDIDATE], "/cabinet", False),
        ([Role.PROCTOR], "/staff", True),
        ([Role.OPERATOR, Role.METHODOLOGIST], "/staff", True),
        ([Role.CANDIDATE, Role.COMMISSION], "/cabinet", True),
        ([Role.INSPECTOR], "/staff", True),
        ([Role.EMPLOYER], "/register", False),
        ([Role.EMPLOYER, Role.CANDIDATE], "/cabinet", False),
        ([], "/register", False),
    ],
)
def test_everybody_starts_where_their_work_is(roles: list[Role], home: str, desk: bool) -> None:
    assert home_of(somebody(*roles)) == home
    assert has_desk(somebody(*roles)) is desk


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/cabinet/windows?exam=a&page=2", "/cabinet/windows?exam=a&page=2"),
        ("/exam/7", "/exam/7"),
        ("", "/cabinet"),
        ("/", "/cabinet"),
        ("/login?next=/login", "/cabinet"),
        ("/logout", "/cabinet"),
        ("https://evil.test/", "/cabinet"),
        ("//evil.test/", "/cabinet"),
        ("/\\evil.test", "/cabinet"),
        ("//[", "/cabinet"),
        ("/\n//evil.test", "/cabinet"),
        ("/" + "a" * 2_000, "/cabinet"),
    ],
)
def test_the_way_back_stays_on_this_host_and_goes_round_in_no_circle(wanted: str, led: str) -> None:
    assert way_back(wanted, somebody(Role.CANDIDATE)) == led
