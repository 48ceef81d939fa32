"""What stands around every staff page: the sections a person may open, what was just done, what went wrong."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.access import Permission, Principal
from core.errors import AccreditationError
from core.web import language
from core.web.pages import render


class Section(Struct, frozen=True):
    """One part of the staff side. `permissions`: any of these opens it."""

    path: str
    title: str
    about: str
    icon: str
    permissions: tuple[Permission, ...]


SECTIONS = (
    Section(
        "/staff/proctor",
        "Наблюдение",
        "Кто сейчас проходит тестирование и кому нужна помощь",
        "camera",
        (Permission.PROCTOR_WATCH,),
    ),
    Section(
        "/staff/sittings",
        "Тестирования",
        "Все тестирования: ход, результат, материалы наблюдения",
        "list",
        (Permission.SITTING_READ,),
    ),
    Section(
        "/staff/reviews",
        "Рассмотрение",
        "Инциденты, по которым нужно решение эксперта",
        "eye",
        (Permission.REVIEW_READ,),
    ),
    Section(
        "/staff/protocols",
        "Протоколы",
        "Утверждение предварительных результатов",
        "clipboard-check",
        (Permission.PROTOCOL_READ,),
    ),
    Section("/staff/bank", "Банк заданий", "Задания с эталонами и пояснениями", "book-open", (Permission.BANK_READ,)),
    Section(
        "/staff/blueprints",
        "Спецификации",
        "Из чего составляется набор заданий",
        "grid",
        (Permission.BANK_READ, Permission.PLANNING_EDIT),
    ),
    Section(
        "/staff/windows",
        "Расписание",
        "Даты и время проведения, запись кандидатов",
        "calendar",
        (Permission.PLANNING_EDIT,),
    ),
    Section(
        "/staff/allowances",
        "Особые условия",
        "Дополнительное время и перерывы, назначенные заранее",
        "clock",
        (Permission.PLANNING_EDIT,),
    ),
    Section(
        "/staff/register",
        "Реестр",
        "Записи об аккредитации и история каждой записи",
        "shield-check",
        (Permission.REGISTER_READ,),
    ),
    Section("/staff/people", "Люди", "Учётные записи и роли", "users", (Permission.PEOPLE_MANAGE,)),
    Section(
        "/staff/operations",
        "Состояние системы",
        "Очередь сообщений, часы, камеры, версии",
        "monitor",
        (Permission.OPERATE,),
    ),
)

DONE = {
    "time": "Время добавлено. Кандидат уже видит новый срок.",
    "ended": "Тестирование завершено. Кандидат увидит причину.",
    "warned": "Предупреждение отправлено. Когда кандидат его прочтёт, это будет отмечено.",
    "told": "Сообщение отправлено. Когда кандидат его прочтёт, это будет отмечено.",
    "helped": "Отмечено, что на просьбу о помощи ответили.",
    "paused": "Тестирование приостановлено. Часы стоят, задание убрано с экрана.",
    "resumed": "Тестирование продолжено. Время паузы возвращено.",
    "outage": "Потерянное время возвращено. Кандидат уже видит новый срок.",
    "allowance": "Дополнительное время изменено. Кандидат уже видит новый срок.",
    "close": "Окончание перенесено. Кандидат уже видит новый срок.",
    "identity": "Личность подтверждена. Кандидат может начать.",
    "late": "Ответ засчитан, результат подсчитан заново.",
    "late_same": "Ответ засчитан. Баллов он не прибавил.",
    "found": "Заключение сохранено.",
    "decided": "Решение принято. Тестирование можно включить в протокол.",
    "signed": "Протокол подписан. Результаты утверждены и отправляются в реестр.",
    "person": "Учётная запись создана.",
    "blueprint": "Спецификация сохранена. Уже назначенные экзамены пройдут по своей версии.",
    "build_stopped": "Подбор остановится через несколько секунд.",
    "form_given": "Сохранено. Уже собранные наборы не меняются, остальные кандидаты получат этот.",
    "window": "Время назначено. Кандидаты могут записываться.",
    "moved_send": "Версия отправлена на проверку.",
    "moved_recall": "Версия снова черновик.",
    "moved_return": "Версия возвращена автору.",
    "moved_approve": "Версия утверждена.",
    "moved_pilot": "Версия введена в апробацию.",
    "moved_activate": "Версия действует: её дают кандидатам.",
    "moved_retire": "Версия выведена: новым кандидатам её не дают.",
    "moved_reopen": "Версия снова на проверке.",
    "commented": "Комментарий сохранён.",
    "rated": "Оценка сохранена.",
    "withdrawn": "Задание отозвано: новым кандидатам его уже не дают.",
    "allowance_given": "Условия сохранены. Они войдут в тестирования этого кандидата.",
    "window_cancelled": "Время отменено. Записанные увидят причину в личном кабинете.",
    "window_moved": "Окончание перенесено. Кандидаты уже видят новый срок.",
    "requirement": "Требование сохранено.",
    "requirements": "Список принят.",
    "speciality": "Название специальности изменено.",
    "repealed": "Требование отменено. Его заданий в новых наборах не будет.",
    "restored": "Требование снова действует. Его задания вернулись в наборы.",
    "file_dropped": "Файл удалён. В банк из него ничего не попало.",
    "retried": "Сообщение будет отправлено снова в ближайшие секунды.",
}


def sections_of(principal: Principal) -> list[Section]:
    """The parts that a person may open, in the order of the menu."""
    return [one for one in SECTIONS if any(principal.may(permission) for permission in one.permissions)]


def show(
    request: Request,
    reader: Principal,
    name: str,
    context: Mapping[str, Any] | None = None,
    problem: AccreditationError | None = None,
) -> Response:
    """A staff page. `problem`: why what was asked for did not happen; the page says so and keeps what was typed."""
    done = DONE.get(request.query_params.get("done", "")) if request.method == "GET" else None
    common = {
        "sections": sections_of(reader),
        "zone": reader.zone,
        "done": done,
        "problem": problem,
        "fields": _reasons(request, problem),
        "may": {permission.value: reader.may(permission) for permission in Permission},
    }
    status = 200 if problem is None else problem.status
    return render(request, f"admin/{name}.html", {**common, **(context or {})}, status)


def _reasons(request: Request, problem: AccreditationError | None) -> dict[str, str]:
    """What is wrong with each field, in the reader's language; "" for every other field."""
    say = language.gettext(language.of(request))
    return defaultdict(str, {} if problem is None else {name: say(text) for name, text in problem.fields.items()})


def back(path: str, done: str = "", anchor: str = "") -> Response:
    """After a change: the page that shows it."""
    query = f"{'&' if '?' in path else '?'}done={done}" if done else ""
    return RedirectResponse(f"{path}{query}{'#' + anchor if anchor else ''}", status_code=303)


def pages_of(total: int, size: int) -> int:
    """How many pages a list has; one where it is empty."""
    return max(1, -(-total // size))


def say_in(request: Request) -> tuple[Any, str]:
    """The translation of this request and the name of its language."""
    lang = language.of(request)
    return language.gettext(lang), lang
