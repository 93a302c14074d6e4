"""Acquisition settings: were samples and controls taken alike, as far as the files say."""

import math
from collections.abc import Mapping
from typing import Any

# Settings that change how bright the same cell looks.
_COMPARED = (
    *("laser_percent", "laser_attenuation", "laser_power_mw", "gain", "detector_voltage"),
    *("exposure_s", "pinhole_airy", "pixel_dwell_s", "line_average", "frame_average", "objective"),
    "bit_depth",
)
_BITS_A_BYTE = 8
# Microscopes write settings with rounding; a smaller difference changes no level visibly.
RELATIVE_TOLERANCE = 0.01


def brightness_settings(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of an image that its brightness depends on.

    Parameters
    ----------
    notes : mapping
        A measurement's notes; the reader's stand under ``reader``.

    Returns
    -------
    dict
        By name; without those that the file doesn't carry. The bit depth is that of the stored
        pixels: 12 bits lie in 16 as they are, 8 bits and floats are levels of another scale.
    """
    reader = notes.get("reader", {})
    held = dict(reader.get("acquisition", {}))
    bits = reader.get("bit_depth")
    held["bit_depth"] = bits and _BITS_A_BYTE * math.ceil(bits / _BITS_A_BYTE)
    return {name: held[name] for name in _COMPARED if held.get(name) not in (None, [], {})}


def differing_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the settings that two images both carry and that differ by more than one percent.

    Parameters
    ----------
    one, other : mapping
        As `brightness_settings` gives them.

    Returns
    -------
    tuple of str
        In a fixed order.

    Examples
    --------
    >>> differing_settings({"gain": [100.0]}, {"gain": [120.0]})
    ('gain',)
    """
    return tuple(
        name
        for name in _COMPARED
        if name in one and name in other and not _alike(one[name], other[name])
    )


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= RELATIVE_TOLERANCE * max(abs(one), abs(other))
    return bool(one == other)
