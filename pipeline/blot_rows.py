"""From the bands of blots and the lane sheet to relative volumes of animals.

Pure: tables in, tables out. Every row of the sheet that can't be used stands in the table of
bands with its reason; none is left out without a word.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .table_rows import animal_features

FEATURE = "relative_volume"
TARGET, LOADING_CONTROL = ROLES = ("target", "loading_control")
TOTAL_PROTEIN = frozenset({"total protein", "total_protein", "ponceau", "ponceau s", "revert"})
"""Loading controls that are the whole lane and not a band."""

SHEET_COLUMNS = ("image", "lane", "animal", "group", "protein", "role", "pooled")
_USED = ""


@dataclass(frozen=True)
class RelativeVolumes:
    """What the lane sheet and the bands give together.

    Attributes
    ----------
    animals : pandas.DataFrame
        Rows of animals.csv without assay: ``relative_volume.<protein>`` by animal.
    bands : pandas.DataFrame
        A row a row of the sheet: row, image, lane, animal, group, protein, role, pooled, object
        (0 where none), volume, saturated, loading_volume, ratio (target over loading control),
        relative_volume, reason (empty where it was used), note (what is doubtful though used).
    """

    animals: pd.DataFrame
    bands: pd.DataFrame

    @property
    def left_out(self) -> pd.DataFrame:
        """Rows of the sheet that could not be used, with the reason."""
        return self.bands[self.bands["reason"] != _USED]


def relative_volumes(
    objects: pd.DataFrame,
    regions: pd.DataFrame,
    sheet: pd.DataFrame,
    *,
    groups: Sequence[str],
    reference: str,
    images: Sequence[str] | None = None,
) -> RelativeVolumes:
    """Work out each animal's relative volume of each protein.

    A row's band is the one between its top_px and bottom_px (the strongest of several), or the
    lane's strongest where the sheet doesn't say. Its volume is divided by that of the loading
    control in the same lane, of the same image or, where the membrane was photographed once more,
    of the one other image that has that lane with that animal; then by the mean of the reference
    group's ratios on the same image, since exposures differ. An animal in several lanes is
    averaged. Saturated bands are left out: their volume is a lower bound.

    Parameters
    ----------
    objects : pandas.DataFrame
        Bands of all images: image, lane, object, y_px, volume, saturated.
    regions : pandas.DataFrame
        Lanes of all images: image, lane, volume (the whole lane's).
    sheet : pandas.DataFrame
        Rows of the lane sheet: image, lane (int), animal, group, protein, role ("target" or
        "loading_control"), pooled (bool), and if given top_px, bottom_px (float, NaN where
        empty); the index is the file's row.
    groups : sequence of str
        The groups in their order.
    reference : str
        The group whose mean is 1.
    images : sequence of str, optional
        The images that were measured, blank ones included; by default those of `regions`.

    Returns
    -------
    RelativeVolumes
    """
    measured = set(regions["image"] if images is None else images)
    bands = _with_bands(objects, regions, sheet, measured)
    bands = _shared_bands(bands)
    bands = _with_loading(bands)
    bands = _with_reference(bands, reference)
    return RelativeVolumes(_animals(bands, groups), bands)


def _with_bands(
    objects: pd.DataFrame, regions: pd.DataFrame, sheet: pd.DataFrame, measured: set[str]
) -> pd.DataFrame:
    """Give each row of the sheet its band's number and volume."""
    by_lane = dict(iter(objects.groupby(["image", "lane"])))
    lanes = {key: held.iloc[0] for key, held in regions.groupby(["image", "lane"])}
    seen = regions.groupby("image")["lane"].max().to_dict()
    rows = []
    for row, entry in zip(sheet.index, sheet.to_dict("records"), strict=True):
        key = (entry["image"], entry["lane"])
        base = {"row": int(row), **{name: entry[name] for name in SHEET_COLUMNS}}
        if entry["image"] not in measured:
            found = _missing(f"no measured image of this assay is called {entry['image']!r}")
        elif key not in lanes:
            found = _missing(
                f"lane {entry['lane']} isn't there: the image has {seen.get(key[0], 0)}"
            )
        elif _is_whole_lane(entry):
            found = _band(0, float(lanes[key]["volume"]), False)
        else:
            found = choose_band(by_lane.get(key, objects.iloc[:0]), entry)
        rows.append(base | found)
    columns = ["row", *SHEET_COLUMNS, "object", "volume", "saturated", "reason", "note"]
    return pd.DataFrame(rows, columns=columns)


def _is_whole_lane(entry: dict[str, object]) -> bool:
    named = str(entry["protein"]).strip().casefold() in TOTAL_PROTEIN
    return named and entry["role"] == LOADING_CONTROL


def choose_band(held: pd.DataFrame, entry: dict[str, object]) -> dict[str, object]:
    """Choose a lane's band by the sheet's rows of pixels, or its strongest.

    Parameters
    ----------
    held : pandas.DataFrame
        The lane's bands: object, y_px, volume, saturated.
    entry : mapping
        A row of the sheet: role, and if given top_px, bottom_px.

    Returns
    -------
    dict
        object (0 where none), volume, saturated, reason (why it can't be used), note.
    """
    top, bottom = (_number(entry.get(name)) for name in ("top_px", "bottom_px"))
    given = not (math.isnan(top) and math.isnan(bottom))
    if given:
        low = -math.inf if math.isnan(top) else top
        high = math.inf if math.isnan(bottom) else bottom
        held = held[held["y_px"].between(low, high)]
    if held.empty:
        if entry["role"] == LOADING_CONTROL:
            return _missing("no band of the loading control was found in the lane")
        return _band(0, 0.0, False, "no band was found: volume 0")
    strongest = held.loc[held["volume"].idxmax()]
    note = "" if given or len(held) == 1 else f"the strongest of {len(held)} bands"
    found = _band(
        int(strongest["object"]), float(strongest["volume"]), bool(strongest["saturated"]), note
    )
    if strongest["saturated"]:
        found["reason"] = "the band is saturated: its volume is a lower bound"
    elif entry["role"] == LOADING_CONTROL and strongest["volume"] <= 0:
        found["reason"] = "the loading control's volume is 0 or less"
    return found


def name_bands(objects: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Give each band of one image the protein that the sheet takes it for; empty for none.

    Parameters
    ----------
    objects : pandas.DataFrame
        The image's bands: object, lane, y_px, volume, saturated.
    rows : pandas.DataFrame
        The sheet's rows of that image.
    """
    names: dict[int, list[str]] = {}
    for entry in rows.to_dict("records"):
        held = objects[objects["lane"] == entry["lane"]]
        if not _is_whole_lane(entry):
            number = choose_band(held, entry)["object"]
            names.setdefault(int(number), []).append(str(entry["protein"]))  # type: ignore[call-overload]
    return [" and ".join(dict.fromkeys(names.get(int(n), []))) for n in objects["object"]]


def _number(value: object) -> float:
    return math.nan if value is None else float(value)  # type: ignore[arg-type]


def _band(number: int, volume: float, saturated: bool, note: str = "") -> dict[str, object]:
    found = {"object": number, "volume": volume, "saturated": saturated}
    return found | {"reason": _USED, "note": note}


def _missing(reason: str) -> dict[str, object]:
    return _band(0, math.nan, False) | {"reason": reason}


def _shared_bands(bands: pd.DataFrame) -> pd.DataFrame:
    """Refuse a band that two rows of the sheet take for different proteins or twice."""
    held = bands[(bands["object"] > 0)]
    twice = held.duplicated(["image", "object"], keep=False)
    rows = held.index[twice & (held["reason"] == _USED)]
    proteins = held.groupby(["image", "object"])["protein"].transform(
        lambda names: " and ".join(dict.fromkeys(names))
    )
    table = bands.copy()
    for row in rows:
        table.loc[row, "reason"] = (
            f"the same band was taken for {proteins[row]}: give top_px and bottom_px"
        )
    return table


def _with_loading(bands: pd.DataFrame) -> pd.DataFrame:
    """Divide each target by the loading control of its lane."""
    controls = bands[bands["role"] == LOADING_CONTROL]
    table = bands.assign(loading_volume=np.nan, ratio=np.nan)
    for row in bands.index[(bands["role"] == TARGET) & (bands["reason"] == _USED)]:
        volume, reason = _loading_of(bands.loc[row], controls)
        if reason:
            table.loc[row, "reason"] = reason
        else:
            table.loc[row, "loading_volume"] = volume
            table.loc[row, "ratio"] = bands.loc[row, "volume"] / volume
    return table


def _loading_of(target: pd.Series, controls: pd.DataFrame) -> tuple[float, str]:
    """Give the volume of the loading control of a target's lane, or the reason for none."""
    lane = controls[(controls["lane"] == target["lane"]) & (controls["animal"] == target["animal"])]
    own = lane[lane["image"] == target["image"]]
    found = own if len(own) else lane
    if not len(found):
        return math.nan, "the sheet names no loading control for this lane"
    if len(found) > 1:
        return math.nan, f"the sheet names {len(found)} loading controls for this lane"
    control = found.iloc[0]
    if control["reason"] != _USED:
        return math.nan, f"loading control {control['protein']}: {control['reason']}"
    return float(control["volume"]), ""


def _with_reference(bands: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Divide each ratio by the mean of the reference group's on its image."""
    table = bands.assign(relative_volume=np.nan)
    used = table[table["ratio"].notna()]
    for (image, protein), held in used.groupby(["image", "protein"], sort=False):
        base = held.loc[held["group"] == reference, "ratio"]
        if base.empty or not base.mean() > 0:
            table.loc[held.index, "reason"] = (
                f"{image} has no usable lane of the reference group {reference!r} for {protein}, "
                "and ratios of different exposures can't be compared"
            )
        else:
            table.loc[held.index, "relative_volume"] = held["ratio"] / base.mean()
    columns = [column for column in table.columns if column not in ("reason", "note")]
    return table[[*columns, "reason", "note"]]


def _animals(bands: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Average each animal's lanes."""
    used = bands[bands["relative_volume"].notna()]
    rows = used.groupby(["protein", "animal", "group"], sort=False, as_index=False).agg(
        value=("relative_volume", "mean"),
        n_objects=("relative_volume", "size"),
        images=("image", "nunique"),
    )
    rows["feature"] = FEATURE + "." + rows["protein"].astype(str)
    table = animal_features(rows, groups)
    images = rows.set_index(["feature", "animal"])["images"]
    keys = list(zip(table["feature"], table["animal"], strict=True))
    return table.assign(n_images=[int(images[key]) for key in keys])


def compare_volumes(
    result: RelativeVolumes,
    *,
    groups: Sequence[str],
    reference: str,
    alpha: float = 0.05,
    tests: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compare the groups on relative volumes, protein by protein; a pool has no p.

    Parameters
    ----------
    result : RelativeVolumes
        As `relative_volumes` gives it.
    groups, reference, alpha, tests
        As `stats.pools.compare_with_pools`.

    Returns
    -------
    pandas.DataFrame
        feature and the columns of comparisons.csv; the note of a pair gives the ratio of means.
    """
    from ..stats.pools import compare_features

    pooled = set(result.bands.loc[result.bands["pooled"].astype(bool), "animal"])
    features = (
        (str(feature), held.assign(pooled=held["animal"].isin(pooled)))
        for feature, held in result.animals.groupby("feature", sort=False)
    )
    rows = compare_features(
        features, _with_ratio, groups=groups, reference=reference, alpha=alpha, tests=tests
    )
    return _say_bound_reference(rows, result.bands, reference)


def _say_bound_reference(rows: pd.DataFrame, bands: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Say where dividing by each image's reference took the reference group's own spread away.

    The reference's values of an image have the mean 1. On one image that is a change of unit; over
    several that share no animal of the reference, each image binds one value, and with one lane of
    the reference an image all are 1, whatever the animals are.
    """
    from ..stats.comparison import join_notes
    from ..stats.pools import without_p

    used = bands[bands["relative_volume"].notna() & (bands["group"] == reference)]
    parts = []
    for feature, held in rows.groupby("feature", sort=False):
        own = used[FEATURE + "." + used["protein"].astype(str) == feature]
        images = own.groupby("animal")["image"].agg(frozenset)
        n, bound = len(images), images.nunique()
        if bound == n > 1 and held["p"].notna().any():
            reason = (
                f"no test: each image has one lane of {reference}, whose relative volume is 1 "
                "whatever the animal is; put the animals of all groups on one image, or several "
                f"of {reference} on each"
            )
            parts.append(without_p(held, reason))
        elif bound > 1:
            note = (
                f"each image's lanes of {reference} have the mean 1, so {n - bound} of the {n} "
                f"values of {reference} are free: its spread, and p, are too small"
            )
            parts.append(held.assign(note=[join_notes(text, note) for text in held["note"]]))
        else:
            parts.append(held)
    return pd.concat(parts, ignore_index=True) if parts else rows


def _with_ratio(row: Mapping[str, object], means: pd.Series) -> str:
    from ..stats.comparison import join_notes

    a, b = row["group_a"], row["group_b"]
    if not a or not means[b] > 0:
        return str(row["note"])
    return join_notes(str(row["note"]), f"ratio of means {means[a] / means[b]:.4g}")
