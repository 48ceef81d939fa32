"""Cells as people read them, and what changed between versions."""

import msgspec

from admin.blueprint_check import weigh
from admin.blueprint_example import EDGE, HEIGHT, WIDTH, draw_example
from admin.blueprint_matrix import Changed, arrange, compare
from question_bank.blueprints import Cell, Section
from tests.unit.question_bank.pools import generate, plan


def test_cells_stand_in_matrices_by_section_kind_and_weight() -> None:
    pool = generate(60, 1, cases=4)
    blueprint = msgspec.structs.replace(
        plan(
            Cell(None, "four_option", 5),
            Cell("R1", "four_option", 2, level="recall"),
            Cell("R1", "four_option", 1, level="analysis", band="hard"),
            Cell("R1", "four_option", 3, level="recall"),
            Cell("R0", "case", 2, weight=2, section=1),
        ),
        sections=(Section("Первый"), Section("Второй")),
    )
    verdicts = weigh(blueprint, pool).cells
    first, second = arrange(blueprint, verdicts, {"R1": "Одно"})
    assert (first.section, first.kind, first.weight, first.total) == (0, "four_option", 1, 11)
    assert first.columns == ((None, None), ("recall", None), ("analysis", "hard"))
    assert [(row.requirement, row.title, row.total) for row in first.rows] == [("R1", "Одно", 6), (None, "", 5)]
    counts = [square.count if square else None for square in first.rows[0].squares]
    assert counts == [None, 5, 1]
    assert (second.section, second.kind, second.weight, second.total) == (1, "case", 2, 2)


def test_versions_differ_by_what_cells_ask_for_and_by_settings() -> None:
    old = plan(Cell("R0", "four_option", 2), Cell("R1", "four_option", 1), Cell("R1", "four_option", 1))
    new = msgspec.structs.replace(
        plan(Cell("R0", "four_option", 3), Cell("R2", "four_option", 1), Cell("R1", "four_option", 2)),
        cut=70,
        version=3,
    )
    found = compare(old, new)
    assert found.settings == ("cut",)
    assert found.cells == (
        Changed(Cell("R0", "four_option", 1), 2, 3),
        Changed(Cell("R2", "four_option", 1), 0, 1),
    )
    assert compare(old, msgspec.structs.replace(old, version=9)).is_empty


def test_an_example_tells_of_each_form_and_of_what_they_share() -> None:
    pool = generate(60, 3)
    found = draw_example(plan(Cell(None, "four_option", 10)), pool, [1, 2, 1])
    assert found.maximum == 10
    assert [form.seed for form in found.forms] == [1, 2, 1]
    assert found.forms[0] == found.forms[2]
    assert found.shared[0][2] == found.shared[1][1] == 10
    assert found.shared[0][1] == found.shared[1][0] < 10
    for form in found.forms:
        assert 0 < form.expected < 10
        assert form.error == round(form.information**-0.5, 2)
        assert len(form.line) == 10
        assert (form.line[0][0], form.line[-1][0]) == (EDGE, WIDTH - EDGE)
        assert all(EDGE <= y <= HEIGHT - EDGE for _, y in form.line)
        assert sorted(form.line, key=lambda point: -point[1]) == list(form.line)
