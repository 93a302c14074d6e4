"""Wires a session to a viewer: images in and out, keys, the mouse, live numbers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from napari import Viewer
from napari.qt.threading import create_worker
from psygnal import Signal
from qtpy.QtCore import QTimer

from ..imgproc.errors import MeasurementError
from ..pipeline.errors import InputError, StudyError
from ..pipeline.review_items import ReviewStudy
from ..pipeline.review_state import Change, Verdict
from ._review_layers import ReviewLayers
from .edits import EditError
from .numbers import QuickNumbers, exact_numbers, program_classes, quick_numbers
from .session import OpenImage, Session
from .tools import BRUSH_KEY, CLASS_KEYS, Toolbox, tools_for

MEASURE_PAUSE_MS = 400
"""Measuring waits until the reader pauses this long, so that it never holds up a correction."""


class ReviewController:
    """One session in one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the images are shown.
    session : Session
        The reader's.
    """

    opened = Signal(object)
    """The image on the screen, once its layers are there."""
    said = Signal(str)
    """What the reader should know; empty text takes the last message away."""
    counted = Signal(object)
    """`QuickNumbers` after each act; None while they stay hidden."""
    measured = Signal(dict)
    """Features as the next run will have them, some time after the last act."""
    tool_changed = Signal(str)
    """Name of the tool that is on; empty for none."""

    def __init__(self, viewer: Viewer, session: Session) -> None:
        self.viewer, self.session = viewer, session
        self.layers: ReviewLayers | None = None
        self.toolbox: Toolbox | None = None
        self.reject_reason: Callable[[], tuple[str, str]] = lambda: ("", "")
        self._pointer: tuple[float, float] | None = None
        self._worker: Any = None
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(MEASURE_PAUSE_MS)
        self._timer.timeout.connect(self._measure)
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.mouse_move_callbacks.append(self._move)

    def say(self, text: str) -> None:
        """Tell the reader something; a blinded one without the names of images."""
        self.said.emit(self.session.words(text))

    # ---- images

    def open(self, place: int) -> None:
        """Load an image of the queue in a thread, then show it."""
        self.say("")
        if self._worker is not None:
            return
        self._worker = create_worker(
            self._load, place, _start_thread=False, _progress={"desc": "opening the image"}
        )
        self._worker.returned.connect(self._loaded)
        self._worker.start()

    def _load(self, place: int) -> tuple[OpenImage, dict[int, int]] | str:
        """Load without touching the window; a fault of the input comes back as its text."""
        try:
            opened = self.session.load(place)
            return opened, program_classes(self.session.study, opened)
        except KeyError as error:
            return f"The results lack {error}: another version made them. Run the study again."
        except (InputError, MeasurementError, ValueError, OSError) as error:
            return str(error)

    def _loaded(self, result: tuple[OpenImage, dict[int, int]] | str) -> None:
        self._worker = None
        if isinstance(result, str):
            asked = self.session.title(self.session.asked)
            self.say(f"Not opened: {asked}. {result}")
            return
        opened, classes = result
        try:
            self.session.show(opened)
        except StudyError as error:
            self.say(str(error))
            return
        if self.layers is not None:
            self.layers.close()
        name = "image" if self.session.is_blinded else opened.item.sample.image
        self.layers = ReviewLayers(self.viewer, opened, classes, name)
        self.layers.on_paint = self._painted
        self.toolbox = Toolbox(opened.review, self.layers.class_of)
        for layer in self.layers.labels.values():
            layer.on_undo, layer.on_redo = self.undo, self.redo
        self._bind_keys()
        opened.review.changed.connect(self._changed)
        self.viewer.title = self.session.title(self.session.position)
        self.tool_changed.emit("")
        self.opened.emit(opened)
        self.say("\n".join(self._warnings(opened)))
        self._count()
        self._timer.start()

    def _warnings(self, opened: OpenImage) -> list[str]:
        messages = list(opened.review.messages)
        if opened.review.is_stale:
            messages.append(
                "The image or its options changed since this review. Look at it, then carry it "
                "over, or the next run won't use it."
            )
        return messages

    def next(self) -> None:
        """Open the next image of the queue; one that can't be opened doesn't hold it up."""
        self.open((self.session.asked + 1) % len(self.session.items))

    def previous(self) -> None:
        """Open the image before."""
        self.open((self.session.asked - 1) % len(self.session.items))

    def next_to_do(self) -> None:
        """Open the next image that isn't judged yet."""
        place = self.session.next_to_do(self.session.asked)
        if place is None:
            self.say("Every image of the queue is accepted or rejected.")
        elif place != self.session.position:
            self.open(place)

    def accept(self) -> None:
        """Accept the image and go on."""
        if self._judge(Verdict("accepted", note=self.reject_reason()[1])):
            self.next_to_do()

    def reject(self) -> None:
        """Reject the image for the reason that is chosen, and go on."""
        reason, note = self.reject_reason()
        if self._judge(Verdict("rejected", reason, note)):
            self.next_to_do()

    def _judge(self, verdict: Verdict) -> bool:
        current = self.session.current
        if current is None:
            return False
        review = current.review
        return self._try(
            partial(_done, lambda: review.do(verdict.status, review.edit.judge(verdict)))
        )

    def carry_over(self) -> None:
        """Say that the review is good for the image as it is now."""
        current = self.session.current
        if current is not None:
            self._try(partial(_done, current.review.carry_over))

    def unblind(self) -> None:
        """Show names and earlier counts from now on; the log says when."""
        try:
            self.session.unblind()
        except StudyError as error:
            self.say(str(error))
            return
        self._count()
        current = self.session.current
        if current is not None:
            self.viewer.title = self.session.title(self.session.position)
            if self.layers is not None:
                self.layers.rename(current.item.sample.image)

    def look_at(self, y: float, x: float) -> None:
        """Bring a place of the image into the middle."""
        if self.layers is not None:
            what = self.layers.labels[self.layers.review.correctable.objects]
            world = what.data_to_world((y, x))
            self.viewer.camera.center = (0.0, float(world[-2]), float(world[-1]))

    # ---- acts

    def undo(self) -> None:
        """Take the last act back."""
        if self.session.current is not None:
            self._try(self.session.current.review.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Make it again."""
        if self.session.current is not None:
            self._try(self.session.current.review.redo, "There is nothing to redo.")

    def press(self, name: str) -> None:
        """Take a tool up or put it down, or use it where the pointer is."""
        if self.toolbox is None:
            return
        toolbox = self.toolbox
        self._try(partial(_done, lambda: toolbox.press(name, self._pointer)))
        self._show_tool()

    def classify(self, value: int) -> None:
        """Give the object under the pointer a class."""
        if self.toolbox is not None:
            toolbox = self.toolbox
            self._try(lambda: toolbox.classify(value, self._pointer))

    def brush(self) -> None:
        """Paint with napari's brush on the object under the pointer; again to stop."""
        if self.layers is None or self.toolbox is None:
            return
        layer = self.viewer.layers.selection.active
        if layer not in self.layers.labels.values():
            layer = self.layers.labels[self.layers.review.correctable.objects]
            self.viewer.layers.selection.active = layer
        if layer.mode == "paint":
            layer.mode = "pan_zoom"
            return
        self.toolbox.off()
        self._show_tool()
        number = 0
        if self._pointer is not None:
            row, column = (round(v) for v in self._pointer)
            if 0 <= row < layer.data.shape[0] and 0 <= column < layer.data.shape[1]:
                number = int(layer.data[row, column])
        layer.selected_label = number or self.layers.review.index.highest + 1
        layer.mode = "paint"

    def _painted(self, what: str, after: np.ndarray) -> None:
        current = self.session.current
        if current is not None:
            review = current.review
            self._try(lambda: review.do("paint", review.edit.painted(what, after)))

    def _try(self, act: Callable[[], Any], otherwise: str = "") -> bool:
        """Do something; what can't be done is said, and nothing has changed then."""
        try:
            done = bool(act())
        except EditError as error:
            self.say(str(error))
            return False
        except (OSError, ValueError) as error:
            self.say(f"This could not be written, and was not done: {error}")
            return False
        self.say("" if done else otherwise)
        return done

    def _changed(self, change: Change) -> None:
        if self.session.current is None:
            return
        self._count()
        self._timer.start()
        error = self.session.current.review.save_error
        if error is not None:
            self.say(f"The label images can't be written ({error}); the log has every act.")

    # ---- numbers

    def _count(self) -> None:
        if self.layers is None:
            return
        self.counted.emit(self.numbers())

    def numbers(self) -> QuickNumbers | None:
        """Give the image's numbers; None while a blinded reader hasn't done anything yet."""
        if self.layers is None or (self.session.is_blinded and not self._has_acted()):
            return None
        return quick_numbers(self.layers.review, self.layers.program)

    def _has_acted(self) -> bool:
        return self.session.current is not None and bool(self.session.current.review.history.done)

    def _measure(self) -> None:
        """Measure the labels as they are now, in a thread; a later act starts it again."""
        current = self.session.current
        if current is None or self._worker is not None or not self._has_acted():
            return
        if current.is_slide:  # takes minutes: left to the next run
            return
        labels = {name: held.copy() for name, held in current.review.state.labels.items()}
        classes = dict(current.review.state.classes)
        acts = len(current.review.log.records)
        worker = create_worker(
            partial(_measured, self.session.study, current, labels, classes),
            _start_thread=False,
            _progress={"desc": "measuring"},
        )
        worker.returned.connect(partial(self._after_measuring, current, acts))
        worker.start()

    def _after_measuring(
        self, current: OpenImage, acts: int, result: tuple[dict[str, float], dict[int, int]] | str
    ) -> None:
        if isinstance(result, str):
            self.say(result)
            return
        still = self.session.current is current and self.layers is not None
        if not still or acts != len(current.review.log.records):
            return  # the reader has gone on; the next measuring is on its way
        features, classes = result
        if self.layers is not None:
            self.layers.measured(classes)
        self._count()
        self.measured.emit(features)

    # ---- keys and the mouse

    def _bind_keys(self) -> None:
        """Bind the keys to the review's own layers, so that no other layer loses a key."""
        if self.layers is None:
            return
        acts: dict[str, Callable[[], None]] = {
            BRUSH_KEY: self.brush,
            "U": self.undo,
            "Shift-U": self.redo,
            "G": self.accept,
            "W": self.reject,
            ".": self.next,
            ",": self.previous,
        }
        for tool in tools_for(self.layers.review):
            acts[tool.key] = partial(self.press, tool.name)
        for value, key in enumerate(CLASS_KEYS[: len(self.layers.review.correctable.classes)]):
            acts[key] = partial(self.classify, value)
        for layer in self.layers.own:
            for key, act in acts.items():
                layer.bind_key(key, _on_layer(act), overwrite=True)

    def _show_tool(self) -> None:
        """Let the mouse draw while a tool is on, and move the picture while none is."""
        if self.toolbox is None or self.layers is None:
            return
        active = self.toolbox.active
        for layer in self.layers.own:
            if active is not None:
                layer.mode = "pan_zoom"
            layer.mouse_pan = active is None
        self.layers.show_stroke(self.toolbox.seeds)
        self.tool_changed.emit(active.name if active else "")

    def _place(self, event: Any) -> tuple[float, float]:
        """Give the event's place in the image's pixels."""
        layers = self.layers
        if layers is None:
            raise ValueError("no image is open")
        what = layers.labels[layers.review.correctable.objects]
        y, x = what.world_to_data(event.position)[-2:]
        return float(y), float(x)

    def _move(self, viewer: Viewer, event: Any) -> None:
        if self.layers is not None:
            self._pointer = self._place(event)

    def _drag(self, viewer: Viewer, event: Any) -> Iterator[None]:
        """Gather what is drawn while a tool is on, and act when the button is let go."""
        if self.layers is None or self.toolbox is None:
            return
        self._pointer = self._place(event)
        if self.toolbox.active is None or event.button != 1:
            return
        layers, toolbox = self.layers, self.toolbox
        points = [self._pointer]
        yield
        while event.type == "mouse_move":
            points.append(self._place(event))
            layers.show_stroke([*toolbox.seeds, *points])
            yield
        self._try(partial(_done, lambda: toolbox.dragged(points)))
        layers.show_stroke(toolbox.seeds)

    def close(self) -> None:
        """Write what is left, and take the layers away."""
        self._timer.stop()
        if self.layers is not None:
            self.layers.close()
            self.layers = None
        for callbacks, own in (
            (self.viewer.mouse_drag_callbacks, self._drag),
            (self.viewer.mouse_move_callbacks, self._move),
        ):
            if own in callbacks:
                callbacks.remove(own)
        self.session.close()


def _measured(
    study: ReviewStudy, current: OpenImage, labels: dict[str, np.ndarray], classes: dict[int, int]
) -> tuple[dict[str, float], dict[int, int]] | str:
    """Measure as the next run will; what can't be measured comes back as its text."""
    try:
        return exact_numbers(study, current, labels, classes)
    except (InputError, MeasurementError, ValueError, OSError) as error:
        return f"Not measured: {error}"


def _done(act: Callable[[], object]) -> bool:
    """Do something that is done when it doesn't raise."""
    act()
    return True


def _on_layer(act: Callable[[], None]) -> Callable[[object], None]:
    """Give what napari calls for a key, which it gives the layer; it has to be a function."""

    def pressed(layer: object) -> None:
        act()

    return pressed
