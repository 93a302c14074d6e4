"""The parts of the report, worked out from the tables; the template only lays them out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from .overlays import LegendEntry, legend
from .report_claims import Claim, claims
from .report_figures import figure_svg
from .report_gallery import (
    CONTROL,
    Shown,
    features_of,
    galleries_of,
    group_order,
)
from .report_pictures import Picture
from .report_tables import Cell, Table, comparison_table, group_table, pair_table, wide_table
from .report_view import AssayView, StudyView
from .report_words import (
    feature_label,
    feature_meaning,
    feature_unit,
    format_number,
    method_label,
    object_noun,
)

Tables = Mapping[str, pd.DataFrame]

_WITH_FEATURES = ("images", "animals", "groups", "comparisons")
_LONGEST_LIST = 12  # of a parameter; a longer one is summed up by its length


@dataclass(frozen=True)
class Feature:
    """One feature of an assay: its figure, its claims, its pairs of groups.

    Attributes
    ----------
    again : markupsafe.Markup or None
        The figure once more, with other ids, for a second place in the page.
    """

    label: str
    meaning: str
    figure: Markup | None
    again: Markup | None
    claims: list[Claim]
    pairs: Table | None


@dataclass(frozen=True)
class AssaySection:
    """One assay's part of the report; `further` are features that the assay doesn't name."""

    key: str
    name: str
    subtitle: str
    notes: tuple[str, ...]
    features: list[Feature]
    further: list[Feature]
    tables: list[Table]
    galleries: list[tuple[str, list[Shown]]]
    control_summary: Table | None
    legend: tuple[LegendEntry, ...]
    is_fluorescence: bool
    settings: list[tuple[str, list[tuple[str, str]]]]


def known_assays(study: StudyView, tables: Tables) -> list[AssayView]:
    """Give the study's assays, then those that stand in the tables alone."""
    found = dict.fromkeys([*tables["images"]["assay"], *tables["animals"]["assay"]])
    others = [AssayView(name, "") for name in found if name not in study.assays]
    return [*study.assays.values(), *others]


def of_assay(tables: Tables, assay: AssayView) -> dict[str, pd.DataFrame]:
    """Give the rows of one assay, with its features in the order in which they are shown."""
    held = {name: table[table["assay"] == assay.name] for name, table in tables.items()}
    order = features_of(assay, *(held[name] for name in _WITH_FEATURES))
    for name in _WITH_FEATURES:
        places = [order.index(feature) for feature in held[name]["feature"]]
        held[name] = held[name].iloc[np.argsort(places, kind="stable")]
    return held


def measured_table(study: StudyView, tables: Tables) -> Table:
    """Say what was measured: images, animals by group and objects of each assay."""
    rows = []
    for assay in known_assays(study, tables):
        held = of_assay(tables, assay)
        features = features_of(assay, held["images"], held["animals"])
        images = held["images"].drop_duplicates("image")
        first = held["animals"][held["animals"]["feature"].isin(features[:1])]
        objects = _objects(assay, held)
        failed = held["problems"]["image"].ne("").sum()
        controls = (images["role"] == CONTROL).sum()
        rows.append(
            (
                Cell(assay.name),
                Cell(method_label(assay)),
                Cell(feature_label(features[0]) if features else "nothing measured"),
                _count((images["role"] == "sample").sum()),
                _count(controls),
                _count(failed),
                Cell(_by_group(study, first), float(first["animal"].nunique())),
                Cell(f"{format_number(objects)} {object_noun(assay.method)}", objects),
            )
        )
    headings = (
        *("Assay", "Measures", "Reported first", "Images", "Negative controls"),
        *("Images failed", "Animals", "Objects"),
    )
    numeric = (False, False, False, True, True, True, True, True)
    return Table(
        "measured", "Images, animals and objects of each assay", headings, numeric, tuple(rows)
    )


def _objects(assay: AssayView, held: Tables) -> float:
    """Count the objects of the samples; loose images belong to no animal, but have counts."""
    first = held["animals"].drop_duplicates("animal")
    if len(first):
        return float(first["n_objects"].sum())
    images = held["images"]
    counts = (images["feature"] == object_noun(assay.method)) & (images["role"] == "sample")
    return float(images.loc[counts, "value"].sum())


def _count(number: Any) -> Cell:
    return Cell(str(int(number)), float(number))


def _by_group(study: StudyView, animals: pd.DataFrame) -> str:
    counts = [
        f"{group}: {n}"
        for group in group_order(study, animals)
        if (n := animals.loc[animals["group"] == group, "animal"].nunique()) or group
    ]
    total = animals["animal"].nunique()
    return f"{total} ({'; '.join(counts)})" if counts else str(total)


def assay_section(
    study: StudyView,
    assay: AssayView,
    tables: Tables,
    *,
    key: str,
    pictures: Mapping[str, Picture],
    numbers: Mapping[tuple[str, str], int],
) -> AssaySection:
    """Work out one assay's part.

    Parameters
    ----------
    study : StudyView
        The study.
    assay : AssayView
        The assay.
    tables : mapping of str to pandas.DataFrame
        All tables of the results folder.
    key : str
        Names the part in the page; letters, digits and dashes.
    pictures : mapping of str to Picture
        By overlay.
    numbers : mapping of (str, str) to int
        A number in the page for each assay and image.
    """
    held = of_assay(tables, assay)
    names = features_of(assay, held["animals"])
    features = [
        _feature(study, assay, held, name, key=f"{key}-f{i}") for i, name in enumerate(names)
    ]
    named = sum(name in assay.features for name in names) or len(names)
    shown = galleries_of(study, assay, held["images"], pictures=pictures, numbers=numbers)
    return AssaySection(
        key=key,
        name=assay.name,
        subtitle=method_label(assay),
        notes=assay.notes,
        features=features[:named],
        further=features[named:],
        tables=_tables(study, held, key),
        galleries=shown,
        control_summary=_control_summary(held["images"], key),
        legend=legend(assay.method),
        is_fluorescence=assay.method == "fluorescence",
        settings=[
            ("Parameters", flattened(assay.parameters)),
            ("Calibration and thresholds", flattened(assay.calibration)),
        ],
    )


def _feature(
    study: StudyView, assay: AssayView, held: Tables, feature: str, *, key: str
) -> Feature:
    animals, groups, comparisons = (
        held[name][held[name]["feature"] == feature]
        for name in ("animals", "groups", "comparisons")
    )
    label = feature_label(feature)
    order = [group for group in group_order(study, animals) if (animals["group"] == group).any()]
    figure = figure_svg(
        animals[["animal", "group", "value"]],
        comparisons,
        groups=order,
        title=f"{assay.marker}: {label}" if assay.marker else label,
        value_label=label,
        alpha=study.alpha,
        name=key,
    )
    said = claims(
        comparisons,
        groups,
        reference=study.reference,
        alpha=study.alpha,
        unit=feature_unit(feature),
    )
    pairs = pair_table(key, comparisons, study.alpha)
    again = None if figure is None else Markup(figure.replace(f"{key}-", f"m{key}-"))
    return Feature(label, feature_meaning(feature), figure, again, said, pairs)


def _tables(study: StudyView, held: Tables, key: str) -> list[Table]:
    """Give the tables of an assay that hold anything."""
    order = group_order(study, held["animals"])
    places = [order.index(group) for group in held["animals"]["group"]]
    animals = held["animals"].iloc[np.argsort(places, kind="stable")]
    keys = {"animal": "Animal", "group": "Group", "n_images": "Images", "n_objects": "Objects"}
    images = held["images"]
    image_keys = {"image": "Image", "animal": "Animal", "group": "Group", "role": "Role"}
    found = [
        group_table(key, held["groups"], study.alpha),
        comparison_table(key, held["comparisons"], study.alpha),
        _animal_table(key, animals, keys),
        wide_table(f"{key}-images", "Images", images, keys={**image_keys, "flag": "Flags"}),
    ]
    return [table for table in found if table.rows]


def _animal_table(key: str, animals: pd.DataFrame, keys: Mapping[str, str]) -> Table:
    """Lay out animals: one row each, although features can rest on different numbers of images."""
    most = animals.groupby(["animal", "group"])[["n_images", "n_objects"]].transform("max")
    return wide_table(f"{key}-animals", "Animals", animals.assign(**most), keys=keys)


def _control_summary(images: pd.DataFrame, key: str) -> Table | None:
    """Set the negative controls' features beside those of the samples."""
    if not (images["role"] == CONTROL).any():
        return None
    numeric = (False, False, True, True, True, True)
    headings = ("Feature", "Images of", "Images", "Mean", "Lowest", "Highest")
    rows = []
    words = {CONTROL: "negative controls", "sample": "samples"}
    for feature in dict.fromkeys(images["feature"]):
        for role, label in words.items():
            held = images[(images["feature"] == feature) & (images["role"] == role)]["value"]
            if not held.notna().any():
                continue
            numbers = (float(held.mean()), float(held.min()), float(held.max()))
            cells = [Cell(format_number(number), number) for number in numbers]
            rows.append((Cell(feature_label(feature)), Cell(label), _count(held.count()), *cells))
    caption = "Negative controls beside samples, image by image (not a test)"
    return Table(f"{key}-controls", caption, headings, numeric, tuple(rows))


def flattened(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Give settings as names and texts, nested ones with a dot between.

    Examples
    --------
    >>> flattened({"threshold": {"value": 12.5}, "channels": ["DAPI", "Snai1"]})
    [('threshold.value', '12.5'), ('channels', 'DAPI, Snai1')]
    """
    found: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += flattened(value, f"{name}.")
        else:
            found.append((name, _written(value)))
    return found


def _written(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = list(value)
        if len(items) > _LONGEST_LIST:
            return f"{len(items)} values, in run.json"
        return ", ".join(_written(item) for item in items) or "none"
    return str(value)
