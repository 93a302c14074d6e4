"""What a finished run was made from, so that a run with nothing to do leaves all as it is."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .drawing import DRAWING, drawn_sizes
from .plan import Task
from .problems import ProblemRow
from .provenance import (
    CRATE_FILE,
    REPORT_FILE,
    RUN_FILE,
    code_hash,
    file_hashes,
    output_hashes,
    versions,
)
from .samples import Sample
from .store import Store, fingerprint
from .study import Study
from .writers import write_json

_TRIED_AGAIN = frozenset({DRAWING, "store"})  # stages whose problems the next run may not meet


class Finished:
    """The record of what the results folder was made from.

    Parameters
    ----------
    study : Study
        The study, its assays prepared.
    samples : sequence of Sample
        All rows of its sheets.
    done : sequence of Task
        The images whose result is in the store.
    problems : iterable of ProblemRow
        What has failed until now: reading and measuring.
    """

    def __init__(
        self,
        study: Study,
        samples: Sequence[Sample],
        done: Sequence[Task],
        problems: Iterable[ProblemRow],
    ) -> None:
        self._results = study.results
        self._file = _file(study.results)
        self._done = done
        self._key = fingerprint(
            {
                "program": code_hash(),
                "versions": versions(),
                "study": study.header.model_dump(mode="json"),
                "assays": {
                    name: held.model_dump(mode="json") for name, held in study.assays.items()
                },
                "tables": file_hashes(study.folder, _tables(study)),
                "review": file_hashes(study.folder, _review(study.folder)),
                "samples": [asdict(sample) for sample in samples],
                "images": [[task.name, task.fingerprint, task.content] for task in done],
                "problems": sorted({tuple(asdict(row).values()) for row in problems}),
            }
        )

    def unchanged(self) -> tuple[ProblemRow, ...] | None:
        """Give the problems of the finished run if a run would make the same again, else None."""
        try:
            held = _read(self._results)
            same = held["key"] == self._key and held["stored"] == self._stored()
            if not same or held["files"] != self._files() or held["drawn"] != self._drawn():
                return None
            return tuple(ProblemRow(**row) for row in held["problems"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self, problems: Iterable[ProblemRow]) -> None:
        """Note the hashes of the folder's files, and what they were made from.

        The latter is left out if the next run must try again.
        """
        rows = list(problems)
        self._file.unlink(missing_ok=True)
        held: dict[str, Any] = {"files": self._files()}
        if not any(row.stage in _TRIED_AGAIN for row in rows):
            held |= {
                "key": self._key,
                "stored": self._stored(),
                "drawn": self._drawn(),
                "problems": [asdict(row) for row in rows],
            }
        write_json(self._file, held)

    def _stored(self) -> str:
        """Sum up the sizes of what is stored: an entry that was cut off or emptied is seen."""
        store = Store(self._file.parent)
        sizes = [
            (task.fingerprint, sorted((file.name, file.stat().st_size) for file in held))
            for task in self._done
            for held in [list(os.scandir(store.entry(task.fingerprint)))]
        ]
        return fingerprint({"sizes": sizes})

    def _files(self) -> dict[str, str]:
        others = file_hashes(self._results, [REPORT_FILE, RUN_FILE, CRATE_FILE])
        return output_hashes(self._results) | others

    def _drawn(self) -> str:
        """Sum up the sizes of the label images and overlays."""
        sizes = [drawn_sizes(self._results, task) for task in self._done]
        return fingerprint({"sizes": sizes})


def recorded_files(results: Path) -> dict[str, str]:
    """Give the SHA-256 of each table, the report and the records, as the last run left them.

    Parameters
    ----------
    results : pathlib.Path
        The results folder of a study.

    Returns
    -------
    dict of str to str
        By path in the folder; empty where no run recorded them.
    """
    try:
        return {str(name): str(held) for name, held in _read(results)["files"].items() if held}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _file(results: Path) -> Path:
    return results / "store" / "finished.json"


def _read(results: Path) -> Any:
    return json.loads(_file(results).read_text(encoding="utf-8"))


def _tables(study: Study) -> list[str]:
    return [file for assay in study.assays.values() for file in assay.files()]


def _review(folder: Path) -> list[str]:
    found = (folder / "review").rglob("*")
    return [file.relative_to(folder).as_posix() for file in found if file.is_file()]
