"""Measuring loose images or folders with one method, without a study."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from .errors import InputError, Problem, StudyError
from .image_files import LEICA_SUFFIXES, TIFF_SUFFIXES
from .loose_request import LooseRequest, absolute_path
from .provenance import RUN_FILE
from .readers import list_images, scan_folder, split_reference
from .run import RunOptions, RunSummary, run_samples
from .samples import BLANK, NEGATIVE_CONTROL, SAMPLE, Sample
from .study import Study, StudyHeader

_EVERYONE = "all"
_CONTAINERS = LEICA_SUFFIXES | TIFF_SUFFIXES  # that may hold several images


def measure_loose(request: LooseRequest, options: RunOptions) -> RunSummary:
    """Measure loose images and write the same tree as a study's results.

    Parameters
    ----------
    request : LooseRequest
        What to measure and how.
    options : RunOptions
        How to carry it out.

    Returns
    -------
    RunSummary
        What was done.

    Raises
    ------
    StudyError
        If there is nothing to measure, or the output folder holds somebody else's files.
    """
    _check_output(request.out, request.assay.method)
    base = _common_folder(request.images)
    images = _expand(request.images)
    controls, blanks = _expand(request.negative_controls), _expand(request.blanks)
    others = {absolute_path(path) for path in (*controls, *blanks)}
    samples = [
        *(
            _sample(request, base, image, SAMPLE)
            for image in images
            if absolute_path(image) not in others
        ),
        *(_sample(request, base, image, NEGATIVE_CONTROL) for image in controls),
        *(_sample(request, base, image, BLANK) for image in blanks),
    ]
    if not any(sample.role == SAMPLE for sample in samples):
        given = ", ".join(str(path) for path in request.images)
        remedy = "give image files, or a folder that holds some"
        raise StudyError([Problem("IMAGES", "", given, "at least one image", remedy)])
    title = f"{request.assay.method}: {base.name}"
    header = StudyHeader(
        title=title,
        groups=(_EVERYONE,),
        reference=_EVERYONE,
        read_outside=True,
        max_megapixels=request.max_megapixels,
    )
    study = Study(base, header, {request.assay.method: request.assay}, request.out.resolve())
    return run_samples(study, samples, options)


def _sample(request: LooseRequest, base: Path, image: Path, role: str) -> Sample:
    path = absolute_path(image)
    name = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()
    return Sample(request.assay.method, name, role=role, um_per_px=request.um_per_px)


def _common_folder(images: Sequence[Path]) -> Path:
    """Give the folder that image names are relative to: the one given, or the files' own."""
    whole = [absolute_path(image) for image in images]
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in whole]))


def _expand(images: Sequence[Path]) -> list[Path]:
    """Give the images: folders as the files in them, containers as theirs, each once."""
    found: dict[Path, None] = {}
    missing = []
    for image in images:
        if image.is_dir():
            found |= {each: None for file in scan_folder(image) for each in _images_of(file)}
        elif split_reference(image)[0].exists():
            found |= dict.fromkeys(_images_of(image))
        else:
            missing.append(image)
    if missing:
        remedy = "mend the path"
        expected = "an image or a folder"
        raise StudyError([Problem(str(path), "", "nothing", expected, remedy) for path in missing])
    return list(found)


def _images_of(file: Path) -> list[Path]:
    """Give a file, or each image of a container that none was chosen of."""
    path, series = split_reference(file)
    if series is not None or path.suffix.lower() not in _CONTAINERS:
        return [file]
    try:
        held = list_images(path)
    except InputError:  # told with the other problems, when it is measured
        return [file]
    # fields of one acquisition; what is of several kinds (a slide with its label) isn't guessed at
    alike = path.suffix.lower() in LEICA_SUFFIXES or len({info.channel_names for info in held}) == 1
    if len(held) <= 1 or not alike:
        return [file]
    return [file.with_name(f"{file.name}#{number}") for number in range(len(held))]


def _check_output(folder: Path, method: str) -> None:
    """Refuse a folder that holds something other than earlier results of loose images."""
    if not folder.exists():
        return
    if not folder.is_dir():
        remedy = "give another folder"
        raise StudyError([Problem("--out", "", str(folder), "a folder", remedy)])
    mine = (folder / RUN_FILE).is_file() or (folder / "store").is_dir()
    if any(folder.iterdir()) and not mine:
        remedy = "give a new folder; nothing in this one was touched"
        expected = "an empty folder, or an earlier run's results"
        raise StudyError([Problem("--out", "", str(folder), expected, remedy)])
    held = _measured_there(folder)
    if held not in ("", method):
        remedy = "give another folder; nothing in this one was touched"
        expected = f"an empty folder, or earlier results of {method}"
        raise StudyError([Problem("--out", "", f"{folder} with {held}", expected, remedy)])


def _measured_there(folder: Path) -> str:
    """Name the method of the loose images whose results a folder holds; empty if none is told."""
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        groups, assays = run["study"]["groups"], list(run["parameters"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return "the results of a study" if groups != [_EVERYONE] else ", ".join(assays)
