import pytest

from core.access import PERMISSIONS, Permission, Principal, Role
from core.access.roles import known_roles
from core.ids import PersonId


def someone(*roles: Role) -> Principal:
    return Principal(PersonId(1), "someone", "Иванова Анна", frozenset(roles))


def test_every_role_has_a_row_and_every_permission_somebody_who_holds_it() -> None:
    assert PERMISSIONS.keys() == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(Permission)


def test_roles_add_up() -> None:
    both = someone(Role.CANDIDATE, Role.PROCTOR)
    assert both.may(Permission.EXAM_TAKE)
    assert both.may(Permission.PROCTOR_WATCH)
    assert not both.may(Permission.REVIEW_READ)
    assert both.permissions == PERMISSIONS[Role.CANDIDATE] | PERMISSIONS[Role.PROCTOR]


def test_without_a_role_nothing_is_allowed() -> None:
    assert not any(someone().may(permission) for permission in Permission)


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.EMPLOYER, Role.OPERATOR, Role.PROCTOR])
@pytest.mark.parametrize("permission", [Permission.BANK_READ, Permission.EVIDENCE_READ, Permission.PROTOCOL_SIGN])
def test_keys_of_items_and_evidence_stay_with_those_whose_work_it_is(role: Role, permission: Permission) -> None:
    assert not someone(role).may(permission)


def test_a_stored_role_that_nobody_knows_grants_nothing() -> None:
    assert known_roles(["proctor", "superuser"]) == {Role.PROCTOR}
