"""How an item's page words its life: states, moves, fields and what was changed in them."""

import re
from collections.abc import Callable

from starlette.requests import Request

from admin.pages.bank import LEVEL_WORDS
from core.web import formats, language
from question_bank.differences import Value
from question_bank.items import Item
from question_bank.workflow import EXPLAINED, Move, State

STATE_WORDS: dict[State, str] = {
    "draft": "Черновик",
    "review": "На проверке",
    "approved": "Утверждена",
    "piloted": "Апробация",
    "active": "Действует",
    "retired": "Выведена",
}
STATE_TONES: dict[State, str] = {
    "draft": "neutral",
    "review": "info",
    "approved": "info",
    "piloted": "info",
    "active": "ok",
    "retired": "neutral",
}
MOVE_WORDS: dict[Move, str] = {
    "send": "Отправить на проверку",
    "recall": "Забрать с проверки",
    "return": "Вернуть автору",
    "approve": "Утвердить",
    "pilot": "Ввести в апробацию",
    "activate": "Ввести в действие",
    "retire": "Вывести из действия",
    "reopen": "Вернуть на проверку",
}
MOVE_KINDS: dict[Move, str] = {"send": "primary", "approve": "primary", "activate": "primary", "retire": "danger"}
STEP_WORDS = {
    "save": "Версия сохранена",
    "import": "Версия загружена из файла",
    "comment": "Комментарий",
    "send": "Отправлена на проверку",
    "recall": "Забрана с проверки",
    "return": "Возвращена автору",
    "approve": "Утверждена",
    "pilot": "Введена в апробацию",
    "activate": "Введена в действие",
    "retire": "Выведена из действия",
    "reopen": "Возвращена на проверку",
    "replace": "Заменена новой версией",
    "repeal": "Требование отменено",
}
STEP_TONES = {
    "approve": "ok",
    "activate": "ok",
    "return": "warn",
    "retire": "warn",
    "replace": "warn",
    "repeal": "danger",
}
FIELD_WORDS = {
    "": "Задание в целом",
    "stem": "Условие",
    "explanation": "Пояснение",
    "sources": "Источники",
    "tags": "Метки",
    "speciality": "Специальность",
    "requirement": "Требование",
    "level": "Уровень",
    "difficulty": "Ожидаемая доля верных ответов",
    "limit": "Время на задание",
    "language": "Язык",
    "pool": "Для чего задание",
    "markup": "Вид текста",
    "stages": "Шаги",
    "prompt": "Вопрос",
    "reveal": "Новые данные",
    "choices": "Варианты ответа",
    "key": "Правильный вариант",
    "roles": "Значения действий",
    "kind": "Как отвечают",
    "ordered": "Порядок важен",
    "weight": "Вес шага",
}
VALUE_WORDS = {
    "ru": "Русский",
    "en": "Английский",
    "exam": "Экзамен",
    "practice": "Тренировка",
    "text": "Простой текст",
    "html": "С оформлением",
    "choice": "Один вариант",
    "actions": "Набор действий",
    "True": "Да",
    "False": "Нет",
    **LEVEL_WORDS,
}

STAGE_FIELD = re.compile(r"stages\.([0-9]{1,2})\.(prompt|reveal|choices|key|roles|kind|ordered|weight)", re.ASCII)


def words_for(request: Request) -> dict[str, object]:
    """Everything that an item's page needs to word its life in the reader's language."""
    lang = language.of(request)
    say = language.gettext(lang)
    return {
        "state_words": STATE_WORDS,
        "state_tones": STATE_TONES,
        "move_words": MOVE_WORDS,
        "move_kinds": MOVE_KINDS,
        "explained": EXPLAINED,
        "step_words": STEP_WORDS,
        "step_tones": STEP_TONES,
        "name_field": lambda field: name_field(field, say),
        "word_value": lambda value: word_value(value, say, lang),
        "fields_of": lambda item: [(field, name_field(field, say)) for field in fields_of(item)],
    }


def name_field(field: str, say: Callable[[str], str]) -> str:
    """A field as people call it: «Шаг 2: Вопрос»."""
    match = STAGE_FIELD.fullmatch(field)
    if match is None:
        return say(FIELD_WORDS.get(field, field))
    return f"{say('Шаг %(number)s') % {'number': int(match[1]) + 1}}: {say(FIELD_WORDS[match[2]])}"


def word_value(value: Value, say: Callable[[str], str], lang: str) -> tuple[str, str]:
    """What a field was and is, in words."""
    return _word(value.field, value.before, say, lang), _word(value.field, value.after, say, lang)


def fields_of(item: Item) -> list[str]:
    """What a comment can be about."""
    fields = ["", "stem"]
    for number, stage in enumerate(item.stages):
        parts = ("reveal", "prompt", "choices") if item.kind == "case" else ("choices",)
        fields += [f"stages.{number}.{part}" for part in parts if part != "reveal" or stage.reveal]
    return [*fields, "explanation", "sources", "requirement", "level", "difficulty", "limit", "tags"]


def _word(field: str, raw: str, say: Callable[[str], str], lang: str) -> str:
    if not raw:
        return "—"
    if field == "limit":
        return formats.duration_text(int(raw), lang)
    if field == "difficulty":
        return say("%(share)s %%") % {"share": formats.number_text(float(raw) * 100, lang, 0)}
    return say(VALUE_WORDS[raw]) if raw in VALUE_WORDS and field not in ("speciality", "requirement") else raw
