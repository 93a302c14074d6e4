"""A finished run's results, found and read again from its folder."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from .errors import Problem, StudyError
from .image_names import inside
from .provenance import RUN_FILE
from .region_shapes import region_geometries
from .study import RESULTS_FOLDER

OBJECT_LABELS = ("cells", "nodules", "bands", "nuclei")
"""Label images whose numbers are those of the objects' table, the most telling first."""

REGION_LABELS = ("tissue", "lobes", "lanes")


@dataclass(frozen=True)
class ImageResult:
    """What a run left of one image.

    Attributes
    ----------
    assay, image : str
        As the tables name them.
    name : str
        Its path under ``labels/<assay>/``.
    labels : dict of str to pathlib.Path
        Label images by what they show.
    objects, regions : pandas.DataFrame
        Its rows of the tables.
    shapes : callable
        Gives the GeoJSON geometries, by region, of regions that have no label image.
    """

    assay: str
    image: str
    name: str
    labels: dict[str, Path]
    objects: pd.DataFrame
    regions: pd.DataFrame
    shapes: Callable[[], Mapping[int, dict[str, Any]]] = dict


@dataclass(frozen=True)
class ResultsFolder:
    """The results of a study or of loose images.

    Attributes
    ----------
    folder : pathlib.Path
        Holds ``run.json``.
    study : pathlib.Path
        The study's folder, that images are named from; the results' own where there is none.
    run : dict
        The content of run.json.
    """

    folder: Path
    study: Path
    run: dict[str, Any]

    def table(self, name: str) -> pd.DataFrame:
        """Read one of the CSV tables, with identifiers as text."""
        texts = dict.fromkeys(("assay", "image", "animal", "group", "lobe", "feature"), str)
        file = self.folder / f"{name}.csv"
        return pd.read_csv(file, dtype=texts, keep_default_na=True)

    def assays(self) -> list[str]:
        """Name the assays that have objects."""
        return sorted(file.stem for file in (self.folder / "objects").glob("*.parquet"))

    def objects(self, assay: str, kind: str = "objects") -> pd.DataFrame:
        """Read an assay's table of objects or regions."""
        file = self.folder / kind / f"{assay}.parquet"
        return pd.read_parquet(file) if file.is_file() else pd.DataFrame({"image": []})

    def images(self) -> Iterator[ImageResult]:
        """Go through the images that were measured, in the order of run.json."""
        tables: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
        for described in self.run["images"]:
            assay, image = described["assay"], described["image"]
            if assay not in tables:
                tables[assay] = self.objects(assay), self.objects(assay, "regions")
            objects, regions = tables[assay]
            stated = described.get("name")
            name = inside(stated) if stated else self._name(assay, image)
            files = sorted((self.folder / "labels" / assay / name).glob("*.tif"))
            own = regions[regions["image"] == image]
            yield ImageResult(
                assay,
                image,
                name,
                {file.stem: file for file in files},
                objects[objects["image"] == image],
                own,
                partial(region_geometries, self.folder, self.study, described, own),
            )

    def _name(self, assay: str, image: str) -> str:
        """Give the name that its label images are under, for a run.json that doesn't say it."""
        path = PurePosixPath(image)
        parts = [part for part in path.parts if part not in ("/", "..", ".")]
        whole = "/".join(parts)
        short = whole[: len(whole) - len(path.suffix)] if path.suffix else whole
        held = (self.folder / "labels" / assay / whole).is_dir()
        return whole if held else short


def open_results(path: Path) -> ResultsFolder:
    """Open the results of a study, or of ``xenoquant measure``.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or its study.toml, or a folder of results.

    Returns
    -------
    ResultsFolder

    Raises
    ------
    StudyError
        If there are none.
    """
    study = path.parent if path.suffix == ".toml" else path
    for folder in (study / RESULTS_FOLDER, study):
        if (folder / RUN_FILE).is_file():
            run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
            return ResultsFolder(folder, study, run)
    remedy = f"run it first: xenoquant run {path}"
    raise StudyError([Problem(str(path), "", "no results", "a finished run (run.json)", remedy)])
