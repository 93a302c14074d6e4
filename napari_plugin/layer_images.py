"""The image that is open in a viewer, as the methods take it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..pipeline.readers import Image
from ..pipeline.slides import LARGEST_FIELD_PX

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


def layer_image(viewer: Any, *, visible: bool = False) -> LayerImage:
    """Give the image that is open: the chosen colour layer, or all channels of one shape.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    visible : bool
        Only the part of it that the viewer shows. No more is read of a slide.

    Raises
    ------
    ValueError
        If no image is open, nothing of it is in sight, or it is a whole slide.
    """
    images = [layer for layer in viewer.layers if type(layer).__name__ == "Image"]
    if not images:
        raise ValueError("No image is open. Open a photo, a field or a section first.")
    active = viewer.layers.selection.active
    chosen = active if active in images else images[0]
    layers = [chosen]
    if not chosen.rgb:
        layers = [x for x in images if not x.rgb and _full(x).shape == _full(chosen).shape]
    if _full(chosen).ndim != 2 + chosen.rgb:
        raise ValueError("A flat image is measured; project the stack to a plane first.")
    window = _window(viewer, chosen, visible=visible)
    _refuse_slide(chosen, window)
    planes = [np.asarray(_full(layer)[window]) for layer in layers]
    pixels = np.ascontiguousarray(planes[0][..., :3] if chosen.rgb else np.stack(planes))
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
    moved = translate + np.array([side.start for side in window]) * scale
    return LayerImage(
        image,
        (float(scale[0]), float(scale[1])),
        (float(moved[0]), float(moved[1])),
        tuple(chosen.units[-2:]),
        chosen,
    )


def _full(layer: Any) -> Any:
    """Give a layer's pixels, of a pyramid those of the full size: what is on disk stays there."""
    return layer.data[0] if layer.multiscale else layer.data


def _window(viewer: Any, layer: Any, *, visible: bool) -> tuple[slice, slice]:
    """Give the rows and columns of an image that the viewer shows, or all of them.

    Raises
    ------
    ValueError
        If nothing of the image is in sight.
    """
    height, width = _full(layer).shape[:2]
    if not visible:
        return slice(0, height), slice(0, width)
    # napari keeps more of a pyramid at hand than is in sight: the camera says what is
    middle, zoom = np.array(viewer.camera.center[-2:], float), float(viewer.camera.zoom)
    reach = np.array(viewer.canvas.size, float) / (2 * zoom)
    corners = np.array([layer.world_to_data(middle + side * reach)[-2:] for side in (-1, 1)])
    (top, left), (bottom, right) = np.rint(corners).astype(int)
    top, bottom = np.clip((top, bottom + 1), 0, height)
    left, right = np.clip((left, right + 1), 0, width)
    if bottom - top < _LEAST_SIDE_PX or right - left < _LEAST_SIDE_PX:
        raise ValueError("Nothing of the image is in sight. Move it into the window.")
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def _refuse_slide(layer: Any, window: tuple[slice, slice]) -> None:
    """Refuse to read more of an image on disk than a camera's field.

    Raises
    ------
    ValueError
        If it is more.
    """
    height, width = (side.stop - side.start for side in window)
    if isinstance(_full(layer), np.ndarray) or height * width <= LARGEST_FIELD_PX:
        return
    raise ValueError(
        f"This is a whole slide: {width} × {height} pixels of it would be measured here. Zoom in "
        "and take the preview, or measure the slide by: xenoquant measure dab SLIDE --out FOLDER"
    )


def _channel(name: str) -> str:
    """Give the channel's own name, which stands last in a layer's."""
    return name.split()[-1] if name.split() else name


def um_per_px(layer: Any) -> float | None:
    """Give the side of a layer's pixel in µm; None where its unit is none of length."""
    unit = str(layer.units[-1])
    return float(layer.scale[-1]) * _UM[unit] if unit in _UM else None
