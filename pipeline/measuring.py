"""Measuring one image: what a worker does with a task, from the file to the store."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from .assay import Split
from .errors import InputError, StudyError
from .plan import Task
from .problems import ProblemRow
from .readers import Image, read_image
from .store import Store, hash_file
from .worker_pool import TooSlow, WorkerLost
from .workers import OnWorkers

ResultT = TypeVar("ResultT")

STORING = "store"  # the stage of a problem that isn't the image's: its result can't be written


@dataclass(frozen=True)
class Job:
    """A task, and the store that its result goes to.

    Where `may_split`, a whole slide is only begun: other workers take its tiles.
    """

    task: Task
    store: Path
    may_split: bool = False

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
    """What became of a job: nothing to say, the problem, or what is left to be finished."""

    fingerprint: str
    problem: ProblemRow | None
    seconds: float
    begun: Begun | None = None


def measure_job(job: Job) -> Outcome:
    """Measure one image and store the result; a bad input is an outcome, not an error."""
    started = time.perf_counter()
    found = _begun_or_problem(job)
    begun = found if isinstance(found, Begun) else None
    problem = None if isinstance(found, Begun) else found
    return Outcome(job.task.fingerprint, problem, time.perf_counter() - started, begun)


def finish_job(job: Job, begun: Begun, executor: Executor) -> Outcome:
    """Carry out what `measure_job` began, its pieces on all workers, and store the result."""
    started = time.perf_counter()
    try:
        found = _attempt(job.task, lambda: begun.split.carry_out(OnWorkers(executor)))
    except (WorkerLost, TooSlow) as error:
        return lost_job(job, str(error))
    problem = found if isinstance(found, ProblemRow) else _store(job, begun, found)
    return Outcome(job.task.fingerprint, problem, time.perf_counter() - started)


def lost_job(job: Job, reason: str) -> Outcome:
    """Give the outcome of a job whose worker died."""
    remedy = "open the file in another program; if it is sound, run again with fewer --jobs"
    return Outcome(job.task.fingerprint, _row(job.task, "measure", reason, remedy), 0.0)


def _row(task: Task, stage: str, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, stage, error, remedy)


def _begun_or_problem(job: Job) -> Begun | ProblemRow | None:
    task = job.task
    try:
        image, blanks = open_image(task), open_blanks(task)
    except InputError as error:
        return _row(task, "read", error.reason, error.remedy)
    if job.may_split and task.review is None:
        split = _attempt(task, lambda: task.assay.split(image, task.sample, blanks))
        if isinstance(split, ProblemRow):
            return split
        if split is not None:
            return Begun(split, image.flags, image.notes)
    measurement = _attempt(task, lambda: _measure(job, image, blanks))
    if isinstance(measurement, ProblemRow):
        return measurement
    return _store(job, image, measurement)


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


def _measure(job: Job, image: Image, blanks: list[Image]) -> Measurement:
    """Let the method find and measure, or measure what a reader corrected."""
    task = job.task
    if task.review is None:
        return task.assay.measure(image, task.sample, blanks)
    from .reviews import measure_review

    return measure_review(task, image, blanks, Store(job.store))


def _store(job: Job, image: Image | Begun, measurement: Measurement) -> ProblemRow | None:
    task = job.task
    if _content_now(task) != task.content:
        reason = "the file changed or vanished while it was being measured"
        return _row(task, "read", reason, "run again when nothing writes to it")
    noted = replace(
        measurement,
        flags=(*image.flags, *(f for f in measurement.flags if f not in image.flags)),
        notes=measurement.notes | {"reader": image.notes},
    )
    um_per_px = measurement.notes.get("um_per_px")
    try:
        Store(job.store).save(task.fingerprint, noted, um_per_px=um_per_px)
    except OSError as error:
        reason = f"the result can't be stored: {error.strerror or error}"
        remedy = "check the space and permissions of the results folder"
        return _row(task, STORING, reason, remedy)
    return None


def _content_now(task: Task) -> tuple[str, ...] | None:
    try:
        return tuple(hash_file(file) for file in task.files)
    except OSError:
        return None


def open_image(task: Task) -> Image:
    """Read a task's image with its assay's options.

    Raises
    ------
    InputError
        If the file can't be read as an image.
    """
    return task.assay.open(task.reference, max_megapixels=task.max_megapixels)


def open_blanks(task: Task) -> list[Image]:
    """Read the empty bright fields of a task.

    Raises
    ------
    InputError
        If one of them can't be read as an image.
    """
    return [read_image(path, max_megapixels=task.max_megapixels) for path in task.blanks]
