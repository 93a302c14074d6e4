"""Corrections: each gives the change that it makes, and makes nothing itself."""

from collections.abc import Callable, Sequence

import numpy as np
from skimage import segmentation

from ..imgproc.cells import expand_cells
from ..imgproc.corrected import NOT_ASSESSABLE
from ..imgproc.label_shapes import (
    Points,
    Window,
    cut_by_line,
    cut_by_seeds,
    disc,
    polygon,
    stroke,
    window_around,
)
from ..pipeline.assay import Correctable
from ..pipeline.pixel_change import PixelChange
from ..pipeline.review_state import Change, ReviewState, Verdict
from .label_index import LabelIndex


class EditError(ValueError):
    """A correction that can't be made; the message says why and what to do."""


class Editor:
    """Makes changes from what a reader does to one image.

    Parameters
    ----------
    state : ReviewState
        The image as it is now; read, never written.
    index : LabelIndex
        Of its label images.
    correctable : Correctable
        What may be corrected.
    cell_distance_px : float
        How far a cell reaches beyond its nucleus, where cells are grown from nuclei.
    """

    def __init__(
        self,
        state: ReviewState,
        index: LabelIndex,
        correctable: Correctable,
        *,
        cell_distance_px: float = 0.0,
    ) -> None:
        self.state = state
        self.index = index
        self.correctable = correctable
        self.cell_distance_px = cell_distance_px

    @property
    def objects(self) -> np.ndarray:
        """The label image of what is counted."""
        return self.state.labels[self.correctable.objects]

    def number_at(self, y: float, x: float) -> int:
        """Give the object (or else the cell) at a place; 0 where there is none."""
        row, column = round(y), round(x)
        if not (0 <= row < self.objects.shape[0] and 0 <= column < self.objects.shape[1]):
            return 0
        number = int(self.objects[row, column])
        if not number and self.correctable.grown:
            number = int(self.state.labels[self.correctable.grown][row, column])
        return number

    def typical_radius(self) -> float:
        """Radius of the median object, in pixels."""
        what = self.correctable.objects
        areas = [self.index.area(what, n) for n in self.index.numbers(what)]
        return float(np.sqrt(np.median(areas) / np.pi)) if areas else 6.0

    # ---- objects

    def add(self, y: float, x: float, radius: float | None = None) -> Change:
        """Add an object: a disc of the typical size, or of the radius that was dragged."""
        window, mask = disc(self.objects.shape, y, x, radius or self.typical_radius())
        after = self.objects[window].copy()
        free = mask & (after == 0)
        if not free.any():
            raise EditError("There is an object already. Click on free ground, or split this one.")
        number = self.index.highest + 1
        after[free] = number
        return self._with_cells(window, after, [number])

    def delete(self, numbers: Sequence[int]) -> Change:
        """Delete objects, with their cells."""
        self._must_exist(numbers)
        labels = {what: self._replaced(what, numbers, 0) for what in self._pair()}
        return Change(labels, self._forgotten(numbers))

    def merge(self, numbers: Sequence[int]) -> Change:
        """Make several objects one, under the number of the largest."""
        distinct = list(dict.fromkeys(numbers))
        self._must_exist(distinct)
        if len(distinct) < 2:
            raise EditError("Merging needs two objects or more. Drag from one over the next.")
        what = self.correctable.objects
        kept = max(distinct, key=lambda n: self.index.area(what, n))
        others = [n for n in distinct if n != kept]
        labels = {name: self._replaced(name, others, kept) for name in self._pair()}
        return Change(labels, self._forgotten(others))

    def split_by_line(self, points: Points) -> Change:
        """Cut the object that a line crosses most."""
        rows, columns = stroke(self.objects.shape, points)
        under = self.objects[rows, columns]
        if not under.any():
            raise EditError("The line crosses no object. Draw it across the one to split.")
        number = int(np.bincount(under[under > 0]).argmax())
        return self._split(number, points, cut_by_line)

    def split_by_seeds(self, seeds: Points) -> Change:
        """Cut the object under the first seed into one part a seed."""
        numbers = [int(n) for n in self._under(seeds)]
        if not numbers or not numbers[0]:
            raise EditError("The first seed lies on no object. Click into each part to be.")
        if numbers.count(numbers[0]) < 2:
            raise EditError("Splitting needs two seeds or more in one object.")
        return self._split(numbers[0], seeds, cut_by_seeds)

    def redraw(self, what: str, number: int, points: Points) -> Change:
        """Give an object (or a cell) the outline that was drawn; others keep their pixels."""
        self._must_exist([number])
        window, inside = polygon(self.objects.shape, points)
        window, inside = _grown_window(window, inside, self.index.window(what, number))
        before = self.state.labels[what][window]
        after = np.where(before == number, 0, before)
        after[inside & (after == 0)] = number
        if not (after == number).any():
            raise EditError("Nothing is left of the object in this outline. Draw around it.")
        if what == self.correctable.objects:
            return self._with_cells(window, after, [], grow=False)
        if what == self.correctable.grown:
            return Change({what: self._around_nuclei(window, after)})
        return Change({what: PixelChange.of_window(self.state.labels[what], window, after)})

    def painted(self, what: str, after: np.ndarray) -> Change:
        """Take over what was painted with the viewer's own brush on a copy of a label image."""
        before = self.state.labels[what]
        rows, columns = np.nonzero(before != after)
        if not len(rows):
            return Change()
        window = window_around(before.shape, (rows.min(), columns.min(), rows.max(), columns.max()))
        wanted = np.ascontiguousarray(after[window], np.int32)
        if what == self.correctable.objects:
            return self._with_cells(window, wanted, [], grow=False)
        if what == self.correctable.grown:
            return Change({what: self._around_nuclei(window, wanted)})
        return Change({what: PixelChange.of_window(before, window, wanted)})

    def reclassify(self, numbers: Sequence[int], value: int | None) -> Change:
        """Give objects a class; None leaves them to the program again."""
        names = self.correctable.classes
        if not names:
            raise EditError("Objects of this method have no class.")
        if value is not None and not 0 <= value < len(names):
            raise EditError(f"The classes are 0 to {len(names) - 1}: {', '.join(names)}.")
        self._must_exist(numbers)
        return Change({}, {n: (self.state.classes.get(n), value) for n in numbers})

    # ---- regions and the image

    def mark_unassessable(self, points: Points, *, clear: bool = False) -> Change:
        """Mark a region as not assessable, or take the mark off."""
        window, inside = polygon(self.objects.shape, points)
        before = self.state.labels[NOT_ASSESSABLE]
        after = np.where(inside, 0 if clear else 1, before[window]).astype(np.int32)
        return Change({NOT_ASSESSABLE: PixelChange.of_window(before, window, after)})

    def move_boundary(self, points: Points) -> Change:
        """Move the boundary of a lobe: from inside it outwards to widen it, from outside to cut.

        A stroke that begins in a lobe adds what it encloses to that lobe; one that begins beside
        all lobes takes what it encloses from them.
        """
        what = self.correctable.regions
        if what is None:
            raise EditError("This method has no regions whose boundary could be moved.")
        before = self.state.labels[what]
        window, inside = polygon(before.shape, points)
        own = int(before[round(points[0][0]), round(points[0][1])])
        after = before[window].copy()
        after[inside & (after == 0) if own else inside] = own
        return Change({what: PixelChange.of_window(before, window, after)})

    def judge(self, verdict: Verdict) -> Change:
        """Accept or reject the image, or open it again."""
        if verdict.status == "rejected" and not verdict.reason.strip():
            raise EditError("Rejecting an image needs a reason.")
        return Change(verdict=(self.state.verdict, verdict))

    # ---- parts

    def _pair(self) -> list[str]:
        return [n for n in (self.correctable.objects, self.correctable.grown) if n is not None]

    def _under(self, points: Points) -> list[int]:
        height, width = self.objects.shape
        return [
            int(self.objects[round(y), round(x)])
            if 0 <= round(y) < height and 0 <= round(x) < width
            else 0
            for y, x in points
        ]

    def _must_exist(self, numbers: Sequence[int]) -> None:
        known = [n for what in self._pair() for n in numbers if self.index.area(what, n)]
        regions = self.correctable.regions
        if regions:
            known += [n for n in numbers if self.index.area(regions, n)]
        if not numbers or set(numbers) - set(known):
            raise EditError("There is no object here. Point at one.")

    def _replaced(self, what: str, numbers: Sequence[int], by: int) -> PixelChange:
        """Change all pixels of some objects."""
        parts = []
        for number in numbers:
            if not self.index.area(what, number):
                continue
            window = self.index.window(what, number)
            before = self.state.labels[what]
            after = np.where(before[window] == number, by, before[window])
            parts.append(PixelChange.of_window(before, window, after).runs)
        runs = np.concatenate(parts) if parts else np.zeros((0, 4), np.int64)
        return PixelChange(runs[np.argsort(runs[:, 0], kind="stable")])

    def _forgotten(self, numbers: Sequence[int]) -> dict[int, tuple[int | None, int | None]]:
        """Take the reader's classes off objects that go."""
        held = self.state.classes
        return {n: (held[n], None) for n in numbers if n in held}

    def _split(
        self, number: int, points: Points, cut: Callable[[np.ndarray, Points], np.ndarray]
    ) -> Change:
        what = self.correctable.objects
        window = self.index.window(what, number)
        mask = self.index.mask(what, number, window)
        local = [(y - window[0].start, x - window[1].start) for y, x in points]
        parts = cut(mask, local)
        count = int(parts.max())
        if count < 2:
            raise EditError("The object stays in one piece. Draw the line all the way across it.")
        names = np.array([0, number, *(self.index.highest + k for k in range(1, count))], np.int32)
        after = np.where(mask, names[parts], self.objects[window])
        labels = {what: PixelChange.of_window(self.objects, window, after)}
        if self.correctable.grown:
            grown = self.state.labels[self.correctable.grown]
            if self.index.area(self.correctable.grown, number):
                labels[self.correctable.grown] = self._split_cell(
                    number, grown, names, window, parts
                )
        given = self.state.classes.get(number)
        new = [int(n) for n in names[2:]]
        classes = {} if given is None else {n: (self.state.classes.get(n), given) for n in new}
        return Change(labels, classes)

    def _split_cell(
        self, number: int, grown: np.ndarray, names: np.ndarray, nuclear: Window, parts: np.ndarray
    ) -> PixelChange:
        """Give each pixel of a cell to the nearest part of its nucleus."""
        window = self.index.window(str(self.correctable.grown), number)
        window = _union(window, nuclear)
        seeds = np.zeros(grown[window].shape, np.int32)
        seeds[_within(nuclear, window)] = parts
        cell = grown[window] == number
        nearest = segmentation.expand_labels(seeds, float(sum(seeds.shape)))
        after = np.where(cell, names[nearest], grown[window])
        return PixelChange.of_window(grown, window, after)

    def _with_cells(
        self, window: Window, after: np.ndarray, new: Sequence[int], *, grow: bool = True
    ) -> Change:
        """Change nuclei, and let their cells hold them; new ones grow cells of their own."""
        what = self.correctable.objects
        labels = {what: PixelChange.of_window(self.objects, window, after)}
        if self.correctable.grown is None:
            return Change(labels)
        grown = self.state.labels[self.correctable.grown]
        margin = int(np.ceil(2 * self.cell_distance_px)) + 2 if grow else 0
        wide = (
            slice(max(0, window[0].start - margin), min(grown.shape[0], window[0].stop + margin)),
            slice(max(0, window[1].start - margin), min(grown.shape[1], window[1].stop + margin)),
        )
        nuclei = self.objects[wide].copy()
        nuclei[_within(window, wide)] = after
        cells = np.where(nuclei > 0, nuclei, grown[wide])
        if grow and new:
            reach = expand_cells(nuclei, self.cell_distance_px)
            inside = np.isin(reach, new) & (nuclei == 0)
            if self.correctable.regions:
                inside &= self.state.labels[self.correctable.regions][wide] > 0
            cells[inside] = reach[inside]
        gone = set(np.unique(self.objects[window]).tolist()) - set(np.unique(after).tolist()) - {0}
        lost = [n for n in gone if self._is_all_in(what, n, window)]
        labels[self.correctable.grown] = PixelChange.of_window(grown, wide, cells)
        change = Change(labels)
        return self._without_cells(change, lost) if lost else change

    def _is_all_in(self, what: str, number: int, window: Window) -> bool:
        """Whether an object has no pixel outside a window."""
        return self.index.area(what, number) == int((self.objects[window] == number).sum())

    def _without_cells(self, change: Change, lost: Sequence[int]) -> Change:
        """Take the cells of nuclei that were painted over away as well."""
        grown = str(self.correctable.grown)
        pixels = change.labels[grown]
        own = self._replaced(grown, lost, 0)
        fresh = ~np.isin(own.indices, pixels.indices)
        joined = PixelChange.of_pixels(
            np.concatenate([pixels.indices, own.indices[fresh]]),
            np.concatenate([pixels.before, own.before[fresh]]),
            np.concatenate([pixels.after, own.after[fresh]]),
        )
        return Change({**change.labels, grown: joined}, self._forgotten(lost))

    def _around_nuclei(self, window: Window, wanted: np.ndarray) -> PixelChange:
        """Change cells; each keeps its nucleus, and none comes without one."""
        grown = self.state.labels[str(self.correctable.grown)]
        nuclei = self.objects[window]
        known = [0, *(n for n in np.unique(wanted) if self.index.area(self.correctable.objects, n))]
        held = np.where(np.isin(wanted, known), wanted, grown[window])
        after = np.where(nuclei > 0, nuclei, held)
        return PixelChange.of_window(grown, window, after)


def _union(one: Window, other: Window) -> Window:
    return (
        slice(min(one[0].start, other[0].start), max(one[0].stop, other[0].stop)),
        slice(min(one[1].start, other[1].start), max(one[1].stop, other[1].stop)),
    )


def _within(inner: Window, outer: Window) -> Window:
    """Give a window in the coordinates of a larger one."""
    return (
        slice(inner[0].start - outer[0].start, inner[0].stop - outer[0].start),
        slice(inner[1].start - outer[1].start, inner[1].stop - outer[1].start),
    )


def _grown_window(window: Window, inside: np.ndarray, other: Window) -> tuple[Window, np.ndarray]:
    """Widen a window and its mask so that they hold another window too."""
    wide = _union(window, other)
    mask = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), bool)
    mask[_within(window, wide)] = inside
    return wide, mask
