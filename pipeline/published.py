"""The record of what is published: labels and overlays, and what each was made from.

While a run goes on it is a log with a line an image, so that a run that is cut short doesn't draw
again what it had drawn. At the end the log becomes one file.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .assay import Calibration
from .drawing import drawing_key, drawn_sizes
from .plan import Task
from .store import fingerprint
from .writers import write_json


@dataclass
class Published:
    """Which images' labels and overlays are on disk, and what they were made from."""

    file: Path
    results: Path
    keys: dict[str, str | None]

    @classmethod
    def load(cls, file: Path, results: Path) -> "Published":
        """Read the record; a missing or damaged one means that everything is drawn again."""
        keys: dict[str, str | None] = {}
        with suppress(OSError, ValueError, TypeError):
            keys.update(json.loads(file.read_text(encoding="utf-8")))
        with suppress(OSError):
            for line in _log(file).read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError):  # the last one may be cut off
                    keys.update(json.loads(line))
        return cls(file, results, keys)

    def note(self, task: Task, calibration: Calibration) -> None:
        """Log that an image's labels and overlay are there now."""
        key = self._key(task, calibration)
        self.keys[_place(task)] = key
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with _log(self.file).open("a", encoding="utf-8") as log:
            log.write("\n" + json.dumps({_place(task): key}))

    def is_current(self, task: Task, calibration: Calibration) -> bool:
        """Tell whether an image's labels and overlay are there and up to date."""
        known = self.keys.get(_place(task))
        return known is not None and known == self._key(task, calibration)

    def _key(self, task: Task, calibration: Calibration) -> str | None:
        """Sum up what an image's files were made from, and their sizes; None without the files."""
        sizes = drawn_sizes(self.results, task)
        if sizes is None:
            return None
        return fingerprint({**drawing_key(task, calibration), "sizes": sizes})

    def update(self, tasks: Sequence[Task]) -> None:
        """Record what is published now, and remove what belongs to no image of the study."""
        keys = {_place(task): self.keys.get(_place(task)) for task in tasks}
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
