"""Nuclei by a small convolutional network: its weights, its input, the maps that it draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .errors import MeasurementError
from .network_weights import WeightsFile

if TYPE_CHECKING:
    import onnxruntime

CHECKSUM = "03d3344d30aadff678bd2aa53d9a54cb917a89c68b745e9aaca234e0bb3af92e"
"""SHA-256 of the weights: a file that was damaged or exchanged is refused."""

DIAMETER_PX = 20.0
"""Diameter at which the network knows nuclei: an image is scaled to it."""

STEP_PX = 16  # the network halves four times: tiles begin at multiples of it
HALO_PX = 128  # what a pixel's answer depends on reaches 119 pixels
FRAME_PX = 32  # of mirrored image around the image, for nuclei cut by its edge
TILE_PX = 1088

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.8
_NOISES = 10.0  # an image whose range is below so many SDs of its noise isn't stretched further
_SAMPLED_PIXELS = 500_000
_NOISE_SIDE = 1024
_LEVELS = 255  # of a share as stored
_WAY_LEVELS = 1024  # of a radius, as stored


WEIGHTS = WeightsFile(
    "weights/nuclei.onnx",
    CHECKSUM,
    "nucleus network",
    "install the program again, or choose segmenter = 'classical'",
)


@dataclass(frozen=True)
class NucleusMaps:
    """What the network says of each pixel, at the canonical scale.

    Attributes
    ----------
    foreground, edge, distance : numpy.ndarray
        uint8, shape (H, W): probability of nucleus, probability of an edge between touching
        nuclei, distance from the outline as a share of the nucleus's largest; 255 is 1.
    way : numpy.ndarray
        int16, shape (2, H, W): the way to the nucleus's centre in y and x, in 1/1024 of the
        canonical radius.
    """

    foreground: np.ndarray
    edge: np.ndarray
    distance: np.ndarray
    way: np.ndarray

    def way_px(self) -> np.ndarray:
        """The way to the centre in pixels, float32, shape (2, H, W)."""
        return self.way.astype(np.float32) * np.float32(DIAMETER_PX / 2 / _WAY_LEVELS)


def checked_plane(image: np.ndarray) -> np.ndarray:
    """Give an image as one finite plane.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype. What isn't finite counts as the darkest, +inf as the
        brightest.

    Returns
    -------
    numpy.ndarray
        Shape (H, W), float32, or float64 for types of more than 16 bits.

    Raises
    ------
    MeasurementError
        If the image isn't one plane of real numbers.
    """
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise MeasurementError(
            f"nuclei are found in one 2-D plane of real numbers; the image has shape "
            f"{image.shape} and type {image.dtype}",
            "choose one channel, and project a z-stack",
        )
    plane = image.astype(np.float64 if image.dtype.itemsize > 2 else np.float32)
    finite = np.isfinite(plane)
    if finite.all():
        return plane
    if not finite.any():
        return np.zeros_like(plane)
    low, high = plane[finite].min(), plane[finite].max()
    return np.nan_to_num(plane, nan=low, posinf=high, neginf=low)


@dataclass(frozen=True)
class Levels:
    """What an image's intensities are scaled by before the network sees them.

    Attributes
    ----------
    dark : float
        The darkest percent: becomes 0.
    reach : float
        How far above it the brightest nuclei are: becomes 1. Not above 0 in an even image.
    """

    dark: float
    reach: float

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> "Levels":
        """Measure the levels that one image has, or that samples of a larger one share.

        An image of little more than noise isn't stretched to 1, so that its grain stays dim.

        Parameters
        ----------
        images : sequence of numpy.ndarray
            One or more, each of shape (H, W) and any real dtype.

        Raises
        ------
        MeasurementError
            If one isn't one plane of real numbers.
        """
        planes = [plane for plane in map(checked_plane, images) if plane.size]
        if not planes:
            return cls(0.0, 0.0)
        step = max(1, int(np.sqrt(sum(plane.size for plane in planes) / _SAMPLED_PIXELS)))
        sampled = np.concatenate([plane[::step, ::step].ravel() for plane in planes])
        low, high = np.percentile(sampled, (_LOW_PERCENT, _HIGH_PERCENT))
        if high <= low:  # a few bright pixels at most
            high = max(float(plane.max()) for plane in planes)
        grain = float(np.median([noise(plane) for plane in planes]))
        return cls(float(low), float(max(high - low, _NOISES * grain)))


def evened(image: np.ndarray, levels: Levels | None = None) -> np.ndarray:
    """Scale intensities: the darkest percent is 0, the brightest nuclei are about 1.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype. What isn't finite counts as dark, +inf as the brightest.
    levels : Levels, optional
        Of the slide that the image is a part of; the image's own by default.

    Returns
    -------
    numpy.ndarray
        Float32, shape (H, W), finite; all 0 where the levels are even.

    Raises
    ------
    MeasurementError
        If the image isn't one plane of real numbers.
    """
    plane = checked_plane(image)
    levels = levels or Levels.of([plane])
    if not levels.reach > 0:
        return np.zeros(plane.shape, np.float32)
    return ((plane - levels.dark) / levels.reach).astype(np.float32)


def noise(plane: np.ndarray) -> float:
    """Estimate the noise's standard deviation from a difference that cancels edges.

    References
    ----------
    Immerkær, Fast noise variance estimation. Comput Vis Image Underst 1996; 64: 300–302.
    """
    top, left = (max(0, (side - _NOISE_SIDE) // 2) for side in plane.shape)
    part = plane[top : top + _NOISE_SIDE, left : left + _NOISE_SIDE]
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(part, -1, mask)).mean())


def session_of(content: bytes) -> "onnxruntime.InferenceSession":
    """Ready a network from the bytes of its ONNX file, as `WeightsFile.session`."""
    return WEIGHTS.session(content)


@cache
def shipped_session() -> "onnxruntime.InferenceSession":
    """The network that comes with the program, loaded once a process.

    Raises
    ------
    MeasurementError
        As `WeightsFile.checked`.
    """
    return session_of(WEIGHTS.read())


def drawn_maps(
    plane: np.ndarray, session: "onnxruntime.InferenceSession", *, tile_px: int = TILE_PX
) -> NucleusMaps:
    """Run the network over a plane of canonical scale, tile by tile.

    Tiles overlap by more than the network sees, and their answers are rounded, so that every
    tiling gives the same maps.

    Parameters
    ----------
    plane : numpy.ndarray
        Float32, shape (H, W), from `evened`, nuclei of about `DIAMETER_PX`.
    session : onnxruntime.InferenceSession
        The network.
    tile_px : int
        Largest side of a tile, without what it overlaps.

    Returns
    -------
    NucleusMaps
        Of shape (H, W).
    """
    height, width = plane.shape
    canvas = _framed(plane)
    levels = np.zeros((3, *canvas.shape), np.uint8)
    maps = NucleusMaps(levels[0], levels[1], levels[2], np.zeros((2, *canvas.shape), np.int16))
    for rows in _spans(canvas.shape[0], tile_px):
        for columns in _spans(canvas.shape[1], tile_px):
            _draw(maps, canvas, session, rows, columns)
    inner = (slice(FRAME_PX, FRAME_PX + height), slice(FRAME_PX, FRAME_PX + width))
    return NucleusMaps(
        maps.foreground[inner], maps.edge[inner], maps.distance[inner], maps.way[:, *inner]
    )


def _framed(plane: np.ndarray) -> np.ndarray:
    """Mirror the image at its edges, up to whole steps of the network."""
    after = [FRAME_PX + -side % STEP_PX for side in plane.shape]
    mode = cv2.BORDER_REFLECT_101
    if min(plane.shape) == 1:  # cv2 mirrors a single row at its edge for ever
        mode = cv2.BORDER_REPLICATE
    return cv2.copyMakeBorder(plane, FRAME_PX, after[0], FRAME_PX, after[1], mode)


def _spans(side: int, tile_px: int) -> list[tuple[int, int]]:
    """Divide a side into equal spans of whole steps."""
    n = max(1, -(-side // tile_px))
    length = -(-side // (n * STEP_PX)) * STEP_PX
    return [(start, min(start + length, side)) for start in range(0, side, length)]


def _draw(
    maps: NucleusMaps,
    canvas: np.ndarray,
    session: "onnxruntime.InferenceSession",
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> None:
    """Write one tile of the maps."""
    seen, inner, target = [], [], []
    for (start, stop), side in zip((rows, columns), canvas.shape, strict=True):
        low, high = max(0, start - HALO_PX), min(side, stop + HALO_PX)
        seen.append(slice(low, high))
        inner.append(slice(start - low, stop - low))
        target.append(slice(start, stop))
    tile = np.ascontiguousarray(canvas[tuple(seen)])[None, None]
    answer = session.run(None, {session.get_inputs()[0].name: tile})[0][0][:, *inner]
    place = tuple(target)
    for k, level in enumerate((maps.foreground, maps.edge, maps.distance)):
        level[place] = np.rint(answer[k] * _LEVELS)
    limit = np.iinfo(np.int16).max
    maps.way[:, *place] = np.rint(np.clip(answer[3:] * _WAY_LEVELS, -limit, limit))
