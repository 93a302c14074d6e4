"""Gathers the readings of a study's images from the store, and adds their tables to the results."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .plan import Task
from .readings import PROGRAM, ImageReading, reading_tables
from .reviews import Reviewed, correctable_labels
from .rollup import AssayResult
from .store import Store
from .stored_tables import FromStore
from .study import Study
from .table_assay import TableResult


def with_readings(
    study: Study,
    store: Store,
    program: Sequence[Task],
    reviewed: Reviewed,
    results: Mapping[str, AssayResult],
    tables: Mapping[str, TableResult],
) -> dict[str, TableResult]:
    """Add each reviewed assay's tables of readings and agreement to its further tables.

    Parameters
    ----------
    study : Study
        The study.
    store : Store
        Has the measurements.
    program : sequence of Task
        The images as the program measured them.
    reviewed : Reviewed
        Their reviews.
    results : mapping of str to AssayResult
        Have the thresholds that classes come from: the same for all readers and the program.
    tables : mapping of str to TableResult
        What the assays concluded so far.
    """
    found = dict(tables)
    for name, assay in study.image_assays.items():
        read = [r for r in reviewed.readings if r.task.sample.assay == name]
        images = {reading.task.sample.image for reading in read}
        own = [t for t in program if t.sample.assay == name and t.sample.image in images]
        if not read or name not in results:
            continue
        readings = [
            *(_reading(task, PROGRAM, "", results[name], store) for task in own),
            *(
                _reading(r.task, r.task.review.reader, r.status, results[name], store)
                for r in read
                if r.task.review is not None
            ),
        ]
        more = reading_tables(name, assay, [r for r in readings if r is not None])
        held = found.get(name, TableResult())
        found[name] = replace(held, tables={**held.tables, **more})
    return found


def _reading(
    task: Task, reader: str, status: str, result: AssayResult, store: Store
) -> ImageReading | None:
    """Load one reading; one that couldn't be measured has its row of problems already."""
    if task.fingerprint not in store:
        return None
    held = store.load(task.fingerprint)
    what = task.assay.corrects(held.profiles)
    if what is None:
        return None
    measured = FromStore(task.sample, held, held.flags)
    classified = task.assay.classify(measured, result.calibration)
    objects = None
    if what.profile is None:
        labels = correctable_labels(store, task.assay, task.fingerprint, held.profiles)
        objects = labels[what.objects]
    settles = task.review is not None and bool(task.review.settles)
    return ImageReading(task.sample, reader, status, classified, objects, settles)
