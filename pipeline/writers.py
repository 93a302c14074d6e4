"""Files that appear whole or not at all: label images, CSV, JSON and Parquet tables.

Each is written beside its place under another name, synced to disk and renamed, so a killed
program or a power cut leaves the old file or the new one, never half of one.
"""

import hashlib
import io
import json
import math
import os
import secrets
import struct
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Spreadsheets run a cell that begins with one of these as a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"
PARTIAL_PREFIX = ".xenoquant-part-"
IMAGEJ_MAX_LABEL = 65_535  # ImageJ has no wider integer image
_ONE_STRIP_BYTES = 1 << 18  # tifffile's largest strip
_DEFLATE_LEVEL = 6  # tifffile's


@contextmanager
def atomic_path(path: Path | str, *, sync: bool = True) -> Iterator[Path]:
    """Give a path to write to, which becomes `path` when the block ends without an error.

    Parameters
    ----------
    path : path or str
        Where the file shall stand; missing folders are made.
    sync : bool
        Force it to the disk; without, a power cut may leave an empty file.

    Yields
    ------
    Path
        A new name in the same folder. After an error nothing is left of it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a short name of its own: the file's name may already be as long as the disk allows
    partial = path.parent / f"{PARTIAL_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
    try:
        yield partial
        if sync:
            _sync(partial, os.O_RDWR)
        partial.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename in (None, str(partial)):
            error.filename = str(path)  # the name that a user knows
        with suppress(OSError):  # where nothing can be written, nothing can be removed either
            partial.unlink()
        raise
    if sync:
        sync_folder(path.parent)


def _sync(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the renaming itself last; systems without folder handles (Windows) have no need."""
    if os.name != "nt":
        _sync(folder, os.O_RDONLY)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file of bytes, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path | str, content: str) -> None:
    """Write a text file in UTF-8 with its line ends as they are, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path | str, content: Any) -> None:
    """Write JSON in UTF-8, in the given order of keys, whole or not at all.

    Parameters
    ----------
    path : path or str
        The file.
    content : JSON-like
        Also NumPy scalars and arrays, tuples and paths; NaN and infinities become null.
    """
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Give the JSON text that `write_json` writes.

    Examples
    --------
    >>> json_text({"value": float("nan")})
    '{\\n  "value": null\\n}\\n'
    """
    return json.dumps(_plain(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(content: Any) -> Any:
    """Bring a value to what JSON knows."""
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, np.ndarray):
        return _plain(content.tolist())
    if isinstance(content, np.generic):
        return _plain(content.item())
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Path):
        return str(content)
    return content


def write_csv(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as CSV (UTF-8, commas, a line feed a row), whole or not at all.

    Numbers are written so that reading gives them back exactly; missing values are empty. Text
    that a spreadsheet would run as a formula is guarded, see `neutralised`.

    Parameters
    ----------
    path : path or str
        The file.
    table : DataFrame
        Its index isn't written.
    """
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        neutralised(table).to_csv(file, index=False, lineterminator="\n")


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """Guard the texts of a table that a spreadsheet would run as a formula.

    Texts and column names that begin with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return
    get an apostrophe in front, which spreadsheets and `xenoquant.pipeline.tables.read_table`
    take off again. Numbers are never changed.

    Parameters
    ----------
    table : DataFrame
        Any table; it isn't changed.

    Returns
    -------
    DataFrame
        A copy with the guards.
    """
    guarded = table.copy()
    for position, dtype in enumerate(table.dtypes):
        column = table.iloc[:, position]
        if _may_hold_text(dtype) and not _is_harmless(column):
            guarded.isetitem(position, column.astype(object).map(guard))
    guarded.columns = pd.Index([guard(name) for name in table.columns])
    return guarded


def _is_harmless(column: pd.Series) -> bool:
    """Tell whether no text of a column needs a guard; object columns and categories aren't known.

    Most columns need none, and looking costs less time and memory than guarding each cell.
    """
    if not isinstance(column.dtype, pd.StringDtype):
        return False
    return not column.str.startswith((*FORMULA_STARTS, GUARD)).any()


def _may_hold_text(dtype: Any) -> bool:
    kinds = pd.StringDtype, pd.CategoricalDtype
    return pd.api.types.is_object_dtype(dtype) or isinstance(dtype, kinds)


def guard(value: Any) -> Any:
    """Put an apostrophe before a text that begins like a formula; other values pass.

    Examples
    --------
    >>> guard("=1+1"), guard("-/-"), guard("mouse"), guard(-3.5)
    ("'=1+1", "'-/-", 'mouse', -3.5)
    """
    if isinstance(value, str) and value.lstrip(GUARD).startswith(FORMULA_STARTS):
        return GUARD + value
    return value


def unguard(text: str) -> str:
    """Take off the apostrophe that `guard` put there.

    Examples
    --------
    >>> unguard("'-/-"), unguard("'quoted'"), unguard("-/-")
    ('-/-', "'quoted'", '-/-')
    """
    if text.startswith(GUARD) and text.lstrip(GUARD).startswith(FORMULA_STARTS):
        return text[1:]
    return text


def write_parquet(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as Parquet with zstd, without its index, whole or not at all."""
    with atomic_path(path) as partial:
        table.to_parquet(partial, engine="pyarrow", compression="zstd", index=False)


def write_labels(path: Path | str, labels: np.ndarray, *, um_per_px: float | None = None) -> None:
    """Write a label image as a compressed TIFF with its pixel size, whole or not at all.

    Up to 65 535 labels it is an ImageJ TIFF of 16 bits, beyond that an OME-TIFF of 32 bits, as
    ImageJ knows no wider integers. The same labels give the same bytes.

    Parameters
    ----------
    path : path or str
        The file.
    labels : ndarray
        (H, W) integers, 0 for background; negative labels are refused.
    um_per_px : float, optional
        Side of a pixel in micrometres.

    Raises
    ------
    ValueError
        If the array isn't a plane of integers from 0 to 2^31 − 1.
    """
    write_bytes(path, encoded_labels(labels, um_per_px=um_per_px))


def encoded_labels(labels: np.ndarray, *, um_per_px: float | None) -> bytes:
    """Give the bytes of the file that `write_labels` writes."""
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.size == 0:
        raise ValueError(
            f"labels must be a plane of integers, not {labels.dtype} of shape {labels.shape}"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest > np.iinfo(np.int32).max:
        raise ValueError(f"labels must lie from 0 to 2147483647, not from {lowest} to {highest}")
    if highest > IMAGEJ_MAX_LABEL:
        return _ome(labels.astype(np.int32), um_per_px)
    small = labels.size * 2 <= _ONE_STRIP_BYTES
    return (_small_imagej if small else _imagej)(labels.astype(np.uint16), um_per_px)


def _imagej(labels: np.ndarray, um_per_px: float | None) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    scale = {} if um_per_px is None else {"resolution": (1 / um_per_px, 1 / um_per_px)}
    tifffile.imwrite(
        buffer,
        labels,
        imagej=True,
        compression="zlib",
        metadata={"axes": "YX"} if um_per_px is None else {"axes": "YX", "unit": "um"},
        software="xenoquant",
        **scale,
    )
    return buffer.getvalue()


def _small_imagej(labels: np.ndarray, um_per_px: float | None) -> bytes:
    """Give the bytes of a label image of one strip: tifffile's, without its work for each file."""
    import imagecodecs

    head = _imagej_head(labels.shape, um_per_px)
    strip = imagecodecs.deflate_encode(labels.tobytes(), level=_DEFLATE_LEVEL)
    count = struct.pack(head.form, len(strip))
    return head.before + count + head.after + bytes(strip)


@dataclass(frozen=True)
class _Head:
    """What stands in front of a strip: all around its length, and how the length is packed."""

    before: bytes
    after: bytes
    form: str


@lru_cache
def _imagej_head(shape: tuple[int, int], um_per_px: float | None) -> _Head:
    import tifffile

    content = _imagej(np.zeros(shape, np.uint16), um_per_px)
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[0]
        length = page.tags["StripByteCounts"]
        data = page.dataoffsets[0]
        form = (
            file.byteorder
            + {tifffile.DATATYPE.SHORT: "H", tifffile.DATATYPE.LONG: "I"}[length.dtype]
        )
    after = length.valueoffset + struct.calcsize(form)
    return _Head(content[: length.valueoffset], content[after:data], form)


def _ome(labels: np.ndarray, um_per_px: float | None) -> bytes:
    import tifffile

    # a name made from the content, where tifffile would take the time
    identity = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(labels.tobytes()).hexdigest())
    metadata: dict[str, Any] = {"axes": "YX", "UUID": str(identity)}
    if um_per_px is not None:
        for axis in "YX":
            metadata[f"PhysicalSize{axis}"] = um_per_px
            metadata[f"PhysicalSize{axis}Unit"] = "µm"
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        labels,
        ome=True,
        compression="zlib",
        photometric="minisblack",
        metadata=metadata,
        software="xenoquant",
    )
    return buffer.getvalue()
