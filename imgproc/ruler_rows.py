"""Rows of evenly spaced strokes that stand on one line: candidates for a ruler's scale."""

from dataclasses import dataclass

import numpy as np

from .ruler_strokes import Strokes

MIN_TICKS = 5
"""Fewer strokes in a row are not taken for a scale."""

_STEP = np.deg2rad(0.5)  # of the directions tried
_STEEPEST = np.deg2rad(45)
_LINE_PX = 6.0  # width of the lines that strokes vote for
_SLANT = np.deg2rad(12)  # a stroke may lean this much against the row's normal
_MEAN_SLANT = np.deg2rad(5)  # and all strokes of a row together
_LINES = 12  # lines looked at, strongest first
_FULL_CONTRAST = 128.0  # ink; stronger strokes don't count more
_MOST_TICKS = 400  # in a row; more than fit on a reduced photo at the least spacing is clutter
_LEAST_SPACING_PX = 4.0
_LEAST_OCCUPANCY = 0.55  # share of a row's places that show a tick
_WIDEST_GAP = 6  # places in a row without a tick (glare, a finger, a pin)
_OFF_PLACE = 0.15  # of the spacing: a stroke further off is no tick
_MAX_SPREAD = 0.06


@dataclass(frozen=True)
class Row:
    """Evenly spaced strokes along a line.

    Attributes
    ----------
    origin : tuple of float
        y, x of the first tick's foot, in pixels.
    angle : float
        Direction of the row against the photo's width, in radians, positive from x towards y.
    upper : bool
        Whether the feet are the upper ends, so the ticks point down.
    period : float
        Spacing in pixels.
    places : numpy.ndarray
        Which place of the row each tick has, from 0.
    length : numpy.ndarray
        Of each tick, in pixels.
    width, contrast : float
        Medians.
    spread : float
        Standard deviation of the ticks about even spacing, relative to the spacing.
    members : numpy.ndarray
        Indices of the strokes.
    """

    origin: tuple[float, float]
    angle: float
    upper: bool
    period: float
    places: np.ndarray
    length: np.ndarray
    width: float
    contrast: float
    spread: float
    members: np.ndarray


def find_rows(strokes: Strokes) -> list[Row]:
    """All rows of evenly spaced strokes, those with most ink first.

    Parameters
    ----------
    strokes : Strokes
        Upright strokes of a photo.

    Returns
    -------
    list of Row
        No stroke stands in two of them.
    """
    free = np.ones(len(strokes), bool)
    rows = []
    for angle, offset, upper in _lines(strokes):
        members = _standing_on(strokes, angle, offset, upper)
        members = members[free[members]]
        row = _row(strokes, members, angle, upper)
        if row is not None:
            rows.append(row)
            free[row.members] = False
    return rows


def _lines(strokes: Strokes) -> list[tuple[float, float, bool]]:
    """Lines (angle, offset, whether upper ends stand on it) that most ink stands on."""
    if len(strokes) < MIN_TICKS:
        return []
    ink = np.minimum(strokes.contrast, _FULL_CONTRAST) ** 2
    found: list[tuple[float, float, float, bool]] = []
    for upper in (True, False):
        y, x = strokes.ends(upper)
        for angle in np.arange(-_STEEPEST, _STEEPEST + _STEP / 2, _STEP):
            near = np.flatnonzero(np.abs(strokes.lean - angle) < _SLANT)
            if len(near) < MIN_TICKS:
                continue
            offset = y[near] * np.cos(angle) - x[near] * np.sin(angle)
            first = offset.min()
            bins = ((offset - first) / _LINE_PX).astype(np.intp)
            votes = np.bincount(bins, ink[near])
            votes[:-1] += votes[1:].copy()  # two neighbours: a line may straddle their border
            best = int(np.argmax(votes))
            found.extend(
                (float(votes[b]), float(angle), float(first + (b + 1) * _LINE_PX), upper)
                for b in {best, *np.argsort(votes)[-2:].tolist()}
            )
    return _distinct(found)


def _distinct(found: list[tuple[float, float, float, bool]]) -> list[tuple[float, float, bool]]:
    """The strongest lines, without those that are all but the same as a stronger one."""
    kept: list[tuple[float, float, bool]] = []
    for _, angle, offset, upper in sorted(found, reverse=True):
        same = any(
            upper == u and abs(angle - a) < 2.5 * _STEP and abs(offset - o) < 2 * _LINE_PX
            for a, o, u in kept
        )
        if not same:
            kept.append((angle, offset, upper))
        if len(kept) == _LINES:
            break
    return kept


def _standing_on(strokes: Strokes, angle: float, offset: float, upper: bool) -> np.ndarray:
    """Strokes that stand on the line, after the line has been laid through them anew."""
    y, x = strokes.ends(upper)
    across = y * np.cos(angle) - x * np.sin(angle) - offset
    along = x * np.cos(angle) + y * np.sin(angle)
    upright = np.abs(strokes.lean - angle) < _SLANT
    near = np.flatnonzero(upright & (np.abs(across) < 1.5 * _LINE_PX))
    ink = np.minimum(strokes.contrast, _FULL_CONTRAST) ** 2
    for tolerance in (1.5, 0.8, 0.4):
        if len(near) < MIN_TICKS:
            return near
        slope, start = np.polyfit(along[near], across[near], 1, w=np.sqrt(ink[near]))
        off = np.abs(across - start - slope * along)
        margin = max(1.5, tolerance * 0.3 * float(np.median(strokes.length[near])))
        near = np.flatnonzero(upright & (off < margin))
    return near


def _row(strokes: Strokes, members: np.ndarray, angle: float, upper: bool) -> Row | None:
    """The members as a row, if they are alike and evenly spaced."""
    members = _alike(strokes, members)
    if len(members) < MIN_TICKS:
        return None
    y, x = (end[members] for end in strokes.ends(upper))
    slope, start = _line_through(y, x, angle)
    angle = slope
    along = x * np.cos(angle) + y * np.sin(angle)
    if abs(float(np.median(strokes.lean[members])) - angle) > _MEAN_SLANT:
        return None
    least = max(1.6 * float(np.median(strokes.width[members])), _LEAST_SPACING_PX)
    even = _evenly_spaced(along, least) or _evenly_spaced_half(along, least)
    if even is None:
        return None
    kept, places, first, period, spread = even
    held = members[kept]
    return Row(
        origin=(
            start * np.cos(angle) + first * np.sin(angle),
            first * np.cos(angle) - start * np.sin(angle),
        ),
        angle=angle,
        upper=upper,
        period=period,
        places=places,
        length=strokes.length[held],
        width=float(np.median(strokes.width[held])),
        contrast=float(np.median(strokes.contrast[held])),
        spread=spread,
        members=held,
    )


def _alike(strokes: Strokes, members: np.ndarray) -> np.ndarray:
    """Members of about the width and contrast of most: one pen draws a scale."""
    if len(members) < MIN_TICKS:
        return members
    ink = strokes.contrast[members]
    # the middle of the ink, not of the strokes: faint clutter may outnumber the ticks
    order = np.argsort(ink)
    heavy = order[np.searchsorted(np.cumsum(ink[order]) / ink.sum(), 0.5)]
    typical = ink[heavy]
    strong = members[(ink > 0.4 * typical) & (ink < 2.5 * typical)]
    if len(strong) > _MOST_TICKS:
        strong = np.sort(strong[np.argsort(-strokes.contrast[strong], kind="stable")[:_MOST_TICKS]])
    width = strokes.width[strong]
    middle = float(np.median(width))
    return strong[(width > 0.5 * middle - 0.5) & (width < 1.8 * middle + 0.5)]


def _line_through(y: np.ndarray, x: np.ndarray, angle: float) -> tuple[float, float]:
    """Angle and offset of the straight line through the feet, starting from a rough angle."""
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    turned = angle + float(np.arctan(np.polyfit(along, across, 1)[0]))
    offset = y * np.cos(turned) - x * np.sin(turned)
    return turned, float(np.median(offset))


def _evenly_spaced(
    along: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, float, float, float] | None:
    """Which marks are evenly spaced: indices, places, first mark, period, spread."""
    kept = np.argsort(along, kind="stable")
    for _ in range(3):
        if len(kept) < MIN_TICKS:
            return None
        rough = _period(along[kept], least)
        fitted = None if rough is None else _placed(along[kept], rough)
        if fitted is None:
            return None
        chosen, places, first, period, spread = fitted
        kept = kept[chosen]
        if len(chosen) == len(along) or spread < _MAX_SPREAD:
            break
    occupancy = len(kept) / (places[-1] + 1)
    if len(kept) < MIN_TICKS or spread > _MAX_SPREAD or occupancy < _LEAST_OCCUPANCY:
        return None
    return kept, places, first, period, spread


def _evenly_spaced_half(
    along: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, float, float, float] | None:
    """The same for the better half of a row: aslant, a whole ruler's spacing is not even."""
    if len(along) < 4 * MIN_TICKS:
        return None
    order = np.argsort(along, kind="stable")
    best = None
    for half in np.array_split(order, 2):
        even = _evenly_spaced(along[half], least)
        if even is not None and (best is None or len(even[0]) > len(best[0])):
            best = (half[even[0]], *even[1:])
    return best


def _period(along: np.ndarray, least: float) -> float | None:
    """The longest spacing that the marks' positions agree on, from their power spectrum."""
    span = float(along[-1] - along[0])
    highest = min(1 / least, len(along) / (_LEAST_OCCUPANCY * max(span, 1.0)))
    step = 1 / (6 * max(span, 1.0))
    frequency = np.arange(3 / max(span, 1.0), highest + step, step)
    if len(frequency) == 0:
        return None
    power = np.abs(np.exp(2j * np.pi * frequency[:, None] * along[None, :]).mean(axis=1))
    top = float(power.max())
    good = np.flatnonzero(power >= 0.93 * top)
    first = good[0]
    peak = first + int(np.argmax(power[first : first + 6]))
    return float(1 / frequency[peak])


def _placed(
    along: np.ndarray, period: float
) -> tuple[np.ndarray, np.ndarray, float, float, float] | None:
    """Give each mark its place, starting where marks are densest, and fit the spacing."""
    phase = np.angle(np.exp(2j * np.pi * along / period).mean()) / (2 * np.pi) * period
    place = np.round((along - phase) / period).astype(np.intp)
    first, spacing = float(phase), period
    chosen = np.arange(len(along))
    for _ in range(4):
        off = np.abs(along - first - spacing * place)
        chosen = np.flatnonzero(off < _OFF_PLACE * spacing)
        # one mark a place: the one nearest to it
        order = chosen[np.lexsort((off[chosen], place[chosen]))]
        chosen = order[np.unique(place[order], return_index=True)[1]]
        chosen = _longest_stretch(chosen, place[chosen])
        if len(chosen) < MIN_TICKS:
            return None
        spacing, first = (float(v) for v in np.polyfit(place[chosen], along[chosen], 1))
        place = np.round((along - first) / spacing).astype(np.intp)
    residual = along[chosen] - first - spacing * place[chosen]
    start = int(place[chosen][0])
    spread = float(np.sqrt((residual**2).sum() / max(len(chosen) - 2, 1))) / spacing
    return chosen, place[chosen] - start, first + spacing * start, spacing, spread


def _longest_stretch(chosen: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The longest stretch without a wide gap."""
    if len(chosen) == 0:
        return chosen
    pieces = np.split(chosen, np.flatnonzero(np.diff(place) > _WIDEST_GAP) + 1)
    return max(pieces, key=len)
