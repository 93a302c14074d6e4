"""The segmenter that finds nuclei by the network, at a scale that it finds by itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .nuclei import DIAMETER_RANGE_UM, SMALLEST_DIAMETER_PX, check_diameter
from .nucleus_network import (
    DIAMETER_PX,
    TILE_PX,
    Levels,
    NucleusMaps,
    drawn_maps,
    evened,
    shipped_session,
)
from .nucleus_votes import decoded, enlarged

if TYPE_CHECKING:
    import onnxruntime

CLOSE = 0.08
"""The scale stands when the median diameter found is within this share of the assumed one."""

_LOOKS = 4
_COUNTABLE = 5  # nuclei that make a median
_ASSUMED_UM = 8.0
# A large image is scaled so that its nuclei are smaller, down to 14 px, where the network is
# nearly as good: 2048² pixels take seconds.
_LARGE_PX = 3_600_000
_LEAST_DIAMETER_PX = 14.0
_LOOKED_AT_PX = 400_000  # canonical pixels that are enough to find the scale
_GRID = 3  # windows a side, where the image is larger
_LEAST_SIDE_PX = 8
_GRAIN = 0.25  # of the area of the object that the middle pixel of all objects lies on


@dataclass(frozen=True)
class NetworkSegmenter:
    """`network_nuclei` behind the `Segmenter` protocol.

    Attributes
    ----------
    diameter_um : float or None
        Typical diameter of a nucleus; found by itself in each image if None.
    levels : Levels or None
        Of the slide that the images are parts of; each image's own if None.
    """

    diameter_um: float | None = None
    levels: Levels | None = None

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei; see `network_nuclei`."""
        return network_nuclei(image, um_per_px, diameter_um=self.diameter_um, levels=self.levels)


def network_nuclei(
    image: np.ndarray,
    um_per_px: float | None = None,
    *,
    diameter_um: float | None = None,
    levels: Levels | None = None,
    tile_px: int = TILE_PX,
    session: "onnxruntime.InferenceSession | None" = None,
) -> np.ndarray:
    """Label bright nuclei on a darker ground with the network.

    The image is scaled so that its typical nucleus is 20 pixels across; where the diameter isn't
    known, the network is run at an assumed one, the median diameter of what it finds is taken,
    and so on until both agree within 8 %.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (H, W), any real dtype; a DAPI channel, or the optical density of hematoxylin.
    um_per_px : float, optional
        Pixel size in micrometres.
    diameter_um : float, optional
        Typical diameter of a nucleus; needs `um_per_px`.
    levels : Levels, optional
        Intensities of the slide that the image is a part of; the image's own by default.
    tile_px : int
        Side of a tile; the result doesn't depend on it.
    session : onnxruntime.InferenceSession, optional
        The network; the one that comes with the program by default.

    Returns
    -------
    numpy.ndarray
        int32 labels of shape (H, W), 1 to n; all 0 where there is no nucleus.

    Raises
    ------
    MeasurementError
        If the image isn't a plane of real numbers, a diameter comes without a pixel size, or the
        weights are missing or damaged.
    """
    plane = evened(image, levels)
    check_diameter(diameter_um, um_per_px)
    if min(plane.shape, default=0) < 2 or not plane.any():
        return np.zeros(plane.shape, np.int32)
    session = session or shipped_session()
    if diameter_um is not None and um_per_px is not None:
        diameter = max(diameter_um / um_per_px, SMALLEST_DIAMETER_PX)
    else:
        diameter = found_diameter(plane, um_per_px, session)
    maps = maps_at(plane, diameter, session, tile_px)
    return enlarged(decoded(maps), maps, (plane.shape[0], plane.shape[1]))


def maps_at(
    plane: np.ndarray,
    diameter: float,
    session: "onnxruntime.InferenceSession",
    tile_px: int = TILE_PX,
) -> NucleusMaps:
    """Run the network over an evened plane, given the diameter of its nuclei in pixels.

    The maps have the canonical scale, not the plane's; large planes a smaller one.

    Parameters
    ----------
    plane : numpy.ndarray
        (H, W) float32, evened.
    diameter : float
        Median diameter of the nuclei, in pixels of the plane.
    session : onnxruntime.InferenceSession
        The network.
    tile_px : int
        Side of the tiles that the network sees, in pixels of its own scale.

    Returns
    -------
    NucleusMaps
        At the canonical scale or, of large planes, a smaller one.
    """
    factor = DIAMETER_PX / diameter
    if plane.size * factor**2 > _LARGE_PX:
        factor *= max(np.sqrt(_LARGE_PX / plane.size) / factor, _LEAST_DIAMETER_PX / DIAMETER_PX)
    return drawn_maps(_scaled(plane, factor), session, tile_px=tile_px)


def _scaled(plane: np.ndarray, factor: float) -> np.ndarray:
    """Scale a plane; nothing is lost to aliasing."""
    height, width = (max(_LEAST_SIDE_PX, round(side * factor)) for side in plane.shape)
    if (height, width) == plane.shape:
        return plane
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(plane, (width, height), interpolation=how)


def found_diameter(
    plane: np.ndarray, um_per_px: float | None, session: "onnxruntime.InferenceSession"
) -> float:
    """Find the median diameter of the nuclei in pixels, by looking at assumed ones.

    Parameters
    ----------
    plane : numpy.ndarray
        (H, W) float32, evened.
    um_per_px : float or None
        Side of a pixel in micrometres, which bounds the diameter where it is known.
    session : onnxruntime.InferenceSession
        The network.

    Returns
    -------
    float
        Pixels; what was assumed where no nuclei are seen.
    """
    low, high = SMALLEST_DIAMETER_PX, max(plane.shape) / 2
    assumed = DIAMETER_PX
    if um_per_px:
        low = max(low, DIAMETER_RANGE_UM[0] / um_per_px)
        high = max(low, DIAMETER_RANGE_UM[1] / um_per_px)
        assumed = _ASSUMED_UM / um_per_px
    assumed = float(np.clip(assumed, low, max(low, high)))
    for _ in range(_LOOKS):
        found = _median_diameter(plane, assumed, session)
        if found is None:
            break
        found = float(np.clip(found, low, max(low, high)))
        close = abs(found / assumed - 1) <= CLOSE
        assumed = found
        if close:
            break
    return assumed


def _median_diameter(
    plane: np.ndarray, assumed: float, session: "onnxruntime.InferenceSession"
) -> float | None:
    """Median diameter of the nuclei found at an assumed one, in pixels; None if they are few."""
    factor = DIAMETER_PX / assumed
    areas = np.concatenate(
        [
            _whole_areas(decoded(drawn_maps(_scaled(part, factor), session)))
            for part in _looked_at(plane, factor)
        ]
    )
    areas = np.sort(areas[areas > 0])
    if areas.size < _COUNTABLE:
        return None
    # grain can outnumber nuclei, but doesn't cover more than they do
    covering = areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)]
    nuclei = areas[areas >= _GRAIN * covering]
    return float(2 * np.sqrt(np.median(nuclei) / np.pi)) / factor


def _looked_at(plane: np.ndarray, factor: float) -> list[np.ndarray]:
    """The plane, or evenly spread windows of it where it is large at the canonical scale."""
    if plane.size * factor**2 <= _LOOKED_AT_PX:
        return [plane]
    share = float(np.sqrt(_LOOKED_AT_PX / (plane.size * factor**2))) / _GRID
    windows = []
    for row in range(_GRID):
        for column in range(_GRID):
            window = []
            for place, side in zip((row, column), plane.shape, strict=True):
                length = max(1, int(share * side))
                start = int((place + 0.5) / _GRID * side - length / 2)
                window.append(slice(start, start + length))
            windows.append(plane[tuple(window)])
    return windows


def _whole_areas(labels: np.ndarray) -> np.ndarray:
    """Areas of the objects that the image's edge doesn't cut, of all if that leaves few."""
    areas = np.bincount(labels.ravel(), minlength=1)[1:]
    cut = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    whole = np.delete(areas, cut[cut > 0] - 1)
    return whole if whole.size >= _COUNTABLE else areas
