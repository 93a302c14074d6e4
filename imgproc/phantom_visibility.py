"""Which nodules of a phantom a careful reader could see, from the picture with and without them."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from .phantom_lung_scene import LUNG_TYPES

JUST_NOTICEABLE = 2.3
"""CIE 1976 colour difference that a person just sees between two patches (Mahy et al. 1994)."""

LEAST_CONSPICUITY = 2.0
"""Signal over clutter (d') at which a reader without bias is right in 84 % of yes-or-no
judgements: the normal distribution at half of it (Green and Swets 1966)."""

LEAST_VISIBLE = 0.5
"""A nodule less than half visible counts neither way."""

_SCALE_PX = 4.0  # a nodule's radius in the window in which its clutter is measured
_WINDOW = 3.5  # half the window's side, in radii
_READING_NOISE = 0.5  # CIE Lab: no picture is read finer


@dataclass(frozen=True)
class Views:
    """A picture before noise, with its nodules and with these in the colour of their tissue.

    Attributes
    ----------
    seen, bare : numpy.ndarray
        uint8, (height, width, 3), sRGB.
    clipped : numpy.ndarray
        bool, (height, width), clipped to white.
    noise : float
        Variance of a pixel at full light, relative.
    """

    seen: np.ndarray
    bare: np.ndarray
    clipped: np.ndarray
    noise: float


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab of uint8 sRGB, float32, L* in 0 to 100."""
    return cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)


def conspicuity(
    seen: np.ndarray, bare: np.ndarray, own: np.ndarray, tissue: np.ndarray, noise: float
) -> float:
    """Signal of one nodule over the clutter at its own scale.

    Both pictures pass a centre-minus-surround filter of the nodule's size, as the eye's detectors
    do. The signal is the filter's strongest answer to the difference that the nodule makes; the
    clutter is the standard deviation of its answer to the surface without nodules: texture,
    vessels, glare. The three coordinates of CIE Lab add up in squares.

    Parameters
    ----------
    seen, bare : numpy.ndarray
        float32, (h, w, 3), CIE Lab with the nodule and without, `_SCALE_PX` pixels a radius.
    own, tissue : numpy.ndarray
        float32, (h, w), share of each pixel that shows this nodule, and that is plain lobe.
    noise : float
        Standard deviation of noise in L* at the filter's scale.

    Returns
    -------
    float
        Below `LEAST_CONSPICUITY` a reader does little better than guess.

    References
    ----------
    Green DM, Swets JA (1966), Signal detection theory and psychophysics, Wiley.
    """
    signal = _centre_surround((seen - bare) * own[..., None], np.ones_like(tissue))
    answer = _centre_surround(bare, tissue)
    on_lobe = tissue > 0.5
    if not on_lobe.any():
        return 0.0
    clutter = answer[on_lobe].var(axis=0) + _READING_NOISE**2 + noise**2
    return float(np.sqrt((signal**2 / clutter).sum(axis=2).max()))


def _centre_surround(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    sigma = _SCALE_PX / np.sqrt(2)
    narrow, wide = (_weighted_blur(image, weight, factor * sigma) for factor in (0.7, 1.6))
    return narrow - wide


def _weighted_blur(image: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    total = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    summed = cv2.GaussianBlur(image * weight[..., None], (0, 0), sigma)
    return summed / np.maximum(total, 1e-3)


def _conspicuities(
    nodules: np.ndarray, lobes: np.ndarray, known: pd.DataFrame, keys: np.ndarray, views: Views
) -> np.ndarray:
    """Conspicuity of every row."""
    height, width = nodules.shape
    result = np.zeros(len(known))
    for row, (y, x, radius) in enumerate(known[["y_px", "x_px", "radius_px"]].to_numpy()):
        reach = int(np.ceil(_WINDOW * radius))
        window = (
            slice(max(0, int(y) - reach), min(height, int(y) + reach + 1)),
            slice(max(0, int(x) - reach), min(width, int(x) + reach + 1)),
        )
        own = nodules[window] == keys[row]
        if not own.any():
            continue
        factor = _SCALE_PX / radius
        size = tuple(max(4, round(side * factor)) for side in own.shape[::-1])
        parts = [
            cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            for part in (
                views.seen[window],
                views.bare[window],
                own.astype(np.float32),
                ((lobes[window] > 0) & (nodules[window] == 0)).astype(np.float32),
            )
        ]
        light = max(float(views.bare[window][own].mean() / 255) ** 2.2, 0.01)
        # L* is the cube root of light; the filter averages over about its centre's area
        noise = 38 * light ** (1 / 3) * np.sqrt(views.noise / light) / (np.sqrt(np.pi) * radius)
        result[row] = conspicuity(lab(parts[0]), lab(parts[1]), parts[2], parts[3], float(noise))
    return result


def _differ(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which pixels (n, 3) of two lists differ by a just noticeable difference."""
    if len(first) == 0:
        return np.zeros(0, bool)
    difference = lab(first[None])[0] - lab(second[None])[0]
    return np.linalg.norm(difference, axis=1) >= JUST_NOTICEABLE


def seen_nodules(
    nodules: np.ndarray, lobes: np.ndarray, known: pd.DataFrame, views: Views
) -> tuple[np.ndarray, pd.DataFrame]:
    """Label image and table of the nodules that the camera sees, numbered alike.

    A pixel of a nodule's footprint shows it where the picture differs by a just noticeable
    difference from one in which nodules have their tissue's colour: not where glare or exposure
    clip, nor where blur or reflections drown it.

    Parameters
    ----------
    nodules, lobes : numpy.ndarray
        int32, (height, width), keys of nodules; lobes.
    known : pandas.DataFrame
        Rows of all lobes by key.
    views : Views
        The picture with and without nodules.

    Returns
    -------
    labels : numpy.ndarray
        int32, (height, width), 1..n.
    table : pandas.DataFrame
        n rows, by lobe and from the top; nodules without a pixel are left out.

    References
    ----------
    Mahy M, Van Eycken L, Oosterlinck A (1994), Evaluation of uniform color spaces developed after
    the adoption of CIELAB and CIELUV, Color Res Appl 19:105-121.
    """
    keys = known["key"].to_numpy()
    covered = nodules > 0
    found = np.searchsorted(keys, nodules[covered])
    shown = _differ(views.seen[covered], views.bare[covered])
    area = np.bincount(found, minlength=len(keys))
    shown_area = np.bincount(found, shown, minlength=len(keys))
    lost = np.bincount(found, views.clipped[covered], minlength=len(keys))
    visible = np.minimum(1.0, shown_area / (np.pi * known["radius_px"].to_numpy() ** 2))
    clear = _conspicuities(nodules, lobes, known, keys, views)
    known = known.assign(
        visible_fraction=visible,
        conspicuity=clear,
        countable=(visible >= LEAST_VISIBLE) & (clear >= LEAST_CONSPICUITY),
        glare_fraction=lost / np.maximum(area, 1),
        row=np.arange(len(keys)),
    )
    known = known[area > 0].sort_values(["lobe", "y_px", "x_px"], kind="stable")
    number = np.zeros(len(keys), np.int32)
    number[known["row"].to_numpy()] = np.arange(1, len(known) + 1)
    labels = np.zeros(nodules.shape, np.int32)
    labels[covered] = number[found]
    table = known.drop(columns=["key", "row"]).reset_index(drop=True).astype(LUNG_TYPES)
    return labels, table
