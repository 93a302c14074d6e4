"""Colours of TIFF pages as red, green and blue: white as zero, palettes, printing colours."""

from typing import Any

import numpy as np


def bits_of(page: Any, dtype: np.dtype) -> int:
    """Give the bits of a sample as the page states them, else as it is stored."""
    bits = page.bitspersample
    return int(bits) if isinstance(bits, int) and 0 < bits <= 64 else 8 * dtype.itemsize


def inverted(plane: np.ndarray, page: Any) -> np.ndarray:
    """Undo white-is-zero, so that bright is high."""
    if plane.dtype.kind == "b":
        return ~plane
    if plane.dtype.kind != "u":
        return plane.max() - plane
    return (2 ** bits_of(page, plane.dtype) - 1 - plane).astype(plane.dtype)


def as_rgb(plane: np.ndarray, page: Any, samples: str) -> np.ndarray:
    """Bring a decoded plane to red, green and blue.

    Parameters
    ----------
    plane : numpy.ndarray
        (H, W, samples), or (H, W) of a palette.
    page : tifffile.TiffPage
        The page that it comes from.
    samples : str
        What the samples are: ``palette``, ``cmyk``, or colours that come first.

    Returns
    -------
    numpy.ndarray
        (H, W, 3), of the plane's type; uint8 of a palette.
    """
    if samples == "palette":
        return _from_palette(plane, page)
    return _from_cmyk(plane) if samples == "cmyk" else plane[..., :3]


def _from_palette(plane: np.ndarray, page: Any) -> np.ndarray:
    """Look indices up in the colour table (16 bits a colour in TIFF), to 8 bits."""
    table = (np.asarray(page.colormap).T // 257).astype(np.uint8)
    return table[np.minimum(plane[..., 0] if plane.ndim == 3 else plane, len(table) - 1)]


def _from_cmyk(plane: np.ndarray) -> np.ndarray:
    """Convert ink to light without a colour profile: RGB = white × (1 − CMY) × (1 − K)."""
    top = np.iinfo(plane.dtype).max
    light = (top - plane[..., :4].astype(np.float32)) / top
    rgb = light[..., :3] * light[..., 3:] * top
    return np.rint(rgb).astype(plane.dtype)
