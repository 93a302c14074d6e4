"""Two-channel confocal fields of nuclei and a marker, rendered with exact truth."""

import cv2
import numpy as np
import pandas as pd

from .phantom_cells import (
    Nuclei,
    NucleusStyle,
    border_distance,
    draw_nuclei,
    even_texture,
    grow_cells,
    outline_pixels,
    positives,
)
from .phantom_optics import blurred, detected, fractal_noise, light_field, smooth_noise
from .phantom_section_scene import FLUORESCENCE_TYPES, FluorescencePhantom, FluorescenceScene

GLOW_UM = 6.0
"""Standard deviation of the light from planes out of focus, about a nucleus."""

ARCS = 72
"""Sectors (5 degrees each) in which a membrane is stained or not."""


def render_fluorescence(
    seed: int, *, scene: FluorescenceScene | None = None
) -> FluorescencePhantom:
    """Two-channel field of cells and the truth about every cell.

    Parameters
    ----------
    seed : int
        Same seed and scene, same picture.
    scene : FluorescenceScene, optional
        What it shows.

    Returns
    -------
    FluorescencePhantom
        Channels, label images, table.

    Examples
    --------
    >>> scene = FluorescenceScene(size_px=(128, 128), positive_fraction=0.25)
    >>> phantom = render_fluorescence(1, scene=scene)
    >>> int(phantom.table["positive"].sum()) == round(0.25 * len(phantom.table))
    True
    """
    scene = scene or FluorescenceScene()
    rng = np.random.default_rng(seed)
    nuclei = _nuclei(rng, scene)
    cells = grow_cells(rng, nuclei, scene.cell_reach_um / scene.um_per_px)
    width_px = max(1.0, scene.membrane_width_um / scene.um_per_px)
    membranes = np.where(border_distance(cells) <= width_px, cells, 0).astype(np.int32)
    truth, stained = _marked(rng, scene, nuclei, (cells, membranes))
    shape = nuclei.label.shape
    light = light_field(rng, shape, 0.5 * scene.uneven_background)
    haze = _haze(rng, shape, scene) * light
    marker = _marker_photons(rng, scene, truth, (nuclei.label, cells, stained))
    chromatin = _nuclear_photons(rng, scene, nuclei)
    wide = blurred(chromatin, GLOW_UM / scene.um_per_px)
    chromatin = (1 - scene.glow) * chromatin + scene.glow * wide
    specks = [_debris(rng, shape, scene) for _ in range(2)]
    sigma = scene.blur_um / scene.um_per_px
    expected = {
        "marker": blurred(marker + specks[0], sigma) * light + haze,
        "nuclei": blurred(chromatin + specks[1], sigma) * light + 0.7 * haze,
    }
    channels = {name: _detected(rng, image, scene) for name, image in expected.items()}
    background = (scene.offset + scene.gain * haze).astype(np.float32)
    return FluorescencePhantom(
        channels, nuclei.label, cells, membranes, stained, truth, scene.um_per_px, background
    )


def _nuclei(rng: np.random.Generator, scene: FluorescenceScene) -> Nuclei:
    """Nuclei of the field."""
    style = NucleusStyle(
        scene.nucleus_diameter_um,
        scene.nucleus_diameter_log_sd,
        scene.elongation,
        scene.irregularity,
        scene.touching,
    )
    area_mm2 = scene.size_px[0] * scene.size_px[1] * (scene.um_per_px / 1000) ** 2
    wanted = round(scene.nuclei_per_mm2 * area_mm2)
    allowed = np.ones(scene.size_px, bool)
    return draw_nuclei(rng, allowed, wanted, style, um_per_px=scene.um_per_px)


def _marked(
    rng: np.random.Generator,
    scene: FluorescenceScene,
    nuclei: Nuclei,
    areas: tuple[np.ndarray, np.ndarray],
) -> tuple[pd.DataFrame, np.ndarray]:
    """Levels of all cells, and where each carries its marker (areas: cells, membranes)."""
    cells, membranes = areas
    count = nuclei.count
    positive = positives(rng, count, 0.0 if scene.control else scene.positive_fraction)
    median = np.where(positive, scene.positive_photons, scene.negative_photons)
    spread = np.where(positive, scene.positive_log_sd, scene.negative_log_sd)
    level = median * np.exp(spread * rng.standard_normal(count))
    completeness = np.full(count, np.nan)
    if scene.compartment == "nucleus":
        stained = nuclei.label
    elif scene.compartment == "cytoplasm":
        stained = np.where(nuclei.label > 0, 0, cells)
    else:
        stained, completeness = _partial(rng, scene, nuclei, cells, membranes, positive)
    table = pd.DataFrame(
        {
            "label": np.arange(1, count + 1),
            "positive": positive,
            "level": scene.gain * level,
            "completeness": completeness,
            "y_px": nuclei.y,
            "x_px": nuclei.x,
        }
    )
    return table.astype(FLUORESCENCE_TYPES), stained.astype(np.int32)


def _partial(
    rng: np.random.Generator,
    scene: FluorescenceScene,
    nuclei: Nuclei,
    cells: np.ndarray,
    membranes: np.ndarray,
    positive: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Stained part of each membrane, and its share of the outline (0 in negative cells)."""
    count = nuclei.count
    wanted = rng.uniform(*scene.completeness, count)
    wanted[~positive] = 1.0  # the unspecific signal is all round
    on = np.zeros((count + 1, ARCS), bool)
    on[1:] = _stained_arcs(rng, wanted)
    row, column = np.nonzero(membranes)
    which = membranes[row, column]
    angle = np.arctan2(row - nuclei.y[which - 1], column - nuclei.x[which - 1])
    arc = np.floor((angle + np.pi) / (2 * np.pi) * ARCS).astype(np.intp) % ARCS
    lit = on[which, arc]
    stained = np.zeros_like(membranes)
    stained[row[lit], column[lit]] = which[lit]
    outline = outline_pixels(cells)
    whole = np.bincount(cells[outline], minlength=count + 1)[1:]
    part = np.bincount(stained[outline & (stained > 0)], minlength=count + 1)[1:]
    share = np.divide(part, whole, out=np.full(count, np.nan), where=whole > 0)
    return stained, np.where(positive, share, np.where(np.isnan(share), np.nan, 0.0))


def _stained_arcs(rng: np.random.Generator, wanted: np.ndarray) -> np.ndarray:
    """Which arcs of each cell are stained: one to three runs with the wanted share in all."""
    count = len(wanted)
    angle = np.arange(ARCS) * (2 * np.pi / ARCS)
    wave = np.zeros((count, ARCS))
    for order in (1, 2, 3):
        phase = rng.uniform(0, 2 * np.pi, (count, 1))
        wave += rng.uniform(0.2, 1.0, (count, 1)) * np.cos(order * angle + phase)
    rank = np.argsort(np.argsort(-wave, axis=1), axis=1)
    return rank < np.rint(wanted[:, None] * ARCS)


def _marker_photons(
    rng: np.random.Generator,
    scene: FluorescenceScene,
    truth: pd.DataFrame,
    areas: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """Marker channel before optics: levels in compartments, autofluorescence in cells."""
    _, cells, stained = areas
    count, shape = len(truth), cells.shape
    grain = max(1.5, 0.7 / scene.um_per_px)
    texture = np.exp(np.float32(0.5 * scene.texture) * fractal_noise(rng, shape, grain, octaves=2))
    pattern = even_texture(stained, texture, count)
    level = np.concatenate([[0.0], truth["level"].to_numpy() / scene.gain])
    soft = 1 + 0.3 * smooth_noise(rng, shape, 6 / scene.um_per_px)
    own = scene.autofluorescence_photons * np.clip(soft, 0.2, 2) * (cells > 0)
    return (level[stained] * pattern + own).astype(np.float32)


def _nuclear_photons(
    rng: np.random.Generator, scene: FluorescenceScene, nuclei: Nuclei
) -> np.ndarray:
    """Nuclear stain before optics: dim and bright nuclei, chromatin, fainter edges."""
    shape = nuclei.label.shape
    brightness = scene.nuclei_photons * np.exp(
        scene.nuclei_log_sd * rng.standard_normal(nuclei.count)
    )
    clumps = fractal_noise(rng, shape, max(1.5, 1.6 / scene.um_per_px), octaves=2)
    holes = smooth_noise(rng, shape, max(1.5, 2.2 / scene.um_per_px))
    texture = np.exp(np.float32(0.4 * scene.texture) * clumps)
    texture *= 1 - np.float32(0.7 * scene.texture) * np.clip(holes - 1.2, 0, 1)
    thickness = 0.55 + 0.45 * np.sqrt(np.clip(nuclei.depth, 0, 1))
    level = np.concatenate([[0.0], brightness])
    return (level[nuclei.label] * texture * thickness).astype(np.float32)


def _haze(rng: np.random.Generator, shape: tuple[int, int], scene: FluorescenceScene) -> np.ndarray:
    """Background light between cells."""
    clouds = fractal_noise(rng, shape, max(shape) / 3, octaves=2)
    level = np.exp(np.float32(0.6 * scene.uneven_background) * clouds)
    return (scene.background_photons * level).astype(np.float32)


def _debris(
    rng: np.random.Generator, shape: tuple[int, int], scene: FluorescenceScene
) -> np.ndarray:
    """Small bright specks and fibres."""
    specks = np.zeros(shape, np.float32)
    for _ in range(scene.debris):
        radius = rng.uniform(0.3, 1.2) / scene.um_per_px
        centre = (int(rng.uniform(0, shape[1]) * 8), int(rng.uniform(0, shape[0]) * 8))
        axes = (int(radius * 8), int(radius * rng.uniform(0.3, 1) * 8))
        value = float(scene.nuclei_photons * rng.uniform(0.3, 2.0))
        cv2.ellipse(
            specks, centre, axes, float(rng.uniform(0, 180)), 0, 360, value, -1, cv2.LINE_8, 3
        )
    return specks


def _detected(
    rng: np.random.Generator, photons: np.ndarray, scene: FluorescenceScene
) -> np.ndarray:
    """Grey values of one channel."""
    return detected(
        photons,
        rng,
        gain=scene.gain,
        offset=scene.offset,
        read_noise=scene.read_noise,
        bit_depth=scene.bit_depth,
    )
