"""A number with its interval, and by which method the interval was made."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Estimate:
    """A number estimated from data.

    Attributes
    ----------
    name : str
        What it is, with its unit where it has one.
    value, ci_low, ci_high : float
        The estimate and the limits of its interval.
    n : int
        Units that it rests on.
    method : str
        How the interval was made.
    note : str
        What a reader must know besides; empty when there is nothing.
    """

    name: str
    value: float
    ci_low: float
    ci_high: float
    n: int
    method: str
    note: str = ""


def estimate_table(estimates: Iterable[Estimate]) -> "pd.DataFrame":
    """Put estimates into a table, a row each, in their order.

    Parameters
    ----------
    estimates : iterable of Estimate
        Estimates to tabulate.

    Returns
    -------
    pandas.DataFrame
        Columns name, value, ci_low, ci_high, n, method, note.
    """
    import pandas as pd

    columns = list(Estimate.__dataclass_fields__)
    return pd.DataFrame([asdict(estimate) for estimate in estimates], columns=columns)
