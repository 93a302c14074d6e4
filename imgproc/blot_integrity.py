"""What a blot's file says of its own past: clipping, JPEG, changed contrast, splices."""

import cv2
import numpy as np

_BLOCK_PX = 8  # JPEG works in blocks of 8 by 8
_BLOCKY = 1.2  # step at the blocks' borders over the step elsewhere; 1 without JPEG
_EDGES = 0.99  # quantile at which steps are cut: bands' edges are no block's
_CEILING_PIXELS = 20  # pixels at the highest level, at least
_CEILING_EXCESS = 5.0  # over the mean count of the levels just below it
_CEILING_BELOW = 8  # levels just below it
_FLOOR_SHARE = 0.01  # of the pixels at the darkest level a background can have
_GAP_COUNT = 25  # pixels on both sides of a level that none has: chance is e^-25
_GAPS = 3
_FEW_LEVELS = 256  # a 16-bit image of no more levels was made of 8 bits
_SPLICE_SDS = 8.0
_SPLICE_STEP = 0.002  # of the full scale
_TRIMMED = (0.2, 0.8)  # quantiles between which steps are averaged
_SPLICE_SHARP = 3.0  # over the steps two columns to either side


def full_scale(image: np.ndarray) -> int:
    """Largest number the image's type holds."""
    return int(np.iinfo(image.dtype).max)


def saturation_level(image: np.ndarray, *, dark: bool) -> int | None:
    """Tell the grey level at which bands are clipped, if any are.

    It is the end of the scale, or a level short of it (a 12-bit camera, a stretched copy) at
    which many pixels heap up.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
        uint8 or uint16, as stored.
    dark : bool
        Whether bands are dark.

    Returns
    -------
    int or None
        In the image's own levels: bands are clipped at it or beyond it.
    """
    most = full_scale(image)
    counts = np.bincount(image.ravel(), minlength=most + 1)
    if dark:
        counts = counts[::-1]
    top = int(np.flatnonzero(counts)[-1])
    heap = int(counts[top])
    usual = counts[max(top - _CEILING_BELOW, 0) : top].mean() if top else 0.0
    at_end = top == most and heap > 0
    heaped = heap >= _CEILING_PIXELS and heap > _CEILING_EXCESS * max(float(usual), 1.0)
    if not at_end and not heaped:
        return None
    return most - top if dark else top


def integrity_flags(
    image: np.ndarray, *, dark: bool, bands: np.ndarray | None = None
) -> tuple[tuple[str, ...], dict[str, object]]:
    """Say what happened to an image before it came here.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
        uint8 or uint16, as stored.
    dark : bool
        Whether bands are dark.
    bands : numpy.ndarray, optional
        Label image of the bands, whose pixels say nothing about the background.

    Returns
    -------
    flags : tuple of str
        ``background_clipped``, ``jpeg_blocks``, ``rescaled_contrast``, ``spliced``, in this order.
    notes : dict
        blockiness (ratio), empty_levels (count), splices_px (columns after which the background
        jumps).
    """
    ratio, border = _jpeg_blocks(image)
    blocky = ratio > _BLOCKY
    rescaled, gaps = _rescaled(image)
    splices = _splices(image, bands, border if blocky else None)
    found = {
        "background_clipped": _background_clipped(image, dark),
        "jpeg_blocks": blocky,
        "rescaled_contrast": rescaled,
        "spliced": bool(splices),
    }
    notes: dict[str, object] = {
        "blockiness": round(ratio, 3),
        "empty_levels": gaps,
        "splices_px": splices,
    }
    return tuple(flag for flag, is_so in found.items() if is_so), notes


def _background_clipped(image: np.ndarray, dark: bool) -> bool:
    floor = full_scale(image) if dark else 0
    return bool((image == floor).mean() > _FLOOR_SHARE)


def _jpeg_blocks(image: np.ndarray) -> tuple[float, int]:
    """Give the step at blocks' borders over that elsewhere, and the columns' border phase.

    The smaller ratio of rows and columns: JPEG has borders both ways, and a comb of lanes hasn't.
    """
    across, phase = _blockiness(np.asarray(image, np.float32))
    down, _ = _blockiness(np.asarray(image.T, np.float32))
    return min(across, down), phase


def _blockiness(pixels: np.ndarray) -> tuple[float, int]:
    """Give the strongest of eight phases of the columns' steps over their median, and which."""
    if pixels.shape[1] < 4 * _BLOCK_PX:
        return 1.0, 0
    # The third difference across a border between two columns; slopes and bends of bands cancel.
    steps = np.abs(pixels[:, 3:] - 3 * pixels[:, 2:-1] + 3 * pixels[:, 1:-2] - pixels[:, :-3])
    columns = np.minimum(steps, np.quantile(steps, _EDGES)).mean(axis=0)
    phases = np.array([columns[phase::_BLOCK_PX].mean() for phase in range(_BLOCK_PX)])
    usual = float(np.median(phases))
    strongest = int(np.argmax(phases))
    ratio = float(phases[strongest]) / usual if usual > 0 else 1.0
    return ratio, (strongest + 1) % _BLOCK_PX


def _rescaled(image: np.ndarray) -> tuple[bool, int]:
    """Look for levels that no pixel has between levels that many have."""
    counts = np.bincount(image.ravel(), minlength=full_scale(image) + 1)
    if image.dtype == np.uint16:
        levels = int((counts > 0).sum())
        return levels <= _FEW_LEVELS, 0
    full = counts >= _GAP_COUNT
    gaps = int((full[:-2] & (counts[1:-1] == 0) & full[2:]).sum())
    return gaps >= _GAPS, gaps


def _splices(image: np.ndarray, bands: np.ndarray | None, border: int | None) -> list[int]:
    """Give the columns after which the background jumps from one pixel to the next.

    They are looked for between the outermost bands: beyond them lies the gel's own edge.
    """
    if image.shape[1] < 2 * _BLOCK_PX:
        return []
    steps = np.diff(image.astype(np.float64), axis=1)
    if bands is not None:
        around = np.ones((_BLOCK_PX + 1, _BLOCK_PX + 1), np.uint8)
        covered = cv2.dilate((bands > 0).astype(np.uint8), around).astype(bool)
        steps[covered[:, 1:] | covered[:, :-1]] = np.nan
    enough = np.isfinite(steps).sum(axis=0) >= _BLOCK_PX
    mean = np.zeros(steps.shape[1])
    mean[enough] = _trimmed_means(steps[:, enough])
    usual = 1.4826 * float(np.median(np.abs(mean - np.median(mean))))
    least = max(_SPLICE_SDS * usual, _SPLICE_STEP * full_scale(image))
    size = np.abs(mean)
    beside = np.maximum(np.roll(size, 2), np.roll(size, -2))
    found = np.flatnonzero((size > least) & (size > _SPLICE_SHARP * beside))
    if border is not None:
        found = found[found % _BLOCK_PX != border]
    return [int(column) for column in found if _between(bands, int(column))]


def _between(bands: np.ndarray | None, column: int) -> bool:
    if bands is None:
        return True
    held = np.flatnonzero(bands.any(axis=0))
    return bool(held.size and held[0] <= column < held[-1])


def _trimmed_means(steps: np.ndarray) -> np.ndarray:
    """Mean of each column's middle values: finer than a median of whole numbers."""
    low, high = np.nanquantile(steps, _TRIMMED, axis=0)
    inside = (steps >= low) & (steps <= high)
    return np.asarray(np.where(inside, steps, 0).sum(axis=0) / inside.sum(axis=0))
