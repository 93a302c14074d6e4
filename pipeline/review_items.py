"""What a study has for review: the images of its last run that a person may correct."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .assay import Assay, Calibration
from .errors import Problem, StudyError
from .evidence import prepare_assays
from .plan import image_names
from .provenance import RUN_FILE
from .samples import Sample, study_samples
from .store import Store
from .study import Study, load_study


@dataclass(frozen=True)
class ReviewItem:
    """One image of the last run.

    Attributes
    ----------
    sample : Sample
        Its row of the sheet.
    assay : Assay
        What measured it.
    name : str
        Its name in ``labels/`` and ``review/``.
    reference : pathlib.Path
        The image.
    fingerprint : str
        Of the program's measurement, in the store.
    sha256 : str
        Of the image's bytes when it was measured.
    blanks : tuple of str
        Empty fields of its batch, relative to the study's folder.
    """

    sample: Sample
    assay: Assay
    name: str
    reference: Path
    fingerprint: str
    sha256: str
    blanks: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Assay and image."""
        return self.sample.assay, self.sample.image


@dataclass(frozen=True)
class ReviewStudy:
    """A study that has been run, ready for review.

    Attributes
    ----------
    study : Study
        The study.
    items : tuple of ReviewItem
        Images of assays with something to correct, in the sheet's order.
    calibrations : dict of str to Calibration
        The last run's thresholds.
    store : Store
        Has the measurements.
    """

    study: Study
    items: tuple[ReviewItem, ...]
    calibrations: dict[str, Calibration]
    store: Store


def load_review_study(path: Path, assays: Sequence[str] = ()) -> ReviewStudy:
    """Read a study's last run for review.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder.
    assays : sequence of str
        Only these; all when empty.

    Returns
    -------
    ReviewStudy
        Its images that can be reviewed, with thresholds and store.

    Raises
    ------
    StudyError
        If the study can't be read, has no results, or nothing in them can be reviewed.
    """
    study = load_study(path)
    study, samples, _ = prepare_assays(study, study_samples(study))
    _check_assays(study, assays)
    run = _last_run(study, path)
    names = image_names([s for s in samples if s.assay in study.image_assays])
    known = {(sample.assay, sample.image): sample for sample in samples}
    items = [
        _item(study, known[key], names[key], image)
        for image in run["images"]
        if (key := (image["assay"], image["image"])) in known
        and study.image_assays[key[0]].correctable is not None
        and (not assays or key[0] in assays)
    ]
    if not items:
        expected = "images of nodules, fluorescence or DAB that were measured"
        remedy = f"look into problems.csv, or run the study: xenoquant run {path}"
        raise StudyError([Problem(str(study.results), "", "nothing to review", expected, remedy)])
    calibrations = {
        name: Calibration({k: v for k, v in held.items() if k != "flags"}, tuple(held["flags"]))
        for name, held in run["calibrations"].items()
    }
    return ReviewStudy(study, tuple(items), calibrations, Store(study.results / "store"))


def _item(study: Study, sample: Sample, name: str, image: dict[str, Any]) -> ReviewItem:
    return ReviewItem(
        sample,
        study.image_assays[sample.assay],
        name,
        study.folder / sample.image,
        image["fingerprint"],
        image["sha256"],
        tuple(blank["image"] for blank in image["blanks"]),
    )


def _check_assays(study: Study, assays: Sequence[str]) -> None:
    able = [name for name, assay in study.image_assays.items() if assay.correctable is not None]
    unknown = [name for name in assays if name not in able]
    if unknown:
        expected = "an assay that can be reviewed (" + (", ".join(able) or "there is none") + ")"
        raise StudyError([Problem("--assay", "", n, expected, "mend the name") for n in unknown])


def _last_run(study: Study, path: Path) -> dict[str, Any]:
    file = study.results / RUN_FILE
    remedy = f"run the study first: xenoquant run {path}"
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
        run["images"], run["calibrations"]
    except FileNotFoundError as error:
        problem = Problem(str(file), "", "no such file", "the results of a run", remedy)
        raise StudyError([problem]) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem(str(file), "", str(error), "the results of a run", remedy)
        raise StudyError([problem]) from error
    held: dict[str, Any] = run
    return held
