"""Candidates for nodules: where their pixels point to, and what each candidate is like."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from .nodule_network import NoduleMaps
from .nodule_surface import Surface, rim_distance

LEAST_INSIDE = 0.5
"""A pixel that belongs to a nodule with at least this probability is part of its outline."""

_VOTING_INSIDE = 0.2  # less sure pixels have no vote
_MIN_VOTES = 0.06  # of what a whole nodule gives: the classifier decides about what is above
_OCTAVES_PX = (0.0, 3.0, 6.0, 12.0, np.inf)  # of radius: votes of like nodules are blurred alike
_BLUR = 0.25  # of the radius; the blur by which votes are gathered
_APART = 0.65  # of the larger radius: peaks nearer than this are one nodule
_REACH = 0.75  # of its radius: how far from a middle a pixel may point that belongs to it
_BEYOND_MM = 0.5  # nodules at the rim stand out this far over the lobe as found
_RING_MM = 0.15
_NEIGHBOURS = 4


@dataclass(frozen=True)
class Candidates:
    """Where pixels of nodules point to.

    Attributes
    ----------
    y, x : numpy.ndarray of float, shape (n,)
        Middles, in pixels of the patch.
    labels : numpy.ndarray of int32, shape (h, w)
        Outlines, 1..n as the rows above.
    features : numpy.ndarray of float32, shape (n, n_features)
        What each is like (`FEATURES`).
    contrast : numpy.ndarray of float, shape (n,)
        Paleness inside minus around.
    radius : numpy.ndarray of float, shape (n,)
        In pixels, as the network says.
    """

    y: np.ndarray
    x: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    contrast: np.ndarray
    radius: np.ndarray


FEATURES = (
    "votes", "inside", "cone", "scatter", "log_radius_mm", "filled", "rim", "beyond", "glare",
    "company",
)  # fmt: skip


@dataclass(frozen=True)
class _Voters:
    """Pixels that may belong to a nodule: place, what they point to, radius, weight."""

    row: np.ndarray
    column: np.ndarray
    aim: np.ndarray
    radius: np.ndarray
    inside: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Of a nodule's votes that a pixel has."""
        return self.inside / (np.pi * self.radius**2)


def _voters(maps: NoduleMaps, where: np.ndarray) -> _Voters:
    row, column = np.nonzero((maps.inside > _VOTING_INSIDE) & where)
    aim = np.stack([row, column], axis=1) + maps.way[:, row, column].T
    return _Voters(
        row, column, aim, np.maximum(maps.radius[row, column], 1.0), maps.inside[row, column]
    )


def _gathered(voters: _Voters, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Votes around every pixel, 1 for all of one nodule, and the mean radius of the voters."""
    votes, sizes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    at = np.rint(voters.aim).astype(int)
    inside = ((at >= 0) & (at < shape)).all(axis=1)
    flat = np.zeros(len(at), int)
    flat[inside] = np.ravel_multi_index(tuple(at[inside].T), shape)
    for low, high in pairwise(_OCTAVES_PX):
        chosen = inside & (voters.radius >= low) & (voters.radius < high)
        if not chosen.any():
            continue
        share, radius = voters.share[chosen], voters.radius[chosen]
        sigma = max(0.8, _BLUR * float(np.sqrt(np.average(radius**2, weights=share))))
        # a point blurred so is 1 at its peak
        gain = 2 * np.pi * sigma**2
        for total, weight in ((votes, share), (sizes, share * radius)):
            layer = np.bincount(flat[chosen], weight, minlength=votes.size).reshape(shape)
            total += gain * cv2.GaussianBlur(layer.astype(np.float32), (0, 0), sigma)
    return votes, sizes / np.maximum(votes, 1e-6)


def _middles(
    votes: np.ndarray, radius: np.ndarray, where: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places where votes meet (n, 2), strongest first, and their radii."""
    top = (votes >= cv2.dilate(votes, np.ones((3, 3), np.uint8))) & (votes > _MIN_VOTES) & where
    y, x = np.nonzero(top)
    order = np.lexsort((x, y, -votes[y, x]))
    places = np.stack([y[order], x[order]], axis=1).astype(float)
    sizes = radius[y[order], x[order]].astype(float)
    kept: list[int] = []
    for row, (place, size) in enumerate(zip(places, sizes, strict=True)):
        distance = np.hypot(*(places[kept] - place).T)
        if np.all(distance >= _APART * np.maximum(sizes[kept], size)):
            kept.append(row)
    return places[kept], sizes[kept]


def _owners(voters: _Voters, places: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Row of the middle that each voter points to, -1 for none."""
    near = min(_NEIGHBOURS, len(places))
    distance, row = KDTree(places).query(voters.aim, k=near)
    distance, row = distance.reshape(-1, near), row.reshape(-1, near)
    relative = distance / np.maximum(radius[row], 1.5)
    best = relative.argmin(axis=1)
    pick = np.arange(len(best))
    return np.where(relative[pick, best] <= _REACH, row[pick, best], -1)


def find_candidates(maps: NoduleMaps, lobe: Surface, others: np.ndarray) -> Candidates:
    """Group the pixels of nodules by the middle that they point to.

    Parameters
    ----------
    maps : NoduleMaps
        What the network drew.
    lobe : Surface
        The lobe.
    others : numpy.ndarray of bool, shape (h, w)
        Other lobes.

    Returns
    -------
    Candidates
        Strongest first.
    """
    shape = lobe.mask.shape
    beyond = cv2.distanceTransform((~lobe.mask).astype(np.uint8), cv2.DIST_L2, 5)
    where = (beyond <= _BEYOND_MM * lobe.px_per_mm) & ~others
    voters = _voters(maps, where)
    votes, size = _gathered(voters, shape)
    places, radius = _middles(votes, size, where)
    labels = np.zeros(shape, np.int32)
    if len(places) == 0:
        none = np.zeros(0)
        return Candidates(none, none, labels, np.zeros((0, len(FEATURES)), np.float32), none, none)
    owner = _owners(voters, places, radius)
    drawn = (owner >= 0) & (voters.inside >= LEAST_INSIDE)
    labels[voters.row[drawn], voters.column[drawn]] = owner[drawn] + 1
    strength = votes[tuple(places.astype(int).T)]
    features = _features(maps, lobe, voters, owner, places, radius, strength)
    middle = _mean_aim(voters, owner, places)
    return Candidates(
        middle[:, 0], middle[:, 1], labels, features, _contrasts(labels, lobe, len(places)), radius
    )


def _mean_aim(voters: _Voters, owner: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where a candidate's pixels point to on average (n, 2)."""
    owned = owner >= 0
    weight = voters.inside[owned]
    count = np.bincount(owner[owned], weight, minlength=len(places))
    mean = [
        np.bincount(owner[owned], weight * voters.aim[owned, axis], minlength=len(places))
        / np.maximum(count, 1e-6)
        for axis in (0, 1)
    ]
    return np.where(count[:, None] > 0, np.stack(mean, axis=1), places)


def _features(
    maps: NoduleMaps,
    lobe: Surface,
    voters: _Voters,
    owner: np.ndarray,
    places: np.ndarray,
    radius: np.ndarray,
    strength: np.ndarray,
) -> np.ndarray:
    n = len(places)
    owned = owner >= 0
    whose = owner[owned]
    pixels = np.maximum(np.bincount(whose, minlength=n), 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(whose, values, minlength=n) / pixels

    row, column = voters.row[owned], voters.column[owned]
    miss = np.hypot(*(voters.aim[owned] - places[whose]).T) / radius[whose]
    y, x = places.astype(int).T
    cone = cv2.GaussianBlur(maps.cone, (0, 0), 0.7)
    rim = rim_distance(lobe.mask)[y, x] / radius
    inside = mean(voters.inside[owned])
    columns = {
        "votes": np.minimum(strength, 1.5),
        "inside": inside,
        "cone": cone[y, x],
        "scatter": mean(miss),
        "log_radius_mm": np.log(radius / lobe.px_per_mm),
        "filled": np.minimum(pixels / (np.pi * radius**2), 2.0),
        "rim": np.minimum(rim, 2.0),
        "beyond": mean((~lobe.mask[row, column]).astype(float)),
        "glare": mean(lobe.glare[row, column].astype(float)),
        "company": _company(np.minimum(strength, 1) * inside, lobe),
    }
    return np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)


def _company(evidence: np.ndarray, lobe: Surface) -> np.ndarray:
    """Log of one plus the nodules that the rest of the lobe seems to have, over its area in mm².

    A doubtful spot on a lobe full of nodules is rather one than the same spot on a bare lobe.
    """
    area = max(float(lobe.mask.sum()), 1.0) / lobe.px_per_mm**2
    return np.log1p(evidence.sum() - evidence) - np.log(area)


def _contrasts(labels: np.ndarray, lobe: Surface, count: int) -> np.ndarray:
    """Paleness inside minus that of a ring around, plain tissue where there is some."""
    reach = max(2, round(_RING_MM * lobe.px_per_mm))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    result = np.zeros(count)
    for row, box in enumerate(ndimage.find_objects(labels, max_label=count)):
        if box is None:
            continue
        window = tuple(slice(max(0, s.start - reach - 1), s.stop + reach + 1) for s in box)
        here = labels[window] == row + 1
        ring = (cv2.dilate(here.astype(np.uint8), kernel) > 0) & ~here & lobe.mask[window]
        plain = ring & (labels[window] == 0)
        around = plain if plain.sum() > 4 else ring
        pale = lobe.pale[window]
        if around.any():
            result[row] = float(pale[here].mean() - pale[around].mean())
    return result
