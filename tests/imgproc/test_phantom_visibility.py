"""Which nodules of a phantom can be seen: drawn pictures whose answer is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.phantom_painting import empty_rows
from xenoquant.imgproc.phantom_visibility import Views, conspicuity, lab, seen_nodules
from xenoquant.imgproc.phantoms import LungScene, render_lungs

YELLOW = (190, 150, 60)
PALE = (225, 215, 185)


def drawn(*, pale=PALE, texture=0.0, seed=0):
    """A square lobe with one disc of 12 pixels' radius: label images, table, views."""
    rows, columns = np.mgrid[:120, :120]
    disc = np.hypot(rows - 60, columns - 60) < 12
    nodules = np.where(disc, 7, 0).astype(np.int32)
    grain = np.random.default_rng(seed).normal(0, 1, (120, 120, 1))
    bare = np.clip(np.array(YELLOW) + texture * grain, 0, 255)
    seen = np.where(disc[..., None], np.clip(np.array(pale) + texture * grain, 0, 255), bare)
    row = {"lobe": 1, "y_px": 60.0, "x_px": 60.0, "radius_px": 12.0, "at_rim": False}
    row |= {"contrast": 0.5, "key": 7}
    known = pd.DataFrame([row]).reindex(columns=empty_rows().columns)
    views = Views(seen.astype(np.uint8), bare.astype(np.uint8), np.zeros_like(disc), 0.0)
    return nodules, np.ones_like(nodules), known, views


def test_a_pale_disc_on_even_tissue_is_wholly_visible():
    """Authority: the drawing; pi r squared pixels are pale."""
    labels, table = seen_nodules(*drawn())
    assert table["visible_fraction"].item() == pytest.approx(1, abs=0.04)
    assert table["countable"].item()
    assert (labels == 1).sum() == (drawn()[0] == 7).sum()


def test_glare_that_clips_both_pictures_hides_what_it_covers():
    """Authority: the drawing; the right two thirds of the disc are white with it or without."""
    nodules, lobes, known, views = drawn()
    for picture in (views.seen, views.bare):
        picture[:, 56:] = 255
    views.clipped[:, 56:] = True
    _, table = seen_nodules(nodules, lobes, known, views)
    own = nodules == 7
    assert table["visible_fraction"].item() == pytest.approx(
        own[:, :56].sum() / (np.pi * 12**2), abs=1e-6
    )
    assert table["glare_fraction"].item() == pytest.approx(own[:, 56:].sum() / own.sum())
    assert not table["countable"].item()


def test_a_disc_of_its_tissues_colour_is_not_there():
    """Authority: both pictures are one."""
    _, table = seen_nodules(*drawn(pale=YELLOW))
    assert table["visible_fraction"].item() == 0
    assert table["conspicuity"].item() == 0
    assert not table["countable"].item()


def test_conspicuity_is_signal_over_clutter():
    """Authority: doubled clutter halves it; a disc of half the difference is half as clear."""

    def clear(strength, texture):
        rows, columns = np.mgrid[:29, :29]
        own = (np.hypot(rows - 14, columns - 14) < 4).astype(np.float32)
        bare = lab(np.full((29, 29, 3), YELLOW, np.uint8))
        clutter = np.random.default_rng(1).normal(0, texture, (29, 29)).astype(np.float32)
        bare[..., 0] += clutter
        seen = bare.copy()
        seen[..., 0] += strength * own
        return conspicuity(seen, bare, own, np.ones_like(own), 0.0)

    assert clear(10, 60) == pytest.approx(2 * clear(5, 60), rel=1e-3)
    assert clear(10, 60) == pytest.approx(2 * clear(10, 120), rel=0.05)


def test_no_nodule_gives_an_empty_typed_table():
    """Authority: the definition."""
    nodules, lobes, _, views = drawn()
    labels, table = seen_nodules(np.zeros_like(nodules), lobes, empty_rows(), views)
    assert labels.max() == 0
    assert table["countable"].dtype == bool


def test_heavier_glare_shows_fewer_nodules():
    """Authority: the same lobes under the same lamps, dull and shiny."""
    scene = LungScene(size_px=(300, 420), px_per_mm=20.0, nodules=25, hilum=False, glare=0.0)
    shown = [
        sum(
            render_lungs(seed, scene=dataclasses.replace(scene, glare=glare))
            .table["visible_fraction"]
            .sum()
            for seed in range(3)
        )
        for glare in (0.0, 1.0)
    ]
    assert shown[1] < shown[0]


def test_a_full_lobe_has_no_nodule_below_the_smallest():
    """Authority: the scene's smallest diameter; a lobe of 4 mm has no room for 200 nodules."""
    scene = LungScene(
        size_px=(200, 260), px_per_mm=24.0, lobe_length_mm=(4.0, 4.0), nodules=200,
        diameter_mm=(0.4, 2.0), hilum=False,
    )  # fmt: skip
    table = render_lungs(2, scene=scene).table
    assert 0 < len(table) < 200
    assert 2 * table["radius_px"].min() / 24.0 >= 0.4
