"""Names, units and meanings of features, in a reader's words."""

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
    "h_score_above_floor": "H-score above the controls' floor",
    "positive_cell_fraction_above_floor": "Positive fraction of cells above the controls' floor",
    "positive_area_fraction_above_floor": "Positive fraction of tissue area above the controls' "
    "floor",
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
    "h_score_above_floor": "H-score with every cut-off raised to the floor, the 99th percentile of "
    "the negative controls' cells.",
    "positive_cell_fraction_above_floor": "Positive fraction with the cut-off raised to the floor, "
    "the 99th percentile of the negative controls' cells.",
    "positive_area_fraction_above_floor": "Positive fraction with the cut-off raised to the floor, "
    "the 99th percentile of the negative controls' tissue.",
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
