"""Western blots and gels: the volume of every band, lane by lane."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from .blot_background import global_background, local_background, rolling_ball
from .blot_bands import Band, StraightLane, find_bands, straighten, tallest
from .blot_integrity import full_scale, integrity_flags, saturation_level
from .blot_lanes import Lane, find_lanes
from .errors import MeasurementError
from .measurement import Measurement

_SMALLEST_PX = 16  # sides below this hold no band with room around it
_SATURATED_PIXELS = 5  # clipped pixels that make a band saturated; fewer may be dust
_LEVELS_PER_8_BITS = 257  # 65535 / 255

_OBJECT_TYPES = {
    "object": "int64",
    "y_px": "float64",
    "x_px": "float64",
    "lane": "int64",
    "volume": "float64",
    "background": "float64",
    "saturated": "bool",
    "saturated_fraction": "float64",
    "volume_local": "float64",
    "volume_global": "float64",
    "volume_rolling_ball": "float64",
    "peak": "float64",
    "area_px": "int64",
    "top_px": "float64",
    "bottom_px": "float64",
    "left_px": "float64",
    "right_px": "float64",
    "touching": "bool",
}
_REGION_TYPES = {
    "region": "int64",
    "lane": "int64",
    "x_px": "float64",
    "left_px": "float64",
    "right_px": "float64",
    "lean_deg": "float64",
    "bend_px": "float64",
    "bands": "int64",
    "volume": "float64",
    "area_px": "int64",
}


class BlotOptions(BaseModel):
    """How bands of a blot are found and measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    background: Literal["local", "global", "rolling_ball"] = Field(
        "local",
        description="What is taken off a band: the level just above and below it (local), one "
        "level for the whole image (global), or a rolling ball; all three volumes are in the "
        "table, this one is the volume.",
    )
    rolling_ball_px: float = Field(
        50.0, gt=4, le=1000, description="Radius of the rolling ball in pixels."
    )
    faintest_band: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="Bands fainter than this share of the image's strongest band are left out.",
    )


@dataclass(frozen=True)
class _Blot:
    """The image as it is measured: bands bright, with its backgrounds."""

    signal: np.ndarray
    clipped: np.ndarray
    ball: np.ndarray


def measure_blot(
    image: np.ndarray,
    *,
    lanes: int | None,
    bands: Literal["dark", "light"] = "dark",
    options: BlotOptions | None = None,
) -> Measurement:
    """Measure the bands of a blot or gel.

    A band's volume is the sum over its pixels less the background times its area, in grey levels;
    dark bands are turned bright first (full scale − level). Lanes may lean, and bands may tilt or
    smile.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
        uint8 or uint16.
    lanes : int or None
        How many lanes the image shows, blank ones included; None counts those with bands.
    bands : {"dark", "light"}
        Dark bands on light, or light bands on dark.
    options : BlotOptions, optional
        Background, rolling ball, faintest band.

    Returns
    -------
    Measurement
        objects: object, y_px, x_px, lane, volume, background (mean under the band), saturated,
        saturated_fraction, volume_local, volume_global, volume_rolling_ball, peak, area_px,
        top_px, bottom_px, left_px, right_px, touching (runs into the next band). regions: a row a
        lane, with its total volume above the rolling ball (for total protein). labels: "bands",
        "lanes". profiles: "lane_profiles" (lanes, height), "band_rows" (bands, 2: first row and
        first row below, in the lane's profile). flags: no_band, saturated, touching_bands,
        background_clipped, jpeg_blocks, rescaled_contrast, spliced.

    Raises
    ------
    MeasurementError
        If the image isn't grey with 8 or 16 bits, or the lanes seen don't agree with `lanes`.

    References
    ----------
    Butler et al. (2019), PLoS ONE 14, e0211967, on what densitometry of blots can carry.
    """
    options = options or BlotOptions()
    _require_blot(image, lanes)
    dark = bands == "dark"
    blot = _prepared(image, dark, options)
    straight = [straighten(blot.signal, lane) for lane in find_lanes(blot.signal, lanes=lanes)]
    least = options.faintest_band * max((tallest(lane) for lane in straight), default=0.0)
    found = [find_bands(lane, least_height=least) for lane in straight]
    labels = _labels(image.shape, straight, found)
    level = global_background(blot.signal, labels["bands"])
    rows = [
        _band_row(blot, lane, held, number, labels["bands"], place, level, options)
        for place, lane, held, number in _numbered(straight, found)
    ]
    objects = pd.DataFrame(rows, columns=list(_OBJECT_TYPES)).astype(_OBJECT_TYPES)
    regions = _lane_rows(blot, straight, found, labels["lanes"])
    flags, notes = integrity_flags(image, dark=dark, bands=labels["bands"])
    return Measurement(
        objects,
        regions,
        labels,
        profiles=_profiles(image.shape[0], straight, found),
        flags=(*_own_flags(objects), *flags),
        notes={**notes, **_notes(image, dark, level, options)},
    )


def _require_blot(image: np.ndarray, lanes: int | None) -> None:
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise MeasurementError(
            f"a grey image of 8 or 16 bits was expected, and shape {image.shape} with "
            f"{image.dtype} came",
            "save the scan as a grey TIFF of 8 or 16 bits, without conversion to colour",
        )
    if min(image.shape) < _SMALLEST_PX:
        raise MeasurementError(
            f"the image has {image.shape[1]} by {image.shape[0]} pixels, too few for a band with "
            "background around it",
            "give the scan at its full size",
        )
    if lanes is not None and lanes < 1:
        raise MeasurementError(f"{lanes} lanes were asked for", "name one lane or more")


def _prepared(image: np.ndarray, dark: bool, options: BlotOptions) -> _Blot:
    most = full_scale(image)
    signal = image.astype(np.float32)
    ceiling = saturation_level(image, dark=dark)
    if ceiling is None:
        clipped = np.zeros(image.shape, dtype=bool)
    else:
        clipped = image <= ceiling if dark else image >= ceiling
    signal = most - signal if dark else signal
    per_px = 1.0 if image.dtype == np.uint8 else float(_LEVELS_PER_8_BITS)
    ball = rolling_ball(signal, radius_px=options.rolling_ball_px, level_per_px=per_px)
    return _Blot(signal, clipped, ball)


def _numbered(
    straight: list[StraightLane], found: list[list[Band]]
) -> list[tuple[tuple[int, int], StraightLane, list[Band], int]]:
    """Give every band: (object, lane), the lane, its bands, and which of them it is."""
    numbered: list[tuple[tuple[int, int], StraightLane, list[Band], int]] = []
    for place, (lane, held) in enumerate(zip(straight, found, strict=True), start=1):
        for number in range(len(held)):
            numbered.append(((len(numbered) + 1, place), lane, held, number))
    return numbered


def _box(lane: Lane, shape: tuple[int, ...]) -> tuple[int, int]:
    """Columns that hold a lane's window at any row."""
    reach = abs(lane.lean) * shape[0] / 2 + 1
    left = max(0, math.floor(lane.window_left_px - reach))
    return left, min(shape[1], math.ceil(lane.window_right_px + reach) + 1)


def _own_coordinates(
    straight: StraightLane, shape: tuple[int, ...]
) -> tuple[slice, np.ndarray, np.ndarray]:
    """Give a lane's box, and each pixel's offset from its middle and row in its profile."""
    lane = straight.lane
    left, right = _box(lane, shape)
    rows = np.arange(shape[0])[:, None]
    lean = lane.lean * (rows - 0.5 * (shape[0] - 1))
    offset = np.arange(left, right)[None, :] - lane.centre_px - lean
    bend = np.interp(offset.ravel(), straight.offsets_px, straight.bend_px).reshape(offset.shape)
    return slice(left, right), offset, rows - bend


def _labels(
    shape: tuple[int, ...], straight: list[StraightLane], found: list[list[Band]]
) -> dict[str, np.ndarray]:
    labels = {name: np.zeros(shape, np.int32) for name in ("bands", "lanes")}
    first = 1
    for place, (lane, held) in enumerate(zip(straight, found, strict=True), start=1):
        box, offset, row = _own_coordinates(lane, shape)
        low, high = lane.offsets_px[0] - 0.5, lane.offsets_px[-1] + 0.5
        inside = (offset >= low) & (offset < high)
        labels["lanes"][:, box][inside] = place
        for number, band in enumerate(held, start=first):
            own = inside & (row >= band.top_px - 0.5) & (row < band.bottom_px - 0.5)
            labels["bands"][:, box][own] = number
        first += len(held)
    return labels


def _band_row(
    blot: _Blot,
    straight: StraightLane,
    held: list[Band],
    number: int,
    labels: np.ndarray,
    place: tuple[int, int],
    level: float,
    options: BlotOptions,
) -> tuple[object, ...]:
    """Measure one band on the pixels of its label."""
    band = held[number]
    box, _, row = _own_coordinates(straight, labels.shape)
    own = labels[:, box] == place[0]
    light = blot.signal[:, box][own].astype(np.float64)
    above, low, below, high = local_background(straight, held, number)
    slope = (high - low) / (below - above) if below > above else 0.0
    local = low + slope * (row[own] - above)
    ball = blot.ball[:, box][own].astype(np.float64)
    volumes = {
        "local": float((light - local).sum()),
        "global": float((light - level).sum()),
        "rolling_ball": float((light - ball).sum()),
    }
    under = {"local": local.mean(), "global": level, "rolling_ball": ball.mean()}
    y, x = _centre(own, light - local, box.start)
    clipped = blot.clipped[:, box][own]
    rows, columns = np.nonzero(own)
    return (
        *(place[0], y, x, place[1], volumes[options.background], under[options.background]),
        *(bool(clipped.sum() >= _SATURATED_PIXELS), float(clipped.mean())),
        *volumes.values(),
        *(float(light.max() - under[options.background]), int(own.sum())),
        *(float(rows.min()), float(rows.max()) + 1),
        *(float(columns.min() + box.start), float(columns.max() + box.start) + 1),
        band.touches_above or band.touches_below,
    )


def _centre(own: np.ndarray, weight: np.ndarray, left: int) -> tuple[float, float]:
    rows, columns = np.nonzero(own)
    weight = np.maximum(weight, 0)
    if weight.sum() <= 0:
        weight = np.ones_like(weight)
    y, x = (float(np.average(place, weights=weight)) for place in (rows, columns))
    return y, x + left


def _lane_rows(
    blot: _Blot, straight: list[StraightLane], found: list[list[Band]], labels: np.ndarray
) -> pd.DataFrame:
    rows = []
    for place, (lane, held) in enumerate(zip(straight, found, strict=True), start=1):
        own = labels == place
        inside = np.abs(lane.offsets_px) <= 0.5 * (lane.lane.right_px - lane.lane.left_px)
        rows.append(
            (
                *(place, place, lane.lane.centre_px, lane.lane.left_px, lane.lane.right_px),
                math.degrees(math.atan(lane.lane.lean)),
                float(np.ptp(lane.bend_px[inside])) if inside.any() else 0.0,
                len(held),
                float((blot.signal[own] - blot.ball[own]).sum(dtype=np.float64)),
                int(own.sum()),
            )
        )
    return pd.DataFrame(rows, columns=list(_REGION_TYPES)).astype(_REGION_TYPES)


def _profiles(
    height: int, straight: list[StraightLane], found: list[list[Band]]
) -> dict[str, np.ndarray]:
    profiles = np.zeros((len(straight), height), np.float32)
    for number, lane in enumerate(straight):
        profiles[number] = lane.typical
    limits = [(band.top_px, band.bottom_px) for held in found for band in held]
    return {
        "lane_profiles": profiles,
        "band_rows": np.array(limits, np.int32).reshape(-1, 2),
    }


def _own_flags(objects: pd.DataFrame) -> tuple[str, ...]:
    found = {
        "no_band": objects.empty,
        "saturated": bool(objects["saturated"].any()),
        "touching_bands": bool(objects["touching"].any()),
    }
    return tuple(flag for flag, is_so in found.items() if is_so)


def _notes(image: np.ndarray, dark: bool, level: float, options: BlotOptions) -> dict[str, Any]:
    ceiling = saturation_level(image, dark=dark)
    return {
        "bands": "dark" if dark else "light",
        "background": options.background,
        "global_background": round(level, 3),
        "saturation_level": ceiling,
        "bits": 8 * image.dtype.itemsize,
    }
