"""Claims of the paper that hang on a test, an interval or a distribution."""

from collections.abc import Callable
from dataclasses import replace

from ..stats.claims import Recomputation
from .paper import Entry

_MICE_A_GROUP = 10
"""What the numbers of mice in Methods make, against the nine that are printed."""


def _overall(entry: Entry) -> list[Recomputation]:
    from ..stats.recompute import overall

    return [
        row
        for kind, words in entry.readings
        for row in overall(entry.family, kind=kind, assumption=words, threshold=entry.threshold)
    ]


def _pair_alone(entry: Entry) -> list[Recomputation]:
    """Student's and Welch's t, and the n that these numbers would need where they fall short."""
    return [row for kind, words in entry.readings for row in _tested_alone(entry, kind, words)]


def _tested_alone(entry: Entry, kind: str, words: str) -> list[Recomputation]:
    from ..stats.recompute import needed_n, pair

    high, low, limit = entry.high, entry.low, entry.threshold
    rows = pair(high, low, kind=kind, assumption=words, unit=entry.unit, threshold=limit)
    if rows[0].supports not in ("yes", "as printed"):
        rows += needed_n(high, low, kind=kind, threshold=limit)
    return rows


def _pair(entry: Entry) -> list[Recomputation]:
    """Test a pair alone, within its experiment, as counts, and with ten mice in place of nine."""
    rows = []
    for kind, words in entry.readings:
        tested = [*_tested_alone(entry, kind, words), *_tested_in_family(entry, kind, words)]
        close = any(row.supports in ("as printed", "if rounded") for row in tested)
        rows += [*tested, *_tested_with_ten(entry, kind, words, in_family=close)]
    return rows


def _tested_in_family(entry: Entry, kind: str, words: str) -> list[Recomputation]:
    from ..stats.recompute import pair_in_family
    from ..stats.recompute_counts import counts_test

    family, high, low = entry.family, entry.high.name, entry.low.name
    limit = entry.threshold
    rows = pair_in_family(
        family, high, low, kind=kind, assumption=words, unit=entry.unit, threshold=limit
    )
    if "nodules" in entry.unit:
        tested = counts_test(family, high, low, kind=kind, threshold=limit)
        rows += [replace(tested, assumption=words)] if tested else []
    return rows


def _tested_with_ten(
    entry: Entry, kind: str, words: str, *, in_family: bool
) -> list[Recomputation]:
    """Test with all ten mice; within the experiment only where nine leave it close."""
    from ..stats.recompute import pair, pair_in_family, same_numbers_with_n

    family = [replace(group, n=_MICE_A_GROUP) for group in entry.family]
    high, low = (replace(group, n=_MICE_A_GROUP) for group in (entry.high, entry.low))
    label = "; ".join(part for part in (words, f"n = {_MICE_A_GROUP} a group") if part)
    rows = pair(high, low, kind=kind, assumption=label, unit=entry.unit)[:1]
    if in_family:
        rows += pair_in_family(
            family, high.name, low.name, kind=kind, assumption=label, unit=entry.unit
        )
    return same_numbers_with_n(rows, "were all ten mice a group counted, the rest as printed")


def _whole_numbers(entry: Entry) -> list[Recomputation]:
    from ..stats.recompute_counts import whole_numbers

    return [
        row
        for group in entry.family
        for kind, _ in entry.readings
        for row in whole_numbers(group, kind=kind, unit=entry.unit)
    ]


def _spread(entry: Entry) -> list[Recomputation]:
    from ..stats.recompute_counts import counts_spread

    rows = []
    for kind, _ in entry.readings:
        row = counts_spread(entry.family, kind=kind)
        # the claim is that ± is the SEM, so what speaks against an SD speaks for it
        if kind == "SD":
            row = replace(row, supports="yes" if row.supports == "no" else "no")
        rows.append(row)
    return rows


def _variation(entry: Entry) -> list[Recomputation]:
    """Coefficients of variation under each reading of ±."""
    return [
        Recomputation(
            assumption=words,
            test="arithmetic",
            effect_name=f"coefficient of variation, {group.name}, %",
            effect=100 * group.group(kind).sd / group.mean.value,
        )
        for kind, words in entry.readings
        for group in entry.family
    ]


def _haemoglobin(entry: Entry) -> list[Recomputation]:
    """Test a pair, and which p of Wilcoxon's test the summaries leave possible."""
    from ..stats.implied import wilcoxon_of_normal_samples

    kind = entry.names("readings")[0]
    p = wilcoxon_of_normal_samples(entry.high.group(kind), entry.low.group(kind))
    share = float((p < entry.threshold).mean())
    rank = Recomputation(
        assumption="normal samples with exactly these means and SDs",
        test="wilcoxon",
        p_two_sided=float(p[p.size // 2]),
        p_low=float(p[p.size // 40]),
        p_high=float(p[-p.size // 40]),
        note=f"median p and 95 % range over {p.size} samples; {share:.0%} of them have "
        f"p < {entry.threshold:g}: possible, and only the patients' values can tell",
    )
    return [*_pair_alone(entry), rank]


def _intervals(entry: Entry) -> list[Recomputation]:
    from ..stats.recompute import interval_of_mean
    from ..stats.rounding import Printed

    rows = []
    for id in entry.names("family"):
        limits = (Printed(entry.paper.groups.loc[id, end]) for end in ("ci_low", "ci_high"))
        kind = entry.names("readings")[0]
        rows += interval_of_mean(entry.paper.group(id), *limits, kind=kind, unit="g/L")
    return rows


def _odds_ratio(entry: Entry) -> list[Recomputation]:
    from ..stats.implied import implied_auc, implied_odds_ratio

    kind = entry.names("readings")[0]
    cases, controls = entry.low.group(kind), entry.high.group(kind)
    found = (
        (implied_odds_ratio(cases, controls, unit=-10), "odds ratio per 10 g/L less haemoglobin"),
        (implied_auc(cases, controls), "area under the ROC curve"),
    )
    return [
        Recomputation(
            assumption="normal distributions with the printed means and SDs",
            test="normal_model",
            effect_name=name,
            effect=estimate.value,
            ci_low=estimate.ci_low,
            ci_high=estimate.ci_high,
            note=f"n = {estimate.n}, {estimate.method}; implied, not fitted",
        )
        for estimate, name in found
    ]


def _cutoff(entry: Entry) -> list[Recomputation]:
    """Compare a mean with a limit."""
    from ..stats.summaries import mean_interval
    from ..stats.two_groups import t_probability

    group = entry.low.group(entry.names("readings")[0])
    cutoff = entry.numbers[0]
    statistic = (group.mean - cutoff) / group.sem
    low, high = mean_interval(group)
    return [
        Recomputation(
            test="one_sample_t",
            statistic=statistic,
            df=str(group.n - 1),
            p_two_sided=t_probability(statistic, group.n - 1),
            p_one_sided=t_probability(statistic, group.n - 1, "less"),
            effect_name="mean − limit, g/L",
            effect=group.mean - cutoff,
            ci_low=low - cutoff,
            ci_high=high - cutoff,
            supports="yes" if group.mean < cutoff < high else "no",
            note="the mean is below the limit and its interval holds the limit",
        )
    ]


def _anaemia(entry: Entry) -> list[Recomputation]:
    """Give the share of each group below a limit, if haemoglobin is normally distributed."""
    from ..stats.implied import share_below

    kind, cutoff = entry.names("readings")[0], entry.numbers[0]
    rows = []
    for group, decides in ((entry.low, True), (entry.high, False)):
        found = share_below(group.group(kind), cutoff)
        rows.append(
            Recomputation(
                assumption="normal distributions with the printed means and SDs",
                test="normal_model",
                effect_name=f"share of {group.name} patients below {cutoff:g} g/L",
                effect=found.value,
                ci_low=found.ci_low,
                ci_high=found.ci_high,
                supports="no" if decides else "",
            )
        )
    return rows


def _dose_response(entry: Entry) -> list[Recomputation]:
    """Test whether the two sufficient diets differ in what was counted and measured."""
    from ..stats.recompute import pair

    rows = []
    kind, ids = entry.names("readings")[0], entry.names("family")
    for first, second in zip(ids[::2], ids[1::2], strict=True):
        unit = entry.paper.groups.loc[first, "unit"]
        names = entry.paper.groups.loc[first, "quantity"]
        found = pair(entry.paper.group(first), entry.paper.group(second), kind=kind, unit=unit)[0]
        note = f"{names}, 35 against 350 ppm; shown beside the claim, not a test of it"
        rows.append(replace(found, assumption=f"± as {kind}", supports="", note=note))
    return rows


TESTS: dict[str, Callable[[Entry], list[Recomputation]]] = {
    "overall": _overall,
    "pair": _pair,
    "pair_alone": _pair_alone,
    "whole_numbers": _whole_numbers,
    "spread": _spread,
    "variation": _variation,
    "haemoglobin": _haemoglobin,
    "intervals": _intervals,
    "odds_ratio": _odds_ratio,
    "cutoff": _cutoff,
    "anaemia": _anaemia,
    "dose_response": _dose_response,
}
"""What recomputes each kind of claim."""
