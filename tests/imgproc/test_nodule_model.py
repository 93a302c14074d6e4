"""The shipped nodule network: its files, its input, its tiles, and its effect."""

import json

import numpy as np
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.lobe_patch import lobe_patch
from xenoquant.imgproc.lungs import find_lobes
from xenoquant.imgproc.nodule_candidates import FEATURES
from xenoquant.imgproc.nodule_model import Judge, read_judge, shipped_model, terms
from xenoquant.imgproc.nodule_network import (
    JUDGE,
    NETWORK,
    PLANES,
    VIEWS,
    averaged,
    drawn_maps,
    patch_planes,
    spans,
    tissue_level,
    turned,
    turned_back,
)
from xenoquant.imgproc.nodules import measure_nodules
from xenoquant.imgproc.phantoms import LungScene, render_lungs


def one_lobe(seed, **changes):
    scene = LungScene(size_px=(420, 560), px_per_mm=28.0, ruler=False, **changes)
    return render_lungs(seed, scene=scene)


@pytest.fixture(scope="module")
def patch():
    lung = one_lobe(1, nodules=12)
    return lobe_patch(lung.rgb, find_lobes(lung.rgb, px_per_mm=28.0), 1)


@pytest.mark.parametrize("file", [NETWORK, JUDGE])
def test_damaged_and_missing_files_are_refused(file):
    """Authority: the SHA-256 of the file; one bit of it turned."""
    content = file.read()
    assert len(content) < 3_000_000
    damaged = bytearray(content)
    damaged[100] ^= 1
    with pytest.raises(MeasurementError, match="damaged"):
        file.checked(bytes(damaged))
    with pytest.raises(MeasurementError, match="not in this installation"):
        file.checked(None)


def test_bytes_that_are_no_network_are_refused():
    """Authority: the first thousand bytes of the file."""
    with pytest.raises(MeasurementError, match="can't be read"):
        NETWORK.session(NETWORK.read()[:1000])


def test_a_judge_of_other_features_is_refused():
    """Authority: a judge whose features have other names."""
    kept = json.loads(JUDGE.read())
    assert tuple(kept["features"]) == FEATURES
    kept["features"][0] = "colour"
    with pytest.raises(MeasurementError, match="colour"):
        read_judge(json.dumps(kept))


def test_a_judge_is_the_logistic_function_of_its_terms():
    """Authority: hand computation: terms a, b, a², ab, b², and 1 / (1 + e^-z)."""
    rows = np.array([[2.0, 3.0]])
    np.testing.assert_array_equal(terms(rows), [[2, 3, 4, 6, 9]])
    judge = Judge(np.array([1.0, 0, 0, -0.5, 0]), bias=0.5)
    assert judge.chance(rows)[0] == pytest.approx(1 / (1 + np.exp(0.5)))


def test_planes_tell_colour_against_the_lobes_own(patch):
    """Authority: the lobe's own level; twice the light leaves the log ratios as they are."""
    planes = patch_planes(patch)
    assert planes.shape == (PLANES, *patch.mask.shape)
    assert np.isfinite(planes).all()
    plain = np.abs(planes[:3]).max(axis=0) < 0.1
    assert plain[patch.mask].mean() > 0.2
    assert np.all(planes[5][patch.mask] == 1)
    assert np.all(planes[6][patch.mask] > 0)
    assert np.all(tissue_level(patch)[0] > tissue_level(patch)[2])


def test_tiles_give_what_the_whole_gives(patch):
    """Authority: the network run over the whole patch at once."""
    session = shipped_model().session
    whole, tiled = (drawn_maps(patch, session, tile_px=side) for side in (512, 64))
    on = patch.mask
    np.testing.assert_allclose(tiled.inside[on], whole.inside[on], atol=2e-3)
    np.testing.assert_allclose(tiled.cone[on], whole.cone[on], atol=2e-3)


def test_a_tile_turned_or_mirrored_gets_the_same_maps_turned_or_mirrored():
    """Authority: symmetry; a mean over all eight views can't prefer one. The way's component
    along a mirrored axis changes its sign."""
    session = shipped_model().session
    planes = np.random.default_rng(3).normal(0, 0.5, (PLANES, 48, 64)).astype(np.float32)
    maps = averaged(session, planes)
    upside_down = averaged(session, planes[:, ::-1])[:, ::-1]
    transposed = averaged(session, planes.transpose(0, 2, 1)).transpose(0, 2, 1)
    np.testing.assert_allclose(maps[:3], upside_down[:3], atol=1e-4)
    np.testing.assert_allclose(maps[3], -upside_down[3], atol=1e-4)
    np.testing.assert_allclose(maps[4], upside_down[4], atol=1e-4)
    np.testing.assert_allclose(maps[[0, 1, 2, 4, 3]], transposed, atol=1e-4)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_turned_back_is_the_tile(view):
    """Authority: the tile; the way to a pixel's own middle points where it did, whatever the
    view: here each map holds the way from a corner, which a view turns along."""
    rows, columns = np.indices((4, 6), np.float32)
    middle = np.stack([rows - 1.5, columns - 2.5])
    seen = turned(np.concatenate([np.stack([rows, columns, rows]), middle]), view)
    height, width = seen.shape[1:]
    # in the view the way from its own middle is again row and column less their mean
    way = np.indices((height, width)) - np.array([height - 1, width - 1])[:, None, None] / 2
    back = turned_back(np.concatenate([seen[:3], way]).astype(np.float32), view)
    np.testing.assert_array_equal(back[:3], np.stack([rows, columns, rows]))
    np.testing.assert_array_equal(back[3:], middle)


def test_spans_cover_a_side_once():
    """Authority: every step of 16 of the side in one span."""
    for side in (16, 112, 528, 1040):
        covered = [k for start, stop in spans(side, 512) for k in range(start, stop)]
        assert covered == list(range(side))


def test_nodules_of_rendered_lobes_are_counted():
    """Authority: the renderer's count, over four lobes of light glare, within a sixth."""
    true = counted = 0
    for seed, count in ((41, 6), (42, 12), (43, 20), (44, 0)):
        lung = one_lobe(seed, nodules=count, diameter_mm=(0.4, 2.0), glare=0.1, hilum=False)
        found = len(measure_nodules(lung.rgb, px_per_mm=28.0).objects)
        visible = int((lung.table["visible_fraction"] >= 0.5).sum())
        print(f"seed {seed}: true {visible}, counted {found}")
        true, counted = true + visible, counted + found
    assert counted == pytest.approx(true, rel=1 / 6)
