"""Acquisition settings compared, against differences written by hand."""

import pandas as pd
import pytest

from xenoquant.pipeline.acquisition import brightness_settings, differing_settings
from xenoquant.pipeline.assay import Calibration
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.measured import MeasuredImage
from xenoquant.pipeline.samples import Sample

FIELD = {
    "reader": {
        "acquisition": {
            "objective": "63x/1.30",
            "zoom": 2.0,
            "laser_percent": {"488": 5.0, "405": 2.0},
            "gain": [100.0, 650.0],
        }
    }
}


def test_a_field_taken_with_another_gain_than_the_control_is_flagged():
    calibration = Calibration(
        {"control_settings": [brightness_settings(changed(gain=[120.0, 650.0]))]}
    )
    objects = pd.DataFrame({"object": [1], "y_px": [0.0], "x_px": [0.0]})
    measured = MeasuredImage(Sample("snai1", "a.lif"), objects, pd.DataFrame(), {}, (), FIELD)
    flags = FluorescenceAssay().classify(measured, calibration).flags
    assert flags == ("gain_differs_from_control",)


def changed(**settings: object) -> dict:
    return {"reader": {"acquisition": FIELD["reader"]["acquisition"] | settings}}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(16, 16, ()), (12, 16, ()), (8, 16, ("bit_depth",)), (32, 16, ("bit_depth",))],
)
def test_levels_are_compared_where_pixels_are_stored_alike(one, other, expected):
    """Twelve bits lie in sixteen as they are; eight bits, and floats, have another scale."""
    settings = [brightness_settings({"reader": {"bit_depth": bits}}) for bits in (one, other)]
    assert differing_settings(*settings) == expected


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (FIELD, ()),
        (changed(zoom=4.0), ()),  # a smaller field, not a brighter one
        (changed(gain=[100.5, 650.0]), ()),  # half a percent
        (changed(gain=[120.0, 650.0]), ("gain",)),
        (changed(laser_percent={"488": 8.0, "405": 2.0}), ("laser_percent",)),
        (changed(laser_percent={"488": 5.0}, gain=[100.0]), ("laser_percent", "gain")),
        (changed(objective="20x/0.75"), ("objective",)),
        ({}, ()),  # a file that carries nothing says nothing
        (FIELD | {"reader": FIELD["reader"] | {"bit_depth": 12}}, ()),  # says nothing of the other
    ],
)
def test_what_differs_is_named(control, expected):
    found = differing_settings(brightness_settings(FIELD), brightness_settings(control))
    assert found == expected
