"""Writes the report of a study: one HTML file that opens anywhere, with no network."""

import base64
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from .report_extra import read_extra
from .report_gallery import flag_rows, ordered_images, overlay_of
from .report_measured import known_assays, measured_table, of_assay
from .report_methods import (
    NEWMAN_KEULS_CAUTION,
    adjustment_sentence,
    methods_paragraph,
    unit_statement,
)
from .report_pictures import VIEW_BUDGET_BYTES, VIEW_SIDE_PX, Picture, pictures
from .report_sections import AssaySection, assay_section, flattened
from .report_tables import problem_table
from .report_view import SUBJECTS, AssayView, StudyView
from .report_words import flag_meaning, level_label
from .results_tables import COLUMNS, read_tables
from .writers import atomic_path

__all__ = ["AssayView", "StudyView", "write_report"]

_PIECE_BYTES = 3 << 18  # of three bytes each base64 makes four letters: pieces can be joined
_MOST_BYTES_INSIDE = 5_000_000  # of one table's file; what a larger one holds, the page shows too
_OWN_PARTS = ("versions", "study", "parameters", "calibrations", "images")


def write_report(
    results: Path, study: StudyView, *, view_budget_bytes: int = VIEW_BUDGET_BYTES
) -> Path:
    """Write ``report.html`` from the tables and overlays of a results folder.

    The file holds its styles, script, figures, thumbnails and tables; it loads nothing and says
    so to the browser in a content security policy.

    Parameters
    ----------
    results : pathlib.Path
        Holds ``images.csv``, ``animals.csv``, ``groups.csv``, ``comparisons.csv``,
        ``problems.csv`` and ``overlays/``; a table that is missing counts as empty.
    study : StudyView
        What the tables don't say.
    view_budget_bytes : int
        Large views of overlays are embedded up to this many bytes; the others are links to the
        files in ``overlays/``, and the report says so.

    Returns
    -------
    pathlib.Path
        The report.

    Raises
    ------
    ValueError
        If a table lacks a column, or holds text where a number should stand.
    """
    report = results / "report.html"
    context = _context(results, study, view_budget_bytes)
    # piece by piece: the whole page would be in the memory several times
    with atomic_path(report) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        file.writelines(_render(context))
    return report


def _context(results: Path, study: StudyView, view_budget_bytes: int) -> dict[str, Any]:
    tables = read_tables(results)
    assays = known_assays(study, tables)
    numbers = _numbers(study, assays, tables)
    measured = measured_table(study, tables)
    drawn = pictures(results, _overlays(assays, list(numbers)), budget_bytes=view_budget_bytes)
    extras = [read_extra(results, assay) for assay in assays]
    sections = [
        assay_section(
            study, assay, tables, key=f"a{i}", pictures=drawn, numbers=numbers, extra=extra
        )
        for i, (assay, extra) in enumerate(zip(assays, extras, strict=True))
    ]
    tests = list(dict.fromkeys(tables["comparisons"]["test"]))
    versions = dict(study.run.get("versions", {}))
    version = str(versions.get("xenoquant", ""))
    return {
        "study": study,
        "version": version,
        "summary": _summary(study, tables),
        "problems": problem_table(tables["problems"]),
        "flags": flag_rows(tables["images"], numbers),
        "row_flags": _row_flags(sections),
        "measured": measured,
        "sections": sections,
        "level": level_label(study.alpha),
        "unit_statement": unit_statement(study),
        "caution": NEWMAN_KEULS_CAUTION if "newman_keuls" in tests else "",
        "methods": methods_paragraph(study, tests, version),
        "adjustment_sentence": adjustment_sentence(study),
        "versions": flattened(versions),
        "run": flattened({k: v for k, v in study.run.items() if k not in _OWN_PARTS}),
        "downloads": _downloads(results, tables, assays, extras),
        "has_tables": any(assay.is_table for assay in assays),
        "views": _views(drawn),
        "view_side_px": VIEW_SIDE_PX,
    }


def _numbers(
    study: StudyView, assays: Sequence[AssayView], tables: Mapping[str, pd.DataFrame]
) -> dict[tuple[str, str], int]:
    """Number the images in the order in which the page shows them."""
    shown = [
        (assay.name, image)
        for assay in assays
        for image in ordered_images(study, of_assay(tables, assay)["images"])["image"]
    ]
    return {key: number for number, key in enumerate(shown)}


def _overlays(assays: Sequence[AssayView], images: Sequence[tuple[str, str]]) -> list[str]:
    """Give the overlays, the first of each assay before the second of any."""
    by_assay = [
        [overlay_of(assay, image) for name, image in images if name == assay.name]
        for assay in assays
    ]
    rounds = itertools.zip_longest(*by_assay)
    return list(dict.fromkeys(name for turn in rounds for name in turn if name is not None))


def _summary(study: StudyView, tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Give the figures at the top of the page."""
    images = tables["images"].drop_duplicates(["assay", "image"])
    samples = images[images["role"] == "sample"]
    people = [assay.name for assay in study.assays.values() if assay.unit == SUBJECTS]
    of_people = tables["animals"]["assay"].isin(people)
    subjects = tables["animals"][of_people].drop_duplicates(["assay", "animal"])
    sheets = sum(len(assay.files) for assay in study.assays.values())
    return [
        ("animals", str(tables["animals"][~of_people]["animal"].nunique())),
        *([("subjects", str(len(subjects)))] if people else []),
        ("images measured", str(len(samples))),
        *([("tables read", str(sheets))] if sheets else []),
        ("negative controls", str((images["role"] == "negative_control").sum())),
        ("problems", str(len(tables["problems"]))),
        ("images with a flag", str((images["flag"] != "").sum())),
    ]


def _row_flags(sections: Sequence[AssaySection]) -> list[dict[str, Any]]:
    """Collect the flags that rows of tables carry."""
    return [
        {
            "code": code,
            "meaning": flag_meaning(code),
            "key": section.key,
            "assay": section.name,
            "count": f"{count} {'row' if count == 1 else 'rows'}",
        }
        for section in sections
        for code, count in section.exhibits.flags
    ]


def _downloads(
    results: Path,
    tables: Mapping[str, pd.DataFrame],
    assays: Sequence[AssayView],
    extras: Sequence[Mapping[str, pd.DataFrame]],
) -> list[dict[str, Any]]:
    """Embed the tables as the files they are: the study's, then each assay's own.

    A large one is a link to the file beside the report, so that many images don't double the page.
    """
    rows = {name: len(tables[name]) for name in COLUMNS}
    for assay, extra in zip(assays, extras, strict=True):
        rows |= {f"{assay.name}_{kind}": len(table) for kind, table in extra.items()}
    found = []
    for name, count in rows.items():
        file = results / f"{name}.csv"
        if file.is_file():
            inside = file.stat().st_size <= _MOST_BYTES_INSIDE
            content = _as_base64(file) if inside else None
            told = {"name": file.name, "link": quote(file.name), "rows": count, "content": content}
            found.append(told)
    return found


def _as_base64(file: Path) -> Iterator[str]:
    """Give a file as base64, piece by piece, when it is asked for."""
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield base64.b64encode(piece).decode("ascii")


def _views(drawn: Mapping[str, Picture]) -> dict[str, int]:
    embedded = sum(bool(picture.view) for picture in drawn.values())
    far = sum(not picture.thumbnail for picture in drawn.values())
    return {"embedded": embedded, "linked": len(drawn) - embedded, "far": far}


def _render(context: Mapping[str, Any]) -> Iterator[str]:
    script, style = _resource("report.js"), _resource("report.css")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_resource("report.html"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return template.generate(
        **context, script=Markup(script), script_digest=digest, style=Markup(style)
    )


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
