"""Lobes by a small convolutional network: its weights, its input, and lobes from its maps."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .lobe_split import undo_weak_cuts
from .network_weights import WeightsFile
from .paper import is_paper
from .parts import large_parts

if TYPE_CHECKING:
    import onnxruntime

NETWORK = WeightsFile(
    "weights/lobes.onnx",
    "2737191a9aaca94759e3e3ed7822ad7fca8869182a1cd0ad74b8dd13e018b191",
    "lobe network",
    "install the program again, or choose lobe_finder = 'classical'",
)

PLANES = 3
STEP_PX = 32  # the network halves five times: sides are multiples of it
NETWORK_PX_PER_MM = 6.0
"""Resolution at which the network sees a photo; it has learned 0.6 to 1.4 times as many."""

CORE_MM = 0.8
"""A pixel is in a lobe's core if it lies so deep within its own lobe."""

MIRRORS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""Steps along y and x: the photo as it is, and mirrored three ways."""

_LEAST = 0.5  # probability
_SURER = (0.6, 0.7, 0.8, 0.9)  # at which a core is looked at again, for it may be of two lobes
_CORE_SHARE = 0.1  # of the smallest lobe's area: smaller cores are no lobe's
_FLOOR = 0.03  # of full scale: keeps logarithms of dark pixels from being noise
_MIDDLE = 0.3  # of full scale: what becomes 0


def lobe_planes(rgb: np.ndarray) -> np.ndarray:
    """What the network reads: logarithms of the three channels.

    Parameters
    ----------
    rgb : numpy.ndarray of float32, shape (h, w, 3)
        0 to 1.

    Returns
    -------
    numpy.ndarray of float32, shape (3, h, w)
    """
    floor = np.float32(_FLOOR)
    logs = np.log((np.clip(rgb, 0, 1) + floor) / np.float32(_MIDDLE + _FLOOR))
    return np.ascontiguousarray(logs.astype(np.float32).transpose(2, 0, 1))


@cache
def shipped_network() -> "onnxruntime.InferenceSession":
    """The network that comes with the program, read once.

    Raises
    ------
    MeasurementError
        If its file is missing or damaged.
    """
    return NETWORK.session(NETWORK.read())


def drawn_maps(small: np.ndarray, session: "onnxruntime.InferenceSession") -> np.ndarray:
    """Run the network over a photo and its three mirror images.

    Parameters
    ----------
    small : numpy.ndarray of float32, shape (h, w, 3)
        The photo at about `NETWORK_PX_PER_MM`, 0 to 1.
    session : onnxruntime.InferenceSession
        The network.

    Returns
    -------
    numpy.ndarray of float32, shape (2, h, w)
        Probability that a pixel shows lung, and that it lies in its lobe's core.
    """
    height, width = small.shape[:2]
    after = [-side % STEP_PX for side in (height, width)]
    planes = np.pad(lobe_planes(small), ((0, 0), (0, after[0]), (0, after[1])), mode="edge")
    name = session.get_inputs()[0].name
    total = np.zeros((2, *planes.shape[1:]), np.float32)
    for y, x in MIRRORS:
        seen = np.ascontiguousarray(planes[:, ::y, ::x])[None]
        total += session.run(None, {name: seen})[0][0][:, ::y, ::x]
    return total[:, :height, :width] / np.float32(len(MIRRORS))


def network_lobes(
    small: np.ndarray, session: "onnxruntime.InferenceSession", *, area: float
) -> np.ndarray:
    """Find lobes by the network: tissue, shared out among the cores in it.

    Where lobes touch, the pixels between them are of neither core: a watershed of the cores'
    probability draws the line there.

    Parameters
    ----------
    small : numpy.ndarray of float32, shape (h, w, 3)
        The photo at about `NETWORK_PX_PER_MM`, 0 to 1.
    session : onnxruntime.InferenceSession
        The network.
    area : float
        Of the smallest lobe, in pixels.

    Returns
    -------
    numpy.ndarray of int32, shape (h, w)
        Lobes in any order.
    """
    tissue, core = drawn_maps(small, session)
    markers, doubtful = _cores(core, _CORE_SHARE * area)
    if not markers.any():
        return np.zeros(tissue.shape, np.int32)
    from skimage.segmentation import watershed  # heavy, and only photos need it

    shared = watershed(-core, markers, mask=(tissue > _LEAST) | (markers > 0)).astype(np.int32)
    for siblings in doubtful:
        parts = np.pad(np.where(np.isin(shared, siblings), shared, 0), 1)
        joined = undo_weak_cuts(parts, min_area_px=area)[1:-1, 1:-1]
        shared[joined > 0] = np.array(siblings, np.int32)[joined[joined > 0] - 1]
    return _whole(shared, area)


def _cores(core: np.ndarray, least_px: float) -> tuple[np.ndarray, list[list[int]]]:
    """Label the cores of lobes, and tell which are parts of one that the network hardly cuts.

    Such a core falls apart at a higher probability; whether its parts are lobes is left to the
    shape of their outline.
    """
    pieces, _ = ndimage.label(core > _LEAST)
    labels, doubtful, found = np.zeros(core.shape, np.int32), [], 0
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        piece = pieces[box] == number
        parts = _parts(piece, core[box], least_px)
        if parts.max(initial=0) > 1:
            doubtful.append([found + part for part in range(1, int(parts.max()) + 1)])
        labels[box][parts > 0] = parts[parts > 0] + found
        found += int(parts.max(initial=0))
    return labels, doubtful


def _parts(piece: np.ndarray, core: np.ndarray, least_px: float) -> np.ndarray:
    """Large enough parts of a core at the lowest probability at which there is more than one."""
    for level in _SURER:
        parts, count = ndimage.label(large_parts(piece & (core > level), least_px))
        if count > 1:
            return parts
    return large_parts(piece, least_px).astype(np.int32)


def _whole(shared: np.ndarray, area: float) -> np.ndarray:
    """Lobes that are large enough and have no paper's shape, with their holes filled."""
    labels = np.zeros(shared.shape, np.int32)
    for number, box in enumerate(ndimage.find_objects(shared), start=1):
        if box is None:
            continue
        lobe = ndimage.binary_fill_holes(shared[box] == number)
        if lobe.sum() >= area and not is_paper(np.argwhere(lobe).astype(np.float32)):
            labels[box][lobe & (labels[box] == 0)] = number
    return labels
