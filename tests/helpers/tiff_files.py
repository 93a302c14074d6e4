"""TIFF files as tifffile writes them."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 4000, (2, 5, 40, 56)).astype(np.uint16)  # C, Z, Y, X
RGB = RANDOM.integers(0, 256, (40, 56, 3), dtype=np.uint8)


def write_ome(path: Path, pixels: np.ndarray, **metadata: Any) -> Path:
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


def two_channels(path: Path, **more: Any) -> Path:
    return write_ome(
        path,
        STACK,
        axes="CZYX",
        PhysicalSizeX=0.25,
        PhysicalSizeY=0.25,
        Channel={"Name": ["Alexa488", "DAPI"]},
        **more,
    )


def plain_pages(path: Path, pages: list[np.ndarray]) -> Path:
    with tifffile.TiffWriter(path) as writer:
        for page in pages:
            writer.write(page, contiguous=False, metadata=None)
    return path


def write_pyramid(path: Path, *, ome: bool) -> list[np.ndarray]:
    """An image of 256 × 384 with two levels of half size each, in SubIFDs."""
    levels = [RANDOM.integers(0, 256, (256 >> n, 384 >> n, 3), dtype=np.uint8) for n in range(3)]
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "compression": "zlib"}
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5} if ome else None
    with tifffile.TiffWriter(path, ome=ome) as writer:
        writer.write(levels[0], subifds=2, metadata=metadata, **options)
        for level in levels[1:]:
            writer.write(level, subfiletype=1, **options)
    return levels
