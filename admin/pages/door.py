"""What every staff endpoint asks of a request, and how it reads addresses and lists that people sent."""

from collections.abc import Callable

from starlette.requests import Request

from core.access import Permission, Principal, require, signed_in
from core.errors import NotFound
from core.web.requests import Endpoint, Page, pages_for, plain, read_number

LONGEST_QUERY = 200
MOST_PAGES = 100_000


def for_staff(*permissions: Permission) -> Callable[[Page], Endpoint]:
    """An endpoint for whoever has one of the permissions."""

    def admit(request: Request) -> Principal:
        reader = signed_in(request)
        if any(reader.may(permission) for permission in permissions):
            return reader
        return require(request, permissions[0])

    return pages_for(admit)


def read_id(request: Request, name: str = "id") -> int:
    """An id as it stands in the address; anything else is as unknown as an unknown id."""
    number = read_number(str(request.path_params[name]))
    if number is None:
        raise NotFound("not_found", "По этому адресу ничего нет. Откройте нужную запись из списка.")
    return number


def read_ids(texts: list[str]) -> list[int]:
    """Ids from a form; what is none is left out."""
    return [number for text in texts if (number := read_number(text)) is not None]


def read_page(request: Request) -> int:
    """The page of a list that the address asks for, the first one by default."""
    return min(read_number(request.query_params.get("page", "")) or 1, MOST_PAGES)


def read_query(request: Request, name: str) -> str:
    """A parameter of the address without what can't be typed, bounded."""
    return plain(request.query_params.get(name, ""), LONGEST_QUERY).strip()


async def read_texts(request: Request, name: str) -> list[str]:
    """All values of a field that may stand in a form several times."""
    return [plain(value, LONGEST_QUERY) for value in (await request.form()).getlist(name) if isinstance(value, str)]
