"""Which files are images, how a container's images are addressed, and in which order they come."""

import os
import re
from pathlib import Path

from .errors import InputError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".heic", ".heif", ".bmp", ".webp"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff", ".btf", ".lsm"})
LEICA_SUFFIXES = frozenset({".lif"})
SLIDE_SUFFIXES = frozenset({".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".svslide", ".vms"})
SUFFIXES = PHOTO_SUFFIXES | TIFF_SUFFIXES | LEICA_SUFFIXES | SLIDE_SUFFIXES
SKIPPED_FOLDERS = frozenset({"results", "review"})
REFERENCE = re.compile(r"(.+)#(\d{1,6})", re.DOTALL)  # a name may hold a line end
MAX_MEGAPIXELS = 400.0


def split_reference(reference: Path | str) -> tuple[Path, int | None]:
    """Take a reference such as ``field.lif#2`` apart into the file and the image in it.

    Parameters
    ----------
    reference : path or str
        A path, with ``#`` and a number from 0 behind it to address one image of a container. A
        file whose own name ends so is taken as that file.

    Returns
    -------
    path : Path
        The file.
    series : int or None
        The image's number, None when the reference gives none.

    Examples
    --------
    >>> path, series = split_reference("if/field.lif#2")
    >>> path.name, series
    ('field.lif', 2)
    """
    found = REFERENCE.fullmatch(str(reference))
    if found is None or os.path.lexists(reference):
        return Path(reference), None
    return Path(found[1]), int(found[2])


def scan_folder(folder: Path | str) -> list[Path]:
    """List the readable image files below a folder, in natural order of their paths.

    Hidden files and folders, and folders called ``results`` and ``review``, are left out.

    Parameters
    ----------
    folder : path or str
        Where to look.

    Returns
    -------
    list of Path
        Files with a known suffix, ``field_2`` before ``field_10``.

    Raises
    ------
    InputError
        If the folder is missing, no folder, or can't be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        reason = "it is not a folder" if folder.exists() else "there is no such folder"
        raise InputError(str(folder), reason, "check the path")
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        raise InputError(
            str(error.filename or folder),
            f"the folder can't be read: {error.strerror}",
            "check its permissions",
        ) from error

    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS
        ]
        found.extend(
            Path(here, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        )
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """Order names as people count: digits as numbers, letters without case, then exactly."""
    key = []
    for part in path.parts:
        pieces = re.split(r"([0-9]+)", part)
        ordered = [
            (0, int(piece), "") if index % 2 else (1, 0, piece.casefold())
            for index, piece in enumerate(pieces)
        ]
        key.append([*ordered, (2, 0, part)])
    return key
