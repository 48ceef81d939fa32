"""What docs/formats.md says of files that others wrote is what becomes of them."""

import pytest

from question_bank.exchange.formats import FORMATS
from tests.exchange_corpus import DATA, as_table, count_folders
from tests.server.processes import ROOT

PAGE = ROOT / "docs" / "formats.md"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the files of others are not at {DATA}")
def test_the_table_is_what_its_command_prints() -> None:
    table = as_table(count_folders())
    assert table in PAGE.read_text(encoding="utf-8"), f"python -m tests.exchange_corpus prints now:\n{table}"


def test_every_format_is_told_of() -> None:
    page = PAGE.read_text(encoding="utf-8").lower()
    for format in FORMATS:
        assert format.name.partition("-")[0] in page.replace("json lines", "jsonl")
