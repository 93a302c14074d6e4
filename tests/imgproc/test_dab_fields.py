"""DAB of a field: its tables and labels agree, odd fields are flagged or refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from classed_cells import scores, true_scores
from scipy import ndimage

from xenoquant.imgproc.dab import DabOptions, measure_dab, stain_sample
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.imgproc.stains import StainVectors, separate
from xenoquant.imgproc.white import choose_white

COLUMNS = [
    "object", "y_px", "x_px", "area_um2", "area_px", "dab_nucleus_od", "dab_cytoplasm_od",
    "dab_cell_od", "hematoxylin_nucleus_od",
]  # fmt: skip


@pytest.fixture(scope="module")
def field() -> DabPhantom:
    return render_dab(71, scene=DabScene(size_px=(256, 256), positive_fraction=0.4))


def test_labels_tables_and_histogram_agree(field: DabPhantom) -> None:
    """Areas, counts and means recomputed from the label images themselves."""
    measured = measure_dab(field.rgb, um_per_px=0.5, blank=field.blank)
    nuclei, cells, tissue = (measured.labels[name] for name in ("nuclei", "cells", "tissue"))
    assert measured.objects.columns.tolist() == COLUMNS
    assert measured.objects["object"].tolist() == list(range(1, nuclei.max() + 1))
    np.testing.assert_array_equal(np.bincount(cells.ravel())[1:], measured.objects["area_px"])
    np.testing.assert_allclose(measured.objects["area_um2"], measured.objects["area_px"] * 0.25)
    assert ((nuclei == 0) | (nuclei == cells)).all()
    assert (tissue[cells > 0] > 0).all()
    assert measured.profiles["dab_od_histogram"].sum() == (tissue > 0).sum()
    assert measured.regions["area_px"].sum() == (tissue > 0).sum()
    np.testing.assert_allclose(
        measured.regions["area_mm2"].sum(), (tissue > 0).sum() * 0.25e-6, rtol=1e-9
    )
    vectors = StainVectors(
        tuple(measured.notes["hematoxylin_vector"]), tuple(measured.notes["dab_vector"])
    )
    white = choose_white(field.rgb, blank=field.blank).level
    dab = separate(field.rgb, white, vectors)[1]
    np.testing.assert_allclose(
        ndimage.mean(dab, cells, np.arange(1, cells.max() + 1)),
        measured.objects["dab_cell_od"],
        atol=1e-6,
    )


def test_histogram_counts_the_tissues_pixels(field: DabPhantom) -> None:
    """numpy's count of bins of 0.001 OD on the separated image, pixel for pixel."""
    white = np.array([242.0, 240.0, 236.0])
    measured = measure_dab(field.rgb, um_per_px=0.5, options=DabOptions(white=tuple(white)))
    vectors = StainVectors(
        tuple(measured.notes["hematoxylin_vector"]), tuple(measured.notes["dab_vector"])
    )
    dab = separate(field.rgb, white, vectors)[1][measured.labels["tissue"] > 0]
    bins = np.clip(dab * np.float64(1000), 0, 2999).astype(int)
    np.testing.assert_array_equal(
        measured.profiles["dab_od_histogram"], np.bincount(bins, minlength=3000)
    )


def test_same_input_same_output_and_cut_offs_change_no_measurement(field: DabPhantom) -> None:
    """Twice the same, and again with other cut-offs: they are applied to stored measurements."""
    first = measure_dab(field.rgb, um_per_px=0.5)
    for options in (DabOptions(), DabOptions(cutoffs_od=(0.05, 0.1, 1.2))):
        again = measure_dab(field.rgb, um_per_px=0.5, options=options)
        pd.testing.assert_frame_equal(first.objects, again.objects)
        pd.testing.assert_frame_equal(first.regions, again.regions)
        np.testing.assert_array_equal(first.labels["cells"], again.labels["cells"])


def test_sixteen_bits_measure_as_eight(field: DabPhantom) -> None:
    """The same picture with its counts times 257 (16 bits) or 16 (12 bits) gives the same cells,
    within what rounding does, and says its full scale.
    """
    eight = measure_dab(field.rgb, um_per_px=0.5, blank=field.blank)
    for factor, full in ((257, 65535), (16, 4095)):
        rgb, blank = (image.astype(np.uint16) * factor for image in (field.rgb, field.blank))
        more = measure_dab(rgb, um_per_px=0.5, blank=blank)
        assert more.notes["full_scale"] == full
        assert len(more.objects) == pytest.approx(len(eight.objects), abs=2)
        assert scores(more, "cytoplasm")["h_score"] == pytest.approx(
            scores(eight, "cytoplasm")["h_score"], abs=3
        )


def test_without_scale_areas_are_unknown_and_levels_are_not(field: DabPhantom) -> None:
    """No pixel size: areas NaN, flagged, and the H-score within 10 of the one with it."""
    known = measure_dab(field.rgb, um_per_px=0.5, blank=field.blank)
    unknown = measure_dab(field.rgb, um_per_px=None, blank=field.blank)
    assert "no_scale" in unknown.flags
    assert unknown.objects["area_um2"].isna().all()
    assert np.isnan(scores(unknown, "cytoplasm")["tissue_area_mm2"])
    assert scores(unknown, "cytoplasm")["h_score"] == pytest.approx(
        scores(known, "cytoplasm")["h_score"], abs=10
    )


def test_coarse_pixels_are_flagged_because_levels_come_out_low() -> None:
    """The same kind of field rendered at 0.5 and 0.9 µm a pixel: the coarse one falls short of its
    true H-score by more, and is flagged.
    """
    missing = {}
    for um_per_px in (0.5, 0.9):
        scene = DabScene(um_per_px=um_per_px, positive_fraction=0.5, blur_px=1.0, jpeg_quality=85)
        rendered = render_dab(91, scene=scene)
        measured = measure_dab(rendered.rgb, um_per_px=um_per_px, blank=rendered.blank)
        levels = rendered.table["level_od"].to_numpy() + scene.unspecific_od
        missing[um_per_px] = true_scores(levels)[0] - scores(measured, "cytoplasm")["h_score"]
        assert ("coarse_pixels" in measured.flags) == (um_per_px > 0.6)
    print(f"H-score below the truth: {missing[0.5]:.1f} at 0.5 µm, {missing[0.9]:.1f} at 0.9 µm")
    assert missing[0.9] > missing[0.5]


@pytest.mark.parametrize("shape", [(200, 200), (5, 7), (1, 1)])
def test_an_empty_field_is_a_measurement_of_zero(shape: tuple[int, int]) -> None:
    """All white, also tiny: no tissue, no cell, all columns there with their types."""
    measured = measure_dab(np.full((*shape, 3), 244, np.uint8), um_per_px=0.5)
    assert len(measured.objects) == len(measured.regions) == 0
    assert measured.objects.columns.tolist() == COLUMNS
    assert measured.objects["object"].dtype == np.int64
    assert measured.objects["dab_cell_od"].dtype == np.float64
    found = scores(measured, "cytoplasm")
    assert found["cells"] == 0
    assert found["tissue_area_mm2"] == 0
    assert np.isnan([found[name] for name in ("h_score", "allred", "positive_area_fraction")]).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (12, 12)])
def test_tiny_stained_images_pass(shape: tuple[int, int], field: DabPhantom) -> None:
    """Crops of a rendered field down to one pixel: counts stay within what fits."""
    crop = np.ascontiguousarray(field.rgb[: shape[0], : shape[1]])
    measured = measure_dab(crop, um_per_px=0.5)
    assert len(measured.objects) <= crop[..., 0].size
    assert measured.labels["nuclei"].shape == shape


def test_unsuitable_images_are_refused() -> None:
    """Grey and dark-field images, with what to do instead."""
    grey = np.repeat(np.random.default_rng(0).integers(90, 250, (50, 50, 1), np.uint8), 3, axis=2)
    with pytest.raises(MeasurementError, match="grey") as raised:
        measure_dab(grey, um_per_px=0.5)
    assert "colour image" in raised.value.remedy
    with pytest.raises(MeasurementError, match="fluorescence") as raised:
        measure_dab(np.zeros((50, 50, 3), np.uint8), um_per_px=0.5)
    assert "method fluorescence" in raised.value.remedy


def test_no_white_is_flagged(field: DabPhantom) -> None:
    """A rendered field through a brown filter: no neutral bright part, full scale stands in."""
    rgb = (field.rgb * np.array([0.8, 0.6, 0.4])).astype(np.uint8)
    measured = measure_dab(rgb, um_per_px=0.5)
    assert "no_white" in measured.flags
    assert measured.notes["white"] == [255, 255, 255]


def test_given_vectors_are_used(field: DabPhantom) -> None:
    """The true vectors, given, are what is recorded, and nothing is estimated."""
    first, second = (tuple(float(value) for value in vector) for vector in field.vectors)
    options = DabOptions(hematoxylin_vector=first, dab_vector=second)
    notes = measure_dab(field.rgb, um_per_px=0.5, options=options).notes
    assert tuple(notes["hematoxylin_vector"]) == first
    assert tuple(notes["dab_vector"]) == second
    assert not notes["hematoxylin_estimated"]
    assert not notes["dab_estimated"]


def test_stain_sample_is_tissue(field: DabPhantom) -> None:
    """At most the pixels asked for, and denser than glass: the sample comes from the tissue."""
    sample = stain_sample(field.rgb, um_per_px=0.5, blank=field.blank, pixels=1000)
    assert 400 < len(sample) <= 1000
    assert np.median(np.linalg.norm(sample, axis=1)) > 0.05


def test_a_segmenter_can_be_given(field: DabPhantom) -> None:
    """With the true nuclei as the segmenter's answer, every nucleus comes back as a cell."""

    def truth(image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        return field.nuclei

    finder: Callable[[np.ndarray, float | None], np.ndarray] = truth
    measured = measure_dab(field.rgb, um_per_px=0.5, blank=field.blank, segmenter=finder)
    assert len(measured.objects) == pytest.approx(len(field.table), rel=0.05)


def test_a_whole_slides_region_of_another_stain_is_flagged(shared_data: Path) -> None:
    """The H&E slide is no H-DAB slide, and nothing breaks on it."""
    openslide = pytest.importorskip("openslide")
    with openslide.OpenSlide(str(shared_data / "whole_slide" / "cmu_small_region.svs")) as slide:
        rgb = np.asarray(slide.read_region((900, 1500), 0, (600, 600)))[..., :3]
    measured = measure_dab(rgb, um_per_px=0.499)
    assert "other_stain" in measured.flags
    assert len(measured.objects) > 50
