"""Checking a study before any work: every problem of its inputs at once."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..imgproc.errors import MeasurementError
from .errors import InputError, StudyError, sentence
from .evidence import evaluate_tables, prepare_assays
from .linking import conflicting_groups
from .problems import ProblemRow
from .progress import NoProgress, Progress
from .readers import ImageInfo, inspect_image, refuse_size, split_reference
from .samples import (
    BLANK,
    NEGATIVE_CONTROL,
    SAMPLE,
    Sample,
    check_samples,
    unused_columns,
)
from .study import Study, load_study
from .table_assay import TableResult


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    facts : tuple of str
        What the study holds.
    errors : tuple of str
        What keeps the study from running.
    failures : tuple of str
        Inputs that would become rows of problems.csv.
    warnings : tuple of str
        What a run would flag.
    """

    facts: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """2 if the study can't run, 1 if inputs would fail, else 0."""
        if self.errors:
            return 2
        return 1 if self.failures else 0

    def lines(self) -> list[str]:
        """Give the report as lines of text, the worst first."""
        lines = [f"error: {text}" for text in self.errors]
        lines += [f"problem: {text}" for text in self.failures]
        lines += [f"note: {text}" for text in self.warnings]
        lines += list(self.facts)
        if not self.errors and not self.failures:
            lines.append("No problems: the study can run.")
        return lines


def check_study(path: Path, *, progress: Progress | None = None) -> CheckReport:
    """Look at a study's file, sheet and images without measuring anything.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or its study.toml.
    progress : Progress, optional
        Told of every image whose header was read.

    Returns
    -------
    CheckReport
        Everything found.
    """
    try:
        study = load_study(path)
    except StudyError as error:
        return CheckReport(errors=tuple(str(problem) for problem in error.problems))
    samples, errors = check_samples(study)
    study, samples, unusable = prepare_assays(study, samples)
    tables, problems = evaluate_tables(study)
    seen = _seen(study, samples, progress or NoProgress())
    problems += conflicting_groups(study, _animals(samples, tables))
    return CheckReport(
        facts=_facts(study, samples),
        errors=tuple(map(str, errors)),
        failures=(*seen.failures, *map(_line, (*unusable, *problems))),
        warnings=(*unused_columns(study), *_warnings(study, samples, seen, whole=not errors)),
    )


def _animals(samples: Sequence[Sample], tables: Mapping[str, TableResult]) -> pd.DataFrame:
    """Give every animal's group as each assay's sheet or table says it."""
    columns = ["assay", "animal", "group"]
    named = [(s.assay, s.animal, s.group) for s in samples if s.role == SAMPLE and s.animal]
    held = [result.animals.assign(assay=name)[columns] for name, result in tables.items()]
    return pd.concat([pd.DataFrame(named, columns=columns), *held], ignore_index=True)


def _facts(study: Study, samples: Sequence[Sample]) -> tuple[str, ...]:
    lines = []
    for name, assay in study.image_assays.items():
        held = [sample for sample in samples if sample.assay == name]
        if assay.sheets():
            lines.append(
                f"{name} ({assay.method}): {len(held)} images, {', '.join(assay.sheets())}"
            )
            continue
        roles = Counter(sample.role for sample in held)
        animals = {sample.animal for sample in held if sample.role == SAMPLE}
        groups = {sample.group for sample in held if sample.role == SAMPLE}
        lines.append(
            f"{name} ({assay.method}): {roles[SAMPLE]} images of {len(animals)} animals in "
            f"{len(groups)} groups, {roles[NEGATIVE_CONTROL]} negative controls, "
            f"{roles[BLANK]} blanks"
        )
    lines += [f"{name} ({held.method}): {held.table}" for name, held in study.table_assays.items()]
    return tuple(lines)


@dataclass
class _Seen:
    """What the images' headers say: those that would fail, and those without a pixel size."""

    failures: list[str] = field(default_factory=list)
    unscaled: Counter[str] = field(default_factory=Counter)


def _seen(study: Study, samples: Sequence[Sample], progress: Progress) -> _Seen:
    """Open every image's header; no pixel is decoded."""
    seen = _Seen()
    progress.start("check", len(samples))
    blanks = _blanks(study, samples)
    for sample in samples:
        try:
            if _lacks_scale(study, sample, blanks.get((sample.assay, sample.batch), ())):
                seen.unscaled[sample.assay] += 1
        except (InputError, MeasurementError) as error:
            line = f"{sample.assay}, {sample.image}: {error.reason}; {sentence(error.remedy)}"
            seen.failures.append(line)
        progress.advance("check", image=sample.image)
    progress.finish({})
    return seen


def _blanks(
    study: Study, samples: Sequence[Sample]
) -> Mapping[tuple[str, str], Sequence[ImageInfo]]:
    """Open the headers of each batch's blanks; one that can't be read is told in its own turn."""
    held: dict[tuple[str, str], list[ImageInfo]] = defaultdict(list)
    for sample in samples:
        if sample.role == BLANK:
            with suppress(InputError):
                info = inspect_image(study.folder / sample.image)
                held[sample.assay, sample.batch].append(info)
    return held


def _lacks_scale(study: Study, sample: Sample, blanks: Sequence[ImageInfo]) -> bool:
    """Tell whether an image has no pixel size.

    Raises
    ------
    InputError, MeasurementError
        If the image would fail, as far as its header tells.
    """
    reference = study.folder / sample.image
    if not split_reference(reference)[0].is_file():
        raise InputError(sample.image, "the file isn't there", "mend the path")
    info = inspect_image(reference)
    assay = study.image_assays[sample.assay]
    limit = study.header.max_megapixels
    if sample.role == BLANK:
        refuse_size(reference, info, limit)
        return False
    assay.refuse(reference, info, max_megapixels=limit)
    for blank in blanks:
        assay.refuse_blank(info, blank)
    return assay.lacks_scale(info, sample)


def _line(row: ProblemRow) -> str:
    return f"{row.assay}, {row.image}: {row.error}; {row.remedy}."


def _warnings(study: Study, samples: Sequence[Sample], seen: _Seen, *, whole: bool) -> list[str]:
    """Say what a run would flag; what is missing only if the sheet's rows are all there."""
    lines = []
    for name, assay in study.image_assays.items():
        held = [sample for sample in samples if sample.assay == name]
        if not held and whole:
            lines.append(f"{name}: the sample sheet has no image of this assay.")
        lines += [f"{name}: {text}" for text in assay.doubts(held)]
        if seen.unscaled[name]:
            lines.append(
                f"{name}: {seen.unscaled[name]} of {len(held)} images have no pixel size; their "
                "areas will be missing, and flagged. Set um_per_px in the study or the sheet."
            )
        lines += [] if assay.sheets() or not whole else _group_warnings(study, name, held)
    return lines


def _group_warnings(study: Study, name: str, held: Sequence[Sample]) -> list[str]:
    lines = []
    for group in study.header.groups:
        animals = {s.animal for s in held if s.role == SAMPLE and s.group == group}
        if held and len(animals) < 2:
            lines.append(f"{name}: group {group!r} has {len(animals)} animals; tests need two.")
    return lines
