"""One lobe cut out of a photo at the working resolution for nodules."""

from dataclasses import dataclass

import cv2
import numpy as np

from .lobe_edge import refine_edge
from .lungs import Lobes
from .photo import full_scale, reduced

WORK_PX_PER_MM = 25.0
"""Working resolution for nodules: the smallest, 0.2 mm, is 5 pixels wide."""

_MARGIN_MM = 1.0
_MAX_ENLARGEMENT = 4.0


@dataclass(frozen=True)
class LobePatch:
    """A lobe and a margin around it, resampled.

    Attributes
    ----------
    rgb : numpy.ndarray of float32, shape (h, w, 3)
        Between 0 and 1.
    mask : numpy.ndarray of bool, shape (h, w)
        The lobe.
    others : numpy.ndarray of bool, shape (h, w)
        Other lobes within the frame.
    px_per_mm : float
        Scale of the patch.
    top, left, height, width : int
        The frame on the photo, in its pixels.
    """

    rgb: np.ndarray
    mask: np.ndarray
    others: np.ndarray
    px_per_mm: float
    top: int
    left: int
    height: int
    width: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The frame as slices of the photo."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def photo_mask(self) -> np.ndarray:
        """The lobe's mask at the photo's resolution, within the window."""
        size = (self.width, self.height)
        soft = cv2.resize(self.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        return soft > 127

    def to_photo(self, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions on the patch as positions on the photo (pixel centres are whole numbers)."""
        rows, columns = self.mask.shape
        return (
            self.top + (np.asarray(y) + 0.5) * self.height / rows - 0.5,
            self.left + (np.asarray(x) + 0.5) * self.width / columns - 0.5,
        )


def _frame(
    mask: np.ndarray, reduction: float, margin: float, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Top, left, height and width on the photo of a lobe's box with a margin (photo pixels)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top = max(0, int(rows[0] / reduction - margin))
    left = max(0, int(columns[0] / reduction - margin))
    bottom = min(shape[0], int(np.ceil((rows[-1] + 1) / reduction + margin)))
    right = min(shape[1], int(np.ceil((columns[-1] + 1) / reduction + margin)))
    return top, left, max(1, bottom - top), max(1, right - left)


def _soft(
    mask: np.ndarray,
    frame: tuple[int, int, int, int],
    shape: tuple[int, int],
    photo: tuple[int, int],
) -> np.ndarray:
    """A coarse mask resampled to a frame of the photo with smooth outlines."""
    top, left, height, width = frame
    rows, columns = mask.shape
    # coarse pixel = (photo pixel + 0.5) * coarse / photo - 0.5, at the patch's own step
    step_y, step_x = height / shape[0], width / shape[1]
    scale_y, scale_x = rows / photo[0], columns / photo[1]
    matrix = np.array(
        [
            [step_x * scale_x, 0, (left + 0.5 * step_x) * scale_x - 0.5],
            [0, step_y * scale_y, (top + 0.5 * step_y) * scale_y - 0.5],
        ],
        np.float32,
    )
    soft = cv2.warpAffine(
        mask.astype(np.float32),
        matrix,
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return soft > 0.5


def lobe_patch(
    rgb: np.ndarray, lobes: Lobes, number: int, *, work_px_per_mm: float = WORK_PX_PER_MM
) -> LobePatch:
    """Cut lobe `number` out of a photo.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
    lobes : Lobes
        From `find_lobes` on the same photo.
    number : int
        The lobe, from 1.
    work_px_per_mm : float
        The patch's scale, or less where the photo would have to be enlarged more than four times.

    Returns
    -------
    LobePatch
    """
    photo = rgb.shape[:2]
    mask = lobes.labels == number
    frame = _frame(mask, lobes.reduction, _MARGIN_MM * lobes.px_per_mm, photo)
    top, left, height, width = frame
    factor = min(_MAX_ENLARGEMENT, work_px_per_mm / lobes.px_per_mm)
    crop = rgb[top : top + height, left : left + width]
    small = reduced(crop, factor, full_scale(rgb))
    scale = lobes.px_per_mm * factor
    others = _soft((lobes.labels > 0) & ~mask, frame, small.shape[:2], photo)
    coarse = _soft(mask, frame, small.shape[:2], photo)
    return LobePatch(
        rgb=small,
        mask=refine_edge(small, coarse, px_per_mm=scale, off_mm=lobes.off_mm) & ~others,
        others=others,
        px_per_mm=scale,
        top=top,
        left=left,
        height=height,
        width=width,
    )
