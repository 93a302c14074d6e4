"""A study as its report sees it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .assay import Assay, Calibration
from .drawing import overlay_file
from .plan import Task
from .report_view import AssayView, StudyView
from .study import Study
from .table_assay import TableAssay, TableResult


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
        name: _assay_view(study, name, assay, tasks, calibrations.get(name, Calibration()))
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


def _table_view(name: str, assay: TableAssay, result: TableResult | None) -> AssayView:
    return AssayView(
        name=name,
        method=assay.method,
        features=result.compared if result else (),
        parameters=assay.model_dump(mode="json"),
        calibration=dict(result.notes) if result else {},
        notes=assay.reminders,
    )
