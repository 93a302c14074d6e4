"""Which images are learned from, which are chosen on, and which are for the test alone.

Many images of a collection are cut from one field of the microscope, edge to edge. Such images
would tell a network the answers to the test; so whole fields go to one part or another.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .pictures import read

TYPES = 36
VALIDATION_EVERY = 5
"""Of the types in order of nucleus diameter, every fifth is kept apart, for validation."""

TEST_EVERY = 8
"""Of the fields of the other types, one in so many is for the test."""

SEED = 10

_FITS = 0.8  # correlation of two images' edges from which they may be neighbours
_CHANGE = 0.1  # and no more below that of the first image's edge with the line before it
_ALIKE = 0.75  # correlation of two images that show the same
_GREY_LEVEL = 0.5  # added to the spread of an edge, so that an even one fits nothing


def split(folder: Path) -> pd.DataFrame:
    """Divide the images of a folder into training, validation and test.

    Images are sorted into types by Ward's clusters of their appearance; a field belongs to the
    type of most of its images. In order of the median nucleus diameter, every fifth type is for
    validation. Of the fields of the other types, drawn type by type, one in eight is for the
    test.

    Parameters
    ----------
    folder : pathlib.Path
        With ``images/*.png`` (grey) and ``labels/*.png`` of the same names.

    Returns
    -------
    pandas.DataFrame
        ``name``; ``kind``, the type, from 1; ``field``, from 1, shared by images of one field;
        ``part``: "training", "validation" or "test".
    """
    names = sorted(path.stem for path in (folder / "images").glob("*.png"))
    images, looks = [], []
    for name in names:
        image, labels = read(folder, name)
        images.append(image)
        looks.append(_appearance(image, labels))
    appearance = np.array(looks)
    kinds = fcluster(linkage(appearance, "ward"), min(TYPES, len(names)), "maxclust")
    table = pd.DataFrame({"name": names, "kind": kinds, "field": fields(images)})
    table["kind"] = table.groupby("field")["kind"].transform(lambda k: k.mode().iloc[0])
    diameter = pd.Series(appearance[:, 1]).groupby(table["kind"]).median()
    order = diameter.sort_values(kind="stable").index
    table["part"] = "training"
    apart = table["kind"].isin(order[VALIDATION_EVERY - 1 :: VALIDATION_EVERY])
    table.loc[apart, "part"] = "validation"
    table.loc[table["field"].isin(_tested(table[~apart])), "part"] = "test"
    return table


def fields(images: list[np.ndarray]) -> np.ndarray:
    """Number the fields that images were cut from: images whose edges fit, or that are alike.

    The right edge of one image fits the left edge of another (or the lower one the upper one) if
    they are correlated about as much as neighbouring lines of one image are. An edge has one
    neighbour at most, the one that fits best. A wrong fit only makes a field larger. Images are
    alike if all their pixels are correlated by more than 0.75.

    Parameters
    ----------
    images : list of numpy.ndarray
        Planes; only those of one shape can be neighbours.

    Returns
    -------
    numpy.ndarray
        int, one number an image, from 1.
    """
    fits, joined = [], []
    for shape in {image.shape for image in images}:
        of_shape = np.flatnonzero([image.shape == shape for image in images])
        stack = np.stack([images[k] for k in of_shape]).astype(float)
        flat = _even(stack.reshape(len(stack), -1))
        alike = np.argwhere(np.triu(flat @ flat.T, 1) > _ALIKE)
        joined += [(of_shape[a], of_shape[b]) for a, b in alike]
        for axis in (1, 2):
            last, before, first = (_even(stack.take(k, axis)) for k in (-1, -2, 0))
            fit = last @ first.T
            likely = (fit >= _FITS) & (fit >= (last * before).sum(1)[:, None] - _CHANGE)
            np.fill_diagonal(likely, val=False)
            found = np.argwhere(likely)
            fits += [(fit[a, b], of_shape[a], of_shape[b], axis) for a, b in found]
    taken: set[tuple[int, int, str]] = set()
    for _, a, b, axis in sorted(fits, reverse=True):
        ends = {(a, axis, "last"), (b, axis, "first")}
        if not ends & taken:
            taken |= ends
            joined.append((a, b))
    rows, columns = np.array(joined, int).reshape(-1, 2).T
    n = len(images)
    links = coo_matrix((np.ones(len(rows)), (rows, columns)), (n, n))
    return connected_components(links, directed=False)[1] + 1


def _even(lines: np.ndarray) -> np.ndarray:
    """Lines of mean 0 and unit length, shape (n, length), so that products are correlations."""
    lines = lines - lines.mean(1, keepdims=True)
    return lines / (lines.std(1, keepdims=True) + _GREY_LEVEL) / np.sqrt(lines.shape[1])


def _tested(table: pd.DataFrame) -> np.ndarray:
    """Draw the fields of the test: in order of their types, one in `TEST_EVERY`.

    A type of one field alone stays with the training.
    """
    rng = np.random.default_rng(SEED)
    numbers = [rows["field"].unique() for _, rows in table.groupby("kind")]
    shuffled = [rng.permutation(some) for some in numbers if len(some) > 1]
    in_order = np.concatenate([np.empty(0, int), *shuffled])
    return in_order[rng.integers(TEST_EVERY) :: TEST_EVERY]


def _appearance(image: np.ndarray, labels: np.ndarray) -> list[float]:
    """Numbers that images from one microscope and tissue share: size, nuclei, light, contrast."""
    area = np.bincount(labels.ravel())[1:]
    area = area[area > 0]
    inside = labels > 0
    level, ground = float(image[inside].mean()), float(image[~inside].mean())
    contrast = max(level - ground, 1.0)
    return [
        float(np.log2(image.size)),
        2 * float(np.log2(max(2 * np.sqrt(np.median(area) / np.pi), 4))),
        float(np.log2(contrast)),
        float(np.log2(ground / contrast + 0.05)),
        0.5 * float(np.log2(inside.mean() + 0.01)),
        float(image[inside].std()) / contrast,
    ]
