"""Who is positive: the limit that negative controls set for a marker, and its application."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

ThresholdMethod = Literal["outer_fence", "percentile", "mean_sd"]

FEW_CONTROL_CELLS = 50  # below it, a high percentile is not much more than the largest value
_SMALLEST_POPULATION = 5  # cells
_APART = 4.0  # standard deviations between two populations; a uniform one cut in two has 3.5
_ITERATIONS = 200  # a few tens suffice


class ThresholdOptions(Protocol):
    """What `positivity_threshold` needs of an assay's options."""

    @property
    def threshold_method(self) -> ThresholdMethod:
        """How the controls' cells set the limit."""
        ...

    @property
    def control_percentile(self) -> float:
        """Percentile, for ``percentile``."""
        ...

    @property
    def control_sds(self) -> float:
        """Standard deviations above the mean, for ``mean_sd``."""
        ...


@dataclass(frozen=True)
class Threshold:
    """The limit of positivity of a marker in one compartment; a cell is positive above it.

    Attributes
    ----------
    value : float
        Limit on the compartment's mean over background (``marker_<compartment>_net``; on the
        membrane ``marker_membrane_own``), in grey values. NaN if there is none: no cell is then
        called positive.
    raw_value : float
        The same on the mean without background subtraction (``marker_<compartment>_mean``).
    arc_value : float
        The same for single arcs of the membrane, over background; NaN if there were none.
    compartment : str
        Compartment it was made for.
    method : str
        ``outer_fence``, ``percentile`` or ``mean_sd`` (from controls), ``two_populations`` (from
        the samples, without a control) or ``none``.
    cells, images : int
        Cells that it was made from, and images that they came from.
    control_mean : float
        Mean of the controls' cells over background; NaN without a control.
    flags : tuple of str
        ``no_control``, ``few_control_cells``, ``one_population`` (without a control, the samples'
        cells don't fall into two groups: no threshold).
    """

    value: float
    raw_value: float
    arc_value: float
    compartment: str
    method: str
    cells: int
    images: int
    control_mean: float = float("nan")
    flags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give all fields, JSON-serialisable."""
        return {**asdict(self), "flags": list(self.flags)}


def control_limit(levels: np.ndarray, options: ThresholdOptions) -> float:
    """Set the limit that the levels of a negative control don't exceed.

    ``outer_fence`` (the default) is the third quartile plus three interquartile ranges, Tukey's
    limit of what is "far out": for a normal distribution 4.7 standard deviations above the mean,
    unmoved by a few bright cells and steady with few cells. A percentile calls its own complement
    of the control's cells positive, whatever the control is like.

    Parameters
    ----------
    levels : numpy.ndarray
        Levels of the control's cells or arcs; those that aren't finite are left out.
    options : ThresholdOptions
        Method and its parameter.

    Returns
    -------
    float
        NaN without levels.

    References
    ----------
    Tukey JW, Exploratory Data Analysis, 1977, section 2D.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fence = SimpleNamespace(threshold_method="outer_fence")
    >>> control_limit(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), fence)
    9.0
    """
    levels = levels[np.isfinite(levels)]
    if levels.size == 0:
        return float("nan")
    if options.threshold_method == "percentile":
        return float(np.percentile(levels, options.control_percentile))
    if options.threshold_method == "mean_sd":
        spread = float(levels.std(ddof=1)) if levels.size > 1 else 0.0
        return float(levels.mean()) + options.control_sds * spread
    first, third = np.percentile(levels, [25, 75])
    return float(third + 3 * (third - first))


def two_populations_limit(levels: np.ndarray) -> float:
    """Find the limit between a dim and a bright population of cells, without a control.

    Minimum cross-entropy, which suits levels whose spread grows with their size and populations of
    unequal number. Answered only if the two differ clearly: their means, on a scale linear about 0
    and logarithmic above the median (asinh), are at least 4 of their standard deviations apart
    (Ashman's D; a normal or log-normal population cut in two reaches 3.4).

    Parameters
    ----------
    levels : numpy.ndarray
        Levels of the samples' cells over background; those that aren't finite are left out.

    Returns
    -------
    float
        NaN if there are not two populations.

    References
    ----------
    Li CH, Lee CK, Minimum cross entropy thresholding. Pattern Recognit 1993; 26: 617–625.
    Ashman KM, Bird CM, Zepf SE, Detecting bimodality in astronomical datasets. Astron J 1994; 108:
    2348–2361.

    Examples
    --------
    >>> dim, bright = np.linspace(8, 12, 50), np.linspace(80, 120, 30)
    >>> 12 < two_populations_limit(np.concatenate([dim, bright])) < 80
    True
    >>> bool(np.isnan(two_populations_limit(dim)))
    True
    """
    levels = levels[np.isfinite(levels)]
    if levels.size < 2 * _SMALLEST_POPULATION or levels.min() == levels.max():
        return float("nan")
    limit = _minimum_cross_entropy(levels - levels.min()) + float(levels.min())
    unit = float(np.median(np.abs(levels)))
    scaled = np.arcsinh(levels / unit) if unit > 0 else levels
    below, above = scaled[levels <= limit], scaled[levels > limit]
    if min(below.size, above.size) < _SMALLEST_POPULATION:
        return float("nan")
    spread = float(np.sqrt((below.var() + above.var()) / 2))
    apart = float(above.mean() - below.mean())
    return limit if apart >= _APART * spread else float("nan")


def _minimum_cross_entropy(levels: np.ndarray) -> float:
    """Iterate Li's threshold on levels from 0 upwards, from their mean."""
    limit = float(levels.mean())
    for _ in range(_ITERATIONS):
        high = float(levels[levels > limit].mean())
        low = max(float(levels[levels <= limit].mean()), 1e-6 * high)
        following = (high - low) / float(np.log(high / low))
        if abs(following - limit) <= 1e-6 * limit:
            break
        limit = following
    return limit


def scored_column(compartment: str, *, control: bool = False) -> str:
    """Name the column of levels over background that positivity is judged by.

    On the membrane a sample's cell is judged by its own membrane's level, against the level of the
    controls' membranes as they are, neighbours included.
    """
    if compartment == "membrane":
        return "marker_membrane_shared" if control else "marker_membrane_own"
    return f"marker_{compartment}_net"


def positivity_threshold(
    control_objects: pd.DataFrame | Sequence[pd.DataFrame] | None,
    *,
    compartment: str,
    options: ThresholdOptions,
    control_profiles: Sequence[Mapping[str, np.ndarray]] = (),
    sample_objects: Iterable[pd.DataFrame] = (),
    sample_profiles: Iterable[Mapping[str, np.ndarray]] = (),
) -> Threshold:
    """Set the limit of positivity from the cells of the negative controls.

    The cells of all control images are pooled.

    Parameters
    ----------
    control_objects : pandas.DataFrame, sequence of pandas.DataFrame or None
        Cells of the negative-control images, pooled or a table an image.
    compartment : {"nucleus", "cytoplasm", "membrane", "cell"}
        Where the marker is scored.
    options : ThresholdOptions
        Method and its parameter, as in `FluorescenceOptions`.
    control_profiles : sequence of mapping
        The control images' profiles (``membrane_arcs``), for the membrane's completeness.
    sample_objects, sample_profiles : iterable
        The samples' cells and profiles, from which the fallback is made when there is no control;
        gone through then alone, and once.

    Returns
    -------
    Threshold
    """
    tables = [control_objects] if isinstance(control_objects, pd.DataFrame) else control_objects
    tables = [table for table in tables or () if len(table)]
    if not tables:
        return _without_control(compartment, sample_objects, sample_profiles)
    pooled = pd.concat(tables, ignore_index=True)
    net = pooled[scored_column(compartment, control=True)].to_numpy(float)
    nets = pooled[f"marker_{compartment}_net"].dropna()
    cells = int(np.count_nonzero(np.isfinite(net)))
    return Threshold(
        value=control_limit(net, options),
        raw_value=control_limit(pooled[f"marker_{compartment}_mean"].to_numpy(float), options),
        arc_value=control_limit(_arcs(control_profiles), options),
        compartment=compartment,
        method=options.threshold_method,
        cells=cells,
        images=len(tables),
        control_mean=float(nets.mean()) if len(nets) else float("nan"),
        flags=("few_control_cells",) if cells < FEW_CONTROL_CELLS else (),
    )


def _without_control(
    compartment: str,
    tables: Iterable[pd.DataFrame],
    profiles: Iterable[Mapping[str, np.ndarray]],
) -> Threshold:
    names = [scored_column(compartment), f"marker_{compartment}_mean"]
    # of many images, only the columns that are looked at
    held = [table[table.columns.intersection(names)] for table in tables if len(table)]
    pooled = pd.concat(held, ignore_index=True) if held else pd.DataFrame()
    levels = {
        name: pooled[name].to_numpy(float) if name in pooled else np.array([]) for name in names
    }
    value, raw_value = (two_populations_limit(found) for found in levels.values())
    found = bool(np.isfinite(value))
    return Threshold(
        value=value,
        raw_value=raw_value,
        arc_value=two_populations_limit(_arcs(profiles)),
        compartment=compartment,
        method="two_populations" if found else "none",
        cells=len(pooled),
        images=len(held),
        flags=("no_control",) if found else ("no_control", "one_population"),
    )


def _arcs(profiles: Iterable[Mapping[str, np.ndarray]]) -> np.ndarray:
    arcs = [np.asarray(p["membrane_arcs"]).ravel() for p in profiles if "membrane_arcs" in p]
    return np.concatenate(arcs).astype(np.float64) if arcs else np.array([])


def completeness(arcs: np.ndarray, limit: float) -> np.ndarray:
    """Share of a cell's assessable arcs that are above a limit.

    Parameters
    ----------
    arcs : numpy.ndarray
        Shape (n, arcs); NaN where an arc can't be judged.
    limit : float
        NaN if there is none.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,), 0 to 1; NaN for cells without an assessable arc, or without limit.

    Examples
    --------
    >>> completeness(np.array([[1.0, 5.0, np.nan, 7.0]]), 3.0).round(3).tolist()
    [0.667]
    """
    seen = np.isfinite(arcs).sum(axis=1)
    above = (arcs > limit).sum(axis=1)
    share = np.divide(above, seen, out=np.full(len(arcs), np.nan), where=seen > 0)
    return share if np.isfinite(limit) else np.full(len(arcs), np.nan)


def classify_fluorescence(
    objects: pd.DataFrame,
    profiles: Mapping[str, np.ndarray],
    *,
    threshold: Threshold,
    compartment: str,
    min_completeness: float = 0.0,
) -> pd.DataFrame:
    """Add `membrane_completeness`, `positive` and `positive_raw` to the cells of one image.

    Parameters
    ----------
    objects : pandas.DataFrame
        Cells as `measure_fluorescence` gives them.
    profiles : mapping of str to numpy.ndarray
        That image's profiles (``membrane_arcs``, a row for each row of `objects`).
    threshold : Threshold
        Limit of positivity.
    compartment : {"nucleus", "cytoplasm", "membrane", "cell"}
        Where the marker is scored.
    min_completeness : float
        Share of its outline that must be stained, besides, for a cell to be membrane-positive.

    Returns
    -------
    pandas.DataFrame
        A copy with ``membrane_completeness`` (float), ``positive`` (bool, on background-subtracted
        levels) and ``positive_raw`` (bool, without subtraction); as it came if there is no marker.
    """
    out = objects.copy()
    if f"marker_{compartment}_mean" not in out:
        return out
    arcs = profiles.get("membrane_arcs")
    if arcs is None or len(arcs) != len(out):
        arcs = np.full((len(out), 1), np.nan)
    share = completeness(np.asarray(arcs), threshold.arc_value)
    positive = positive_cells(out[scored_column(compartment)].to_numpy(), threshold)
    if compartment == "membrane" and min_completeness > 0:
        positive &= share >= min_completeness
    out["membrane_completeness"] = share
    out["positive"] = positive
    out["positive_raw"] = out[f"marker_{compartment}_mean"] > threshold.raw_value
    return out


def positive_cells(level: np.ndarray, threshold: Threshold) -> np.ndarray:
    """Tell which cells are above the limit, from their `scored_column`; NaN is not.

    Parameters
    ----------
    level : numpy.ndarray
        (n,) float.
    threshold : Threshold
        Limit of positivity; none is above one that wasn't found.

    Returns
    -------
    numpy.ndarray
        (n,) bool.
    """
    return np.asarray(level > threshold.value)
