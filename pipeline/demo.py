"""The demo: a small rendered study with known truth, run as any other, and held against it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .demo_blot import write_blot
from .demo_pictures import DIETS, SEED, Picture, plan_pictures, render_picture, rows_of
from .demo_tables import make_tables
from .errors import Problem, StudyError
from .resources import usable_cores
from .run import RunOptions, RunSummary, run_study
from .samples import SAMPLE, SAMPLES_FILE
from .study import STUDY_FILE
from .workers import run_tasks
from .writers import write_csv, write_text

TRUTH_FILE = "truth.csv"


STUDY = """\
[study]
title = "Demo: tumours under three iron diets (rendered images)"
animal = "animal"
group = "diet"
groups = ["350 ppm", "35 ppm", "3.5 ppm"]
reference = "350 ppm"
alpha = 0.05
rendered = true

[assays.lungs]
method = "nodules"
px_per_mm = 50

[assays.snai1]
method = "fluorescence"
marker = "Snai1"
compartment = "nucleus"
channels = { marker = "Alexa488", nuclei = "DAPI" }

[assays.ferritin]
method = "dab"
marker = "ferritin"
compartment = "cytoplasm"
um_per_px = 0.5

[assays.volume]
method = "growth"
table = "volumes.csv"

[assays.iron]
method = "iron"
table = "iron.csv"

[assays.rna]
method = "qpcr"
table = "cq.csv"
reference_genes = ["Gapdh", "G6pd", "Hprt1"]

[assays.blot]
method = "blot"
lanes = "lanes.csv"

[assays.nodes]
method = "clinical"
table = "patients.csv"
outcome = "node_status"
positive = "positive"
predictors = { haemoglobin_g_l = 10, age_years = 1 }
"""


def run_demo(
    directory: Path,
    options: RunOptions,
    *,
    animals: int = 9,
    say: Callable[[str], None] = lambda text: None,
) -> RunSummary:
    """Make the demo study, run it, and say how close it came to its truth.

    Parameters
    ----------
    directory : pathlib.Path
        Where to make it; new, empty, or an earlier demo with as many animals.
    options : RunOptions
        How to run it.
    animals : int
        Animals in each group.
    say : callable
        Takes lines of text.

    Returns
    -------
    RunSummary
        What the run did.

    Raises
    ------
    StudyError
        If the folder holds something else.
    """
    make_demo(directory, options, animals=animals)
    summary = run_study(directory, options)
    for line in measured_against_true(directory):
        say(line)
    return summary


def make_demo(directory: Path, options: RunOptions, *, animals: int = 9) -> None:
    """Render the demo's images and write its study file, sample sheet and truth."""
    pictures = plan_pictures(animals)
    if _is_made(directory, pictures):
        return
    directory.mkdir(parents=True, exist_ok=True)
    jobs = [(directory, picture) for picture in pictures]
    options.progress.start("render", len(jobs))
    truths: dict[str, dict[str, float]] = {}
    with options.pool(options.jobs or usable_cores()) as executor:
        for image, truth in run_tasks(render_picture, jobs, executor=executor, lost=_lost_picture):
            truths[image] = truth
            options.progress.advance("render", image=image)
    tables = make_tables(_animals_of(pictures), np.random.default_rng(SEED))
    for held in tables.values():
        write_csv(directory / held.file, held.table)
    known = {name: held.truth for name, held in tables.items()}
    known["blot"] = write_blot(directory, _animals_of(pictures), np.random.default_rng(SEED + 1))
    write_csv(directory / TRUTH_FILE, _truth_table(pictures, truths, known))
    rows = [row for picture in pictures for row in rows_of(picture)]
    write_csv(directory / SAMPLES_FILE, pd.DataFrame(rows))
    write_text(directory / STUDY_FILE, STUDY)


def _animals_of(pictures: Sequence[Picture]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((p.animal, p.group) for p in pictures if p.role == SAMPLE))


def _lost_picture(job: tuple[Path, Picture], reason: str) -> tuple[str, dict[str, float]]:
    remedy = "run it again with fewer --jobs"
    raise StudyError([Problem(job[1].image, "", reason, "a rendered image", remedy)])


def _is_made(directory: Path, pictures: Sequence[Picture]) -> bool:
    """Tell whether the folder holds this demo already; refuse one that holds anything else."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return False
    study, sheet = directory / STUDY_FILE, directory / SAMPLES_FILE
    if study.is_file() and sheet.is_file() and study.read_text(encoding="utf-8") == STUDY:
        held = pd.read_csv(sheet, dtype=str)["image"].tolist()
        if held == [row["image"] for picture in pictures for row in rows_of(picture)]:
            return True
    expected = "a new or empty folder, or an earlier demo with as many animals"
    remedy = "give another folder; nothing in this one was touched"
    if _is_unfinished(directory, pictures):
        return False
    raise StudyError([Problem(str(directory), "", "a folder in use", expected, remedy)])


def _is_unfinished(directory: Path, pictures: Sequence[Picture]) -> bool:
    """Tell whether the folder holds nothing but some of the demo's own images."""
    names = {row["image"] for picture in pictures for row in rows_of(picture)} | {
        TRUTH_FILE,
        SAMPLES_FILE,
    }
    held = {
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    }
    return held <= names


def _truth_table(
    pictures: Sequence[Picture],
    truths: dict[str, dict[str, float]],
    tables: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "assay": picture.assay,
            "image": picture.image,
            "animal": picture.animal,
            "group": picture.group,
            "role": picture.role,
            "feature": feature,
            "value": value,
        }
        for picture in pictures
        for feature, value in truths[picture.image].items()
    ]
    sheets = [
        held.assign(assay=name, image="", role=SAMPLE) for name, held in tables.items() if len(held)
    ]
    return pd.concat([pd.DataFrame(rows), *sheets], ignore_index=True)


def measured_against_true(directory: Path) -> list[str]:
    """Say, per assay and group, what was measured and what is true.

    Parameters
    ----------
    directory : pathlib.Path
        A demo that has been run.

    Returns
    -------
    list of str
        A small table, a line each.
    """
    joined = _joined(directory)
    lines = ["Measured against true (rendered images, simulated tables):"]
    for (assay, feature), held in joined.groupby(["assay", "feature"], sort=False):
        lines.append(f"  {assay}, {feature}:")
        values = ["value_true", "value_measured"]
        animals = held.groupby(["group", "animal"], sort=False)[values].mean()
        for diet in DIETS:
            true, found = animals.loc[diet.name].mean()
            n = len(animals.loc[diet.name])
            lines.append(
                f"    {diet.name:>8}  true {true:8.3f}  measured {found:8.3f}  ({n} animals)"
            )
        error = (held["value_measured"] - held["value_true"]).abs().mean()
        what = "an image" if held["image"].any() else "an animal"
        lines.append(f"    mean absolute error {what}: {error:.3f} ({len(held)})")
    return lines


def _joined(directory: Path) -> pd.DataFrame:
    """Put the truth of every image and animal beside what was measured."""
    kinds = {"animal": str, "group": str, "image": str}
    truth = pd.read_csv(directory / TRUTH_FILE, dtype=kinds, keep_default_na=False)
    truth["value"] = truth["value"].astype(float)
    truth = truth[truth["role"] == SAMPLE]
    results = directory / "results"
    images = pd.read_csv(results / "images.csv", dtype=kinds)
    animals = pd.read_csv(results / "animals.csv", dtype=kinds)
    parts = []
    for rows, measured, key in (
        (truth[truth["image"] != ""], images, "image"),
        (truth[truth["image"] == ""], animals, "animal"),
    ):
        keys = ["assay", key, "feature"]
        found = measured[[*keys, "value"]]
        parts.append(rows.merge(found, on=keys, how="left", suffixes=("_true", "_measured")))
    return pd.concat(parts, ignore_index=True)
