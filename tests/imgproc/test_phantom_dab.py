"""Rendered sections: what they say about themselves agrees with their pixels."""

import dataclasses

import numpy as np
import pytest
from same_results import equal
from scipy import ndimage

from xenoquant.imgproc.phantoms import (
    DabScene,
    random_dab_scene,
    random_fluorescence_scene,
    render_dab,
    render_fluorescence,
)

CLEAR_GLASS = DabScene(
    size_px=(256, 256),
    unspecific_od=0.0,
    gaps=0.1,
    uneven_light=0.0,
    blur_px=0.0,
    full_well=np.inf,
    jpeg_quality=None,
)


def amounts(phantom) -> np.ndarray:
    """Hematoxylin and DAB of every pixel by the inverse of Beer and Lambert's law."""
    value = np.maximum(phantom.rgb.astype(float), 1)
    density = -np.log10(value / phantom.blank)
    return density.reshape(-1, 3) @ np.linalg.pinv(phantom.vectors)


@pytest.mark.parametrize("tissue", ["tumour", "hepatocyte", "stroma"])
@pytest.mark.parametrize("compartment", ["nucleus", "cytoplasm"])
def test_beer_lambert_inverted_returns_the_table(tissue, compartment):
    """Authority: A = log10(I0 / I); what is left is 8-bit rounding."""
    scene = dataclasses.replace(CLEAR_GLASS, tissue=tissue, compartment=compartment,
                                vector_jitter=0.03, positive_od=0.35)  # fmt: skip
    phantom = render_dab(4, scene=scene)
    dab = amounts(phantom)[:, 1].reshape(phantom.nuclei.shape)
    where = phantom.nuclei
    if compartment == "cytoplasm":
        where = np.where(phantom.nuclei > 0, 0, phantom.cells)
    index = np.arange(1, len(phantom.table) + 1)
    size = ndimage.sum_labels(where > 0, where, index)
    level = phantom.table["level_od"].to_numpy()
    fair = (size >= 30) & (level < 0.7)
    assert fair.sum() > 0.5 * len(fair)
    assert np.abs(ndimage.mean(dab, where, index) - level)[fair].max() < 0.01


def test_glass_is_as_bright_as_the_blank():
    """Authority: nothing absorbs where nothing is."""
    phantom = render_dab(1, scene=dataclasses.replace(CLEAR_GLASS, uneven_light=0.5))
    assert np.array_equal(phantom.rgb[~phantom.tissue], phantom.blank[~phantom.tissue])
    assert (~phantom.tissue).mean() == pytest.approx(0.1, abs=0.03)
    assert (phantom.rgb <= phantom.blank).all()


def test_pigment_and_folds_are_no_dab_in_the_table():
    """Authority: hemosiderin and folds darken pixels and leave the truth alone."""
    plain = render_dab(9, scene=dataclasses.replace(CLEAR_GLASS, positive_fraction=0.0))
    scene = dataclasses.replace(CLEAR_GLASS, positive_fraction=0.0, hemosiderin=10, folds=1)
    spoiled = render_dab(9, scene=scene)
    assert equal(plain.table, spoiled.table)
    assert spoiled.rgb.mean() < plain.rgb.mean()
    assert amounts(spoiled)[:, 1].max() > amounts(plain)[:, 1].max() + 0.3


def test_vectors_are_unit_and_vary_only_when_asked():
    """Authority: Ruifrok and Johnston's vectors, scaled to length 1."""
    default = render_dab(1, scene=dataclasses.replace(CLEAR_GLASS, size_px=(64, 64)))
    jittered = render_dab(
        1, scene=dataclasses.replace(CLEAR_GLASS, size_px=(64, 64), vector_jitter=0.05)
    )
    expected = np.array([[0.651, 0.701, 0.290], [0.269, 0.568, 0.778]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(default.vectors, expected)
    assert np.allclose(np.linalg.norm(jittered.vectors, axis=1), 1)
    assert not np.allclose(jittered.vectors, expected, atol=0.005)


def test_random_section_scenes_render_and_keep_their_compartment():
    """Authority: the scene; labels and tables agree for whatever is drawn."""
    for seed in range(6):
        field = render_fluorescence(seed, scene=random_fluorescence_scene(seed))
        section = render_dab(seed, scene=random_dab_scene(seed, compartment="nucleus"))
        for phantom in (field, section):
            assert phantom.nuclei.max() == len(phantom.table)
            assert phantom.table["label"].tolist() == list(range(1, len(phantom.table) + 1))
    assert random_dab_scene(1, compartment="nucleus").compartment == "nucleus"
    assert random_fluorescence_scene(1, compartment="membrane").compartment == "membrane"
