"""The part of each assay in the report, worked out from the tables; the template lays it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from .feature_words import feature_label, feature_meaning, feature_unit
from .overlays import LegendEntry, legend
from .report_claims import Claim, as_ratios, claims
from .report_clinical import LOGISTIC
from .report_exhibits import Evidence, Exhibits, exhibits_of
from .report_extra import Extra
from .report_figures import figure_svg, fold_svg
from .report_gallery import (
    CONTROL,
    Shown,
    features_of,
    galleries_of,
    group_order,
)
from .report_iron import SATURATION, saturation_mark
from .report_measured import Tables, of_assay
from .report_methods import NEWMAN_KEULS_REMINDER
from .report_pictures import Picture
from .report_tables import Cell, Table, comparison_table, group_table, pair_table, wide_table
from .report_view import SUBJECTS, AssayView, StudyView
from .report_words import format_number, method_label

_LONGEST_LIST = 12  # of a parameter; a longer one is summed up by its length
_RANKS = "wilcoxon"
_FURTHER_LINES = 12  # of further features on the first page
_BEGINNINGS = frozenset(("A", "Different", "Higher", "Lower", "No", "The"))
# notes of a table that its exhibits show, or that are too long for a table of settings
_SHOWN_ELSEWHERE = frozenset(
    (
        *("onset", "time_to_size", "miqe", "miqe_not_in_the_table", "genorm", "policy", "wells"),
        *("plates", "pooled", "undetermined_samples", "doubtful"),
    )
)


@dataclass(frozen=True)
class Feature:
    """One feature of an assay: its figure, its claims, its pairs of groups.

    Attributes
    ----------
    key : str
        What the figure's ids begin with.
    """

    name: str
    label: str
    meaning: str
    key: str
    figure: Markup | None
    claims: list[Claim]
    pairs: Table | None

    @property
    def again(self) -> Markup | None:
        """The figure once more, with other ids, for a second place in the page."""
        if self.figure is None:
            return None
        return Markup(self.figure.replace(f"{self.key}-", f"m{self.key}-"))


@dataclass(frozen=True)
class AssaySection:
    """One assay's part of the report; `further` are features that the assay doesn't name.

    Attributes
    ----------
    reminder : str
        To read one test beside another; empty where it was not run.
    statement : str
        That the assay was measured on rendered images, or its table simulated; empty otherwise.
    lead_claims : list of Claim
        Lines on the first page.
    """

    key: str
    name: str
    subtitle: str
    statement: str
    reminder: str
    exhibits: Exhibits
    lead_claims: list[Claim]
    notes: tuple[str, ...]
    features: list[Feature]
    further: list[Feature]
    tables: list[Table]
    galleries: list[tuple[str, list[Shown]]]
    control_summary: Table | None
    legend: tuple[LegendEntry, ...]
    stretched: bool
    settings: list[tuple[str, list[tuple[str, str]]]]


def assay_section(
    study: StudyView,
    assay: AssayView,
    tables: Tables,
    *,
    key: str,
    pictures: Mapping[str, Picture],
    numbers: Mapping[tuple[str, str], int],
    extra: Extra | None = None,
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
    extra : mapping of str to pandas.DataFrame, optional
        The assay's further tables, as `read_extra` gives them.

    Returns
    -------
    AssaySection
        What the template lays out.
    """
    held = of_assay(tables, assay)
    names = features_of(assay, held["animals"])
    features = [
        _feature(study, assay, held, name, key=f"{key}-f{i}") for i, name in enumerate(names)
    ]
    named = sum(name in assay.features for name in names) or len(names)
    groups = group_order(study, held["animals"], assay)
    evidence = Evidence(
        study, assay, key, groups, held["comparisons"], held["animals"], extra or {}
    )
    exhibits = exhibits_of(evidence)
    shown = galleries_of(study, assay, held["images"], pictures=pictures, numbers=numbers)
    return AssaySection(
        key=key,
        name=assay.name,
        subtitle=method_label(assay),
        statement=_statement(study, assay),
        reminder=_reminder(held["comparisons"]),
        exhibits=exhibits,
        lead_claims=_lead_claims(study, assay, features[:named], exhibits),
        notes=(*assay.notes, *exhibits.notes),
        features=features[:named],
        further=features[named:],
        tables=[*_tables(study, assay, held, key), *exhibits.folded],
        galleries=shown,
        control_summary=_control_summary(held["images"], key),
        legend=legend(assay.method),
        stretched=assay.style.stretched,
        settings=_settings(assay),
    )


def _statement(study: StudyView, assay: AssayView) -> str:
    if not study.rendered:
        return ""
    return "Simulated table." if assay.is_table else "Measured on rendered images."


def _reminder(comparisons: pd.DataFrame) -> str:
    return NEWMAN_KEULS_REMINDER if (comparisons["test"] == "newman_keuls").any() else ""


def _settings(assay: AssayView) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give an assay's options, and its thresholds or a table's notes."""
    held = {key: value for key, value in assay.calibration.items() if key not in _SHOWN_ELSEWHERE}
    title = "Notes" if assay.is_table else "Calibration and thresholds"
    return [("Parameters", flattened(assay.parameters)), (title, flattened(held))]


def _lead_claims(
    study: StudyView, assay: AssayView, features: list[Feature], exhibits: Exhibits
) -> list[Claim]:
    """Give an assay's lines on the first page: its first feature's, and what stands beside it."""
    lines = list(features[0].claims) if features else []
    further: list[Claim] = []
    leading = assay.style.lead_features
    chosen = [each for each in features[1:] if leading is None or each.name in leading]
    for feature in chosen:
        further += [
            Claim(claim.kind, f"{feature.label}: {_continued(claim.text)}", claim.evidence)
            for claim in feature.claims
            if claim.kind == "overall" or _of_reference(study, assay, claim)
        ]
    return [*lines, *exhibits.claims, *further[:_FURTHER_LINES]]


def _continued(text: str) -> str:
    """Let a sentence go on behind a colon, unless it begins with the name of a group."""
    first = text.partition(" ")[0]
    return text[:1].lower() + text[1:] if first in _BEGINNINGS else text


def _of_reference(study: StudyView, assay: AssayView, claim: Claim) -> bool:
    """Whether a pair holds the reference; outcomes have none, and their one pair is shown."""
    return bool(assay.groups) or study.reference in claim.groups


def _feature(
    study: StudyView, assay: AssayView, held: Tables, feature: str, *, key: str
) -> Feature:
    animals, groups, comparisons = (
        held[name][held[name]["feature"] == feature]
        for name in ("animals", "groups", "comparisons")
    )
    ratios = assay.style.ratios
    comparisons = comparisons[comparisons["test"] != LOGISTIC]
    if ratios:
        comparisons, groups = as_ratios(comparisons), _geometric(animals, groups)
    label = feature_label(feature)
    figure = _figure(study, assay, animals, comparisons, feature, key)
    said = claims(
        comparisons,
        groups,
        reference=assay.groups[-1] if assay.groups else study.reference,
        alpha=study.alpha,
        unit=feature_unit(feature),
        ratios=ratios,
    )
    pairs = pair_table(key, comparisons, study.alpha, ratios=ratios)
    return Feature(feature, label, feature_meaning(feature), key, figure, said, pairs)


def _figure(
    study: StudyView,
    assay: AssayView,
    animals: pd.DataFrame,
    comparisons: pd.DataFrame,
    feature: str,
    key: str,
) -> Markup | None:
    """Draw a feature as its method wants it."""
    order = group_order(study, animals, assay)
    present = [group for group in order if (animals["group"] == group).any()]
    label = feature_label(feature)
    title = f"{assay.marker}: {label}" if assay.marker else label
    values = animals[["animal", "group", "value"]]
    if assay.style.ratios:
        return fold_svg(
            values,
            comparisons,
            groups=present,
            title=title,
            value_label=label,
            alpha=study.alpha,
            name=key,
            unit=_points(assay),
        )
    centre = assay.style.centre
    if centre == "box" and (comparisons["test"] == _RANKS).any():
        comparisons = comparisons[comparisons["test"] == _RANKS]  # what goes with a box
    return figure_svg(
        values,
        comparisons,
        groups=present,
        title=title,
        value_label=label,
        alpha=study.alpha,
        name=key,
        unit=_points(assay),
        mark=saturation_mark(assay) if feature == SATURATION else None,
        centre=centre,
    )


def _points(assay: AssayView) -> str:
    """Say what a point is; a pool of animals is one point and no animal."""
    pooled = assay.calibration.get("pooled") or assay.calibration.get("pooled_animals")
    return f"{assay.unit}, a pool being one" if pooled else assay.unit


def _geometric(animals: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Give groups with geometric means in place of plain ones."""
    known = animals[animals["value"] > 0]
    logs = np.log(known["value"]).groupby(known["group"]).mean()
    means = [float(np.exp(logs[group])) if group in logs else np.nan for group in groups["group"]]
    return groups.assign(mean=means)


def _tables(study: StudyView, assay: AssayView, held: Tables, key: str) -> list[Table]:
    """Give the tables of an assay that hold anything."""
    order = group_order(study, held["animals"], assay)
    places = [order.index(group) for group in held["animals"]["group"]]
    animals = held["animals"].iloc[np.argsort(places, kind="stable")]
    keys = {"animal": "Animal", "group": "Group", "n_images": "Images", "n_objects": "Objects"}
    if assay.unit == SUBJECTS:
        keys = {"animal": "Subject", "group": "Outcome"}
    elif assay.is_table:
        keys = {"animal": "Animal", "group": "Group", "n_objects": "Rows used"}
    images = held["images"]
    image_keys = {"image": "Image", "animal": "Animal", "group": "Group", "role": "Role"}
    ratios = assay.style.ratios
    found = [
        group_table(key, held["groups"], study.alpha, unit=assay.unit, plain=ratios),
        comparison_table(key, held["comparisons"], study.alpha, ratios=ratios),
        _animal_table(key, animals, keys, assay.unit),
        wide_table(f"{key}-images", "Images", images, keys={**image_keys, "flag": "Flags"}),
    ]
    return [table for table in found if table.rows]


def _animal_table(key: str, animals: pd.DataFrame, keys: Mapping[str, str], unit: str) -> Table:
    """Lay out animals: one row each, although features can rest on different numbers of images."""
    most = animals.groupby(["animal", "group"])[["n_images", "n_objects"]].transform("max")
    return wide_table(f"{key}-animals", unit.capitalize(), animals.assign(**most), keys=keys)


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
            held = images["value"][(images["feature"] == feature) & (images["role"] == role)]
            if not held.notna().any():
                continue
            numbers = (float(held.mean()), float(held.min()), float(held.max()))
            cells = [Cell(format_number(number), number) for number in numbers]
            rows.append(
                (
                    Cell(feature_label(feature)),
                    Cell(label),
                    Cell(str(held.count()), float(held.count())),
                    *cells,
                )
            )
    caption = "Negative controls beside samples, image by image (not a test)"
    return Table(f"{key}-controls", caption, headings, numeric, tuple(rows))


def flattened(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Give settings as names and texts, nested ones with a dot between.

    Examples
    --------
    >>> flattened({"threshold": {"value": 12.5}, "channels": ["DAPI", "Snai1"]})
    [('threshold.value', '12.5'), ('channels', 'DAPI, Snai1')]
    >>> flattened({"control_settings": [{"gain": 3}]})
    [('control_settings', 'gain 3')]
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
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_written(item)}" for name, item in value.items()) or "none"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = list(value)
        rows = [item for item in items if isinstance(item, Mapping)]
        if len(items) > _LONGEST_LIST or sum(map(len, rows)) > _LONGEST_LIST:
            return f"{len(items)} values, in run.json"
        return ", ".join(_written(item) for item in items) or "none"
    return str(value)
