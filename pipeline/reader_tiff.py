"""TIFF of every kind that microscopes and ImageJ write: OME, ImageJ, LSM, plain, pyramidal.

Planes are decoded one at a time, and of a region only the tiles or strips that it touches.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import tifffile

from .decoder_messages import decoder_messages
from .reader_common import (
    RGB_NAMES,
    Image,
    ImageInfo,
    Region,
    Request,
    check_level,
    check_region,
    check_size,
    choose_series,
    choose_timepoint,
    oriented,
    project,
    scale_region,
    unique_names,
    working_type,
    z_note,
)
from .reader_slides import list_slides, read_slide
from .tiff_colours import as_rgb, bits_of, inverted
from .tiff_metadata import Description, check_ome, describe
from .tiff_planes import Stack
from .tiff_series import axis_sizes, whole_series

# tifffile's axis codes that are channels: C channel, E wavelength, H lifetime.
CHANNEL_AXES = "CEH"
# Pages without any label: up to this many are taken as channels, more as a z-stack.
MAX_UNLABELLED_CHANNELS = 5
MAX_SCENES = 100_000
MAX_CHANNELS = 1_000  # a spectral detector gives a few hundred; more means a damaged header
MINISWHITE, RGB, PALETTE, SEPARATED, YCBCR, CIELAB, CFA = 0, 2, 3, 5, 6, 8, 32803
ALPHA_SAMPLES = {1, 2}  # TIFF 6.0, ExtraSamples: associated and unassociated alpha
UPRIGHT = 1
# Messages of tifffile after which it gives fewer or empty planes instead of an error.
FATAL_MESSAGE = re.compile(
    r"series|missing|corrupt|truncat|incomplet|invalid page|out of range|loop|pages|TiffTag",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Scene:
    """One image of a file with the roles of its axes."""

    series: Any
    number: int
    axes: str
    sizes: dict[str, int]
    fixed: dict[str, int]
    samples: str
    channels: str
    z: str
    t: str
    flags: tuple[str, ...]

    @property
    def page(self) -> Any:
        """The page that stands for all of this image."""
        return self.series.keyframe

    @property
    def n_z(self) -> int:
        """Planes of the stack."""
        return self.sizes.get(self.z, 1)

    @property
    def n_t(self) -> int:
        """Timepoints."""
        return self.sizes.get(self.t, 1)

    @property
    def keys(self) -> list[dict[str, int]]:
        """Index of each channel in the stored axes."""
        names = self.channels + ("S" if self.samples == "channels" else "")
        ranges = [range(self.sizes[name]) for name in names]
        return [dict(zip(names, at, strict=True)) for at in product(*ranges)]


def list_tiff(request: Request) -> list[ImageInfo]:
    """Describe every image of the file."""
    with _open(request) as tiff:
        if _is_slide(tiff):
            return list_slides(request)
        scenes = _scenes(request, tiff)
        return [
            _info(scene, number, describe(tiff, scene.number))
            for number, scene in enumerate(scenes)
        ]


def read_tiff(request: Request) -> Image:
    """Read one image of the file, at a level and in a region."""
    with decoder_messages() as messages, _open(request) as tiff:
        if _is_slide(tiff):
            return read_slide(request)
        scenes = _scenes(request, tiff)
        number = choose_series(request, _scene_names(scenes))
        scene = scenes[number]
        info = _info(scene, number, describe(tiff, scene.number))
        timepoint, flags = choose_timepoint(request, scene.n_t)
        region = check_region(request, info.height, info.width)
        level = check_level(request, len(info.levels))
        placed = _stored_region(scene, info, level, region)
        stack = Stack(request, scene.series.levels[level], scene.z, scene.fixed, placed)
        count = 1 if info.kind == "rgb" else len(info.channel_names)
        check_size(request, stack.region[2], stack.region[3], count)
        keys: list[dict[str, int]] = [{}] if info.kind == "rgb" else scene.keys
        planes = [
            project(request, stack.along_z({**key, scene.t: timepoint}), scene.n_z) for key in keys
        ]
        _refuse_incomplete(request, messages)
    pixels = _finished(scene, planes, info.kind)
    flags += scene.flags + stack.flags
    return _image(request, info, pixels, flags, messages, region, level, timepoint)


def _image(
    request: Request,
    info: ImageInfo,
    pixels: np.ndarray,
    flags: tuple[str, ...],
    messages: list[str],
    region: Region,
    level: int,
    timepoint: int,
) -> Image:
    pixels, type_flags = working_type(pixels)
    notes = {**info.notes, **z_note(request, info.n_z)}
    um_per_px = info.um_per_px
    if info.n_timepoints > 1:
        notes["timepoint"] = timepoint
    if request.region is not None:
        notes["region"] = list(region)
    if level:
        notes["level"] = level
        if um_per_px is not None:
            um_per_px *= info.levels[0][0] / info.levels[level][0]
    if messages:
        notes["decoder_messages"] = messages[:5]
        flags += ("decoder_warning",)
    if "um_per_px_y_x" in notes:
        flags += ("anisotropic_pixels",)
    return Image(
        pixels=pixels,
        kind=info.kind,
        channel_names=info.channel_names,
        um_per_px=um_per_px,
        bit_depth=info.bit_depth,
        notes=notes,
        flags=tuple(dict.fromkeys((*flags, *type_flags))),
    )


def _refuse_incomplete(request: Request, messages: list[str]) -> None:
    fatal = [message for message in messages if FATAL_MESSAGE.search(message)]
    if fatal:
        detail = re.sub(r"<tifffile\S* [^>]*>", "", fatal[0]).strip()
        raise request.error(f"the TIFF is damaged or incomplete: {detail}")


@contextmanager
def _open(request: Request) -> Iterator[Any]:
    with tifffile.TiffFile(request.path) as tiff:
        if not tiff.pages:
            raise request.error("the TIFF holds no image")
        check_ome(request, tiff)
        yield tiff


def _is_slide(tiff: Any) -> bool:
    """Tell a scanner's own format, whatever its suffix: OpenSlide knows its levels and scale."""
    return any(
        getattr(tiff, f"is_{scanner}") for scanner in ("svs", "ndpi", "scn", "bif", "philips")
    )


def _scene_names(scenes: list[_Scene]) -> list[str]:
    return [
        " ".join(
            [scene.series.name, *(f"{key}{value}" for key, value in scene.fixed.items())]
        ).strip()
        for scene in scenes
    ]


COLOUR_FLAGS = frozenset({"alpha_dropped", "cmyk_converted", "palette_converted"})


def _scenes(request: Request, tiff: Any) -> list[_Scene]:
    """Lay out every image of the file; reduced copies in a pyramid are its levels, not images."""
    scenes: list[_Scene] = []
    for number, series in enumerate(whole_series(tiff)):
        sizes = axis_sizes(series)
        if {"X", "Y"} <= set(sizes) and min(sizes.values()) > 0:
            scenes.extend(_scenes_of(request, series, number, sizes))
    if not scenes:
        raise request.error("the TIFF holds no image with X and Y")
    return scenes


def _scenes_of(request: Request, series: Any, number: int, sizes: dict[str, int]) -> list[_Scene]:
    samples, flags = _samples(request, series, sizes)
    roles = _roles(sizes, samples)
    others = [axis for axis in sizes if axis not in roles.values() and axis not in "YXS"]
    others = [axis for axis in others if axis not in roles["channels"]]
    if math.prod(sizes[axis] for axis in others) > MAX_SCENES:
        raise request.error(f"the TIFF claims more than {MAX_SCENES} images")
    names = roles["channels"] + ("S" if samples == "channels" else "")
    if math.prod(sizes[axis] for axis in names) > MAX_CHANNELS:
        raise request.error(f"the TIFF claims more than {MAX_CHANNELS} channels")
    if roles["unlabelled"]:
        flags += ("unlabelled_pages",)
    return [
        _Scene(
            series=series,
            number=number,
            axes="".join(sizes),
            sizes=sizes,
            fixed={axis: index for axis, index in zip(others, at, strict=True) if sizes[axis] > 1},
            samples=samples,
            channels=roles["channels"],
            z=roles["z"],
            t=roles["t"],
            flags=flags,
        )
        for at in product(*(range(sizes[axis]) for axis in others))
    ]


def _roles(sizes: dict[str, int], samples: str) -> dict[str, str]:
    """Say which axes are channels, z and time; unlabelled pages are channels when few, else z."""
    channels = "".join(axis for axis in sizes if axis in CHANNEL_AXES)
    z, t, unlabelled = "Z" if "Z" in sizes else "", "T" if "T" in sizes else "", ""
    if samples in {"rgb", "cmyk", "palette"} and all(sizes[axis] == 1 for axis in channels):
        channels = ""
    for axis in (axis for axis in sizes if axis in "IQ" and sizes[axis] > 1):
        if samples in {"rgb", "cmyk", "palette"} or unlabelled:
            continue
        if sizes[axis] <= MAX_UNLABELLED_CHANNELS and not channels:
            channels, unlabelled = axis, axis
        elif not z:
            z, unlabelled = axis, axis
    if samples in {"rgb", "cmyk", "palette"}:
        channels = ""
    return {"channels": channels, "z": z, "t": t, "unlabelled": unlabelled}


def _samples(request: Request, series: Any, sizes: dict[str, int]) -> tuple[str, tuple[str, ...]]:
    """Say what the samples of a pixel are: gray, rgb, cmyk, palette or channels."""
    page, count = series.keyframe, sizes.get("S", 1)
    photometric = int(page.photometric)
    if photometric in {CFA, CIELAB}:
        raise request.error(
            "the TIFF holds raw sensor or CIELAB values, not RGB",
            "export it as an RGB TIFF, PNG or JPEG",
        )
    if photometric == PALETTE and series.kind not in {"imagej", "ome"} and not _is_ramp(page):
        return "palette", ("palette_converted",)
    if photometric == SEPARATED and count >= 4:
        return "cmyk", ("cmyk_converted",)
    if photometric in {RGB, YCBCR} and count >= 3:
        return "rgb", ("alpha_dropped",) if count > 3 else ()
    if count > 1 and set(page.extrasamples) & ALPHA_SAMPLES and count == 2:
        return "gray", ("alpha_dropped",)
    return ("channels", ()) if count > 1 else ("gray", ())


def _is_ramp(page: Any) -> bool:
    """Tell a pseudo-colour table, whose indices are intensities, from a true palette.

    Microscope software stores an 8-bit channel with a table that rises evenly from black.
    """
    table = page.colormap
    if table is None:
        return True
    even = np.linspace(0, 1, table.shape[-1])
    tops = table[:, -1].astype(np.float64)
    rises = np.abs(table - np.outer(tops, even)) <= 0.01 * 65535
    return bool(tops.max() > 0 and rises.all())


def _orientation(scene: _Scene) -> int:
    """Orientation of a plain TIFF photo; microscope formats leave the tag without meaning."""
    tag = scene.page.tags.get(274)
    value = int(tag.value) if tag is not None and isinstance(tag.value, int) else UPRIGHT
    if scene.series.kind in {"ome", "imagej", "lsm"} or value not in range(1, 9):
        return UPRIGHT
    return value


def _level_shape(level: Any) -> tuple[int, int]:
    sizes = axis_sizes(level)
    return sizes["Y"], sizes["X"]


def _info(scene: _Scene, number: int, known: Description) -> ImageInfo:
    orientation = _orientation(scene)
    levels = tuple(_level_shape(level) for level in scene.series.levels)
    if orientation >= 5:
        levels = tuple((width, height) for height, width in levels)
    is_rgb = scene.samples in {"rgb", "cmyk", "palette"}
    count = len(scene.keys)
    names = known.channel_names if len(known.channel_names) == count else ("",) * count
    notes: dict[str, Any] = {"format": f"tiff ({scene.series.kind})", **known.notes}
    if number or scene.number or scene.series.name:
        notes.update({"series": number, "series_name": _scene_names([scene])[0]})
    if orientation != UPRIGHT:
        notes["orientation_applied"] = orientation
    if int(scene.page.photometric) == MINISWHITE:
        notes["inverted"] = True
    if known.um_per_px is None and known.um_per_px_y and known.um_per_px_x:
        notes["um_per_px_y_x"] = [known.um_per_px_y, known.um_per_px_x]
    if scene.flags and "unlabelled_pages" in scene.flags:
        notes["pages_taken_as"] = "z" if scene.z in "IQ" and scene.z else "channels"
    height, width = levels[0]
    dtype = np.dtype(scene.series.dtype)
    return ImageInfo(
        series=number,
        name=_scene_names([scene])[0],
        kind="rgb" if is_rgb else "channels",
        shape=(height, width, 3) if is_rgb else (count, height, width),
        channel_names=RGB_NAMES if is_rgb else unique_names(names),
        um_per_px=known.um_per_px,
        bit_depth=known.significant_bits or bits_of(scene.page, dtype),
        dtype=str(dtype),
        n_z=scene.n_z,
        n_timepoints=scene.n_t,
        levels=levels,
        notes=notes,
        colour_flags=tuple(flag for flag in scene.flags if flag in COLOUR_FLAGS),
    )


def _stored_region(scene: _Scene, info: ImageInfo, level: int, region: Region) -> Region:
    """Place a region of the upright full image in the stored pixels of a level."""
    placed = scale_region(region, info.levels[0], info.levels[level])
    orientation = _orientation(scene)
    if orientation == UPRIGHT:
        return placed
    height, width = info.levels[level]
    y, x, rows, columns = placed
    # orientation of a mask of row and column numbers says where the region's corners are stored
    stored_shape = (width, height) if orientation >= 5 else (height, width)
    row_of = oriented(
        np.broadcast_to(np.arange(stored_shape[0])[:, None], stored_shape), orientation
    )
    column_of = oriented(np.broadcast_to(np.arange(stored_shape[1]), stored_shape), orientation)
    corners = np.ix_([y, y + rows - 1], [x, x + columns - 1])
    top, left = int(row_of[corners].min()), int(column_of[corners].min())
    return (
        top,
        left,
        int(row_of[corners].max()) - top + 1,
        int(column_of[corners].max()) - left + 1,
    )


def _finished(scene: _Scene, planes: list[np.ndarray], kind: str) -> np.ndarray:
    """Turn decoded planes into channels or RGB: inversion, palette, CMYK, alpha, orientation."""
    orientation = _orientation(scene)
    if int(scene.page.photometric) == MINISWHITE:
        planes = [inverted(plane, scene.page) for plane in planes]
    if kind == "rgb":
        return oriented(as_rgb(planes[0], scene.page, scene.samples), orientation)
    flat = [plane[..., 0] if plane.ndim == 3 else plane for plane in planes]
    return np.stack([oriented(plane, orientation) for plane in flat])
