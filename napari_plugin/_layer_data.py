"""Images as napari's layers: placed in µm, large ones as pyramids that are read as needed."""

import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..pipeline.readers import Image, inspect_image, split_reference
from ..pipeline.slides import SlideImage

LayerData = tuple[Any, dict[str, Any], str]

LARGEST_SIDE_PX = 4096
"""Graphics cards hold textures of at least this side; larger images are shown as pyramids."""

_COLOURS = {
    "marker": "green",
    "alexa488": "green",
    "gfp": "green",
    "dapi": "blue",
    "nuclei": "blue",
}


def placed(um_per_px: float | None) -> dict[str, Any]:
    """Give the scale of a layer; napari's own TIFF reader would leave it out."""
    if um_per_px is None:
        return {}
    return {"scale": (um_per_px, um_per_px), "units": ("um", "um")}


def image_layers(image: Image, name: str) -> list[LayerData]:
    """Give an image's layers: its colours as one, or a layer a channel.

    Parameters
    ----------
    image : Image
        From the readers.
    name : str
        Of the layers.
    """
    place = placed(image.um_per_px)
    if image.kind == "rgb":
        data, is_pyramid = pyramid(image.pixels)
        return [(data, {"name": name, "rgb": True, "multiscale": is_pyramid, **place}, "image")]
    layers: list[LayerData] = []
    for plane, channel in zip(image.pixels, image.channel_names, strict=True):
        data, is_pyramid = pyramid(plane)
        look = {"colormap": _COLOURS.get(channel.lower(), "gray"), "blending": "additive"}
        named = {"name": f"{name} {channel}", "multiscale": is_pyramid}
        layers.append((data, {**named, **look, **place}, "image"))
    return layers


def slide_layer(levels: list[Any], overview: SlideImage, name: str) -> LayerData:
    """Give a slide's pyramid as a layer that lies where its overview does.

    Parameters
    ----------
    levels : list of zarr.Array
        From `lazy_levels`.
    overview : SlideImage
        Its pixels are the overview, and so is its pixel size.
    name : str
        Of the layer.
    """
    place = placed_under(overview)
    return levels, {"name": name, "rgb": True, "multiscale": True, **place}, "image"


def placed_under(overview: SlideImage) -> dict[str, Any]:
    """Give the place of a slide's full size where its overview is placed by `placed`."""
    side = overview.um_per_px or 1.0
    shapes = zip(overview.pixels.shape[:2], overview.tiles.shape, strict=True)
    scale = tuple(side * small / full for small, full in shapes)
    shift = tuple((own - side) / 2 for own in scale)  # pixels begin half of one before 0
    return {**placed(overview.um_per_px), "scale": scale, "translate": shift}


def label_layer(levels: list[Any], name: str, look: dict[str, Any]) -> LayerData:
    """Give a label image from `label_levels` as a layer: one that can be painted in if it is small.

    Parameters
    ----------
    levels : list of zarr.Array
        Full size first.
    name : str
        Of the layer.
    look : dict
        Its place, and whatever else napari shall know of it.
    """
    if len(levels) == 1:
        return np.asarray(levels[0][:], np.int32), {"name": name, **look}, "labels"
    return levels, {"name": name, "multiscale": True, **look}, "labels"


def pyramid(pixels: np.ndarray) -> tuple[Any, bool]:
    """Give an image as it is, or as levels of half the size each where it is too large for that.

    Returns
    -------
    data : numpy.ndarray or list of numpy.ndarray
        The image, or its levels.
    is_pyramid : bool
        Which of the two.
    """
    if max(pixels.shape[:2]) <= LARGEST_SIDE_PX:
        return pixels, False
    levels = [pixels]
    while max(levels[-1].shape[:2]) > LARGEST_SIDE_PX // 2:
        height, width = levels[-1].shape[:2]
        size = (max(1, width // 2), max(1, height // 2))
        levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
    return levels, True


def lazy_levels(reference: Path) -> list[Any] | None:
    """Give the levels of a pyramid on disk, whose tiles are read when they come into sight.

    Parameters
    ----------
    reference : pathlib.Path
        The image, maybe with ``#n`` behind it.

    Returns
    -------
    list of zarr.Array or None
        Full size first; None where the file holds no colour pyramid that tifffile reads.
    """
    info = inspect_image(reference)
    if len(info.levels) < 2 or info.kind != "rgb":
        return None
    path, series = split_reference(reference)
    arrays = _levels(path, series or 0)
    shapes = [array.shape for array in arrays]
    fits = [s[:2] for s in shapes] == list(info.levels) and all(len(s) == 3 for s in shapes)
    return arrays if fits and len(arrays) > 1 else None


def label_levels(file: Path) -> list[Any]:
    """Give the levels of a label image on disk, whose tiles are read when they come into sight.

    Parameters
    ----------
    file : pathlib.Path
        A TIFF file.

    Returns
    -------
    list of zarr.Array
        Full size first; one level where the file has no pyramid, none where it is no label image.
    """
    arrays = _levels(file, 0)
    fits = all(array.ndim == 2 and array.dtype.kind in "iu" for array in arrays)
    return arrays if fits else []


def _levels(path: Path, series: int) -> list[Any]:
    """Open the levels of one series of a TIFF file; none where tifffile can't.

    The file is closed once the first level is no longer in use.
    """
    import tifffile
    import zarr

    try:
        file = tifffile.TiffFile(path)
    except (tifffile.TiffFileError, OSError):
        return []
    closed = ExitStack()
    closed.callback(file.close)
    try:
        shown = file.series[series]
        stores = [shown.aszarr(level=number) for number in range(len(shown.levels))]
        for store in stores:
            closed.callback(store.close)
        arrays = [zarr.open_array(store, mode="r") for store in stores]
    except (tifffile.TiffFileError, OSError, ValueError, KeyError, IndexError, TypeError):
        closed.close()
        return []
    weakref.finalize(arrays[0], closed.close)
    return arrays
