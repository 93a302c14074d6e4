"""How images were measured, in sentences that a methods section can take over."""

from collections.abc import Callable, Mapping
from typing import Any

_TRAINED = "a trained network that comes with the program"
_SEGMENTERS = {"network": _TRAINED, "classical": "smoothing, local thresholds and watershed"}
_STAINS = {
    "estimate": "estimated from the images where these show enough of both",
    "macenko": "estimated from the images by Macenko's method",
    "default": "the usual ones of hematoxylin and DAB",
}


def image_details(
    method: str, parameters: Mapping[str, Any], calibration: Mapping[str, Any]
) -> str:
    """Say which finder, limits and cut-offs an assay of images was measured with.

    Parameters
    ----------
    method : str
        ``nodules``, ``fluorescence`` or ``dab``; of any other nothing is said.
    parameters : mapping
        The options measured with, by name.
    calibration : mapping
        Thresholds of the study, with what they were made from.

    Returns
    -------
    str
        Sentences, empty where the options don't tell.

    Examples
    --------
    >>> options = {"cells": False, "cutoffs_od": [0.2, 0.4, 0.6], "stains": "default"}
    >>> image_details("dab", options, {})
    'Positive area begins at 0.2 OD. Stain vectors are the usual ones of hematoxylin and DAB.'
    """
    say = _DETAILS.get(method)
    return "" if say is None else " ".join(filter(None, say(parameters, calibration)))


def _nodules(options: Mapping[str, Any], _: Mapping[str, Any]) -> list[str]:
    if "detector" not in options:
        return []
    bouin = options.get("appearance", "bouin") == "bouin"
    lobes = _TRAINED if bouin and options.get("lobe_finder") == "learned" else "colour and shape"
    learned = bouin and options["detector"] == "learned"
    nodules = _TRAINED if learned else "a Laplacian of Gaussian at several scales"
    found_by = f"Lobes were found by {lobes}, nodules by {nodules}"
    if lobes == nodules:
        found_by = "Lobes and nodules were found by trained networks that come with the program"
    found = (
        f"{found_by}; nodules of "
        f"{options['min_diameter_mm']:g} to {options['max_diameter_mm']:g} mm with a confidence of "
        f"at least {options['min_confidence']:g} were counted."
    )
    return [found, _photo_scale(options.get("px_per_mm"))]


def _photo_scale(scale: object) -> str:
    """Say where the photos' scale comes from where the sheet gives none."""
    if scale == "ruler":
        return "The scale was read from a ruler in each photograph."
    if scale == "metadata":
        return "The scale is that of the files."
    return f"The scale was {scale:g} px/mm unless the sheet says otherwise." if scale else ""


def _fluorescence(options: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[str]:
    return [_nuclei(options), _positivity(options, calibration.get("threshold") or {})]


def _nuclei(options: Mapping[str, Any]) -> str:
    name = options.get("segmenter")
    return f"Nuclei were found by {_SEGMENTERS.get(name, name)}." if name else ""


def _positivity(options: Mapping[str, Any], threshold: Mapping[str, Any]) -> str:
    """Say above which level cells are positive, and what that was made from."""
    made_by, cells = threshold.get("method"), threshold.get("cells")
    if made_by is None:
        return ""
    if made_by == "none":
        return "No limit of positivity could be set, and no cell was called positive."
    above = f"Cells were called positive above {threshold['value']:.4g} grey values over background"
    if made_by == "two_populations":
        return f"{above}, between two populations of the samples' {cells} cells, without a control."
    rule = {
        "outer_fence": "third quartile + 3 interquartile ranges",
        "percentile": f"percentile {options.get('control_percentile', float('nan')):g}",
        "mean_sd": f"mean + {options.get('control_sds', float('nan')):g} SD",
    }[made_by]
    images = threshold["images"]
    noun = "image" if images == 1 else "images"
    return (
        f"{above} in the {threshold['compartment']}: {rule} of {cells} cells on {images} {noun} of "
        "negative controls."
    )


def _dab(options: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[str]:
    if "cutoffs_od" not in options:
        return []
    weak, moderate, strong = (f"{cutoff:g}" for cutoff in options["cutoffs_od"])
    if options.get("cells", True):
        classes = (
            f"Cells are 1+, 2+ and 3+ from {weak}, {moderate} and {strong} OD in the "
            f"{options.get('compartment', 'cell')} on; positive area begins at {weak} OD."
        )
        return [_nuclei(options), classes, _vectors(options)]
    return [f"Positive area begins at {weak} OD.", _vectors(options)]


def _vectors(options: Mapping[str, Any]) -> str:
    """Say where the stains' colours come from; vectors given, or single stains, go before."""
    given = {
        "hematoxylin": ("hematoxylin_vector", "hematoxylin_only"),
        "DAB": ("dab_vector", "dab_only"),
    }
    own = [stain for stain, names in given.items() if any(options.get(name) for name in names)]
    if len(own) == len(given):
        return "Stain vectors were given."
    usual = _STAINS.get(str(options.get("stains")), "")
    said = f"Stain vectors are {usual}" if usual else ""
    return f"{said}; that of {own[0]} was given." if own and said else f"{said}." if said else ""


_DETAILS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]] = {
    "nodules": _nodules,
    "fluorescence": _fluorescence,
    "dab": _dab,
}
