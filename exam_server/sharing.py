"""What the forms of many sittings have in common, kept in memory once. Pure.

A bank has so many items, and a four-option item 24 orders of its options: thousands of forms are made of the same
entries. Ids are interned besides, which shares them between the orders of longer stages.
"""

import sys

from msgspec.structs import replace

from core.ids import ChoiceId, ItemId
from exam_server.sitting import Sitting
from question_bank.forms import FormEntry, FormStage, Rules

MOST = 50_000
"""Entries that are kept to be shared. After that it begins anew: what is shared already stays so."""


class Shared:
    """Gives equal parts of forms back as one."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: dict[FormEntry, FormEntry] = {}
        self._rules: dict[Rules, Rules] = {}

    def of(self, sitting: Sitting) -> Sitting:
        """An equal sitting whose form and rules are made of parts that others have too."""
        form = sitting.form
        known = self._entries
        if len(known) > self._most:
            known.clear()
            self._rules.clear()
        entries = tuple([known.get(entry) or self._keep(entry) for entry in form.entries])
        names = {"algorithm": sys.intern(form.algorithm), "snapshot": sys.intern(form.snapshot)}
        return replace(
            sitting,
            form=replace(form, entries=entries, **names),
            rules=self._rules.setdefault(sitting.rules, sitting.rules),
        )

    def _keep(self, entry: FormEntry) -> FormEntry:
        stages = tuple(
            [
                FormStage(stage.kind, tuple([ChoiceId(sys.intern(choice)) for choice in stage.choices]))
                for stage in entry.stages
            ]
        )
        made = replace(entry, item=ItemId(sys.intern(entry.item)), stages=stages)
        self._entries[made] = made
        return made
