"""A study as its report sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .assay import Assay, Calibration
from .drawing import overlay_file
from .plan import Task
from .report_view import ANIMALS, SUBJECTS, AssayView, StudyView
from .study import Study
from .table_assay import TableAssay, TableResult

_DAY = "volume_mm3.day_"
_GROWTH_FEATURES = ("growth_rate_per_day", "doubling_time_days", "auc")


def study_view(
    study: Study,
    tasks: Sequence[Task],
    calibrations: Mapping[str, Calibration],
    tables: Mapping[str, TableResult],
    run: Mapping[str, Any],
) -> StudyView:
    """Give what the report has to know of a study beside its tables."""
    header = study.header
    images = {
        name: _with_sheet(
            _assay_view(study, name, assay, tasks, calibrations.get(name, Calibration())),
            tables.get(name),
        )
        for name, assay in study.image_assays.items()
    }
    sheets = {
        name: _table_view(name, assay, tables.get(name))
        for name, assay in study.table_assays.items()
    }
    held = images | sheets
    assays = {name: held[name] for name in study.assays}
    return StudyView(
        title=header.title,
        groups=header.groups,
        reference=header.reference,
        alpha=header.alpha,
        adjust=header.adjust,
        assays=assays,
        run=run,
        rendered=header.rendered,
    )


def _assay_view(
    study: Study, name: str, assay: Assay, tasks: Sequence[Task], calibration: Calibration
) -> AssayView:
    results = study.results
    overlays = {
        task.sample.image: overlay_file(results, task).relative_to(results).as_posix()
        for task in tasks
        if task.sample.assay == name
    }
    return AssayView(
        name=name,
        method=assay.method,
        features=tuple(assay.features),
        marker=getattr(assay, "marker", None),
        compartment=getattr(assay, "compartment", None),
        parameters=assay.model_dump(mode="json"),
        calibration=dict(calibration.values),
        notes=assay.reminders,
        overlays=overlays,
    )


def _with_sheet(view: AssayView, result: TableResult | None) -> AssayView:
    """Add what an image assay with a sheet of its own (a blot's lanes) worked out from it."""
    if result is None:
        return view
    return replace(
        view,
        features=tuple(dict.fromkeys(result.animals["feature"])) or view.features,
        calibration={**view.calibration, **result.notes},
        further_tables=tuple(result.tables),
    )


def _table_view(name: str, assay: TableAssay, result: TableResult | None) -> AssayView:
    notes = dict(result.notes) if result else {}
    return AssayView(
        name=name,
        method=assay.method,
        features=_table_features(assay.method, result),
        parameters=assay.model_dump(mode="json"),
        calibration=notes,
        notes=assay.reminders,
        files=assay.files(),
        rows=_rows_of(notes),
        unit=SUBJECTS if assay.method == "clinical" else ANIMALS,
        groups=tuple(notes.get("levels", ())),
        further_tables=tuple(result.tables) if result else (),
    )


def leading_features(assay: Assay | TableAssay, result: TableResult | None) -> tuple[str, ...]:
    """Give an assay's features in the order in which they are shown, the first reported first.

    Parameters
    ----------
    assay : Assay or TableAssay
        The assay.
    result : TableResult or None
        What it read from a table or from a sheet of its own.

    Returns
    -------
    tuple of str
        Names.
    """
    if isinstance(assay, TableAssay):
        return _table_features(assay.method, result)
    if result is None:
        return tuple(assay.features)
    return tuple(dict.fromkeys(result.animals["feature"])) or tuple(assay.features)


def _table_features(method: str, result: TableResult | None) -> tuple[str, ...]:
    """Give the features that stand in front; of the many days of growth the last alone."""
    if result is None:
        return ()
    if method == "qpcr":  # compares its folds itself, on log2
        return tuple(dict.fromkeys(result.animals["feature"]))
    if method != "growth":
        return result.compared
    days = [feature for feature in result.compared if feature.startswith(_DAY)]
    last = max(days, key=lambda feature: float(feature.removeprefix(_DAY)), default=None)
    return (*([last] if last else []), *_GROWTH_FEATURES)


def _rows_of(notes: Mapping[str, Any]) -> int | None:
    """Give how many rows a table assay read."""
    wells = notes.get("wells", {})
    return notes.get("rows", wells.get("read") if isinstance(wells, Mapping) else None)
