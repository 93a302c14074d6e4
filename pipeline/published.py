"""The record of what is published: labels and overlays, and what each was made from.

While a run goes on it is a log with a line an image, so that a run that is cut short doesn't draw
again what it had drawn. At the end the log becomes one file.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict, cast

from .assay import Calibration
from .drawing import drawing_key, drawn_sizes, overlay_file
from .image_names import inside
from .plan import Task
from .store import fingerprint, hash_file
from .writers import write_json


class Drawn(TypedDict):
    """What is known of an image's published files.

    Attributes
    ----------
    made_from : str
        What they were made from and their sizes, summed up.
    overlay : str
        The SHA-256 of the overlay. Label images need none: the store holds their bytes.
    """

    made_from: str
    overlay: str


class Published:
    """Which images' labels and overlays are on disk, and what they were made from.

    Parameters
    ----------
    results : pathlib.Path
        The results folder. The record lies in its store; a missing or damaged one means that
        everything is drawn again.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._file = results / "store" / "published.json"
        self._drawn: dict[str, Drawn | None] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):
            self._take(self._file.read_text(encoding="utf-8"))
        with suppress(OSError):
            log = self._log.read_text(encoding="utf-8", errors="replace")
            for line in log.splitlines():
                with suppress(ValueError, TypeError, AttributeError):  # the last may be cut off
                    self._take(line)

    def _take(self, text: str) -> None:
        """Add what a text of the record says; what another program wrote counts as not drawn.

        Files of images that are no more are removed: a place outside the folder is none of ours.
        """
        for place, held in json.loads(text).items():
            if inside(place) != place:
                continue
            known = isinstance(held, dict) and held.keys() == Drawn.__required_keys__
            self._drawn[place] = cast(Drawn, held) if known else None

    @property
    def overlays(self) -> dict[str, str]:
        """The SHA-256 of every overlay as it was drawn, by its path in the results folder."""
        return {_overlay(place): held["overlay"] for place, held in self._drawn.items() if held}

    def note(self, task: Task, calibration: Calibration) -> None:
        """Log that an image's labels and overlay are there now."""
        made_from = self._made_from(task, calibration)
        drawn: Drawn | None = None
        if made_from is not None:
            overlay = hash_file(overlay_file(self._results, task))
            drawn = {"made_from": made_from, "overlay": overlay}
        self._drawn[_place(task)] = drawn
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write("\n" + json.dumps({_place(task): drawn}))

    def is_current(self, task: Task, calibration: Calibration) -> bool:
        """Tell whether an image's labels and overlay are there and up to date."""
        known = self._drawn.get(_place(task))
        return known is not None and known["made_from"] == self._made_from(task, calibration)

    def _made_from(self, task: Task, calibration: Calibration) -> str | None:
        """Sum up what an image's files were made from, and their sizes; None without the files."""
        sizes = drawn_sizes(self._results, task)
        if sizes is None:
            return None
        return fingerprint({**drawing_key(task, calibration), "sizes": sizes})

    def update(self, tasks: Sequence[Task]) -> None:
        """Record what is published now, and remove what belongs to no image of the study."""
        drawn = {_place(task): self._drawn.get(_place(task)) for task in tasks}
        for place in set(self._drawn) - set(drawn):
            shutil.rmtree(self._results / "labels" / place, ignore_errors=True)
            (self._results / _overlay(place)).unlink(missing_ok=True)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._file, drawn)
        self._drawn = drawn
        self._log.unlink(missing_ok=True)

    @property
    def _log(self) -> Path:
        return self._file.with_suffix(".log")


def _place(task: Task) -> str:
    return f"{task.sample.assay}/{task.name}"


def _overlay(place: str) -> str:
    return f"overlays/{place}.jpg"
