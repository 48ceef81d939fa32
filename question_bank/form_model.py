"""The mixed-integer model of parallel forms, for HiGHS.

For each form a variable says of each item whether it stands there, by the points and section it would have (its role);
flows from cells to groups of like items say that cells are filled, so that cells may overlap. The last variable is the
largest deviation from the aim, in tolerances.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import highspy
import numpy as np

from question_bank.drawing import Part
from question_bank.fixed_forms import Place
from question_bank.levelling import INFORMATION_TOLERANCE, TOLERANCE, Aim
from question_bank.pool import Pool, PoolItem, Profile

CLOSE = 0.05
"""Forms that deviate by a twentieth of the tolerance are as good as equal, and nothing better is looked for."""
INFINITY = highspy.kHighsInf
SOLVER = f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"

Role = tuple[int, int]
"""Points and section."""


class _Quiet(highspy.Highs):
    """Says nothing on the terminal, not even who it is when it is made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def enableCallbacks(self) -> None:
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


class Solved(NamedTuple):
    forms: list[tuple[Place, ...]]
    deviation: float
    bound: float
    finished: bool
    """Nothing better, or only slightly, is there."""


class FormModel:
    """Rows and columns; see the module."""

    def __init__(self, pool: Pool, parts: Sequence[Part], aim: Aim, count: int, overlap: int) -> None:
        self._pool, self._aim, self._count = pool, aim, count
        self._tolerance = max(1, aim.information // INFORMATION_TOLERANCE)
        self._cost: list[float] = []
        self._upper: list[float] = []
        self._whole: list[bool] = []
        self._rows: list[tuple[list[tuple[int, float]], float, float]] = []
        self._solver = _Quiet()
        self._first: list[int] = []
        groups: dict[Profile, list[PoolItem]] = {}
        for item in pool.items:
            groups.setdefault(item.profile, []).append(item)
        self._deviation = self._column(INFINITY, False, cost=1.0)
        self._chosen = [self._add_form(parts, groups) for _ in range(count)]
        self._keep_apart(overlap)
        self._pass()

    def _column(self, upper: float, whole: bool, cost: float = 0.0) -> int:
        self._cost.append(cost)
        self._upper.append(upper)
        self._whole.append(whole)
        return len(self._cost) - 1

    def _row(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        self._rows.append((terms, lower, upper))

    def _add_form(self, parts: Sequence[Part], groups: dict[Profile, list[PoolItem]]) -> dict[tuple[Role, int], int]:
        """Columns of one form: by role and the item's place in the pool."""
        places = {item.item: place for place, item in enumerate(self._pool.items)}
        chosen: dict[tuple[Role, int], int] = {}
        taken: dict[tuple[Role, Profile], list[tuple[int, float]]] = {}
        for part in parts:
            role = (part.weight, part.section)
            flows = []
            for profile in groups:
                if part.profile.covers(profile):
                    flow = self._column(part.count, False)
                    flows.append((flow, 1.0))
                    taken.setdefault((role, profile), []).append((flow, 1.0))
            self._row(flows, part.count, part.count)
        for (role, profile), flows in taken.items():
            for item in groups[profile]:
                chosen[role, places[item.item]] = self._column(1.0, True)
            stand = [(chosen[role, places[item.item]], -1.0) for item in groups[profile]]
            self._row(flows + stand, 0.0, 0.0)
        by_item = self._by_item(chosen)
        for columns in by_item.values():
            if len(columns) > 1:
                self._row([(column, 1.0) for column in columns], 0.0, 1.0)
        for one, other in self._pool.pairs:
            terms = [(column, 1.0) for item in (one, other) for column in by_item.get(places[item], ())]
            self._row(terms, 0.0, 1.0)
        self._aim_at(chosen)
        return chosen

    def _aim_at(self, chosen: dict[tuple[Role, int], int]) -> None:
        items, scored = self._pool.items, [(key, column) for key, column in chosen.items() if key[0][0]]
        expected = [(column, key[0][0] * items[key[1]].expected / TOLERANCE) for key, column in scored]
        told = [(column, items[key[1]].information / self._tolerance) for key, column in scored]
        for terms, aim in (
            (expected, self._aim.expected / TOLERANCE),
            (told, self._aim.information / self._tolerance),
        ):
            self._row([*terms, (self._deviation, -1.0)], -INFINITY, aim)
            self._row([*terms, (self._deviation, 1.0)], aim, INFINITY)
        if self._aim.minimum:
            self._row(told, self._aim.minimum / self._tolerance, INFINITY)

    def _keep_apart(self, overlap: int) -> None:
        by_form = [self._by_item(chosen) for chosen in self._chosen]
        if not overlap:
            for place in range(len(self._pool)):
                terms = [(column, 1.0) for items in by_form for column in items.get(place, ())]
                if len(terms) > 1:
                    self._row(terms, 0.0, 1.0)
            return
        for one, other in combinations(by_form, 2):
            shared = []
            for place in one.keys() & other.keys():
                both = self._column(1.0, False)
                shared.append((both, 1.0))
                # Both stand there: at least 1 of what is more than 1 together.
                terms = [(column, 1.0) for column in (*one[place], *other[place])]
                self._row([*terms, (both, -1.0)], -INFINITY, 1.0)
            self._row(shared, 0.0, overlap)

    @staticmethod
    def _by_item(chosen: dict[tuple[Role, int], int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for (_, place), column in chosen.items():
            found.setdefault(place, []).append(column)
        return found

    def _pass(self) -> None:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._cost), len(self._rows)
        model.col_cost_ = np.array(self._cost)
        model.col_lower_ = np.zeros(len(self._cost))
        model.col_upper_ = np.array(self._upper)
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in self._whole]
        model.row_lower_ = np.array([lower for _, lower, _ in self._rows])
        model.row_upper_ = np.array([upper for _, _, upper in self._rows])
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.cumsum([0, *(len(terms) for terms, _, _ in self._rows)])
        model.a_matrix_.index_ = np.array([column for terms, _, _ in self._rows for column, _ in terms])
        model.a_matrix_.value_ = np.array([value for terms, _, _ in self._rows for _, value in terms])
        self._solver.passModel(model)

    def begin_from(self, forms: Sequence[Sequence[Place]]) -> None:
        """Let the search begin from these; where they are not all, it begins from nothing."""
        if len(forms) != self._count:
            return
        places = {item.item: place for place, item in enumerate(self._pool.items)}
        values = np.zeros(len(self._cost))
        for chosen, form in zip(self._chosen, forms, strict=True):
            for one in form:
                values[chosen[(one.weight, one.section), places[one.item]]] = 1.0
        columns = np.array([column for chosen in self._chosen for column in chosen.values()], dtype=np.int32)
        self._solver.setSolution(len(columns), columns, values[columns])

    def solve(self, seconds: float, seed: int, hear: Callable[[float | None], bool]) -> Solved | None:
        """`hear` is told the smallest deviation so far and says whether to stop. None: nothing was found."""
        solver = self._solver
        for name, value in (
            ("time_limit", max(0.5, seconds)),
            ("threads", 1),
            ("random_seed", seed % 2_000_000_000),
            ("mip_abs_gap", CLOSE),
            ("mip_rel_gap", 0.0),
        ):
            solver.setOptionValue(name, value)

        def interrupted(event: highspy.HighsCallbackEvent) -> None:
            best = event.data_out.mip_primal_bound
            if hear(best if best < 1e20 else None):
                event.interrupt()

        solver.cbMipInterrupt += interrupted
        try:
            solver.run()
        finally:
            solver.cbMipInterrupt -= interrupted
        info = solver.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = solver.getSolution().col_value
        items = self._pool.items
        return Solved(
            [
                tuple(
                    Place(items[place].item, items[place].version, weight, section)
                    for ((weight, section), place), column in chosen.items()
                    if values[column] > 0.5
                )
                for chosen in self._chosen
            ],
            float(info.objective_function_value),
            max(0.0, float(info.mip_dual_bound)),
            solver.getModelStatus() == highspy.HighsModelStatus.kOptimal,
        )
