"""Lobes of lung on a photograph: tissue told from background, ruler, label and pins."""

from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
from scipy import ndimage

from .lobe_network import NETWORK_PX_PER_MM, network_lobes, shipped_network
from .lobe_silhouette import classical_lobes
from .lung_tissue import Appearance
from .photo import check_rgb, full_scale, reduced

LobeFinder = Literal["learned", "classical"]

CLASSICAL_PX_PER_MM = 8.0
"""Working resolution by colour and shape: an eighth of a mm, of the thinnest lobe's width."""

TYPICAL_LOBE_LENGTH_MM = 12.0
"""Length of a mouse lung lobe (8 to 20 mm); guesses the scale where none is given."""

_MAX_COARSE_SIDE_PX = 1200
_UNSCALED_SIDE_PX = {"learned": 160, "classical": 400}
_OFF_MM = {"learned": 0.15, "classical": 0.35}  # a pixel of the network; bites that were closed
_BLUR_MM = 0.15
_MIN_LOBE_SHARE = 0.004  # of the photo, where there is no scale


@dataclass(frozen=True)
class Lobes:
    """Lobes found on a photograph, at a working resolution.

    Attributes
    ----------
    labels : numpy.ndarray of int32, shape (h, w)
        Lobes 1..n in reading order on the reduced photo.
    reduction : float
        Working pixels per pixel of the photo.
    px_per_mm : float
        Scale of the photo: the given one, or a guess from the lobes' length.
    off_mm : float
        How far their outlines may be off.
    notes : dict
        Choices made on the way.
    """

    labels: np.ndarray
    reduction: float
    px_per_mm: float
    off_mm: float
    notes: dict[str, float | str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many lobes there are."""
        return int(self.labels.max(initial=0))

    @property
    def doubtful(self) -> bool:
        """Whether colour and shape tell another number of lobes than the network."""
        return self.notes.get("lobes_by_shape", self.count) != self.count


def _reading_order(labels: np.ndarray) -> np.ndarray:
    """Renumber lobes in rows from the top, and from the left within a row."""
    boxes = ndimage.find_objects(labels)
    entries = [
        (
            number,
            (box[0].start + box[0].stop) / 2,
            (box[1].start + box[1].stop) / 2,
            box[0].stop - box[0].start,
        )
        for number, box in enumerate(boxes, start=1)
        if box is not None
    ]
    entries.sort(key=lambda entry: entry[1])
    order: list[int] = []
    while entries:
        first = entries[0]
        row = [e for e in entries if e[1] - first[1] < 0.5 * min(e[3], first[3])]
        order.extend(e[0] for e in sorted(row, key=lambda e: e[2]))
        entries = [e for e in entries if e not in row]
    table = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    for new, old in enumerate(order, start=1):
        table[old] = new
    return table[labels]


def _lobe_length_px(labels: np.ndarray) -> float:
    """Median length of the lobes (long side of the smallest rectangle around each)."""
    lengths = []
    for number in range(1, int(labels.max()) + 1):
        points = np.argwhere(labels == number).astype(np.float32)
        lengths.append(max(cv2.minAreaRect(points)[1]))
    return float(np.median(lengths))


def find_lobes(
    rgb: np.ndarray,
    *,
    px_per_mm: float | None,
    appearance: Appearance = "bouin",
    min_lobe_area_mm2: float = 8.0,
    finder: LobeFinder = "learned",
) -> Lobes:
    """Find the lobes of lung on a photo.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
        The photo.
    px_per_mm : float or None
        Scale; without it a guess is made from the lobes' length.
    appearance : {"bouin", "dark-lung"}
        Yellow fixed lung, or lung blackened with India ink.
    min_lobe_area_mm2 : float
        Smaller pieces are not lobes.
    finder : {"learned", "classical"}
        The lobe network (`network_lobes`), which knows yellow lungs alone, or colour and shape
        (`classical_lobes`), by which inked lungs are always found, and what the network sees no
        lobe on.

    Returns
    -------
    Lobes
        With no lobe where there is none.

    Raises
    ------
    MeasurementError
        If `rgb` isn't a colour photo of 8 or 16 bits.
    """
    rgb = check_rgb(rgb)
    by_shape = _found(rgb, px_per_mm, "classical", appearance, min_lobe_area_mm2)
    if finder == "classical" or appearance != "bouin":
        return by_shape
    found = _found(rgb, px_per_mm, "learned", appearance, min_lobe_area_mm2)
    if found.count == 0:
        return by_shape
    return replace(found, notes=found.notes | {"lobes_by_shape": by_shape.count})


def _found(
    rgb: np.ndarray,
    px_per_mm: float | None,
    finder: LobeFinder,
    appearance: Appearance,
    min_lobe_area_mm2: float,
) -> Lobes:
    """Lobes by one of the finders."""
    reduction, scale = _working(rgb.shape, px_per_mm, finder)
    small = reduced(rgb, reduction, full_scale(rgb))
    area = min_lobe_area_mm2 * scale**2
    if px_per_mm is None:
        area = _MIN_LOBE_SHARE * small.shape[0] * small.shape[1]
    notes: dict[str, float | str] = {
        "lobe_finder": finder,
        "lobe_working_px_per_mm": round(float(scale), 4),
    }
    if finder == "learned":
        labels = network_lobes(small, shipped_network(), area=area)
    else:
        small = cv2.GaussianBlur(small, (0, 0), max(0.5, _BLUR_MM * scale))
        labels, threshold = classical_lobes(small, scale, appearance, area)
        if np.isfinite(threshold):
            notes["tissue_threshold"] = round(threshold, 4)
    guess = px_per_mm
    if guess is None:
        length = _lobe_length_px(labels) / reduction if labels.any() else float(max(rgb.shape[:2]))
        guess = length / TYPICAL_LOBE_LENGTH_MM
        notes["guessed_px_per_mm"] = round(guess, 3)
    return Lobes(_reading_order(labels), reduction, float(guess), _OFF_MM[finder], notes)


def _working(
    shape: tuple[int, ...], px_per_mm: float | None, finder: LobeFinder
) -> tuple[float, float]:
    """How much a photo is reduced, and the px/mm it then has (or is taken to have)."""
    side = max(shape[:2])
    usual = NETWORK_PX_PER_MM if finder == "learned" else CLASSICAL_PX_PER_MM
    if px_per_mm is None:
        return min(1.0, _UNSCALED_SIDE_PX[finder] / side), usual
    reduction = min(1.0, usual / px_per_mm, _MAX_COARSE_SIDE_PX / side)
    return reduction, px_per_mm * reduction
