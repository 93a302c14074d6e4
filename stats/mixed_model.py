"""Groups compared over objects, with a random intercept for each animal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .comparison import Comparison, check_alpha, format_df
from .multiplicity import holm_over_pairs
from .nested import nested_rows
from .random_intercept import RandomIntercept, fit_random_intercept

if TYPE_CHECKING:
    import pandas as pd


def mixed_model(
    table: "pd.DataFrame",
    *,
    value: str,
    animal: str = "animal",
    group: str = "group",
    groups: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> list[Comparison]:
    """Groups compared over objects, with a random intercept for each animal.

    Parameters
    ----------
    table : pandas.DataFrame
        A row an object.
    value, animal, group : str
        Columns.
    groups : sequence of str, optional
        Groups in their order, the reference first; by default as they appear.
    alpha : float
        Level of significance and, as 1 − alpha, of the intervals.

    Returns
    -------
    list of Comparison
        Each other group against the reference; effect is the difference of fitted means, and
        p_adjusted Holm's over these pairs.

    Raises
    ------
    ValueError
        With fewer than two groups, or no group with two animals.

    Notes
    -----
    Restricted maximum likelihood. t has animals − groups degrees of freedom, as nlme has it in R,
    so that with equal numbers of objects the result is the t-test on animal means; p-values from
    the normal distribution, as statsmodels gives, would take the animals for many.

    References
    ----------
    Pinheiro JC, Bates DM (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 2.4.2.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"animal": list("aabbccdd"), "group": ["low"] * 4 + ["high"] * 4,
    ...                       "value": [1, 2, 4, 5, 6, 7, 11, 10.0]})
    >>> row = mixed_model(cells, value="value")[0]
    >>> row.group_a, row.group_b, row.df, round(row.effect, 4)
    ('high', 'low', '2', 5.5)
    """
    check_alpha(alpha)
    used = nested_rows(table, value, animal, group)
    used = used.assign(**{group: used[group].astype(str), animal: used[animal].astype(str)})
    names = list(groups) if groups is not None else list(dict.fromkeys(used[group]))
    used = used[used[group].isin(names)]
    absent = [name for name in names if name not in set(used[group])]
    if len(names) < 2 or absent:
        raise ValueError(
            f"two groups or more are compared; asked for {names}, without any row: {absent}."
        )
    animals = used[animal].nunique()
    df = animals - len(names)
    if df < 1:
        raise ValueError(
            f"{animals} animals in {len(names)} groups: nothing is known of the spread between "
            "animals, so no test is possible. At least one group needs two."
        )
    design = np.column_stack(
        [np.ones(len(used)), *((used[group] == name).to_numpy(float) for name in names[1:])]
    )
    fit = fit_random_intercept(used[value].to_numpy(float), design, used[animal].to_numpy())
    note = (
        f"random intercept of {animal}: {animals} animals, {len(used)} objects; "
        f"variance between animals {fit.between:.4g}, within {fit.within:.4g}"
    )
    if fit.between == 0:
        note += " (at the boundary: animals differ no more than their objects would have them)"
    rows = [_contrast(fit, names, i, df, alpha, note) for i in range(1, len(names))]
    return holm_over_pairs(rows, alpha=alpha)


def _contrast(
    fit: RandomIntercept, names: Sequence[str], index: int, df: int, alpha: float, note: str
) -> Comparison:
    from scipy import stats

    effect, error = float(fit.effects[index]), float(fit.errors[index])
    statistic = effect / error
    p = float(2 * stats.t.sf(abs(statistic), df))
    half = float(stats.t.isf(alpha / 2, df)) * error
    return Comparison(
        test="mixed_model",
        group_a=names[index],
        group_b=names[0],
        statistic=statistic,
        df=format_df(df),
        p=p,
        p_adjusted=p,
        effect=effect,
        ci_low=effect - half,
        ci_high=effect + half,
        significant=p < alpha,
        note=note,
    )
