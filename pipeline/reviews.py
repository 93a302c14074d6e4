"""The reviews of a study as a run uses them: which counts for an image, and which is stale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..imgproc.measurement import Measurement
from ..imgproc.tiles import Spread
from .assay import Assay, Split
from .drawing import read_labels
from .errors import InputError
from .plan import Review, Task
from .problems import ProblemRow
from .readers import Image
from .review_folder import ImageFolder, LoadedReview, good_for, reader_folder, readers_of
from .review_log import read_log
from .review_state import ACCEPTED, OPEN, REJECTED
from .slides import SlideImage
from .store import Store, fingerprint
from .study import Study

CORRECTED_VERSION = 1  # raised when corrected labels are measured in another way
STAGE = "review"  # of a row of problems.csv that says a reader rejected the image


@dataclass(frozen=True)
class Reading:
    """One reader's review of one image that fits the image as it is."""

    task: Task
    status: str
    reason: str
    note: str
    begun: str


@dataclass(frozen=True)
class Reviewed:
    """A study's images after review.

    Attributes
    ----------
    tasks : tuple of Task
        What counts: the reader's measurement where an image was reviewed, else the program's;
        rejected images aren't in it.
    readings : tuple of Reading
        Every reader's review, for agreement.
    problems : tuple of ProblemRow
        Images that were rejected, and reviews that can't be read.
    """

    tasks: tuple[Task, ...]
    readings: tuple[Reading, ...]
    problems: tuple[ProblemRow, ...]


def apply_reviews(study: Study, tasks: Sequence[Task]) -> Reviewed:
    """Put readers' corrections in the place of the program's results.

    A review counts where the image's bytes and the options it is measured with are those that the
    reader saw; else the image carries the flag ``review_stale:<reader>`` and the program's result.
    Of several readers the one who settled their differences counts; before that the first to
    begin, with the flag ``readers_not_settled``.

    Parameters
    ----------
    study : Study
        Its folder holds ``review/``, which is only read.
    tasks : sequence of Task
        Images that the program measured.
    """
    counted, readings, problems = [], [], []
    readers = readers_of(study.folder)
    for task in tasks:
        found, flags = [], []
        for reader in readers if task.assay.correctable else ():
            folder = ImageFolder(
                reader_folder(study.folder, reader) / task.sample.assay / task.name
            )
            if not folder.is_begun:
                continue
            reading, stale, unread = _reading(task, reader, folder)
            problems += unread
            if stale:
                flags.append(f"review_stale:{reader}")
            elif reading is not None:
                found.append(reading)
        readings += found
        chosen, more = _chosen(found)
        flags += more
        if chosen is None:
            counted.append(replace(task, flags=tuple(flags)))
        elif chosen.status == REJECTED:
            problems.append(_rejected(chosen))
        else:
            counted.append(replace(chosen.task, flags=tuple(flags)))
    return Reviewed(tuple(counted), tuple(readings), tuple(problems))


def _reading(
    task: Task, reader: str, folder: ImageFolder
) -> tuple[Reading | None, bool, list[ProblemRow]]:
    """Read one review; None where nothing was done, or what was done can't be read."""
    problems: list[ProblemRow] = []
    try:
        facts, log = folder.facts(), read_log(folder.log_file)
    except (InputError, OSError) as error:
        remedy = "bring the folder back from a copy; the program's result is used"
        return (
            None,
            True,
            [_problem(task, f"the review by {reader} can't be read: {error}", remedy)],
        )
    remedy = "open the image in xenoquant review and do the act again, if it is still wanted"
    problems += [_problem(task, message, remedy) for message in log.messages]
    acts = [record for record in log.records if "change" in record]
    if not acts:
        return None, False, problems
    verdict: Mapping[str, str] = {"status": OPEN, "reason": "", "note": ""}
    for record in log.records:
        verdict = (record.get("change", {}).get("verdict") or [verdict])[-1]
    if good_for(facts, log.records) != task.fingerprint:
        return None, True, problems
    digest = folder.digest()
    review = Review(reader, folder.folder, digest, task.fingerprint, facts.settles)
    key = fingerprint(
        {"measurement": task.fingerprint, "review": digest, "version": CORRECTED_VERSION}
    )
    corrected = replace(task, fingerprint=key, review=review)
    return (
        Reading(corrected, verdict["status"], verdict["reason"], verdict["note"], acts[0]["time"]),
        False,
        problems,
    )


def _problem(task: Task, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, "read", error, remedy)


def _rejected(reading: Reading) -> ProblemRow:
    sample, review = reading.task.sample, reading.task.review
    said = "; ".join(text for text in (reading.reason, reading.note) if text) or "no reason given"
    reader = review.reader if review else ""
    remedy = "accept it in xenoquant review, if it shall count"
    return ProblemRow(
        sample.assay, sample.image, STAGE, f"rejected by the reader {reader}: {said}", remedy
    )


def _chosen(found: Sequence[Reading]) -> tuple[Reading | None, list[str]]:
    """Choose the review that counts, with the flags that say so."""
    if not found:
        return None, []
    settled = [r for r in found if r.task.review and r.task.review.settles and r.status != OPEN]
    plain = [r for r in found if r.task.review and not r.task.review.settles]
    candidates = sorted(settled or plain or found, key=lambda r: r.begun)
    chosen = candidates[0]
    reader = chosen.task.review.reader if chosen.task.review else ""
    flags = [f"reviewed:{reader}"]
    if chosen.status not in (ACCEPTED, REJECTED):
        flags.append("review_open")
    if not settled and len(plain) > 1:
        flags.append("readers_not_settled")
    return chosen, flags


def measure_review(task: Task, image: Image, blanks: Sequence[Image], store: Store) -> Measurement:
    """Measure a task's corrected labels.

    Raises
    ------
    InputError
        If the review can't be read, or changed since the run was planned.
    MeasurementError
        If the labels don't fit the image.
    """
    review, held = _unchanged(task)
    program = program_measurement(store, task.assay, review.program)
    measurement = task.assay.measure_corrected(
        image, task.sample, blanks, held.state.labels, program
    )
    return _with_note(measurement, _note(review, held))


def split_review(task: Task, image: Image, blanks: Sequence[Image]) -> Split | None:
    """Begin to measure a whole slide's corrected tissue, for other workers to take pieces of it.

    Returns
    -------
    Split or None
        None where the image is none that is measured in pieces.

    Raises
    ------
    InputError, MeasurementError
        As for `measure_review`.
    """
    if not isinstance(image, SlideImage):
        return None
    review, held = _unchanged(task)
    split = task.assay.split(image, task.sample, blanks, held.state.labels)
    return None if split is None else _ReviewedSplit(split, _note(review, held))


@dataclass(frozen=True)
class _ReviewedSplit:
    """A corrected slide that was begun, and what the run notes of its review."""

    split: Split
    note: dict[str, Any]

    def carry_out(self, spread: Spread) -> Measurement:
        """Give the measurement, the same whatever carries the pieces out."""
        return _with_note(self.split.carry_out(spread), self.note)


def _with_note(measurement: Measurement, note: dict[str, Any]) -> Measurement:
    return replace(measurement, notes=measurement.notes | {"review": note})


def _unchanged(task: Task) -> tuple[Review, LoadedReview]:
    """Load a task's review.

    Raises
    ------
    InputError
        If it can't be read, or changed since the run was planned.
    """
    review = task.review
    if review is None:
        raise ValueError("this task has no review")
    folder = ImageFolder(review.folder)
    held = folder.load()
    if folder.digest() != review.digest:
        reason = f"the review by {review.reader} went on while the study ran"
        raise InputError(task.sample.image, reason, "run again when the reader has paused")
    return review, held


def program_measurement(store: Store, assay: Assay, key: str) -> Measurement:
    """Give a stored measurement with the label images that a person may correct.

    Parameters
    ----------
    store : Store
        Where it is.
    assay : Assay
        What measured it.
    key : str
        Its fingerprint.

    Raises
    ------
    InputError
        If the store doesn't have it.
    """
    try:
        held = store.load(key)
        labels = correctable_labels(store, assay, key, held.profiles)
    except (OSError, ValueError, KeyError) as error:
        remedy = "run the study again: the image will be measured anew"
        raise InputError(
            str(store.entry(key)), f"no measurement is stored: {error}", remedy
        ) from error
    return Measurement(held.objects, held.regions, labels, held.profiles, held.flags, held.notes)


def correctable_labels(
    store: Store, assay: Assay, key: str, profiles: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Give the label images of a stored measurement that a person may correct.

    No other is read: those of a whole slide's cells may be larger than the memory.

    Parameters
    ----------
    store, assay, key
        As for `program_measurement`.
    profiles : mapping of str to numpy.ndarray
        The measurement's.

    Returns
    -------
    dict of str to numpy.ndarray
        int32, of one shape (H, W); of a whole slide the shape of its overview.

    Raises
    ------
    OSError, ValueError
        If they aren't there or have been damaged.
    """
    what = assay.corrects(profiles)
    if what is None:
        return {}
    if what.profile is not None:
        return {what.objects: profiles[what.profile].astype(np.int32)}
    files = store.labels(key)
    return read_labels({name: files[name] for name in what.layers if name in files})


def _note(review: Review, held: LoadedReview) -> dict[str, Any]:
    return {
        "reader": review.reader,
        "settles": list(review.settles),
        "status": held.state.verdict.status,
        "note": held.state.verdict.note,
        "acts": sum("change" in record for record in held.records),
        "classes": {str(number): value for number, value in sorted(held.state.classes.items())},
    }


def describe_reviews(study: Study, reviewed: Reviewed) -> list[dict[str, Any]]:
    """Give what run.json says of the reviews."""
    counted = {task.fingerprint for task in reviewed.tasks}
    return [
        {
            "assay": reading.task.sample.assay,
            "image": reading.task.sample.image,
            "reader": reading.task.review.reader if reading.task.review else "",
            "status": reading.status,
            "reason": reading.reason,
            "note": reading.note,
            "counts": reading.task.fingerprint in counted,
            "fingerprint": reading.task.fingerprint,
        }
        for reading in reviewed.readings
    ]
