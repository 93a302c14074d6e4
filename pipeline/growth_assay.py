"""Tumour growth from a table of caliper measurements or volumes."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd
from pydantic import Field

from .growth_table import read_measurements
from .problems import ProblemRow
from .table_assay import TableAssay, TableResult
from .table_rows import animal_features

if TYPE_CHECKING:
    from ..stats.comparison import Comparison
    from .study import StudyHeader

COMPARED = ("auc", "growth_rate_per_day")


class GrowthAssay(TableAssay):
    """Tumour volumes over days: curves, growth rates, and the day from which groups differ."""

    method: Literal["growth"] = "growth"
    formula: Literal["half_lww", "pi_6_lww", "pi_6_lwh", "given"] = Field(
        "half_lww",
        description="How a volume is made from calipers: half_lww (1/2 · length · width²), "
        "pi_6_lww (π/6 · length · width²), pi_6_lwh (π/6 · length · width · height), or given (the "
        "column volume_mm3). A table without length and width gives its own volumes.",
    )
    size_limit_mm3: float | None = Field(
        None,
        gt=0,
        description="The volume at which animals have to be removed: later days are flagged, and "
        "the time until a tumour has it is compared by survival curves.",
    )

    reminders: ClassVar[tuple[str, ...]] = (
        "Volumes from calipers are estimates: the formula is stated, and another formula gives "
        "other volumes.",
        "Means after the first animal left are of those that remained; the mixed model uses all.",
        "A difference on one day among many that were looked at can be chance; the correction over "
        "days stands beside each.",
    )

    def evaluate(self, name: str, folder: Path, header: "StudyHeader") -> TableResult:
        """Read the table and work out curves, rates and comparisons.

        Raises
        ------
        InputError
            If the table can't be read, or has neither volumes nor calipers.
        """
        from ..stats.growth import FORMULA_TEXTS, first_removal_day, follow_up
        from ..stats.growth_days import comparable_days

        read = read_measurements(
            name, folder, self.table, header=header, columns=self.columns, formula=self.formula
        )
        values = read.values
        notes = dict(read.notes)
        notes |= {"formula_text": FORMULA_TEXTS[notes["formula"]]}
        notes |= {"size_limit_mm3": self.size_limit_mm3}
        if values.empty:
            empty = animal_features(_no_features(), header.groups)
            return TableResult(empty, problems=read.problems, notes=notes)
        ends = follow_up(values, size_limit_mm3=self.size_limit_mm3)
        left = first_removal_day(ends)
        animals, rates, window = _features(values, ends, header)
        tables = {f"{name}_curves": values.reset_index(), f"{name}_follow_up": ends}
        tables |= {f"{name}_rates": rates, f"{name}_flags": read.flags}
        days = comparable_days(values, list(header.groups))
        compared = [_day_feature(day) for day in days if day <= left]
        notes |= _notes_of(ends, left, read.flags, window)
        comparing = _Comparing(name, self, values, header)
        return TableResult(
            animals=animals,
            comparisons=comparing.rows(tables, notes),
            compared=(*compared, *COMPARED),
            problems=(*read.problems, *comparing.problems),
            notes=notes,
            tables=tables,
        )


class _Comparing:
    """The comparisons of one table that aren't the default tests of a feature."""

    def __init__(
        self,
        name: str,
        assay: GrowthAssay,
        values: pd.DataFrame,
        header: "StudyHeader",
    ) -> None:
        self.name, self.assay, self.values, self.header = name, assay, values, header
        self.problems: list[ProblemRow] = []
        self.groups = [group for group in header.groups if (values["group"] == group).any()]
        here = header.reference in self.groups
        self.reference = header.reference if here else None

    def rows(self, tables: dict[str, pd.DataFrame], notes: dict[str, Any]) -> pd.DataFrame | None:
        """Give rows of comparisons.csv; put further tables and notes where they belong."""
        from ..stats.growth import mean_curves

        tables[f"{self.name}_means"] = mean_curves(self.values, self.groups)
        if len(self.groups) < 2:
            notes["no_comparison"] = "fewer than two groups have measurements"
            return None
        found = [self._days(tables, notes), self._model(notes)]
        self._inhibition(tables)
        self._time_to_size(tables, notes)
        filled = [table for table in found if table is not None and len(table)]
        return pd.concat(filled, ignore_index=True) if filled else None

    def _days(self, tables: dict[str, pd.DataFrame], notes: dict[str, Any]) -> pd.DataFrame | None:
        """Test every day; rows of days after the first removal go out with their flag."""
        from ..stats.comparison import COMPARISON_COLUMNS
        from ..stats.growth_days import day_tests, onset_days

        try:
            days = day_tests(
                self.values,
                groups=self.groups,
                reference=self.reference,
                tests=self.assay.tests,
                alpha=self.header.alpha,
                size_limit_mm3=self.assay.size_limit_mm3,
            )
        except ValueError as error:
            remedy = "name tests that compare groups of numbers, or leave the option tests out"
            self.problems.append(ProblemRow(self.name, "", "compare", str(error), remedy))
            return None
        onset = onset_days(days, alpha=self.header.alpha)
        passed_over = self._days_passed_over()
        tables[f"{self.name}_days"], tables[f"{self.name}_onset"] = days, onset
        found = onset[onset["first_day"].notna()]
        notes["onset"] = [_plain(row) for row in found.to_dict("records")]
        flagged = days[days["flag"] != ""]
        rows = flagged[list(COMPARISON_COLUMNS)].copy()
        rows.insert(0, "feature", flagged["day"].map(_day_feature))
        return pd.concat([rows, *passed_over], ignore_index=True) if passed_over else rows

    def _days_passed_over(self) -> list[pd.DataFrame]:
        """Give days on which fewer than two groups have two animals a row that says so."""
        from ..stats.compare import untested
        from ..stats.growth_days import comparable_days

        tested = comparable_days(self.values, self.groups)
        tables = []
        for day, held in self.values.groupby("day"):
            if day in tested:
                continue
            sizes = {group: int((held["group"] == group).sum()) for group in self.header.groups}
            table = untested(sizes, reference=self.reference, tests=self.assay.tests)
            table.insert(0, "feature", _day_feature(float(day)))
            tables.append(table)
        return tables

    def _model(self, notes: dict[str, Any]) -> pd.DataFrame:
        """Fit the mixed model of ln(volume); its rows stand under the growth rate."""
        from ..stats.comparison import Comparison
        from ..stats.growth_model import growth_model

        try:
            model = growth_model(self.values, groups=self.groups, reference=self.reference)
        except ValueError as error:
            reason = f"no test: {str(error).rstrip('.')}"
            base, *others = self._reference_first()
            return self._rows(
                [
                    Comparison(test="mixed_model", group_a=group, group_b=base, note=reason)
                    for group in others
                ]
            )
        notes["growth_model"] = {
            "rates_per_day": {
                group: float(rate)
                for group, rate in zip(model.groups, model.rates_per_day, strict=True)
            },
            "sd_rate_per_day": model.sd_rate,
            "animals": model.animals,
            "measurements": model.measurements,
            "note": model.note,
        }
        return self._rows(model.comparisons(alpha=self.header.alpha))

    def _reference_first(self) -> list[str]:
        base = self.reference or self.groups[0]
        return [base, *(group for group in self.groups if group != base)]

    def _rows(self, comparisons: "list[Comparison]") -> pd.DataFrame:
        from ..stats.comparison import comparison_table

        rows = comparison_table(comparisons)
        rows.insert(0, "feature", "growth_rate_per_day")
        return rows

    def _inhibition(self, tables: dict[str, pd.DataFrame]) -> None:
        from ..stats.growth_days import growth_inhibition

        if self.reference is not None:
            tables[f"{self.name}_inhibition"] = growth_inhibition(
                self.values,
                groups=self.groups,
                reference=self.reference,
                alpha=self.header.alpha,
            )

    def _time_to_size(self, tables: dict[str, pd.DataFrame], notes: dict[str, Any]) -> None:
        """Compare the time until tumours have the size at which animals are removed."""
        from ..stats.time_to_size import kaplan_meier, log_rank, median_days, time_to_size

        size = self.assay.size_limit_mm3
        if size is None:
            return
        events = time_to_size(self.values, size_mm3=size)
        level = 1 - self.header.alpha
        survival = kaplan_meier(events, groups=self.groups, level=level)
        tables[f"{self.name}_time_to_size"] = events
        tables[f"{self.name}_survival"] = survival
        test = log_rank(events, groups=self.groups)
        notes["time_to_size"] = {
            "size_mm3": size,
            "median_days": _plain(median_days(survival)),
            "log_rank": _plain(
                {"statistic": test.statistic, "df": test.df, "p": test.p, "note": test.note}
            ),
        }


def _day_feature(day: float) -> str:
    return f"volume_mm3.day_{day:g}"


def _no_features() -> pd.DataFrame:
    return pd.DataFrame(columns=["feature", "animal", "group", "value", "n_objects"])


def _features(
    values: pd.DataFrame, ends: pd.DataFrame, header: "StudyHeader"
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[float, float]]:
    """Give the animals' features, their fitted rates, and the days of the area."""
    from ..stats.growth import area_under_curve, common_window, growth_rate

    first, last = common_window(ends)
    daily = values.sort_values("day", kind="stable")
    tables = [
        pd.DataFrame(
            {
                "feature": daily["day"].map(_day_feature),
                "animal": daily["animal"],
                "group": daily["group"],
                "value": daily["volume_mm3"],
                "n_objects": 1,
            }
        )
    ]
    rows, rates = [], []
    for (animal, group), own in values.groupby(["animal", "group"], sort=False):
        inside = int(own["day"].between(first, last).sum())
        area = math.nan
        if math.isfinite(first):
            area = area_under_curve(own["day"], own["volume_mm3"], first_day=first, last_day=last)
        rate = growth_rate(own["day"], own["volume_mm3"])
        rows.append(("auc", animal, group, area, inside))
        rows.append(("growth_rate_per_day", animal, group, rate.rate_per_day, rate.n))
        rows.append(("doubling_time_days", animal, group, rate.doubling_time_days, rate.n))
        rates.append({"animal": animal, "group": group, **vars(rate)})
    tables.append(pd.DataFrame(rows, columns=list(tables[0].columns)))
    features = animal_features(pd.concat(tables, ignore_index=True), header.groups)
    return features, pd.DataFrame(rates), (first, last)


def _notes_of(
    ends: pd.DataFrame, left: float, flags: pd.DataFrame, window: tuple[float, float]
) -> dict[str, Any]:
    """Say what a reader must know of follow-up and entries."""
    early = {
        end: ends.loc[ends["end"] == end, "animal"].tolist() for end in ("size_limit", "early")
    }
    return {
        "auc_days": [_number(day) for day in window],
        "removed_at_size_limit": early["size_limit"],
        "left_early": early["early"],
        "flagged_after_day": _number(left),
        "entry_flags": {str(flag): int(n) for flag, n in flags["flag"].value_counts().items()},
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _plain(values: dict[Any, Any]) -> dict[str, Any]:
    """Give a mapping that JSON can hold: no NaN, no numpy numbers."""
    return {
        str(key): _number(value) if isinstance(value, float) else value
        for key, value in values.items()
    }
