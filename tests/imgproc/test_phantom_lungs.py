"""Rendered lungs: what they say about themselves agrees with their pixels, and with geometry."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from same_results import equal
from scipy import ndimage

from xenoquant.imgproc import phantom_optics
from xenoquant.imgproc.phantom_lobes import dome, reading_order
from xenoquant.imgproc.phantom_lung_scene import LUNG_TYPES
from xenoquant.imgproc.phantom_nodules import (
    NoduleBumps,
    diameters_mm,
    irregular_waves,
    raise_nodules,
)
from xenoquant.imgproc.phantom_ruler import Ruler, draw_ruler
from xenoquant.imgproc.phantom_scenes import NODULES_BY_DENSITY
from xenoquant.imgproc.phantom_surface import contrast_of
from xenoquant.imgproc.phantoms import (
    LungScene,
    random_lung_scene,
    render_lungs,
)

SMALL = LungScene(size_px=(300, 420), px_per_mm=20.0, nodules=8)


def one_bump(radius: float, rise: float, irregularity: float = 0.0) -> NoduleBumps:
    waves = irregular_waves(np.random.default_rng(1), 1, irregularity)
    single = [np.array([value]) for value in (150.37, 149.71, radius, rise, 1.0)]
    return NoduleBumps(*single, waves)


def tilted_plane(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Heights and normals of a plane that falls to the right."""
    angle = np.deg2rad(degrees)
    x = np.arange(301, dtype=np.float32)
    height = np.tile(400 - np.tan(angle) * x, (301, 1)).astype(np.float32)
    normal = np.zeros((301, 301, 3), np.float32)
    normal[..., 0], normal[..., 2] = np.sin(angle), np.cos(angle)
    return height, normal


@pytest.mark.parametrize("irregularity", [0.0, 0.2])
@pytest.mark.parametrize("radius", [15.0, 40.0, 60.0])
def test_nodule_that_faces_the_camera_covers_pi_r_squared(radius, irregularity):
    """Authority: the area of a circle; irregular outlines are scaled to it."""
    height, normal = tilted_plane(0.0)
    bumps = one_bump(radius, 0.4 * radius, irregularity)
    relief = raise_nodules(bumps, np.ones((301, 301), bool), height, normal)
    assert np.count_nonzero(relief.label) == pytest.approx(np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize("degrees", [20, 45, 65])
@pytest.mark.parametrize("rise_share", [0.05, 0.5, 0.9])
def test_nodule_on_a_slope_covers_two_half_ellipses(degrees, rise_share):
    """Authority: uphill its disc's projection ends it, downhill the ellipsoid's outline."""
    radius, angle = 50.0, np.deg2rad(degrees)
    height, normal = tilted_plane(degrees)
    relief = raise_nodules(
        one_bump(radius, rise_share * radius), np.ones((301, 301), bool), height, normal
    )
    uphill = radius * np.cos(angle)
    downhill = np.hypot(uphill, rise_share * radius * np.sin(angle))
    expected = np.pi * radius * (uphill + downhill) / 2
    assert np.count_nonzero(relief.label) == pytest.approx(expected, rel=0.015)


def test_dome_over_an_ellipse_is_half_an_ellipsoid():
    """Authority: laplacian(u) = -1 on an ellipse has the solution 1 - (x/a)² - (y/b)².

    The coarse grid's edge lies up to one cell (3.5 pixels) outside, 5 % of the height at most.
    """
    y, x = np.mgrid[-120:121, -180:181]
    inside = 1 - (x / 160) ** 2 - (y / 100) ** 2
    surface = dome(inside > 0, 60.0, 0.5)
    deep = inside > 0.2
    error = surface.height[deep] - 60 * np.sqrt(inside[deep])
    assert np.abs(error).max() < 0.05 * 60
    assert np.allclose(np.linalg.norm(surface.normal, axis=2), 1, atol=1e-5)
    assert surface.normal[120, 180, 2] == pytest.approx(1, abs=1e-3)


def test_table_and_label_image_agree():
    """Authority: the definitions in LungPhantom's docstring, recomputed from the pixels."""
    scene = dataclasses.replace(SMALL, lobes=2, nodules=(14, 5), clustering=0.4, pins=2)
    phantom = render_lungs(11, scene=scene)
    table = phantom.table
    assert phantom.nodules.max() == len(table)
    area = np.bincount(phantom.nodules.ravel(), minlength=len(table) + 1)[1:]
    assert (area > 0).all()
    most = np.minimum(1, area / (np.pi * table["radius_px"] ** 2))
    assert (table["visible_fraction"] <= most + 1e-9).all()
    clear = (table["visible_fraction"] >= 0.5) & (table["conspicuity"] >= 2)
    assert (table["countable"] == clear).all()
    for row in table.itertuples():
        mask = phantom.nodules == row.Index + 1
        assert (phantom.lobes[mask] == row.lobe).all()
        middle = np.array(ndimage.center_of_mass(mask))
        distance = np.hypot(*(middle - [row.y_px, row.x_px]))
        assert distance <= row.radius_px


def test_unhidden_nodules_on_top_of_a_lobe_show_their_whole_disc():
    """Authority: pi r², since the middle of a dome faces the camera."""
    scene = LungScene(nodules=12, diameter_mm=(0.6, 1.2), clustering=0.0, rim_share=0.0)
    shares = []
    for seed in range(4):
        phantom = render_lungs(seed, scene=scene)
        depth = ndimage.distance_transform_edt(phantom.lobes)
        row, column = (phantom.table[name].round().astype(int) for name in ("y_px", "x_px"))
        on_top = depth[row, column] > 0.7 * depth.max()
        area = np.bincount(phantom.nodules.ravel(), minlength=len(on_top) + 1)[1:]
        shares.append((area / (np.pi * phantom.table["radius_px"] ** 2))[on_top])
    assert len(pd.concat(shares)) >= 4
    assert pd.concat(shares).min() > 0.95


@pytest.mark.parametrize("background", ["black", "white", "blue", "green", "cloth", "paper"])
@pytest.mark.parametrize("touching", [False, True])
def test_lobes_are_as_many_as_asked_and_each_in_one_piece(background, touching):
    """Authority: the scene."""
    scene = dataclasses.replace(SMALL, lobes=4, nodules=3, background=background, touching=touching)
    phantom = render_lungs(5, scene=scene)
    assert set(np.unique(phantom.lobes)) == {0, 1, 2, 3, 4}
    for lobe in range(1, 5):
        pieces, _ = ndimage.label(phantom.lobes == lobe)
        area = np.bincount(pieces.ravel())[1:]
        assert area.max() >= 0.99 * area.sum()
    if not touching:
        assert ndimage.label(phantom.lobes > 0)[1] == 4


def test_nodules_of_each_lobe_are_as_many_as_asked():
    """Authority: the scene; no pin, fat or neighbour hides any here."""
    scene = dataclasses.replace(SMALL, lobes=3, nodules=(9, 0, 4), size_px=(300, 700), hilum=False)
    table = render_lungs(2, scene=scene).table
    assert table.groupby("lobe").size().to_dict() == {1: 9, 3: 4}


def test_no_nodules_and_no_lobes_give_empty_typed_tables():
    """Authority: a count of zero is a table without rows, with all columns and types."""
    for scene in (
        dataclasses.replace(SMALL, nodules=0),
        dataclasses.replace(SMALL, lobes=0, pins=1, ruler=True, label=True),
    ):
        phantom = render_lungs(1, scene=scene)
        assert len(phantom.table) == 0
        assert phantom.table.dtypes.astype(str).to_dict() == LUNG_TYPES
        assert phantom.nodules.max() == 0
        assert phantom.lobes.max() == scene.lobes
        assert phantom.rgb.shape == (*scene.size_px, 3)
        assert phantom.rgb.dtype == np.uint8


def test_counts_for_another_number_of_lobes_are_refused():
    scene = dataclasses.replace(SMALL, lobes=2, nodules=(1, 2, 3))
    with pytest.raises(ValueError, match="2 lobes but nodule counts for 3"):
        render_lungs(1, scene=scene)


def test_reading_order_by_hand():
    """Two rows of a page: the upper one slightly slanted."""
    centres = np.array([[310.0, 40], [100, 400], [112, 80], [300, 300]])
    order = reading_order(centres, np.full(4, 90.0))
    assert order.tolist() == [2, 1, 0, 3]


def test_contrast_is_michelson_contrast_of_blue():
    """Authority: (0.6 - 0.2) / (0.6 + 0.2) = 0.5."""
    assert contrast_of(np.array([0, 0, 0.6]), np.array([1, 1, 0.2])) == pytest.approx(0.5)


@pytest.mark.parametrize("appearance", ["bouin", "dark-lung"])
def test_nodules_are_paler_than_tissue_and_more_so_with_more_contrast(appearance):
    """Authority: the scene's definition of contrast."""
    steps = []
    for contrast in (0.1, 0.9):
        scene = dataclasses.replace(SMALL, appearance=appearance, contrast=contrast, glare=0.0,
                                    dark_centres=0.0, hilum=False, jpeg_quality=None)  # fmt: skip
        phantom = render_lungs(8, scene=scene)
        blue = phantom_optics.to_linear(phantom.rgb)[..., 2]
        tissue = blue[(phantom.lobes > 0) & (phantom.nodules == 0)].mean()
        nodule = blue[phantom.nodules > 0].mean()
        steps.append((nodule - tissue, phantom.table["contrast"].mean()))
    assert 0 < steps[0][0] < steps[1][0]
    assert 0 < steps[0][1] < steps[1][1]


def test_diameters_keep_their_limits_and_median():
    """Authority: the log-normal distribution, whose median is its scale."""
    rng = np.random.default_rng(0)
    drawn = diameters_mm(rng, 20000, median_mm=0.8, log_sd=0.4, limits_mm=(0.2, 3.0))
    assert drawn.min() >= 0.2
    assert drawn.max() <= 3.0
    assert np.median(drawn) == pytest.approx(0.8, rel=0.02)
    assert (np.diff(drawn) <= 0).all()


def test_glare_clips_pixels_and_none_are_clipped_without_it():
    """Authority: matt yellow tissue reflects less than white, mirrored lamps more."""
    dull = dataclasses.replace(SMALL, glare=0.0, rim_light=0.0, hilum=False)
    shiny = dataclasses.replace(dull, glare=1.0)
    for seed in range(4):
        matt, wet = (render_lungs(seed, scene=scene) for scene in (dull, shiny))
        white = [
            ((phantom.rgb.min(axis=2) > 250) & (phantom.lobes > 0)).sum() for phantom in (matt, wet)
        ]
        assert white[0] == 0
        assert white[1] > 0.001 * (wet.lobes > 0).sum()
        assert (matt.table["glare_fraction"] == 0).all()


def test_ruler_has_a_tick_a_millimetre():
    """Authority: the scale; the tick edges are found again in the pixels."""
    image = np.full((200, 900, 3), 0.1, np.float32)
    ruler = Ruler("bottom", 60.0, 0.0, 0.0, 1170.0, 60.0)
    draw_ruler(np.random.default_rng(5), image, ruler, 23.5)
    line = image[144, :, 1]
    dark = np.abs(line - np.median(line)) > 0.25 * np.ptp(line)
    ticks, count = ndimage.label(dark)
    centres = np.array(ndimage.center_of_mass(dark, ticks, range(1, count + 1)))[1:-1, 0]
    spacing = np.polyfit(np.arange(len(centres)), centres, 1)[0]
    assert spacing == pytest.approx(23.5, abs=0.05)


def test_compression_changes_noise_only():
    """Authority: JPEG is applied last, to the same pixels."""
    plain = dataclasses.replace(SMALL, jpeg_quality=None)
    sharp, squeezed = (
        render_lungs(6, scene=scene)
        for scene in (plain, dataclasses.replace(plain, jpeg_quality=90))
    )
    assert equal(sharp.table, squeezed.table)
    assert equal(sharp.nodules, squeezed.nodules)
    difference = squeezed.rgb.astype(float) - sharp.rgb
    assert np.abs(difference).max() > 0
    assert np.abs(difference.mean(axis=(0, 1))).max() < 1.0
    assert np.abs(difference).mean() < 4.0


def test_random_scenes_stay_in_range_and_cover_it():
    """Authority: the ranges in the docstring."""
    scenes = [random_lung_scene(seed) for seed in range(300)]
    assert {scene.lobes for scene in scenes} == {1, 2, 3, 4, 5}
    assert len({scene.background for scene in scenes}) == 6
    assert {scene.appearance for scene in scenes} == {"bouin", "dark-lung"}
    scales = np.array([scene.px_per_mm for scene in scenes])
    assert scales.min() >= 20
    assert scales.max() <= 120
    assert scales.max() > 90
    assert max(np.prod(scene.size_px) for scene in scenes) < 3.7e6
    counts = np.concatenate([scene.nodules for scene in scenes])
    for low, high in NODULES_BY_DENSITY:
        assert ((counts >= low) & (counts <= high)).mean() > 0.05
    assert counts.max() <= 60
