"""People, their logins, and what each of them may do."""

from core.access.gate import (
    LOGIN_COOKIE,
    LoginGate,
    address_of,
    clear_cookie,
    put_cookie,
    require,
    signed_in,
)
from core.access.logins import forget_expired, principal_of, sign_out
from core.access.people import (
    HASHER,
    change_password,
    create_person,
    find_person,
    forget_failures,
    hash_password,
    people,
    person,
    set_password,
    sign_in,
)
from core.access.roles import PERMISSIONS, Permission, Principal, Role

__all__ = [
    "HASHER",
    "LOGIN_COOKIE",
    "PERMISSIONS",
    "LoginGate",
    "Permission",
    "Principal",
    "Role",
    "address_of",
    "change_password",
    "clear_cookie",
    "create_person",
    "find_person",
    "forget_expired",
    "forget_failures",
    "hash_password",
    "people",
    "person",
    "principal_of",
    "put_cookie",
    "require",
    "set_password",
    "sign_in",
    "sign_out",
    "signed_in",
]
