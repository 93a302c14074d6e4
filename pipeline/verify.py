"""Whether results still hold: inputs and outputs hashed again, a sample measured again."""

import csv
import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from .drawing import label_folder, read_labels
from .errors import Problem, StudyError
from .evidence import prepare_assays
from .measuring import Job, measure_job
from .packing import StoredMeasurement
from .plan import Task, plan_study
from .provenance import code_hash, parameters, sheet_hash, versions
from .reviews import apply_reviews
from .samples import Sample, study_samples
from .store import Store, hash_file
from .study import Study, load_study
from .writers import guard


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
    inputs, broken_inputs = _compare(study.folder, dict(_inputs(run)), "input")
    outputs, broken_outputs = _compare(study.results, run.get("outputs", {}), "result")
    broken_study = _study_differences(study, samples, run)
    recorded = {(image["assay"], image["image"]): image["fingerprint"] for image in run["images"]}
    tasks, broken_plan = _unchanged(
        plan_study(study, samples).tasks, recorded, _failed(study.results)
    )
    labels, broken_labels = _compare_labels(study, apply_reviews(study, tasks).tasks)
    chosen = _choose(tasks, sample, random.Random(seed))
    broken_measurements = [text for task in chosen for text in _measure_again(study, task)]
    again = f"Measured again: {', '.join(task.sample.image for task in chosen) or 'nothing'}."
    broken = (
        *broken_study,
        *broken_inputs,
        *broken_outputs,
        *broken_labels,
        *broken_plan,
        *broken_measurements,
    )
    return Verification((inputs, outputs, labels, again), broken, tuple(_notes(run)))


def _read_run(study: Study) -> dict[str, Any]:
    file = study.results / "run.json"
    try:
        run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(run["images"], list):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = f"run the study first: xenoquant run {study.folder}"
        problem = Problem(str(file), "", "no record of a run", "a finished run", remedy)
        raise StudyError([problem]) from error
    return run


def _inputs(run: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Give every input file that a run recorded, with its hash."""
    for image in run["images"]:
        yield image.get("file", image["image"]), image["sha256"]
        for blank in image.get("blanks", []):
            yield blank["image"], blank["sha256"]
    for table in run.get("tables", {}).values():
        yield from table.get("files", {}).items()


def _compare(folder: Path, recorded: Mapping[str, str], what: str) -> tuple[str, list[str]]:
    """Hash files again; give a sentence of how many, and those that differ."""
    broken = []
    for name, held in recorded.items():
        try:
            if hash_file(folder / name) != held:
                broken.append(f"{what} {name}: its content is not what the run recorded")
        except OSError as error:
            broken.append(f"{what} {name}: {error.strerror or error}")
    sound = len(recorded) - len(broken)
    return f"Hashed again: {sound} of {len(recorded)} {what} files as recorded.", broken


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


def _compare_labels(study: Study, tasks: Sequence[Task]) -> tuple[str, list[str]]:
    """Compare the published label images with the stored ones, byte for byte."""
    store, count = Store(study.results / "store"), 0
    broken = []
    for task in tasks:
        if task.review and task.fingerprint not in store:
            continue  # a correction that couldn't be measured is a row of problems.csv
        try:
            stored = store.labels(task.fingerprint)
        except (OSError, ValueError, KeyError) as error:
            text = f"its stored result is missing or damaged ({error})"
            broken.append(f"label images of {task.sample.image}: {text}")
            continue
        folder = label_folder(study.results, task)
        for name, held in stored.items():
            count += 1
            file = folder / f"{name}.tif"
            try:
                same = _same_bytes(file, held)
                said = "" if same else "its content is not what was measured"
            except OSError as error:
                said = str(error.strerror or error)
            if said:
                broken.append(f"result {file.relative_to(study.results).as_posix()}: {said}")
    return f"Compared with what was measured: {count} label images.", broken


def _same_bytes(file: Path, held: Path | bytes) -> bool:
    if isinstance(held, bytes):
        return file.read_bytes() == held
    return hash_file(file) == hash_file(held)


def _failed(results: Path) -> set[tuple[str, str]]:
    """Give the images of problems.csv, as they are written there."""
    try:
        with (results / "problems.csv").open(encoding="utf-8", newline="") as file:
            return {(row["assay"], row["image"]) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError):
        return set()  # that it isn't as recorded is said elsewhere


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
            other += image in recorded or (guard(image[0]), guard(image[1])) not in failed
    if not other:
        return same, []
    text = f"{other} images: their file, options or rows of the sheet are not those of the run"
    return same, [text]


def _choose(tasks: Sequence[Task], count: int, chance: random.Random) -> list[Task]:
    """Choose images by turns over the assays."""
    by_assay: dict[str, list[Task]] = {}
    for task in tasks:
        by_assay.setdefault(task.sample.assay, []).append(task)
    for held in by_assay.values():
        chance.shuffle(held)
    turns = [
        held[place]
        for place in range(max(map(len, by_assay.values()), default=0))
        for held in by_assay.values()
        if place < len(held)
    ]
    return turns[:count]


def _measure_again(study: Study, task: Task) -> list[str]:
    """Measure an image anew and say what differs from its stored result."""
    store = Store(study.results / "store")
    name = f"measurement of {task.sample.image}"
    with TemporaryDirectory() as folder:
        problem = measure_job(Job(task, Path(folder))).problem
        if problem is not None:
            return [f"{name}: {problem.error}"]
        anew = Store(Path(folder))
        try:
            differing = _differences(
                store.load(task.fingerprint), anew.load(task.fingerprint)
            ) + _label_differences(store, anew, task.fingerprint)
        except (OSError, ValueError, KeyError) as error:
            return [f"{name}: its stored result is missing or damaged ({error})"]
    return [f"{name}: {text}" for text in differing]


def _differences(stored: StoredMeasurement, anew: StoredMeasurement) -> list[str]:
    found = [
        text
        for kind in ("objects", "regions")
        for text in [_table_difference(kind, getattr(stored, kind), getattr(anew, kind))]
        if text
    ]
    same = stored.profiles.keys() == anew.profiles.keys() and all(
        np.array_equal(stored.profiles[name], anew.profiles[name], equal_nan=True)
        for name in stored.profiles
    )
    found += [] if same else ["its profiles differ"]
    return found + ([] if stored.flags == anew.flags else ["its flags differ"])


def _table_difference(kind: str, stored: pd.DataFrame, anew: pd.DataFrame) -> str:
    if stored.equals(anew):
        return ""
    if stored.shape != anew.shape:
        return f"{len(anew)} {kind} where the run found {len(stored)}"
    columns = [name for name in stored if name not in anew or not stored[name].equals(anew[name])]
    return f"{kind} differ in {', '.join(columns)}"


def _label_differences(stored: Store, anew: Store, key: str) -> list[str]:
    first, second = (read_labels(store.labels(key)) for store in (stored, anew))
    same = first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )
    return [] if same else ["its label images differ"]


def _notes(run: Mapping[str, Any]) -> Iterable[str]:
    """Say what program the run was made with, where it isn't this one."""
    before, now = run.get("versions", {}), versions()
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"{name} was {before.get(name)}, and is {now.get(name)} now"
    if run.get("code") not in (None, code_hash()):
        yield "the program's own files are not those of the run"
