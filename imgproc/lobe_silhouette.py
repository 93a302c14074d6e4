"""Lobes of lung by the colour and the shape of their tissue, without anything learned."""

import cv2
import numpy as np
from scipy import ndimage

from .lobe_split import split_touching
from .lung_tissue import (
    OPENING_MM,
    Appearance,
    disc,
    drop_faint,
    find_tissue,
    foreground_mask,
    tissue_signal,
)
from .paper import is_paper

_RIM_CLOSING_MM = 1.5  # a pale nodule at the rim bites this much out of the yellow
_LEAST_YELLOW = 0.1  # of a lobe's silhouette, however many nodules it carries
_SHEET_SHARE = 6.0  # times what is written on it: a larger piece of foreground is no label
_WHOLE_YELLOW = 0.75  # of a piece's area, for its yellow to tell where lobes touch
_TRIMMED_SHARE = 0.5  # of the smallest lobe's area: what is left after trimming
_HULL_MARGIN_MM = 0.3  # nodules at the rim stand out of the yellow's hull a little


def classical_lobes(
    small: np.ndarray, scale: float, appearance: Appearance, area: float
) -> tuple[np.ndarray, float]:
    """Find lobes by colour and shape.

    Tissue is what is saturated in yellow to red (or dark, for an inked lung) against the photo's
    own two classes; rulers, paper, pins and shadows are grey and so never tissue. Bites that pale
    nodules take out of the rim are closed where they differ from the background, holes are
    filled, and lobes that touch are split.

    Parameters
    ----------
    small : numpy.ndarray of float32, shape (h, w, 3)
        The reduced photo, 0 to 1.
    scale : float
        Its px/mm.
    appearance : {"bouin", "dark-lung"}
        Yellow fixed lung, or lung blackened with India ink.
    area : float
        Of the smallest lobe, in pixels.

    Returns
    -------
    labels : numpy.ndarray of int32, shape (h, w)
        Lobes in any order.
    threshold : float
        Of the tissue's signal; infinite where there is no tissue.
    """
    tissue = find_tissue(small, scale, appearance)
    if not tissue.mask.any():
        return np.zeros(tissue.mask.shape, np.int32), tissue.threshold
    foreground = foreground_mask(small, tissue.mask, scale) & ~tissue.paper
    lobes = _separate(tissue.mask, foreground, scale, area)
    lobes = _trimmed(lobes, tissue.mask, foreground, scale, area)
    lobes = drop_faint(lobes, tissue_signal(small, appearance))
    return _fill_out(lobes, foreground, scale), tissue.threshold


def _pale_tissue(core: np.ndarray, foreground: np.ndarray, scale: float) -> np.ndarray:
    """Foreground around yellow tissue, where the yellow makes up enough of its piece."""
    near = foreground & (cv2.dilate(core.astype(np.uint8), disc(2 * _RIM_CLOSING_MM * scale)) > 0)
    near = cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_OPEN, disc(OPENING_MM * scale)) > 0
    pieces, count = ndimage.label(near)
    whole = np.bincount(pieces.ravel(), minlength=count + 1)
    yellow = np.bincount(pieces[core], minlength=count + 1)
    accepted = yellow > _LEAST_YELLOW * whole
    accepted[0] = False
    return accepted[pieces]


def _closed(core: np.ndarray, scale: float) -> np.ndarray:
    pad = round(2 * _RIM_CLOSING_MM * scale) + 2
    wide = np.pad(core.astype(np.uint8), pad)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc(_RIM_CLOSING_MM * scale))
    return closed[pad:-pad, pad:-pad].astype(bool)


def _silhouette(core: np.ndarray, foreground: np.ndarray, scale: float) -> np.ndarray:
    """Close the gaps that pale nodules and glare leave in the yellow, where not background."""
    whole = core | (_closed(core, scale) & foreground) | _pale_tissue(core, foreground, scale)
    whole = ndimage.binary_fill_holes(whole)
    opened = cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_OPEN, disc(OPENING_MM * scale))
    return opened.astype(bool)


def _trimmed(
    labels: np.ndarray, core: np.ndarray, foreground: np.ndarray, scale: float, area: float
) -> np.ndarray:
    """Cut off what sticks out of the hull of each lobe's yellow: bronchi, fat, shadows.

    Paper, which is rectangular, is dropped whole, and so is writing on it, what is hardly yellow
    (fat between two lobes), and what has become smaller than a lobe (a pin's head on a ruler).
    """
    trimmed = np.zeros_like(labels)
    pieces, _ = ndimage.label(foreground)
    for number in range(1, int(labels.max(initial=0)) + 1):
        lobe = labels == number
        yellow = lobe & core
        if yellow.sum() <= _LEAST_YELLOW * lobe.sum():
            continue
        points = np.argwhere(lobe).astype(np.float32)
        whole = np.argwhere(_closed(yellow, scale)).astype(np.float32)
        if is_paper(points) or is_paper(whole) or _lies_on_paper(lobe, pieces):
            continue
        reach = cv2.dilate(_hull(yellow).astype(np.uint8), disc(_HULL_MARGIN_MM * scale)) > 0
        if (lobe & reach).sum() >= _TRIMMED_SHARE * area:
            trimmed[lobe & reach] = number
    return trimmed


def _lies_on_paper(lobe: np.ndarray, pieces: np.ndarray) -> bool:
    """Whether a lobe is writing: most of it on one piece of foreground that is paper."""
    numbers = np.bincount(pieces[lobe])
    numbers[0] = 0
    if numbers.max(initial=0) < 0.5 * lobe.sum():
        return False
    sheet = ndimage.binary_fill_holes(pieces == numbers.argmax())
    if sheet.sum() > _SHEET_SHARE * lobe.sum():
        return False
    return is_paper(np.argwhere(sheet).astype(np.float32))


def _hull(mask: np.ndarray) -> np.ndarray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    return hull.astype(bool)


def _fill_out(labels: np.ndarray, foreground: np.ndarray, scale: float) -> np.ndarray:
    """Add to every lobe what lies inside its convex hull and is neither background nor a lobe.

    Large pale nodules at the rim, and the hilum's inner half, are won back so.
    """
    full = labels.copy()
    for number in range(1, int(labels.max(initial=0)) + 1):
        mask = labels == number
        if not mask.any():
            continue
        whole = mask | (_hull(mask) & foreground & (full == 0))
        opened = cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_OPEN, disc(OPENING_MM * scale))
        full[(opened > 0) & (full == 0)] = number
    return full


def _split(piece: np.ndarray, yellow: np.ndarray, area: float) -> np.ndarray:
    """Split a piece of tissue where lobes touch.

    Where its silhouette shows no cut, its yellow is tried: pale fat at the hilum may fill the
    notch between two lobes. A piece whose yellow is in fragments keeps its silhouette's verdict.
    """
    parts = split_touching(piece, min_area_px=area)
    yellow = ndimage.binary_fill_holes(yellow & piece)
    _, pieces = ndimage.label(yellow)
    if parts.max() > 1 or pieces != 1 or yellow.sum() < _WHOLE_YELLOW * piece.sum():
        return parts
    parts = split_touching(yellow, min_area_px=area)
    nearest = ndimage.distance_transform_edt(
        parts == 0, return_distances=False, return_indices=True
    )
    return np.where(piece, parts[tuple(nearest)], 0)


def _separate(tissue: np.ndarray, foreground: np.ndarray, scale: float, area: float) -> np.ndarray:
    """Label lobes: tissue made whole, in connected pieces, split where lobes touch."""
    pieces, _ = ndimage.label(_silhouette(tissue, foreground, scale))
    yellow = cv2.morphologyEx(
        _closed(tissue, scale).astype(np.uint8), cv2.MORPH_OPEN, disc(OPENING_MM * scale)
    )
    labels = np.zeros(tissue.shape, np.int32)
    found = 0
    for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
        mask = np.pad(pieces[box] == piece, 1)
        if mask.sum() < area:
            continue
        split = _split(mask, np.pad(yellow[box] > 0, 1), area)[1:-1, 1:-1]
        window = labels[box]
        window[split > 0] = split[split > 0] + found
        found += int(split.max())
    return labels
