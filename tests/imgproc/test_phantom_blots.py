"""Rendered blots: their truth is what their pixels hold."""

import numpy as np
import pytest

from xenoquant.imgproc.phantom_blots import BlotScene, render_blot

PLAIN = {"noise": 0.0, "slope": 0.0, "background": 0.0}


@pytest.mark.parametrize("bands", ["dark", "light"])
@pytest.mark.parametrize(("bits", "most"), [(8, 255), (16, 65535)])
def test_volumes_are_the_sum_of_the_pixels(bands, bits, most):
    """Authority: the pixels themselves, without background and noise; rounding apart."""
    phantom = render_blot(2, scene=BlotScene(bands=bands, bit_depth=bits, **PLAIN))
    image = phantom.image.astype(float)
    light = most - image if bands == "dark" else image
    assert light.sum() == pytest.approx(phantom.bands["volume"].sum(), rel=0.01)


def test_a_bands_volume_is_that_of_its_formula():
    """Authority: the integral of a Gaussian times a soft box: peak · √(2π) σ · width."""
    scene = BlotScene(lanes=2, rows=(0.5,), peaks=((0.4, 0.2),), **PLAIN)
    phantom = render_blot(0, scene=scene)
    width = scene.lane_fill * scene.size_px[1] / 3
    expected = 0.4 * 65535 * np.sqrt(2 * np.pi) * scene.thickness_px * width
    assert phantom.bands["volume"][0] == pytest.approx(expected, rel=1e-3)
    assert phantom.bands["volume"][1] == pytest.approx(expected / 2, rel=1e-3)


def test_the_same_seed_gives_the_same_pixels():
    first, second = render_blot(4), render_blot(4)
    assert (first.image == second.image).all()
    assert (render_blot(5).image != first.image).any()


def test_tilt_and_smile_move_bands_as_asked():
    """Authority: geometry; a clockwise turn lowers what stands on the right."""
    level = render_blot(1, scene=BlotScene(rows=(0.5,), noise=0.0))
    tilted = render_blot(1, scene=BlotScene(rows=(0.5,), noise=0.0, tilt_deg=2.0))
    moved = tilted.bands["y_px"] - level.bands["y_px"]
    expected = np.tan(np.radians(2.0)) * (level.bands["x_px"] - 240)
    assert moved.to_numpy() == pytest.approx(expected.to_numpy(), abs=0.2)
    smiling = render_blot(1, scene=BlotScene(rows=(0.5,), noise=0.0, smile_px=8.0))
    lowered = smiling.bands["y_px"] - level.bands["y_px"]
    assert lowered.iloc[0] > 4 > lowered.iloc[2]


def test_clipping_is_known():
    """Authority: a peak of 1.5 full scales is clipped, one of 0.3 isn't."""
    scene = BlotScene(lanes=2, rows=(0.5,), peaks=((1.5, 0.3),))
    clipped = render_blot(0, scene=scene).bands["clipped_fraction"]
    assert clipped[0] > 0.5
    assert clipped[1] == 0


def test_absent_bands_and_wrong_shapes():
    scene = BlotScene(lanes=3, rows=(0.5,), peaks=((0.5, 0.0, 0.3),))
    assert render_blot(0, scene=scene).bands["lane"].tolist() == [1, 3]
    with pytest.raises(ValueError, match="rows by lanes"):
        render_blot(0, scene=BlotScene(peaks=((1.0,),)))
    with pytest.raises(ValueError, match="8 bits"):
        render_blot(0, scene=BlotScene(jpeg_quality=80))
