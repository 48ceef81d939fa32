"""What a browser calls itself, in words: «Chrome 130, Windows» instead of a User-Agent. Pure.

A name for people who compare two lines of a table, no proof: a browser says what it likes.
"""

import re
from collections.abc import Sequence

from admin.chronicle import Say

LONGEST = 60
"""Characters of what is shown of a browser nobody knows."""

# The first that is found counts: most browsers also say that they are Chrome, and Chrome that it is Safari.
BROWSERS: Sequence[tuple[str, str]] = (
    ("Яндекс Браузер", r"YaBrowser/(\d+)"),
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"(?:OPR|OPT)/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome без окна", r"HeadlessChrome/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/"),
)
SYSTEMS: Sequence[tuple[str, str]] = (
    ("Windows", r"Windows"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def name_device(agent: str, say: Say) -> str:
    """Browser with its version, and system; the beginning of the text itself where no browser is recognised."""
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, agent)), None)
    for name, pattern in BROWSERS:
        found = re.search(pattern, agent)
        if found is not None:
            browser = f"{say(name)} {found[1][:4]}"
            return browser if system is None else f"{browser}, {system}"
    plain = " ".join(agent.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
