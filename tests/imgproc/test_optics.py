"""Optical density against its formula and hand computation; white against rendered truth."""

import numpy as np
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.optics import (
    as_rgb,
    check_bright_field,
    flat_field,
    full_scale,
    is_grey,
    optical_density,
    optical_density_fast,
    transmission_density,
    white_level,
)
from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.imgproc.white import choose_white, find_glass


@pytest.fixture(scope="module")
def field() -> DabPhantom:
    return render_dab(11, scene=DabScene(size_px=(256, 256), gaps=0.3))


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_density_by_hand() -> None:
    """A tenth of 240 is OD 1, the white itself 0, brighter than white 0, black log10(240)."""
    rgb = np.array([[[24, 240, 255], [0, 1, 120]]], dtype=np.uint8)
    expected = [[[1, 0, 0], [np.log10(240), np.log10(240), np.log10(2)]]]
    np.testing.assert_allclose(optical_density(rgb, np.full(3, 240.0)), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("per_pixel", [False, True])
def test_fast_density_equals_the_formula(counts: np.ndarray, dtype: type, per_pixel: bool) -> None:
    """The table look-up against plain numpy, to 1e-6, for one white and a white per pixel."""
    rgb = (counts.astype(dtype) * (1 if dtype is np.uint8 else 200)).astype(dtype)
    white = np.array([240.0, 235.0, 228.0]) * (1 if dtype is np.uint8 else 200)
    if per_pixel:
        white = white * np.linspace(0.8, 1, 30)[None, :, None] * np.ones((40, 1, 1))
    np.testing.assert_allclose(
        optical_density_fast(rgb, white), optical_density(rgb, white), rtol=0, atol=1e-6
    )


def test_full_scale_by_bit_depth() -> None:
    """12 bits in a 16-bit file hold 4095, as the largest count tells; 8-bit files always 255."""
    for largest, expected in [
        (255, 255),
        (256, 1023),
        (4000, 4095),
        (16000, 16383),
        (17000, 65535),
    ]:
        assert full_scale(np.full((1, 1, 3), largest, dtype=np.uint16)) == expected
    assert full_scale(np.zeros((1, 1, 3), dtype=np.uint8)) == 255


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


def test_grey_and_fluorescence_are_refused_and_blank_fields_are_not() -> None:
    """By construction: a grey ramp, a dark field with bright nuclei, an empty bright field."""
    ramp = np.repeat(np.arange(100, 250, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert is_grey(ramp)
    with pytest.raises(MeasurementError, match="grey"):
        check_bright_field(ramp)
    dark = np.zeros((64, 64, 3), dtype=np.uint8)
    dark[20:30, 20:30, 2] = 250
    with pytest.raises(MeasurementError, match="fluorescence"):
        check_bright_field(dark)
    check_bright_field(np.full((8, 8, 3), 245, dtype=np.uint8))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((5, 5), np.uint8), "colour image"),
        (np.zeros((5, 5, 2), np.uint8), "colour image"),
        (np.zeros((0, 5, 3), np.uint8), "colour image"),
        (np.zeros((5, 5, 3), np.float32), "float32"),
    ],
)
def test_what_is_not_a_colour_image_is_refused(image: np.ndarray, reason: str) -> None:
    """Shape and type are named."""
    with pytest.raises(MeasurementError, match=reason):
        as_rgb(image)


def test_alpha_channel_is_dropped(counts: np.ndarray) -> None:
    """The colours of an RGBA image are those of its first three channels."""
    rgba = np.dstack([counts, np.full(counts.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(as_rgb(rgba), counts)


def test_transmission_density_by_hand() -> None:
    """Half the light in all channels is log10(2); brighter than white is negative."""
    rgb = np.array([[[120, 120, 120], [252, 252, 252]]], dtype=np.uint8)
    density = transmission_density(rgb, np.full(3, 240.0))
    np.testing.assert_allclose(density, [[np.log10(2), -np.log10(1.05)]], atol=1e-6)
