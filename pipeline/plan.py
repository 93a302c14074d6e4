"""The plan: what there is to measure, each image with the fingerprint of its result."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from .assay import Assay
from .image_files import MAX_MEGAPIXELS
from .image_names import image_names as image_names
from .problems import ProblemRow
from .readers import split_reference
from .samples import BLANK, Sample
from .store import fingerprint, hash_file
from .study import Study

_PATIENCE_S_PER_MB = 10.0
_HASHING_THREADS = 4  # hashing waits for the disk, and lets other threads run
_HASHED_TOGETHER = 32  # files that a thread takes at once: to be asked costs as much as a small one


@dataclass(frozen=True)
class Review:
    """A reader's corrections of an image, in the place of what the program found.

    Attributes
    ----------
    reader : str
        Who reviewed.
    folder : pathlib.Path
        Where the corrections are.
    digest : str
        Of all that is in them; part of the task's fingerprint.
    program : str
        Fingerprint of the program's own measurement.
    settles : tuple of str
        The readers whose differences it settles.
    """

    reader: str
    folder: Path
    digest: str
    program: str
    settles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One image to measure.

    Attributes
    ----------
    sample : Sample
        The image's row of the sheet.
    assay : Assay
        The assay it belongs to.
    reference : pathlib.Path
        The absolute path, with ``#n`` behind it for one image of a container.
    blanks : tuple of pathlib.Path
        Empty bright fields of the same batch.
    content : tuple of str
        SHA-256 of the image's file, of the blanks' and of the files beside it.
    fingerprint : str
        The key of its result in the store.
    name : str
        The image's name in ``labels/`` and ``overlays/``: its path without the extension.
    review : Review or None
        The corrections to measure; None where the program's own result counts.
    flags : tuple of str
        What roll-up adds to the image's flags.
    beside : tuple of pathlib.Path
        Further files that the measurement depends on, such as the regions of a slide.
    max_megapixels : float
        Larger images are refused; no part of the fingerprint, as it changes no number.
    """

    sample: Sample
    assay: Assay
    reference: Path
    blanks: tuple[Path, ...]
    content: tuple[str, ...]
    fingerprint: str
    name: str
    review: Review | None = None
    flags: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()
    max_megapixels: float = MAX_MEGAPIXELS

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose bytes the fingerprint covers, the image's own first."""
        return (split_reference(self.reference)[0], *self.blanks, *self.beside)

    @property
    def extra_seconds(self) -> float:
        """Patience beyond the time limit: a slide of gigabytes may take hours."""
        try:
            return self.files[0].stat().st_size / 1e6 * _PATIENCE_S_PER_MB
        except OSError:
            return 0.0


@dataclass(frozen=True)
class Plan:
    """What a run has to do, and the inputs that can't be planned for."""

    tasks: tuple[Task, ...]
    problems: tuple[ProblemRow, ...]


def plan_study(study: Study, samples: Sequence[Sample]) -> Plan:
    """Give a study's tasks with their fingerprints.

    Parameters
    ----------
    study : Study
        The study.
    samples : sequence of Sample
        Its sheet.

    Returns
    -------
    Plan
        Tasks in the sheet's order, and a problem for every file that isn't there or can't be read.
    """
    assays = study.image_assays
    chosen = [sample for sample in samples if sample.assay in assays]
    hashes, problems = _hash_inputs(study, chosen)
    blanks = _blanks_by_batch(study, chosen, hashes)
    names = image_names(chosen)
    tasks = []
    for sample in chosen:
        reference = study.folder / sample.image
        content = hashes.get(split_reference(reference)[0])
        if sample.role == BLANK or content is None:
            continue
        held = blanks.get((sample.assay, sample.batch), ())
        task = _task(assays[sample.assay], sample, reference, held, hashes, names)
        tasks.append(replace(task, max_megapixels=study.header.max_megapixels))
    return Plan(tuple(tasks), tuple(problems))


def _task(
    assay: Assay,
    sample: Sample,
    reference: Path,
    blanks: tuple[Path, ...],
    hashes: Mapping[Path, str],
    names: Mapping[tuple[str, str], str],
) -> Task:
    path, series = split_reference(reference)
    beside = tuple(file for file in assay.beside(reference) if file in hashes)
    content = tuple(hashes[file] for file in (path, *blanks, *beside))
    parts = {
        "content": content,
        "series": series,
        "parameters": assay.measuring_parameters(),
        "px_per_mm": sample.px_per_mm,
        "um_per_px": sample.um_per_px,
    }
    name = names[sample.assay, sample.image]
    return Task(sample, assay, reference, blanks, content, fingerprint(parts), name, beside=beside)


def _hash_inputs(
    study: Study, samples: Sequence[Sample]
) -> tuple[dict[Path, str], list[ProblemRow]]:
    """Hash every file once; a file that can't be hashed is a problem of each of its rows."""
    files = {sample: split_reference(study.folder / sample.image)[0] for sample in samples}
    assays = study.image_assays
    beside = (
        file
        for sample in samples
        for file in assays[sample.assay].beside(study.folder / sample.image)
    )
    distinct = sorted({*files.values(), *beside})
    batches = [
        distinct[at : at + _HASHED_TOGETHER] for at in range(0, len(distinct), _HASHED_TOGETHER)
    ]
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        hashed = chain.from_iterable(pool.map(_hash_each, batches))
        results = dict(zip(distinct, hashed, strict=True))
    hashes = {file: result for file, (result, reason) in results.items() if not reason}
    problems = []
    for sample, file in files.items():
        reason = results[file][1]
        if reason:
            remedy = "put the file where the sheet says, or mend or remove its row"
            problems.append(ProblemRow(sample.assay, sample.image, "read", reason, remedy))
    return hashes, problems


def _hash_each(files: Sequence[Path]) -> list[tuple[str, str]]:
    return [_hash_or_reason(file) for file in files]


def _hash_or_reason(file: Path) -> tuple[str, str]:
    try:
        if not file.exists():
            return "", "the file isn't there"
        if not file.is_file():
            return "", "this is not a file"
        return hash_file(file), ""
    except OSError as error:
        return "", f"the file can't be read: {error.strerror or error}"


def _blanks_by_batch(
    study: Study, samples: Sequence[Sample], hashes: Mapping[Path, str]
) -> dict[tuple[str, str], tuple[Path, ...]]:
    held: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for sample in samples:
        path = study.folder / sample.image
        if sample.role == BLANK and path in hashes:
            held[sample.assay, sample.batch].append(path)
    return {key: tuple(paths) for key, paths in held.items()}
