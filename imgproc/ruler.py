"""The scale of a photo, read from the ticks of a ruler that lies in it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .photo import check_rgb, full_scale
from .ruler_rows import Row, find_rows
from .ruler_scale import choose_division
from .ruler_strip import Ticks, measure_ticks
from .ruler_strokes import find_strokes

_LONGER_SIDE_PX = (1600, 3200)  # of the reduction searched: usual photos, panoramas
_PANORAMA = 4  # a photo this many times larger than its reduction is searched in the finer one
_WIDE_SPACING_PX = 25.0  # ticks this far apart on the reduction are measured there
_FEW_TICKS = 8  # with fewer, only a scale with longer ticks at the right places is believed
_FEW_TICKS_CERTAINTY = 0.9
_MOST_SPREAD = 0.015  # of the spacing
_SPREAD_PX = 0.3  # that the pixel grid may add to it
_LEAST_EXPLAINED = 0.75  # share of ticks as long as the division says
_LONG_SCALE = 15  # with so many ticks, pins and fingers may have shortened more of them
_LEAST_EXPLAINED_LONG = 0.55
_LEAST_ENDED = 0.75  # share of ticks that end; the lines of ruled paper don't
_LONGEST_TICK = 6.0  # spacings: longer lines, even the shortest of them, rule paper
_USUAL_SPREAD = 0.03  # ticks this far off halve the confidence
_UNEVEN_DRIFT = 0.02  # of the spacing from end to end: the photo was taken aslant
_MOST_DRIFT = 0.2
_REPEATS = 3  # rows of one spacing side by side are cloth or a grid, not a ruler
_SAME_SPACING = 0.04
_SAME_CONTRAST = 0.5
_FIELD_MM = (4.0, 600.0)  # what a photo of lungs may span


@dataclass(frozen=True)
class RulerReading:
    """A ruler's scale.

    Attributes
    ----------
    px_per_mm : float
        Pixels a millimetre along the ruler.
    confidence : float
        0 to 1: how many and how even the ticks are, and how surely longer ticks among them tell
        what their spacing stands for.
    angle_deg : float
        Direction of the ruler's edge against the photo's width, clockwise as seen, from -90
        (exclusive) to 90 degrees.
    ticks : int
        How many ticks it was read from.
    spread : float
        Standard deviation of the ticks about even (or, with ``uneven_spacing``, evenly changing)
        spacing, relative to the spacing.
    flags : tuple of str
        ``millimetre_assumed``: no tick is longer than another, so that the spacing is 1 mm is a
        guess. ``half_millimetre_ticks``, ``inch_ruler``: the ticks stand for that, by their
        lengths. ``uneven_spacing``: the spacing changes along the ruler, so the photo was taken
        aslant.
    """

    px_per_mm: float
    confidence: float
    angle_deg: float
    ticks: int
    spread: float
    flags: tuple[str, ...] = ()


def read_ruler(rgb: np.ndarray) -> RulerReading | None:
    """Read the scale of a photo from a ruler that lies anywhere in it.

    Ticks are thin straight strokes, dark or light, that stand evenly spaced on one line; they are
    found on a reduction of the photo and measured on the photo itself. Which of them are longer
    (every 5th and 10th, or every 2nd, 4th, 8th and 16th) tells millimetres from half millimetres
    and parts of an inch.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8 or uint16
        The photo.

    Returns
    -------
    RulerReading or None
        None where no ruler is seen.

    Raises
    ------
    MeasurementError
        If `rgb` isn't a colour photo of 8 or 16 bits.
    """
    rgb = check_rgb(rgb)
    photo = rgb if rgb.dtype == np.uint8 else _eight_bit(rgb)
    largest = max(photo.shape[:2])
    side = min(max(_LONGER_SIDE_PX[0], largest // _PANORAMA), _LONGER_SIDE_PX[1])
    factor = min(1.0, side / largest)
    small = _reduction(photo, factor)
    readings = [
        reading
        for turned in (False, True)
        for dark in (True, False)
        for reading in _readings(photo, small, factor, turned=turned, dark=dark)
    ]
    return max(readings, key=lambda found: (found.confidence, found.ticks), default=None)


def _eight_bit(rgb: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(rgb, alpha=255 / full_scale(rgb))


def _reduction(photo: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1.0:
        return photo
    size = [max(1, round(n * factor)) for n in photo.shape[1::-1]]
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def _readings(
    photo: np.ndarray, small: np.ndarray, factor: float, *, turned: bool, dark: bool
) -> list[RulerReading]:
    """Rulers with upright ticks of one polarity, on the photo or on the photo turned over."""
    searched = np.ascontiguousarray(small.transpose(1, 0, 2)) if turned else small
    rows = find_rows(find_strokes(searched, dark=dark))
    found = []
    for row in rows:
        if _repeated(row, rows):
            continue
        wide = row.period >= _WIDE_SPACING_PX
        image, zoom = (small, 1.0) if wide else (photo, factor)
        ticks = measure_ticks(image, row, dark=dark, factor=zoom, turned=turned)
        reading = None
        if ticks is not None:
            reading = _read(ticks, row, factor / zoom, max(photo.shape[:2]))
        if reading is not None:
            angle = 90 - reading.angle_deg if turned else reading.angle_deg
            found.append(replace(reading, angle_deg=angle if angle <= 90 else angle - 180))
    return found


def _repeated(row: Row, rows: list[Row]) -> bool:
    """Whether rows of the same spacing stand side by side, as threads of a cloth do."""
    # what sharpening draws between the ticks is faint, and no row of its own
    same = [
        other
        for other in rows
        if abs(other.period / row.period - 1) < _SAME_SPACING
        and other.contrast > _SAME_CONTRAST * row.contrast
    ]
    return len(same) >= _REPEATS


def _read(ticks: Ticks, row: Row, factor: float, largest_px: int) -> RulerReading | None:
    """The reading of one scale, if it can be believed; ticks are on a reduction by `factor`."""
    ended = np.isfinite(ticks.length_px)
    if ended.mean() < _LEAST_ENDED:
        return None
    choice = choose_division(ticks.places[ended], ticks.length_px[ended])
    count = len(ticks.places)
    uneven = (
        abs(ticks.drift) > _MOST_DRIFT or ticks.spread > _MOST_SPREAD + _SPREAD_PX / ticks.period_px
    )
    ruled = np.nanpercentile(ticks.length_px, 20) > _LONGEST_TICK * ticks.period_px
    least = _LEAST_EXPLAINED if count < _LONG_SCALE else _LEAST_EXPLAINED_LONG
    too_few = count < _FEW_TICKS and choice.certainty < _FEW_TICKS_CERTAINTY
    if uneven or ruled or choice.explained < least or too_few:
        return None
    px_per_mm = ticks.period_px / factor / choice.division.mm
    if not _FIELD_MM[0] <= largest_px / px_per_mm <= _FIELD_MM[1]:
        return None
    flags = _flags(choice.division.name, ticks.drift)
    regular = 1 / (1 + (ticks.spread / _USUAL_SPREAD) ** 2)
    enough = 1 - float(np.exp(-count / 4))
    confidence = regular * enough * choice.certainty * choice.explained
    return RulerReading(
        px_per_mm=float(px_per_mm),
        confidence=round(float(confidence), 4),
        angle_deg=round(float(np.rad2deg(row.angle)), 2),
        ticks=count,
        spread=round(float(ticks.spread), 5),
        flags=flags,
    )


def _flags(division: str, drift: float) -> tuple[str, ...]:
    names = {
        "even": "millimetre_assumed",
        "half_millimetre": "half_millimetre_ticks",
        "inch": "inch_ruler",
    }
    flags = [names[division]] if division in names else []
    if abs(drift) > _UNEVEN_DRIFT:
        flags.append("uneven_spacing")
    return tuple(flags)
