"""The further tables that table assays write beside the results, read for the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .report_view import AssayView
from .results_tables import read_number

Extra = Mapping[str, pd.DataFrame]
"""Further tables of one assay, by kind: what stands behind the assay's name."""

_NUMBERS = frozenset(
    (
        *("row", "day", "n", "value", "statistic", "p", "p_adjusted", "p_over_days", "effect"),
        *("ci_low", "ci_high", "days_tested", "first_day", "lasting_from_day", "first_day_holm"),
        *("lasting_from_day_holm", "percent", "last_day", "volume_mm3", "mean_mm3", "sem_mm3"),
        *("at_risk", "survival", "fold_change", "technical_low", "technical_high", "lane"),
        *("amplification", "efficiency_percent", "slope", "r_squared", "levels", "wells", "m"),
        *("m_at_exclusion", "rank", "cq", "shared_samples", "offset_cq", "deficient", "missing"),
        *("deficient_percent", "mean", "sd", "sem", "median", "q1", "q3", "volume", "ratio"),
        *("loading_volume", "relative_volume", "animals", "last_volume_mm3"),
        *("rho", "rho_within", "within_low", "within_high", "x", "y"),
    )
)
_TRUTHS = frozenset(("pooled", "used", "saturated", "is_reference_gene"))


def read_extra(results: Path, assay: AssayView) -> dict[str, pd.DataFrame]:
    """Read an assay's further tables.

    Parameters
    ----------
    results : pathlib.Path
        The results folder.
    assay : AssayView
        Names the tables; one that isn't in the folder, or has no columns, is left out.

    Returns
    -------
    dict of str to pandas.DataFrame
        By kind (``days`` for ``volume_days.csv`` of the assay ``volume``). Identifiers stay text,
        numbers are float with NaN where a cell is empty.

    Raises
    ------
    ValueError
        If a table holds text where a number should stand.
    """
    found = {}
    for name in assay.further_tables:
        kind = name.removeprefix(f"{assay.name}_")
        file = results / f"{name}.csv"
        if kind == name or not file.is_file():
            continue
        try:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except pd.errors.EmptyDataError:  # a table without columns has nothing to show
            continue
        found[kind] = _typed(table, file)
    return found


def _typed(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in table.columns:
        if name in _NUMBERS:
            columns[name] = [read_number(text, file, name) for text in table[name]]
        elif name in _TRUTHS:
            columns[name] = [text.lower() == "true" for text in table[name]]
        else:
            columns[name] = table[name].to_numpy()
    typed = pd.DataFrame(columns, columns=list(table.columns))
    numbers = [name for name in table.columns if name in _NUMBERS]
    truths = [name for name in table.columns if name in _TRUTHS]
    return typed.astype({**dict.fromkeys(numbers, float), **dict.fromkeys(truths, bool)})
