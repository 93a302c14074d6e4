"""The report's words for numbers, features and flags."""

import math

import pytest

from xenoquant.pipeline.feature_words import feature_label, feature_unit
from xenoquant.pipeline.report_words import flag_meaning, format_number, format_p, p_clause


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0412, "0.0412"),
        (0.00045, "0.000450"),
        (0.0001, "0.000100"),
        (0.0000999, "< 0.0001"),
        (0.0, "< 0.0001"),
        (1.0, "1.00"),
        (math.nan, "–"),
    ],
)
def test_p_values_have_three_digits_and_are_never_zero(p: float, text: str) -> None:
    """By hand; below 0.0001 a bound stands instead of digits."""
    assert format_p(p) == text


def test_p_values_in_sentences() -> None:
    """ "p = …", "p < …", and words where there is none."""
    assert p_clause(0.0412) == "p = 0.0412"
    assert p_clause(1e-12) == "p < 0.0001"
    assert p_clause(math.nan) == "no p-value"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.5, "0.5000"),
        (-2.34567, "−2.346"),
        (123456.7, "123,457"),
        (0.0000123, "1.230 × 10⁻⁵"),
        (0.0, "0"),
        (math.inf, "∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_by_hand(value: float, text: str) -> None:
    """Four significant digits, whole numbers whole, a true minus sign."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("feature", "label"),
    [
        ("lobe_area_mm2", "Lobe area (mm²)"),
        ("transferrin_saturation_percent", "Transferrin saturation (%)"),
        ("h_score", "H-score"),
        ("h_score_above_floor", "H-score above the controls' floor"),
        ("something_new", "Something new"),
    ],
)
def test_features_are_named_with_their_unit(feature: str, label: str) -> None:
    """The unit in a feature's name becomes a unit in brackets."""
    assert feature_label(feature) == label


def test_flags_speak_for_themselves() -> None:
    """A flag without an entry is written in its own words; a detail behind a colon is kept."""
    assert flag_meaning("torn_section") == "Torn section."
    assert flag_meaning("same_bytes_as:lungs/a.jpg").endswith("of the assay: lungs/a.jpg")


@pytest.mark.parametrize(
    ("feature", "label", "unit"),
    [
        ("volume_mm3.day_28", "Volume on day 28 (mm³)", " mm³"),
        ("volume_mm3.day_17.5", "Volume on day 17.5 (mm³)", " mm³"),
        ("fold_change.Snai1", "Fold change of Snai1", ""),
        ("relative_volume.E-cadherin", "Relative volume of E-cadherin", ""),
        ("serum_iron_umol_l", "Serum iron (µmol/L)", " µmol/L"),
        ("ferritin_ug_l", "Ferritin (µg/L)", " µg/L"),
        ("doubling_time_days", "Doubling time (days)", " days"),
        ("growth_rate_per_day", "Growth rate (per day)", " per day"),
    ],
)
def test_features_of_tables_have_names(feature: str, label: str, unit: str) -> None:
    """Each as a reader would write it."""
    assert (feature_label(feature), feature_unit(feature)) == (label, unit)


@pytest.mark.parametrize(
    "flag",
    [
        *("background_uncertain", "few_cells", "uneven_illumination", "channels_look_swapped"),
        *("few_control_cells", "one_population", "no_control", "no_white", "no_glass"),
        *("uneven_light", "blank_differs", "coarse_pixels", "other_stain", "pigment", "ink"),
        *("folds", "no_scale", "no_lobe", "confluent", "heavy_glare", "first_timepoint"),
        *("unlabelled_pages", "anisotropic_pixels", "eight_bit_compressed", "eight_bit_export"),
        *("alpha_dropped", "cmyk_converted", "saturated", "spliced", "jpeg_blocks", "jump"),
    ],
)
def test_flags_of_the_methods_have_words(flag: str) -> None:
    """More than the code with its underscores taken out."""
    bare = flag.replace("_", " ").capitalize() + "."
    assert flag_meaning(flag) != bare
    assert flag_meaning(flag).endswith(".")


def test_settings_that_differ_from_the_controls_are_named() -> None:
    """The setting stands in the sentence."""
    said = flag_meaning("laser_percent_differs_from_control")
    assert said.startswith("Taken with another laser power than the negative controls")
