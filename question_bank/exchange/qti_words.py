"""What may be said of an item that came as QTI, each with its code. Pure."""

from question_bank.exchange.entries import Remark, Weight

_SAID: dict[str, tuple[Weight, str]] = {
    "accessibility": ("loss", "Сведения для вспомогательных средств (озвучивание, шрифт Брайля) не переносятся."),
    "feedback": ("loss", "Отзывы на отдельные ответы не переносятся."),
    "hint": ("loss", "Подсказка, которую открывают по желанию, не переносится."),
    "include": ("loss", "Вставка из другого файла (XInclude) не переносится."),
    "language": ("loss", "Язык задания не русский и не английский: он не сохранится."),
    "limit": ("loss", "Время на задание вне пределов от 5 секунд до 1 часа: возьмём обычное."),
    "mapping": ("note", "Баллы за варианты расходятся с указанным правильным ответом: взят правильный ответ."),
    "media": ("loss", "Звук и видео не переносятся."),
    "no_key": ("fault", "Правильный ответ не указан: отметьте его."),
    "object": ("loss", "Вложенный объект не переносится, остаётся его описание."),
    "order": ("note", "Варианты у нас стоят в случайном порядке, в файле порядок закреплён."),
    "picture_format": ("loss", "Изображение не в PNG, JPEG или WebP не переносится, остаётся его описание."),
    "picture_large": ("loss", "Изображение больше 5 МБ не переносится, остаётся его описание."),
    "picture_missing": ("loss", "Файла изображения в пакете нет, остаётся его описание."),
    "picture_remote": ("loss", "Изображение вне файла не загружается, остаётся его описание."),
    "picture_vector": ("loss", "Векторное изображение (SVG) не переносится, остаётся его описание."),
    "pictures_many": ("loss", "Изображений в задании слишком много: лишние не переносятся, остаются их описания."),
    "points": ("loss", "Частичные и штрафные баллы за варианты не переносятся: верен один вариант."),
    "rubric": ("loss", "Указания для проверяющих не переносятся."),
    "speech": ("loss", "Указания для озвучивания не переносятся."),
    "stimulus": ("note", "Общий текст нескольких заданий вставлен в условие."),
    "stimulus_missing": ("loss", "Общего текста, на который ссылается задание, в файле нет."),
    "stimulus_large": ("loss", "Общий текст слишком велик для условия задания."),
    "style": ("loss", "Оформление (стили, классы, размеры) не переносится."),
    "title": ("loss", "Название задания не переносится."),
    "unknown": ("loss", "Неизвестная часть задания не переносится."),
    "weight": ("loss", "Вес задания в тесте не переносится."),
}
_REFUSED: dict[str, str] = {
    "adaptive": "Адаптивное задание: ответ в несколько попыток у нас не представить.",
    "composite": "В задании несколько взаимодействий: у нас в задании один вопрос.",
    "interaction": "Вид взаимодействия «{}» у нас не представить.",
    "missing_file": "Файла задания нет рядом с тем, что загружено.",
    "no_interaction": "В задании нет вопроса, на который отвечают.",
    "response": "Ответ на вопрос с выбором описан не так, как в QTI: понять его нельзя.",
    "several_keys": "Верных вариантов несколько: у нас верен один.",
    "template": "Задание по шаблону: его текст складывается при показе из случайных величин.",
    "version": "Это QTI 1.x: читаются 2.1, 2.2 и 3.0.",
    "not_an_item": "В файле не задание QTI.",
}


class Remarks:
    """What was noticed of one item: each thing once."""

    def __init__(self) -> None:
        self._noticed: dict[str, Remark] = {}

    def add(self, code: str) -> None:
        weight, sentence = _SAID[code]
        self._noticed[code] = Remark(weight, code, sentence)

    def lose(self, sentence: str) -> None:
        """Something of a text that our texts have not."""
        self._noticed[sentence] = Remark("loss", "markup", sentence)

    def all(self) -> tuple[Remark, ...]:
        return tuple(self._noticed.values())


def say_refused(code: str, what: str = "") -> str:
    return _REFUSED[code].format(what)
