"""Settling the differences of two readers: what only one of them has, and who is right."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..imgproc.matching import match_objects
from ..pipeline.errors import InputError
from ..pipeline.pixel_change import PixelChange
from ..pipeline.review_folder import ImageFacts
from ..pipeline.review_state import Change, ReviewState
from .edits import Editor
from .image_review import ImageReview


@dataclass(frozen=True)
class Difference:
    """One thing that two readers see differently.

    Attributes
    ----------
    kind : str
        ``only_first``, ``only_second`` or ``class``.
    first, second : int
        The object's number with each reader; 0 where a reader doesn't have it.
    y, x : float
        Where it is, in pixels.
    """

    kind: str
    first: int
    second: int
    y: float
    x: float


def settled_labels(labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the label images that settling begins from: copies of the first reader's."""
    return {name: held.copy() for name, held in labels.items()}


def must_settle_alone(facts: ImageFacts, reader: str, settles: tuple[str, ...]) -> None:
    """Refuse to settle in a review that began from anything but these two readers' work.

    Differences are told by the numbers of the first reader's objects: in labels that began from
    others, the same numbers are other objects.

    Raises
    ------
    InputError
        If it began as the reader's own reading, or settles other readers.
    """
    if tuple(facts.settles) == settles:
        return
    if not facts.settles:
        reason = f"{reader} has read it, and who settles must not have a reading of their own"
        remedy = f"settle it under another name, as: --reader {reader}-settles"
    else:
        reason = f"{reader} settles {' and '.join(facts.settles)} on it already"
        remedy = f"give --settle {','.join(facts.settles)}, or another name with --reader"
    raise InputError("the image", reason, remedy)


def differences(
    first: ReviewState, second: ReviewState, objects: str, program: Mapping[int, int] | None = None
) -> list[Difference]:
    """List what two readers see differently in one image, from top to bottom.

    Parameters
    ----------
    first, second : ReviewState
        As each reader left the image.
    objects : str
        The label image of what is counted.
    program : mapping of int to int, optional
        The program's classes, which stand where a reader gave none.
    """
    program = program or {}
    one, other = first.labels[objects], second.labels[objects]
    found = []
    for a, b, _ in match_objects(one, other).itertuples(index=False):
        classes = [state.classes.get(n, program.get(n)) for state, n in ((first, a), (second, b))]
        if a and b and classes[0] == classes[1]:
            continue
        kind = "class" if a and b else "only_first" if a else "only_second"
        rows, columns = np.nonzero(one == a if a else other == b)
        found.append(Difference(kind, a, b, float(rows.mean()), float(columns.mean())))
    return sorted(found, key=lambda d: (d.y, d.x))


def take_second(
    editor: Editor, difference: Difference, second: ReviewState, objects: str
) -> Change:
    """Give the change that follows the second reader in one difference.

    The review that settles begins from the first reader's labels: following the first changes
    nothing.
    """
    if difference.kind == "only_first":
        return editor.delete([difference.first])
    if difference.kind == "class":
        return editor.reclassify([difference.first], second.classes.get(difference.second))
    number = editor.index.highest + 1
    labels = {}
    for what in (objects, editor.correctable.grown):
        if what is None:
            continue
        before = editor.state.labels[what]
        places = np.flatnonzero((second.labels[what] == difference.second) & (before == 0))
        labels[what] = PixelChange.of_pixels(
            places, np.zeros(len(places), int), np.full(len(places), number)
        )
    value = second.classes.get(difference.second)
    return Change(labels, {} if value is None else {number: (None, value)})


def settle(
    review: ImageReview, difference: Difference, second: ReviewState, *, follow: str
) -> bool:
    """Decide one difference for the first or the second reader; the log says for whom."""
    objects = review.correctable.objects
    seen = {"kind": difference.kind, "first": difference.first, "second": difference.second}
    if follow == "second":
        change = take_second(review.edit, difference, second, objects)
        return review.do("settle_second", change, **seen)
    review.note("settle_first", **seen)
    return False
