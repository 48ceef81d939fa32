"""Accounts: the list, and a new one."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import people
from admin.pages.door import for_staff, read_page, read_query, read_texts
from admin.pages.frame import back, pages_of, show
from admin.people import NewPerson
from core.access import Permission, Principal, Role
from core.access.people import LONGEST_PASSWORD, SHORTEST_PASSWORD
from core.errors import AccreditationError, Forbidden
from core.web.requests import database_of, read_field, read_text

ROLE_WORDS = {
    Role.CANDIDATE: "Кандидат",
    Role.METHODOLOGIST: "Методист",
    Role.COMMISSION: "Член аккредитационной подкомиссии",
    Role.COMMISSION_CHAIR: "Председатель подкомиссии",
    Role.COMMISSION_SECRETARY: "Секретарь подкомиссии",
    Role.APPEAL_COMMISSION: "Член апелляционной комиссии",
    Role.PROCTOR: "Проктор",
    Role.REGISTER_KEEPER: "Специалист по ведению реестра",
    Role.EMPLOYER: "Работодатель",
    Role.INSPECTOR: "Контролирующий орган",
    Role.OPERATOR: "Администратор",
}
ZONES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
)
ZONE_WORDS = {
    "Europe/Kaliningrad": "Калининград",
    "Europe/Moscow": "Москва",
    "Europe/Samara": "Самара",
    "Asia/Yekaterinburg": "Екатеринбург",
    "Asia/Omsk": "Омск",
    "Asia/Krasnoyarsk": "Красноярск",
    "Asia/Irkutsk": "Иркутск",
    "Asia/Yakutsk": "Якутск",
    "Asia/Vladivostok": "Владивосток",
    "Asia/Magadan": "Магадан",
    "Asia/Kamchatka": "Камчатка",
}
TEXTS = ("login", "family_name", "given_name", "patronymic", "email", "zone")


@for_staff(Permission.PEOPLE_MANAGE)
async def show_people(request: Request, reader: Principal) -> Response:
    """`GET /staff/people?role=&q=&page=`."""
    wanted, words, page = read_query(request, "role"), read_query(request, "q"), read_page(request)
    role = next((one for one in Role if one.value == wanted), None)
    async with database_of(request).transaction() as connection:
        found = await people.list_people(connection, role=role, words=words, page=page)
    chosen = {"role": role.value if role is not None else "", "q": words}
    context = {
        "found": found,
        "roles": tuple(Role),
        "role_words": ROLE_WORDS,
        "chosen": chosen,
        "page": page,
        "pages": pages_of(found.total, people.PAGE),
        "address": "/staff/people?" + urlencode({**chosen, "page": ""}),
    }
    return show(request, reader, "people", context)


@for_staff(Permission.PEOPLE_MANAGE)
async def show_new_person(request: Request, reader: Principal) -> Response:
    """`GET /staff/people/new`."""
    return _form(request, reader, dict.fromkeys(TEXTS, "") | {"zone": reader.zone}, [])


@for_staff(Permission.PEOPLE_MANAGE)
async def add_person(request: Request, reader: Principal) -> Response:
    """`POST /staff/people/new`. The password is never shown again, not even when the form comes back."""
    typed = {name: await read_text(request, name, 300) for name in TEXTS}
    roles = await read_texts(request, "role")
    password = await read_field(request, "password", LONGEST_PASSWORD)
    wanted = NewPerson(password=password, roles=tuple(roles), **typed)
    try:
        async with database_of(request).transaction() as connection:
            await people.add_person(connection, wanted, reader, request.app.state.clock.now())
    except Forbidden:
        raise
    except AccreditationError as problem:
        return _form(request, reader, typed, roles, problem)
    return back("/staff/people", "person")


def _form(
    request: Request,
    reader: Principal,
    typed: dict[str, str],
    roles: list[str],
    problem: AccreditationError | None = None,
) -> Response:
    context = {
        "typed": typed,
        "picked": roles,
        "roles": tuple(Role),
        "role_words": ROLE_WORDS,
        "zones": ZONES,
        "zone_words": ZONE_WORDS,
        "shortest": SHORTEST_PASSWORD,
    }
    return show(request, reader, "person_new", context, problem)


routes: list[BaseRoute] = [
    Route("/staff/people", show_people, methods=["GET"]),
    Route("/staff/people/new", show_new_person, methods=["GET"]),
    Route("/staff/people/new", add_person, methods=["POST"]),
]
