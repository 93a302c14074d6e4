"""Fluorescence: against rendered truth, hand-computed fields, and real images where at hand."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from pydantic import ValidationError
from scipy.optimize import linear_sum_assignment
from skimage.measure import label, regionprops

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.fluorescence import (
    FluorescenceOptions,
    classify_fluorescence,
    measure_fluorescence,
    positivity_threshold,
    summarise_fluorescence,
)
from xenoquant.imgproc.measurement import Measurement
from xenoquant.imgproc.network_nuclei import network_nuclei
from xenoquant.imgproc.phantoms import FluorescencePhantom, FluorescenceScene, render_fluorescence
from xenoquant.imgproc.positivity import (
    Threshold,
    completeness,
    control_limit,
    two_populations_limit,
)

COMPARTMENTS = ("nucleus", "cytoplasm", "membrane", "cell")


def _same(labels: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """Give found numbers of true nuclei, where they overlap by more than half."""
    n, m = int(truth.max()), int(labels.max())
    pairs = np.bincount((truth.astype(np.int64) * (m + 1) + labels).ravel(),
                        minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)  # fmt: skip
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - pairs[1:, 1:]
    true, found = np.nonzero(pairs[1:, 1:] / np.maximum(union, 1) > 0.5)
    return dict(zip((true + 1).tolist(), (found + 1).tolist(), strict=True))


def _classified(
    sample: Measurement, control: Measurement, options: FluorescenceOptions
) -> tuple[pd.DataFrame, Threshold]:
    """Take the limit from the control's field alone, and apply it."""
    threshold = positivity_threshold(
        [control.objects],
        compartment=options.compartment,
        options=options,
        control_profiles=[control.profiles],
    )
    cells = classify_fluorescence(
        sample.objects, sample.profiles, threshold=threshold, compartment=options.compartment
    )
    return cells.set_index("object"), threshold


# Rendered fields with exact truth


def _rendered(
    seed: int, compartment: str
) -> tuple[FluorescencePhantom, Measurement, pd.DataFrame, Threshold]:
    scene = FluorescenceScene(compartment=compartment)
    phantom = render_fluorescence(seed, scene=scene)
    control = render_fluorescence(seed + 1000, scene=replace(scene, control=True))
    options = FluorescenceOptions(compartment=compartment)
    measured, controls = (
        measure_fluorescence(p.channels, um_per_px=p.um_per_px, options=options)
        for p in (phantom, control)
    )
    return phantom, measured, *_classified(measured, controls, options)


@pytest.mark.parametrize(
    ("compartment", "column", "correlation", "points"),
    [
        ("nucleus", "marker_nucleus_net", 0.97, 0.02),
        ("cytoplasm", "marker_cytoplasm_net", 0.95, 0.03),
        ("membrane", "marker_membrane_own", 0.95, 0.03),
    ],
)
@pytest.mark.parametrize("seed", [21, 22])
def test_rendered_levels_and_positives(
    seed: int, compartment: str, column: str, correlation: float, points: float
) -> None:
    """Per-cell level and positive share against the phantom's truth, limit from the control alone.

    Membranes of the phantom are stained in part, and touch.
    """
    phantom, measured, cells, _ = _rendered(seed, compartment)
    truth = phantom.table.set_index("label")
    same = _same(measured.labels["nuclei"], phantom.nuclei)
    found, true = cells.loc[list(same.values())], truth.loc[list(same)]
    known = np.isfinite(found[column].to_numpy())
    r = np.corrcoef(found[column].to_numpy()[known], true["level"].to_numpy()[known])[0, 1]
    share, true_share = cells["positive"].mean(), truth["positive"].mean()
    print(f"{compartment} (rendered): r {r:.3f}, positive {share:.3f}, truly {true_share:.3f}")
    assert len(same) > 0.95 * len(truth)
    assert r >= correlation
    assert abs(share - true_share) <= points


@pytest.mark.parametrize("seed", [21, 22])
def test_rendered_membrane_completeness(seed: int) -> None:
    """Mean completeness of truly positive cells within 0.05 of the phantom's."""
    phantom, measured, cells, _ = _rendered(seed, "membrane")
    truth = phantom.table.set_index("label")
    same = _same(measured.labels["nuclei"], phantom.nuclei)
    positive = [true for true in same if truth.loc[true, "positive"]]
    found = cells.loc[[same[true] for true in positive], "membrane_completeness"].mean()
    true_share = truth.loc[positive, "completeness"].mean()
    print(f"completeness (rendered): {found:.3f}, truly {true_share:.3f}")
    assert abs(found - true_share) <= 0.05


@pytest.mark.parametrize("compartment", ["nucleus", "cytoplasm"])
def test_ctcf_is_unbiased(compartment: str) -> None:
    """Level times stained area is the phantom's truth; no autofluorescence, even light.

    Summed over cells, so that light blurred into a neighbour counts there.
    """
    scene = FluorescenceScene(
        compartment=compartment, autofluorescence_photons=0.0, uneven_background=0.0, debris=0
    )
    phantom = render_fluorescence(31, scene=scene)
    measured = measure_fluorescence(phantom.channels, um_per_px=phantom.um_per_px)
    area = np.bincount(phantom.stained.ravel(), minlength=len(phantom.table) + 1)[1:]
    expected = float((phantom.table["level"] * area).sum())
    ratio = float(measured.objects["ctcf"].sum()) / expected
    print(f"CTCF ({compartment}, rendered): {ratio:.3f} of the truth")
    assert ratio == pytest.approx(1, abs=0.03)


# A field computed by hand


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


# Bad input


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


# Thresholds, computed by hand


def _cells(net: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"marker_nucleus_net": net, "marker_nucleus_mean": np.add(net, 100.0)})


def test_limits_by_hand() -> None:
    """Levels 0 to 4: quartiles 1 and 3, so the fence is 9; mean 2, SD √2.5; percentile 75 is 3."""
    levels = np.array([0.0, 1, 2, 3, 4, np.nan])
    assert control_limit(levels, FluorescenceOptions()) == 9
    mean_sd = FluorescenceOptions(threshold_method="mean_sd", control_sds=2)
    assert control_limit(levels, mean_sd) == pytest.approx(2 + 2 * np.sqrt(2.5))
    percentile = FluorescenceOptions(threshold_method="percentile", control_percentile=75)
    assert control_limit(levels, percentile) == 3


def test_fence_is_unmoved_by_a_bright_control_cell() -> None:
    """Robustness: 1 of 40 control cells a hundred times brighter moves the limit by under 5 %."""
    levels = np.random.default_rng(0).normal(50, 5, 40)
    plain = control_limit(levels, FluorescenceOptions())
    levels[0] = 5000
    assert control_limit(levels, FluorescenceOptions()) == pytest.approx(plain, rel=0.05)


def test_controls_are_pooled_over_images() -> None:
    """Two control images of 5 cells: the limit is that of the 10 together."""
    options = FluorescenceOptions(threshold_method="percentile", control_percentile=100)
    threshold = positivity_threshold(
        [_cells([1, 2, 3, 4, 5]), _cells([2, 3, 4, 5, 11])], compartment="nucleus", options=options
    )
    assert (threshold.value, threshold.raw_value) == (11, 111)
    assert (threshold.cells, threshold.images) == (10, 2)
    assert threshold.flags == ("few_control_cells",)
    assert threshold.control_mean == pytest.approx(4)
    assert Threshold(**{**threshold.as_dict(), "flags": threshold.flags}) is not None
    cells = classify_fluorescence(
        _cells([5, 11, 12]), {}, threshold=threshold, compartment="nucleus"
    )
    assert cells["positive"].tolist() == [False, False, True]
    features = summarise_fluorescence(cells, compartment="nucleus", threshold=threshold)
    assert features["positive_fraction"] == pytest.approx(1 / 3)
    assert features["mean_intensity_over_control"] == pytest.approx(28 / 3 - 4)


def test_without_control_two_populations_are_told_apart_or_no_limit_is_given() -> None:
    """Mixtures with known members; one population gives no threshold, and no share of positives."""
    rng = np.random.default_rng(0)
    dim, bright = np.exp(rng.normal(3, 0.35, 300)), np.exp(rng.normal(5.5, 0.35, 60))
    options = FluorescenceOptions()
    found = positivity_threshold(
        None, compartment="nucleus", options=options, sample_objects=[_cells([*dim, *bright])]
    )
    assert found.flags == ("no_control",)
    assert np.mean(dim > found.value) < 0.02
    assert np.mean(bright > found.value) > 0.98
    none = positivity_threshold(
        [], compartment="nucleus", options=options, sample_objects=[_cells([*dim])]
    )
    assert none.flags == ("no_control", "one_population")
    assert none.method == "none"
    cells = classify_fluorescence(_cells([*dim]), {}, threshold=none, compartment="nucleus")
    assert not cells["positive"].any()
    features = summarise_fluorescence(cells, compartment="nucleus", threshold=none)
    assert np.isnan(features["positive_fraction"])


@pytest.mark.parametrize("seed", range(5))
def test_one_population_is_never_cut_in_two(seed: int) -> None:
    """Normal, log-normal, uniform and exponential samples of 400."""
    rng = np.random.default_rng(seed)
    for levels in (
        rng.normal(10, 2, 400),
        rng.normal(0, 5, 400),
        np.exp(rng.normal(3, 0.7, 400)),
        rng.uniform(0, 100, 400),
        rng.exponential(10, 400),
    ):
        assert np.isnan(two_populations_limit(levels))


def test_completeness_by_hand() -> None:
    """Positive arcs over assessable arcs; none assessable, or no limit, is unknown."""
    arcs = np.array([[1, 9, np.nan, 9], [np.nan] * 4])
    assert completeness(arcs, 5.0)[0] == pytest.approx(2 / 3)
    assert np.isnan(completeness(arcs, 5.0)[1])
    assert np.isnan(completeness(arcs, np.nan)).all()


# Real and rendered images beside the checkout


def _section(folder: Path, field: str, compartment: str) -> tuple[Measurement, np.ndarray]:
    marker, nuclei = tifffile.imread(folder / f"{field}.ome.tif")
    measured = measure_fluorescence(
        {"marker": marker, "nuclei": nuclei},
        um_per_px=0.5,
        options=FluorescenceOptions(compartment=compartment),
    )
    return measured, tifffile.imread(folder / f"{field}_nuclei.tif").astype(np.int32)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("field", "correlation", "points"),
    [
        ("if_0_nucleus", 0.97, 0.02),
        ("if_1_nucleus", 0.97, 0.02),
        ("if_2_membrane", 0.95, 0.03),
        ("if_3_cytoplasm", 0.95, 0.03),
    ],
)
def test_rendered_sections(
    shared_data: Path, field: str, correlation: float, points: float
) -> None:
    """cells.csv: true level and positivity a cell; the limit comes from the IgG field alone."""
    folder = shared_data / "sections_rendered"
    compartment = field.split("_")[-1]
    measured, nuclei = _section(folder, field, compartment)
    control, _ = _section(folder, "if_igg", compartment)
    options = FluorescenceOptions(compartment=compartment)
    cells, threshold = _classified(measured, control, options)
    truth = pd.read_csv(folder / "cells.csv").query("field == @field").set_index("label")
    same = _same(measured.labels["nuclei"], nuclei)
    column = "marker_membrane_own" if compartment == "membrane" else f"marker_{compartment}_net"
    pairs = pd.DataFrame({
        "found": cells.loc[list(same.values()), column].to_numpy(),
        "true": truth.loc[list(same), "level"].to_numpy(),
    }).dropna()  # fmt: skip
    r = pairs.corr().iloc[0, 1]
    share, true_share = cells["positive"].mean(), truth["positive"].mean()
    print(f"{field} (rendered): {len(same)} of {len(truth)} nuclei, r {r:.3f}, positive "
          f"{share:.3f}, truly {true_share:.3f}, limit {threshold.value:.1f}")  # fmt: skip
    assert len(same) > 0.93 * len(truth)
    assert r >= correlation
    assert abs(share - true_share) <= points


def _shift(reference: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """Give the move, by whole pixels, with which the reference agrees best with the mask."""
    moves = [(dy, dx) for dy in range(-12, 13) for dx in range(-12, 13)]
    score = [np.count_nonzero(mask & np.roll(reference, move, (0, 1))) for move in moves]
    return moves[int(np.argmax(score))]


@pytest.mark.shared_data
@pytest.mark.parametrize("segmenter", ["network", "classical"])
def test_ki67_positive_nuclei(shared_data: Path, segmenter: str) -> None:
    """Red class of Seg.png against positive nuclei of DAPI and marker, pooled over both tiles.

    The classes were drawn on the stained section and lie beside the fluorescent nuclei, on one
    tile by up to a nucleus; so nuclei are paired one to one within 1.2 nuclear diameters.
    There is no control: the limit is the fallback's.
    """
    options = FluorescenceOptions(segmenter=segmenter)
    hits, found_ones, true_ones = 0, 0, 0
    for folder in sorted((shared_data / "ihc_ki67").iterdir()):
        nuclei, marker = (
            cv2.imread(str(folder / f"{n}.png"), cv2.IMREAD_GRAYSCALE) for n in ("DAPI", "Marker")
        )
        channels = {"nuclei": nuclei, "marker": marker}
        measured = measure_fluorescence(channels, um_per_px=None, options=options)
        threshold = positivity_threshold(
            None,
            compartment="nucleus",
            options=options,
            sample_objects=[measured.objects],
        )
        cells = classify_fluorescence(
            measured.objects, {}, threshold=threshold, compartment="nucleus"
        )
        found = cells.loc[cells["positive"], ["y_px", "x_px"]].to_numpy()
        blue, green, red = np.moveaxis(cv2.imread(str(folder / "Seg.png")).astype(int), 2, 0)
        classes = np.where(green > 127, 0, np.where(red > 127, 2, np.where(blue > 127, 1, 0)))
        move = _shift(classes > 0, measured.labels["nuclei"] > 0)
        regions = regionprops(label(classes == 2, connectivity=1))
        true = np.array([region.centroid for region in regions if region.area >= 20]) + move
        away = np.hypot(*(found[:, None] - true[None]).transpose(2, 0, 1))
        within = measured.notes["nucleus_diameter_px"] * 1.2
        pairs = linear_sum_assignment(np.where(away <= within, away, 1e6))
        agreed = int(np.count_nonzero(away[pairs] <= within))
        print(f"{folder.name}: {agreed} agree, found {len(found)}, truly {len(true)}, "
              f"within 5 px {np.count_nonzero(away[pairs] <= 5)}")  # fmt: skip
        hits, found_ones, true_ones = hits + agreed, found_ones + len(found), true_ones + len(true)
    f1 = 2 * hits / (found_ones + true_ones)
    print(f"ihc_ki67 (real): F1 of positive nuclei by {segmenter} {f1:.3f}")
    assert f1 >= 0.85


def test_same_input_same_output() -> None:
    """No hidden state: two runs give the same table and labels."""
    phantom = render_fluorescence(5, scene=FluorescenceScene(size_px=(200, 200)))
    first, second = (measure_fluorescence(phantom.channels, um_per_px=0.5) for _ in range(2))
    pd.testing.assert_frame_equal(first.objects, second.objects)
    np.testing.assert_array_equal(first.labels["cells"], second.labels["cells"])
    assert network_nuclei(phantom.channels["nuclei"], 0.5).max() == len(first.objects)
