"""Label images of whole slides: kept in compressed pieces, written and read by rectangles."""

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
    """Write a label image of any size as a tiled OME-TIFF, piece by piece, whole or not at all.

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
    with atomic_path(path) as partial:
        tifffile.imwrite(
            partial,
            _pieces(sheet),
            shape=(height, width),
            dtype=np.int32,
            tile=(PIECE_PX, PIECE_PX),
            compression="zlib",
            photometric="minisblack",
            bigtiff=4 * height * width > CLASSIC_TIFF_BYTES,
            ome=True,
            metadata=metadata,
            software="xenoquant",
        )


def _pieces(sheet: "LabelSheet") -> Iterator[np.ndarray]:
    """Give the tiles of a sheet along rows; those at the edge are filled up with 0."""
    height, width = sheet.shape
    for top in range(0, height, PIECE_PX):
        for left in range(0, width, PIECE_PX):
            found = sheet[top : top + PIECE_PX, left : left + PIECE_PX]
            piece = np.zeros((PIECE_PX, PIECE_PX), np.int32)
            piece[: found.shape[0], : found.shape[1]] = found
            yield piece
