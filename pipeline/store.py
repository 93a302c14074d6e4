"""The store: each image's measurement under its fingerprint, whole or not there at all."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..imgproc.measurement import Measurement
from .leftovers import INCOMING
from .slide_labels import write_sheet
from .writers import encode_labels

_MEASUREMENT = "measurement.json"  # written last: a folder that has it is complete
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


@dataclass(frozen=True)
class StoredMeasurement:
    """What the store keeps of an image, without its label images.

    Attributes
    ----------
    objects, regions : pandas.DataFrame
        As the method gave them.
    profiles : dict of str to numpy.ndarray
        As the method gave them.
    flags : tuple of str
        As the method gave them.
    notes : dict
        As the method gave them, and what the reader noted, under ``reader``.
    um_per_px : float or None
        The pixel size that the measurement used.
    """

    objects: pd.DataFrame
    regions: pd.DataFrame
    profiles: dict[str, np.ndarray]
    flags: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    um_per_px: float | None = None


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

    def save(self, key: str, measurement: Measurement, *, um_per_px: float | None) -> None:
        """Write an entry; an entry that is there already stays as it is."""
        aside = self.folder / INCOMING / uuid.uuid4().hex
        aside.mkdir(parents=True)
        try:
            self._write(aside, key, measurement, um_per_px)
            target = self.entry(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            if key not in self:
                self.discard(key)
                _move_into_place(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _write(
        self, folder: Path, key: str, measurement: Measurement, um_per_px: float | None
    ) -> None:
        _write_table(folder / "objects.parquet", measurement.objects)
        _write_table(folder / "regions.parquet", measurement.regions)
        np.savez_compressed(folder / "profiles.npz", **measurement.profiles)  # type: ignore[arg-type]
        labels = folder / "labels"
        labels.mkdir()
        for name, image in measurement.labels.items():
            encode_labels(labels / f"{name}.tif", image, um_per_px=um_per_px)
        for name, sheet in measurement.sheets.items():
            write_sheet(
                labels / f"{name}.tif", sheet, um_per_px=um_per_px, identity=f"{key} {name}"
            )
        facts = {
            "flags": list(measurement.flags),
            "notes": measurement.notes,
            "um_per_px": um_per_px,
        }
        (folder / _MEASUREMENT).write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
        sync_files(file for file in folder.rglob("*") if file.is_file())

    def load(self, key: str) -> StoredMeasurement:
        """Read an entry's tables.

        Raises
        ------
        OSError, ValueError
            If the entry isn't there or has been damaged.
        """
        folder = self.entry(key)
        facts = json.loads((folder / _MEASUREMENT).read_text(encoding="utf-8"))
        with np.load(folder / "profiles.npz", allow_pickle=False) as archive:
            profiles = {name: archive[name] for name in archive.files}
        return StoredMeasurement(
            objects=_read_table(folder / "objects.parquet"),
            regions=_read_table(folder / "regions.parquet"),
            profiles=profiles,
            flags=tuple(facts["flags"]),
            notes=facts["notes"],
            um_per_px=facts["um_per_px"],
        )

    def labels(self, key: str) -> dict[str, Path]:
        """Give the label images of an entry by name."""
        return {file.stem: file for file in sorted((self.entry(key) / "labels").glob("*.tif"))}


def _write_table(file: Path, table: pd.DataFrame) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pandas(table, preserve_index=False), file)


def _read_table(file: Path) -> pd.DataFrame:
    """Read a small table; threads would cost more than they save."""
    from pyarrow import parquet

    with parquet.ParquetFile(file) as held:
        table: pd.DataFrame = held.read(use_threads=False).to_pandas(use_threads=False)
    return table


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
