"""Whether results still hold: inputs and results compared again, a sample measured again."""

import csv
import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .altered_files import altered_files, altered_labels
from .drawing import DRAWING
from .errors import Problem, StudyError
from .evidence import prepare_assays
from .finished import recorded_files
from .plan import Task, plan_study
from .provenance import RUN_FILE, code_hash, parameters, sheet_hash, versions
from .published import Published
from .remeasuring import choose_images, measured_differences
from .reviews import apply_reviews, describe_reviews
from .samples import Sample, study_samples
from .store import Store
from .study import Study, load_study
from .writers import guard

_REMEDY = (
    "To have it made again: xenoquant run. A label image or an overlay that was altered is to be "
    "deleted before."
)


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what doesn't hold.

    Attributes
    ----------
    checked : tuple of str
        What was looked at, as sentences.
    broken : tuple of str
        What isn't as the run recorded it.
    notes : tuple of str
        What may explain a difference: other versions of the program or its libraries.
    """

    checked: tuple[str, ...]
    broken: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether everything looked at is as recorded."""
        return not self.broken

    def lines(self) -> list[str]:
        """Give the report as lines of text, the worst first."""
        lines = [f"changed: {text}" for text in self.broken]
        lines += [f"note: {text}" for text in self.notes]
        lines += self.checked
        if self.broken:
            lines.append(_REMEDY)
        lines.append("The results hold." if self.holds else "The results do not hold any more.")
        return lines


def verify_study(path: Path, *, sample: int = 5, seed: int | None = None) -> Verification:
    """Compare a study's inputs, results and a sample of its measurements with its last run.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or its study.toml.
    sample : int
        Images to measure again, spread over the assays.
    seed : int, optional
        Chooses the images; another choice each time when None.

    Returns
    -------
    Verification
        What holds and what doesn't.

    Raises
    ------
    StudyError
        If the study can't be run as written, or was never run.
    """
    study = load_study(path)
    run = _read_run(study)
    study, samples, _ = prepare_assays(study, study_samples(study))
    inputs = altered_files(
        study.folder, dict(_inputs(run)), "input", read_outside=study.header.read_outside
    )
    published = recorded_files(study.results)
    files = altered_files(study.results, run.get("outputs", {}) | published, "result")
    drawn = Published(study.results).overlays
    overlays = altered_files(study.results, drawn, "overlay")
    planned = plan_study(study, samples).tasks
    problems = _problems(study.results)
    tasks, changed_images = _unchanged(planned, _recorded(run), problems)
    reviewed = apply_reviews(study, tasks)
    drawable = [task for task in reviewed.tasks if problems.get(_written(task)) != DRAWING]
    labels = altered_labels(study.results, drawable)
    chosen = choose_images(tasks, sample, random.Random(seed))
    store = Store(study.results / "store")
    looked = (inputs, files, overlays, labels)
    broken = (
        *_study_differences(study, samples, run),
        *(text for look in looked for text in look.altered),
        *changed_images,
        *_review_differences(run, describe_reviews(study, reviewed), tasks),
        *(text for task in chosen for text in measured_differences(store, task)),
    )
    again = f"Measured again: {', '.join(task.sample.image for task in chosen) or 'nothing'}."
    notes = (*_notes(run), *_unrecorded(run, published, drawn))
    return Verification((*(look.said for look in looked), again), broken, notes)


def _read_run(study: Study) -> dict[str, Any]:
    file = study.results / RUN_FILE
    try:
        run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _recorded(run), dict(_inputs(run)), run["study"].keys(), run["parameters"].keys()
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = f"run the study first: xenoquant run {study.folder}"
        problem = Problem(str(file), "", "no record of a run", "a finished run", remedy)
        raise StudyError([problem]) from error
    return run


def _recorded(run: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Give the fingerprint of every image that a run recorded, by assay and image."""
    return {(image["assay"], image["image"]): image["fingerprint"] for image in run["images"]}


def _inputs(run: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Give every input file that a run recorded, with its hash."""
    for image in run["images"]:
        yield image.get("file", image["image"]), image["sha256"]
        for blank in image.get("blanks", []):
            yield blank["image"], blank["sha256"]
    for table in run.get("tables", {}).values():
        yield from table.get("files", {}).items()


def _study_differences(
    study: Study, samples: Sequence[Sample], run: Mapping[str, Any]
) -> list[str]:
    """Say what study.toml and the sheets say otherwise than at the run; comments don't count."""
    held = {"[study]": study.header.model_dump(mode="json")}
    held |= {f"[assays.{name}]": options for name, options in parameters(study).items()}
    before = {"[study]": run["study"]}
    before |= {f"[assays.{name}]": options for name, options in run["parameters"].items()}
    broken = []
    for section in sorted(held.keys() | before.keys()):
        now, then = held.get(section), before.get(section)
        if now is None or then is None:
            broken.append(f"study.toml: {section} {'is gone' if now is None else 'is new'}")
        elif now != then:
            names = [name for name in {**then, **now} if now.get(name) != then.get(name)]
            broken.append(f"study.toml, {section}: not as at the run: {', '.join(names)}")
    if run.get("sheet", sheet_hash(samples)) != sheet_hash(samples):
        broken.append("the sample sheet: its rows are not those of the run")
    return broken


def _review_differences(
    run: Mapping[str, Any], reviews: Sequence[Mapping[str, Any]], tasks: Sequence[Task]
) -> Iterable[str]:
    """Say which readers' reviews of unchanged images are not those of the run."""
    images = {(task.sample.assay, task.sample.image) for task in tasks}
    before, now = (
        {
            (held["assay"], held["image"], held["reader"]): held
            for held in readings
            if (held["assay"], held["image"]) in images
        }
        for readings in (run.get("reviews", []), reviews)
    )
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"review of {key[1]} by {key[2]}: not as at the run"


def _problems(results: Path) -> dict[tuple[str, str], str]:
    """Give the stage of each image of problems.csv, as they are written there."""
    try:
        with (results / "problems.csv").open(encoding="utf-8", newline="") as file:
            return {(row["assay"], row["image"]): row["stage"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError):
        return {}  # that it isn't as recorded is said elsewhere


def _written(task: Task) -> tuple[str, str]:
    """Give an image as problems.csv names it."""
    return guard(task.sample.assay), guard(task.sample.image)


def _unchanged(
    tasks: Sequence[Task],
    recorded: Mapping[tuple[str, str], str],
    failed: Collection[tuple[str, str]],
) -> tuple[list[Task], list[str]]:
    """Give the tasks that a run would find in the store; say if options or images differ.

    An image that failed in the run has no result that could hold or not.
    """
    same, other = [], 0
    for task in tasks:
        image = (task.sample.assay, task.sample.image)
        if recorded.get(image) == task.fingerprint:
            same.append(task)
        else:
            other += image in recorded or _written(task) not in failed
    if not other:
        return same, []
    text = f"{other} images: their file, options or rows of the sheet are not those of the run"
    return same, [text]


def _notes(run: Mapping[str, Any]) -> Iterable[str]:
    """Say what program the run was made with, where it isn't this one."""
    before, now = run.get("versions", {}), versions()
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"{name} was {before.get(name)}, and is {now.get(name)} now"
    if run.get("code") not in (None, code_hash()):
        yield "the program's own files are not those of the run"


def _unrecorded(
    run: Mapping[str, Any], published: Mapping[str, str], drawn: Mapping[str, str]
) -> Iterable[str]:
    """Say what could not be compared as no hash of it was kept."""
    if RUN_FILE not in published:
        yield "no hashes of the report and run.json are kept: xenoquant run keeps them"
    if run["images"] and not drawn:
        yield "no hashes of the overlays are kept: xenoquant run keeps them"
