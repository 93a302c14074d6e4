"""Western blots, rendered with the volume of every band known."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import pandas as pd

_TRUTH_TYPES = {
    "band": "int64",
    "lane": "int64",
    "row": "int64",
    "y_px": "float64",
    "x_px": "float64",
    "volume": "float64",
    "clipped_fraction": "float64",
}

_MARGIN_LANES = 0.5  # blank strip at each side, in pitches of the lanes
_EDGE_PX = 1.5  # softness of a band's two ends
_MAXIMUM = {8: 255, 16: 65535}


@dataclass(frozen=True)
class BlotScene:
    """What a blot shows; grey levels are shares of the full scale, so they fit 8 and 16 bits.

    Attributes
    ----------
    size_px : tuple of int
        Height and width.
    lanes : int
        Lanes, evenly spaced.
    rows : tuple of float
        Heights of the bands that every lane has, as shares of the image's height.
    lane_fill : float
        Width of a band over the pitch of the lanes.
    thickness_px : float
        Standard deviation of a band across its length, at its middle.
    strongest, faintest : float
        Range of the bands' peaks, as shares of the full scale.
    peaks : tuple of tuple of float, optional
        The peaks themselves, a tuple a row with a number a lane, in place of random ones; 0 is no
        band.
    tilt_deg : float
        Rotation of the scan, positive clockwise.
    smile_px : float
        How much lower the bands of the outer lanes stand than those of the middle.
    lane_smile_px : float
        How much higher a band's ends stand than its middle.
    background, slope : float
        Grey level between bands, and its rise from one corner to the other.
    noise : float
        Standard deviation of the noise.
    bands : {"dark", "light"}
        Dark bands on light, or light on dark.
    bit_depth : int
        8 or 16.
    jpeg_quality : int or None
        Stored as JPEG once; 8 bits only.
    contrast : float
        Grey levels are multiplied by it after rounding, as an editor's contrast would.
    splice_after_lane : int or None
        The lanes after this one are from another exposure: a step of `splice_step`.
    splice_step : float
        Step of the background at the splice.
    """

    size_px: tuple[int, int] = (240, 480)
    lanes: int = 6
    rows: tuple[float, ...] = (0.3, 0.7)
    lane_fill: float = 0.68
    thickness_px: float = 3.5
    strongest: float = 0.6
    faintest: float = 0.1
    peaks: tuple[tuple[float, ...], ...] | None = None
    tilt_deg: float = 0.0
    smile_px: float = 0.0
    lane_smile_px: float = 0.0
    background: float = 0.12
    slope: float = 0.04
    noise: float = 0.006
    bands: Literal["dark", "light"] = "dark"
    bit_depth: Literal[8, 16] = 16
    jpeg_quality: int | None = None
    contrast: float = 1.0
    splice_after_lane: int | None = None
    splice_step: float = 0.03


@dataclass(frozen=True)
class BlotPhantom:
    """A rendered blot and the truth about it.

    Attributes
    ----------
    image : numpy.ndarray
        Shape (height, width), uint8 or uint16.
    bands : pandas.DataFrame
        A row a band: band, lane (1 from the left), row (1 from the top), y_px, x_px (centre),
        volume (its light summed over pixels, in the image's grey levels, before noise and
        clipping), clipped_fraction (share of its pixels above half its peak that are clipped).
    scene : BlotScene
        What was rendered.
    """

    image: np.ndarray
    bands: pd.DataFrame
    scene: BlotScene


def render_blot(seed: int = 0, *, scene: BlotScene | None = None) -> BlotPhantom:
    """Render a blot; the same seed and scene give the same pixels.

    Parameters
    ----------
    seed : int
        Of the random numbers: peaks, positions and noise.
    scene : BlotScene, optional
        What to show.

    Returns
    -------
    BlotPhantom

    Raises
    ------
    ValueError
        If `peaks` doesn't have a number a lane and row, or JPEG is asked for with 16 bits.

    Examples
    --------
    >>> phantom = render_blot(1, scene=BlotScene(lanes=4))
    >>> phantom.image.shape, str(phantom.image.dtype), len(phantom.bands)
    ((240, 480), 'uint16', 8)
    """
    scene = scene or BlotScene()
    if scene.jpeg_quality is not None and scene.bit_depth != 8:
        raise ValueError("JPEG holds 8 bits; set bit_depth=8 or jpeg_quality=None.")
    random = np.random.default_rng(seed)
    peaks = _peaks(scene, random)
    light = np.full(scene.size_px, 0.0)
    truth = []
    for row in range(len(scene.rows)):
        for lane in range(scene.lanes):
            if peaks[row, lane] > 0:
                band = _band(scene, row, lane, peaks[row, lane], random)
                light += band
                truth.append(_truth(scene, row, lane, band))
    grey = light + _background(scene)
    grey = grey + random.normal(0, scene.noise, scene.size_px)
    image = _stored(grey, scene)
    table = _truth_table(truth, light + _background(scene), scene)
    return BlotPhantom(image, table, scene)


def _peaks(scene: BlotScene, random: np.random.Generator) -> np.ndarray:
    """Peaks of the bands, shape (rows, lanes), evenly spread on a logarithmic scale."""
    shape = (len(scene.rows), scene.lanes)
    if scene.peaks is None:
        low, high = math.log(scene.faintest), math.log(scene.strongest)
        return np.exp(random.uniform(low, high, shape))
    peaks = np.array(scene.peaks, dtype=float)
    if peaks.shape != shape:
        raise ValueError(f"peaks has shape {peaks.shape}, expected {shape}: rows by lanes.")
    return peaks


def _pitch(scene: BlotScene) -> float:
    return scene.size_px[1] / (scene.lanes - 1 + 2 * _MARGIN_LANES + 1)


def _lane_x(scene: BlotScene, lane: int) -> float:
    return (_MARGIN_LANES + 0.5 + lane) * _pitch(scene)


def _band(
    scene: BlotScene, row: int, lane: int, peak: float, random: np.random.Generator
) -> np.ndarray:
    """Light of one band, shape (height, width), in shares of the full scale."""
    height, width = scene.size_px
    half = 0.5 * scene.lane_fill * _pitch(scene)
    centre_x = _lane_x(scene, lane) + random.uniform(-0.03, 0.03) * _pitch(scene)
    centre_y = scene.rows[row] * height + random.uniform(-1, 1)
    x, y = _turned(scene)
    along = (x - centre_x) / half
    outer = (x - width / 2) / (width / 2)
    middle = centre_y + scene.smile_px * outer**2 - scene.lane_smile_px * np.clip(along, -1, 1) ** 2
    across = np.exp(-0.5 * ((y - middle) / scene.thickness_px) ** 2)
    ends = 1 / (1 + np.exp((np.abs(x - centre_x) - half) / _EDGE_PX))
    return peak * across * ends


def _turned(scene: BlotScene) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the blot at every pixel of the tilted scan."""
    height, width = scene.size_px
    rows, columns = np.mgrid[:height, :width].astype(float)
    angle = math.radians(scene.tilt_deg)
    dy, dx = rows - height / 2, columns - width / 2
    x = width / 2 + dx * math.cos(angle) + dy * math.sin(angle)
    y = height / 2 - dx * math.sin(angle) + dy * math.cos(angle)
    return x, y


def _background(scene: BlotScene) -> np.ndarray:
    height, width = scene.size_px
    rows, columns = np.mgrid[:height, :width].astype(float)
    level = scene.background + scene.slope * (0.5 * rows / height + 0.5 * columns / width)
    if scene.splice_after_lane is not None:
        cut = round(_lane_x(scene, scene.splice_after_lane - 1) + 0.5 * _pitch(scene))
        level[:, cut:] += scene.splice_step
    return level


def _stored(grey: np.ndarray, scene: BlotScene) -> np.ndarray:
    """Turn light into the file's grey levels."""
    most = _MAXIMUM[scene.bit_depth]
    levels = np.clip(np.rint(grey * most), 0, most)
    if scene.bands == "dark":
        levels = most - levels
    if scene.contrast != 1.0:
        levels = np.clip(np.rint(levels * scene.contrast), 0, most)
    image = levels.astype(np.uint8 if scene.bit_depth == 8 else np.uint16)
    if scene.jpeg_quality is None:
        return image
    quality = [cv2.IMWRITE_JPEG_QUALITY, scene.jpeg_quality]
    stored = cv2.imencode(".jpg", image, quality)[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE))


def _truth(scene: BlotScene, row: int, lane: int, band: np.ndarray) -> tuple:
    total = band.sum()
    rows, columns = np.mgrid[: band.shape[0], : band.shape[1]]
    y, x = float((rows * band).sum() / total), float((columns * band).sum() / total)
    volume = float(total) * _MAXIMUM[scene.bit_depth] * scene.contrast
    return lane + 1, row + 1, y, x, volume, band > 0.5 * band.max()


def _truth_table(truth: list[tuple], light: np.ndarray, scene: BlotScene) -> pd.DataFrame:
    clipped = light >= 1.0
    rows = [
        (number, *values[:-1], float(clipped[values[-1]].mean()))
        for number, values in enumerate(truth, start=1)
    ]
    return pd.DataFrame(rows, columns=list(_TRUTH_TYPES)).astype(_TRUTH_TYPES)
