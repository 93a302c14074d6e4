"""Pages of table assays, from tables written by hand."""

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd

from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.results_tables import COLUMNS

GROUPS = ("control", "low")


HOSTILE = "<script>alert('x')</script>"


def write(folder: Path, name: str, columns: str, *rows: tuple[Any, ...]) -> None:
    """Write a table; columns are separated by spaces."""
    table = pd.DataFrame(rows, columns=columns.split())
    table.to_csv(folder / f"{name}.csv", index=False)


def write_study(
    folder: Path,
    assay: str,
    features: dict[str, dict[str, list[float]]],
    tests: list[tuple[Any, ...]],
) -> Path:
    """Write the study's tables: features by group, each value an animal's (a01, a02 …)."""
    animals, groups = [], []
    for feature, held in features.items():
        number = 0
        for group, values in held.items():
            for value in values:
                number += 1
                animals.append((assay, feature, f"a{number:02d}", group, value, 0, 1))
            series = pd.Series(values)
            quartiles = series.quantile([0.5, 0.25, 0.75])
            row = (len(values), series.mean(), series.std(), series.sem(), math.nan, math.nan)
            groups.append((assay, feature, group, *row, *quartiles))
    tables: dict[str, list[Any]] = {
        "images": [],
        "animals": animals,
        "groups": groups,
        "comparisons": [(assay, *row) for row in tests],
        "problems": [],
    }
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    return folder


def report(folder: Path, view: AssayView, **changes: Any) -> str:
    """Write the report and give it without what markup does to apostrophes."""
    held: dict[str, Any] = {
        "title": "Tables",
        "groups": GROUPS,
        "reference": "control",
        "assays": {view.name: view},
    }
    page = write_report(folder, StudyView(**(held | changes))).read_text(encoding="utf-8")
    return page.replace("&#39;", "'")


def words(html: str) -> str:
    """Give the text of a page, tags taken out and blanks made one."""
    text = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def section(html: str, key: str) -> str:
    return html.partition(f'<section id="{key}"')[2].partition("</section>")[0]


def headings(html: str) -> list[str]:
    return [heading.strip() for heading in re.findall(r"<h4>([^<]+)", html)]
