"""How each test is run on the groups of a table."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .comparison import Alternative, Comparison, join_notes
from .layout import ordered_pairs, untestable_pair, usable_groups
from .multiplicity import holm_over_pairs
from .summaries import Group
from .two_groups import undefined_pair
from .units import Units


@dataclass(frozen=True)
class Settings:
    """What every test of one table is run with.

    Attributes
    ----------
    units : Units
        The groups, one value a unit.
    reference : str or None
        The group that the others are compared with.
    alpha : float
        Level of significance.
    alternative : {"two-sided", "less", "greater"}
        Side of the tests of pairs.
    margin : float, tuple of float or None
        Margin of equivalence.
    per : float
        So much of the value an odds ratio is per.
    """

    units: Units
    reference: str | None
    alpha: float
    alternative: Alternative
    margin: float | tuple[float, float] | None
    per: float = 1.0


def _student_t(settings: Settings) -> list[Comparison]:
    from .effects import hedges_g
    from .two_groups import student_t

    def run(a: Group, b: Group) -> Comparison:
        row = student_t(a, b, alternative=settings.alternative, alpha=settings.alpha)
        if math.isnan(row.p):
            return row
        g = hedges_g(a, b, level=1 - settings.alpha)
        return row.noted(f"Hedges g {g.estimate:.3g} ({g.ci_low:.3g} to {g.ci_high:.3g})")

    return _each_pair(settings, run)


def _welch_t(settings: Settings) -> list[Comparison]:
    from .two_groups import welch_t

    def run(a: Group, b: Group) -> Comparison:
        row = welch_t(a, b, alternative=settings.alternative, alpha=settings.alpha)
        return row if math.isnan(row.p) else row.noted(_ratio_note(a, b, settings.alpha))

    return _each_pair(settings, run)


def _ratio_note(a: Group, b: Group, alpha: float) -> str:
    """Give the ratio of means where values have a zero to be a multiple of."""
    from .effects import ratio_of_means

    if any(group.values is not None and group.values.min() < 0 for group in (a, b)):
        return ""
    ratio = ratio_of_means(a, b, level=1 - alpha)
    if math.isnan(ratio.ci_low):
        return ""
    low, high = ratio.ci_low, ratio.ci_high
    return f"ratio of means {ratio.estimate:.3g} ({low:.3g} to {high:.3g})"


def _wilcoxon(settings: Settings) -> list[Comparison]:
    from .ranks import wilcoxon

    return _each_pair(
        settings,
        lambda a, b: wilcoxon(a, b, alternative=settings.alternative, alpha=settings.alpha),
    )


def _permutation(settings: Settings) -> list[Comparison]:
    from .permutation import permutation

    return _each_pair(
        settings,
        lambda a, b: permutation(a, b, alternative=settings.alternative, alpha=settings.alpha),
    )


def _equivalence(settings: Settings) -> list[Comparison]:
    from .equivalence import equivalence

    margin = settings.margin
    if margin is None:
        raise ValueError("equivalence needs a margin.")
    return _each_pair(settings, lambda a, b: equivalence(a, b, margin=margin, alpha=settings.alpha))


def _paired_t(settings: Settings) -> list[Comparison]:
    from .two_groups import paired_t

    def run(a: Group, b: Group) -> Comparison:
        matched_a, matched_b, note = _matched(settings.units, a, b)
        row = paired_t(matched_a, matched_b, alternative=settings.alternative, alpha=settings.alpha)
        return row.noted(note)

    return _each_pair(settings, run)


def _anova(settings: Settings) -> list[Comparison]:
    from .many_groups import anova

    return [anova(settings.units.groups, alpha=settings.alpha)]


def _welch_anova(settings: Settings) -> list[Comparison]:
    from .many_groups import welch_anova

    return [welch_anova(settings.units.groups, alpha=settings.alpha)]


def _newman_keuls(settings: Settings) -> list[Comparison]:
    from .newman_keuls import newman_keuls

    return newman_keuls(settings.units.groups, reference=settings.reference, alpha=settings.alpha)


def _tukey_hsd(settings: Settings) -> list[Comparison]:
    from .many_groups import tukey_hsd

    return tukey_hsd(settings.units.groups, reference=settings.reference, alpha=settings.alpha)


def _dunnett(settings: Settings) -> list[Comparison]:
    from .dunnett import dunnett

    return dunnett(
        settings.units.groups,
        reference=settings.reference,
        alternative=settings.alternative,
        alpha=settings.alpha,
    )


def _kruskal(settings: Settings) -> list[Comparison]:
    from .ranks import kruskal

    return [kruskal(settings.units.groups, alpha=settings.alpha)]


def _dunn(settings: Settings) -> list[Comparison]:
    from .ranks import dunn

    return dunn(settings.units.groups, reference=settings.reference, alpha=settings.alpha)


def _logistic(settings: Settings) -> list[Comparison]:
    """Regress membership of a pair's first group on the value."""
    import pandas as pd

    from .regression import logistic

    def run(a: Group, b: Group) -> Comparison:
        own = [group.raw("logistic") for group in (a, b)]
        why = untestable_pair(a, b)
        if why:
            return undefined_pair("logistic", a, b, why)
        outcome = np.repeat([1.0, 0.0], [part.size for part in own])
        predictor = pd.DataFrame({"value": np.concatenate(own)})
        try:
            fit = logistic(
                outcome, predictor, units={"value": settings.per}, level=1 - settings.alpha
            )
        except ValueError as error:
            reason = f"no test: {str(error).rstrip('.')}"
            return replace(undefined_pair("logistic", a, b, reason), effect=math.nan)
        row = fit.comparisons(alpha=settings.alpha)[0]
        words = f"odds of {a.name} against {b.name}; area under the ROC curve {fit.auc.value:.3g}"
        return replace(row, group_a=a.name, group_b=b.name, note=join_notes(row.note, words))

    return _each_pair(settings, run)


def _negative_binomial(settings: Settings) -> list[Comparison]:
    from .counts import negative_binomial

    groups, reference = settings.units.groups, settings.reference
    usable, left_out = usable_groups(groups)
    # negative_binomial names the earlier group of a pair first; the reference is to stand second.
    backwards = [group for group in usable[::-1] if group.name != reference]
    backwards += [group for group in usable if group.name == reference]
    counts = {group.name: group.raw("negative_binomial") for group in backwards}
    pairs = ordered_pairs(groups, reference)
    try:
        tested = negative_binomial(counts, alpha=settings.alpha)
    except ValueError as error:
        reason = f"no test: {str(error).rstrip('.')}"
        return [undefined_pair("negative_binomial", a, b, reason) for a, b in pairs]
    found = {(row.group_a, row.group_b): row.noted(left_out) for row in tested}
    rows = [found[key] for key in found if not key[0]]
    for a, b in pairs:
        why = untestable_pair(a, b)
        row = undefined_pair("negative_binomial", a, b, why) if why else found[a.name, b.name]
        rows.append(row)
    return rows


def _mixed_model(settings: Settings) -> list[Comparison]:
    from .mixed_model import mixed_model

    groups = settings.units.groups
    reference = settings.reference or groups[0].name
    base = next(group for group in groups if group.name == reference)
    others = [group for group in groups if group.name != reference]
    rows = settings.units.rows
    if rows is None or not rows.duplicated(["group", "unit"]).any():
        reason = "no test: each unit has one row, so there is nothing nested; use a t test"
        return [undefined_pair("mixed_model", group, base, reason) for group in others]
    unit = settings.units.unit
    apart = rows[["group", "value"]].assign(**{unit: rows["group"] + "/" + rows["unit"]})
    try:
        return mixed_model(
            apart,
            value="value",
            animal=unit,
            groups=[reference, *(group.name for group in others)],
            alpha=settings.alpha,
        )
    except ValueError as error:
        reason = f"no test: {str(error).rstrip('.')}"
        return [undefined_pair("mixed_model", group, base, reason) for group in others]


RUNNERS: dict[str, Callable[[Settings], list[Comparison]]] = {
    "student_t": _student_t,
    "welch_t": _welch_t,
    "paired_t": _paired_t,
    "wilcoxon": _wilcoxon,
    "permutation": _permutation,
    "equivalence": _equivalence,
    "anova": _anova,
    "welch_anova": _welch_anova,
    "newman_keuls": _newman_keuls,
    "tukey_hsd": _tukey_hsd,
    "dunnett": _dunnett,
    "kruskal": _kruskal,
    "dunn": _dunn,
    "mixed_model": _mixed_model,
    "negative_binomial": _negative_binomial,
    "logistic": _logistic,
}


def _each_pair(settings: Settings, test: Callable[[Group, Group], Comparison]) -> list[Comparison]:
    """Run a test of two groups on every pair; with more than one pair, adjust by Holm."""
    pairs = ordered_pairs(settings.units.groups, settings.reference)
    return holm_over_pairs([test(a, b) for a, b in pairs], alpha=settings.alpha)


def _matched(units: Units, a: Group, b: Group) -> tuple[Group, Group, str]:
    """Return the units that stand in both groups, in one order, and how many were left out."""
    first = dict(zip(units.names[a.name], a.raw("paired_t"), strict=True))
    second = dict(zip(units.names[b.name], b.raw("paired_t"), strict=True))
    both = sorted(set(first) & set(second))
    alone = len(first) + len(second) - 2 * len(both)
    note = f"{alone} units without a partner left out" if alone else ""
    return (
        Group.from_values(a.name, [first[name] for name in both]),
        Group.from_values(b.name, [second[name] for name in both]),
        note,
    )
