"""What every image reader shares: the result, the request, and the refusals before decoding."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .errors import InputError
from .image_files import MAX_MEGAPIXELS

ZChoice = Literal["max", "mean", "sum"] | int
Region = tuple[int, int, int, int]

MM_PER_INCH = 25.4
# What screens, printers and cameras write when nobody measured anything (dots per inch).
SCREEN_DPI = frozenset({0, 1, 72, 96})
PRINT_DPI = SCREEN_DPI | {100, 120, 144, 150, 180, 200, 220, 240, 250, 254, 300, 314, 350, 360}
RGB_NAMES = ("red", "green", "blue")
EXPORT_REMEDY = "export the image again from the microscope or camera, or copy it again"


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels with what is known about them.

    Parameters
    ----------
    pixels : ndarray
        (C, H, W) for channel images, (H, W, 3) for RGB; uint8, uint16 or float32.
    kind : {"channels", "rgb"}
        Which of the two it is.
    channel_names : tuple of str
        One a channel; ``("0", "1", …)`` when the file names none, red, green, blue for RGB.
    um_per_px : float or None
        Pixel size at the level that was read, in micrometres; None when the file doesn't say
        or its pixels aren't square.
    bit_depth : int
        Bits that the camera or detector filled, as far as the file tells.
    notes : dict
        Choices and facts, JSON-serialisable: format, series and its name, z projection and
        number of planes, timepoint, orientation applied, level, region, acquisition settings.
    flags : tuple of str
        Codes of what a reader of the results should know.
    """

    pixels: np.ndarray
    kind: Literal["channels", "rgb"]
    channel_names: tuple[str, ...]
    um_per_px: float | None
    bit_depth: int
    notes: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageInfo:
    """What a file says about one of its images, with no pixel decoded.

    Parameters
    ----------
    series : int
        Number of the image in its file, from 0.
    name : str
        The name the file gives it; empty when it gives none.
    kind : {"channels", "rgb"}
        What `Image.kind` will be.
    shape : tuple of int
        What the shape of `Image.pixels` will be at level 0, with no region.
    channel_names, um_per_px, bit_depth
        As in `Image`.
    dtype : str
        Type of the stored pixels.
    n_z, n_timepoints : int
        Planes and times that the file holds.
    levels : tuple of (int, int)
        Height and width of each pyramid level, the first is the full image.
    notes : dict
        As in `Image`, as far as known without decoding.
    colour_flags : tuple of str
        What reading it does to its colours, of `Image.flags`.
    """

    series: int
    name: str
    kind: Literal["channels", "rgb"]
    shape: tuple[int, int, int]
    channel_names: tuple[str, ...]
    um_per_px: float | None
    bit_depth: int
    dtype: str
    n_z: int = 1
    n_timepoints: int = 1
    levels: tuple[tuple[int, int], ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    colour_flags: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Height of the full image in pixels."""
        return self.shape[0] if self.kind == "rgb" else self.shape[1]

    @property
    def width(self) -> int:
        """Width of the full image in pixels."""
        return self.shape[1] if self.kind == "rgb" else self.shape[2]


@dataclass(frozen=True)
class Request:
    """What `read_image` was asked for, handed to the reader of the format."""

    name: str
    path: Path
    series: int | None = None
    z: ZChoice = "max"
    timepoint: int | None = None
    level: int = 0
    region: Region | None = None
    max_megapixels: float = MAX_MEGAPIXELS

    def error(self, reason: str, remedy: str = EXPORT_REMEDY) -> InputError:
        """Make the `InputError` for this input."""
        return InputError(self.name, reason, remedy)


def choose_series(request: Request, names: Sequence[str]) -> int:
    """Take the image asked for, or the only one; several and none asked is an error."""
    count = len(names)
    if request.series is None and count == 1:
        return 0
    listed = ", ".join(f"#{i} {name!r}" if name else f"#{i}" for i, name in enumerate(names))
    if request.series is None:
        raise request.error(
            f"the file holds {count} images and none was chosen: {listed}",
            f'add the number to the file name, such as "{request.path.name}#0"',
        )
    if not 0 <= request.series < count:
        raise request.error(
            f"image #{request.series} was asked for, but the file holds {count}: {listed}",
            f"choose a number from 0 to {count - 1}",
        )
    return request.series


def check_size(request: Request, height: int, width: int, channels: int = 1) -> None:
    """Refuse impossible or very large images before a pixel is decoded.

    Raises
    ------
    InputError
        If a side is below one pixel, or height × width × channels is above the limit (an RGB
        image counts as one channel, as its megapixels are always given).
    """
    if height < 1 or width < 1 or channels < 1:
        raise request.error(f"the image has no pixels: {channels} × {height} × {width}")
    megapixels = height * width * channels / 1e6
    if megapixels > request.max_megapixels:
        raise request.error(
            f"the image is {width} × {height} pixels"
            + (f" in {channels} channels" if channels > 1 else "")
            + f", {megapixels:,.0f} megapixels, above the limit of {request.max_megapixels:g}",
            "if it really is that large, raise max_megapixels; of a slide, read a region or a"
            " higher level",
        )


def check_region(request: Request, height: int, width: int) -> Region:
    """Give the region to read, in level-0 pixels, the whole image when none was asked for."""
    if request.region is None:
        return 0, 0, height, width
    y, x, rows, columns = request.region
    inside = y >= 0 and x >= 0 and y + rows <= height and x + columns <= width
    if rows < 1 or columns < 1 or not inside:
        raise request.error(
            f"the region (y {y}, x {x}, height {rows}, width {columns}) is not inside the image"
            f" of height {height} and width {width}",
            "give the region in pixels of the full image, inside it",
        )
    return y, x, rows, columns


def check_level(request: Request, count: int) -> int:
    """Give the pyramid level to read."""
    if not 0 <= request.level < count:
        raise request.error(
            f"pyramid level {request.level} was asked for, but the image has {count}",
            f"choose a level from 0 to {count - 1}",
        )
    return request.level


def scale_region(region: Region, full: tuple[int, int], level: tuple[int, int]) -> Region:
    """Turn a region in level-0 pixels into the pixels of a level, never empty."""
    y, x, rows, columns = region
    factor_y, factor_x = level[0] / full[0], level[1] / full[1]
    top, left = round(y * factor_y), round(x * factor_x)
    bottom = min(level[0], max(top + 1, round((y + rows) * factor_y)))
    right = min(level[1], max(left + 1, round((x + columns) * factor_x)))
    top, left = min(top, bottom - 1), min(left, right - 1)
    return top, left, bottom - top, right - left


def choose_timepoint(request: Request, count: int) -> tuple[int, tuple[str, ...]]:
    """Give the timepoint to read and a flag when the first of several was taken unasked."""
    if request.timepoint is None:
        return 0, ("first_timepoint",) if count > 1 else ()
    if not 0 <= request.timepoint < count:
        raise request.error(
            f"timepoint {request.timepoint} was asked for, but the image has {count}",
            f"choose a timepoint from 0 to {count - 1}",
        )
    return request.timepoint, ()


def project(request: Request, plane: Callable[[int], np.ndarray], count: int) -> np.ndarray:
    """Bring a stack of planes to one, holding only two planes in memory.

    Parameters
    ----------
    request : Request
        Its `z` says how: a projection, or the index of one plane.
    plane : callable
        From the plane's index to its pixels.
    count : int
        Number of planes.

    Returns
    -------
    ndarray
        In the planes' own type for ``max`` and a single plane, float32 for ``mean`` and ``sum``.
    """
    if isinstance(request.z, int):
        if not 0 <= request.z < count:
            raise request.error(
                f"z plane {request.z} was asked for, but the stack has {count}",
                f'choose a plane from 0 to {count - 1}, or "max"',
            )
        return plane(request.z)
    first = plane(0)
    if count == 1:
        return first
    if request.z == "max":
        highest = first.copy()
        for index in range(1, count):
            np.maximum(highest, plane(index), out=highest)
        return highest
    total = first.astype(np.float64)
    for index in range(1, count):
        total += plane(index)
    if request.z == "mean":
        total /= count
    return total.astype(np.float32)


def z_note(request: Request, count: int) -> dict[str, Any]:
    """Record what became of the stack, when there was one."""
    return {"z": request.z, "n_z": count} if count > 1 else {}


def square_um_per_px(y_um: float | None, x_um: float | None) -> float | None:
    """Give the side of a pixel, None when unknown, unreal or not square within 1 %."""
    sizes = [size for size in (y_um, x_um) if size is not None]
    if not sizes or not all(math.isfinite(size) and size > 0 for size in sizes):
        return None
    if max(sizes) > 1.01 * min(sizes):  # Leica's own square pixels differ in the sixth digit
        return None
    return math.sqrt(sizes[0] * sizes[-1])


def print_resolution_um(
    dpi: tuple[float, float] | None, *, by_camera: bool, defaults: frozenset[int] = PRINT_DPI
) -> float | None:
    """Give the pixel size that a resolution tag means, None where it is only a default.

    Parameters
    ----------
    dpi : (float, float) or None
        Pixels an inch across and down.
    by_camera : bool
        Whether a camera took the image: it can't know the distance to its object.
    defaults : frozenset of int
        Values that stand for "nobody measured".

    Returns
    -------
    float or None
        Micrometres a pixel, the geometric mean of both sides.
    """
    if dpi is None or by_camera:
        return None
    across, down = dpi
    if not (across > 0 and down > 0 and math.isfinite(across) and math.isfinite(down)):
        return None
    # PNG stores whole pixels a metre, so 72 dpi comes back as 71.9836
    if any(abs(across - value) < 0.02 for value in defaults) or abs(across / down - 1) > 0.01:
        return None
    return MM_PER_INCH * 1000 / math.sqrt(across * down)


def finite_number(text: str | None) -> float | None:
    """Give the number that a setting's text says; None where it says none, or no finite one."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Name every channel, none twice.

    Examples
    --------
    >>> unique_names(["Green", "", "Green"])
    ('Green', '1', 'Green 2')
    """
    found: dict[str, None] = {}
    for index, name in enumerate(names):
        base = name.strip() or str(index)
        candidate, copy = base, 2
        while candidate in found:
            candidate, copy = f"{base} {copy}", copy + 1
        found[candidate] = None
    return tuple(found)


def working_type(pixels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Bring stored pixels to uint8, uint16 or float32, with a flag when that changed the type.

    Wider integers and signed ones become float32, which holds them exactly up to 2^24.

    Parameters
    ----------
    pixels : numpy.ndarray
        Of any shape and type.

    Returns
    -------
    pixels : numpy.ndarray
        Of the same shape.
    flags : tuple of str
        ``bilevel`` or ``converted_to_float32``, or none.

    Raises
    ------
    TypeError
        If they are no real numbers.
    """
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255), ("bilevel",)
    native = pixels.dtype.newbyteorder("=")
    if native in (np.uint8, np.uint16, np.float32):
        return np.ascontiguousarray(pixels, dtype=native), ()
    if native.kind in "iuf":
        return pixels.astype(np.float32), ("converted_to_float32",)
    raise TypeError(f"pixels of type {pixels.dtype} can't be measured")


def cut(pixels: np.ndarray, region: Region) -> np.ndarray:
    """Take a region out of (H, W) or (H, W, 3) pixels."""
    y, x, rows, columns = region
    return pixels[y : y + rows, x : x + columns]


def oriented(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels upright: the one place where EXIF's orientation is applied.

    Parameters
    ----------
    pixels : ndarray
        (H, W) or (H, W, channels), as stored.
    orientation : int
        EXIF's value 1 to 8 (CIPA DC-008, tag 274): where the stored first row and column lie.

    Returns
    -------
    numpy.ndarray
        A view of the same pixels, (H, W) or (W, H) first.

    Examples
    --------
    >>> oriented(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels


def with_flags(image: Image, flags: Sequence[str]) -> Image:
    """Add flags to an image, each once."""
    return replace(image, flags=tuple(dict.fromkeys((*image.flags, *flags))))
