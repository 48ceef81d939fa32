"""Register numbers: unguessable, and proof against a mistyped digit. Pure.

`77-2026-4821-9037-5526-64`: the region that keeps the register, the year of entry, twelve random digits, and
two check digits by ISO/IEC 7064:2003, MOD 97-10 (the whole number is 1 modulo 97). They find every single
wrong digit and every swap of two digits. With a million entries a random guess hits one in a million times.
"""

import re

from core.errors import Invalid
from core.ids import RegisterNumber

BODIES = 10**12
"""How many numbers one region and year has: a body is an integer in [0, BODIES)."""

_DIGITS = 20
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—−.]+")
_NUMBER = re.compile(rf"[0-9]{{{_DIGITS}}}", re.ASCII)


def compose(region: str, year: int, body: int) -> RegisterNumber:
    """The number with its check digits. `region` has two digits; other arguments raise ValueError."""
    if not re.fullmatch(r"[0-9]{2}", region, re.ASCII) or not 1000 <= year <= 9999 or not 0 <= body < BODIES:
        raise ValueError("region, year or body out of range")
    base = f"{region}{year}{body:012}"
    return _grouped(f"{base}{98 - int(base) * 100 % 97:02}")


def read(text: str) -> RegisterNumber:
    """What a person typed, with any dashes and spaces, as a number.

    Raises Invalid: `number_malformed` when it is no number at all, `number_mistyped` when a digit is wrong.
    """
    digits = _SEPARATORS.sub("", text.strip().removeprefix("№")) if len(text) <= 100 else ""
    if not _NUMBER.fullmatch(digits):
        raise Invalid(
            "number_malformed",
            f"Номер записи состоит из {_DIGITS} цифр, например 77-2026-4821-9037-5526-64. Проверьте его.",
            fields={"q": "Проверьте номер."},
        )
    if int(digits) % 97 != 1:
        raise Invalid(
            "number_mistyped",
            "В номере ошибка: контрольные цифры не сходятся. Сверьте его с выпиской цифра за цифрой.",
            fields={"q": "Сверьте номер с выпиской."},
        )
    return _grouped(digits)


def masked(number: RegisterNumber) -> str:
    """The number without what makes it unguessable, for answers to those who did not know it."""
    return f"{number[:8]}····-····-{number[-7:]}"


def looks_like(text: str) -> bool:
    """Whether somebody who typed this meant a number rather than a name."""
    return not re.search(r"[^\W\d_]", text) and re.search(r"\d", text) is not None


def _grouped(digits: str) -> RegisterNumber:
    groups = (digits[:2], digits[2:6], digits[6:10], digits[10:14], digits[14:18], digits[18:])
    return RegisterNumber("-".join(groups))
