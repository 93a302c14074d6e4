"""The shipped model: plain arrays that can be read anywhere, sizes, and its effect."""

import importlib.resources
import io

import numpy as np
import pytest

from xenoquant.imgproc.lobe_patch import lobe_patch
from xenoquant.imgproc.lungs import find_lobes
from xenoquant.imgproc.nodule_candidates import FEATURES
from xenoquant.imgproc.nodule_features import context_features, pixel_features, surface
from xenoquant.imgproc.nodule_model import cone_map, read_model, shipped_model
from xenoquant.imgproc.nodules import measure_nodules
from xenoquant.imgproc.phantoms import LungScene, render_lungs


@pytest.fixture(scope="module")
def weights():
    path = importlib.resources.files("xenoquant.data").joinpath("weights/nodules.npz")
    return path.read_bytes()


def test_weights_are_plain_arrays_of_a_few_hundred_kilobytes(weights):
    """Authority: the file; numpy refuses pickled objects when told so."""
    assert len(weights) < 600_000
    with np.load(io.BytesIO(weights), allow_pickle=False) as archive:
        assert {archive[name].dtype.kind for name in archive.files} <= set("fiu")


def test_weights_survive_writing_and_reading(weights):
    """Authority: the arrays themselves."""
    model = read_model(weights)
    buffer = io.BytesIO()
    np.savez(buffer, **model.arrays())
    again = read_model(buffer.getvalue())
    rows = np.random.default_rng(0).normal(0, 1, (500, len(FEATURES))).astype(np.float32)
    np.testing.assert_array_equal(model.judge.predict(rows), again.judge.predict(rows))


def one_lobe(seed, **changes):
    scene = LungScene(size_px=(420, 560), px_per_mm=28.0, ruler=False, **changes)
    return render_lungs(seed, scene=scene)


def test_trees_ask_for_the_features_there_are():
    """Authority: the lists of features."""
    lung = one_lobe(1, nodules=5)
    lobe = surface(lobe_patch(lung.rgb, find_lobes(lung.rgb, px_per_mm=28.0), 1))
    layers = pixel_features(lobe)
    model = shipped_model()
    cone = cone_map(lobe, model)
    assert model.first.feature.max() < len(layers)
    assert model.second.feature.max() < len(layers) + len(context_features(cone, lobe))
    assert model.judge.feature.max() < len(FEATURES)
    assert cone.min() >= 0
    assert cone.max() <= 1
    assert not cone[~lobe.mask].any()


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
