"""The record of what is published: labels and overlays, and what each was made from."""

import json
import shutil
from collections.abc import Mapping, Sequence
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
        try:
            keys = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            keys = {}
        return cls(file, results, keys if isinstance(keys, dict) else {})

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


def _place(task: Task) -> str:
    return f"{task.sample.assay}/{task.name}"
