"""Migrations stand in one line, each after exactly one other: two that follow the same one can't be applied."""

from alembic.script import ScriptDirectory

from tests.server.processes import ROOT


def test_migrations_stand_in_one_line() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
