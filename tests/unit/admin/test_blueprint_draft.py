"""A draft from a stranger is read whole, or refused by the field."""

from typing import Any

import msgspec
import pytest

from admin.blueprint_draft import MAX_DRAFT, find_problems, read_draft, refuse
from core.errors import Invalid
from question_bank.blueprints import Cell
from tests.unit.question_bank.pools import plan

GOOD: dict[str, Any] = msgspec.to_builtins(plan(Cell("R0", "four_option", 2)))


def sent(**changed: Any) -> bytes:
    return msgspec.json.encode({**GOOD, **changed})


def test_what_the_page_sends_is_read_as_it_is() -> None:
    assert read_draft(sent()) == plan(Cell("R0", "four_option", 2))
    assert read_draft(sent(title=" Две\x00\n строки ")).title == "Две строки"
    assert find_problems(read_draft(sent(version=0)), {"R0"}) == {}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "cells"),
        (b"[]", "cells"),
        (b"{", "cells"),
        (b"\xff\xfe", "cells"),
        (b"[" * 100_000, "cells"),
        (b'{"a":"' + b"x" * MAX_DRAFT + b'"}', "cells"),
        (sent().replace(b'"count":2', b'"count":NaN'), "cells"),
        (sent().replace(b'"count":2', b'"count":2.5'), "cells.0.count"),
        (sent().replace(b'"count":2', b'"count":"2"'), "cells.0.count"),
        (sent().replace(b'"count":2', b'"count":1e999'), "cells.0.count"),
        (sent().replace(b'"cut":85', b'"cut":null'), "cut"),
        (sent(cells=[{"requirement": None, "kind": "essay", "count": 1}]), "cells.0.kind"),
        (sent(cells=[{"requirement": None, "kind": "case"}]), "cells.0.count"),
        (sent(navigation="backwards"), "navigation"),
        (sent(exposure_cap="all"), "exposure_cap"),
    ],
)
def test_what_is_none_is_refused_by_its_field(data: bytes, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_draft(data)
    assert (refused.value.code, refused.value.status) == ("blueprint_unreadable", 422)
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"cells": [{"requirement": None, "kind": "case", "count": 10**15}]}, "cells.0.count"),
        ({"cells": [{"requirement": None, "kind": "case", "count": -1}]}, "cells.0.count"),
        ({"cells": [{"requirement": None, "kind": "case", "count": 1, "weight": -1}]}, "cells.0.weight"),
        ({"cells": [{"requirement": None, "kind": "case", "count": 1, "weight": 10**9}]}, "cells.0.weight"),
        ({"cells": [{"requirement": None, "kind": "case", "count": 1, "section": 7}]}, "cells.0.section"),
        ({"cells": [{"requirement": None, "kind": "case", "count": 1, "section": -1}]}, "cells.0.section"),
        ({"cells": [{"requirement": "R9", "kind": "case", "count": 1}]}, "cells.0.requirement"),
        ({"cells": [{"requirement": None, "kind": "case", "count": 1}] * 501}, "many"),
        ({"sections": [{"title": "Раздел"}] * 21}, "sections"),
        ({"cut": 0}, "cut"),
        ({"cut": -(10**18)}, "cut"),
        ({"pilots": -1}, "pilots"),
        ({"exposure_cap": -0.5}, "exposure_cap"),
        ({"minimum_information": 1e308}, "minimum_information"),
        ({"version": -1}, "version"),
    ],
)
def test_what_cannot_be_weighed_is_refused_at_once(changed: dict[str, Any], field: str) -> None:
    draft = read_draft(sent(**changed))
    with pytest.raises(Invalid) as refused:
        refuse(draft, find_problems(draft, {"R0"}), all_of_them=False)
    assert refused.value.status == 422
    assert field in refused.value.fields


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "х" * 201}, "title"),
        ({"id": "Экзамен"}, "id"),
        ({"id": "a" * 41}, "id"),
        ({"id": "-a"}, "id"),
        ({"exam_limit": 0}, "exam_limit"),
        ({"cells": []}, "cells"),
        ({"breaks": 11}, "breaks"),
        ({"sections": [{"title": "Первый"}, {"title": ""}]}, "sections.1.title"),
    ],
)
def test_what_is_not_finished_can_be_weighed_but_not_kept(changed: dict[str, Any], field: str) -> None:
    draft = read_draft(sent(**changed))
    problems = find_problems(draft, {"R0"})
    assert field in problems
    refuse(draft, problems, all_of_them=False)
    with pytest.raises(Invalid):
        refuse(draft, problems, all_of_them=True)
