"""A reader's state of one image: labels, classes, verdict; and the acts that change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from .pixel_change import PixelChange

Status = Literal["open", "accepted", "rejected"]
OPEN: Final = "open"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(frozen=True)
class Verdict:
    """What a reader thinks of an image as a whole.

    Attributes
    ----------
    status : {"open", "accepted", "rejected"}
        Open until the reader accepts or rejects it.
    reason : str
        Why it was rejected.
    note : str
        What the reader wants to be known.
    """

    status: Status = OPEN
    reason: str = ""
    note: str = ""

    def to_json(self) -> dict[str, str]:
        """Give the verdict as JSON."""
        return {"status": self.status, "reason": self.reason, "note": self.note}

    @classmethod
    def from_json(cls, held: Mapping[str, str]) -> "Verdict":
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            If the status is none of the three.
        """
        if held["status"] not in (OPEN, ACCEPTED, REJECTED):
            raise ValueError(f"{held['status']!r} is no status of a review")
        return cls(held["status"], held["reason"], held["note"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Change:
    """What one act changes, with what stood there before, so that it can be taken back.

    Attributes
    ----------
    labels : mapping of str to PixelChange
        By label image.
    classes : mapping of int to (int or None, int or None)
        The reader's class of an object before and after; None where the program's stands.
    verdict : (Verdict, Verdict) or None
        Before and after.
    """

    labels: Mapping[str, PixelChange] = field(default_factory=dict)
    classes: Mapping[int, tuple[int | None, int | None]] = field(default_factory=dict)
    verdict: tuple[Verdict, Verdict] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        same_verdict = self.verdict is None or self.verdict[0] == self.verdict[1]
        same_classes = all(before == after for before, after in self.classes.values())
        return same_verdict and same_classes and not any(len(p) for p in self.labels.values())

    def inverted(self) -> "Change":
        """Give the change that takes this one back."""
        return Change(
            {name: pixels.inverted() for name, pixels in self.labels.items()},
            {number: (after, before) for number, (before, after) in self.classes.items()},
            None if self.verdict is None else (self.verdict[1], self.verdict[0]),
        )

    def objects(self) -> list[int]:
        """Give the numbers that the change concerns."""
        runs = [pixels.runs[:, 2:].ravel() for pixels in self.labels.values()]
        numbers = np.unique(np.concatenate(runs)) if runs else np.array([], int)
        return sorted({*(int(n) for n in numbers if n > 0), *self.classes})

    def to_json(self) -> dict[str, Any]:
        """Give the change as JSON."""
        return {
            "labels": {name: pixels.to_json() for name, pixels in self.labels.items()},
            "classes": {str(number): list(pair) for number, pair in self.classes.items()},
            "verdict": None if self.verdict is None else [v.to_json() for v in self.verdict],
        }

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> "Change":
        """Read what `to_json` gave.

        Raises
        ------
        ValueError, KeyError, TypeError
            If this is no change.
        """
        verdict = held["verdict"]
        return cls(
            {name: PixelChange.from_json(runs) for name, runs in held["labels"].items()},
            {int(number): (pair[0], pair[1]) for number, pair in held["classes"].items()},
            None
            if verdict is None
            else (Verdict.from_json(verdict[0]), Verdict.from_json(verdict[1])),
        )


@dataclass
class ReviewState:
    """Labels, classes and verdict of one image as a reader has them now.

    Attributes
    ----------
    labels : dict of str to numpy.ndarray
        int32 label images of one shape (H, W), among them ``not_assessable``.
    classes : dict of int to int
        Classes that the reader gave.
    verdict : Verdict
        Of the image.
    """

    labels: dict[str, np.ndarray]
    classes: dict[int, int] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)

    def apply(self, change: Change) -> None:
        """Make a change.

        Raises
        ------
        ValueError, KeyError
            If it doesn't fit the label images; nothing is changed then.
        """
        for name, pixels in change.labels.items():
            if name not in self.labels:
                raise KeyError(name)
            runs = pixels.runs
            if len(runs) and int((runs[:, 0] + runs[:, 1]).max()) > self.labels[name].size:
                raise ValueError(f"a pixel of the change lies outside the labels {name!r}")
        for name, pixels in change.labels.items():
            pixels.apply(self.labels[name])
        for number, (_, after) in change.classes.items():
            if after is None:
                self.classes.pop(number, None)
            else:
                self.classes[number] = after
        if change.verdict is not None:
            self.verdict = change.verdict[1]
