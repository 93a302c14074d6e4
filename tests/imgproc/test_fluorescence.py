"""Fluorescence against rendered truth, and real images where at hand."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.optimize import linear_sum_assignment
from skimage.measure import label, regionprops

from xenoquant.imgproc.fluorescence import (
    FluorescenceOptions,
    classify_fluorescence,
    measure_fluorescence,
    positivity_threshold,
)
from xenoquant.imgproc.measurement import Measurement
from xenoquant.imgproc.phantoms import FluorescencePhantom, FluorescenceScene, render_fluorescence
from xenoquant.imgproc.positivity import Threshold


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
