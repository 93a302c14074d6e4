"""Exports of a finished run to the programs that people go on with."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import Problem, StudyError
from .export_objects import write_geojson, write_roi_set
from .export_zarr import write_ome_zarr
from .results_folder import ImageResult, ResultsFolder, open_results
from .writers import atomic_path, neutralised, write_csv

EXPORTS_FOLDER = "exports"
EXCEL_ROWS = 1_048_575  # an Excel sheet's rows less the header
EXCEL_NAME = 31
TABLES = ("images", "animals", "groups", "comparisons", "problems")


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    files : tuple of pathlib.Path
        Files and folders.
    notes : tuple of str
        What was left out, and why.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def export_study(path: Path, to: str) -> Exported:
    """Export a study's results.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder, or a folder of results.
    to : str
        One of `FORMATS`.

    Returns
    -------
    Exported
        What was written below ``exports/<to>/``; an earlier export there is written anew.

    Raises
    ------
    StudyError
        If the format isn't known or there are no results.
    """
    if to not in FORMATS:
        remedy = "give one of these"
        raise StudyError([Problem("--to", "", repr(to), ", ".join(FORMATS), remedy)])
    results = open_results(path)
    folder = results.folder / EXPORTS_FOLDER / to
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return FORMATS[to](results, folder)


def _each_image(
    results: ResultsFolder,
    folder: Path,
    suffix: str,
    write: Callable[[Path, ImageResult], int],
    *,
    regions_too: bool = False,
) -> Exported:
    """Write a file for each image that has objects or regions to show."""
    files, notes = [], []
    for result in results.images():
        if not result.labels and not (regions_too and result.shapes()):
            notes.append(
                f"{result.assay}: {result.image} has neither label images nor outlines of regions"
            )
            continue
        file = folder / result.assay / f"{result.name}{suffix}"
        write(file, result)
        files.append(file)
    return Exported(tuple(files), tuple(notes))


def _qupath(results: ResultsFolder, folder: Path) -> Exported:
    return _each_image(results, folder, ".geojson", write_geojson, regions_too=True)


def _imagej(results: ResultsFolder, folder: Path) -> Exported:
    return _each_image(results, folder, "_RoiSet.zip", write_roi_set)


def _ome_zarr(results: ResultsFolder, folder: Path) -> Exported:
    def write(path: Path, result: ImageResult) -> int:
        return write_ome_zarr(path, result, results.study)

    return _each_image(results, folder, ".ome.zarr", write)


def _xlsx(results: ResultsFolder, folder: Path) -> Exported:
    """Write one workbook with every table a sheet."""
    file = folder / "results.xlsx"
    notes = []
    sheets = {name: results.table(name) for name in TABLES}
    for assay in results.assays():
        table = results.objects(assay)
        if len(table) > EXCEL_ROWS:
            notes.append(f"{assay}: {len(table)} objects are more rows than a sheet of Excel holds")
            continue
        sheets[f"objects {assay}"] = table
    with atomic_path(file) as partial:
        _write_workbook(partial, sheets)
    return Exported((file,), tuple(notes))


def _write_workbook(path: Path, sheets: dict[str, pd.DataFrame]) -> None:
    with path.open("wb") as stream, pd.ExcelWriter(stream, engine="openpyxl") as writer:
        taken: set[str] = set()
        for name, table in sheets.items():
            plain = re.sub(r"[\[\]:*?/\\']", " ", name)[:EXCEL_NAME]
            short, copy = plain, 2
            while short.lower() in taken:
                short, copy = f"{plain[: EXCEL_NAME - 3]} {copy}", copy + 1
            taken.add(short.lower())
            neutralised(table).to_excel(writer, sheet_name=short, index=False, freeze_panes=(1, 0))


def _prism(results: ResultsFolder, folder: Path) -> Exported:
    """Write a column table for each feature: a column a group, a row an animal, for GraphPad."""
    animals, groups = results.table("animals"), results.table("groups")
    files = []
    for (assay, feature), held in animals.groupby(["assay", "feature"], sort=False):
        known = groups[(groups["assay"] == assay) & (groups["feature"] == feature)]["group"]
        named = dict.fromkeys([*known, *held["group"].fillna("")])
        columns = {
            group: held[held["group"].fillna("") == group]["value"].reset_index(drop=True)
            for group in named
        }
        file = folder / str(assay) / f"{_file_name(str(feature))}.csv"
        write_csv(file, pd.DataFrame(columns))
        files.append(file)
    notes = () if files else ("animals.csv has no row: there is nothing to compare",)
    return Exported(tuple(files), notes)


def _file_name(feature: str) -> str:
    """Make a file name of a feature's name."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", feature)


FORMATS: dict[str, Callable[[ResultsFolder, Path], Exported]] = {
    "qupath": _qupath,
    "imagej": _imagej,
    "ome-zarr": _ome_zarr,
    "xlsx": _xlsx,
    "prism": _prism,
}
