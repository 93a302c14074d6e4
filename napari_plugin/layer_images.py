"""The image that is open in a viewer, as the methods take it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..pipeline.readers import Image

_LEAST_SIDE_PX = 16
_UM = {"micrometer": 1.0, "micrometre": 1.0, "um": 1.0, "µm": 1.0, "millimeter": 1e3, "mm": 1e3}


@dataclass(frozen=True)
class LayerImage:
    """An image put together from layers, and where it lies in the viewer.

    Attributes
    ----------
    image : Image
        Pixels, channels and pixel size.
    scale, translate : tuple of float
        Of its layers, for y and x.
    units : tuple
        Of its layers.
    layer : napari.layers.Image
        One of them.
    """

    image: Image
    scale: tuple[float, float]
    translate: tuple[float, float]
    units: tuple[Any, ...]
    layer: Any


def layer_image(viewer: Any) -> LayerImage:
    """Give the image that is open: the chosen colour layer, or all channels of one shape.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Raises
    ------
    ValueError
        If no image is open.
    """
    images = [layer for layer in viewer.layers if type(layer).__name__ == "Image"]
    if not images:
        raise ValueError("No image is open. Open a photo, a field or a section first.")
    active = viewer.layers.selection.active
    chosen = active if active in images else images[0]
    layers = [chosen]
    if not chosen.rgb:
        layers = [x for x in images if not x.rgb and _pixels(x).shape == _pixels(chosen).shape]
    planes = [_pixels(layer) for layer in layers]
    pixels = np.ascontiguousarray(planes[0][..., :3]) if chosen.rgb else np.stack(planes)
    if pixels.ndim != 3:
        raise ValueError("A flat image is measured; project the stack to a plane first.")
    names = ("red", "green", "blue") if chosen.rgb else tuple(_channel(x.name) for x in layers)
    image = Image(
        pixels=pixels,
        kind="rgb" if chosen.rgb else "channels",
        channel_names=names,
        um_per_px=um_per_px(chosen),
        bit_depth=8 * pixels.dtype.itemsize,
        notes={},
        flags=(),
    )
    scale, translate = chosen.scale[-2:], chosen.translate[-2:]
    return LayerImage(
        image,
        (float(scale[0]), float(scale[1])),
        (float(translate[0]), float(translate[1])),
        tuple(chosen.units[-2:]),
        chosen,
    )


def _pixels(layer: Any) -> np.ndarray:
    """Give a layer's pixels; of a pyramid the full size."""
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def _channel(name: str) -> str:
    """Give the channel's own name, which stands last in a layer's."""
    return name.split()[-1] if name.split() else name


def um_per_px(layer: Any) -> float | None:
    """Give the side of a layer's pixel in µm; None where its unit is none of length."""
    unit = str(layer.units[-1])
    return float(layer.scale[-1]) * _UM[unit] if unit in _UM else None


def visible_part(image: LayerImage) -> LayerImage:
    """Cut out what the viewer shows.

    Raises
    ------
    ValueError
        If nothing of the image is in sight.
    """
    pixels, is_rgb = image.image.pixels, image.image.kind == "rgb"
    height, width = pixels.shape[:2] if is_rgb else pixels.shape[1:]
    layer = image.layer
    corners = np.array(layer.corner_pixels, float)[:, -2:]
    if layer.multiscale:
        corners *= np.array(layer.downsample_factors[layer.data_level], float)[:2]
    (low_y, low_x), (high_y, high_x) = corners
    top, bottom = np.clip((low_y, high_y + 1), 0, height).astype(int)
    left, right = np.clip((low_x, high_x + 1), 0, width).astype(int)
    if bottom - top < _LEAST_SIDE_PX or right - left < _LEAST_SIDE_PX:
        raise ValueError("Nothing of the image is in sight. Move it into the window.")
    window = (slice(top, bottom), slice(left, right))
    part = pixels[window] if is_rgb else pixels[(slice(None), *window)]
    moved = (
        image.translate[0] + float(top) * image.scale[0],
        image.translate[1] + float(left) * image.scale[1],
    )
    cut = replace(image.image, pixels=np.ascontiguousarray(part))
    return replace(image, image=cut, translate=moved)
