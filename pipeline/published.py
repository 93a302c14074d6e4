"""The record of what is published: labels and overlays, and what each was made from.

While a run goes on it is a log with a line an image, so that a run that is cut short doesn't draw
again what it had drawn. At the end the log becomes one file.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .assay import Calibration
from .drawing import drawing_key, is_drawn
from .plan import Task
from .store import fingerprint
from .writers import write_json


@dataclass
class Published:
    """Which images' labels and overlays are on disk, and what they were made from."""

    file: Path
    results: Path
    keys: dict[str, str]

    @classmethod
    def load(cls, file: Path, results: Path) -> "Published":
        """Read the record; a missing or damaged one means that everything is drawn again."""
        keys: dict[str, str] = {}
        with suppress(OSError, ValueError, TypeError):
            keys.update(json.loads(file.read_text(encoding="utf-8")))
        with suppress(OSError):
            for line in _log(file).read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError):  # the last one may be cut off
                    keys.update(json.loads(line))
        return cls(file, results, keys)

    def note(self, task: Task, calibration: Calibration) -> None:
        """Log that an image's labels and overlay are there now."""
        key = fingerprint(drawing_key(task, calibration))
        self.keys[_place(task)] = key
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with _log(self.file).open("a", encoding="utf-8") as log:
            log.write("\n" + json.dumps({_place(task): key}))

    def is_current(self, task: Task, calibration: Calibration) -> bool:
        """Tell whether an image's labels and overlay are there and up to date."""
        return is_drawn(self.results, task) and self.keys.get(_place(task)) == fingerprint(
            drawing_key(task, calibration)
        )

    def update(self, tasks: Sequence[Task], calibrations: Mapping[str, Calibration]) -> None:
        """Record what is published now, and remove what belongs to no image of the study."""
        keys = {
            _place(task): fingerprint(drawing_key(task, calibrations[task.sample.assay]))
            for task in tasks
        }
        for place in set(self.keys) - set(keys):
            shutil.rmtree(self.results / "labels" / place, ignore_errors=True)
            (self.results / "overlays" / f"{place}.jpg").unlink(missing_ok=True)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.file, keys)
        self.keys = keys
        _log(self.file).unlink(missing_ok=True)


def _log(file: Path) -> Path:
    return file.with_suffix(".log")


def _place(task: Task) -> str:
    return f"{task.sample.assay}/{task.name}"
