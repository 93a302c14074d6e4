"""The store: each image's measurement under its fingerprint, whole or not there at all."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..imgproc.measurement import Measurement
from .leftovers import INCOMING
from .packing import StoredMeasurement, read_packed, read_packed_labels, write_packed
from .slide_labels import write_sheet
from .writers import encoded_labels

_MEASUREMENT = "measurement.bin"  # written last: a folder that has it is complete
_SHEETS = "labels"  # label images of whole slides, files of their own
_CHUNK_BYTES = 1 << 20


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(parts: Mapping[str, Any]) -> str:
    """Give the SHA-256 of JSON-serialisable parts, independent of the order of their keys.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """Measurements on disk by fingerprint.

    An entry is a folder that appears by one rename after everything in it has been written and
    synced, so a half-written entry can't exist, and two runs that finish the same image leave one.

    Parameters
    ----------
    folder : pathlib.Path
        Where the entries are kept; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entry(self, key: str) -> Path:
        """Give the folder of a fingerprint's entry, which may not exist."""
        return self.folder / key[:2] / key

    def __contains__(self, key: str) -> bool:
        return (self.entry(key) / _MEASUREMENT).is_file()

    def discard(self, key: str) -> None:
        """Remove an entry, if there is one."""
        shutil.rmtree(self.entry(key), ignore_errors=True)

    def save(
        self, key: str, measurement: Measurement, *, um_per_px: float | None
    ) -> dict[str, bytes]:
        """Write an entry; an entry that is there already stays as it is.

        Returns
        -------
        dict of str to bytes
            The files of the label images that were given as arrays, by name.
        """
        labels = {
            name: encoded_labels(image, um_per_px=um_per_px)
            for name, image in measurement.labels.items()
        }
        aside = self.folder / INCOMING / uuid.uuid4().hex
        aside.mkdir(parents=True)
        try:
            sheets = _write_sheets(aside, key, measurement, um_per_px)
            packed = aside / _MEASUREMENT
            write_packed(packed, measurement, um_per_px=um_per_px, labels=labels)
            sync_files([*sheets, packed])
            target = self.entry(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            if key not in self and target.exists():  # of an older program, or broken
                self.discard(key)
            _move_into_place(aside, target)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        return labels

    def load(self, key: str) -> StoredMeasurement:
        """Read an entry without its label images.

        Raises
        ------
        OSError, ValueError
            If the entry isn't there or has been damaged.
        """
        return read_packed(self.entry(key) / _MEASUREMENT)

    def labels(self, key: str) -> dict[str, Path | bytes]:
        """Give the label images of an entry by name: TIFF files of slides, or a TIFF's bytes.

        Raises
        ------
        OSError, ValueError
            If the entry isn't there or has been damaged.
        """
        return {**self.sheets(key), **read_packed_labels(self.entry(key) / _MEASUREMENT)}

    def sheets(self, key: str) -> dict[str, Path]:
        """Give the files of a whole slide's label images by name; none of another image."""
        folder = self.entry(key) / _SHEETS
        return {file.stem: file for file in sorted(folder.glob("*.tif"))}


def _write_sheets(
    folder: Path, key: str, measurement: Measurement, um_per_px: float | None
) -> list[Path]:
    """Write the label images of a whole slide, and give their files."""
    files = {name: folder / _SHEETS / f"{name}.tif" for name in measurement.sheets}
    for name, file in files.items():
        file.parent.mkdir(exist_ok=True)
        sheet = measurement.sheets[name]
        write_sheet(file, sheet, um_per_px=um_per_px, identity=f"{key} {name}")
    return list(files.values())


def sync_files(files: Iterable[Path]) -> None:
    """Force files to the disk, so that a rename after it never shows empty ones."""
    for file in files:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _move_into_place(aside: Path, target: Path) -> None:
    try:
        aside.rename(target)
    except OSError:
        if not (target / _MEASUREMENT).is_file():  # not merely another run that was faster
            raise
        shutil.rmtree(aside, ignore_errors=True)
