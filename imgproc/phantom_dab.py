"""H-DAB sections, rendered by Beer and Lambert's law with exact truth."""

from dataclasses import dataclass

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
    joined,
    nucleoli,
    positives,
)
from .phantom_optics import (
    blurred,
    fractal_noise,
    jpeg,
    light_field,
    shot_noise,
    smooth_noise,
    transmitted,
    unit_vector,
)
from .phantom_section_scene import DAB_TYPES, DabPhantom, DabScene

SOFT_BORDER_UM = 1.2
"""Distance over which cytoplasmic stain fades at a cell's border."""

HEMOSIDERIN = (0.24, 0.45, 0.86)
"""Golden-brown iron pigment: an assumed vector, more yellow than DAB; no measured spectrum."""


@dataclass(frozen=True)
class _Architecture:
    """What a kind of tissue is made of (stroma: share of the section that is stroma)."""

    nuclei: NucleusStyle
    nuclei_per_mm2: float
    cell_reach_um: float
    stroma: float


SPINDLES = NucleusStyle(6.5, 0.18, 2.7, 0.06, 0.05, 1.2)
"""Nuclei of fibroblasts, seen from the side."""

SPINDLES_PER_MM2 = 2400
"""Density of nuclei in stroma."""

ARCHITECTURES = {
    "tumour": _Architecture(NucleusStyle(8.5, 0.2, 1.35, 0.09, 0.15, 1.15), 6200, 4.0, 0.22),
    "hepatocyte": _Architecture(NucleusStyle(8.0, 0.12, 1.08, 0.03, 0.04, 1.9), 2700, 11.0, 0.0),
    "stroma": _Architecture(SPINDLES, SPINDLES_PER_MM2, 3.5, 1.0),
}
"""Assumed sizes and densities, chosen to look like mouse mammary tumour, liver and stroma."""


@dataclass(frozen=True)
class _Section:
    """The section before staining.

    Attributes
    ----------
    tissue : numpy.ndarray
        bool, (height, width).
    stroma : numpy.ndarray
        float32, how much of each place is stroma.
    fibres : numpy.ndarray
        float32, streaks of unit variance.
    nuclei : Nuclei
        Nuclei.
    cells : numpy.ndarray
        int32, cells with the nuclei's numbers.
    """

    tissue: np.ndarray
    stroma: np.ndarray
    fibres: np.ndarray
    nuclei: Nuclei
    cells: np.ndarray


def render_dab(seed: int, *, scene: DabScene | None = None) -> DabPhantom:
    """H-DAB field and the truth about every cell.

    Parameters
    ----------
    seed : int
        Same seed and scene, same picture.
    scene : DabScene, optional
        What it shows.

    Returns
    -------
    DabPhantom
        Picture, blank, label images, table.

    Examples
    --------
    >>> phantom = render_dab(1, scene=DabScene(size_px=(128, 128), positive_fraction=0.0))
    >>> int(phantom.table["positive"].sum())
    0
    """
    scene = scene or DabScene()
    rng = np.random.default_rng(seed)
    section = _sectioned(rng, scene)
    table, compartment = _marked(rng, scene, section)
    dab = _dab_od(rng, scene, table, compartment, section)
    hematoxylin = _hematoxylin_od(rng, scene, section)
    pigment = _pigment_od(rng, scene, section.tissue)
    layers = _folded(rng, scene, np.stack([hematoxylin, dab, pigment]))
    vectors = _vectors(rng, scene)
    rgb, blank = _imaged(rng, scene, layers, vectors)
    return DabPhantom(
        rgb,
        blank,
        section.nuclei.label,
        section.cells,
        section.tissue,
        table,
        vectors[:2],
        scene.um_per_px,
    )


def _sectioned(rng: np.random.Generator, scene: DabScene) -> _Section:
    """Tissue with its nuclei and cells: nests of cells, stroma between them, gaps."""
    plan = ARCHITECTURES[scene.tissue]
    shape, scale = scene.size_px, scene.um_per_px
    tissue = _tissue(rng, scene)
    heading = rng.uniform(0, np.pi) + 0.5 * smooth_noise(rng, shape, 90 / scale)
    field = fractal_noise(rng, shape, 70 / scale, octaves=3)
    edge = np.quantile(field, plan.stroma)
    sharp = 1 / (1 + np.exp(np.clip((field - edge) * 12, -30, 30)))
    stroma = np.full(shape, plan.stroma) if plan.stroma in (0.0, 1.0) else sharp
    nests = _scattered(rng, scene, tissue & (stroma < 0.5), plan.nuclei, plan.nuclei_per_mm2)
    clear = cv2.dilate((nests.label > 0).astype(np.uint8), np.ones((5, 5))) == 0
    between = tissue & (stroma >= 0.5) & clear
    spindles = _scattered(rng, scene, between, SPINDLES, SPINDLES_PER_MM2, heading=heading)
    nuclei = joined(nests, spindles)
    cells = grow_cells(rng, nuclei, plan.cell_reach_um / scale)
    cells = np.where(tissue | (nuclei.label > 0), cells, 0).astype(np.int32)
    fibres = _fibres(rng, shape, heading, scale)
    return _Section(tissue | (cells > 0), stroma.astype(np.float32), fibres, nuclei, cells)


def _scattered(
    rng: np.random.Generator,
    scene: DabScene,
    where: np.ndarray,
    style: NucleusStyle,
    per_mm2: float,
    *,
    heading: np.ndarray | None = None,
) -> Nuclei:
    """Nuclei inside a part of the section."""
    inside = cv2.erode(where.astype(np.uint8), np.ones((3, 3))) > 0
    area_mm2 = float(where.sum()) * (scene.um_per_px / 1000) ** 2
    wanted = round(scene.density * per_mm2 * area_mm2)
    return draw_nuclei(rng, inside, wanted, style, um_per_px=scene.um_per_px, heading=heading)


def _vectors(rng: np.random.Generator, scene: DabScene) -> np.ndarray:
    """Unit vectors of hematoxylin, DAB and pigment."""
    wanted = np.array([scene.hematoxylin_vector, scene.dab_vector, HEMOSIDERIN], np.float64)
    wanted[:2] += scene.vector_jitter * rng.standard_normal((2, 3))
    return np.array([unit_vector(np.maximum(vector, 0.01)) for vector in wanted])


def _tissue(rng: np.random.Generator, scene: DabScene) -> np.ndarray:
    """Where the section is; the rest is lumen or glass."""
    field = fractal_noise(rng, scene.size_px, 45 / scene.um_per_px, octaves=4, persistence=0.45)
    if scene.gaps <= 0:
        return np.ones(scene.size_px, bool)
    return field > np.quantile(field, min(scene.gaps, 1.0))


def _marked(
    rng: np.random.Generator, scene: DabScene, section: _Section
) -> tuple[pd.DataFrame, np.ndarray]:
    """Levels of all cells, and the compartment that carries the marker."""
    nuclei, cells = section.nuclei, section.cells
    count = nuclei.count
    positive = positives(rng, count, scene.positive_fraction)
    median = np.where(positive, scene.positive_od, scene.negative_od)
    spread = np.where(positive, scene.positive_log_sd, scene.negative_log_sd)
    level = median * np.exp(spread * rng.standard_normal(count))
    compartment = nuclei.label
    if scene.compartment == "cytoplasm":
        compartment = np.where(nuclei.label > 0, 0, cells).astype(np.int32)
    table = pd.DataFrame(
        {
            "label": np.arange(1, count + 1),
            "positive": positive,
            "level_od": level,
            "y_px": nuclei.y,
            "x_px": nuclei.x,
        }
    )
    return table.astype(DAB_TYPES), compartment


def _fibres(
    rng: np.random.Generator, shape: tuple[int, int], heading: np.ndarray, um_per_px: float
) -> np.ndarray:
    """Streaks along the heading, unit variance: noise averaged along short paths."""
    grain = fractal_noise(rng, shape, max(1.5, 1.6 / um_per_px), octaves=2)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    cosine, sine = np.cos(heading).astype(np.float32), np.sin(heading).astype(np.float32)
    step = np.float32(max(1.0, 1.5 / um_per_px))
    total = grain.copy()
    for k in (-4, -3, -2, -1, 1, 2, 3, 4):
        total += cv2.remap(
            grain, x + k * step * cosine, y + k * step * sine, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
    return total / max(float(total.std()), 1e-6)


def _dab_od(
    rng: np.random.Generator,
    scene: DabScene,
    table: pd.DataFrame,
    compartment: np.ndarray,
    section: _Section,
) -> np.ndarray:
    """DAB before optics: uneven within cells and fainter at their borders, means as the table."""
    shape = compartment.shape
    grain = fractal_noise(rng, shape, max(2.0, 2.5 / scene.um_per_px), octaves=3)
    texture = np.exp(np.float32(0.35 * scene.texture) * grain)
    if scene.compartment == "cytoplasm":
        inward = border_distance(section.cells) * np.float32(scene.um_per_px / SOFT_BORDER_UM)
        texture *= 1 - np.float32(scene.texture) * (1 - np.clip(inward, 0.25, 1))
    pattern = even_texture(compartment, texture, len(table))
    level = np.concatenate([[0.0], table["level_od"].to_numpy()])
    ground = scene.unspecific_od * np.clip(1 + 0.4 * grain, 0, 3) * section.tissue
    return (level[compartment] * pattern + ground).astype(np.float32)


def _hematoxylin_od(rng: np.random.Generator, scene: DabScene, section: _Section) -> np.ndarray:
    """Hematoxylin before optics: chromatin, nuclear rims, nucleoli, faint cytoplasm, fibres."""
    nuclei, shape, scale = section.nuclei, section.tissue.shape, scene.um_per_px
    amount = scene.hematoxylin_od * np.exp(0.3 * rng.standard_normal(nuclei.count))
    clumps = fractal_noise(rng, shape, max(1.5, 1.8 / scale), octaves=2)
    chromatin = np.exp(np.float32(0.45 * scene.texture) * clumps)
    rim = 1 + 0.6 * scene.texture * np.exp(-((nuclei.depth / 0.18) ** 2))
    edge = np.clip(nuclei.depth / 0.12, 0.35, 1)
    spots = 1 + 0.9 * scene.texture * nucleoli(rng, nuclei, scale)
    level = np.concatenate([[0.0], amount])
    inside = level[nuclei.label] * chromatin * rim * edge * spots
    cloud = fractal_noise(rng, shape, 12 / scale, octaves=3)
    streaks = (0.15 + 0.45 * section.stroma) * section.fibres
    ground = scene.counterstain_od * np.exp(0.3 * cloud + streaks)
    ground *= np.where(section.cells > 0, 1.0, 0.65 + 0.3 * section.stroma)
    ground = np.where(nuclei.label > 0, inside + 0.5 * ground, ground * section.tissue)
    return ground.astype(np.float32)


def _pigment_od(rng: np.random.Generator, scene: DabScene, tissue: np.ndarray) -> np.ndarray:
    """Granules of hemosiderin in clusters, as in macrophages."""
    height, width = tissue.shape
    pigment = np.zeros((height, width), np.float32)
    rows, columns = np.nonzero(tissue)
    if scene.hemosiderin == 0 or len(rows) == 0:
        return pigment
    for _ in range(scene.hemosiderin):
        at = int(rng.integers(len(rows)))
        spread = rng.uniform(1.5, 5.0) / scene.um_per_px
        for _ in range(int(rng.integers(6, 40))):
            y, x = rng.normal(rows[at], spread), rng.normal(columns[at], spread)
            radius = max(0.5, rng.uniform(0.25, 1.0) / scene.um_per_px)
            cv2.circle(pigment, (round(8 * x), round(8 * y)), round(8 * radius),
                       float(rng.uniform(0.4, 1.6)), -1, cv2.LINE_8, 3)  # fmt: skip
    return pigment * tissue


def _folded(rng: np.random.Generator, scene: DabScene, layers: np.ndarray) -> np.ndarray:
    """Stains with bands in which the section lies double."""
    height, width = scene.size_px
    y, x = np.ogrid[:height, :width]
    for _ in range(scene.folds):
        angle = rng.uniform(0, np.pi)
        across = np.cos(angle) * (x - rng.uniform(0, width)) + np.sin(angle) * (
            y - rng.uniform(0, height)
        )
        across = across + 6 / scene.um_per_px * smooth_noise(rng, (height, width), 60)
        half = rng.uniform(2, 7) / scene.um_per_px
        double = (np.abs(across) < half).astype(np.float32)
        layers = layers * (1 + blurred(double, 1.0))
    return layers


def _imaged(
    rng: np.random.Generator, scene: DabScene, layers: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Camera values of the field and of its blank."""
    density = np.tensordot(layers, vectors, axes=(0, 0)).astype(np.float32)
    light = light_field(rng, scene.size_px, scene.uneven_light)[..., None]
    light = np.minimum(light / light.max(), 1) * np.array(scene.white, np.float32)
    field = blurred(transmitted(density, light), scene.blur_px)
    pictures = [np.clip(shot_noise(image / 255, rng, scene.full_well), 0, 1) * 255
                for image in (field, light)]  # fmt: skip
    rgb, blank = (np.rint(picture).astype(np.uint8) for picture in pictures)
    return jpeg(rgb, scene.jpeg_quality), blank
