import pytest

from cabinet.account import has_desk, home_of, way_back, way_in
from core.access.roles import Principal, Role
from core.ids import PersonId


def somebody(*roles: Role, password_given: bool = False) -> Principal:
    return Principal(PersonId(1), "kim", "Ким Вера", frozenset(roles), password_given=password_given)


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


@pytest.mark.parametrize(
    ("wanted", "own", "given"),
    [
        ("", "/cabinet", "/account"),
        ("/login", "/cabinet", "/account"),
        ("/cabinet/windows?exam=a&page=2", "/cabinet/windows?exam=a&page=2", None),
        ("/exam/7", "/exam/7", "/exam/7"),
        ("/exam/bookings/7", "/exam/bookings/7", "/exam/bookings/7"),
        ("/examples", "/examples", "/account?next=/examples"),
        ("//exam/7", "/cabinet", "/account"),
    ],
)
def test_a_given_password_is_replaced_on_the_way_in_save_where_an_exam_waits(
    wanted: str, own: str, given: str | None
) -> None:
    assert way_in(wanted, somebody(Role.CANDIDATE)) == own
    led = "/account?next=/cabinet/windows%3Fexam%3Da%26page%3D2" if given is None else given
    assert way_in(wanted, somebody(Role.CANDIDATE, password_given=True)) == led
