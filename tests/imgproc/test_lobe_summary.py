"""What is said of a lobe: numbers worked out by hand on drawn lobes and tables."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.lobe_patch import LobePatch
from xenoquant.imgproc.lobe_summary import (
    colour_flags,
    count_range,
    cut_share,
    lobe_focus,
    nodule_flags,
    quartiles,
    tissue,
)


def patch(colour, *, noise=0.0):
    mask = np.zeros((80, 100), bool)
    mask[10:70, 10:90] = True
    rgb = np.full((80, 100, 3), 0.05, np.float32)
    grain = np.random.default_rng(0).normal(0, noise, (80, 100, 1))
    rgb[mask] = (np.array(colour) + grain).astype(np.float32)[mask]
    frame = {"top": 0, "left": 0, "height": 80, "width": 100}
    return LobePatch(rgb, mask, np.zeros_like(mask), 20.0, **frame)


def test_hue_and_chroma_are_those_of_cie_lab():
    """Authority: sRGB (198, 160, 52) is CIE Lab 67.7, 4.5, 57.4 (worked out from the standard)."""
    found = tissue(patch(np.array([198, 160, 52]) / 255))
    assert found["tissue_hue_deg"] == pytest.approx(87, abs=1.5)
    assert found["tissue_chroma"] == pytest.approx(58.5, abs=1.5)


def test_a_lobe_cut_in_half_runs_half_its_outline_along_the_edge():
    """Authority: by hand; a square against the edge has one of its four sides there."""
    lobe = np.zeros((60, 60), bool)
    lobe[20:40, 20:40] = True
    assert cut_share(lobe) == 0
    lobe[:, :] = False
    lobe[:20, 20:40] = True
    assert cut_share(lobe) == pytest.approx(0.25, abs=0.02)


def test_quartiles_by_hand():
    """Authority: 1, 2, 3, 4, 5 have quartiles 2, 3, 4; no nodule has none."""
    assert list(quartiles([5.0, 1.0, 3.0, 2.0, 4.0]).values()) == [2.0, 3.0, 4.0]
    assert np.isnan(list(quartiles([]).values())).all()


def test_the_range_holds_the_count():
    """Authority: by hand; 0.9 is sure, 0.6 counted, 0.3 doubtful, 0.05 none."""
    confidence = np.array([0.9, 0.6, 0.3, 0.05])
    assert count_range(confidence, 2, 0.5) == (1, 3)


def test_a_grainy_surface_is_sharper_than_a_smooth_one():
    """Authority: noise of twice the amplitude has four times the variance."""
    once, twice = (lobe_focus(patch((0.6, 0.5, 0.2), noise=noise)) for noise in (0.01, 0.02))
    assert twice == pytest.approx(4 * once, rel=0.05)


def test_flags_follow_the_table():
    """Authority: the limits as documented."""
    row = {
        "burden": 0.1, "glare_fraction": 0.0, "cut_share": 0.0,
        "tissue_hue_deg": 85.0, "tissue_chroma": 50.0,
    }  # fmt: skip
    for changed, expected in (
        ({}, ()),
        ({"burden": 0.5}, ("confluent",)),
        ({"glare_fraction": 0.2}, ("heavy_glare",)),
        ({"cut_share": 0.2}, ("cut_off",)),
        ({"tissue_hue_deg": 42.0}, ("unusual_colour",)),
        ({"tissue_chroma": 20.0}, ("unusual_colour",)),
    ):
        table = pd.DataFrame([row | changed])
        assert (*nodule_flags(table, 50.0), *colour_flags(table)) == expected
    assert nodule_flags(pd.DataFrame([row]), None) == ("no_scale",)
