"""The words of the report: names of features and tests, numbers, flags, methods."""

import math

from .report_view import AssayView, StudyView

SMALLEST_P = 1e-4
"""Below this a p-value is written as a bound: its further digits say nothing to a reader."""

MISSING = "–"
"""Stands where there is no number."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_UNITS = {
    "mm2": "mm²",
    "mm3": "mm³",
    "um2": "µm²",
    "um": "µm",
    "mm": "mm",
    "px": "px",
    "od": "OD",
    "percent": "%",
    "g_l": "g/l",
    "per_day": "per day",
}

_FEATURES = {
    "h_score": "H-score",
    "mean_od": "Mean DAB optical density (OD)",
    "allred": "Allred score",
    "ctcf": "Corrected total cell fluorescence (CTCF)",
    "positive_fraction_raw": "Positive fraction without background correction",
    "mean_intensity_raw": "Mean intensity without background correction",
    "mean_intensity_over_control": "Mean intensity above the negative controls",
    "median_diameter_mm": "Median nodule diameter (mm)",
    "auc": "Area under the curve",
    "burden": "Burden (nodule area ÷ lobe area)",
    "positive_fraction": "Positive fraction of cells",
    "positive_cell_fraction": "Positive fraction of cells",
    "positive_area_fraction": "Positive fraction of tissue area",
    "mean_intensity": "Mean intensity",
    "nuclear_cytoplasmic_ratio": "Nuclear/cytoplasmic ratio",
}

_MEANINGS = {
    "nodules_per_lobe": "Nodules divided by lobes.",
    "nodules": "Nodules counted on all photographs of an animal.",
    "burden": "Area of nodules divided by the area of the lobes.",
    "positive_fraction": "Cells above the threshold divided by all cells.",
    "positive_cell_fraction": "Cells of class 1+ and above divided by all cells.",
    "positive_area_fraction": "Tissue area with DAB above the threshold divided by tissue area.",
    "h_score": "100 × (n₁ + 2 n₂ + 3 n₃) ÷ N, from 0 to 300; n₁ to n₃ are the cells of each class.",
    "mean_od": "Descriptive: DAB is not stoichiometric, and its density is no concentration.",
    "mean_intensity": "Mean over cells of the marker above the background.",
    "mean_intensity_over_control": "Mean intensity minus that of the negative controls.",
    "ctcf": "Integrated density minus area × mean background.",
    "allred": "Proportion score (0 to 5) plus intensity score (0 to 3).",
    "membrane_completeness": "Positive arc of a cell's outline divided by the arc that could be "
    "assessed.",
    "nuclear_cytoplasmic_ratio": "Ratio of the marker's means, each above the background.",
}

_TESTS = {
    "student_t": "Student's t",
    "welch_t": "Welch's t",
    "paired_t": "Paired t",
    "wilcoxon": "Wilcoxon",
    "anova": "One-way ANOVA",
    "welch_anova": "Welch's ANOVA",
    "newman_keuls": "Newman-Keuls",
    "tukey_hsd": "Tukey's HSD",
    "dunnett": "Dunnett",
    "kruskal": "Kruskal-Wallis",
    "dunn": "Dunn",
    "permutation": "Permutation",
    "equivalence": "Equivalence (TOST)",
    "mixed_model": "Mixed model",
    "negative_binomial": "Negative binomial",
    "logistic": "Logistic regression",
}

_METHODS = {
    "nodules": "surface nodules on photographs of lungs",
    "fluorescence": "immunofluorescence",
    "dab": "DAB immunohistochemistry",
    "blot": "immunoblot",
    "growth": "tumour growth",
    "qpcr": "relative expression by qPCR",
    "iron": "serum iron",
    "clinical": "clinical values",
}

_OBJECTS = {"nodules": "nodules", "fluorescence": "cells", "dab": "cells", "blot": "bands"}

_FLAGS = {
    "no_scale": "The pixel size is unknown: lengths and areas are missing.",
    "no_control": "There is no negative control to take the positive threshold from.",
    "control_above_cutoff": "The negative controls reach the first cut-off: brown near it is no "
    "evidence of the marker.",
    "no_cells": "No cell was found; this counts as a measurement of zero.",
    "no_lobe": "No lobe was found in the photograph.",
    "confluent": "Nodules run into one another: their count is a guess.",
    "heavy_glare": "Glare covers much of the tissue; nodules under it can't be seen.",
    "no_white": "No white was found in the image to take the optical density from.",
    "uneven_light": "The light is uneven; it was evened out by the image's own glass.",
    "blank_differs": "The blank field doesn't fit the image: the image's glass is brighter.",
    "other_stain": "There is a colour that is neither hematoxylin nor DAB.",
    "pigment": "There is pigment, which looks like DAB.",
    "ink": "There is ink on the tissue.",
    "folds": "The tissue is folded.",
    "saturated": "Pixels at the upper limit of the camera: the brightest values are cut off.",
    "out_of_focus": "The image looks out of focus.",
    "same_bytes_as": "The same file, byte for byte, as another image of the assay.",
}

NEWMAN_KEULS_CAUTION = (
    "Newman-Keuls controls the family-wise error only weakly: when some groups truly differ, it "
    "declares differences between the others more often than the stated level. Tukey's HSD stands "
    "beside it; where the two disagree, the cautious reading is Tukey's."
)

NEWMAN_KEULS_REMINDER = (
    "Read Newman-Keuls beside Tukey: it controls the family-wise error only weakly."
)

UNIT_STATEMENT = (
    "The experimental unit is the animal. Cells, nodules and fields of one animal are summarised "
    "into one value before any test; they are never counted as n. Every n in this report is a "
    "number of animals."
)


def feature_label(feature: str) -> str:
    """Write a feature's name for a reader, with its unit in brackets.

    Examples
    --------
    >>> feature_label("lobe_area_mm2")
    'Lobe area (mm²)'
    >>> feature_label("h_score")
    'H-score'
    """
    if feature in _FEATURES:
        return _FEATURES[feature]
    name, unit = feature, ""
    for suffix, written in _UNITS.items():
        if feature.endswith(f"_{suffix}"):
            name, unit = feature.removesuffix(f"_{suffix}"), f" ({written})"
            break
    words = name.replace("_", " ").strip() or feature
    return words[:1].upper() + words[1:] + unit


def feature_unit(feature: str) -> str:
    """Give what stands behind a number of a feature: a space and the unit, or nothing."""
    for suffix, written in _UNITS.items():
        if feature.endswith(f"_{suffix}"):
            return f" {written}"
    return ""


def feature_meaning(feature: str) -> str:
    """Say how a feature is defined; empty for a feature without an entry."""
    return _MEANINGS.get(feature, "")


def label_of_test(test: str) -> str:
    """Write a test's name for a reader."""
    return _TESTS.get(test, test.replace("_", " "))


def flag_meaning(flag: str) -> str:
    """Say what a flag means; a flag without an entry speaks through its own words.

    Examples
    --------
    >>> flag_meaning("torn_section")
    'Torn section.'
    """
    code, _, detail = flag.partition(":")
    words = code.replace("_", " ")
    meaning = _FLAGS.get(code, words[:1].upper() + words[1:] + ".")
    return f"{meaning.rstrip('.')}: {detail}" if detail else meaning


def method_label(assay: AssayView) -> str:
    """Say what an assay measures, on which marker and in which compartment."""
    words = _METHODS.get(assay.method, assay.method.replace("_", " "))
    if assay.marker:
        words = f"{assay.marker} by {words}"
    if assay.compartment:
        words += f", read in the {assay.compartment}"
    return words


def object_noun(method: str) -> str:
    """Name what a method counts."""
    return _OBJECTS.get(method, "objects")


def format_number(value: float) -> str:
    """Write a number with four significant digits, whole numbers whole.

    Examples
    --------
    >>> format_number(12.0), format_number(0.123456), format_number(1234567.0)
    ('12', '0.1235', '1,234,567')
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) or abs(value) >= 10_000:
        text = f"{value:,.0f}"
    elif abs(value) < 1e-4:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        text = f"{mantissa} × 10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    else:
        text = f"{value:#.4g}".rstrip(".")
    return text.replace("-", "−")


def format_p(p: float) -> str:
    """Write a p-value with three significant digits, never as zero.

    Examples
    --------
    >>> format_p(0.012345), format_p(3e-9), format_p(0.00045)
    ('0.0123', '< 0.0001', '0.000450')
    """
    if math.isnan(p):
        return MISSING
    return f"< {SMALLEST_P:.4f}" if p < SMALLEST_P else f"{p:#.3g}"


def p_clause(p: float) -> str:
    """Write a p-value for a sentence: p = 0.0123, p < 0.0001, no p-value."""
    if math.isnan(p):
        return "no p-value"
    return f"p {format_p(p)}" if p < SMALLEST_P else f"p = {format_p(p)}"


def level_label(alpha: float) -> str:
    """Name the interval that goes with a level of significance.

    Examples
    --------
    >>> level_label(0.05)
    '95 % CI'
    """
    return f"{100 * (1 - alpha):.4g} % CI"


def listed(items: list[str]) -> str:
    """Join words with commas and a final "and"."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


_METHOD_SENTENCES = {
    "nodules": "lobes were separated from the background of each photograph, and pale nodules were "
    "outlined on them",
    "fluorescence": "nuclei were segmented, cells were grown around them, and the marker's "
    "intensity was read per compartment above the local background",
    "dab": "colours were converted to optical density and separated into hematoxylin and DAB, "
    "nuclei were segmented, cells were grown around them, and each cell was classed by its mean "
    "DAB optical density",
}


_ADJUSTMENTS = {
    "holm": "by Holm's procedure",
    "benjamini_hochberg": "by Benjamini and Hochberg's procedure",
}


def adjustment_sentence(study: StudyView) -> str:
    """Say how p-values are adjusted over the features of an assay."""
    if study.adjust in _ADJUSTMENTS:
        return (
            f"P-values are adjusted {_ADJUSTMENTS[study.adjust]} over the features of an assay, "
            "one test of one pair of groups being a family; they are not adjusted over assays."
        )
    return "P-values are not adjusted for the number of assays or features."


def methods_paragraph(study: StudyView, tests: list[str], version: str) -> list[str]:
    """Describe the analysis in sentences that a methods section can take over.

    Parameters
    ----------
    study : StudyView
        The study.
    tests : list of str
        Names of the tests in ``comparisons.csv``.
    version : str
        Of the program; may be empty.

    Returns
    -------
    list of str
        Paragraphs.
    """
    program = f"xenoquant {version}".strip()
    paragraphs = [f"Images were analysed with {program}. " + UNIT_STATEMENT]
    for assay in study.assays.values():
        sentence = _METHOD_SENTENCES.get(assay.method)
        if sentence:
            what = method_label(assay)
            paragraphs.append(f"{assay.name} ({what}): {sentence}.")
    if tests:
        names = listed([label_of_test(test) for test in tests])
        paragraphs.append(
            f"Groups ({listed(list(study.groups))}; reference {study.reference}) were compared at "
            f"α = {study.alpha:g} with: {names}. Effects of pairs are differences of group means, "
            f"first group minus second. {adjustment_sentence(study)} The feature reported first in "
            "each assay is the main result, the others describe it."
        )
        if "newman_keuls" in tests:
            paragraphs.append(NEWMAN_KEULS_CAUTION)
    return paragraphs
