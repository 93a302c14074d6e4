"""Provenance: what a run was made of, as run.json and as an RO-Crate."""

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from .assay import Calibration
from .plan import Task
from .samples import Sample
from .store import fingerprint, hash_file
from .study import Study

# the libraries whose version can change a measured number or a p-value
_LIBRARIES = (
    *("numpy", "scipy", "pandas", "statsmodels", "scikit-image", "opencv-python-headless"),
    *(
        "numba",
        "onnxruntime",
        "tifffile",
        "imagecodecs",
        "liffile",
        "openslide-python",
        "pillow",
        "pillow-heif",
    ),
)
REPORT_FILE, RUN_FILE, CRATE_FILE = "report.html", "run.json", "ro-crate-metadata.json"

READ_AS = ("format", "series", "series_name", "level", "z", "n_z", "timepoint")
"""Of a reader's notes, what says which picture of a file was measured."""


def versions() -> dict[str, str]:
    """Give the versions of xenoquant, Python and the libraries that numbers depend on."""
    known = {"xenoquant": xenoquant_version(), "python": platform.python_version()}
    return known | {name: metadata.version(name) for name in _LIBRARIES}


def xenoquant_version() -> str:
    """Give the program's version."""
    return metadata.version("xenoquant")


def code_hash() -> str:
    """Give one hash over the program's own files, which tells two states of one version apart."""
    digest = hashlib.sha256()
    pipeline = Path(__file__).parent
    rooms = [pipeline, *(pipeline.parent / room for room in ("imgproc", "stats", "data"))]
    for file in sorted(file for room in rooms for file in room.rglob("*") if _is_code(file)):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_code(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts and file.suffix != ".nbi"


def output_hashes(results: Path) -> dict[str, str]:
    """Give the SHA-256 of every table in a results folder, by its relative path."""
    files = [
        *results.glob("*.csv"),
        *(file for kind in ("objects", "regions") for file in (results / kind).glob("*.parquet")),
    ]
    return {file.relative_to(results).as_posix(): hash_file(file) for file in sorted(files)}


def file_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Give the SHA-256 of files.

    Parameters
    ----------
    folder : pathlib.Path
        What their names are relative to.
    names : iterable of str
        The files.

    Returns
    -------
    dict of str to str
        By name in alphabetical order; empty for one that isn't there or can't be read.
    """

    def held(name: str) -> str:
        try:
            return hash_file(folder / name)
        except OSError:
            return ""

    return {name: held(name) for name in sorted(set(names))}


def parameters(study: Study) -> dict[str, dict[str, Any]]:
    """Give every option of every assay, as JSON holds them."""
    return {name: assay.model_dump(mode="json") for name, assay in study.assays.items()}


def sheet_hash(samples: Sequence[Sample]) -> str:
    """Give one hash over the rows of a study's sheets: what they say, not how it is written."""
    return fingerprint({"rows": [asdict(sample) for sample in samples]})


def describe_run(
    study: Study,
    samples: Sequence[Sample],
    tasks: Sequence[Task],
    *,
    calibrations: Mapping[str, Calibration],
    read_as: Mapping[tuple[str, str], Mapping[str, Any]],
    seconds: Mapping[str, float],
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """Give the content of run.json.

    Parameters
    ----------
    study : Study
        The study that was run.
    samples : sequence of Sample
        The rows of its sheets.
    tasks : sequence of Task
        Its images, measured now or before.
    calibrations : mapping of str to Calibration
        The thresholds by assay.
    read_as : mapping of (str, str) to mapping
        What the reader noted of an image, by assay and image; `READ_AS` of it is kept.
    seconds : mapping of str to float
        Time by stage.
    counts : mapping of str to int
        Images measured, reused and failed.

    Returns
    -------
    dict
        JSON-serialisable.
    """
    return {
        "versions": versions(),
        "code": code_hash(),
        "platform": platform.platform(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": study.header.model_dump(mode="json"),
        "parameters": parameters(study),
        "sheet": sheet_hash(samples),
        "calibrations": {
            name: {**held.values, "flags": list(held.flags)} for name, held in calibrations.items()
        },
        "images": [
            _describe_image(study, task, read_as.get((task.sample.assay, task.sample.image), {}))
            for task in tasks
        ],
        "counts": dict(counts),
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "outputs": output_hashes(study.results),
    }


def _describe_image(study: Study, task: Task, noted: Mapping[str, Any]) -> dict[str, Any]:
    image, *others = task.content
    blanks, beside = others[: len(task.blanks)], others[len(task.blanks) :]
    described: dict[str, Any] = {
        "assay": task.sample.assay,
        "image": task.sample.image,
        "name": task.name,
        "file": _relative(task.files[0], study.folder),
        "role": task.sample.role,
        "sha256": image,
        "blanks": [
            {"image": _relative(path, study.folder), "sha256": content}
            for path, content in zip(task.blanks, blanks, strict=True)
        ],
        "fingerprint": task.fingerprint,
    }
    facts = {name: noted[name] for name in READ_AS if name in noted}
    if facts:
        described["read_as"] = facts
    if beside:
        described["beside"] = [
            {"file": _relative(path, study.folder), "sha256": content}
            for path, content in zip(task.beside, beside, strict=True)
        ]
    return described


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def describe_crate(
    study: Study, run: Mapping[str, Any], files: Mapping[str, str]
) -> dict[str, Any]:
    """Give the RO-Crate metadata of a results folder.

    Parameters
    ----------
    study : Study
        The study that was run.
    run : mapping
        The content of run.json.
    files : mapping of str to str
        The SHA-256 of the tables, the report and run.json, by path in the results folder.

    Returns
    -------
    dict
        JSON-LD, to be written as ``ro-crate-metadata.json``.
    """
    from rocrate.model import File, SoftwareApplication
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    crate.name = study.header.title
    crate.description = "Measurements and group comparisons of a xenograft study"
    crate.datePublished = run["finished"]
    program = SoftwareApplication(
        crate, "#xenoquant", {"name": "xenoquant", "softwareVersion": run["versions"]["xenoquant"]}
    )
    crate.add(program)
    inputs = [
        crate.add(
            File(
                crate,
                dest_path=f"../{image['image']}",
                properties={"sha256": image["sha256"], "additionalType": image["assay"]},
            )
        )
        for image in run["images"]
    ]
    outputs = [
        crate.add(File(crate, dest_path=name, properties={"sha256": held} if held else {}))
        for name, held in files.items()
    ]
    crate.add_action(
        program,
        identifier="#run",
        object=inputs,
        result=outputs,
        properties={"endTime": run["finished"]},
    )
    described: dict[str, Any] = crate.metadata.generate()
    return described
