"""A ruler's scale laid straight: where each tick stands and how long it is."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .ruler_rows import MIN_TICKS, Row
from .ruler_strokes import stroke_response

_REACH = 4.0  # how far from its foot a tick is followed, in lengths of the shortest ticks
_ABOVE = (0.6, 0.2)  # part of that length above the foot where a tick no longer is
_RUNS_ON = 0.5  # of its darkness: a stroke that goes on above its foot is a line, not a tick
_PARTS = (10, 5, 4, 2)
_LEAST_SPACING_PX = 4.0
_BEYOND = 12  # places looked at beyond the first and last tick of the row
_BODY = (0.15, 0.85)  # part of the shortest ticks' length that every tick has
_SEEN = 0.35  # of the usual contrast: less is no tick (glare, the ruler's end)
_OFF_PLACE = 0.15  # of the spacing: further off is no tick
_SHIFTED = 4.0  # standard deviations, robust ones
_SHIFT_PX = 0.5  # less is what the pixel grid does
_LEAST_KEPT = 0.8  # of the ticks, or the scale is uneven indeed
_HALF_WINDOW = 0.3  # of the spacing, in which a tick is looked for


@dataclass(frozen=True)
class Ticks:
    """The ticks of a scale.

    Attributes
    ----------
    period_px : float
        Spacing, in pixels of the photo.
    places : numpy.ndarray
        Which place of the scale each tick has, rising; places without a tick are left out.
    length_px : numpy.ndarray
        Of each tick; NaN where it has no end within four times the shortest ticks' length.
    spread : float
        Standard deviation of the ticks about even (or evenly changing) spacing, relative to it.
    drift : float
        Relative change of the spacing from one end to the other, as perspective gives.
    """

    period_px: float
    places: np.ndarray
    length_px: np.ndarray
    spread: float
    drift: float


def measure_ticks(
    rgb: np.ndarray, row: Row, *, dark: bool, factor: float, turned: bool
) -> Ticks | None:
    """Measure the ticks of a row on the photo itself.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8
        The photo.
    row : Row
        Where the ticks are, on a reduction of the photo by `factor`.
    dark : bool
        Dark ticks on a light ground, or light ones on a dark ground.
    factor : float
        Pixels of the reduction a pixel of the photo.
    turned : bool
        Whether rows and columns of the reduction were swapped when the row was found.

    Returns
    -------
    Ticks or None
        None where the photo doesn't confirm the row.
    """
    short = max(3.0, float(np.percentile(row.length, 20)) / factor)
    period = row.period / factor
    count = int(row.places[-1]) + 1 + 2 * _BEYOND
    lift = int(np.ceil(_ABOVE[0] * short)) + 1
    size = (int(np.ceil(count * period)) + 1, lift + int(np.ceil(_REACH * short)))
    strip, inside = _strip(rgb, _to_photo(row, factor, turned, lift), size)
    whole = stroke_response(strip, dark=dark, widest_px=max(5, round(0.8 * period)) | 1)
    whole[~inside] = 0
    above, response = whole[: lift - int(_ABOVE[1] * short) - 1], whole[lift:]
    expected = (np.arange(count) + 0.5) * period
    at, height = _positions(response, expected, period, short)
    tick = _BEYOND + row.places
    usual = float(np.median(height[tick]))
    seen = (height >= _SEEN * usual) & (np.abs(at - expected) < _OFF_PLACE * period)
    finer = _subdivision(response, at[tick], period, usual=usual, short=short)
    if finer > 1:
        whole_row = _subdivided(row, finer)
        return measure_ticks(rgb, whole_row, dark=dark, factor=factor, turned=turned)
    places = _unbroken(seen, int(tick[0]), int(tick[-1]))
    if len(places) < MIN_TICKS or _run_on(above, at[places], height[places]):
        return None
    return _fitted(response, at, places, short)


def _to_photo(row: Row, factor: float, turned: bool, lift: int) -> np.ndarray:
    """The affine map (2, 3) from x, y on the strip to x, y on the photo.

    On the strip the ticks hang down, their feet `lift` rows below its upper side.
    """
    cosine, sine = np.cos(row.angle), np.sin(row.angle)
    down = 1.0 if row.upper else -1.0
    # a pixel centre at p of the reduction lies at (p + 0.5) / factor - 0.5 of the photo
    foot_y, foot_x = ((v + 0.5) / factor - 0.5 for v in row.origin)
    lead = (_BEYOND + 0.5) * row.period / factor
    left = foot_x - lead * cosine + lift * down * sine
    top = foot_y - lead * sine - lift * down * cosine
    matrix = np.array([[cosine, -down * sine, left], [sine, down * cosine, top]])
    return matrix[::-1].copy() if turned else matrix


def _strip(
    rgb: np.ndarray, to_photo: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The scale laid straight, and where the photo has pixels for it."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    strip = cv2.warpAffine(rgb, to_photo, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    along = np.arange(size[0], dtype=np.float32)[None, :]
    across = np.arange(size[1], dtype=np.float32)[:, None]
    x, y = (a * along + b * across + c for a, b, c in to_photo.astype(np.float32))
    height, width = rgb.shape[:2]
    return strip, (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)


def _positions(
    response: np.ndarray, expected: np.ndarray, period: float, short: float
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and height of the strongest mark near each expected place."""
    body = slice(int(_BODY[0] * short), max(int(_BODY[0] * short) + 1, int(_BODY[1] * short)))
    profile = response[body].mean(axis=0)
    half = max(2, round(_HALF_WINDOW * period))
    columns = np.round(expected).astype(np.intp)[:, None] + np.arange(-half, half + 1)[None, :]
    columns = np.clip(columns, 0, len(profile) - 1)
    window = profile[columns]
    height = window.max(axis=1)
    weight = np.clip(window - 0.5 * height[:, None], 0, None)
    total = np.maximum(weight.sum(axis=1), 1e-9)
    return (weight * columns).sum(axis=1) / total, height


def _subdivision(
    response: np.ndarray, at: np.ndarray, period: float, *, usual: float, short: float
) -> int:
    """Into how many parts shorter ticks, too short to be strokes, divide the spacing; else 1."""
    foot = slice(int(0.1 * short), max(int(0.1 * short) + 1, int(0.4 * short)))
    profile = response[foot].mean(axis=0)
    left, gap = at[:-1], np.diff(at)
    even = gap < 1.5 * period  # a row that has been divided has wider gaps: once is enough
    if not even.any():
        return 1
    for parts in _PARTS:
        if period < parts * _LEAST_SPACING_PX:
            continue
        fractions = np.arange(1, parts)[None, :] / parts
        between = (left[:, None] + gap[:, None] * fractions)[even]
        height = profile[_around(between.ravel(), len(profile))].max(axis=1).reshape(between.shape)
        halfway = (between - 0.5 * gap[even, None] / parts).ravel()
        ground = np.median(profile[_around(halfway, len(profile))].mean(axis=1))
        if (np.median(height, axis=0) > max(_SEEN * usual, 2 * ground)).all():
            return parts
    return 1


def _subdivided(row: Row, parts: int) -> Row:
    """The row with its spacing divided; the new ticks are taken for half as long."""
    return replace(
        row,
        period=row.period / parts,
        places=row.places * parts,
        length=0.5 * row.length,
    )


def _unbroken(seen: np.ndarray, first: int, last: int) -> np.ndarray:
    """Places with a tick: those of the row, and on from its ends as long as none is missing."""
    while first > 0 and seen[first - 1]:
        first -= 1
    while last < len(seen) - 1 and seen[last + 1]:
        last += 1
    return first + np.flatnonzero(seen[first : last + 1])


def _run_on(above: np.ndarray, at: np.ndarray, height: np.ndarray) -> bool:
    """Whether most strokes go on above their feet, as the lines of ruled paper do."""
    if len(above) == 0:
        return False
    darkness = above.mean(axis=0)[_around(at, above.shape[1])].max(axis=1)
    return bool(np.median(darkness / np.maximum(height, 1e-9)) > _RUNS_ON)


def _around(at: np.ndarray, columns: int) -> np.ndarray:
    """The three columns around each position."""
    near = np.round(at).astype(np.intp)[:, None] + np.arange(-1, 2)[None, :]
    return np.clip(near, 0, columns - 1)


def _fitted(response: np.ndarray, at: np.ndarray, places: np.ndarray, short: float) -> Ticks:
    places = _undisturbed(at, places)
    spacing = float(np.polyfit(places, at[places], 1)[0])
    residual, bend = _residual(at, places)
    spread = float(np.sqrt((residual**2).sum() / max(len(places) - 3, 1))) / spacing
    drift = 2 * bend * float(places[-1] - places[0]) / spacing
    lengths = _lengths(response, at[places], short)
    return Ticks(spacing, places - places[0], lengths, spread, drift)


def _residual(at: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, float]:
    """How far ticks are off even (or evenly changing) spacing, and the change a place."""
    order = 2 if len(places) >= 2 * MIN_TICKS else 1
    curve = np.polyfit(places, at[places], order)
    return at[places] - np.polyval(curve, places), float(curve[0]) if order == 2 else 0.0


def _undisturbed(at: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The places without the few ticks that something (a pin, glare) seems to have shifted."""
    off = np.abs(_residual(at, places)[0])
    kept = places[off <= max(_SHIFTED * 1.4826 * float(np.median(off)), _SHIFT_PX)]
    return kept if len(kept) >= max(MIN_TICKS, _LEAST_KEPT * len(places)) else places


def _lengths(response: np.ndarray, at: np.ndarray, short: float) -> np.ndarray:
    """How far each tick reaches before it has faded to half; NaN where it runs on and on."""
    line = response[:, _around(at, response.shape[1])].max(axis=2).astype(np.float32)
    line = cv2.blur(line, (1, 3))
    body = slice(int(_BODY[0] * short), max(int(_BODY[0] * short) + 1, int(_BODY[1] * short)))
    faded = line < 0.5 * np.median(line[body], axis=0)[None, :]
    faded[: int(0.5 * short)] = False
    return np.where(faded.any(axis=0), faded.argmax(axis=0), np.nan)
