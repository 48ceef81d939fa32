"""The colours of the design system, computed: WCAG 2.2 AA, and AAA in the high-contrast themes."""

import re
from pathlib import Path

import pytest

from core.web import pages

SHEET = (pages.STATIC / "tokens.css").read_text(encoding="utf-8")
GROUNDS = ("paper", "surface", "sunken", "accent-soft", "ok-soft", "warn-soft", "danger-soft")

TEXT = [(ink, ground) for ink in ("ink", "ink-soft") for ground in GROUNDS]
TEXT += [("accent-ink", ground) for ground in ("paper", "surface", "sunken", "accent-soft")]
TEXT += [
    (f"{tone}-ink", ground) for tone in ("ok", "warn", "danger") for ground in ("paper", "surface", f"{tone}-soft")
]
TEXT += [("ok-ink", "accent-soft")]
TEXT += [("on-accent", "accent"), ("on-accent", "accent-hover"), ("on-danger", "danger"), ("on-danger", "danger-hover")]

SHAPES = [("line-strong", ground) for ground in ("paper", "surface", "sunken")]
SHAPES += [(tone, ground) for tone in ("accent", "ok", "warn", "danger") for ground in ("paper", "surface", "sunken")]
SHAPES += [(tone, f"{tone}-soft") for tone in ("accent", "ok", "warn", "danger")]
SHAPES += [("surface", "ok")]
SHAPES += [("focus", ground) for ground in (*GROUNDS, "focus-glow")]


def blocks() -> list[tuple[str, str, dict[str, str]]]:
    """Each block that holds colours: the media query around it, its selector, its values."""
    found = []
    pattern = re.compile(r"(?:@media ([^{]+) \{\s*)?([^{}]+?) \{\s*(color-scheme:[^{}]+)\}")
    for media, selector, inner in pattern.findall(SHEET):
        values = dict(re.findall(r"--([\w-]+): ([^;]+);", inner))
        found.append((media, " ".join(selector.split()), values))
    return found


def theme(name: str) -> dict[str, str]:
    return next(values for media, selector, values in blocks() if not media and f'"{name}"' in selector)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", pages.THEMES)
def test_text_can_be_read(name: str) -> None:
    colours, least = theme(name), 7.0 if name.startswith("contrast") else 4.5
    weak = {(ink, ground): round(contrast(colours[ink], colours[ground]), 2) for ink, ground in TEXT}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < least} == {}


@pytest.mark.parametrize("name", pages.THEMES)
def test_borders_marks_and_focus_can_be_seen(name: str) -> None:
    colours = theme(name)
    weak = {(shape, ground): round(contrast(colours[shape], colours[ground]), 2) for shape, ground in SHAPES}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_a_theme_is_the_same_whether_the_system_or_the_reader_chose_it() -> None:
    named = {
        (False, "light"): theme("light"),
        (False, "dark"): theme("dark"),
        (True, "light"): theme("contrast"),
        (True, "dark"): theme("contrast-dark"),
    }
    queried = [block for block in blocks() if block[0]]
    assert len(queried) == 4
    for media, selector, values in queried:
        dark = "prefers-color-scheme: dark" in media or selector == '[data-theme="dark"]'
        assert values == named["prefers-contrast" in media, "dark" if dark else "light"], (media, selector)


def test_no_other_sheet_brings_colours_of_its_own() -> None:
    for file in Path(pages.STATIC).glob("*.css"):
        if file.name not in ("tokens.css", "print.css"):
            assert not re.findall(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(", file.read_text(encoding="utf-8")), file.name


def test_every_value_that_is_used_is_defined() -> None:
    sheets = "".join(file.read_text(encoding="utf-8") for file in Path(pages.STATIC).glob("*.css"))
    assert set(re.findall(r"var\(--([\w-]+)", sheets)) <= set(re.findall(r"--([\w-]+):", sheets))
