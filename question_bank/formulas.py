"""Formulas in the texts of items: the part of MathML that is allowed, and what is read where none can be drawn. Pure.

What browsers draw alike is MathML Core (W3C); of it presentation is taken and nothing that acts, links, styles or
carries a second text beside the first (`semantics` with its annotations). No HTML stands inside a formula: where the
two kinds of markup meet, cleaners have been deceived.
"""

import re
from html import escape
from html.parser import HTMLParser

TOKENS = frozenset({"mi", "mn", "mo", "mtext"})
"""The only ones that hold characters."""
ARITY = {
    "mfrac": 2,
    "mroot": 2,
    "msub": 2,
    "msup": 2,
    "msubsup": 3,
    "mover": 2,
    "munder": 2,
    "munderover": 3,
}
"""How many parts each of these has."""
FORMULA = TOKENS | frozenset(ARITY) | {"math", "mmultiscripts", "mprescripts", "mrow", "mspace", "msqrt"}
FORMULA |= {"mtable", "mtr", "mtd"}
PARENT = {"mtr": "mtable", "mtd": "mtr", "mprescripts": "mmultiscripts"}
DEEPEST = 24
LONGEST_ALTTEXT = 300

_SWITCH = "true|false"
_LENGTH = r"[0-9](?:\.[0-9]{1,3})?(?:em|ex)|[0-9]{1,2}(?:\.[0-9]{1,3})?(?:px|pt)|0"
_SPAN = "[1-9]|1[0-9]|20"
FORMULA_VALUES: dict[str, dict[str, str]] = {
    "math": {"alttext": rf"[^\x00-\x1f]{{0,{LONGEST_ALTTEXT}}}", "display": "block|inline"},
    "mfrac": {"linethickness": _LENGTH},
    "mi": {"mathvariant": "normal"},
    "mo": {
        "fence": _SWITCH,
        "form": "prefix|infix|postfix",
        "largeop": _SWITCH,
        "lspace": _LENGTH,
        "movablelimits": _SWITCH,
        "rspace": _LENGTH,
        "separator": _SWITCH,
        "stretchy": _SWITCH,
    },
    "mover": {"accent": _SWITCH},
    "mspace": {"width": _LENGTH},
    "mtd": {"columnspan": _SPAN, "rowspan": _SPAN},
    "munder": {"accentunder": _SWITCH},
    "munderover": {"accent": _SWITCH, "accentunder": _SWITCH},
}
FORMULA_ATTRIBUTES = {tag: set(values) for tag, values in FORMULA_VALUES.items()}

_VALUES = {(tag, name): re.compile(value) for tag, given in FORMULA_VALUES.items() for name, value in given.items()}


def takes(tag: str, attribute: str, value: str) -> bool:
    """Whether a part of a formula may have this attribute with this value."""
    allowed = _VALUES.get((tag, attribute))
    return allowed is not None and allowed.fullmatch(value) is not None


def read_formula(math: str) -> str:
    """A clean formula in one line: the words its author gave it, else a/b, x^2, √(y)."""
    reader = _Line()
    reader.feed(math)
    reader.close()
    return reader.said or " ".join(reader.line().split())


class BroughtFormula:
    """One formula, from what any MathML may have to what ours has."""

    def __init__(self, given: dict[str, str]) -> None:
        self.losses: dict[str, None] = {}
        self._open = [_Part("math", "math", given)]
        self._muted = 0

    def begin(self, tag: str, given: dict[str, str]) -> None:
        outer = self._open[-1]
        if self._muted:
            self._muted += 1
        elif tag in ("annotation", "annotation-xml"):
            self.losses["Пояснения внутри формулы (annotation) не перенесены."] = None
            self._muted = 1
        elif tag == "mphantom" or len(self._open) >= DEEPEST:
            self.losses["Часть формулы не перенесена."] = None
            outer.parts.append("<mrow></mrow>" if outer.ours not in TOKENS else "")
            self._muted = 1
        else:
            ours = _PARTS.get(tag, tag)
            if ours not in FORMULA:
                self.losses[f"Тег <{tag}> в формуле не перенесён."] = None
            elif tag in ("menclose", "mpadded", "maction"):
                self.losses[f"Вид формулы упрощён (<{tag}>)."] = None
            if outer.ours in TOKENS or not outer.ours:
                ours = ""
            elif ours not in FORMULA or ours == "math" or PARENT.get(ours, outer.ours) != outer.ours:
                ours = "mrow"
            self._open.append(_Part(tag, ours, given))

    def say(self, data: str) -> None:
        words = escape(" ".join(data.split()), quote=False)
        if words and not self._muted:
            part = self._open[-1]
            part.parts.append(words if part.ours in TOKENS or not part.ours else f"<mtext>{words}</mtext>")

    def finish(self, tag: str) -> None:
        if self._muted:
            self._muted -= 1
        elif any(part.tag == tag for part in self._open[1:]):
            while self._close() != tag:
                pass

    def end(self) -> str:
        while len(self._open) > 1:
            self._close()
        return "".join(self._open[0].written()) if self._open[0].parts else ""

    def _close(self) -> str:
        part = self._open.pop()
        self._open[-1].parts += part.written()
        return part.tag


class _Line(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, list[str]]] = [("mrow", [])]
        self.said = ""

    def line(self) -> str:
        while len(self._open) > 1:
            self._close()
        return "".join(self._open[0][1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "math":
            self.said = " ".join((dict(attrs).get("alttext") or "").split())
        self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        if len(self._open) > 1:
            self._close()

    def handle_data(self, data: str) -> None:
        self._open[-1][1].append(data)

    def _close(self) -> None:
        tag, parts = self._open.pop()
        self._open[-1][1].append(_join(tag, parts))


def _join(tag: str, parts: list[str]) -> str:
    match tag, parts:
        case "mfrac", [over, under]:
            return f"{_whole(over)}/{_whole(under)}"
        case "msup", [base, raised]:
            return f"{_whole(base)}^{_whole(raised)}"
        case "msubsup", [base, lowered, raised]:
            return f"{_whole(base)}{lowered}^{_whole(raised)}"
        case "mroot", [base, degree]:
            return f"{degree}√{_whole(base)}"
        case "msqrt", _:
            return f"√{_whole(''.join(parts))}"
        case ("mspace", _):
            return " "
        case ("mtd" | "mtr", _):
            return f"{''.join(parts)} "
        case "mo", [sign] if sign.strip() in _SPACED:
            return f" {sign.strip()} "
        case _:
            return "".join(parts)


_SPACED = frozenset("=<>≤≥≠≈+−-±×⋅·→⇌")


def _whole(part: str) -> str:
    bare = part.strip()
    return bare if len(bare) < 2 or bare.isalnum() else f"({bare})"


_PARTS = {
    "maction": "mrow",
    "menclose": "mrow",
    "merror": "mrow",
    "mfenced": "mrow",
    "mlabeledtr": "mtr",
    "mpadded": "mrow",
    "ms": "mtext",
    "mstyle": "mrow",
    "none": "mrow",
    "semantics": "mrow",
}
"""What these are written as."""


class _Part:
    """A part of a formula that is open: as the file calls it and as it is written, "" for only its characters."""

    def __init__(self, tag: str, ours: str, given: dict[str, str]) -> None:
        self.tag, self.ours, self.given = tag, ours, given
        self.parts: list[str] = []

    def written(self) -> list[str]:
        """What it adds to the part around it."""
        if not self.ours:
            return self.parts
        parts = self.parts
        if self.tag == "mfenced":
            parts = self._fenced()
        elif (most := ARITY.get(self.ours)) is not None:
            parts = [*parts, *["<mrow></mrow>"] * (most - len(parts))]
            if len(parts) > most:
                parts = [*parts[: most - 1], f"<mrow>{''.join(parts[most - 1 :])}</mrow>"]
        allowed = FORMULA_ATTRIBUTES.get(self.ours, ())
        kept = (
            f' {name}="{escape(value)}"'
            for name, value in self.given.items()
            if name in allowed and takes(self.ours, name, value)
        )
        return [f"<{self.ours}{''.join(kept)}>{''.join(parts)}</{self.ours}>"]

    def _fenced(self) -> list[str]:
        """A pair of brackets, and a comma, or what the file says, between the parts."""
        separators = "".join(self.given.get("separators", ",").split())
        parts = [_sign(self.given.get("open", "("))]
        for number, part in enumerate(self.parts):
            if number and separators:
                parts.append(_sign(separators[min(number, len(separators)) - 1]))
            parts.append(part)
        return [*parts, _sign(self.given.get("close", ")"))]


def _sign(sign: str) -> str:
    return f"<mo>{escape(sign.strip(), quote=False)}</mo>" if sign.strip() else ""
