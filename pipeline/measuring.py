"""Measuring one image: what a worker does with a task, from the file to the store."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..imgproc.errors import MeasurementError
from ..imgproc.measurement import Measurement
from .errors import InputError
from .plan import Task
from .problems import ProblemRow
from .readers import Image, read_image
from .slides import SlideImage
from .store import Store, hash_file

STORING = "store"  # the stage of a problem that isn't the image's: its result can't be written


@dataclass(frozen=True)
class Job:
    """A task, the store that its result goes to, and the threads it may use."""

    task: Task
    store: Path
    threads: int = 1

    @property
    def extra_seconds(self) -> float:
        """Patience beyond the time limit, as the task asks for it."""
        return self.task.extra_seconds


@dataclass(frozen=True)
class Outcome:
    """What became of a job: nothing to say, or the problem."""

    fingerprint: str
    problem: ProblemRow | None
    seconds: float


def measure_job(job: Job) -> Outcome:
    """Measure one image and store the result; a bad input is an outcome, not an error."""
    started = time.perf_counter()
    problem = _problem_of(job)
    return Outcome(job.task.fingerprint, problem, time.perf_counter() - started)


def lost_job(job: Job, reason: str) -> Outcome:
    """Give the outcome of a job whose worker died."""
    remedy = "open the file in another program; if it is sound, run again with fewer --jobs"
    return Outcome(job.task.fingerprint, _row(job.task, "measure", reason, remedy), 0.0)


def _row(task: Task, stage: str, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, stage, error, remedy)


def _problem_of(job: Job) -> ProblemRow | None:
    task = job.task
    try:
        image, blanks = open_image(task), open_blanks(task)
        if isinstance(image, SlideImage):
            image = replace(image, threads=job.threads)
    except InputError as error:
        return _row(task, "read", error.reason, error.remedy)
    try:
        measurement = _measure(job, image, blanks)
    except (InputError, MeasurementError) as error:
        return _row(task, "measure", error.reason, error.remedy)
    except MemoryError:
        remedy = "run with fewer --jobs, or on a machine with more memory"
        return _row(task, "measure", "the memory ran out", remedy)
    except Exception as error:  # one image must not cost the others; the row says what happened
        reason = f"a fault of the program: {type(error).__name__}: {error}"
        return _row(task, "measure", reason, "please report it with this image")
    return _store(job, image, measurement)


def _measure(job: Job, image: Image, blanks: list[Image]) -> Measurement:
    """Let the method find and measure, or measure what a reader corrected."""
    task = job.task
    if task.review is None:
        return task.assay.measure(image, task.sample, blanks)
    from .reviews import measure_review

    return measure_review(task, image, blanks, Store(job.store))


def _store(job: Job, image: Image, measurement: Measurement) -> ProblemRow | None:
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
