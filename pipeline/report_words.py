"""The words of the report: names of features and tests, numbers, flags, methods."""

import math

from .report_flags import flag_words
from .report_view import ANIMALS, AssayView, StudyView

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
    "umol_l": "µmol/L",
    "ug_l": "µg/L",
    "g_l": "g/L",
    "per_day": "per day",
    "days": "days",
    "years": "years",
}

_FEATURES = {
    "h_score": "H-score",
    "mean_od": "Mean DAB optical density (OD)",
    "allred": "Allred score",
    "ctcf": "Corrected total cell fluorescence (CTCF)",
    "positive_fraction_raw": "Positive fraction without background correction",
    "mean_intensity_raw": "Mean intensity without background correction",
    "mean_intensity_over_control": "Mean intensity above the negative controls",
    "integrated_density_per_nucleus": "Integrated density per nucleus",
    "integrated_density_per_nucleus_raw": "Integrated density per nucleus without background "
    "correction",
    "median_diameter_mm": "Median nodule diameter (mm)",
    "auc": "Area under the growth curve (mm³ · days)",
    "tibc_umol_l": "TIBC (µmol/L)",
    "bands": "Bands found",
    "burden": "Burden (nodule area ÷ lobe area)",
    "positive_fraction": "Positive fraction of cells",
    "positive_cell_fraction": "Positive fraction of cells",
    "positive_area_fraction": "Positive fraction of tissue area",
    "mean_intensity": "Mean intensity",
    "nuclear_cytoplasmic_ratio": "Nuclear/cytoplasmic ratio",
}

# Families of features by what they begin with; the rest is a day, a gene or a protein.
_FAMILIES = {
    "volume_mm3.day_": "Volume on day {} (mm³)",
    "fold_change.": "Fold change of {}",
    "relative_volume.": "Relative volume of {}",
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
    "integrated_density_per_nucleus": "Sum of the marker in a cell's scored compartment, above the "
    "background; mean over nuclei.",
    "ctcf": "Integrated density minus area × mean background.",
    "allred": "Proportion score (0 to 5) plus intensity score (0 to 3).",
    "membrane_completeness": "Positive arc of a cell's outline divided by the arc that could be "
    "assessed.",
    "nuclear_cytoplasmic_ratio": "Ratio of the marker's means, each above the background.",
    "volume_mm3.day_": "One tumour volume an animal on this day.",
    "growth_rate_per_day": "Slope of ln(volume) on days, fitted for each animal.",
    "doubling_time_days": "ln 2 divided by the growth rate; described, not tested.",
    "auc": "Area under an animal's curve over the days that all animals share.",
    "fold_change.": "Relative to the geometric mean of the reference group; tested on log2.",
    "relative_volume.": "Band volume divided by the loading control of its lane, relative to the "
    "reference group's mean on the same image.",
    "transferrin_saturation_percent": "100 × serum iron ÷ total iron-binding capacity.",
    "tibc_umol_l": "Total iron-binding capacity: given, or serum iron plus UIBC.",
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
    "iron": "iron status",
    "clinical": "an outcome of people, and what goes with it",
}

_OBJECTS = {"nodules": "nodules", "fluorescence": "cells", "dab": "cells", "blot": "bands"}

NEWMAN_KEULS_CAUTION = (
    "Newman-Keuls controls the family-wise error only weakly: when some groups truly differ, it "
    "declares differences between the others more often than the stated level. Tukey's HSD stands "
    "beside it; where the two disagree, the cautious reading is Tukey's."
)

NEWMAN_KEULS_REMINDER = (
    "Read Newman-Keuls beside Tukey: it controls the family-wise error only weakly."
)

_UNIT_STATEMENT = (
    "The experimental unit is the animal. Cells, nodules and fields of one animal are summarised "
    "into one value before any test; they are never counted as n."
)


def unit_statement(study: StudyView) -> str:
    """Say what n counts; in a table of people it is subjects, not animals."""
    others = [assay.name for assay in study.assays.values() if assay.unit != ANIMALS]
    if not others:
        return f"{_UNIT_STATEMENT} Every n in this report is a number of animals."
    return (
        f"{_UNIT_STATEMENT} In {listed(others)} the unit is the subject, a row of the table, and n "
        "counts subjects; every other n in this report is a number of animals."
    )


def feature_label(feature: str) -> str:
    """Write a feature's name for a reader, with its unit in brackets.

    Examples
    --------
    >>> feature_label("lobe_area_mm2")
    'Lobe area (mm²)'
    >>> feature_label("h_score")
    'H-score'
    >>> feature_label("volume_mm3.day_28")
    'Volume on day 28 (mm³)'
    """
    if feature in _FEATURES:
        return _FEATURES[feature]
    family, part = _family(feature)
    if part:
        return _FAMILIES[family].format(part)
    name, unit = feature, ""
    for suffix, written in _UNITS.items():
        if feature.endswith(f"_{suffix}"):
            name, unit = feature.removesuffix(f"_{suffix}"), f" ({written})"
            break
    words = name.replace("_", " ").strip() or feature
    return words[:1].upper() + words[1:] + unit


def _family(feature: str) -> tuple[str, str]:
    """Split a feature of a family into the family and its day, gene or protein."""
    for family in _FAMILIES:
        if feature.startswith(family) and feature != family:
            return family, feature.removeprefix(family)
    return feature, ""


def feature_unit(feature: str) -> str:
    """Give what stands behind a number of a feature: a space and the unit, or nothing."""
    quantity = feature.partition(".")[0]
    for suffix, written in _UNITS.items():
        if quantity.endswith(f"_{suffix}"):
            return f" {written}"
    return ""


def feature_meaning(feature: str) -> str:
    """Say how a feature is defined; empty for a feature without an entry."""
    return _MEANINGS.get(_family(feature)[0], "")


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
    meaning = flag_words(code)
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
    "blot": "lanes and bands were found, each band's volume was taken above its background, "
    "divided by the loading control of the same lane, and given relative to the reference group's "
    "mean on the same image; a pooled lane has n = 1 and is not tested",
    "growth": "tumour volumes of each day were compared between groups, with the first day from "
    "which they differ as tested day by day and as corrected by Holm's procedure for looking on "
    "all days; growth rates are slopes of ln(volume) on days of each animal, also fitted by a "
    "mixed model with an intercept and a slope of each animal",
    "qpcr": "Cq values of replicate wells were averaged, turned into quantities by each gene's "
    "amplification, normalised to the geometric mean of the reference genes and given relative to "
    "the reference group; fold changes were tested on log2, adjusted over genes by Benjamini and "
    "Hochberg's procedure; a pooled sample has n = 1 and is not tested",
    "iron": "values were converted to µmol/L and g/L; transferrin saturation is 100 × serum iron ÷ "
    "total iron-binding capacity; Spearman's correlations are over animals of all groups",
    "clinical": "predictors were compared between the two outcomes, and the outcome was regressed "
    "on them, together and one by one, by logistic regression with profile-likelihood intervals; "
    "subjects with a missing value are left out of what needs it, and counted",
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
    if any(assay.method == "qpcr" for assay in study.assays.values()):
        return (
            "P-values are not adjusted for the number of assays or features, except those of a "
            "qPCR, which are adjusted over its genes."
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
    sheets = [assay for assay in study.assays.values() if assay.is_table]
    what = "Images" if not sheets else "Images and tables"
    if sheets and len(sheets) == len(study.assays):
        what = "Tables"
    paragraphs = [f"{what} were analysed with {program}. " + unit_statement(study)]
    for assay in study.assays.values():
        sentence = _METHOD_SENTENCES.get(assay.method)
        if sentence:
            details = _method_details(assay)
            paragraphs.append(f"{assay.name} ({method_label(assay)}): {sentence}.{details}")
    if tests:
        names = listed([label_of_test(test) for test in tests])
        paragraphs.append(
            f"Groups ({listed(list(study.groups))}; reference {study.reference}) were compared at "
            f"α = {study.alpha:g} with: {names}. Effects of pairs are differences of group means, "
            f"first group minus second{_other_effects(study)}. {adjustment_sentence(study)} "
            "The feature reported first in each assay is the main result, the others describe it."
        )
        if "newman_keuls" in tests:
            paragraphs.append(NEWMAN_KEULS_CAUTION)
    return paragraphs


def _method_details(assay: AssayView) -> str:
    """Give what the assay's own notes add to its sentence."""
    notes = assay.calibration
    if assay.method == "growth" and notes.get("formula_text"):
        return f" Volume = {notes['formula_text']}."
    if assay.method == "qpcr" and notes.get("reference_genes"):
        return f" Reference genes: {listed(list(notes['reference_genes']))}."
    return ""


def _other_effects(study: StudyView) -> str:
    """Name the effects that are no difference of means."""
    methods = {assay.method for assay in study.assays.values()}
    others = []
    if "qpcr" in methods:
        others.append("of fold changes they are ratios of geometric means")
    if "clinical" in methods:
        others.append("of logistic regressions they are odds ratios")
    return "".join(f"; {words}" for words in others)
