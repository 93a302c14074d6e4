"""Tests recomputed from printed means, errors and n, with what their rounding allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from .claims import Recomputation, support
from .comparison import Comparison
from .many_groups import anova, tukey_hsd, welch_anova
from .newman_keuls import newman_keuls
from .power import t_sample_size
from .rounding import Printed, p_range
from .summaries import Group, mean_interval
from .two_groups import student_t, welch_t

_PairTest = Callable[..., Comparison]

_PAIR_TESTS: dict[str, _PairTest] = {"student_t": student_t, "welch_t": welch_t}
_FAMILY_TESTS: dict[str, Callable[..., list[Comparison]]] = {
    "newman_keuls": newman_keuls,
    "tukey_hsd": tukey_hsd,
}
_OVERALL_TESTS: dict[str, _PairTest] = {"anova": anova, "welch_anova": welch_anova}


@dataclass(frozen=True)
class PrintedGroup:
    """A group's mean, error and n as printed.

    Attributes
    ----------
    name : str
        Of the group.
    n : int
        Animals or patients.
    mean, error : Printed
        As printed.
    """

    name: str
    n: int
    mean: Printed
    error: Printed

    def group(
        self,
        kind: str,
        *,
        mean: float | None = None,
        error: float | None = None,
        n: int | None = None,
    ) -> Group:
        """Make it a group, with ± taken as `kind` ("SEM" or "SD"); numbers given replace its own.

        Raises
        ------
        ValueError
            If `kind` is another.
        """
        centre = self.mean.value if mean is None else mean
        spread = self.error.value if error is None else error
        size = self.n if n is None else n
        if kind == "SEM":
            return Group.from_sem(self.name, size, mean=centre, sem=spread)
        if kind == "SD":
            return Group.from_sd(self.name, size, mean=centre, sd=spread)
        raise ValueError(f"± is taken as 'SEM' or 'SD'; got {kind!r}.")


def _groups(
    printed: Sequence[PrintedGroup],
    kind: str,
    means: Sequence[float],
    errors: Sequence[float],
) -> list[Group]:
    return [
        group.group(kind, mean=mean, error=error)
        for group, mean, error in zip(printed, means, errors, strict=True)
    ]


def _rounded(
    printed: Sequence[PrintedGroup],
    kind: str,
    p_of: Callable[[list[Group]], float],
    pair: tuple[int, int] | None = None,
) -> tuple[float, float]:
    """Range of p over the rounding of all means and errors."""
    return p_range(
        lambda means, errors: p_of(_groups(printed, kind, means, errors)),
        [group.mean for group in printed],
        [group.error for group in printed],
        [group.n for group in printed],
        pair=pair,
    )


def pair(
    high: PrintedGroup,
    low: PrintedGroup,
    *,
    kind: str,
    assumption: str = "",
    unit: str = "",
    threshold: float = 0.05,
) -> list[Recomputation]:
    """Student's and Welch's t for a claim that `high` lies above `low`.

    Parameters
    ----------
    high, low : PrintedGroup
        The group that is claimed to lie higher, and the other.
    kind : {"SEM", "SD"}
        What ± is taken to be.
    assumption : str
        Of the recomputations.
    unit : str
        Of the means.
    threshold : float
        Which p is claimed to be below.

    Returns
    -------
    list of Recomputation
        One a test.
    """
    rows = []
    for name, test in _PAIR_TESTS.items():
        groups = [high.group(kind), low.group(kind)]
        found = test(*groups)
        one = test(*groups, alternative="greater").p
        p_low, p_high = _rounded([high, low], kind, partial(_p_of_pair, test))
        rows.append(
            Recomputation(
                assumption=assumption,
                test=name,
                statistic=found.statistic,
                df=found.df,
                p_two_sided=found.p,
                p_one_sided=one,
                p_low=p_low,
                p_high=p_high,
                effect_name=f"difference of means{', ' + unit if unit else ''}",
                effect=found.effect,
                ci_low=found.ci_low,
                ci_high=found.ci_high,
                supports=support(
                    found.p,
                    p_low,
                    p_high,
                    threshold=threshold,
                    p_one_sided=one,
                    claimed_direction=found.effect > 0,
                ),
            )
        )
    return rows


def _p_of_pair(test: _PairTest, groups: list[Group]) -> float:
    return test(*groups).p


def row_of(rows: Sequence[Comparison], first: str, second: str) -> Comparison:
    """Find the row of a pair, in whichever order it names the groups."""
    return next(row for row in rows if {row.group_a, row.group_b} == {first, second})


def pair_in_family(
    family: Sequence[PrintedGroup],
    high: str,
    low: str,
    *,
    kind: str,
    assumption: str = "",
    unit: str = "",
    threshold: float = 0.05,
) -> list[Recomputation]:
    """Newman-Keuls and Tukey for a claim that `high` lies above `low`, among all groups.

    Parameters
    ----------
    family : sequence of PrintedGroup
        All groups of the experiment.
    high, low : str
        Names of the group claimed to lie higher, and of the other.
    kind, assumption, unit, threshold
        As in `pair`.

    Returns
    -------
    list of Recomputation
        One a test. These tests have no sides.
    """
    names = [group.name for group in family]
    places = names.index(high), names.index(low)
    rows = []
    for name, test in _FAMILY_TESTS.items():
        groups = [group.group(kind) for group in family]
        found = row_of(test(groups, reference=low), high, low)
        p_low, p_high = _rounded(family, kind, _p_in_family(test, high, low), places)
        rows.append(
            Recomputation(
                assumption=assumption,
                test=name,
                statistic=found.statistic,
                df=found.df or str(sum(group.n for group in groups) - len(groups)),
                p_two_sided=found.p,
                p_low=p_low,
                p_high=p_high,
                effect_name=f"difference of means{', ' + unit if unit else ''}",
                effect=found.effect,
                ci_low=found.ci_low,
                ci_high=found.ci_high,
                supports=support(
                    found.p,
                    p_low,
                    p_high,
                    threshold=threshold,
                    claimed_direction=found.effect > 0,
                ),
            )
        )
    return rows


def _p_in_family(
    test: Callable[..., list[Comparison]], high: str, low: str
) -> Callable[[list[Group]], float]:
    return lambda groups: row_of(test(groups), high, low).p


def overall(
    family: Sequence[PrintedGroup], *, kind: str, assumption: str = "", threshold: float = 0.05
) -> list[Recomputation]:
    """ANOVA and Welch's ANOVA for a claim that the groups differ.

    Parameters
    ----------
    family : sequence of PrintedGroup
        All groups of the experiment.
    kind, assumption, threshold
        As in `pair`.

    Returns
    -------
    list of Recomputation
        One a test; the effect is eta² where the test gives one.
    """
    rows = []
    for name, test in _OVERALL_TESTS.items():
        found = test([group.group(kind) for group in family])
        p_low, p_high = _rounded(family, kind, partial(_p_of_overall, name))
        rows.append(
            Recomputation(
                assumption=assumption,
                test=name,
                statistic=found.statistic,
                df=found.df,
                p_two_sided=found.p,
                p_low=p_low,
                p_high=p_high,
                effect_name="" if math.isnan(found.effect) else "eta²",
                effect=found.effect,
                ci_low=found.ci_low,
                ci_high=found.ci_high,
                supports=support(found.p, p_low, p_high, threshold=threshold),
            )
        )
    return rows


def _p_of_overall(name: str, groups: list[Group]) -> float:
    # the interval of eta² costs far more than p and isn't looked at here
    return anova(groups, intervals=False).p if name == "anova" else welch_anova(groups).p


def same_numbers_with_n(rows: Sequence[Recomputation], note: str) -> list[Recomputation]:
    """Rows for another n, to be read and not to decide.

    Parameters
    ----------
    rows : sequence of Recomputation
        Made with the other n.
    note : str
        What they are there for.

    Returns
    -------
    list of Recomputation
        The same, deciding nothing.
    """
    return [replace(row, supports="", note=note) for row in rows]


def needed_n(
    high: PrintedGroup, low: PrintedGroup, *, kind: str, threshold: float = 0.05
) -> list[Recomputation]:
    """Animals a group at which these very means and SDs would pass the threshold.

    Parameters
    ----------
    high, low : PrintedGroup
        The pair.
    kind : {"SEM", "SD"}
        What ± is taken to be; the SD that follows is kept as n grows.
    threshold : float
        Which p is claimed to be below, two-sided.

    Returns
    -------
    list of Recomputation
        The n at which Student's t would pass if the same numbers came out again, and the n for
        80 % power if they are the truth. They decide nothing.
    """
    a, b = high.group(kind), low.group(kind)
    size = 2
    while student_t(replace(a, n=size), replace(b, n=size)).p >= threshold:
        size += 1
    shared = math.sqrt((a.variance + b.variance) / 2)
    powered = t_sample_size((a.mean - b.mean) / shared, alpha=threshold)
    assumption = f"± as {kind}"
    return [
        Recomputation(
            assumption=assumption,
            test="sample_size",
            effect_name=f"animals a group for p < {threshold:g}",
            effect=size,
            note="the smallest n at which the same means and SDs pass Student's t, two-sided",
        ),
        Recomputation(
            assumption=assumption,
            test="sample_size",
            effect_name="animals a group for 80 % power",
            effect=powered,
            note="if the difference found were the true one",
        ),
    ]


def interval_of_mean(
    group: PrintedGroup, low: Printed, high: Printed, *, kind: str, unit: str = ""
) -> list[Recomputation]:
    """Which quantile a printed 95 % interval of a mean was made with.

    Parameters
    ----------
    group : PrintedGroup
        The mean with its error.
    low, high : Printed
        The printed limits.
    kind : {"SEM", "SD"}
        What ± is.
    unit : str
        Of the mean.

    Returns
    -------
    list of Recomputation
        With Student's and with the normal quantile; each supports the claim if both printed limits
        are its limits, within the rounding of mean, error and limits.
    """
    rows = []
    for name, method in (("t_interval", "t"), ("z_interval", "z")):
        at_print = mean_interval(group.group(kind), method=method)  # type: ignore[arg-type]
        fits = _limits_fit(group, low, high, kind, method)
        exact = low.could_be(at_print[0]) and high.could_be(at_print[1])
        rows.append(
            Recomputation(
                test=name,
                df=str(group.n - 1) if method == "t" else "",
                effect_name=f"mean, {group.name}{', ' + unit if unit else ''}",
                effect=group.mean.value,
                ci_low=at_print[0],
                ci_high=at_print[1],
                supports="yes" if exact else "if rounded" if fits else "no",
                note=f"printed limits: {low.text} to {high.text}",
            )
        )
    return rows


def _limits_fit(group: PrintedGroup, low: Printed, high: Printed, kind: str, method: str) -> bool:
    """Whether one mean and one error within their rounding give both printed limits.

    Both limits are the mean less and plus a half width, which rises with the error, so this asks
    whether four strips of the plane (mean, half width) have a point in common.
    """
    from scipy import optimize

    def half(error: float) -> float:
        ends = mean_interval(group.group(kind, error=error), method=method)  # type: ignore[arg-type]
        return (ends[1] - ends[0]) / 2

    found = optimize.linprog(
        [0.0, 0.0],
        A_ub=[[-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]],
        b_ub=[-low.low, low.high, -high.low, high.high],
        bounds=[
            (group.mean.low, group.mean.high),
            (half(group.error.low), half(group.error.high)),
        ],
    )
    return bool(found.status == 0)
