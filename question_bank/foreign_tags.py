"""Tags of HTML as others write it, and what becomes of each. Pure."""


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


MARKS = {
    "b": "strong",
    "strong": "strong",
    "i": "em",
    "em": "em",
    "cite": "em",
    "dfn": "em",
    "u": "em",
    "ins": "em",
    "mark": "em",
    "sub": "sub",
    "sup": "sup",
}
"""What stands for it here."""
CHANGED = {
    "u": "Подчёркивание заменено выделением.",
    "ins": "Подчёркивание заменено выделением.",
    "mark": "Заливка заменена выделением.",
    "s": "Зачёркивание не перенесено, зачёркнутое осталось.",
    "strike": "Зачёркивание не перенесено, зачёркнутое осталось.",
    "del": "Зачёркивание не перенесено, зачёркнутое осталось.",
    "font": "Шрифт и цвет не перенесены.",
    "code": "Моноширинный шрифт не перенесён.",
    "kbd": "Моноширинный шрифт не перенесён.",
    "samp": "Моноширинный шрифт не перенесён.",
    "tt": "Моноширинный шрифт не перенесён.",
    "pre": "Моноширинный шрифт не перенесён.",
    "dl": "Список определений стал абзацами.",
    "ruby": "Подписи над знаками стали частью строки.",
    "big": "Размер знаков не перенесён.",
    "small": "Размер знаков не перенесён.",
} | dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "Заголовки стали абзацами.")
"""What is said of it."""
BLOCKS = _tags(
    "p div h1 h2 h3 h4 h5 h6 blockquote pre section article aside header footer main nav address figure "
    "figcaption center dl dt dd hr details summary hgroup fieldset legend"
)
MUTED = _tags(
    "script style head title template iframe frame frameset noframes noscript svg canvas audio video map "
    "applet select textarea button datalist object"
)
"""Of these nothing is kept."""
EMPTY = _tags("embed input source track area param meta link base wbr col")
"""They hold nothing."""
SILENT = _tags("style script head title meta link base wbr col param noscript")
"""Nobody misses them."""
STRUCTURE = _tags("ul ol li table caption thead tbody tfoot tr td th")
HOLDERS = _tags("ul ol table thead tbody tr")
CELL = {"table": "caption", "thead": "tr", "tbody": "tr", "tr": "td"}
"""Where words go that stand between."""
MISSING: dict[str, tuple[str, ...]] = {"table": ("tbody", "tr"), "thead": ("tr",), "tbody": ("tr",), "tr": ()}
"""What a cell is put into where the file leaves it out."""
PLAIN = _tags("span html body s strike del code kbd samp tt font big small colgroup ruby rt rp abbr var q")
"""Their words stay, and nothing else of them is missed, but for what is said."""
