"""Measurements of tumours that look like slips of the pen."""

import math
from typing import TYPE_CHECKING

import numpy as np

from .columns import require_columns

if TYPE_CHECKING:
    import pandas as pd

FLAG_COLUMNS = ("row", "animal", "day", "flag", "detail")

# The fastest murine tumours double in about two days; a caliper reading that doubles or halves
# within one is more often a slip of the pen.
_JUMP_PER_DAY = math.log(2)


def entry_flags(values: "pd.DataFrame") -> "pd.DataFrame":
    """Find measurements that look like slips: they are used as they are, and listed.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns animal, day, volume_mm3, and length_mm and width_mm if measured; rows in the order
        in which they were written down. The index is the row's number.

    Returns
    -------
    pandas.DataFrame
        Columns row, animal, day, flag, detail. Flags: ``width_above_length``; ``jump`` (the
        volume more than doubles or halves a day); ``days_out_of_order`` (an earlier day below a
        later one); ``duplicate_day`` (the same animal twice on a day); ``zero_volume``.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"animal": "m1", "day": [1, 2, 3], "volume_mm3": [50, 500, 600.0]})
    >>> entry_flags(curve)[["row", "flag"]].values.tolist()
    [[1, 'jump']]
    """
    import pandas as pd

    require_columns(values, "animal", "day", "volume_mm3")
    found: list[tuple[int, str, float, str, str]] = []
    if {"length_mm", "width_mm"} <= set(values.columns):
        for row in values[values["width_mm"] > values["length_mm"]].itertuples():
            detail = f"width {row.width_mm:g} mm above length {row.length_mm:g} mm"
            found.append((row.Index, row.animal, row.day, "width_above_length", detail))
    for animal, own in values.groupby("animal", sort=False):
        found += _flags_of_one(str(animal), own)
    table = pd.DataFrame(found, columns=list(FLAG_COLUMNS))
    kinds = {"row": "int64", "day": "float64", "animal": "str", "flag": "str", "detail": "str"}
    return table.astype(kinds).sort_values(["row", "flag"], kind="stable", ignore_index=True)


def _flags_of_one(animal: str, own: "pd.DataFrame") -> list[tuple[int, str, float, str, str]]:
    """Flags of one animal's measurements in their written order."""
    found = []
    days = own["day"].to_numpy(float)
    latest = np.maximum.accumulate(days)
    for place in np.flatnonzero(days < latest):
        detail = f"day {days[place]:g} stands below day {latest[place]:g}"
        found.append((own.index[place], animal, days[place], "days_out_of_order", detail))
    for row in own[own["day"].duplicated(keep=False)].itertuples():
        found.append((row.Index, animal, row.day, "duplicate_day", f"day {row.day:g} stands twice"))
    for row in own[own["volume_mm3"] == 0].itertuples():
        detail = "no logarithm: left out of the growth rate"
        found.append((row.Index, animal, row.day, "zero_volume", detail))
    ordered = own[own["volume_mm3"] > 0].sort_values("day", kind="stable")
    logs, ordered_days = np.log(ordered["volume_mm3"].to_numpy(float)), ordered["day"].to_numpy()
    steps = np.abs(np.diff(logs)) / np.maximum(np.diff(ordered_days), 1.0)
    for place in np.flatnonzero(steps > _JUMP_PER_DAY) + 1:
        before, after = ordered["volume_mm3"].iloc[place - 1], ordered["volume_mm3"].iloc[place]
        detail = f"from {before:.4g} mm³ on day {ordered_days[place - 1]:g} to {after:.4g} mm³"
        found.append((ordered.index[place], animal, ordered_days[place], "jump", detail))
    return found
