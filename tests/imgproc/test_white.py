"""The white of rendered and drawn slides: their own, of a blank, or given."""

import numpy as np
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.imgproc.stains import StainVectors
from xenoquant.imgproc.tissue import find_tissue
from xenoquant.imgproc.white import choose_white, find_glass
from xenoquant.imgproc.white_level import flat_field, white_level


@pytest.fixture(scope="module")
def field() -> DabPhantom:
    return render_dab(11, scene=DabScene(size_px=(256, 256), gaps=0.3))


def test_flat_field_recovers_shading_under_dust_and_noise() -> None:
    """Known shading, noise and dust: within 0.3 % on average, 1.5 % in the corners (0.006 OD)."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    shading = 240 * (1 - 0.15 * (y**2 + x**2) / 2)
    blank = np.repeat(shading[..., None], 3, axis=2) + rng.normal(0, 2, (300, 400, 3))
    blank[100:104, 200:204] = 90
    flat = flat_field(np.rint(blank).clip(0, 255).astype(np.uint8))
    error = np.abs(flat / shading[..., None] - 1)
    assert error.mean() < 0.003
    assert error.max() < 0.015


def test_white_level_of_a_rendered_slide(field: DabPhantom) -> None:
    """Median of the brightest 5 % band: within 3 % of the rendered blank's brightest place."""
    white = white_level(field.rgb)
    assert white.found
    np.testing.assert_allclose(white.level, flat_field(field.blank).max(axis=(0, 1)), rtol=0.03)


def test_no_white_is_said_and_replaced_by_full_scale() -> None:
    """A field full of brown has no neutral bright part: I0 is 255, flagged."""
    rgb = np.full((64, 64, 3), (180, 130, 90), dtype=np.uint8)
    chosen = choose_white(rgb)
    assert chosen.flags == ("no_white",)
    assert chosen.source == "full scale"
    np.testing.assert_array_equal(chosen.level, [255, 255, 255])


def test_glass_is_glass(field: DabPhantom) -> None:
    """What is called glass by its flatness lies off the rendered tissue."""
    glass = find_glass(field.rgb, white_level(field.rgb).level, um_per_px=field.um_per_px)
    assert glass.mean() > 0.1
    assert field.tissue[glass].mean() < 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shading_is_read_off_the_slide_without_a_blank(seed: int) -> None:
    """Against the rendered blank: within 0.01 OD on average, three times better than one white."""
    field = render_dab(seed, scene=DabScene(gaps=0.2, uneven_light=0.3))
    truth = flat_field(field.blank)
    own = choose_white(field.rgb, um_per_px=field.um_per_px)
    error = np.abs(np.log10(own.level / truth)).mean()
    single = np.abs(np.log10(white_level(field.rgb).level / truth)).mean()
    print(f"mean error of the white: {error:.4f} OD with a surface, {single:.4f} with one level")
    assert own.flags == ("uneven_light",)
    assert error < 0.01
    assert error < single / 3


def test_a_field_without_glass_says_so() -> None:
    """A field rendered full of tissue has no glass to be found."""
    field = render_dab(4, scene=DabScene(gaps=0.0))
    chosen = choose_white(field.rgb, um_per_px=field.um_per_px)
    assert not chosen.glass
    assert "no_glass" in chosen.flags


def test_blank_that_is_darker_than_the_slide_is_flagged(field: DabPhantom) -> None:
    """A lamp turned up by 15 % after the blank was taken makes glass brighter than the blank."""
    dim = (field.blank * 0.85).astype(np.uint8)
    assert choose_white(field.rgb, blank=field.blank).flags == ()
    assert choose_white(field.rgb, blank=dim).flags == ("blank_differs",)


def test_blank_of_another_shape_is_refused(field: DabPhantom) -> None:
    """The message names both shapes and what to do."""
    with pytest.raises(MeasurementError, match=r"128.*256") as raised:
        choose_white(field.rgb, blank=field.blank[:128])
    assert "same camera settings" in raised.value.remedy


def test_given_white_must_be_positive(field: DabPhantom) -> None:
    """A white of 0 would divide by nothing."""
    with pytest.raises(MeasurementError, match="below 1"):
        choose_white(field.rgb, given=(0.0, 240.0, 240.0))


@pytest.mark.parametrize("shading", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("pale_od", [0.12, 0.18])
def test_flat_pale_tissue_is_not_taken_for_glass(pale_od: float, shading: float) -> None:
    """Drawn: an eighth of glass, lit unevenly, beside tissue with nothing but pale hematoxylin.

    The white is the drawn one within 2 % plus the shading, and the tissue all that was drawn.
    """
    rng = np.random.default_rng(0)
    x = np.arange(400)
    tissue = np.broadcast_to(x >= 50, (400, 400))
    light = np.array([240.0, 238.0, 235.0]) * (1 - shading * x / 400)[:, None]
    hematoxylin = np.array(StainVectors().hematoxylin) / np.linalg.norm(StainVectors().hematoxylin)
    rgb = light * 10 ** -(tissue[..., None] * pale_od * hematoxylin)
    rgb = np.rint(rgb + rng.normal(0, 1.2, rgb.shape)).astype(np.uint8)
    chosen = choose_white(rgb, um_per_px=0.5)
    assert np.abs(chosen.level / light - 1).max() < 0.02 + shading
    found = find_tissue(rgb, chosen, um_per_px=0.5).pieces > 0
    assert (found == tissue).mean() > 0.99


def test_glass_on_both_sides_of_an_uneven_field_is_kept() -> None:
    """Drawn: no colour tells one side's glass from the other's, though it is 0.04 OD darker."""
    rng = np.random.default_rng(0)
    x = np.arange(400)
    light = np.array([240.0, 238.0, 235.0]) * (1 - 0.1 * x / 400)[:, None]
    density = 0.3 * ((x > 60) & (x < 340))[:, None] * np.array([1.0, 1.1, 0.4])
    rgb = np.broadcast_to(light * 10**-density, (400, 400, 3)) + rng.normal(0, 1.2, (400, 400, 3))
    glass = choose_white(np.rint(rgb).astype(np.uint8), um_per_px=0.5).seen
    assert glass is not None
    assert glass[:, 10:50].mean() > 0.5
    assert glass[:, 350:390].mean() > 0.5
