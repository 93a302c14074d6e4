"""Cells of whole slides: the same however they are cut, and those of a field.

Accuracy here is accuracy on rendered fields.
"""

import numpy as np
import pytest
from drawn_slides import WHITE
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc import slide_cells
from xenoquant.imgproc.dab import DabOptions, classify_dab, h_score, measure_dab
from xenoquant.imgproc.measurement import Measurement
from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.pipeline.slide_files import ArrayTiles
from xenoquant.pipeline.slide_labels import TemporarySheet
from xenoquant.pipeline.slides import reduce_slide


def same_measurement(first: Measurement, second: Measurement) -> None:
    assert first.objects.equals(second.objects)
    assert first.regions.equals(second.regions)
    for name, sheet in first.sheets.items():
        np.testing.assert_array_equal(sheet[:, :], second.sheets[name][:, :])
    for name, profile in first.profiles.items():
        np.testing.assert_array_equal(profile, second.profiles[name])


def test_cells_are_the_same_however_cut(slide: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untiled in memory, and in tiles of several sizes by several threads: the same cells, label
    images, areas and histograms, exactly; the overview given, as a pyramid gives it.
    """
    monkeypatch.setattr(slide_cells, "BLOCK_PX", 256)
    options = DabOptions(compartment="nucleus")
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    whole = ArrayTiles(slide, slide.shape[:2])
    untiled = measure_slide(whole, small, um_per_px=0.5, options=options)
    assert len(untiled.objects) > 150
    for tile, threads in (((80, 112), 3), ((256, 256), 1)):
        tiled = measure_slide(
            ArrayTiles(slide, tile),
            small,
            um_per_px=0.5,
            options=options,
            threads=threads,
            make_sheet=TemporarySheet,
        )
        same_measurement(tiled, untiled)


def test_cells_at_the_lines_between_blocks_are_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rendered field of 640 pixels as one block and as four, against the drawn nuclei: the lines
    add no second nucleus to a true one and lose none; count, levels and H-score stay.
    """
    field = render_dab(8, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default")
    source = ArrayTiles(field.rgb)
    small = reduce_slide(source)
    whole = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
    monkeypatch.setattr(slide_cells, "BLOCK_PX", 320)
    cut = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
    nuclei, alone = (np.asarray(each.sheets["nuclei"][:, :]) for each in (cut, whole))
    assert nuclei.max() == len(cut.objects) == len(np.unique(nuclei)) - 1
    drawn = np.bincount(np.asarray(cut.sheets["cells"][:, :]).ravel())[1:]
    np.testing.assert_array_equal(drawn, cut.objects["area_px"])
    np.testing.assert_allclose(cut.objects["area_um2"], drawn * field.um_per_px**2)
    # the outlines of some nuclei differ a little between blocks
    doubled, before = (
        int(((overlaps(labels, field.nuclei) >= 0.5).sum(axis=0) > 1).sum())
        for labels in (nuclei, alone)
    )
    assert doubled <= before + 2
    at_lines = [
        int((np.abs(each.objects[["y_px", "x_px"]] - 320) < 20).any(axis=1).sum())
        for each in (cut, whole)
    ]
    assert at_lines[0] == pytest.approx(at_lines[1], abs=2)
    assert len(cut.objects) == pytest.approx(len(whole.objects), rel=0.01)
    rows, columns = linear_sum_assignment(-overlaps(nuclei, alone))
    same = np.abs(
        cut.objects["dab_cytoplasm_od"].to_numpy()[rows]
        - whole.objects["dab_cytoplasm_od"].to_numpy()[columns]
    )
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (cut, whole)
    ]
    print(
        f"4 blocks: {len(cut.objects)} cells, one {len(whole.objects)}; near the lines {at_lines}; "
        f"{(same < 0.02).mean():.3f} within 0.02 OD; H-score {scores[0]:.1f}, {scores[1]:.1f}"
    )
    assert (same < 0.02).mean() > 0.95
    assert scores[0] == pytest.approx(scores[1], abs=2)
    as_field = measure_dab(field.rgb, um_per_px=field.um_per_px, options=options)
    in_one_go = classify_dab(as_field.objects, compartment="cytoplasm")["class"].to_numpy()
    true = np.digitize(field.table["level_od"].to_numpy(), options.cutoffs_od)
    print(f"as a field {h_score(in_one_go):.1f}, true {h_score(true):.1f}")
    assert scores[0] == pytest.approx(h_score(in_one_go), abs=3)
    assert scores[0] == pytest.approx(h_score(true), abs=3)


@pytest.mark.parametrize("corner", [(192, 256), (340, 10), (600, 700)])
def test_a_small_piece_is_looked_at_wherever_it_lies(corner: tuple[int, int]) -> None:
    """Rendered tissue of 300 pixels on much glass: stains and nuclei are estimated, and the cells'
    H-score is the field's.
    """
    field = render_dab(5, scene=DabScene(size_px=(300, 300), positive_fraction=0.5))
    glass = np.random.default_rng(0).normal(WHITE, 1, (1024, 1152, 3))
    whole = np.clip(np.rint(glass), 0, 255).astype(np.uint8)
    whole[corner[0] : corner[0] + 300, corner[1] : corner[1] + 300] = field.rgb
    source = ArrayTiles(whole)
    found = measure_slide(source, reduce_slide(source), um_per_px=0.5)
    alone = measure_dab(whole, um_per_px=0.5)
    assert found.notes["sampled_squares"] > 0
    assert found.notes["hematoxylin_estimated"]
    assert found.notes["nucleus_diameter_um"] is not None
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (found, alone)
    ]
    print(f"H-score as a slide {scores[0]:.1f}, as a field {scores[1]:.1f}")
    assert scores[0] == pytest.approx(scores[1], abs=5)


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_cells_of_a_slide_end_where_those_of_a_field_do(seed: int) -> None:
    """Rendered tissue with gaps, whose middle shows no glass: the slide's threshold comes from its
    rim, as near the field's own as its lamp's unevenness allows, and so is the H-score.
    """
    field = render_dab(seed, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default")
    source = ArrayTiles(field.rgb)
    as_field = measure_dab(field.rgb, um_per_px=0.5, options=options)
    as_slide = measure_slide(source, reduce_slide(source), um_per_px=0.5, options=options)
    found, alone = as_slide.notes["cell_threshold_od"], as_field.notes["tissue_threshold_od"]
    scores = [
        h_score(classify_dab(each.objects, compartment="cytoplasm")["class"].to_numpy())
        for each in (as_slide, as_field)
    ]
    print(f"tissue from {found:.3f} OD, in the field {alone:.3f}; H-scores {scores}")
    assert found == pytest.approx(alone, abs=0.02)
    assert scores[0] == pytest.approx(scores[1], abs=3)


def test_the_network_finds_the_same_nuclei_block_by_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rendered field of 640 pixels as one block and as nine, by the network: blocks share the
    slide's scale and light, so nearly every nucleus is found in both, and none twice.
    """
    field = render_dab(8, scene=DabScene(size_px=(640, 640), positive_fraction=0.5))
    options = DabOptions(white=(242, 240, 236), stains="default", segmenter="network")
    source = ArrayTiles(field.rgb)
    small = reduce_slide(source)
    found = []
    for side in (640, 224):
        monkeypatch.setattr(slide_cells, "BLOCK_PX", side)
        slide = measure_slide(source, small, um_per_px=field.um_per_px, options=options)
        found.append(np.asarray(slide.sheets["nuclei"][:, :]))
    in_both = overlaps(found[1], found[0]).max(axis=1) > 0.8
    counts = [int(labels.max()) for labels in found]
    print(f"one block {counts[0]} nuclei, nine {counts[1]}; {in_both.mean():.3f} in both")
    assert counts[1] == pytest.approx(counts[0], rel=0.01)
    assert in_both.mean() > 0.98


def overlaps(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of each found nucleus that lies on each true one, shape (found, true)."""
    shared = np.zeros((found.max() + 1, truth.max() + 1))
    np.add.at(shared, (found.ravel(), truth.ravel()), 1)
    return (shared / np.maximum(shared.sum(axis=1, keepdims=True), 1))[1:, 1:]
