"""Acquisition settings compared, against differences written by hand."""

import pytest

from xenoquant.pipeline.acquisition import brightness_settings, differing_settings

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


def changed(**settings: object) -> dict:
    return {"reader": {"acquisition": FIELD["reader"]["acquisition"] | settings}}


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
    ],
)
def test_what_differs_is_named(control, expected):
    found = differing_settings(brightness_settings(FIELD), brightness_settings(control))
    assert found == expected
