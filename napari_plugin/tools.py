"""What keys and the mouse do in review, as a model: gestures in, acts on the image out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..imgproc.label_shapes import Points
from ..pipeline.review_state import Change
from .edits import EditError
from .image_review import ImageReview

Gesture = Literal["here", "drag", "seeds"]


@dataclass(frozen=True)
class Tool:
    """One correction a reader can make.

    Attributes
    ----------
    name : str
        Its action in the log.
    key : str
        Its key, as napari writes keys.
    title : str
        On the button.
    help : str
        What to do with the mouse.
    gesture : {"here", "drag", "seeds"}
        Acts at the pointer at once; on what is dragged while the tool is on; or on what was
        clicked, when the key is pressed again.
    """

    name: str
    key: str
    title: str
    help: str
    gesture: Gesture


TOOLS = (
    Tool("add", "A", "Add", "click for the usual size, or drag from the middle out", "drag"),
    Tool("delete", "D", "Delete", "deletes the object under the pointer", "here"),
    Tool("merge", "J", "Join", "drag over the objects that are one", "drag"),
    Tool("split", "S", "Split by line", "drag all the way across the object", "drag"),
    Tool("split_seeds", "K", "Split by seeds", "click each part, then press K again", "seeds"),
    Tool("redraw", "R", "Redraw", "begin in the object and drag its new outline", "drag"),
    Tool("boundary", "H", "Boundary", "of lobe or tissue: drag out from inside, or cut in", "drag"),
    Tool("not_assessable", "I", "Not assessable", "drag around it; again in it to clear", "drag"),
    Tool("reclassify", "T", "Next class", "of the object under the pointer", "here"),
)
CLASS_KEYS = ("Alt-0", "Alt-1", "Alt-2", "Alt-3")
BRUSH_KEY = "Q"
OTHER_KEYS = {
    BRUSH_KEY: "Paint with napari's brush on the object under the pointer; again to stop",
    "U": "Undo (as Ctrl-Z)",
    "Shift-U": "Redo (as Ctrl-Shift-Z)",
    "G": "Accept the image and go on",
    "W": "Reject the image, for the reason chosen above",
    ".": "Next image",
    ",": "Previous image",
}


def tool_named(name: str) -> Tool:
    """Give a tool by its name."""
    return next(tool for tool in TOOLS if tool.name == name)


def tools_for(review: ImageReview) -> list[Tool]:
    """Give the tools that make sense on an image."""
    out = set()
    if review.correctable.regions is None:
        out.add("boundary")
    if not review.correctable.classes:
        out.add("reclassify")
    return [tool for tool in TOOLS if tool.name not in out]


class Toolbox:
    """The tool that is on, and what it has gathered.

    Parameters
    ----------
    review : ImageReview
        The open image.
    class_of : callable
        Gives an object's class by its number: the reader's, else the program's, else None.
    """

    def __init__(self, review: ImageReview, class_of: Callable[[int], int | None]) -> None:
        self.review = review
        self.active: Tool | None = None
        self.seeds: list[tuple[float, float]] = []
        self._class_of = class_of

    def press(self, name: str, at: tuple[float, float] | None) -> bool:
        """A tool's key was pressed with the pointer at a place; True where something was done.

        Raises
        ------
        EditError
            If it can't be done there.
        """
        tool = tool_named(name)
        if tool.gesture == "here":
            return self._here(tool, at)
        if self.active is tool:
            seeds, self.seeds, self.active = self.seeds, [], None
            return bool(seeds) and self._do(tool, self.review.edit.split_by_seeds(seeds))
        self.active, self.seeds = tool, []
        return False

    def off(self) -> None:
        """Put the tool down."""
        self.active, self.seeds = None, []

    def classify(self, value: int, at: tuple[float, float] | None) -> bool:
        """Give the object under the pointer a class.

        Raises
        ------
        EditError
            If there is no object, or no such class.
        """
        number = self._number(at)
        return self._do(tool_named("reclassify"), self.review.edit.reclassify([number], value))

    def dragged(self, points: Points) -> bool:
        """The mouse was pressed, moved and released over these places with the tool on.

        Raises
        ------
        EditError
            If what was drawn can't be done.
        """
        tool, edit = self.active, self.review.edit
        if tool is None or not points:
            return False
        if tool.gesture == "seeds":
            self.seeds.append(points[0])
            return False
        acts: dict[str, Callable[[], Change]] = {
            "add": lambda: edit.add(*points[0], _length(points)),
            "merge": lambda: edit.merge(self._crossed(points)),
            "split": lambda: edit.split_by_line(points),
            "redraw": lambda: edit.redraw(
                self.review.correctable.objects, self._number(points[0]), points
            ),
            "boundary": lambda: edit.move_boundary(points),
            "not_assessable": lambda: edit.mark_unassessable(points, clear=self._marked(points[0])),
        }
        return self._do(tool, acts[tool.name]())

    def _here(self, tool: Tool, at: tuple[float, float] | None) -> bool:
        number = self._number(at)
        if tool.name == "delete":
            return self._do(tool, self.review.edit.delete([number]))
        count = len(self.review.correctable.classes)
        value = ((self._class_of(number) or 0) + 1) % max(count, 1)
        if self._class_of(number) is None:
            value = count - 1
        return self._do(tool, self.review.edit.reclassify([number], value))

    def _do(self, tool: Tool, change: Change) -> bool:
        if not self.review.do(tool.name, change):
            raise EditError(f"{tool.title}: nothing changes there. To do: {tool.help}.")
        return True

    def _number(self, at: tuple[float, float] | None) -> int:
        number = 0 if at is None else self.review.edit.number_at(*at)
        if not number:
            raise EditError("There is no object under the pointer.")
        return number

    def _crossed(self, points: Points) -> list[int]:
        from ..imgproc.label_shapes import stroke

        rows, columns = stroke(self.review.edit.objects.shape, points)
        under = self.review.edit.objects[rows, columns]
        return [int(n) for n in dict.fromkeys(under.tolist()) if n]

    def _marked(self, at: tuple[float, float]) -> bool:
        row, column = round(at[0]), round(at[1])
        marks = self.review.state.labels["not_assessable"]
        inside = 0 <= row < marks.shape[0] and 0 <= column < marks.shape[1]
        return inside and bool(marks[row, column])


def _length(points: Points) -> float | None:
    """Give the radius that was dragged; None for a click."""
    (y0, x0), (y1, x1) = points[0], points[-1]
    length = float(((y1 - y0) ** 2 + (x1 - x0) ** 2) ** 0.5)
    return length if length >= 1.5 else None
