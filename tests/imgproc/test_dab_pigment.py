"""Pigment in a field: reported, left out on request, and shown by the control's floor."""

import numpy as np
import pytest
from classed_cells import scores

from xenoquant.imgproc.dab import DabOptions, control_floor, measure_dab
from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.imgproc.stains import StainVectors


def test_yellow_pigment_is_reported_and_left_out_on_request() -> None:
    """Discs 14 degrees off DAB on drawn tissue: their share is reported; left out, nothing is
    positive any more.
    """
    density = np.zeros((240, 240, 3)) + 0.08 * StainVectors().matrix()[0]
    y, x = np.mgrid[:240, :240]
    discs = np.hypot(y % 80 - 40, x % 80 - 40) < 16
    density[discs] += 0.8 * np.array([0.187, 0.374, 0.908])
    rgb = np.rint(240 * 10**-density).astype(np.uint8)
    kept = measure_dab(rgb, um_per_px=0.5, options=DabOptions(white=(240, 240, 240)))
    assert "pigment" in kept.flags
    share = (kept.regions["pigment_fraction"] * kept.regions["area_px"]).sum() / discs.size
    assert share == pytest.approx(discs.mean(), rel=0.2)
    assert scores(kept, "cytoplasm")["positive_area_fraction"] > 0.1
    without = measure_dab(
        rgb, um_per_px=0.5, options=DabOptions(white=(240, 240, 240), exclude_pigment=True)
    )
    assert scores(without, "cytoplasm")["positive_area_fraction"] < 0.01


def test_hemosiderin_on_a_control_shows_in_the_floor() -> None:
    """Rendered control without primary antibody, with and without iron pigment: only the pigment
    is positive area, and the floor tells how much.
    """
    areas = []
    for clusters in (0, 15):
        scene = DabScene(positive_fraction=0.0, hemosiderin=clusters)
        field = render_dab(81, scene=scene)
        measured = measure_dab(field.rgb, um_per_px=0.5, blank=field.blank)
        floor = control_floor(measured.objects, measured.profiles, compartment="cytoplasm")
        areas.append(floor.positive_area_fraction)
    print(f"positive area of the control: {areas[0]:.4f} without pigment, {areas[1]:.4f} with")
    assert areas[0] < 0.002
    assert areas[1] > 5 * areas[0]
