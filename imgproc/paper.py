"""Paper and rulers on a photograph, told from lobes by their shape."""

import cv2
import numpy as np
from scipy import ndimage

_MOST_RECTANGULAR = 0.865  # of the smallest rectangle around it: an ellipse fills 0.785, paper 0.9
_CORNER_SHARE = 0.1  # of the short side: the squares in the corners of that rectangle
_LEAST_CORNER = 0.3  # of them: paper fills them, a lobe as broad as its rectangle is rounded off
_LONGEST = 4.0  # times its breadth: lobes reach 3, rulers start at 5
_STRIP_FILLED = 0.7  # of its rectangle: a ruler has ticks, and is seen in part
_LARGEST_SHARE = 0.3  # of the photo: what is larger is a background


def is_strip(points: np.ndarray) -> bool:
    """Whether pixels (y, x), shape (n, 2), float32, are longer than a lobe is for its breadth."""
    sides = _sides(points)
    return bool(sides[1] > _LONGEST * sides[0])


def is_paper(points: np.ndarray) -> bool:
    """Whether pixels (y, x) fill a rectangle to its corners, or lie in a strip.

    Parameters
    ----------
    points : numpy.ndarray of float32, shape (n, 2)

    Returns
    -------
    bool
    """
    return is_strip(points) or _is_rectangle(points, _MOST_RECTANGULAR)


def filled_corners(points: np.ndarray) -> np.ndarray:
    """How full each corner of the smallest rectangle around pixels (y, x) is of them.

    Parameters
    ----------
    points : numpy.ndarray of float32, shape (n, 2)

    Returns
    -------
    numpy.ndarray of float, shape (4,)
        Pixels in the square in each corner over its area.
    """
    corner = cv2.boxPoints(cv2.minAreaRect(points))
    along = np.stack([corner[1] - corner[0], corner[3] - corner[0]])
    sides = np.linalg.norm(along, axis=1)
    square = max(2.0, _CORNER_SHARE * float(sides.min()))
    # distance of every pixel from one side of either pair
    near = (points - corner[0]) @ (along / np.maximum(sides, 1e-6)[:, None]).T
    first, second = (
        (near[:, axis] < square, near[:, axis] > sides[axis] - square) for axis in (0, 1)
    )
    return np.array([(a & b).sum() for a in first for b in second]) / square**2


def paper_pieces(mask: np.ndarray, *, least_area_px: float) -> np.ndarray:
    """Connected pieces of a mask that are paper or a ruler, with what is printed on them.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)
    least_area_px : float
        Smaller pieces are left alone, and so are those that fill much of the photo.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
    """
    found = np.zeros(mask.shape, bool)
    pieces, _ = ndimage.label(mask)
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        piece = ndimage.binary_fill_holes(pieces[box] == number)
        if not least_area_px <= piece.sum() <= _LARGEST_SHARE * mask.size:
            continue
        points = np.argwhere(piece).astype(np.float32)
        least = _STRIP_FILLED if is_strip(points) else _MOST_RECTANGULAR
        if _is_rectangle(points, least):
            found[box] |= piece
    return found


def _is_rectangle(points: np.ndarray, least_filled: float) -> bool:
    """Whether pixels fill so much of the smallest rectangle around them, and its corners."""
    sides = _sides(points)
    if len(points) <= least_filled * sides[0] * sides[1]:
        return False
    return bool(np.median(filled_corners(points)) > _LEAST_CORNER)


def _sides(points: np.ndarray) -> np.ndarray:
    """Short and long side of the smallest rectangle around pixels, in pixels."""
    return np.sort(cv2.minAreaRect(points)[1]) + 1
