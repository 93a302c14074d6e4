"""The words of the report: names of tests and methods, numbers, flags."""

import math

from .report_flags import flag_words
from .report_view import AssayView

SMALLEST_P = 1e-4
"""Below this a p-value is written as a bound: its further digits say nothing to a reader."""

MISSING = "–"
"""Stands where there is no number."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

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
