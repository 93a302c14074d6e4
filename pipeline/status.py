"""The state of a study: what is done, what is left and what failed, also while a run goes on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from .evidence import prepare_assays
from .plan import Plan, plan_study
from .progress import Counts, read_counts
from .provenance import RUN_FILE
from .run_lock import is_held, read_holder
from .samples import study_samples
from .store import Store
from .study import Study, load_study


def study_status(path: Path) -> list[str]:
    """Say how far a study is.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or its study.toml.

    Returns
    -------
    list of str
        Lines of text.

    Raises
    ------
    StudyError
        If the study can't be run as written.
    """
    study = load_study(path)
    study, samples, _ = prepare_assays(study, study_samples(study))
    plan = plan_study(study, samples)
    store = Store(study.results / "store")
    failed = _failed(study)
    lines = [f"{study.header.title}: {study.folder}"]
    lines += _assay_lines(study, plan, store, failed)
    lines += _run_lines(study, store.folder)
    return lines


def _failed(study: Study) -> pd.DataFrame:
    """Give the problems of the last finished run."""
    try:
        table = pd.read_csv(study.results / "problems.csv", dtype=str, keep_default_na=False)
        return table[(table["stage"] != "plan") & (table["image"] != "")]
    except (OSError, ValueError, KeyError):
        return pd.DataFrame(columns=["assay", "image", "stage", "error", "remedy"])


def _assay_lines(study: Study, plan: Plan, store: Store, failed: pd.DataFrame) -> list[str]:
    planned = Counter(task.sample.assay for task in plan.tasks)
    measured = Counter(t.sample.assay for t in plan.tasks if t.fingerprint in store)
    missing = Counter(problem.assay for problem in plan.problems)
    lines = []
    for name, assay in study.image_assays.items():
        left = planned[name] - measured[name]
        failures = int(failed.loc[failed["assay"] == name, "image"].nunique())
        said = [f"{measured[name]} of {planned[name]} images measured"]
        said += [f"{left} to do"] if left else []
        said += [f"{missing[name]} whose file can't be read"] if missing[name] else []
        said += [f"{failures} failed in the last finished run"] if failures else []
        lines.append(f"{name} ({assay.method}): " + ", ".join(said))
    return lines


def _run_lines(study: Study, folder: Path) -> list[str]:
    holder = read_holder(folder)
    who = (
        f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('started')}"
        if holder
        else ""
    )
    if is_held(folder):
        return [f"A run goes on: {who}", *_count_lines(read_counts(folder))]
    lines = [_last_run(study)]
    if holder:
        lines.append(f"A run was cut short ({who}); go on with: xenoquant run {study.folder}")
    return lines


def _count_lines(counts: Counts | None) -> list[str]:
    if counts is None or not counts.total:
        return []
    left = counts.total - counts.done - counts.failed
    said = f"{counts.stage}: {counts.done} done, {counts.reused} reused, {counts.failed} failed"
    said += f", {left} left of {counts.total}"
    if counts.per_second > 0:
        said += f"; {counts.per_second:.2g} a second, about {left / counts.per_second:.0f} s to go"
    return [said]


def _last_run(study: Study) -> str:
    try:
        run: dict[str, Any] = json.loads((study.results / RUN_FILE).read_text(encoding="utf-8"))
        counts = run["counts"]
        return (
            f"Last finished run: {run['finished']}, {counts['measured']} measured, "
            f"{counts['reused']} reused, {counts['problems']} problems"
        )
    except (OSError, ValueError, KeyError):
        return f"No run has finished yet; start one with: xenoquant run {study.folder}"
