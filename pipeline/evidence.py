"""Evaluating a study's table assays: growth curves, plates, sheets of blood values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from .assay import Assay
from .errors import InputError
from .problems import ProblemRow, RefusedTable
from .rollup import ANIMAL_COLUMNS
from .samples import Sample, leaves_folder
from .store import hash_file
from .study import Study
from .table_assay import TableAssay, TableResult


def evaluate_tables(study: Study) -> tuple[dict[str, TableResult], list[ProblemRow]]:
    """Read and evaluate every table assay.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    results : dict of str to TableResult
        By assay; an assay whose table can't be used isn't in it.
    problems : list of ProblemRow
        Tables and rows that couldn't be used.
    """
    results: dict[str, TableResult] = {}
    problems: list[ProblemRow] = []
    for name, assay in study.table_assays.items():
        outside = _outside(study, name, assay)
        problems.extend(outside)
        if outside:
            continue
        try:
            results[name] = assay.evaluate(name, study.folder, study.header)
        except InputError as error:
            problems.append(ProblemRow(name, error.path, "read", error.reason, error.remedy))
            problems.extend(error.rows if isinstance(error, RefusedTable) else ())
        except ValueError as error:
            remedy = "mend the table or the assay's options"
            problems.append(ProblemRow(name, assay.table, "measure", str(error), remedy))
        else:
            problems.extend(results[name].problems)
    return results, problems


def _outside(study: Study, name: str, assay: Assay | TableAssay) -> list[ProblemRow]:
    if study.header.read_outside:
        return []
    remedy = "copy it into the study, or set read_outside = true under [study]"
    return [
        ProblemRow(name, table, "read", "the table lies outside the study's folder", remedy)
        for table in assay.files()
        if leaves_folder(study.folder, table)
    ]


def prepare_assays(
    study: Study, samples: Sequence[Sample]
) -> tuple[Study, list[Sample], list[ProblemRow]]:
    """Let every image assay read what it has of its own (a lane sheet).

    Parameters
    ----------
    study : Study
        The study.
    samples : sequence of Sample
        Its sample sheet.

    Returns
    -------
    study : Study
        With the prepared assays.
    samples : list of Sample
        The sheet's, then those that the assays' own sheets name beside them.
    problems : list of ProblemRow
        Sheets and rows that can't be used.
    """
    assays: dict[str, Assay | TableAssay] = dict(study.assays)
    found, problems = list(samples), []
    known = {(sample.assay, sample.image) for sample in samples}
    for name, assay in study.image_assays.items():
        outside = _outside(study, name, assay)
        problems.extend(outside)
        if outside:
            continue
        try:
            ready = assay.prepare(name, study.folder, study.header)
        except InputError as error:
            problems.append(ProblemRow(name, error.path, "read", error.reason, error.remedy))
            if not assay.measures_unprepared:
                found = [sample for sample in found if sample.assay != name]
            continue
        assays[name] = ready.assay
        problems.extend(ready.problems)
        found += [sample for sample in ready.samples if (name, sample.image) not in known]
    return replace(study, assays=assays), found, problems


def join_animals(images: pd.DataFrame, tables: Mapping[str, TableResult]) -> pd.DataFrame:
    """Put the animals of images and tables into one table, the columns of animals.csv."""
    found = [
        result.animals.assign(assay=name)[ANIMAL_COLUMNS]
        for name, result in tables.items()
        if len(result.animals)
    ]
    if not found:
        return images
    return pd.concat([images, *found] if len(images) else found, ignore_index=True)


def describe_tables(
    study: Study, tables: Mapping[str, TableResult]
) -> dict[str, dict[str, object]]:
    """Give what run.json says of the table assays: hashes and notes."""
    return {
        name: {
            "files": {file: hash_file(study.folder / file) for file in study.assays[name].files()},
            "notes": dict(result.notes),
        }
        for name, result in tables.items()
    }
