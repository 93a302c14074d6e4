"""How readers agree with one another and with the program: tables for the report and for people."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..imgproc.matching import LEAST_OVERLAP, match_objects
from .assay import Assay
from .classified import Classified
from .samples import Sample

PROGRAM = "program"
READING_COLUMNS = ["image", "reader", "status", "feature", "value"]
AGREEMENT_COLUMNS = [
    *("reader_a", "reader_b", "feature", "measure", "value", "ci_low", "ci_high", "n", "note")
]
_POOLED = "objects pooled over images; the interval takes them as independent"


@dataclass(frozen=True)
class ImageReading:
    """One image as one reader, or the program, has it.

    Attributes
    ----------
    sample : Sample
        The image's row of the sheet.
    reader : str
        Who; `PROGRAM` for the program.
    status : str
        Open, accepted or rejected; empty for the program.
    classified : Classified
        Objects with their classes, and features.
    objects : numpy.ndarray or None
        The label image of what is counted; None of a whole slide, whose cells nobody corrects.
    settles : bool
        Whether this reading settles the others' differences: it had seen them.
    """

    sample: Sample
    reader: str
    status: str
    classified: Classified
    objects: np.ndarray | None
    settles: bool = False


def reading_tables(
    name: str, assay: Assay, readings: Sequence[ImageReading]
) -> dict[str, pd.DataFrame]:
    """Give an assay's tables of readings and of their agreement; none where nobody reviewed.

    Parameters
    ----------
    name : str
        The assay's.
    assay : Assay
        Its features and classes.
    readings : sequence of ImageReading
        Of the program and of all readers. Rejected images are listed and not compared.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``<assay>_readings`` (a row a feature of an image and reader) and ``<assay>_agreement``
        (a row a statistic of two readers).
    """
    if not any(reading.reader != PROGRAM for reading in readings):
        return {}
    rows = [
        (r.sample.image, r.reader, r.status, feature, value)
        for r in readings
        for feature, value in r.classified.features.items()
        if feature in assay.features
    ]
    return {
        f"{name}_readings": pd.DataFrame(rows, columns=READING_COLUMNS),
        f"{name}_agreement": agreement_table(assay, readings),
    }


def agreement_table(assay: Assay, readings: Sequence[ImageReading]) -> pd.DataFrame:
    """Compare every reader with every other and with the program, on the images both have.

    Counts and levels: bias and limits of agreement of Bland and Altman (first minus second),
    Lin's concordance, ICC(2,1). Objects: how many were matched (overlap of a quarter or more of
    their union) and how many only one has. Classes of matched objects: Cohen's kappa.
    """
    kept = [r for r in readings if r.status != "rejected"]
    held: dict[str, dict[str, ImageReading]] = {}
    for reading in kept:
        held.setdefault(reading.reader, {})[reading.sample.image] = reading
    readers = sorted(held, key=lambda reader: (reader == PROGRAM, reader))
    rows: list[dict[str, Any]] = []
    for one, other in combinations(readers, 2):
        if other != PROGRAM and _has_seen_others(held[one], held[other]):
            continue
        images = [image for image in held[one] if image in held[other]]
        pairs = [(held[one][image], held[other][image]) for image in images]
        if pairs:
            found = [*_features(assay, pairs), *_objects(assay, pairs)]
            rows += [{"reader_a": one, "reader_b": other, **row} for row in found]
    table = pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)
    return table.astype({"value": float, "ci_low": float, "ci_high": float, "n": float})


def _has_seen_others(*readers: Mapping[str, ImageReading]) -> bool:
    """Whether one of them settled differences: its agreement with those it saw says nothing."""
    return any(reading.settles for held in readers for reading in held.values())


_MATCHES = ("matched", "only_first", "only_second")
_Pairs = Sequence[tuple[ImageReading, ImageReading]]


def _row(feature: str, estimate: Any) -> dict[str, Any]:
    return {
        "feature": feature,
        "measure": estimate.name,
        "value": estimate.value,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "n": estimate.n,
        "note": estimate.note or estimate.method,
    }


def _without(feature: str, statistic: str, n: int, reason: str) -> dict[str, Any]:
    """Give a row that says why there is no number: none is left out in silence."""
    missing = dict.fromkeys(("value", "ci_low", "ci_high"), math.nan)
    return {"feature": feature, "measure": statistic, **missing, "n": n, "note": reason}


def _features(assay: Assay, pairs: _Pairs) -> list[dict[str, Any]]:
    from ..stats.agreement import bland_altman, icc_2_1, lin_concordance

    rows = []
    for feature in assay.features:
        values = np.array(
            [[r.classified.features.get(feature, math.nan) for r in pair] for pair in pairs]
        )
        values = values[np.isfinite(values).all(axis=1)]
        first, second = values.T
        try:
            rows += [_row(feature, estimate) for estimate in bland_altman(first, second)]
        except ValueError as error:
            rows.append(_without(feature, "bias", len(values), str(error)))
        for statistic, function, data in (
            ("lin_concordance", lin_concordance, (first, second)),
            ("icc_2_1", icc_2_1, (values,)),
        ):
            try:
                rows.append(_row(feature, function(*data)))
            except ValueError as error:
                rows.append(_without(feature, statistic, len(values), str(error)))
    return rows


def _objects(assay: Assay, pairs: _Pairs) -> list[dict[str, Any]]:
    """Match the objects of two readers, and compare the classes of those that match."""
    matched, only_first, only_second = 0, 0, 0
    classes: list[tuple[int, int]] = []
    for one, other in pairs:
        if one.objects is None or other.objects is None:
            continue
        table = match_objects(one.objects, other.objects)
        both = table[(table["first"] > 0) & (table["second"] > 0)]
        matched += len(both)
        only_first += int((table["second"] == 0).sum())
        only_second += int((table["first"] == 0).sum())
        given = _classes(one.classified.objects), _classes(other.classified.objects)
        classes += [
            (given[0][a], given[1][b])
            for a, b in zip(both["first"], both["second"], strict=True)
            if a in given[0] and b in given[1]
        ]
    if all(one.objects is None or other.objects is None for one, other in pairs):
        reason = "cells of whole slides are not compared one by one"
        return [_without("objects", name, 0, reason) for name in _MATCHES]
    total = matched + only_first + only_second
    overlap = f"overlap of {LEAST_OVERLAP:.0%} of their union or more"
    notes = (overlap, "objects of the first reader alone", "objects of the second reader alone")
    counts = (matched, only_first, only_second)
    rows = [
        _count(name, count, total, note)
        for name, count, note in zip(_MATCHES, counts, notes, strict=True)
    ]
    return [*rows, *_kappa(assay, classes)]


def _count(statistic: str, value: int, total: int, note: str) -> dict[str, Any]:
    row = _without("objects", statistic, total, note)
    return {**row, "value": float(value)}


def _classes(objects: pd.DataFrame) -> dict[int, int]:
    column = next((name for name in ("class", "positive") if name in objects), None)
    if column is None:
        return {}
    return dict(zip(objects["object"].astype(int), objects[column].astype(int), strict=True))


def _kappa(assay: Assay, classes: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    from ..stats.agreement import cohen_kappa

    names = assay.correctable.classes if assay.correctable else ()
    if not names:
        return []
    rows = []
    for weights in (None, "linear") if len(names) > 2 else (None,):
        statistic = "cohen_kappa" if weights is None else f"cohen_kappa_{weights}"
        try:
            first, second = zip(*classes, strict=True) if classes else ((), ())
            found = cohen_kappa(first, second, categories=range(len(names)), weights=weights)
            rows.append({**_row("classes", found), "note": _POOLED})
        except ValueError as error:
            rows.append(_without("classes", statistic, len(classes), str(error)))
    return rows
