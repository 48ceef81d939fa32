"""The page that shows the design system: every component in every state and theme."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.moments import DAY, HOUR, MINUTE
from core.web import language
from core.web.pages import STATIC, THEMES, render

# A fixed day, so that a picture of the page changes only when the design does.
_SHOWN_AT = 1_795_347_000_000

BOOKINGS: list[dict[str, Any]] = [
    {"number": 1, "name": "Ковалёва Анна Сергеевна", "specialty": "Сестринское дело", "state": "ok",
     "word": "Допущена", "at": _SHOWN_AT, "zone": "Europe/Moscow"},
    {"number": 2, "name": "Тимофеев Илья Викторович", "specialty": "Лечебное дело", "state": "warn",
     "word": "Не хватает документов", "at": _SHOWN_AT + HOUR, "zone": "Asia/Krasnoyarsk"},
    {"number": 3, "name": "Абдулхакимова-Преображенская Гульнара Рифкатовна", "specialty": "Фармация",
     "state": "danger", "word": "Отказано", "at": _SHOWN_AT + DAY, "zone": "Europe/Kaliningrad"},
    {"number": 4, "name": "Ли Мария", "specialty": "Медико-профилактическое дело", "state": "neutral",
     "word": "На рассмотрении", "at": _SHOWN_AT + 2 * DAY, "zone": "Asia/Vladivostok"},
]  # fmt: skip

_STEPS = [
    {"title": "Заявление", "state": "done", "note": "Принято 3 ноября"},
    {"title": "Документы", "state": "done", "note": "Проверены"},
    {"title": "Дата и время", "state": "current", "note": "Выберите до 15 ноября"},
    {
        "title": "Тестирование",
        "state": "next",
    },
    {
        "title": "Итог",
        "state": "next",
    },
]

_TIMELINE: list[dict[str, Any]] = [
    {"at": _SHOWN_AT, "text": "Тестирование началось", "state": "neutral"},
    {"at": _SHOWN_AT + 12 * MINUTE, "text": "В кадре второй человек, 8 секунд", "state": "warn"},
    {"at": _SHOWN_AT + 14 * MINUTE, "text": "Проктор сделал предупреждение", "state": "danger"},
    {"at": _SHOWN_AT + 31 * MINUTE, "text": "Связь восстановлена", "state": "ok"},
]

ICONS = re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8"))


async def show_components(request: Request) -> Response:
    """`GET /staff/components`; `?theme=` shows the page in one of the themes."""
    wanted = request.query_params.get("theme")
    say = language.gettext(language.of(request))
    context: dict[str, Any] = {
        "shown_at": _SHOWN_AT,
        "bookings": [{**row, "specialty": say(row["specialty"]), "word": say(row["word"])} for row in BOOKINGS],
        "steps": [{name: text if name == "state" else say(text) for name, text in step.items()} for step in _STEPS],
        "timeline": [{**event, "text": say(event["text"])} for event in _TIMELINE],
        "icons": ICONS,
        "themes": THEMES,
    }
    if wanted in THEMES:
        context["theme"] = wanted
    return render(request, "core/components.html", context)


routes = [Route("/staff/components", show_components, methods=["GET"])]
