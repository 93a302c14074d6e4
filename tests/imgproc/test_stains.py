"""Stain unmixing against its plain form and rendered truth; estimation on rendered fields."""

import numpy as np
import pytest
from skimage.color import rgb2hed

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.optics import optical_density
from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.imgproc.stain_estimates import (
    StainEstimate,
    estimate_stains,
    macenko,
    macenko_estimate,
    single_stain_vector,
)
from xenoquant.imgproc.stains import (
    DAB,
    HEMATOXYLIN,
    StainVectors,
    nuclear_signal,
    off_colour_deg,
    off_mixtures,
    separate,
    unmix,
)
from xenoquant.imgproc.white_level import flat_field

WHITE = np.array([242.0, 240.0, 233.0])


def angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    cosine = np.dot(first, second) / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def tissue_density(field: DabPhantom) -> np.ndarray:
    return optical_density(field.rgb, flat_field(field.blank))[field.tissue]


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (50, 40, 3), dtype=np.uint8)


def test_unmixing_gives_back_what_was_mixed() -> None:
    """By construction: 0.5 hematoxylin, 0.3 DAB and -0.1 residual along the unit vectors."""
    vectors = StainVectors()
    amounts = np.array([0.5, 0.3, -0.1])
    np.testing.assert_allclose(unmix(amounts @ vectors.matrix(), vectors), amounts, atol=1e-12)


def test_default_vectors_are_qupaths_and_residual_is_perpendicular() -> None:
    """QuPath's 0.65111 0.70119 0.29049 and 0.26917 0.56824 0.77759, to three decimals."""
    matrix = StainVectors().matrix()
    np.testing.assert_allclose(matrix[0], [0.65111, 0.70119, 0.29049], atol=1e-3)
    np.testing.assert_allclose(matrix[1], [0.26917, 0.56824, 0.77759], atol=1e-3)
    np.testing.assert_allclose(matrix[:2] @ matrix[2], 0, atol=1e-12)


@pytest.mark.parametrize("per_pixel", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_fused_unmixing_equals_the_plain_form(
    counts: np.ndarray, per_pixel: bool, dtype: type
) -> None:
    """``separate`` against ``unmix(optical_density(…))``, to 1e-6."""
    factor = 1 if dtype is np.uint8 else 257
    rgb = counts.astype(dtype) * dtype(factor)
    white = WHITE * factor
    if per_pixel:
        white = white * np.linspace(0.8, 1.0, 40)[None, :, None] * np.ones((50, 1, 1))
    vectors = StainVectors((0.6, 0.7, 0.4), (0.3, 0.5, 0.8))
    plain = np.moveaxis(unmix(optical_density(rgb, white), vectors), 2, 0)
    np.testing.assert_allclose(separate(rgb, white, vectors), plain, rtol=0, atol=1e-6)


def test_rgb2hed_is_another_unit() -> None:
    """On a white of 255, a pixel of 0.6 OD DAB: rgb2hed's unit is a sixth of an OD and its
    third stain is eosin, so its DAB is neither 0.6 nor 0.1 but what its own vectors give.
    """
    density = 0.6 * StainVectors().matrix()[1]
    rgb = np.rint(255 * 10**-density).astype(np.uint8)[None, None]
    ours = separate(rgb, np.full(3, 255.0), StainVectors())[1, 0, 0]
    theirs = rgb2hed(rgb)[0, 0, 2]
    assert ours == pytest.approx(0.6, abs=0.01)
    assert theirs * 6 == pytest.approx(ours, abs=0.05)
    assert theirs < 0.2 * ours
    # on a lamp whose white is 220 the same stain reads differently in rgb2hed only
    dim = np.rint(220 * 10**-density).astype(np.uint8)[None, None]
    assert separate(dim, np.full(3, 220.0), StainVectors())[1, 0, 0] == pytest.approx(0.6, abs=0.01)
    assert abs(rgb2hed(dim)[0, 0].sum() - rgb2hed(rgb)[0, 0].sum()) * 6 > 0.05


def test_single_stains_give_their_colours() -> None:
    """By construction: pixels along one vector give it back, whatever lies with them that is clear
    or black; too few of them, or the other stain, are refused in words.
    """
    blue = np.outer(np.linspace(0.16, 1, 500), HEMATOXYLIN) * 1.05
    brown = np.outer(np.linspace(0.16, 1, 500), (0.3, 0.5, 0.8))
    beside = np.array([[0.01, 0.0, 0.05], [2.2, 2.2, 2.2]])
    found = single_stain_vector(np.concatenate([blue, beside]), "hematoxylin")
    assert angle_deg(np.array(found), np.array(HEMATOXYLIN)) < 1e-3
    found = single_stain_vector(brown, "DAB")
    assert angle_deg(np.array(found), np.array((0.3, 0.5, 0.8))) < 1e-3
    with pytest.raises(MeasurementError, match="Only 50 pixels are stained"):
        single_stain_vector(blue[-50:], "hematoxylin")
    with pytest.raises(MeasurementError, match="has the colour of DAB"):
        single_stain_vector(brown, "hematoxylin")


def test_macenko_finds_two_pure_stains() -> None:
    """By construction: mixtures of two known vectors with 0.01 OD of noise, within 3 degrees."""
    rng = np.random.default_rng(1)
    truth = StainVectors((0.7, 0.65, 0.3), (0.25, 0.5, 0.83))
    shares = rng.dirichlet((0.4, 0.4), 20000) * rng.uniform(0.3, 1.0, (20000, 1))
    density = shares @ truth.matrix()[:2] + rng.normal(0, 0.01, (20000, 3))
    found = macenko(density)
    assert angle_deg(np.array(found.hematoxylin), np.array(truth.hematoxylin)) < 3
    assert angle_deg(np.array(found.dab), np.array(truth.dab)) < 3
    with pytest.raises(MeasurementError, match="too few"):
        macenko(density[:50])


@pytest.mark.parametrize("positive_fraction", [0.1, 0.6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_estimate_comes_closer_than_the_defaults(seed: int, positive_fraction: float) -> None:
    """Against the rendered vectors, turned away from the defaults: both within 4 degrees."""
    scene = DabScene(
        positive_fraction=positive_fraction,
        hematoxylin_vector=(0.72, 0.64, 0.26),
        dab_vector=(0.33, 0.55, 0.76),
        vector_jitter=0.02,
    )
    field = render_dab(seed, scene=scene)
    found = estimate_stains(tissue_density(field))
    assert found.hematoxylin_estimated
    assert found.dab_estimated
    errors = [
        angle_deg(np.array(vector), truth)
        for vector, truth in zip(
            (found.vectors.hematoxylin, found.vectors.dab), field.vectors, strict=True
        )
    ]
    default = angle_deg(np.array(HEMATOXYLIN), field.vectors[0])
    print(f"hematoxylin {errors[0]:.1f} degrees off (default {default:.1f}), DAB {errors[1]:.1f}")
    assert max(errors) < 4
    assert errors[0] < default


def test_a_nuclear_marker_keeps_the_default_dab() -> None:
    """No rendered pixel shows nuclear DAB alone, so its vector isn't estimated."""
    field = render_dab(1, scene=DabScene(compartment="nucleus", positive_fraction=0.5))
    found = estimate_stains(tissue_density(field), dab=False)
    assert found.vectors.dab == DAB
    assert not found.dab_estimated


def test_a_foreign_pigment_is_not_taken_for_dab() -> None:
    """Brown 14 degrees off DAB (old hemosiderin) leaves the default vector in place."""
    rng = np.random.default_rng(2)
    pigment = np.outer(rng.uniform(0.5, 1.0, 5000), (0.187, 0.374, 0.908))
    blue = np.outer(rng.uniform(0.5, 1.0, 5000), HEMATOXYLIN)
    found = estimate_stains(np.vstack([pigment, blue]) + rng.normal(0, 0.01, (10000, 3)))
    assert found.hematoxylin_estimated
    assert not found.dab_estimated
    assert found.vectors.dab == DAB


def test_nothing_to_estimate_from_gives_the_defaults() -> None:
    """Clear pixels and no pixels at all."""
    for density in (np.zeros((0, 3)), np.full((1000, 3), 0.01)):
        found = estimate_stains(density)
        assert found.vectors == StainVectors()
        assert not found.hematoxylin_estimated
        assert not found.dab_estimated


def test_vectors_that_point_the_same_way_are_refused() -> None:
    """Two stains 2 degrees apart can't be told apart."""
    with pytest.raises(MeasurementError, match="same way"):
        StainVectors((0.6, 0.7, 0.3), (0.61, 0.7, 0.32)).matrix()
    with pytest.raises(MeasurementError, match="not all zero"):
        StainVectors((0.0, 0.0, 0.0)).matrix()


def test_off_colour_angle_by_construction() -> None:
    """Mixtures are at 0; a colour built 20 degrees out of the stains' plane is at 20 degrees; one
    yellower than DAB in the plane is off by its angle to DAB.
    """
    vectors = StainVectors()
    first, second, residual = vectors.matrix()
    out = np.cos(np.deg2rad(20)) * second + np.sin(np.deg2rad(20)) * residual
    beyond = second - (first @ second) * first  # in the plane, away from hematoxylin
    density = np.array([[0.3 * first + 0.4 * second, 0.5 * out, 0.5 * beyond, 0 * first]])
    amounts = np.moveaxis(unmix(density, vectors), 2, 0).astype(np.float32)
    expected = [0, 20, angle_deg(beyond, second), 0]
    np.testing.assert_allclose(off_colour_deg(amounts, vectors)[0], expected, atol=0.05)


def test_nuclear_signal_shows_brown_as_much_as_blue() -> None:
    """By construction: a blue nucleus of 0.5, a brown one of 1.5 and the ground come out as the
    same two levels.
    """
    hematoxylin = np.zeros((40, 40), np.float32)
    dab = np.zeros_like(hematoxylin)
    hematoxylin[5:15, 5:15] = 0.5
    dab[25:35, 25:35] = 1.5
    signal = nuclear_signal(hematoxylin, dab)
    assert signal[30, 30] == signal[10, 10] == pytest.approx(0.5)
    assert signal[0, 0] == 0
    assert (nuclear_signal(np.zeros_like(dab), dab) == dab).all()


@pytest.mark.parametrize("degrees", [3.0, 6.0, 10.0, 40.0])
def test_off_mixtures_is_the_angle_above_a_limit(degrees: float) -> None:
    """The plain way: `off_colour_deg` compared, on random amounts; ties within rounding."""
    amounts = np.random.default_rng(2).normal(0.2, 0.3, (3, 60, 70)).astype(np.float32)
    amounts[:, :5] = 0
    vectors = StainVectors()
    angle = off_colour_deg(amounts, vectors)
    found = off_mixtures(amounts, vectors, degrees)
    clear = np.abs(angle - degrees) > 1e-3
    np.testing.assert_array_equal(found[clear], angle[clear] > degrees)
    assert not found[:5].any()
    within = np.random.default_rng(3).random(found.shape) < 0.5
    inside = off_mixtures(amounts, vectors, degrees, within)
    np.testing.assert_array_equal(inside, found & within)


def test_macenko_falls_back_to_the_usual_vectors() -> None:
    """By construction: both stains mixed are found; one stain alone, or too few pixels, are not."""
    rng = np.random.default_rng(4)
    vectors = StainVectors((0.62, 0.72, 0.31), (0.25, 0.55, 0.79)).matrix()
    mixed = rng.uniform(0, 0.6, (5000, 2)) @ vectors[:2]
    found = macenko_estimate(mixed)
    assert found.hematoxylin_estimated
    angles = np.degrees(np.arccos(np.sum(found.vectors.matrix() * vectors, axis=1)))
    assert angles[:2].max() < 3
    single = rng.uniform(0.2, 0.6, (5000, 1)) * vectors[0]
    for sample in (single, mixed[:50]):
        assert macenko_estimate(sample) == StainEstimate(StainVectors(), False, False)
