"""Measuring one image: what a worker does with a task, from the file to the store."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from .assay import Calibration, Split
from .drawing import DrawJob, draw_measured
from .errors import InputError, StudyError
from .plan import Task
from .problems import ProblemRow
from .readers import Image
from .store import Store, hash_file
from .task_images import open_blanks, open_image
from .worker_pool import TooSlow, WorkerLost
from .workers import OnWorkers

ResultT = TypeVar("ResultT")

STORING = "store"  # the stage of a problem that isn't the image's: its result can't be written


@dataclass(frozen=True)
class Job:
    """A task, and the store that its result goes to.

    Where `may_split`, a whole slide is only begun: other workers take its tiles. An image whose
    overlay needs no other image is drawn at once, into `results` if that is given.
    """

    task: Task
    store: Path
    may_split: bool = False
    results: Path | None = None

    @property
    def extra_seconds(self) -> float:
        """Patience beyond the time limit, as the task asks for it."""
        return self.task.extra_seconds


@dataclass(frozen=True)
class Begun:
    """An image whose pieces are left to other workers, and what its reader noted."""

    split: Split
    flags: tuple[str, ...]
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: nothing to say, the problem, or what is left to be finished.

    Where `drawn`, its labels and overlay are published too.
    """

    fingerprint: str
    problem: ProblemRow | None
    seconds: float
    begun: Begun | None = None
    drawn: bool = False


def measure_job(job: Job) -> Outcome:
    """Measure one image and store the result; a bad input is an outcome, not an error."""
    started, key = time.perf_counter(), job.task.fingerprint
    if key in Store(job.store):  # its worker died after storing it, or another run was faster
        return Outcome(key, None, 0.0)
    found = _begun_or_measured(job)
    begun = found if isinstance(found, Begun) else None
    problem = found if isinstance(found, ProblemRow) else None
    drawn = isinstance(found, _Drawn)
    return Outcome(key, problem, time.perf_counter() - started, begun, drawn)


def finish_job(job: Job, begun: Begun, executor: Executor) -> Outcome:
    """Carry out what `measure_job` began, its pieces on all workers, and store the result."""
    started = time.perf_counter()
    try:
        found = _attempt(job.task, lambda: begun.split.carry_out(OnWorkers(executor)))
    except (WorkerLost, TooSlow) as error:
        return lost_job(job, str(error))
    kept = found if isinstance(found, ProblemRow) else _store(job, _noted(begun, found))
    problem = kept if isinstance(kept, ProblemRow) else None
    return Outcome(job.task.fingerprint, problem, time.perf_counter() - started)


def lost_job(job: Job, reason: str) -> Outcome:
    """Give the outcome of a job whose worker died."""
    remedy = "open the file in another program; if it is sound, run again with fewer --jobs"
    return Outcome(job.task.fingerprint, _row(job.task, "measure", reason, remedy), 0.0)


def _row(task: Task, stage: str, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, stage, error, remedy)


class _Drawn:
    """Says that an image was measured, stored and drawn."""


def _begun_or_measured(job: Job) -> Begun | ProblemRow | _Drawn | None:
    task = job.task
    try:
        image, blanks = open_image(task), open_blanks(task)
    except InputError as error:
        return _row(task, "read", error.reason, error.remedy)
    if job.may_split:
        split = _attempt(task, lambda: _split(task, image, blanks))
        if isinstance(split, ProblemRow):
            return split
        if split is not None:
            return Begun(split, image.flags, image.notes)
    measurement = _attempt(task, lambda: _measure(job, image, blanks))
    if isinstance(measurement, ProblemRow):
        return measurement
    noted = _noted(image, measurement)
    stored = _store(job, noted)
    if isinstance(stored, ProblemRow):
        return stored
    if job.results is None:
        return None
    drawing = DrawJob(task, job.store, Calibration(), job.results)
    return _Drawn() if draw_measured(drawing, image, noted, stored) else None


def _attempt(task: Task, measure: Callable[[], ResultT]) -> ResultT | ProblemRow:
    """Measure, or give the row that says why not."""
    try:
        return measure()
    except (WorkerLost, TooSlow, StudyError):
        raise  # no fault of the image's that could be seen here
    except (InputError, MeasurementError) as error:
        return _row(task, "measure", error.reason, error.remedy)
    except MemoryError:
        remedy = "run with fewer --jobs, or on a machine with more memory"
        return _row(task, "measure", "the memory ran out", remedy)
    except Exception as error:  # one image must not cost the others; the row says what happened
        reason = f"a fault of the program: {type(error).__name__}: {error}"
        return _row(task, "measure", reason, "please report it with this image")


def _split(task: Task, image: Image, blanks: list[Image]) -> Split | None:
    """Begin what is measured in pieces: as the method finds it, or as a reader corrected it."""
    if task.review is None:
        return task.assay.split(image, task.sample, blanks)
    from .reviews import split_review

    return split_review(task, image, blanks)


def _measure(job: Job, image: Image, blanks: list[Image]) -> Measurement:
    """Let the method find and measure, or measure what a reader corrected."""
    task = job.task
    if task.review is None:
        return task.assay.measure(image, task.sample, blanks)
    from .reviews import measure_review

    return measure_review(task, image, blanks, Store(job.store))


def _noted(image: Image | Begun, measurement: Measurement) -> Measurement:
    """Add what the image's reader had to say."""
    bits = {"bit_depth": image.bit_depth} if isinstance(image, Image) else {}
    return replace(
        measurement,
        flags=(*image.flags, *(f for f in measurement.flags if f not in image.flags)),
        notes=measurement.notes | {"reader": {**image.notes, **bits}},
    )


def _store(job: Job, measurement: Measurement) -> ProblemRow | dict[str, bytes]:
    """Store a measurement; give the files of its label images, or the row that says why not."""
    task = job.task
    if _content_now(task) != task.content:
        reason = "the file changed or vanished while it was being measured"
        return _row(task, "read", reason, "run again when nothing writes to it")
    um_per_px = measurement.notes.get("um_per_px")
    try:
        return Store(job.store).save(task.fingerprint, measurement, um_per_px=um_per_px)
    except OSError as error:
        reason = f"the result can't be stored: {error.strerror or error}"
        remedy = "check the space and permissions of the results folder"
        return _row(task, STORING, reason, remedy)


def _content_now(task: Task) -> tuple[str, ...] | None:
    try:
        return tuple(hash_file(file) for file in task.files)
    except OSError:
        return None
