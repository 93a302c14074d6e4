"""Measuring again: what of an image's stored result doesn't come out of its pixels any more."""

import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from .drawing import read_labels
from .measuring import Job, measure_job
from .packing import StoredMeasurement
from .plan import Task
from .store import Store


def choose_images(tasks: Sequence[Task], count: int, chance: random.Random) -> list[Task]:
    """Choose images to measure again, by turns over the assays.

    Parameters
    ----------
    tasks : sequence of Task
        Images whose result is in the store.
    count : int
        How many; all where there are fewer.
    chance : random.Random
        Chooses.

    Returns
    -------
    list of Task
        At most `count`.
    """
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


def measured_differences(store: Store, task: Task) -> list[str]:
    """Measure an image anew and say what differs from its stored result.

    Parameters
    ----------
    store : Store
        Holds the image's result; it isn't changed.
    task : Task
        The image.

    Returns
    -------
    list of str
        A sentence a difference; empty where the result is the same.
    """
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
