"""Every Russian sentence that a template has can be read in English."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

HOUSE = Path(__file__).parents[2]
CORE = HOUSE / "core" / "web"


def translated(package: Path) -> set[str]:
    with (package / "locale" / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return {one.id if isinstance(one.id, str) else one.id[0] for one in read_po(file) if one.id and one.string}


@pytest.mark.parametrize("package", ["admin", "cabinet", "exam_server", "registry"])
def test_templates_are_read_in_english(package: str) -> None:
    pages = HOUSE / package / "pages"
    found = extract_from_dir(pages / "templates", [("**.html", "jinja2.ext:babel_extract")], strip_comment_tags=True)
    spoken = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    assert spoken
    assert spoken - translated(pages) - translated(CORE) == set()
