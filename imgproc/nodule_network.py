"""Nodules by a small convolutional network: its weights, its input, the maps that it draws."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .glare import glare_mask
from .lobe_patch import LobePatch
from .lung_tissue import chroma
from .network_weights import WeightsFile
from .nodule_surface import inner, rim_distance

if TYPE_CHECKING:
    import onnxruntime

_REMEDY = "install the program again, or choose detector = 'classical'"
NETWORK = WeightsFile(
    "weights/nodules.onnx",
    "8d82725d2d9292a4de929f079a8b9c5f9c11e2fc653d57233d27b8571b15a45d",
    "nodule network",
    _REMEDY,
)
JUDGE = WeightsFile(
    "weights/nodules.json",
    "fcbc3def6e6957b886e8e8952e0ce52d55c194d54e5663cf95a31e8043d6146c",
    "judge of nodules",
    _REMEDY,
)

PLANES = 7
STEP_PX = 16  # the network halves four times: tiles begin at multiples of it
HALO_PX = 112  # what a pixel's answer depends on reaches less far
TILE_PX = 512
TRAINED_PX_PER_MM = 20.0
"""The network has learned lobes at 0.78 to 1.28 times this scale, and is shown them near its upper
end (`WORK_PX_PER_MM`), where it misses fewer small nodules. It knows lengths in pixels alone."""

RADIUS_UNIT_PX = 6.0
"""The network gives the natural log of a nodule's radius over this."""

View = tuple[bool, bool, bool]
"""Upside down, mirrored, transposed."""

_EITHER = (False, True)
VIEWS: tuple[View, ...] = tuple((a, b, c) for a in _EITHER for b in _EITHER for c in _EITHER)
"""The network sees a tile in all eight ways."""

_RIM_MM = 0.12  # the background's colour bleeds this far into a lobe (blur, JPEG chroma)
_FLOOR = 0.03  # of full scale: keeps logarithms of dark pixels from being noise
_FAR_PX = 20.0  # beyond this the distance to the rim says nothing
_MOST = 2.0  # of a log ratio to the lobe's tissue: a factor of seven


@dataclass(frozen=True)
class NoduleMaps:
    """What the network says of each pixel of a patch.

    Attributes
    ----------
    inside : numpy.ndarray of float32, shape (h, w)
        Probability that it belongs to a nodule.
    cone : numpy.ndarray of float32, shape (h, w)
        1 in the middle of a nodule, 0 at its outline and outside.
    radius : numpy.ndarray of float32, shape (h, w)
        Of the nodule it belongs to, in pixels.
    way : numpy.ndarray of float32, shape (2, h, w)
        From the pixel to that nodule's middle in y and x, in pixels.
    """

    inside: np.ndarray
    cone: np.ndarray
    radius: np.ndarray
    way: np.ndarray


def tissue_level(patch: LobePatch) -> np.ndarray:
    """Colour of a lobe's plain tissue: the median of its yellower half, without glare and rim.

    Returns
    -------
    numpy.ndarray of float32, shape (3,)
        Red, green and blue, 0 to 1.
    """
    known = inner(patch.mask, _RIM_MM * patch.px_per_mm)
    known &= ~glare_mask(patch.rgb, px_per_mm=patch.px_per_mm)
    if not known.any():
        known = patch.mask
    pixels = patch.rgb[known]
    yellow = chroma(pixels[None])[0]
    return np.median(pixels[yellow >= np.median(yellow)], axis=0).astype(np.float32)


def network_planes(
    rgb: np.ndarray, place: np.ndarray, rim: np.ndarray, level: np.ndarray
) -> np.ndarray:
    """What the network reads.

    Parameters
    ----------
    rgb : numpy.ndarray of float32, shape (h, w, 3)
        0 to 1.
    place : numpy.ndarray of float32, shape (h, w)
        1 on the lobe, -1 on other lobes, 0 elsewhere.
    rim : numpy.ndarray of float32, shape (h, w)
        Distance to the lobe's outline in pixels, positive inside.
    level : numpy.ndarray of float32, shape (3,)
        Colour of the lobe's plain tissue (`tissue_level`).

    Returns
    -------
    numpy.ndarray of float32, shape (7, h, w)
        Natural logs of red, green and blue over the tissue's; the least and the greatest channel,
        which tell glare; the place; the distance to the outline over 20 pixels.
    """
    floor = np.float32(_FLOOR)
    ratio = np.log((np.maximum(rgb, 0) + floor) / (level + floor))
    planes = np.empty((PLANES, *rgb.shape[:2]), np.float32)
    planes[:3] = np.clip(ratio, -_MOST, _MOST).transpose(2, 0, 1)
    planes[3], planes[4] = rgb.min(axis=2), rgb.max(axis=2)
    planes[5] = place
    planes[6] = np.clip(rim / np.float32(_FAR_PX), -1, 1)
    return planes


def patch_place(patch: LobePatch) -> tuple[np.ndarray, np.ndarray]:
    """Place and distance to the outline of every pixel, as `network_planes` reads them."""
    place = patch.mask.astype(np.float32) - patch.others.astype(np.float32)
    beside = cv2.distanceTransform((~patch.mask).astype(np.uint8), cv2.DIST_L2, 5)
    return place, (rim_distance(patch.mask) - beside).astype(np.float32)


def patch_planes(patch: LobePatch) -> np.ndarray:
    """What the network reads of a patch, float32, shape (7, h, w)."""
    return network_planes(patch.rgb, *patch_place(patch), tissue_level(patch))


def drawn_maps(
    patch: LobePatch, session: "onnxruntime.InferenceSession", *, tile_px: int = TILE_PX
) -> NoduleMaps:
    """Run the network over a patch, tile by tile where it shows lung.

    Parameters
    ----------
    patch : LobePatch
        At `WORK_PX_PER_MM`.
    session : onnxruntime.InferenceSession
        The network.
    tile_px : int
        Largest side of a tile, without what it overlaps.

    Returns
    -------
    NoduleMaps
        Nothing where a tile has no pixel of the lobe.
    """
    planes = patch_planes(patch)
    height, width = patch.mask.shape
    after = [-side % STEP_PX for side in (height, width)]
    canvas = np.pad(planes, ((0, 0), (0, after[0]), (0, after[1])), mode="edge")
    drawn = np.zeros((5, *canvas.shape[1:]), np.float32)
    for rows in spans(canvas.shape[1], tile_px):
        for columns in spans(canvas.shape[2], tile_px):
            if patch.mask[slice(*rows), slice(*columns)].any():
                _draw(drawn, canvas, session, rows, columns)
    inside, cone, size, way_y, way_x = drawn[:, :height, :width]
    radius = np.exp(size) * np.float32(RADIUS_UNIT_PX)
    return NoduleMaps(inside, cone, radius, np.stack([way_y * radius, way_x * radius]))


def spans(side: int, tile_px: int) -> list[tuple[int, int]]:
    """Divide a side into equal spans of whole steps.

    Parameters
    ----------
    side : int
        Of the photo, in pixels.
    tile_px : int
        Longest span.

    Returns
    -------
    list of (int, int)
        Start and end of each, which lie side by side.
    """
    n = max(1, -(-side // tile_px))
    length = -(-side // (n * STEP_PX)) * STEP_PX
    return [(start, min(start + length, side)) for start in range(0, side, length)]


def _draw(
    drawn: np.ndarray,
    canvas: np.ndarray,
    session: "onnxruntime.InferenceSession",
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> None:
    """Write one tile of the maps."""
    seen, within = [], []
    for (start, stop), side in zip((rows, columns), canvas.shape[1:], strict=True):
        low, high = max(0, start - HALO_PX), min(side, stop + HALO_PX)
        seen.append(slice(low, high))
        within.append(slice(start - low, stop - low))
    drawn[:, slice(*rows), slice(*columns)] = averaged(session, canvas[:, *seen])[:, *within]


def averaged(session: "onnxruntime.InferenceSession", planes: np.ndarray) -> np.ndarray:
    """Maps of a tile, the mean of what the network says of it in all eight `VIEWS`.

    The network has learned each view alike, so their disagreement is its own noise.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The network.
    planes : numpy.ndarray of float32, shape (7, h, w)
        Height and width are multiples of `STEP_PX`.

    Returns
    -------
    numpy.ndarray of float32, shape (5, h, w)
        Probability, cone, log radius, way in y and x.
    """
    name = session.get_inputs()[0].name
    total = np.zeros((5, *planes.shape[1:]), np.float32)
    for view in VIEWS:
        tile = np.ascontiguousarray(turned(planes, view))[None]
        total += turned_back(session.run(None, {name: tile})[0][0], view)
    return total / np.float32(len(VIEWS))


def turned(planes: np.ndarray, view: View) -> np.ndarray:
    """Planes (n, h, w) in one of the `VIEWS`."""
    upside_down, mirrored, transposed = view
    seen = planes[:, :: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return seen.transpose(0, 2, 1) if transposed else seen


def turned_back(maps: np.ndarray, view: View) -> np.ndarray:
    """Maps (5, h, w) of a view as those of the tile itself; the way's y and x turn along."""
    upside_down, mirrored, transposed = view
    if transposed:
        maps = maps.transpose(0, 2, 1)[[0, 1, 2, 4, 3]]
    signs = np.array([1, 1, 1, -1 if upside_down else 1, -1 if mirrored else 1], np.float32)
    seen = maps[:, :: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return seen * signs[:, None, None]
