"""Rendered fields: what they say about themselves agrees with their pixels."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from xenoquant.imgproc.phantom_cells import border_distance
from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    render_dab,
    render_fluorescence,
)

BRIGHT = FluorescenceScene(
    size_px=(256, 256),
    positive_photons=8000.0,
    negative_photons=1000.0,
    autofluorescence_photons=0.0,
    background_photons=0.0,
    uneven_background=0.0,
    debris=0,
    blur_um=0.0,
    gain=1.0,
    read_noise=0.0,
    bit_depth=16,
)


def test_empty_field_has_poisson_noise_and_the_stated_background():
    """Authority: variance = gain² mean photons + read noise²; mean = offset + gain photons."""
    scene = FluorescenceScene(
        nuclei_per_mm2=0.0, uneven_background=0.0, debris=0, background_photons=20.0
    )
    phantom = render_fluorescence(1, scene=scene)
    marker = phantom.channels["marker"].astype(float)
    assert np.allclose(phantom.background, scene.offset + scene.gain * 20)
    assert marker.mean() == pytest.approx(phantom.background.mean(), rel=0.002)
    assert marker.var() == pytest.approx(scene.gain**2 * 20 + scene.read_noise**2, rel=0.02)
    assert len(phantom.table) == 0
    assert phantom.nuclei.max() == 0
    assert str(phantom.table["positive"].dtype) == "bool"


@pytest.mark.parametrize("compartment", ["nucleus", "cytoplasm", "membrane"])
def test_level_is_the_mean_over_the_stained_part(compartment):
    """Authority: the definition; what is left is photon noise (under 1 % a cell)."""
    phantom = render_fluorescence(3, scene=dataclasses.replace(BRIGHT, compartment=compartment))
    index = np.arange(1, len(phantom.table) + 1)
    grey = phantom.channels["marker"] - phantom.background
    measured = ndimage.mean(grey, phantom.stained, index)
    size = ndimage.sum_labels(phantom.stained > 0, phantom.stained, index)
    big = size >= 30
    assert big.sum() > 0.6 * len(big)
    assert np.allclose(measured[big], phantom.table["level"].to_numpy()[big], rtol=0.03)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.7, 1.0])
def test_positive_fraction_is_exact_in_both_kinds_of_section(fraction):
    """Authority: the nearest whole number of cells."""
    small = {"size_px": (256, 256), "positive_fraction": fraction}
    for table in (
        render_fluorescence(2, scene=FluorescenceScene(**small)).table,
        render_dab(2, scene=DabScene(**small)).table,
    ):
        assert table["positive"].sum() == round(fraction * len(table))


def test_control_has_the_levels_of_negative_cells():
    """Authority: both are log-normal with the scene's median and spread."""
    scene = FluorescenceScene(positive_fraction=0.5)
    control = render_fluorescence(1, scene=dataclasses.replace(scene, control=True)).table
    stained = render_fluorescence(2, scene=scene).table
    assert not control["positive"].any()
    negative = stained.loc[~stained["positive"], "level"]
    for level in (control["level"], negative):
        spread = scene.negative_log_sd
        error = np.log(level).mean() - np.log(scene.gain * scene.negative_photons)
        assert abs(error) < 4 * spread / np.sqrt(len(level))
        assert np.log(level).std() == pytest.approx(spread, rel=0.25)


def test_cells_contain_their_nuclei_and_the_compartments_are_where_they_belong():
    """Authority: the definitions of nucleus, cell, cytoplasm and membrane."""
    for compartment in ("nucleus", "cytoplasm", "membrane"):
        scene = FluorescenceScene(size_px=(256, 256), compartment=compartment, touching=0.6)
        phantom = render_fluorescence(5, scene=scene)
        nuclear = phantom.nuclei > 0
        assert np.array_equal(phantom.cells[nuclear], phantom.nuclei[nuclear])
        assert set(np.unique(phantom.nuclei)) == set(range(len(phantom.table) + 1))
        lit = phantom.stained > 0
        assert np.array_equal(phantom.stained[lit], phantom.cells[lit])
        assert compartment != "nucleus" or np.array_equal(lit, nuclear)
        assert compartment != "cytoplasm" or np.array_equal(lit, (phantom.cells > 0) & ~nuclear)
        assert compartment != "membrane" or not (lit & (phantom.membranes == 0)).any()


def outline_share(cells: np.ndarray, stained: np.ndarray, label: int) -> float:
    """Stained share of a cell's outline, pixel by pixel."""
    whole = part = 0
    height, width = cells.shape
    for y, x in np.argwhere(cells == label):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        inside = [p for p in around if 0 <= p[0] < height and 0 <= p[1] < width]
        if any(cells[p] != label for p in inside):
            whole += 1
            part += int(stained[y, x] == label)
    return part / whole


def test_completeness_is_the_stained_share_of_the_outline():
    """Authority: the slow count, pixel by pixel; and the range asked for."""
    scene = FluorescenceScene(size_px=(256, 256), compartment="membrane", completeness=(0.3, 0.9))
    phantom = render_fluorescence(7, scene=scene)
    table = phantom.table
    positive = table[table["positive"]]
    for row in positive.head(12).itertuples():
        share = outline_share(phantom.cells, phantom.stained, row.label)
        assert row.completeness == pytest.approx(share, abs=1e-12)
    assert positive["completeness"].quantile(0.05) > 0.2
    assert positive["completeness"].quantile(0.95) < 0.97
    assert (table.loc[~table["positive"], "completeness"] == 0).all()
    nucleus = render_fluorescence(7, scene=dataclasses.replace(scene, compartment="nucleus"))
    assert nucleus.table["completeness"].isna().all()


def test_border_distance_by_hand():
    """Two cells of 4 x 3 pixels side by side: rings of 1 and 2, also at their common border."""
    cells = np.zeros((6, 8), np.int32)
    cells[1:5, 1:4], cells[1:5, 4:7] = 1, 2
    distance = border_distance(cells)
    assert distance[1:5, 1].tolist() == [1, 1, 1, 1]
    assert distance[1:5, 3].tolist() == [1, 1, 1, 1]
    assert distance[2, 2] == 2
    assert distance[2, 5] == 2
