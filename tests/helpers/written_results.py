"""A small results folder written by hand, and the page that its report is."""

import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.results_tables import COLUMNS

# Three animals a group. Means 2, 4, 9; each group's deviations are −1, 0, 1, so SD = 1 and
# SEM = 1/√3. The p-values are invented, and told apart by their digits.
GROUPS = ("control", "low", "none")


ANIMALS = {
    "control": {"007": 1.0, "008": 2.0, "NA": 3.0},
    "low": {"101": 3.0, "102": 4.0, "103": 5.0},
    "none": {"201": 8.0, "202": 9.0, "203": 10.0},
}


HOSTILE = "<script>alert('x')</script> & \"quotes\" 🐭"


COMPARISONS = [
    # test, a, b, statistic, df, p, p_adjusted, effect, low, high, significant, note
    ("anova", "", "", 39.0, "2, 6", 0.000362, 0.000362, 0.93, "", "", True, ""),
    ("newman_keuls", "low", "control", 3.46, "6", 0.0412, 0.0412, 2.0, "", "", True, ""),
    ("newman_keuls", "none", "control", 12.1, "6", 2.5e-9, 2.5e-9, 7.0, "", "", True, ""),
    ("newman_keuls", "none", "low", 8.66, "6", 0.311, 0.311, 5.0, "", "", False, ""),
    ("tukey_hsd", "low", "control", 3.46, "6", 0.102, 0.102, 2.0, -0.5, 4.5, False, ""),
    ("tukey_hsd", "none", "control", 12.1, "6", 0.000212, 0.000212, 7.0, 4.5, 9.5, True, ""),
    ("tukey_hsd", "none", "low", 8.66, "6", 0.412, 0.412, 5.0, 2.5, 7.5, False, ""),
]


def comparison_table(feature: str = "nodules") -> pd.DataFrame:
    rows = [("lungs", feature, *row) for row in COMPARISONS]
    return pd.DataFrame(rows, columns=list(COLUMNS["comparisons"]))


def group_table(feature: str = "nodules") -> pd.DataFrame:
    sem = 1 / math.sqrt(3)
    rows = [
        ("lungs", feature, group, 3, mean, 1.0, sem, mean - 2.48, mean + 2.48, mean, mean, mean)
        for group, mean in zip(GROUPS, (2.0, 4.0, 9.0), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["groups"]))


def write_results(folder: Path, *, problems: list[tuple[str, ...]] | None = None) -> Path:
    """Write the tables and one overlay an image; 007.jpg carries two flags."""
    images, animals = [], []
    for group, held in ANIMALS.items():
        for animal, value in held.items():
            image = f"lungs/{animal}.jpg"
            flag = "heavy_glare;no_scale" if animal == "007" else ""
            images.append(("lungs", image, animal, group, "sample", "nodules", value, flag))
            animals.append(("lungs", "nodules", animal, group, value, 1, int(value)))
            overlay = folder / "overlays" / "lungs" / "lungs" / f"{animal}.jpg"
            overlay.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((60, 90, 3), 90, np.uint8)).save(overlay)
    images.append(("lungs", "lungs/igg.jpg", "", "", "negative_control", "nodules", 0.25, ""))
    tables: dict[str, list[Any]] = {
        "images": images,
        "animals": animals,
        "problems": problems or [],
    }
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    group_table().to_csv(folder / "groups.csv", index=False)
    comparison_table().to_csv(folder / "comparisons.csv", index=False)
    return folder


def study(**changes: Any) -> StudyView:
    assay = AssayView(
        "lungs",
        "nodules",
        ("nodules",),
        parameters={"min_diameter_mm": 0.2, "name": HOSTILE},
        calibration={"threshold": {"value": 12.5}},
        notes=("A note for the reader.",),
    )
    held: dict[str, Any] = {
        "title": "Three diets",
        "groups": GROUPS,
        "reference": "control",
        "assays": {"lungs": assay},
        "run": {"versions": {"xenoquant": "9.8.7"}, "counts": {"measured": 9}},
    }
    return StudyView(**(held | changes))


class Page(HTMLParser):
    """What a reader finds: text by section, tags, ids, links and the cells of tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.cells: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.text = ""
        self._table = ""
        self._cell: list[str] | None = None
        self._value: str | None = None
        self._silent = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append(tag)
        self._silent = tag in ("script", "style")
        if held.get("id"):
            self.ids.append(str(held["id"]))
        for name in ("href", "src", "action", "data", "poster", "srcset"):
            if name in held:
                self.links.append((tag, str(held[name])))
        if tag == "table":
            self._table = str(held.get("id", ""))
            self.cells[self._table] = []
        elif tag == "tr" and self._table:
            self.cells[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self._cell, self._value = [], held.get("data-value")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag == "table":
            self._table = ""
        elif tag in ("td", "th") and self._cell is not None:
            text = "".join(self._cell).strip()
            self.cells[self._table][-1].append((text, self._value))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.text += data
        if self._cell is not None:
            self._cell.append(data)


def page_of(folder: Path, view: StudyView | None = None, **options: Any) -> Page:
    return Page(write_report(folder, view or study(), **options).read_text(encoding="utf-8"))
