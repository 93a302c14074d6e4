"""Label images of whole slides: kept in compressed pieces, written and read by rectangles."""

import math
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .writers import atomic_path

if TYPE_CHECKING:
    from ..imgproc.slide_cells import LabelSheet

PIECE_PX = 512
CLASSIC_TIFF_BYTES = 2**32 - 2**25  # offsets of classic TIFF have 32 bits

LARGEST_LAST_LEVEL_PX = 1024
"""A pyramid is halved until its last level's longer side is no longer than this."""


class TemporarySheet:
    """A label image in a temporary folder, which goes when the sheet does.

    Pieces that hold nothing take no room, the others are compressed: the labels of a slide are a
    hundredth of its pixels.

    Parameters
    ----------
    name : str
        What it shows.
    shape : tuple of int
        Height and width.
    """

    def __init__(self, name: str, shape: tuple[int, int]) -> None:
        import zarr

        self.shape: tuple[int, ...] = shape
        folder = tempfile.mkdtemp(prefix=f"xenoquant-{name}-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._array: Any = zarr.create_array(
            folder, shape=shape, chunks=(PIECE_PX, PIECE_PX), dtype="int32", fill_value=0
        )

    def __getitem__(self, place: Any) -> np.ndarray:
        """Read a rectangle."""
        return np.asarray(self._array[place])

    def __setitem__(self, place: Any, labels: np.ndarray) -> None:
        """Write a rectangle."""
        self._array[place] = labels


def write_sheet(path: Path, sheet: "LabelSheet", *, um_per_px: float | None, identity: str) -> None:
    """Write a label image of any size as a pyramidal OME-TIFF, piece by piece, whole or not at all.

    Each level of the pyramid has every second pixel of the one before: labels can't be averaged.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sheet : LabelSheet
        int32 labels.
    um_per_px : float or None
        Side of a pixel in micrometres.
    identity : str
        Names the content: the same gives the same bytes.
    """
    import tifffile

    height, width = sheet.shape
    metadata: dict[str, Any] = {
        "axes": "YX",
        "UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
    }
    if um_per_px is not None:
        for axis in "YX":
            metadata |= {f"PhysicalSize{axis}": um_per_px, f"PhysicalSize{axis}Unit": "µm"}
    levels = _levels(height, width)
    kind: dict[str, Any] = {
        "dtype": np.int32,
        "tile": (PIECE_PX, PIECE_PX),
        "compression": "zlib",
        "photometric": "minisblack",
        "software": "xenoquant",
    }
    large = 4 * height * width > CLASSIC_TIFF_BYTES
    with (
        atomic_path(path) as partial,
        tifffile.TiffWriter(partial, bigtiff=large, ome=True) as writer,
    ):
        writer.write(
            _pieces(sheet), shape=(height, width), subifds=levels, metadata=metadata, **kind
        )
        for _ in range(levels):
            sheet = halved(sheet)
            writer.write(_pieces(sheet), shape=sheet.shape, subfiletype=1, metadata=None, **kind)


def _levels(height: int, width: int) -> int:
    """Count the reduced copies."""
    longest = max(height, width)
    return max(0, math.ceil(math.log2(longest / LARGEST_LAST_LEVEL_PX)))


def halved(sheet: "LabelSheet") -> TemporarySheet:
    """Copy every second pixel of every second row of a label image, piece by piece.

    Parameters
    ----------
    sheet : LabelSheet
        int32 labels.

    Returns
    -------
    TemporarySheet
        Half as high and wide, rounded up.
    """
    height, width = (-(-length // 2) for length in sheet.shape)
    small = TemporarySheet("half", (height, width))
    for top in range(0, height, PIECE_PX):
        for left in range(0, width, PIECE_PX):
            bottom, right = min(top + PIECE_PX, height), min(left + PIECE_PX, width)
            found = sheet[2 * top : 2 * bottom, 2 * left : 2 * right][::2, ::2]
            if found.any():
                small[top:bottom, left:right] = found
    return small


def _pieces(sheet: "LabelSheet") -> Iterator[np.ndarray]:
    """Give the tiles of a sheet along rows; those at the edge are filled up with 0."""
    height, width = sheet.shape
    for top in range(0, height, PIECE_PX):
        for left in range(0, width, PIECE_PX):
            found = sheet[top : top + PIECE_PX, left : left + PIECE_PX]
            piece = np.zeros((PIECE_PX, PIECE_PX), np.int32)
            piece[: found.shape[0], : found.shape[1]] = found
            yield piece
