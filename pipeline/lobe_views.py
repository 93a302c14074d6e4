"""Lobes photographed from both sides: one count a lobe, from one animal's photos."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from ..imgproc.views import ViewCount, combine_views
from .classified import Classified
from .samples import Sample

DORSAL, VENTRAL = "dorsal", "ventral"
_SIDES = {"dorsal": DORSAL, "d": DORSAL, "ventral": VENTRAL, "v": VENTRAL}

LOBE_TYPES = {
    "lobe": "object",
    "views": "object",
    "lobes": "int64",
    "nodules": "float64",
    "count_low": "int64",
    "count_high": "int64",
    "seen_twice": "float64",
    "area_mm2": "float64",
    "flag": "object",
}
"""Columns of the table of lobes, a row a lobe."""

PAIR_TYPES = {
    "lobe": "object",
    "dorsal_image": "object",
    "dorsal_object": "int64",
    "ventral_image": "object",
    "ventral_object": "int64",
    "distance": "float64",
    "size_ratio": "float64",
    "reliability": "float64",
}
"""Columns of the table of pairs, a row a nodule that both views show."""


@dataclass(frozen=True)
class LobeCounts:
    """One animal's lobes, each counted once whatever number of sides it was photographed from.

    Attributes
    ----------
    lobes : pandas.DataFrame
        Columns `LOBE_TYPES`: lobe (its name), views (such as ``dorsal+ventral``), lobes (1, or how
        many lobes without a name share the row), nodules, count_low, count_high, seen_twice
        (nodules that both views show), area_mm2 (mean of the views), flag.
    pairs : pandas.DataFrame
        Columns `PAIR_TYPES`: which objects were taken for one nodule.
    """

    lobes: pd.DataFrame
    pairs: pd.DataFrame


@dataclass(frozen=True)
class _View:
    """A lobe (or lobes without names) as one photo, or one side, shows it."""

    lobe: str
    side: str
    objects: pd.DataFrame
    region: pd.Series
    lobes: int = 1


def side_of(view: str) -> str:
    """The side that the sample sheet's ``view`` names: dorsal, ventral, or empty.

    Examples
    --------
    >>> side_of("Dorsal"), side_of("v"), side_of("")
    ('dorsal', 'ventral', '')
    """
    return _SIDES.get(view.strip().lower(), "")


def has_both_views(images: Iterable[tuple[Sample, Classified]]) -> bool:
    """Whether an animal's photos show both sides, so that its lobes need `count_lobes`."""
    return {DORSAL, VENTRAL} <= {side_of(sample.view) for sample, _ in images}


def count_lobes(images: Sequence[tuple[Sample, Classified]]) -> LobeCounts:
    """Count one animal's nodules lobe by lobe, those at the rim that both views show once.

    Photos belong together where the sample sheet gives them the same ``lobe`` and the views
    ``dorsal`` and ``ventral``. Lobes without a name are pooled, side by side, and matched by
    nodules' sizes alone; photos without a view are taken for further lobes.

    Parameters
    ----------
    images : sequence of (Sample, Classified)
        The photos of one animal in one assay, role ``sample``.

    Returns
    -------
    LobeCounts
        Lobes in the order of their first photo. Flags: ``one_view`` (only one side was
        photographed), ``repeated_view`` (several photos of one side; counts are averaged over
        them), ``lobes_not_named``, and those of `ViewCount`.
    """
    views = [view for sample, image in images for view in _views(sample, image)]
    named = [view for view in views if view.lobe or not view.side]
    nameless = [view for view in views if not view.lobe and view.side]
    pooled = [
        _pooled([view for view in nameless if view.side == side])
        for side in (DORSAL, VENTRAL)
        if any(view.side == side for view in nameless)
    ]
    rows: list[dict[str, object]] = []
    pairs: list[pd.DataFrame] = []
    for held in [*_grouped(named), *([pooled] if pooled else [])]:
        row, found = _counted(held)
        rows.append(row)
        pairs.append(found)
    return LobeCounts(_typed(rows, LOBE_TYPES), _typed(_records(pairs), PAIR_TYPES))


def lobe_features(lobes: pd.DataFrame) -> dict[str, float]:
    """Sum an animal's lobes up to its features.

    Parameters
    ----------
    lobes : pandas.DataFrame
        From `count_lobes`.

    Returns
    -------
    dict of str to float
        ``nodules_per_lobe`` (NaN without a lobe), ``nodules``, ``lobe_area_mm2`` (NaN without a
        scale), ``lobes``, ``count_low`` and ``count_high`` (of the animal).
    """
    count, number = float(lobes["nodules"].sum()), float(lobes["lobes"].sum())
    return {
        "nodules_per_lobe": count / number if number else float("nan"),
        "nodules": count,
        "lobe_area_mm2": float(lobes["area_mm2"].sum(skipna=False)) if number else float("nan"),
        "lobes": number,
        "count_low": float(lobes["count_low"].sum()),
        "count_high": float(lobes["count_high"].sum()),
    }


def _views(sample: Sample, image: Classified) -> list[_View]:
    """Every lobe of a photo, with its own nodules."""
    side = side_of(sample.view)
    objects = _complete(image.objects).assign(image=sample.image)
    return [
        _View(
            lobe=str(region["lobe"]) if sample.lobe else "",
            side=side,
            objects=objects[objects["lobe"] == region["lobe"]],
            region=region,
        )
        for _, region in image.regions.iterrows()
    ]


def _complete(objects: pd.DataFrame) -> pd.DataFrame:
    """Objects with a diameter and a rim flag each: those that a person added may lack them."""
    diameter = objects["diameter_px"].astype("float64")
    diameter = diameter.fillna(2 * np.sqrt(objects["area_px"].astype("float64") / np.pi))
    at_rim = objects["at_rim"].astype("boolean").fillna(False).astype(bool)
    return objects.assign(diameter_px=diameter.clip(lower=1.0).fillna(1.0), at_rim=at_rim)


def _pooled(views: list[_View]) -> _View:
    """The nameless lobes of one side as one; a lone one keeps its place and shape."""
    if len(views) == 1:
        return views[0]
    objects = pd.concat([view.objects for view in views], ignore_index=True)
    regions = pd.DataFrame([view.region for view in views])
    summed = ["area_px", "area_mm2", "nodules", "count_low", "count_high"]
    held = [name for name in summed if name in regions]
    region = regions[held].astype("float64").sum(skipna=False)
    return _View("", views[0].side, objects, region, len(views))


def _grouped(views: list[_View]) -> list[list[_View]]:
    """Views of one lobe together; without a side every photo is a lobe of its own."""
    groups: dict[tuple[str, int], list[_View]] = {}
    for place, view in enumerate(views):
        groups.setdefault((view.lobe, -1 if view.side else place), []).append(view)
    return list(groups.values())


def _counted(views: list[_View]) -> tuple[dict[str, object], pd.DataFrame]:
    """The row of one lobe, and its pairs."""
    dorsal = [view for view in views if view.side == DORSAL]
    ventral = [view for view in views if view.side == VENTRAL]
    flags: list[str] = []
    if max(view.lobes for view in views) > 1:
        flags.append("lobes_not_named")
    if len(dorsal) > 1 or len(ventral) > 1:
        flags.append("repeated_view")
    if dorsal and ventral:
        counts = [_combined(one, other) for one, other in product(dorsal, ventral)]
        pairs = _pairs(dorsal[0], ventral[0], counts[0])
    else:
        flags.extend(["one_view"] if views[0].side else [])
        counts = [_single(view) for view in views]
        pairs = _typed([], PAIR_TYPES)
    flags.extend(dict.fromkeys(flag for count in counts for flag in count.flags))
    row = {
        "lobe": views[0].lobe,
        "views": "+".join(dict.fromkeys(view.side for view in views if view.side)),
        "lobes": max(view.lobes for view in views),
        "nodules": float(np.mean([count.count for count in counts])),
        "count_low": min(count.count_low for count in counts),
        "count_high": max(count.count_high for count in counts),
        "seen_twice": float(np.mean([len(count.pairs) for count in counts])),
        "area_mm2": float(np.mean([float(view.region["area_mm2"]) for view in views])),
        "flag": ";".join(flags),
    }
    return row, pairs


def _combined(dorsal: _View, ventral: _View) -> ViewCount:
    return combine_views(
        dorsal.objects,
        ventral.objects,
        dorsal_region=dorsal.region,
        ventral_region=ventral.region,
    )


def _single(view: _View) -> ViewCount:
    """The count of a lobe seen from one side only."""
    count = len(view.objects)
    low, high = (int(view.region.get(name, count)) for name in ("count_low", "count_high"))
    none = pd.DataFrame({"dorsal": [], "ventral": []})
    return ViewCount(count, min(low, count), max(high, count), none)


def _pairs(dorsal: _View, ventral: _View, count: ViewCount) -> pd.DataFrame:
    """The pairs of one lobe with the photos that they are on."""
    if count.pairs.empty or max(dorsal.lobes, ventral.lobes) > 1:  # pooled: numbers repeat
        return _typed([], PAIR_TYPES)
    found = count.pairs.rename(columns={"dorsal": "dorsal_object", "ventral": "ventral_object"})
    images = {
        "lobe": dorsal.lobe,
        "dorsal_image": dorsal.objects["image"].iloc[0],
        "ventral_image": ventral.objects["image"].iloc[0],
    }
    return found.assign(**images)[list(PAIR_TYPES)]


def _records(tables: list[pd.DataFrame]) -> list[dict[str, object]]:
    return [record for table in tables for record in table.to_dict("records")]


def _typed(rows: list[dict[str, object]], types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(types)).astype(types)
