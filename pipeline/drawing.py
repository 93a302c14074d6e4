"""Publishing an image's results: its label images and its overlay, where people look for them."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np

from ..imgproc.measurement import Measurement
from .assay import Assay, Calibration
from .errors import InputError
from .measured import Measured, MeasuredImage
from .overlays import write_picture
from .packing import DamagedError, StoredMeasurement
from .plan import Task
from .problems import ProblemRow
from .readers import Image
from .slides import SlideImage
from .store import Store
from .stored_tables import FromStore
from .task_images import open_image
from .writers import atomic_path

DRAWING = "draw"  # the stage of a row of problems.csv that says why there is no overlay
OVERLAY_VERSION = 3  # raised when overlays change for the same measurement


@dataclass(frozen=True)
class DrawJob:
    """One image to publish: its task, the store, the thresholds, and the results folder."""

    task: Task
    store: Path
    calibration: Calibration
    results: Path

    @property
    def key(self) -> tuple[str, str]:
        """Assay and image."""
        return self.task.sample.assay, self.task.sample.image

    @property
    def extra_seconds(self) -> float:
        """Patience beyond the time limit, as the task asks for it."""
        return self.task.extra_seconds


def label_folder(results: Path, task: Task) -> Path:
    """Give the folder of an image's label images."""
    return results / "labels" / task.sample.assay / task.name


def overlay_file(results: Path, task: Task) -> Path:
    """Give the file of an image's overlay."""
    return results / "overlays" / task.sample.assay / f"{task.name}.jpg"


def drawn_sizes(results: Path, task: Task) -> list[tuple[str, int]] | None:
    """Give the names and sizes of an image's label images and overlay, None if they aren't there.

    They are not forced to the disk one by one: a power cut may leave empty files, which are as
    good as none. A label image that was deleted or cut off since is told by the sizes.
    """
    try:
        with os.scandir(label_folder(results, task)) as held:
            labels = [(file.name, file.stat()) for file in held if file.name.endswith(".tif")]
        files = [("", overlay_file(results, task).stat()), *sorted(labels, key=itemgetter(0))]
    except OSError:
        return None
    if not all(S_ISREG(file.st_mode) and file.st_size > 0 for _, file in files):
        return None
    return [(name, file.st_size) for name, file in files]


Drawn = tuple[tuple[str, str], ProblemRow | None]
"""Assay and image of a drawing, and why there is none, if so."""


def draw_job(job: DrawJob) -> Drawn:
    """Publish one image's labels and overlay; a failure is a problem, not an error."""
    return job.key, _problem_of(job)


def _problem_of(job: DrawJob) -> ProblemRow | None:
    task = job.task
    try:
        files = Store(job.store).labels(task.fingerprint)
        publish_labels(job, files)
        _publish_overlay(job, _draw(job, files))
    except InputError as error:
        return _row(task, error.reason, error.remedy)
    except DamagedError as error:
        Store(job.store).discard(task.fingerprint)
        remedy = "run again: the image will be measured anew"
        return _row(task, f"its stored result was damaged: {error}", remedy)
    except OSError as error:
        remedy = "check the space and permissions of the results folder"
        return _row(task, f"the overlay can't be written: {error.strerror or error}", remedy)
    except Exception as error:  # one overlay must not cost the others; the row says what happened
        reason = f"a fault of the program: {type(error).__name__}: {error}"
        return _row(task, reason, "please report it with this image")
    return None


def draw_measured(
    job: DrawJob, image: Image, measurement: Measurement, files: Mapping[str, bytes]
) -> bool:
    """Publish the labels and overlay of an image that was just measured and stored.

    What `draw_job` would read again is still in the memory; the result is the same.

    Parameters
    ----------
    job : DrawJob
        The image; its calibration doesn't matter.
    image : Image
        Its pixels.
    measurement : Measurement
        What was found.
    files : mapping of str to bytes
        The files of its label images, by name.

    Returns
    -------
    bool
        Whether they are there. If not (the overlay needs the study's thresholds, or something
        failed), they are left to `draw_job`, which says why.
    """
    task = job.task
    if task.assay.overlay_needs_study or task.review or isinstance(image, SlideImage):
        return False
    try:
        publish_labels(job, files)
        _publish_overlay(job, _drawn(job, image, measurement, measurement.labels))
    except Exception:  # not lost: whatever it was, `draw_job` meets it again and says it
        return False
    return True


def _publish_overlay(job: DrawJob, picture: np.ndarray) -> None:
    with atomic_path(overlay_file(job.results, job.task), sync=False) as partial:
        write_picture(picture, partial, small=True)


def lost_drawing(job: DrawJob, reason: str) -> Drawn:
    """Give the problem of a drawing whose worker died."""
    return job.key, _row(job.task, reason, "run again with fewer --jobs")


def _row(task: Task, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, DRAWING, error, remedy)


def publish_labels(job: DrawJob, files: Mapping[str, Path | bytes]) -> None:
    """Copy an image's label images from the store to where the tables' readers find them."""
    folder = label_folder(job.results, job.task)
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        with atomic_path(folder / f"{name}.tif", sync=False) as partial:
            if isinstance(source, bytes):
                partial.write_bytes(source)
            else:
                shutil.copyfile(source, partial)


def read_labels(files: Mapping[str, Path | bytes]) -> dict[str, np.ndarray]:
    """Read label images by name, from files or from their bytes."""
    import imagecodecs
    import tifffile

    def pixels(held: Path | bytes) -> np.ndarray:
        # of a plane in the memory, libtiff takes a sixth of the time
        return imagecodecs.tiff_decode(held) if isinstance(held, bytes) else tifffile.imread(held)

    return {name: pixels(held).astype(np.int32, copy=False) for name, held in files.items()}


def _draw(job: DrawJob, files: Mapping[str, Path | bytes]) -> np.ndarray:
    store, task = Store(job.store), job.task
    image = open_image(task)
    # a whole slide is drawn from its maps: its label images may be larger than the memory
    whole = isinstance(image, SlideImage)
    labels = {} if whole else read_labels(files)
    return _drawn(job, image, store.load(task.fingerprint), labels)


def _drawn(
    job: DrawJob,
    image: Image,
    held: Measurement | StoredMeasurement,
    labels: Mapping[str, np.ndarray],
) -> np.ndarray:
    assay, calibration = job.task.assay, needed_calibration(job.task.assay, job.calibration)
    sample = job.task.sample
    if isinstance(held, StoredMeasurement):
        measured: Measured = FromStore(sample, held, held.flags)
    else:
        measured = MeasuredImage.of(sample, held)
    classified = assay.shown(measured, calibration)
    um_per_px = held.notes.get("um_per_px")
    return assay.draw(image, labels, classified, calibration, um_per_px=um_per_px)


def needed_calibration(assay: Assay, calibration: Calibration) -> Calibration:
    """Give the part of a study's thresholds that an assay's overlays depend on: all or nothing."""
    return calibration if assay.overlay_needs_study else Calibration()


def drawing_key(task: Task, calibration: Calibration) -> dict[str, Any]:
    """Give what an image's overlay depends on, to tell whether it must be drawn again."""
    return {
        "measurement": task.fingerprint,
        "calibration": needed_calibration(task.assay, calibration).values,
        "options": task.assay.model_dump(mode="json"),
        "lobe": task.sample.lobe,
        "name": task.name,
        "version": OVERLAY_VERSION,
    }
