from starlette.routing import Route

from admin.pages import routes
from admin.pages.frame import SECTIONS, pages_of, sections_of
from core.access import PERMISSIONS, Principal, Role
from core.ids import PersonId


def principal(*roles: Role) -> Principal:
    return Principal(PersonId(1), "login", "Имя", frozenset(roles))


def test_every_section_is_a_page() -> None:
    paths = {route.path for route in routes if isinstance(route, Route)}
    assert {section.path for section in SECTIONS} <= paths


def test_streams_are_found_before_a_sitting_of_that_name() -> None:
    paths = [route.path for route in routes if isinstance(route, Route)]
    assert paths.index("/staff/proctor/events") < paths.index("/staff/proctor/{id}")


def test_everybody_with_a_desk_has_something_on_it() -> None:
    for role in set(Role) - {Role.CANDIDATE, Role.EMPLOYER}:
        assert sections_of(principal(role)), role
    assert sections_of(principal(Role.CANDIDATE, Role.EMPLOYER)) == []


def test_a_person_of_two_roles_sees_the_sections_of_both_once() -> None:
    both = sections_of(principal(Role.METHODOLOGIST, Role.OPERATOR))
    assert len(both) == len({section.path for section in both})
    assert {section.path for section in sections_of(principal(Role.METHODOLOGIST))} < {one.path for one in both}
    assert set(PERMISSIONS) == set(Role)


def test_a_list_has_at_least_one_page() -> None:
    assert [pages_of(total, 50) for total in (0, 1, 50, 51, 1_000)] == [1, 1, 1, 2, 20]
