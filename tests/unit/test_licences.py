"""Every library that the platform runs on stands in the list of licences, and nothing that it does not run on."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def locked() -> set[str]:
    lines = (ROOT / "locks" / "run.txt").read_text().splitlines()
    return {found[1] for line in lines if (found := re.match(r"([a-z0-9._-]+)==", line))}


def listed() -> dict[str, str]:
    """Licence by part, of the table of libraries."""
    section = (ROOT / "docs" / "licences.md").read_text().partition("## Libraries it runs on")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {
        part.strip(): licence.strip() for parts, licence in rows for part in re.sub(r"\([^)]*\)", "", parts).split(",")
    }


def test_every_library_has_its_licence_in_the_list() -> None:
    assert len(locked()) > 40
    assert listed().keys() == locked()
    assert all(listed().values())
