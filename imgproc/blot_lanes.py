"""Finding the lanes of a blot or gel: from the left, upright or leaning."""

from dataclasses import dataclass

import cv2
import numpy as np

from .errors import MeasurementError

_MAX_LEAN = 0.105  # tangent of 6°; lanes that lean more were scanned askew
_LEAN_STEPS = 43
_LEAN_SIDE_PX = 400  # lean is told on an image no larger than this
_BACKGROUND_SHARE = 0.6  # of the height: taller than any band, shorter than the image
_LONGEST_SHARE = 0.5  # of the width: what is longer is an edge of the gel, not a band
_DUST_SHARE = 1 / 80  # of the width: what is shorter is dust, not a band
_SHORTEST_PX = 5
_NOISE_SDS = 3.0
_CERTAIN_SDS = 3.0  # above those, a lane's strongest rows stand out from chance
_MAD_TO_SD = 1.4826
_TOP_SHARE = 0.01  # rows that tell how strong a column's strongest band is
_TOP_ROWS = 3
_FAINTEST_LANE = 0.02  # of the strongest lane
_VALLEY = 0.5  # of the lower of two neighbours: a deeper valley parts lanes
_NARROWEST = 0.4  # of the median width: what is narrower is a speck
_WIDEST = 2.5  # of the median width: what is wider is an edge of the gel
_CLEARLY = 3.0  # times the light of the strongest thing that is left out
_MARGIN = 0.25  # of a lane's width at each side belongs to its window
_REGULAR = 0.15  # of the pitch: how far a lane may stand from an even spacing
_LEAST_FILL, _MOST_FILL = 0.4, 1.05  # width of a lane's bands over the pitch of the lanes

Span = tuple[float, float]
"""Left and right end of a lane."""


@dataclass(frozen=True)
class Lane:
    """Where a lane stands; x is given at the image's middle row.

    Attributes
    ----------
    left_px, right_px : float
        Its bands' ends, at half of their level.
    window_left_px, window_right_px : float
        The strip that is measured: with margins that hold the bands' soft ends.
    lean : float
        Tangent of the angle: pixels to the right a row down.
    """

    left_px: float
    right_px: float
    window_left_px: float
    window_right_px: float
    lean: float

    @property
    def centre_px(self) -> float:
        """Middle between both ends."""
        return 0.5 * (self.left_px + self.right_px)


def find_lanes(signal: np.ndarray, *, lanes: int | None = None) -> list[Lane]:
    """Find the lanes by the bands in them.

    Parameters
    ----------
    signal : numpy.ndarray, shape (height, width)
        float32, bands bright.
    lanes : int, optional
        How many lanes there are, blank ones included. Blank lanes are placed by the even spacing
        where one arrangement alone fits into the image; without a number only lanes with bands
        are found.

    Returns
    -------
    list of Lane
        From the left; none where there is no band at all.

    Raises
    ------
    MeasurementError
        If `lanes` is given and the lanes seen can't be brought to that number without guessing.
    """
    bands, noise = band_light(signal)
    lean = _lean(bands)
    strength = _column_strength(bands, lean)
    spans = _alike(_spans(strength, _CERTAIN_SDS * noise))
    if lanes is not None and spans:
        spans = _strongest(spans, sheared(bands, lean).sum(axis=0), lanes)
        spans = spans if len(spans) == lanes else _completed(spans, lanes, signal.shape[1])
    return _with_windows(spans, lean, signal.shape[1])


def band_light(signal: np.ndarray) -> tuple[np.ndarray, float]:
    """Keep what is shaped like bands: long and flat, on any slow background.

    Parameters
    ----------
    signal : numpy.ndarray, shape (height, width)
        float32, bands bright.

    Returns
    -------
    light : numpy.ndarray
        float32, same shape; what rises above three SDs of the noise, 0 elsewhere.
    noise : float
        The SD of the noise that is left after smoothing.
    """
    width = signal.shape[1]
    smooth = cv2.medianBlur(signal.astype(np.float32), 5)
    smooth = cv2.GaussianBlur(smooth, (0, 0), 1.0)
    light = smooth - column_base(smooth)
    short = np.ones((1, max(int(_DUST_SHARE * width), _SHORTEST_PX)), np.uint8)
    light = cv2.morphologyEx(light, cv2.MORPH_OPEN, short)
    level = float(np.median(light))
    noise = _MAD_TO_SD * float(np.median(np.abs(light - level)))
    light = np.maximum(light - level - _NOISE_SDS * noise, 0)
    edge = np.ones((1, max(int(_LONGEST_SHARE * width), _SHORTEST_PX)), np.uint8)
    light = light - cv2.morphologyEx(light, cv2.MORPH_OPEN, edge)
    return np.asarray(light, np.float32), noise


def column_base(image: np.ndarray) -> np.ndarray:
    """Give each column's slow base: an opening longer than any band.

    Both ends are continued as they run, so that a slope is its own base up to the edge.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
        float32, bands bright.
    """
    height = image.shape[0]
    length = max(int(_BACKGROUND_SHARE * height), 3)
    reach = min(length // 2 + 1, height - 1)
    longer = np.pad(image, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    base = cv2.morphologyEx(longer, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    return np.asarray(base[reach : reach + height])


def _lean(bands: np.ndarray) -> float:
    """Give the lean that makes the sum over columns sharpest; 0 where none is better."""
    scale = min(1.0, _LEAN_SIDE_PX / max(bands.shape))
    small = cv2.resize(bands, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    leans = np.linspace(-_MAX_LEAN, _MAX_LEAN, _LEAN_STEPS)
    scores = np.array([float((sheared(small, lean).sum(axis=0) ** 2).sum()) for lean in leans])
    best = int(np.argmax(scores))
    upright = _LEAN_STEPS // 2
    # A single row of bands says nothing about lean: its score hardly changes.
    return float(leans[best]) if scores[best] > 1.005 * scores[upright] else 0.0


def sheared(image: np.ndarray, lean: float) -> np.ndarray:
    """Shift rows so that lanes of that lean stand upright; the middle row stays."""
    height, width = image.shape
    move = np.array([[1, lean, -lean * (height - 1) / 2], [0, 1, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, move, (width, height), flags=flags))


def _column_strength(bands: np.ndarray, lean: float) -> np.ndarray:
    """Give each column the level of its strongest rows, shape (width,)."""
    upright = sheared(bands, lean)
    rows = max(_TOP_ROWS, int(_TOP_SHARE * len(upright)))
    top = np.partition(upright, len(upright) - rows, axis=0)[-rows:]
    return np.asarray(top.mean(axis=0))


def _spans(strength: np.ndarray, certain: float) -> list[Span]:
    """Give left and right end of each hump of the columns' strength that is certain."""
    if strength.max() <= certain:
        return []
    above = strength > _FAINTEST_LANE * strength.max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], above.astype(np.int8), [0]])))
    humps = [
        piece
        for left, right in edges.reshape(-1, 2)
        for piece in _parted(strength, int(left), int(right))
    ]
    humps = [
        (left, right) for left, right in humps if strength[left:right].max(initial=0) > certain
    ]
    spans = [_half_level(strength, left, right) for left, right in humps]
    return [span for span in spans if span[1] - span[0] >= _SHORTEST_PX]


def _alike(spans: list[Span]) -> list[Span]:
    """Leave out what is much narrower (a speck) or wider (an edge) than the other lanes."""
    if not spans:
        return []
    usual = float(np.median([right - left for left, right in spans]))
    return [s for s in spans if _NARROWEST * usual <= s[1] - s[0] <= _WIDEST * usual]


def _strongest(spans: list[Span], light: np.ndarray, lanes: int) -> list[Span]:
    """Leave out surplus lanes that are clearly weaker than the others."""
    if len(spans) <= lanes:
        return spans
    sums = np.array([light[int(left) : int(right)].sum() for left, right in spans])
    order = np.argsort(-sums, kind="stable")
    if sums[order[lanes - 1]] < _CLEARLY * sums[order[lanes]]:
        return spans
    return [spans[number] for number in sorted(order[:lanes])]


def _parted(strength: np.ndarray, left: int, right: int) -> list[tuple[int, int]]:
    """Part a hump at its deepest valley, and so on."""
    held = strength[left:right]
    if held.size < 2 * _SHORTEST_PX:
        return [(left, right)]
    lower = np.minimum(np.maximum.accumulate(held), np.maximum.accumulate(held[::-1])[::-1])
    depth = np.where(lower > 0, held / np.maximum(lower, 1e-12), 1.0)
    deepest = int(np.argmin(depth))
    if depth[deepest] >= _VALLEY:
        return [(left, right)]
    cut = left + deepest
    return [*_parted(strength, left, cut), *_parted(strength, cut + 1, right)]


def _half_level(strength: np.ndarray, left: int, right: int) -> Span:
    held = strength[left:right]
    inside = np.flatnonzero(held >= 0.5 * np.quantile(held, 0.9)) if held.size else np.array([0])
    return float(left + inside[0]), float(left + inside[-1] + 1)


def _completed(spans: list[Span], lanes: int, width: int) -> list[Span]:
    """Bring the lanes seen to the number said by even spacing, if one way alone fits the image."""
    ways = []
    if 2 <= len(spans) < lanes:
        for before in range(lanes - len(spans) + 1):
            for after in range(lanes - len(spans) + 1 - before):
                way = _spaced(spans, lanes, before, after, width)
                ways += [way] if way else []
    if len(ways) == 1:
        return ways[0]
    how = f"; {len(ways)} arrangements with blank lanes fit" if len(ways) > 1 else ""
    raise MeasurementError(
        f"{lanes} lanes were expected, and {len(spans)} with bands were found{how}",
        "check how many lanes the lane sheet names for this image (ladders and blank lanes count, "
        "from the first at the left), and crop the image to the lanes",
    )


def _spaced(
    spans: list[Span], lanes: int, before: int, after: int, width: int
) -> list[Span] | None:
    """Give evenly spaced lanes, so many of them blank before and after those seen, if they fit."""
    centres = np.array([0.5 * (left + right) for left, right in spans])
    usual = float(np.median([right - left for left, right in spans]))
    inner = lanes - before - after
    pitch = float(centres[-1] - centres[0]) / (inner - 1)
    places = np.rint((centres - centres[0]) / pitch).astype(int)
    even = centres[0] + pitch * (np.arange(lanes) - before)
    fits = (
        len(set(places.tolist())) == len(places)
        and np.abs(centres - even[places + before]).max() <= _REGULAR * pitch
        and _LEAST_FILL * pitch <= usual <= _MOST_FILL * pitch
        and even[0] - usual / 2 >= 0
        and even[-1] + usual / 2 <= width
    )
    if not fits:
        return None
    seen = dict(zip((places + before).tolist(), spans, strict=True))
    return [
        seen.get(number, (float(x) - usual / 2, float(x) + usual / 2))
        for number, x in enumerate(even)
    ]


def _with_windows(spans: list[Span], lean: float, width: int) -> list[Lane]:
    """Give each lane its margins, up to the middle of the gap to its neighbour."""
    lanes = []
    for number, (left, right) in enumerate(spans):
        margin = max(_MARGIN * (right - left), _SHORTEST_PX)
        before = spans[number - 1][1] if number else -np.inf
        after = spans[number + 1][0] if number + 1 < len(spans) else np.inf
        low = max(left - margin, 0.5 * (left + before), 0.0)
        high = min(right + margin, 0.5 * (right + after), float(width))
        lanes.append(Lane(left, right, float(low), float(high), lean))
    return lanes
