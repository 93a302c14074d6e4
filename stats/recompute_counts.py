"""Counts recomputed from printed means, errors and n."""

import math
from collections.abc import Sequence

import numpy as np

from .claims import Recomputation, support
from .consistency import grim, grimmer, sprite
from .counts import negative_binomial, poisson_spread
from .recompute import PrintedGroup, row_of


def whole_numbers(group: PrintedGroup, *, kind: str, unit: str = "") -> list[Recomputation]:
    """GRIM, GRIMMER and SPRITE for a mean of counts.

    Parameters
    ----------
    group : PrintedGroup
        Mean and error of counts, one an animal.
    kind : {"SEM", "SD"}
        What ± is taken to be.
    unit : str
        Of the counts.

    Returns
    -------
    list of Recomputation
        A row each. SPRITE's effect is the largest count among the samples that it found, with the
        smallest and largest of their largest counts as limits.
    """
    assumption = f"one whole count an animal, ± as {kind}"
    mean_test = grim(group.mean, group.n)
    both = grimmer(group.mean, group.error, group.n, kind=kind)
    samples = sprite(group.mean, group.error, group.n, kind=kind, solutions=100)
    weak = f"of all means with {group.mean.decimals} decimal at n = {group.n} GRIM refuses "
    weak += f"{mean_test.share_of_means_excluded:.0%}"
    totals = ", ".join(str(total) for total in mean_test.totals)
    rows = [
        Recomputation(
            assumption=assumption,
            test="grim",
            effect_name=f"total of {group.n} counts, {group.name}",
            effect=mean_test.totals[0] if mean_test.totals else math.nan,
            supports="yes" if mean_test.consistent else "no",
            note=f"possible totals: {totals or 'none'}; {weak}",
        ),
        Recomputation(
            assumption=assumption,
            test="grimmer",
            supports="yes" if both.consistent else "no",
            note=both.reason or "a whole sum of squares gives this error",
        ),
    ]
    if len(samples):
        largest = samples[:, -1]
        example = ", ".join(str(count) for count in samples[len(samples) // 2])
        note = f"{len(samples)} samples found, for example {example}; limits span the samples"
        rows.append(
            Recomputation(
                assumption=assumption,
                test="sprite",
                effect_name=f"largest count, {group.name}{', ' + unit if unit else ''}",
                effect=float(np.median(largest)),
                ci_low=float(largest.min()),
                ci_high=float(largest.max()),
                supports="yes",
                note=note,
            )
        )
    return rows


def counts_spread(family: Sequence[PrintedGroup], *, kind: str) -> Recomputation:
    """Whether counts with these errors spread at least as Poisson's do.

    Parameters
    ----------
    family : sequence of PrintedGroup
        Counts' means and errors.
    kind : {"SEM", "SD"}
        What ± is taken to be.

    Returns
    -------
    Recomputation
        Effect: variance over mean, pooled. It speaks for or against reading ± as `kind`.
    """
    groups = [group.group(kind) for group in family]
    found = poisson_spread(
        [group.mean for group in groups],
        [group.sd for group in groups],
        [group.n for group in groups],
    )
    too_even = found.ci_high < 1
    return Recomputation(
        assumption=f"± as {kind}",
        test="poisson_spread",
        effect_name="variance / mean",
        effect=found.value,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        df=str(found.n - len(groups)),
        supports="no" if too_even else "yes",
        note=found.note
        + ("; mice would vary less than chance alone has counts vary" if too_even else ""),
    )


def counts_test(
    family: Sequence[PrintedGroup],
    high: str,
    low: str,
    *,
    kind: str,
    samples: int = 100,
    threshold: float = 0.05,
) -> Recomputation | None:
    """Negative binomial test over samples that would print as reported.

    Parameters
    ----------
    family : sequence of PrintedGroup
        Counts' means and errors.
    high, low : str
        The pair; all groups share the dispersion.
    kind : {"SEM", "SD"}
        What ± is taken to be.
    samples : int
        How many reconstructions of the experiment are tested.
    threshold : float
        Which p is claimed to be below.

    Returns
    -------
    Recomputation or None
        The median p, and its smallest and largest over the samples; None where no whole numbers
        print so.
    """
    found = {
        group.name: sprite(group.mean, group.error, group.n, kind=kind, solutions=samples, seed=i)
        for i, group in enumerate(family)
    }
    size = min(len(rows) for rows in found.values())
    if size == 0:
        return None
    # rows come in ascending order; shuffled so that a small sample doesn't meet only small ones
    rng = np.random.default_rng(0)
    shuffled = {name: rng.permutation(rows)[:size] for name, rows in found.items()}
    tests = [
        row_of(negative_binomial({name: shuffled[name][i] for name in shuffled}), high, low)
        for i in range(size)
    ]
    middle = sorted(tests, key=lambda row: row.p)[size // 2]
    p_low, p_high = min(row.p for row in tests), max(row.p for row in tests)
    return Recomputation(
        assumption=f"± as {kind}",
        test="negative_binomial",
        statistic=middle.statistic,
        df=middle.df,
        p_two_sided=middle.p,
        p_low=p_low,
        p_high=p_high,
        effect_name="ratio of means",
        effect=middle.effect,
        ci_low=middle.ci_low,
        ci_high=middle.ci_high,
        supports=support(middle.p, p_low, p_high, threshold=threshold),
        note=f"likelihood-ratio test on {size} sets of whole counts that print as reported "
        "(SPRITE); median p and its range over them",
    )
