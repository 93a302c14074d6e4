"""Phantoms: what they say about themselves agrees with their pixels, and with physics."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from xenoquant.imgproc import phantom_optics
from xenoquant.imgproc.phantom_cells import border_distance
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
    DabScene,
    FluorescenceScene,
    LungScene,
    random_dab_scene,
    random_fluorescence_scene,
    random_lung_scene,
    render_dab,
    render_fluorescence,
    render_lungs,
)

SMALL = LungScene(size_px=(300, 420), px_per_mm=20.0, nodules=8)
CLEAR_GLASS = DabScene(
    size_px=(256, 256),
    unspecific_od=0.0,
    gaps=0.1,
    uneven_light=0.0,
    blur_px=0.0,
    full_well=np.inf,
    jpeg_quality=None,
)
BRIGHT = FluorescenceScene(
    size_px=(256, 256),
    positive_photons=8000.0,
    negative_photons=1000.0,
    autofluorescence_photons=0.0,
    background_photons=0.0,
    uneven_background=0.0,
    debris=0,
    blur_um=0.0,
    gain=1.0,
    read_noise=0.0,
    bit_depth=16,
)


def equal(first: object, second: object) -> bool:
    """Whether two results are the same to the last bit."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(equal(first[k], second[k]) for k in first)
    if isinstance(first, pd.DataFrame) and isinstance(second, pd.DataFrame):
        return first.equals(second)
    return bool(np.array_equal(np.asarray(first), np.asarray(second), equal_nan=True))


def parts(result: object) -> dict[str, object]:
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


# --- one seed, one picture (authority: numpy's promise for seeded generators) -----------------


@pytest.mark.parametrize(
    ("render", "scene", "picture"),
    [
        (render_lungs, SMALL, "rgb"),
        (render_fluorescence, FluorescenceScene(size_px=(128, 128)), "channels"),
        (render_dab, DabScene(size_px=(128, 128)), "rgb"),
    ],
)
def test_same_seed_gives_the_same_and_another_seed_another_picture(render, scene, picture):
    once, again, other = (parts(render(seed, scene=scene)) for seed in (3, 3, 4))
    assert all(equal(once[name], again[name]) for name in once)
    assert not equal(once[picture], other[picture])


# --- lungs ------------------------------------------------------------------------------------


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


# --- optics -----------------------------------------------------------------------------------


def test_srgb_round_trip_of_every_value():
    """Authority: IEC 61966-2-1 maps the 256 codes one to one."""
    codes = np.arange(256)
    assert np.array_equal(phantom_optics.to_srgb(phantom_optics.to_linear(codes)), codes)


def test_detector_variance_is_gain_squared_times_mean_plus_read_noise():
    """Authority: Poisson's variance is its mean; 1/12 comes from rounding."""
    photons = np.full((500, 500), 40.0)
    rng = np.random.default_rng(1)
    grey = phantom_optics.detected(
        photons, rng, gain=3.0, offset=100.0, read_noise=5.0, bit_depth=12
    ).astype(float)
    assert grey.mean() == pytest.approx(100 + 3 * 40, rel=0.002)
    assert grey.var() == pytest.approx(9 * 40 + 25 + 1 / 12, rel=0.02)


def test_photograph_noise_is_the_inverse_of_the_full_well():
    """Authority: variance of light x with N electrons at 1 is x / N."""
    light = np.full((500, 500), 0.3, np.float32)
    noisy = phantom_optics.shot_noise(light, np.random.default_rng(2), 2000.0)
    assert noisy.var() == pytest.approx(0.3 / 2000, rel=0.02)


@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
def test_smooth_noise_is_standardised(scale):
    """Authority: its own promise of mean about 0 and variance about 1, over many fields."""
    rng = np.random.default_rng(3)
    fields = np.array([phantom_optics.smooth_noise(rng, (200, 240), scale) for _ in range(60)])
    assert fields.mean() == pytest.approx(0, abs=0.12)
    assert fields.var() == pytest.approx(1, abs=0.25)


def test_wide_blur_equals_the_plain_one_closely():
    """Authority: the closed form, a Gaussian spot of variance s0² + s²."""
    y, x = np.mgrid[-200:201, -200:201]
    spot = np.exp(-(x**2 + y**2) / (2 * 20.0**2)).astype(np.float32)
    wide = phantom_optics.blurred(spot, 30.0)
    variance = 20.0**2 + 30.0**2
    expected = 20.0**2 / variance * np.exp(-(x**2 + y**2) / (2 * variance))
    assert np.abs(wide - expected).max() < 0.01


# --- fluorescence -----------------------------------------------------------------------------


def test_empty_field_has_poisson_noise_and_the_stated_background():
    """Authority: variance = gain² mean photons + read noise²; mean = offset + gain photons."""
    scene = FluorescenceScene(
        nuclei_per_mm2=0.0, uneven_background=0.0, debris=0, background_photons=20.0
    )
    phantom = render_fluorescence(1, scene=scene)
    marker = phantom.channels["marker"].astype(float)
    assert np.allclose(phantom.background, scene.offset + scene.gain * 20)
    assert marker.mean() == pytest.approx(phantom.background.mean(), rel=0.002)
    assert marker.var() == pytest.approx(scene.gain**2 * 20 + scene.read_noise**2, rel=0.02)
    assert len(phantom.table) == 0
    assert phantom.nuclei.max() == 0
    assert str(phantom.table["positive"].dtype) == "bool"


@pytest.mark.parametrize("compartment", ["nucleus", "cytoplasm", "membrane"])
def test_level_is_the_mean_over_the_stained_part(compartment):
    """Authority: the definition; what is left is photon noise (under 1 % a cell)."""
    phantom = render_fluorescence(3, scene=dataclasses.replace(BRIGHT, compartment=compartment))
    index = np.arange(1, len(phantom.table) + 1)
    grey = phantom.channels["marker"] - phantom.background
    measured = ndimage.mean(grey, phantom.stained, index)
    size = ndimage.sum_labels(phantom.stained > 0, phantom.stained, index)
    big = size >= 30
    assert big.sum() > 0.6 * len(big)
    assert np.allclose(measured[big], phantom.table["level"].to_numpy()[big], rtol=0.03)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.7, 1.0])
def test_positive_fraction_is_exact_in_both_kinds_of_section(fraction):
    """Authority: the nearest whole number of cells."""
    small = {"size_px": (256, 256), "positive_fraction": fraction}
    for table in (
        render_fluorescence(2, scene=FluorescenceScene(**small)).table,
        render_dab(2, scene=DabScene(**small)).table,
    ):
        assert table["positive"].sum() == round(fraction * len(table))


def test_control_has_the_levels_of_negative_cells():
    """Authority: both are log-normal with the scene's median and spread."""
    scene = FluorescenceScene(positive_fraction=0.5)
    control = render_fluorescence(1, scene=dataclasses.replace(scene, control=True)).table
    stained = render_fluorescence(2, scene=scene).table
    assert not control["positive"].any()
    negative = stained.loc[~stained["positive"], "level"]
    for level in (control["level"], negative):
        spread = scene.negative_log_sd
        error = np.log(level).mean() - np.log(scene.gain * scene.negative_photons)
        assert abs(error) < 4 * spread / np.sqrt(len(level))
        assert np.log(level).std() == pytest.approx(spread, rel=0.25)


def test_cells_contain_their_nuclei_and_the_compartments_are_where_they_belong():
    """Authority: the definitions of nucleus, cell, cytoplasm and membrane."""
    for compartment in ("nucleus", "cytoplasm", "membrane"):
        scene = FluorescenceScene(size_px=(256, 256), compartment=compartment, touching=0.6)
        phantom = render_fluorescence(5, scene=scene)
        nuclear = phantom.nuclei > 0
        assert np.array_equal(phantom.cells[nuclear], phantom.nuclei[nuclear])
        assert set(np.unique(phantom.nuclei)) == set(range(len(phantom.table) + 1))
        lit = phantom.stained > 0
        assert np.array_equal(phantom.stained[lit], phantom.cells[lit])
        assert compartment != "nucleus" or np.array_equal(lit, nuclear)
        assert compartment != "cytoplasm" or np.array_equal(lit, (phantom.cells > 0) & ~nuclear)
        assert compartment != "membrane" or not (lit & (phantom.membranes == 0)).any()


def outline_share(cells: np.ndarray, stained: np.ndarray, label: int) -> float:
    """Stained share of a cell's outline, pixel by pixel."""
    whole = part = 0
    height, width = cells.shape
    for y, x in np.argwhere(cells == label):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        inside = [p for p in around if 0 <= p[0] < height and 0 <= p[1] < width]
        if any(cells[p] != label for p in inside):
            whole += 1
            part += int(stained[y, x] == label)
    return part / whole


def test_completeness_is_the_stained_share_of_the_outline():
    """Authority: the slow count, pixel by pixel; and the range asked for."""
    scene = FluorescenceScene(size_px=(256, 256), compartment="membrane", completeness=(0.3, 0.9))
    phantom = render_fluorescence(7, scene=scene)
    table = phantom.table
    positive = table[table["positive"]]
    for row in positive.head(12).itertuples():
        share = outline_share(phantom.cells, phantom.stained, row.label)
        assert row.completeness == pytest.approx(share, abs=1e-12)
    assert positive["completeness"].quantile(0.05) > 0.2
    assert positive["completeness"].quantile(0.95) < 0.97
    assert (table.loc[~table["positive"], "completeness"] == 0).all()
    nucleus = render_fluorescence(7, scene=dataclasses.replace(scene, compartment="nucleus"))
    assert nucleus.table["completeness"].isna().all()


def test_border_distance_by_hand():
    """Two cells of 4 x 3 pixels side by side: rings of 1 and 2, also at their common border."""
    cells = np.zeros((6, 8), np.int32)
    cells[1:5, 1:4], cells[1:5, 4:7] = 1, 2
    distance = border_distance(cells)
    assert distance[1:5, 1].tolist() == [1, 1, 1, 1]
    assert distance[1:5, 3].tolist() == [1, 1, 1, 1]
    assert distance[2, 2] == 2
    assert distance[2, 5] == 2


# --- DAB --------------------------------------------------------------------------------------


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
