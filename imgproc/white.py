"""The white an image is measured with: from a blank, as given, or from the slide's own glass."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .bright_field import DIMMEST_WHITE, as_rgb, channel_mean
from .errors import MeasurementError
from .optics import log_counts, transmission_density
from .white_level import (
    BRIGHT_BAND,
    BRIGHT_PERCENTILE,
    MOST_COLOURED_WHITE,
    flat_field,
    median_colour,
    white_level,
)

ASSUMED_UM_PER_PX = 0.5
"""Pixel size taken for sizes in micrometres where none is known: a 20x objective."""

LARGEST_BLANK_DRIFT = 0.05
"""Nothing is brighter than an empty field but by noise; 5 % more is 0.02 of optical density."""

FLAT_SCALE_UM = 1.0
FLAT_WINDOW_UM = 4.0
GLASS_OD = 0.001
FLATTEST_TISSUE_OD = 0.002
LEAST_QUITE_FLAT = 0.25
"""Smoothed over a micrometre, most empty glass varies by less than 0.001 OD within 4 micrometres.
Tissue has fibres and cells: little of it varies by less than 0.002, and hardly any by 0.001."""

DARKEST_GLASS_OD = 0.15
"""Glass in a badly lit corner has lost up to a third of the light."""

TINT_OD = 0.025
"""Glass has one colour all over the field, however unevenly it is lit; tissue so pale and flat that
it passes for glass has a stain's. A lamp's own colour varies by half of this."""

LEAST_GLASS = 0.005
"""Flat spots on less of the field than this may be chance, or out-of-focus tissue."""

BLOCKS = 16
LEAST_BLOCK = 0.03
"""The field is fitted in 16 x 16 blocks; one with less glass than 3 % is left out."""

BLOCK_NOISE_OD = 0.003
USUAL_SHADING_OD = 0.05
"""What a block's mean errs by, and what shading without a blank usually comes to from centre to
edge (a tenth of the light)."""

SURFACE_ROUNDS = 3
NEAR_GLASS_OD = 0.008
"""Blocks of glass keep within this of the surface; the palest tissue is twice as dense."""

LEAST_SHADING = 0.02
"""A scanner's field is even within 2 %: then one white serves all pixels."""

MOST_SHADING = 0.4
"""More than this isn't a lamp's unevenness but a wrong fit."""

SHADING_GRID = 256
"""Shading is judged at about so many places a side."""


@dataclass(frozen=True)
class GlassSurface:
    """A quadratic surface over the logarithm of the glass's counts.

    Attributes
    ----------
    terms : numpy.ndarray
        Shape (6, 3): base, y, x, y², xy, x² (from -1 to 1 over the field) for each channel.
    shape : tuple of int
        Height and width of the field.
    """

    terms: np.ndarray
    shape: tuple[int, int]

    def drawn(self, step: int = 1) -> np.ndarray:
        """Draw the surface at every pixel, or at every so many, in counts.

        Returns
        -------
        numpy.ndarray
            Shape (height, width, 3), float32, at least 1.
        """
        height, width = self.shape
        y, x = _centred(height)[::step, None], _centred(width)[None, ::step]
        level = np.empty((y.size, x.size, 3), np.float32)
        for channel, (base, by_y, by_x, by_yy, by_xy, by_xx) in enumerate(self.terms.T):
            rows, columns = base + by_y * y + by_yy * y * y, by_x * x + by_xx * x * x
            level[..., channel] = rows + columns + by_xy * y * x
        counts: np.ndarray = cv2.exp(level * np.float32(np.log(10)))
        return np.maximum(counts, np.float32(1.0), out=counts)


@dataclass(frozen=True)
class ChosenWhite:
    """The white an image is measured with, and where it comes from.

    Attributes
    ----------
    level : numpy.ndarray
        I0 in counts: shape (3,), or (height, width, 3) where it differs over the field.
    source : str
        ``blank``, ``given``, ``slide`` (its own glass) or ``full scale`` (no white was found).
    glass : bool
        False where the field shows no empty glass: then all of it is tissue.
    flags : tuple of str
        ``no_white`` where full scale stands in; ``blank_differs`` where the image's brightest
        parts pass the blank by more than 5 %: lamp or exposure moved between the two;
        ``no_glass`` where the white comes from the brightest spots of a field full of tissue;
        ``uneven_light`` where the slide's own glass showed shading and a surface through it
        stands in for a blank.
    seen : numpy.ndarray or None
        bool, shape (height, width): the slide's own glass, where the white comes from it.
    """

    level: np.ndarray
    source: str
    glass: bool = True
    flags: tuple[str, ...] = ()
    seen: np.ndarray | None = None

    def mean(self) -> list[float]:
        """Return the mean level per channel, in counts."""
        return [float(value) for value in self.level.reshape(-1, 3).mean(axis=0)]


def choose_white(
    rgb: np.ndarray,
    *,
    um_per_px: float | None = None,
    blank: np.ndarray | None = None,
    given: tuple[float, float, float] | None = None,
) -> ChosenWhite:
    """Choose the white: from the blank, as given, from the slide's glass, else full scale.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), uint8 or uint16.
    um_per_px : float, optional
        Pixel size; 0.5 µm is assumed where it isn't known.
    blank : numpy.ndarray, optional
        Empty field of the same shape and type.
    given : tuple of float, optional
        White level in counts, used where there is no blank.

    Returns
    -------
    ChosenWhite
        The level, its source and flags.

    Raises
    ------
    MeasurementError
        If the blank's shape or type differs from the image's, or a given white is not positive.
    """
    if blank is not None:
        blank = as_rgb(blank)
        if blank.shape != rgb.shape or blank.dtype != rgb.dtype:
            raise MeasurementError(
                f"The blank is {blank.shape} {blank.dtype}, the image {rgb.shape} {rgb.dtype}.",
                "Give a blank taken with the same camera settings and frame size as the image.",
            )
        flat = flat_field(blank)
        return ChosenWhite(flat, "blank", flags=_blank_flags(rgb, flat))
    if given is not None:
        if min(given) < 1:
            raise MeasurementError(
                f"The given white {given} has a channel below 1 count.",
                "Give the counts of empty glass in red, green and blue.",
            )
        return ChosenWhite(np.asarray(given, dtype=np.float64), "given")
    return _own_white(rgb, um_per_px or ASSUMED_UM_PER_PX)


def _own_white(rgb: np.ndarray, um_per_px: float) -> ChosenWhite:
    """Take the white from the slide's own glass, over the field where it is uneven."""
    white = white_level(rgb)
    if not white.found:
        return ChosenWhite(white.level, "full scale", flags=("no_white",))
    glass = find_glass(rgb, white.level, um_per_px=um_per_px)
    if not glass.any():
        return ChosenWhite(white.level, "slide", glass=False, flags=("no_glass",))
    surface = glass_surface(rgb, glass)
    if not _uneven(surface, glass):
        return ChosenWhite(median_colour(rgb, glass), "slide", seen=glass)
    return ChosenWhite(surface.drawn(), "slide", flags=("uneven_light",), seen=glass)


def _uneven(surface: GlassSurface, glass: np.ndarray) -> bool:
    """Judge the shading on a grid: a quadratic surface needs no more."""
    step = max(1, min(glass.shape) // SHADING_GRID)
    light, seen = channel_mean(surface.drawn(step)), glass[::step, ::step]
    if not seen.any():
        light, seen = channel_mean(surface.drawn()), glass
    low, high = np.percentile(light[seen], [2, 98])
    shading = float(light.max() / light.min()) - 1
    return bool(high / low - 1 >= LEAST_SHADING and shading <= MOST_SHADING)


def find_glass(rgb: np.ndarray, white: np.ndarray, *, um_per_px: float) -> np.ndarray:
    """Mark empty glass by its flatness, which shading doesn't change and tissue doesn't have.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts, or a first guess: shape (3,) or (height, width, 3).
    um_per_px : float
        Pixel size in micrometres.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width): the inner parts of glass, not its borders. Empty where the
        flat parts are pale tissue rather than glass: few of them, or none quite flat. Flat parts
        of another colour than the white aren't glass where others have its colour.
    """
    density = transmission_density(rgb, white)
    smooth = cv2.GaussianBlur(density, (0, 0), FLAT_SCALE_UM / um_per_px)
    side = 2 * round(FLAT_WINDOW_UM / um_per_px / 2) + 1
    mean = cv2.blur(smooth, (side, side))
    variance = cv2.blur(smooth * smooth, (side, side)) - mean * mean
    flat = (variance < FLATTEST_TISSUE_OD**2) & (smooth < DARKEST_GLASS_OD)
    quite_flat = flat & (variance < GLASS_OD**2)
    if quite_flat.mean() < LEAST_GLASS or quite_flat.sum() < LEAST_QUITE_FLAT * flat.sum():
        return np.zeros(flat.shape, dtype=bool)
    return untinted(quite_flat, rgb, white, side)


def untinted(glass: np.ndarray, rgb: np.ndarray, white: np.ndarray, side_px: int) -> np.ndarray:
    """Take what has another colour than the white out of what was taken for glass.

    Parameters
    ----------
    glass : numpy.ndarray
        bool, shape (height, width).
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    white : numpy.ndarray
        I0 in counts: shape (3,) or (height, width, 3).
    side_px : int
        Colours are those of squares with about this side.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width): `glass` as it was, where too little of it has that colour.
    """
    height, width = glass.shape
    size = (max(1, width // side_px), max(1, height // side_px))
    light = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    level = np.asarray(white, np.float32)
    if level.ndim == 3:
        level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
    red, green, blue = cv2.split(np.maximum(light, 1) / level)
    least, most = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    same = (most <= np.float32(10**TINT_OD) * least).astype(np.uint8)
    neutral = cv2.resize(same, (width, height), interpolation=cv2.INTER_NEAREST).view(bool)
    neutral &= glass
    return neutral if np.count_nonzero(neutral) >= LEAST_GLASS * glass.size else glass


def glass_surface(rgb: np.ndarray, glass: np.ndarray) -> GlassSurface:
    """Fit the white level of each pixel by a quadratic surface over the glass's logarithm.

    The glass is averaged in blocks. The surface's slopes and curvatures are held near zero as far
    as the blocks allow (ridge regression), so that glass on one side of the field says little
    about the other. Blocks of flat pale tissue, darker than the surface, are left out in turn.

    Parameters
    ----------
    rgb : numpy.ndarray
        Shape (height, width, 3), counts.
    glass : numpy.ndarray
        bool, shape (height, width), from `find_glass`; at least one True.

    Returns
    -------
    GlassSurface
        The surface.

    References
    ----------
    Hoerl AE, Kennard RW (1970). Ridge regression: biased estimation for nonorthogonal problems.
    Technometrics 12:55-67.
    """
    height, width = glass.shape
    size = (min(height, BLOCKS), min(width, BLOCKS))
    total, pixels = _block_sums(rgb, glass, log_counts(rgb.dtype), size)
    share = pixels * (pixels.size / glass.size)
    rows, columns = np.nonzero(share >= min(LEAST_BLOCK, float(share.max())))
    means = total[rows, columns] / pixels[rows, columns, None]
    terms = _quadratic(2 * (rows + 0.5) / size[0] - 1, 2 * (columns + 0.5) / size[1] - 1)
    fitted = _ridge(terms, means)
    for _ in range(SURFACE_ROUNDS):
        darker = (terms @ fitted - means).mean(axis=1)
        near = darker - np.median(darker) < NEAR_GLASS_OD
        fitted = _ridge(terms[near], means[near])
    return GlassSurface(fitted, (height, width))


@numba.njit(cache=True, nogil=True)
def _block_sums(
    rgb: np.ndarray, mask: np.ndarray, logs: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the logarithms of a mask's pixels by blocks, and count them."""
    height, width = mask.shape
    total = np.zeros((size[0], size[1], 3))
    pixels = np.zeros(size, np.int64)
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                row, column = y * size[0] // height, x * size[1] // width
                pixels[row, column] += 1
                for c in range(3):
                    total[row, column, c] += logs[rgb[y, x, c]]
    return total, pixels


def _ridge(terms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Fit a surface whose slopes and curvatures are small unless the values say otherwise."""
    penalty = np.full(terms.shape[1], (BLOCK_NOISE_OD / USUAL_SHADING_OD) ** 2)
    penalty[0] = 0
    return np.linalg.solve(terms.T @ terms + np.diag(penalty), terms.T @ values)


def _centred(count: int) -> np.ndarray:
    """Pixel centres from -1 to 1."""
    return 2 * (np.arange(count) + 0.5) / count - 1


def _quadratic(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Terms of a quadratic surface, shape (n, 6)."""
    return np.stack([np.ones_like(y), y, x, y * y, x * y, x * x], axis=1)


def _blank_flags(rgb: np.ndarray, flat: np.ndarray) -> tuple[str, ...]:
    """Compare the blank with the slide's own glass, where the image reaches its brightness."""
    share = cv2.blur(rgb.astype(np.float32) / flat, (5, 5))
    light = channel_mean(share)
    bright = np.percentile(light, BRIGHT_PERCENTILE)
    if bright < DIMMEST_WHITE:
        return ()
    glass = np.median(share[light >= BRIGHT_BAND * bright], axis=0)
    neutral = glass.max() - glass.min() <= MOST_COLOURED_WHITE * glass.max()
    moved = glass.max() > 1 + LARGEST_BLANK_DRIFT
    return ("blank_differs",) if neutral and moved else ()
