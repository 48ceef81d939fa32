"""Where a person belongs after signing in, and where the way in may lead back to."""

from urllib.parse import quote

from core.access.roles import Permission, Principal, Role
from core.web.language import local_path
from core.web.requests import ACCOUNT

CABINET = "/cabinet"
STAFF = "/staff"
REGISTER = "/register"

_REGISTER_ONLY = frozenset({Role.EMPLOYER})
_DOORS = frozenset({"/", "/login", "/logout"})
_EXAM = "/exam/"
_LONGEST_PATH = 2_000


def home_of(principal: Principal) -> str:
    """The page a person starts from: a candidate's cabinet, else the staff's desk, else the register."""
    if principal.may(Permission.CABINET_OWN):
        return CABINET
    if principal.roles - _REGISTER_ONLY:
        return STAFF
    return REGISTER


def has_desk(principal: Principal) -> bool:
    """Whether the person has a staff desk beside, or instead of, a cabinet."""
    return bool(principal.roles - _REGISTER_ONLY - {Role.CANDIDATE})


def way_back(wanted: str, principal: Principal) -> str:
    """Where to go after signing in: the page that was asked for when it is one of ours, else the person's home."""
    path = local_path(wanted) if len(wanted) <= _LONGEST_PATH else "/"
    return home_of(principal) if path.partition("?")[0] in _DOORS else path


def way_in(wanted: str, principal: Principal) -> str:
    """Where to go after signing in: as `way_back`, by way of another password where somebody else chose this one.

    An exam never waits for a password.
    """
    path = way_back(wanted, principal)
    if not principal.password_given or path.startswith(_EXAM):
        return path
    return ACCOUNT if path == home_of(principal) else f"{ACCOUNT}?next={quote(path)}"
