"""Progress of a run: who is told, and the counts that ``xenoquant status`` shows meanwhile."""

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from .problems import ProblemRow

PROGRESS_FILE = "progress.json"
_WRITTEN_EVERY_S = 1.0


class Progress(Protocol):
    """Told how far a run has come; the command line draws it."""

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """A stage begins: so many items to do, and so many that are there already."""

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """One item of a stage is done, or has failed with a problem."""

    def finish(self, counts: Mapping[str, int]) -> None:
        """The run is over: images measured and reused, and problems."""


class NoProgress:
    """Says nothing."""

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """Say nothing."""

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """Say nothing."""

    def finish(self, counts: Mapping[str, int]) -> None:
        """Say nothing."""


class Both:
    """Tells two."""

    def __init__(self, first: Progress, second: Progress) -> None:
        self._told = first, second

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """Tell both."""
        for each in self._told:
            each.start(stage, total, reused=reused)

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """Tell both."""
        for each in self._told:
            each.advance(stage, image=image, problem=problem)

    def finish(self, counts: Mapping[str, int]) -> None:
        """Tell both."""
        for each in self._told:
            each.finish(counts)


class JsonLines:
    """Writes a line of JSON an event, for a log that programs read.

    Parameters
    ----------
    stream : text stream, optional
        Standard error by default.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """Say that a stage begins."""
        self._say({"event": "stage", "stage": stage, "total": total, "reused": reused})

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """Say that an item is done or has failed."""
        told: dict[str, Any] = {"event": "failed" if problem else "done", "stage": stage}
        told |= asdict(problem) if problem else {"image": image}
        self._say(told)

    def finish(self, counts: Mapping[str, int]) -> None:
        """Say what the run did."""
        self._say({"event": "finished", **counts})

    def stop(self, reason: str) -> None:
        """Say why there is no more: the run was stopped, or can't be carried out."""
        self._say({"event": "stopped", "reason": reason})

    def _say(self, told: Mapping[str, Any]) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps({"time": moment, **told}), file=self._stream, flush=True)


@dataclass
class Counts:
    """How far a stage has come."""

    stage: str = ""
    total: int = 0
    reused: int = 0
    done: int = 0
    failed: int = 0
    per_second: float = 0.0


class LiveCounts:
    """Keeps the counts of a run in a file, at most once a second, for ``xenoquant status``."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / PROGRESS_FILE
        self._counts = Counts()
        self._started = self._written = time.monotonic()

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """Begin to count a stage."""
        self._counts = Counts(stage, total, reused)
        self._started = time.monotonic()
        self._write()

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """Count an item."""
        self._counts.done += problem is None
        self._counts.failed += problem is not None
        if time.monotonic() - self._written >= _WRITTEN_EVERY_S:
            self._write()

    def finish(self, counts: Mapping[str, int]) -> None:
        """Leave nothing: the results speak now."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        self._written = time.monotonic()
        counted = self._counts.done + self._counts.failed
        self._counts.per_second = counted / max(1e-9, self._written - self._started)
        aside = self._file.with_suffix(".part")
        with suppress(OSError):  # a full disk is said by whoever writes results
            aside.write_text(json.dumps(asdict(self._counts)), encoding="utf-8")
            aside.replace(self._file)


def read_counts(folder: Path) -> Counts | None:
    """Give the counts of a run that goes on, None if there are none."""
    try:
        return Counts(**json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
