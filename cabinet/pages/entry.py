"""What every cabinet endpoint asks of a request before it does anything."""

from starlette.requests import Request

from core.access import require
from core.access.roles import Permission, Principal
from core.errors import NotFound
from core.web.requests import pages_for, read_number


def _admit(request: Request) -> Principal:
    return require(request, Permission.CABINET_OWN)


for_candidates = pages_for(_admit)
"""An endpoint for whoever has a cabinet."""
for_examinees = pages_for(_admit, any_password=True)
"""The same where an exam would wait: whoever has a password that was given comes in with it."""


def read_id(text: str, missing: NotFound) -> int:
    """An id as it stands in an address or a form; anything else raises `missing`, as an unknown id would."""
    number = read_number(text)
    if number is None:
        raise NotFound(missing.code, missing.message)
    return number
