"""From the wells of a qPCR to one Cq a sample and gene, with every exclusion written down."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import require_columns

if TYPE_CHECKING:
    import pandas as pd

MAX_SPREAD_CQ = 0.5
"""Technical replicates should agree to half a cycle (Hellemans 2007; qbase's default)."""

_ROUNDING_CQ = 1e-9  # a spread of exactly the limit stays inside it

_FEWEST_WELLS = 3  # of two wells that disagree, nothing says which is wrong

EXCLUDED = "excluded by hand"
UNDETERMINED = "undetermined"
MOSTLY_UNDETERMINED = "mostly undetermined"
OUTLIER = "outlier"
WIDE = "wide spread"

SET_COLUMNS = ("animal", "group", "pooled", "plate", "gene")
_SAMPLE_COLUMNS = ("animal", "group", "pooled", "gene")


def judge_wells(wells: "pd.DataFrame", *, max_spread_cq: float = MAX_SPREAD_CQ) -> "pd.DataFrame":
    """Decide which wells are used, and say why the others aren't.

    The wells of one sample, gene and plate are technical replicates. A well without a Cq is left
    out; where fewer than half of a set have one, the whole set counts as undetermined, and no
    cycle number is put in its place. Of three wells or more, one that lies further than
    `max_spread_cq` from their median is left out if the others agree within that limit; at most
    one a set. Sets that spread further and have no such well are kept and marked "wide spread".

    Parameters
    ----------
    wells : pandas.DataFrame
        animal, group, gene, plate (text), pooled (bool), cq (float; NaN is undetermined); if given
        excluded (bool), wells that a person has taken out already.
    max_spread_cq : float
        Limit in cycles.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order, with used (bool) and reason (text, empty for a well that
        is used without reserve).

    Raises
    ------
    ValueError
        If a column is missing or the limit isn't positive.

    References
    ----------
    Hellemans et al. (2007), Genome Biology 8, R19.
    """
    require_columns(wells, *SET_COLUMNS, "cq")
    if not max_spread_cq > 0:
        raise ValueError(f"max_spread_cq is {max_spread_cq!r}, expected cycles above 0.")
    reasons = np.full(len(wells), "", dtype=object)
    used = np.ones(len(wells), dtype=bool)
    cq = wells["cq"].to_numpy(dtype=float)
    if "excluded" in wells:
        used = ~wells["excluded"].to_numpy(dtype=bool)
        reasons[~used] = EXCLUDED
    for every in wells.groupby(list(SET_COLUMNS), sort=False).indices.values():
        positions = every[reasons[every] != EXCLUDED]
        if positions.size:
            used[positions], reasons[positions] = _judge_set(cq[positions], max_spread_cq)
    return wells.assign(used=used, reason=reasons.astype(str))


def combine_wells(judged: "pd.DataFrame") -> "pd.DataFrame":
    """Average the used wells of each sample, gene and plate.

    Parameters
    ----------
    judged : pandas.DataFrame
        As `judge_wells` gives it.

    Returns
    -------
    pandas.DataFrame
        A row a set: animal, group, pooled, plate, gene, cq (arithmetic mean, NaN where
        undetermined), sd (of the wells, NaN with fewer than two), wells (used), left_out, flag.
    """
    import pandas as pd

    rows = []
    for key, held in judged.groupby(list(SET_COLUMNS), sort=False):
        cq = held.loc[held["used"], "cq"].to_numpy(dtype=float)
        flags = [reason for reason in dict.fromkeys(held["reason"]) if reason]
        rows.append(
            (
                *key,
                float(cq.mean()) if cq.size else math.nan,
                float(cq.std(ddof=1)) if cq.size > 1 else math.nan,
                int(cq.size),
                int(len(held) - cq.size),
                "; ".join(flags),
            )
        )
    return pd.DataFrame(rows, columns=[*SET_COLUMNS, "cq", "sd", "wells", "left_out", "flag"])


def calibrate_plates(sets: "pd.DataFrame") -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Bring the plates of each gene together by the samples that they share.

    For a gene, Cq(sample, plate) = level of the sample + offset of the plate, by least squares
    over the shared samples, with offsets that sum to 0. Where every calibrator stands on every
    plate this is Hellemans' calibration by the geometric mean of the calibrators' quantities
    (amplification is the same on both sides, so an offset in Cq is a factor in quantity). Then
    each sample's plates are averaged.

    Parameters
    ----------
    sets : pandas.DataFrame
        As `combine_wells` gives it.

    Returns
    -------
    samples : pandas.DataFrame
        A row a sample and gene: animal, group, pooled, gene, cq, sd, wells, left_out, flag.
    plates : pandas.DataFrame
        A row a gene and plate, for genes on several plates: gene, plate, shared_samples,
        offset_cq (subtracted; NaN where plates share no sample), run (plates of a gene with the
        same number were brought together).

    References
    ----------
    Hellemans et al. (2007), Genome Biology 8, R19, formulas 14 to 16.
    """
    import pandas as pd

    corrected = sets.copy()
    rows: list[tuple] = []
    for gene, held in sets.groupby("gene", sort=False):
        if held["plate"].nunique() < 2:
            continue
        offsets = _plate_offsets(held)
        shift = held["plate"].map({plate: offset for plate, (_, offset, _) in offsets.items()})
        corrected.loc[held.index, "cq"] = held["cq"] - shift.fillna(0.0)
        rows += [(gene, plate, *found) for plate, found in offsets.items()]
    columns = ["gene", "plate", "shared_samples", "offset_cq", "run"]
    return _average_plates(corrected), pd.DataFrame(rows, columns=columns)


def _judge_set(cq: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Judge one set of technical replicates: used, reason."""
    known = np.isfinite(cq)
    reasons = np.full(cq.size, "", dtype=object)
    reasons[~known] = UNDETERMINED
    if 2 * known.sum() < cq.size:
        reasons[known] = MOSTLY_UNDETERMINED
        return np.zeros(cq.size, dtype=bool), reasons
    values = cq[known]
    if values.size < 2 or np.ptp(values) <= limit + _ROUNDING_CQ:
        return known, reasons
    odd = _outlier(values, limit)
    if odd is None:
        reasons[known] = WIDE
        return known, reasons
    position = np.flatnonzero(known)[odd]
    reasons[position] = OUTLIER
    known = known.copy()
    known[position] = False
    return known, reasons


def _outlier(values: np.ndarray, limit: float) -> int | None:
    """Give the one well that disagrees with wells that agree, if there is one."""
    if values.size < _FEWEST_WELLS:
        return None
    distance = np.abs(values - np.median(values))
    odd = int(np.argmax(distance))
    agree = np.ptp(np.delete(values, odd)) <= limit + _ROUNDING_CQ
    return odd if agree and distance[odd] > limit else None


def _plate_offsets(held: "pd.DataFrame") -> dict[Hashable, tuple[int, float, int]]:
    """Give each plate's shared samples, offset and run, for one gene."""
    known = held[np.isfinite(held["cq"])]
    counts = known.groupby(["animal", "group"])["plate"].transform("nunique")
    shared = known[counts > 1]
    plates = list(dict.fromkeys(held["plate"]))
    runs = _connected(shared, plates)
    found: dict[Hashable, tuple[int, float, int]] = {}
    for number, run in enumerate(runs, start=1):
        rows = shared[shared["plate"].isin(run)]
        offsets = _solve(rows, run) if len(run) > 1 else [math.nan]
        for plate, offset in zip(run, offsets, strict=True):
            samples = rows.loc[rows["plate"] == plate, ["animal", "group"]].drop_duplicates()
            found[plate] = (len(samples), float(offset), number)
    return {plate: found[plate] for plate in plates}


def _connected(shared: "pd.DataFrame", plates: Sequence[Hashable]) -> list[list[Hashable]]:
    """Give the runs of plates that are linked by samples, directly or through others."""
    runs: list[set[Hashable]] = [{plate} for plate in plates]
    for _, held in shared.groupby(["animal", "group"], sort=False):
        linked = set(held["plate"])
        touched = [run for run in runs if run & linked]
        runs = [run for run in runs if not run & linked] + [set().union(*touched)]
    ordered = [[plate for plate in plates if plate in run] for run in runs]
    return sorted(ordered, key=lambda run: plates.index(run[0]))


def _solve(rows: "pd.DataFrame", run: Sequence[Hashable]) -> np.ndarray:
    """Offsets of linked plates by least squares, summing to 0."""
    samples = rows.groupby(["animal", "group"], sort=False).ngroup().to_numpy()
    plates = np.array([run.index(plate) for plate in rows["plate"]])
    design = np.zeros((len(rows), samples.max() + 1 + len(run)))
    design[np.arange(len(rows)), samples] = 1
    design[np.arange(len(rows)), samples.max() + 1 + plates] = 1
    solution = np.linalg.lstsq(design, rows["cq"].to_numpy(dtype=float), rcond=None)[0]
    offsets = solution[samples.max() + 1 :]
    return offsets - offsets.mean()


def _average_plates(sets: "pd.DataFrame") -> "pd.DataFrame":
    """Average each sample's plates; its SD is the wells' own, pooled over the plates."""
    import pandas as pd

    rows = []
    for key, held in sets.groupby(list(_SAMPLE_COLUMNS), sort=False):
        known = held[np.isfinite(held["cq"])]
        several = known[known["wells"] > 1]
        freedom = (several["wells"] - 1).to_numpy(dtype=float)
        squares = float((freedom * several["sd"].to_numpy(dtype=float) ** 2).sum())
        rows.append(
            (
                *key,
                float(known["cq"].mean()) if len(known) else math.nan,
                math.sqrt(squares / freedom.sum()) if freedom.size else math.nan,
                int(held["wells"].sum()),
                int(held["left_out"].sum()),
                "; ".join(dict.fromkeys(flag for flag in held["flag"] if flag)),
            )
        )
    return pd.DataFrame(rows, columns=[*_SAMPLE_COLUMNS, "cq", "sd", "wells", "left_out", "flag"])
