"""Methods of the report: what a reviewer asks for, in sentences with the run's own numbers."""

import json

import pytest

from xenoquant.pipeline.assays import METHODS
from xenoquant.pipeline.report_details import image_details
from xenoquant.pipeline.report_sections import flattened

CHANNELS = {"marker": "Alexa488", "nuclei": "DAPI"}


def options(method: str, **changes):
    """Give a method's options as run.json has them, the defaults but for the changes."""
    needed = {"fluorescence": {"marker": "Snai1", "channels": CHANNELS}, "dab": {"marker": "x"}}
    return METHODS[method](**needed.get(method, {}), **changes).model_dump(mode="json")


@pytest.mark.parametrize(
    ("method", "changes", "expected"),
    [
        ("nodules", {}, "Lobes and nodules were found by trained networks that"),
        ("nodules", {"detector": "classical"}, "nodules by a Laplacian of Gaussian"),
        ("nodules", {"appearance": "dark-lung"}, "Lobes were found by colour and shape"),
        ("nodules", {"min_confidence": 0.7}, "0.2 to 3 mm with a confidence of at least 0.7"),
        ("nodules", {"px_per_mm": 50}, "50 px/mm"),
        ("nodules", {"px_per_mm": "ruler"}, "a ruler in each photograph"),
        ("fluorescence", {}, "Nuclei were found by a trained network"),
        ("fluorescence", {"segmenter": "classical"}, "watershed"),
        ("dab", {"compartment": "nucleus"}, "from 0.2, 0.4 and 0.6 OD in the nucleus"),
        ("dab", {"cells": False}, "Positive area begins at 0.2 OD."),
        ("dab", {"stains": "macenko"}, "by Macenko's method."),
        ("dab", {"dab_only": "brown.png"}, "of both; that of DAB was given."),
        ("dab", {"dab_only": "b.png", "hematoxylin_only": "a.png"}, "Stain vectors were given."),
    ],
)
def test_the_options_are_told_as_they_were_used(method, changes, expected):
    """By hand, from the options' own descriptions."""
    assert expected in image_details(method, options(method, **changes), {})


@pytest.mark.parametrize(
    ("made_by", "expected"),
    [
        ("outer_fence", "above 53.21 grey values over background in the nucleus: third quartile"),
        ("percentile", "percentile 99 of 347 cells on 2 images of negative controls"),
        ("mean_sd", "mean + 3 SD of 347 cells"),
        ("two_populations", "of the samples' 347 cells, without a control"),
        ("none", "no cell was called positive"),
    ],
)
def test_the_limit_of_positivity_is_told_with_its_cells(made_by, expected):
    """By hand: the numbers are those of the calibration."""
    threshold = {"value": 53.2149, "method": made_by, "cells": 347, "images": 2}
    threshold["compartment"] = "nucleus"
    said = image_details("fluorescence", options("fluorescence"), {"threshold": threshold})
    assert expected in said


def test_settings_in_a_list_are_told_with_their_values():
    """By hand; before, only their names were: a control's gain as the word "gain"."""
    held = {
        "control_settings": [{"gain": 3}, {"gain": 4.5}],
        "onset": [{"test": "x", "day": 7}] * 9,
    }
    assert flattened(held) == [
        ("control_settings", "gain 3, gain 4.5"),
        ("onset", "9 values, in run.json"),
    ]


def test_a_runs_report_has_the_limit_of_its_run_json(finished_study):
    """Authority: run.json of the same run."""
    run = json.loads((finished_study / "results" / "run.json").read_text())
    threshold = run["calibrations"]["snai1"]["threshold"]
    page = (finished_study / "results" / "report.html").read_text()
    methods = page.split('id="methods"')[1]
    assert f"above {threshold['value']:.4g} grey values" in methods
    assert f"{threshold['cells']} cells on {threshold['images']} image" in methods
