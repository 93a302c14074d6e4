"""What a study measured: the first table of the report, and one assay's rows of all tables."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .feature_words import feature_label
from .report_gallery import CONTROL, features_of, group_order
from .report_tables import Cell, Table
from .report_view import AssayView, StudyView
from .report_words import MISSING, format_number, method_label, object_noun

Tables = Mapping[str, pd.DataFrame]

_WITH_FEATURES = ("images", "animals", "groups", "comparisons")


def known_assays(study: StudyView, tables: Tables) -> list[AssayView]:
    """Give the study's assays, then those that stand in the tables alone."""
    found = dict.fromkeys([*tables["images"]["assay"], *tables["animals"]["assay"]])
    others = [AssayView(name, "") for name in found if name not in study.assays]
    return [*study.assays.values(), *others]


def of_assay(tables: Tables, assay: AssayView) -> dict[str, pd.DataFrame]:
    """Give the rows of one assay, with its features in the order in which they are shown."""
    rows = {name: np.flatnonzero(table["assay"] == assay.name) for name, table in tables.items()}
    own = {
        name: tables[name]["feature"].take(places)
        for name, places in rows.items()
        if name in _WITH_FEATURES
    }
    order = features_of(assay, *(own[name].to_frame() for name in _WITH_FEATURES))
    for name, features in own.items():
        places = [order.index(feature) for feature in features]
        rows[name] = rows[name][np.argsort(places, kind="stable")]
    return {name: table.take(rows[name]) for name, table in tables.items()}


def measured_table(study: StudyView, tables: Tables) -> Table:
    """Say what was measured: images or tables, animals by group and objects of each assay."""
    rows = []
    for assay in known_assays(study, tables):
        held = of_assay(tables, assay)
        features = features_of(assay, held["images"], held["animals"])
        images = held["images"].drop_duplicates("image")
        first = held["animals"][held["animals"]["feature"].isin(features[:1])]
        failed = held["problems"]["image"].ne("").sum()
        rows.append(
            (
                Cell(assay.name),
                Cell(method_label(assay)),
                Cell(feature_label(features[0]) if features else "nothing measured"),
                _source(assay, images),
                Cell(MISSING, math.nan)
                if assay.is_table
                else _count((images["role"] == CONTROL).sum()),
                _count(failed),
                Cell(_by_group(study, assay, first)),
                _objects(assay, held),
            )
        )
    headings = (
        *("Assay", "Measures", "Reported first", "Measured from", "Negative controls"),
        *("Failed", "n", "Objects"),
    )
    numeric = (False, False, False, True, True, True, False, True)
    return Table(
        "measured",
        "Images, tables, animals and objects of each assay",
        headings,
        numeric,
        tuple(rows),
    )


def _source(assay: AssayView, images: pd.DataFrame) -> Cell:
    """Say what an assay was measured from: how many images, or which table."""
    if not assay.is_table:
        count = int((images["role"] == "sample").sum())
        return Cell(f"{count} {'image' if count == 1 else 'images'}", float(count))
    files = ", ".join(assay.files)
    if assay.rows is None:
        return Cell(files, math.nan)
    return Cell(f"{files}: {assay.rows} rows", float(assay.rows))


def _objects(assay: AssayView, held: Tables) -> Cell:
    """Count the objects of the samples; loose images belong to no animal, but have counts."""
    if assay.is_table:
        return Cell(MISSING, math.nan)
    first = held["animals"].drop_duplicates("animal")
    images = held["images"]
    noun = object_noun(assay.method)
    counts = (images["feature"] == noun) & (images["role"] == "sample")
    if len(first) and not (assay.style.counts_images and counts.any()):
        number = float(first["n_objects"].sum())
    else:
        number = float(images.loc[counts, "value"].sum())
    return Cell(f"{format_number(number)} {noun}", number)


def _count(number: Any) -> Cell:
    return Cell(str(int(number)), float(number))


def _by_group(study: StudyView, assay: AssayView, animals: pd.DataFrame) -> str:
    counts = [
        f"{group}: {n}"
        for group in group_order(study, animals, assay)
        if (n := animals.loc[animals["group"] == group, "animal"].nunique()) or group
    ]
    total = f"{animals['animal'].nunique()} {assay.unit}"
    return f"{total} ({'; '.join(counts)})" if counts else total
