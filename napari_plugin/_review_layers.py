"""The layers of an image under review: shown from the model, and painted into by the reader."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from napari import Viewer
from napari.layers import Labels, Layer, Points
from napari.utils import CyclicLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from ..imgproc.corrected import NOT_ASSESSABLE
from ..pipeline.overlays import CLASS_COLOURS
from ..pipeline.review_state import Change
from ..pipeline.slides import SlideImage
from ._layer_data import (
    LayerData,
    image_layers,
    label_layer,
    label_levels,
    lazy_levels,
    placed,
    placed_under,
    slide_layer,
)
from .session import OpenImage

CLASS_LAYER, STROKE_LAYER = "class", "stroke"
_LARGE_PX = 8.0
_DRAWN = "#ffd400"
_OBJECTS = ("#00e5ff", "#ff4dff", "#5dff3c", "#ff8c1a", "#3d7bff", "#ff3b5c", "#b08bff")
_REGION = ("#ffffff",)
_BLIND = ("#808080",)


class ReviewLabels(Labels):
    """Labels whose undo and redo are the review's own, which are kept in its log."""

    on_undo: Callable[[], Any] | None = None
    on_redo: Callable[[], Any] | None = None

    def paint_polygon(self, points: list[Any] | np.ndarray, new_label: int) -> None:
        """Paint a polygon, and only then tell of it: napari tells before, as of no other tool."""
        with self.block_history():
            super().paint_polygon(points, new_label)

    def undo(self) -> None:
        """Take the last act of the review back."""
        if self.on_undo is not None:
            self.on_undo()

    def redo(self) -> None:
        """Make it again."""
        if self.on_redo is not None:
            self.on_redo()


class ReviewLayers:
    """Shows an open image in a viewer and follows every act.

    Parameters
    ----------
    viewer : napari.Viewer
        Where.
    opened : OpenImage
        The image.
    classes : mapping of int to int
        The program's classes, by object.
    name : str
        Of the image's layer; says nothing of the image while blinded.
    """

    def __init__(
        self, viewer: Viewer, opened: OpenImage, classes: Mapping[int, int], name: str
    ) -> None:
        self.viewer, self.review = viewer, opened.review
        self.program = dict(classes)
        self.on_paint: Callable[[str, np.ndarray], Any] | None = None
        self._follows = False
        self._class_table = np.zeros(1, np.uint8)
        place = placed(opened.um_per_px)
        self.own: list[Layer] = [
            viewer.add_layer(Layer.create(*data)) for data in _shown(opened, name)
        ]
        self._images = len(self.own)
        for data in _sheets(opened):
            layer = Layer.create(*data)
            layer.contour = 1
            self._show(layer)
        self.labels = {what: self._add(what, place) for what in self._order()}
        self.class_layer = self._add_classes(place)
        self.stroke = Points(name=STROKE_LAYER, face_color=_DRAWN, size=4, border_width=0, **place)
        self._show(self.stroke)
        self.review.changed.connect(self.follow)
        viewer.layers.selection.active = self.labels[self.review.correctable.objects]
        viewer.canvas.overlays.scale_bar.visible = True
        viewer.reset_view()

    def rename(self, name: str) -> None:
        """Name the image's layers after the image, once the blind is lifted."""
        for layer in self.own[: self._images]:
            layer.name = layer.name.replace("image", name, 1)

    def _order(self) -> list[str]:
        """Regions below, objects on top."""
        what = self.review.correctable
        return [n for n in (what.regions, NOT_ASSESSABLE, what.grown, what.objects) if n]

    def _add(self, what: str, place: Mapping[str, Any]) -> ReviewLabels:
        labels = self.review.state.labels[what].copy()
        colours = {NOT_ASSESSABLE: _BLIND, self.review.correctable.regions: _REGION}
        chosen = _few_colours(colours.get(what, _OBJECTS))
        layer = ReviewLabels(
            labels, name=what, opacity=0.8, colormap=chosen, visible=False, **place
        )
        layer.events.paint.connect(lambda event: self._painted(what))
        self._show(layer)
        if what == NOT_ASSESSABLE:
            layer.opacity = 0.5
            layer.visible = bool(labels.any())  # an empty layer costs as much to draw as a full one
            return layer
        # napari works contours out at every step of adding a visible layer: so only now,
        # and two pixels where objects are large enough not to be hidden by them
        is_large = self.review.edit.typical_radius() > _LARGE_PX
        layer.contour = 2 if is_large and self.review.correctable.profile is None else 1
        layer.visible = True
        return layer

    def _add_classes(self, place: Mapping[str, Any]) -> Labels | None:
        """Fill each object in the colour of its class; a picture of the classes, not painted in."""
        names = self.review.correctable.classes
        if not names:
            return None
        chosen = CLASS_COLOURS if len(names) > 2 else (CLASS_COLOURS[0], CLASS_COLOURS[-1])
        objects = self.review.state.labels[self.review.correctable.objects]
        self._note_classes(self.review.index.numbers(self.review.correctable.objects))
        layer = Labels(
            self._classed(objects),
            name=CLASS_LAYER,
            opacity=0.35,
            colormap=_few_colours(chosen),
            **place,
        )
        layer.editable = False
        self._show(layer)
        # below the outlines
        self.viewer.layers.move(self.viewer.layers.index(layer), len(self.viewer.layers) - 2)
        return layer

    def _show(self, layer: Layer) -> None:
        self.own.append(self.viewer.add_layer(layer))

    def class_of(self, number: int) -> int | None:
        """Give an object's class: the reader's, else the program's, else None."""
        return self.review.state.classes.get(number, self.program.get(number))

    def _classed(self, numbers: np.ndarray) -> np.ndarray:
        """Class plus 1 of every pixel; 0 beside objects and where the class isn't known yet."""
        if self.review.index.highest >= len(self._class_table):
            grown = np.zeros(2 * self.review.index.highest + 2, np.uint8)
            grown[: len(self._class_table)] = self._class_table
            self._class_table = grown
        return self._class_table[numbers]

    def _note_classes(self, numbers: Iterable[int]) -> None:
        """Take over the classes of some objects into the table that pictures are made from."""
        self._classed(np.zeros(1, int))  # makes the table large enough
        for number in numbers:
            value = self.class_of(number)
            self._class_table[number] = 0 if value is None else value + 1

    def follow(self, change: Change) -> None:
        """Show what an act changed; only its pixels are drawn anew."""
        if NOT_ASSESSABLE in change.labels:
            has_marks = self.review.index.total(NOT_ASSESSABLE) > 0
            self.labels[NOT_ASSESSABLE].visible = has_marks
        for what, pixels in change.labels.items():
            self._set(self.labels[what], pixels.indices, pixels.after)
        objects = self.review.correctable.objects
        self._note_classes(change.objects())
        if objects in change.labels:
            self._set_classes(change.labels[objects].indices)
        for number in change.classes:
            if self.review.index.area(objects, number):
                window = self.review.index.window(objects, number)
                rows, columns = np.nonzero(self.review.index.mask(objects, number, window))
                width = self.review.index.shape[1]
                flat = (rows + window[0].start) * width + columns + window[1].start
                self._set_classes(flat)

    def _set_classes(self, indices: np.ndarray) -> None:
        if self.class_layer is None:
            return
        objects = self.review.state.labels[self.review.correctable.objects]
        numbers = objects.reshape(-1)[indices]
        self._set(self.class_layer, indices, self._classed(numbers))

    def measured(self, classes: Mapping[int, int]) -> None:
        """Take over the classes that measuring gave to objects drawn anew."""
        self.program = dict(classes)
        if self.class_layer is None:
            return
        objects = self.review.state.labels[self.review.correctable.objects]
        self._note_classes(self.review.index.numbers(self.review.correctable.objects))
        after = self._classed(objects)
        places = np.flatnonzero(after != self.class_layer.data)
        self._set(self.class_layer, places, after.reshape(-1)[places])

    def _set(self, layer: Labels, indices: np.ndarray, values: np.ndarray) -> None:
        if not len(indices):
            return
        self._follows = True
        try:
            places = np.unravel_index(indices, layer.data.shape)
            layer.data_setitem(places, np.asarray(values, layer.data.dtype))
        finally:
            self._follows = False

    def _painted(self, what: str) -> None:
        """The reader's brush changed the layer: the model decides what becomes of it."""
        if self._follows or self.on_paint is None:
            return
        layer = self.labels[what]
        self.on_paint(what, layer.data)
        held = self.review.state.labels[what]
        places = np.flatnonzero(layer.data != held)
        self._set(layer, places, held.reshape(-1)[places])

    def show_stroke(self, points: list[tuple[float, float]]) -> None:
        """Show what is being drawn; nothing when empty."""
        self.stroke.data = np.array(points, float).reshape(-1, 2)

    def close(self) -> None:
        """Take the layers away."""
        self.review.changed.disconnect(self.follow)
        for layer in self.own:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)


def _shown(opened: OpenImage, name: str) -> list[LayerData]:
    """Give the image's layers; of a whole slide its pyramid, where the file has one."""
    image = replace(opened.image, um_per_px=opened.um_per_px)
    if isinstance(image, SlideImage):
        levels = lazy_levels(opened.item.reference)
        if levels is not None:
            return [slide_layer(levels, image, name)]
    return image_layers(image, name)


def _sheets(opened: OpenImage) -> list[LayerData]:
    """Give what was found on a whole slide: outlines to look at, read as they come into sight."""
    if not isinstance(opened.image, SlideImage):
        return []
    place = placed_under(replace(opened.image, um_per_px=opened.um_per_px))
    look = {"colormap": _few_colours(_OBJECTS), "opacity": 0.8, **place}
    held = {name: label_levels(file) for name, file in opened.sheets.items()}
    return [label_layer(levels, name, look) for name, levels in held.items() if len(levels) > 1]


def _few_colours(colours: Sequence[str]) -> CyclicLabelColormap:
    """Give label 1 the first colour, 2 the second, …, and nothing to 0.

    napari's map from labels to colours one by one is compiled anew in every session, which takes
    seconds.
    """
    return CyclicLabelColormap(colors=transform_color(["transparent", *colours]))
