"""Finding the bands of one lane: straightened, parted and measured row by row."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from .blot_lanes import Lane, column_base

_STRIPS = 9
_ROUNDS = 3
_MOST_SHIFT = 0.35  # of the lane's width: a steeper band isn't one
_BEND_DEGREE = 2  # tilt and smile
_SMOOTH_PX = 1.0
_OF_ITSELF = 0.5  # of the least height: what a band rises without what is beside
_SAME_PX = 3  # a peak of both profiles stands this close in both
_FLAT = 0.05  # of the lower band: a valley this flat is parted in its middle
_OUTER = 0.5  # of the margin: the part farther from the lane
_QUANTUM = 1 / np.sqrt(12)  # SD of rounding to whole grey levels
_NOISE_SDS = 5.0
_MAD_TO_SD = 1.4826
_REACH = 2.7  # half widths at half level: 3.2 SDs, 99.9 % of a Gaussian band
_SEARCH = 8.0  # half widths in which a band's foot is looked for


@dataclass(frozen=True)
class Band:
    """One band of a straightened lane; rows are those of the lane's middle.

    Attributes
    ----------
    row_px : float
        Where it is strongest.
    top_px, bottom_px : int
        First row of it, and first row below it.
    touches_above, touches_below : bool
        Whether it runs into the next band there.
    height : float
        Its level above its feet.
    """

    row_px: float
    top_px: int
    bottom_px: int
    touches_above: bool
    touches_below: bool
    height: float


@dataclass(frozen=True)
class StraightLane:
    """A lane with its lean and the bend of its bands taken out.

    Attributes
    ----------
    lane : Lane
        Where it stands.
    offsets_px, bend_px : numpy.ndarray
        How much lower (`bend_px`) a band stands at each offset from the lane's middle.
    image : numpy.ndarray
        Shape (height, window width), float32.
    profile : numpy.ndarray
        Mean over the window's columns of each row, float64: what volumes are made of.
    typical : numpy.ndarray
        Median over the lane's own columns of each row, free of dust.
    beside : numpy.ndarray
        Median over the columns just beside the lane of each row: what isn't a band of this lane.
    """

    lane: Lane
    offsets_px: np.ndarray
    bend_px: np.ndarray
    image: np.ndarray
    profile: np.ndarray
    typical: np.ndarray
    beside: np.ndarray


def straighten(signal: np.ndarray, lane: Lane) -> StraightLane:
    """Take lean, tilt and smile out of a lane.

    The lane's columns are put into strips, and each strip is shifted to agree best with their
    mean; a parabola through the shifts is the bend.

    Parameters
    ----------
    signal : numpy.ndarray, shape (height, width)
        float32, bands bright.
    lane : Lane
        The lane.

    Returns
    -------
    StraightLane
        The lane upright, with the bend that was taken out.
    """
    offsets = np.arange(
        np.ceil(lane.window_left_px - lane.centre_px),
        np.floor(lane.window_right_px - lane.centre_px) + 0.5,
    )
    inside = np.abs(offsets) <= 0.5 * (lane.right_px - lane.left_px)
    upright = _resample(signal, lane, offsets, np.zeros_like(offsets))
    bend = _bend(upright, offsets, inside)
    image = _resample(signal, lane, offsets, bend)
    return StraightLane(
        lane,
        offsets,
        bend,
        image,
        image.mean(axis=1, dtype=np.float64),
        np.median(image[:, inside], axis=1).astype(np.float64),
        np.median(image[:, _outermost(offsets, inside)], axis=1).astype(np.float64),
    )


def _outermost(offsets: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Choose the window's columns farthest from the lane, on both sides."""
    margin = float(np.abs(offsets).max() - np.abs(offsets[inside]).max())
    return np.asarray(np.abs(offsets) > np.abs(offsets).max() - max(_OUTER * margin, 1.0))


def _resample(signal: np.ndarray, lane: Lane, offsets: np.ndarray, bend: np.ndarray) -> np.ndarray:
    rows = np.arange(signal.shape[0], dtype=np.float32)[:, None]
    middle = 0.5 * (signal.shape[0] - 1)
    x = lane.centre_px + offsets[None, :] + lane.lean * (rows - middle)
    y = rows + bend[None, :]
    return np.asarray(
        cv2.remap(
            signal,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _bend(upright: np.ndarray, offsets: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Give each column's shift down, 0 on average over the lane's own columns."""
    columns = np.flatnonzero(inside)
    strips = [part for part in np.array_split(columns, min(_STRIPS, len(columns))) if part.size]
    places = np.array([offsets[part].mean() for part in strips])
    if len(places) <= _BEND_DEGREE:
        return np.zeros_like(offsets)
    profiles = np.array([np.median(upright[:, part], axis=1) for part in strips])
    profiles = np.array([_without_base(profile) for profile in profiles])
    most = int(np.ceil(_MOST_SHIFT * len(columns))) + 1
    most = min(most, len(upright) // 4)
    weights = profiles.sum(axis=1)
    if most < 1 or weights.max() <= 0:
        return np.zeros_like(offsets)
    curve = np.zeros(len(places))
    fit = np.zeros(_BEND_DEGREE + 1)
    for _ in range(_ROUNDS):
        rows = np.arange(profiles.shape[1])
        moved = np.array(
            [np.interp(rows + d, rows, p) for d, p in zip(curve, profiles, strict=True)]
        )
        mean = moved.mean(axis=0)
        shifts = np.array([_best_shift(profile, mean, most) for profile in profiles])
        fit = np.polynomial.polynomial.polyfit(places, shifts, _BEND_DEGREE, w=np.sqrt(weights))
        curve = np.polynomial.polynomial.polyval(places, fit)
    # Beyond the lane's own columns a parabola runs away; there the ends' bend is kept.
    held = np.clip(offsets, places[0], places[-1])
    bend = np.polynomial.polynomial.polyval(held, fit)
    return np.asarray(bend - bend[inside].mean())


def _best_shift(profile: np.ndarray, mean: np.ndarray, most: int) -> float:
    """Give the shift at which a profile agrees best with the mean, to parts of a pixel."""
    shifts = np.arange(-most, most + 1)
    padded = np.pad(profile, most, mode="edge")
    agreement = np.array([float(padded[most + s : most + s + mean.size] @ mean) for s in shifts])
    best = int(np.argmax(agreement))
    if best in (0, len(shifts) - 1):
        return float(shifts[best])
    before, here, after = agreement[best - 1 : best + 2]
    curvature = before - 2 * here + after
    return float(shifts[best] + (0.5 * (before - after) / curvature if curvature < 0 else 0.0))


def _without_base(profile: np.ndarray) -> np.ndarray:
    """Take off a profile's slow base: an opening longer than any band."""
    smooth = gaussian_filter1d(profile.astype(np.float64), _SMOOTH_PX, mode="nearest")
    base = column_base(smooth.astype(np.float32)[:, None])[:, 0]
    return np.maximum(smooth - base, 0)


def profile_noise(profile: np.ndarray) -> float:
    """SD of a profile's noise, from the differences of neighbouring rows."""
    steps = np.diff(profile, n=2)
    return float(_MAD_TO_SD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(6))


def tallest(straight: StraightLane) -> float:
    """Level of a lane's strongest band above its base and what is beside the lane."""
    return float(_without_base(straight.typical - straight.beside).max())


def find_bands(straight: StraightLane, *, least_height: float) -> list[Band]:
    """Find a lane's bands on its typical profile.

    Parameters
    ----------
    straight : StraightLane
        The lane.
    least_height : float
        Bands that rise less, against the strips beside the lane, are left out, as are those below
        five SDs of the profile's noise.

    Returns
    -------
    list of Band
        From the top.
    """
    smooth = gaussian_filter1d(straight.typical, _SMOOTH_PX, mode="nearest")
    # What rises beside the lane as well (a row of wells, the gel's edge) is no band.
    own = smooth - gaussian_filter1d(straight.beside, _SMOOTH_PX, mode="nearest")
    noise = max(profile_noise(straight.typical - straight.beside), _QUANTUM)
    least = max(least_height, _NOISE_SDS * noise)
    seen, _ = find_peaks(own, prominence=least)
    # The strips beside may have edges of their own: a band is a peak of the lane as well.
    peaks, _ = find_peaks(smooth, prominence=_OF_ITSELF * least)
    peaks = [peak for peak in peaks if np.abs(seen - float(peak)).min(initial=np.inf) <= _SAME_PX]
    valleys = [0, *(_valley(smooth, a, b) for a, b in pairwise(peaks))]
    valleys.append(len(smooth))
    return [
        _band(smooth, int(peak), valleys[number], valleys[number + 1])
        for number, peak in enumerate(peaks)
    ]


def _valley(smooth: np.ndarray, above: int, below: int) -> int:
    """Give the row between two peaks that parts them: the middle of what is lowest there."""
    held = smooth[above : below + 1]
    deepest = int(np.argmin(held))
    low = held <= held[deepest] + _FLAT * (min(held[0], held[-1]) - held[deepest])
    edges = np.flatnonzero(~low)
    first = edges[edges < deepest][-1] + 1
    last = edges[edges > deepest][0] - 1
    return above + int(first + last + 1) // 2


def _band(smooth: np.ndarray, peak: int, first: int, last: int) -> Band:
    """Give a band's limits: three SDs from its peak, or the valley to the next band."""
    up, foot_up = _reach(smooth[first : peak + 1][::-1])
    down, foot_down = _reach(smooth[peak:last])
    top, bottom = peak - up, peak + down + 1
    touches_above, touches_below = first > 0 and top <= first, last < len(smooth) and bottom >= last
    return Band(
        row_px=_summit(smooth, peak),
        top_px=max(top, first),
        bottom_px=min(bottom, last),
        touches_above=bool(touches_above),
        touches_below=bool(touches_below),
        height=float(smooth[peak] - 0.5 * (foot_up + foot_down)),
    )


def _reach(side: np.ndarray) -> tuple[int, float]:
    """Rows from a peak (the first value) to its foot on one side, and the foot's level."""
    reach = len(side)
    foot, half = float(side.min()), 1.0
    for _ in range(_ROUNDS):
        foot = float(side[:reach].min())
        below = np.flatnonzero(side <= 0.5 * (side[0] + foot))
        half = max(float(below[0]) if below.size else float(len(side)), 1.0)
        reach = max(min(len(side), int(np.ceil(_SEARCH * half))), 2)
    if below.size and below[0] > 0:
        # between rows, by the straight line through the two
        level = 0.5 * (side[0] + foot)
        high, low = side[below[0] - 1], side[below[0]]
        half = float(below[0] - 1 + (high - level) / max(high - low, 1e-12))
    return int(np.ceil(_REACH * max(half, 1.0))), foot


def _summit(smooth: np.ndarray, peak: int) -> float:
    """Place of a peak between rows, by the parabola through three."""
    if not 0 < peak < len(smooth) - 1:
        return float(peak)
    before, here, after = smooth[peak - 1 : peak + 2]
    curvature = before - 2 * here + after
    return peak + (0.5 * (before - after) / curvature if curvature < 0 else 0.0)
