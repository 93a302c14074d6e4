"""Fluorescence of fields computed by hand, and of odd ones."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from skimage.measure import label

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.fluorescence import (
    FluorescenceOptions,
    classify_fluorescence,
    measure_fluorescence,
    positivity_threshold,
)
from xenoquant.imgproc.fluorescence_features import summarise_fluorescence
from xenoquant.imgproc.measurement import Measurement
from xenoquant.imgproc.network_nuclei import network_nuclei
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence

COMPARTMENTS = ("nucleus", "cytoplasm", "membrane", "cell")


def _two_squares() -> dict[str, np.ndarray]:
    """Two nuclei of 10 x 10 on a ground of 10; the marker is 110 in the first, 60 around it."""
    nuclei = np.full((60, 100), 10, np.uint16)
    marker = np.full((60, 100), 20, np.uint16)
    marker[15:45, 15:45] = 60
    for start, level in ((25, 110), (70, 20)):
        nuclei[25:35, start : start + 10] = 200
        marker[25:35, start : start + 10] = level
    return {"nuclei": nuclei, "marker": marker}


def _squares(image: np.ndarray, um_per_px: float | None) -> np.ndarray:
    return np.asarray(label(image > 100), np.int32)


@pytest.fixture
def squares() -> Measurement:
    options = FluorescenceOptions(cell_distance_um=3, membrane_width_um=1)
    return measure_fluorescence(_two_squares(), um_per_px=1.0, options=options, segmenter=_squares)


def test_levels_of_a_hand_made_field(squares: Measurement) -> None:
    """Nucleus 110, ring 60, background 20: net 90 and 40, ratio 2.25."""
    first, second = squares.objects.iloc[0], squares.objects.iloc[1]
    assert first[["y_px", "x_px", "area_px"]].tolist() == [29.5, 29.5, 100]
    assert first["area_um2"] == 100
    assert first["marker_nucleus_mean"] == 110
    assert first["marker_nucleus_net"] == pytest.approx(90)
    assert first["marker_nucleus_integrated"] == 11_000
    assert first["marker_cytoplasm_mean"] == 60
    assert first["nuclear_cytoplasmic_ratio"] == pytest.approx(90 / 40)
    assert first["nuclei_nucleus_net"] == pytest.approx(190)
    ring = first["cell_area_um2"] - 100
    assert first["ctcf"] == pytest.approx(90 * 100 + 40 * ring, rel=1e-5)
    assert first["marker_nucleus_p50"] == 110
    assert first["marker_nucleus_integrated_net"] == pytest.approx(9000)
    assert first["nuclei_ctcf"] == pytest.approx(190 * 100, rel=1e-5)
    assert first[["nuclei_cell_p5", "nuclei_nucleus_p95"]].tolist() == [10, 200]
    assert first["marker_cell_p5"] == 60
    assert not first["touches_edge"]
    assert np.isnan(second["nuclear_cytoplasmic_ratio"])  # its ring isn't above background
    assert second["ctcf"] == pytest.approx(0, abs=1e-2)


def test_columns_of_the_contract(squares: Measurement) -> None:
    """Every channel and compartment has its mean; arcs have a row a cell."""
    columns = list(squares.objects)
    assert columns[:3] == ["object", "y_px", "x_px"]
    for channel in ("nuclei", "marker"):
        for what in ("mean", "net", "integrated", "p5", "p50", "p95"):
            assert {f"{channel}_{part}_{what}" for part in COMPARTMENTS} <= set(columns)
    assert squares.profiles["membrane_arcs"].shape == (2, 32)
    assert squares.profiles["membrane_arcs"].dtype == np.float32
    assert set(squares.labels) == {"nuclei", "cells"}
    assert squares.flags == ("few_cells",)


def test_nuclei_alone_are_enough() -> None:
    """No marker: nuclei are counted and measured, and marker columns are absent."""
    channels = {"nuclei": _two_squares()["nuclei"]}
    measured = measure_fluorescence(channels, um_per_px=1.0, segmenter=_squares)
    assert len(measured.objects) == 2
    assert not [c for c in measured.objects if c.startswith("marker") or c == "ctcf"]
    assert measured.profiles == {}
    features = summarise_fluorescence(measured.objects, compartment="nucleus")
    assert features == pytest.approx(
        {"cells": 2, "nucleus_area_um2": 100, "integrated_density_per_nucleus": 100 * 190}
    )


def test_unknown_scale_is_flagged_and_areas_are_missing() -> None:
    """No pixel size: µm² are NaN, pixels are there."""
    measured = measure_fluorescence(_two_squares(), um_per_px=None, segmenter=_squares)
    assert "no_scale" in measured.flags
    assert measured.objects["area_um2"].isna().all()
    assert measured.objects["area_px"].tolist() == [100, 100]


def test_border_nuclei_are_kept_marked_or_dropped() -> None:
    """The second nucleus is cut by the right edge."""
    channels = {name: plane[:, :75] for name, plane in _two_squares().items()}
    kept = measure_fluorescence(channels, um_per_px=1.0, segmenter=_squares)
    assert kept.objects["touches_edge"].tolist() == [False, True]
    options = FluorescenceOptions(drop_border_nuclei=True)
    left = measure_fluorescence(channels, um_per_px=1.0, options=options, segmenter=_squares)
    assert len(left.objects) == 1
    assert left.labels["nuclei"].max() == 1
    assert left.notes["border_nuclei"] == "dropped"
    assert left.notes["nuclei_at_border"] == 1
    assert "border_nuclei_dropped" in left.flags
    assert "border_nuclei_dropped" not in kept.flags


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ({"marker": np.zeros((9, 9))}, "nuclear channel"),
        ({"nuclei": np.zeros((9, 9)), "marker": np.zeros((9, 8))}, "one shape"),
        ({"nuclei": np.zeros((3, 9, 9))}, "2-D"),
    ],
)
def test_channels_that_do_not_fit_are_named(channels: dict, said: str) -> None:
    with pytest.raises(MeasurementError, match=said) as caught:
        measure_fluorescence(channels, um_per_px=0.5)
    assert caught.value.remedy


@pytest.mark.parametrize("compartment", COMPARTMENTS)
@pytest.mark.parametrize(
    ("plane", "flags"),
    [
        (np.zeros((80, 80), np.uint16), ("no_cells",)),
        (np.full((80, 80), 4095, np.uint16), ("no_cells", "saturated")),
        (np.random.default_rng(0).normal(-50, 5, (80, 80)).astype(np.float32), ("no_cells",)),
    ],
    ids=["dark", "saturated", "negative floats"],
)
def test_no_nucleus_is_a_measurement_of_zero(
    compartment: str, plane: np.ndarray, flags: tuple[str, ...]
) -> None:
    """An empty table with all its columns and types, through to the features."""
    full = measure_fluorescence(
        _two_squares(),
        um_per_px=1.0,
        options=FluorescenceOptions(compartment=compartment),
        segmenter=_squares,
    )
    options = FluorescenceOptions(compartment=compartment)
    empty = measure_fluorescence({"nuclei": plane, "marker": plane}, um_per_px=1.0, options=options)
    assert empty.flags == flags
    assert empty.objects.dtypes.to_dict() == full.objects.dtypes.to_dict()
    assert len(empty.objects) == 0
    threshold = positivity_threshold([full.objects], compartment=compartment, options=options)
    cells = classify_fluorescence(
        empty.objects, empty.profiles, threshold=threshold, compartment=compartment
    )
    features = summarise_fluorescence(cells, compartment=compartment, threshold=threshold)
    assert features["cells"] == 0
    assert np.isnan(features["positive_fraction"])


def test_options_refuse_what_they_do_not_know() -> None:
    """Extra keys and impossible values are errors of the study file."""
    with pytest.raises(ValidationError):
        FluorescenceOptions(cell_distance=5)
    with pytest.raises(ValidationError):
        FluorescenceOptions(cell_distance_um=-1)


def test_same_input_same_output() -> None:
    """No hidden state: two runs give the same table and labels."""
    phantom = render_fluorescence(5, scene=FluorescenceScene(size_px=(200, 200)))
    first, second = (measure_fluorescence(phantom.channels, um_per_px=0.5) for _ in range(2))
    pd.testing.assert_frame_equal(first.objects, second.objects)
    np.testing.assert_array_equal(first.labels["cells"], second.labels["cells"])
    assert network_nuclei(phantom.channels["nuclei"], 0.5).max() == len(first.objects)
