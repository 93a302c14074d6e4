"""An image's measurement in one file: tables, profiles, facts and label images, with checksums.

A file an image, instead of one a table, takes a fifth of the time to write, sync and read. Its
first part holds the facts as JSON and the columns as they lie in the memory, compressed; columns
that are more than plain numbers go through Arrow. The second part holds the label images' files.
Each part can be read without the other and has its SHA-256: a single changed byte is noticed.
Tables and profiles are made when they are asked for.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from ..imgproc.measurement import Measurement

_TABLES = ("objects", "regions")
_DIGEST_BYTES = hashlib.sha256().digest_size
_SIZE_BYTES = 8
_SIZES = struct.Struct("<QQQ")  # of the first part's content, of the part, of the second part


class DamagedError(ValueError):
    """A stored file isn't what was written."""

    def __init__(self) -> None:
        super().__init__("its bytes are not those that were written")


_PLAIN_KINDS = "biuf"


class StoredMeasurement:
    """What the store keeps of an image, without its label images.

    Parameters
    ----------
    content : buffer
        What `write_packed` compressed.

    Attributes
    ----------
    flags : tuple of str
        As the method gave them.
    notes : dict
        As the method gave them, and what the reader noted, under ``reader``.
    um_per_px : float or None
        The pixel size that the measurement used.
    """

    def __init__(self, content: Any) -> None:
        self._facts, self._body = _facts_and_body(content)
        self.flags: tuple[str, ...] = tuple(self._facts["flags"])
        self.notes: dict[str, Any] = self._facts["notes"]
        self.um_per_px: float | None = self._facts["um_per_px"]

    @cached_property
    def objects(self) -> pd.DataFrame:
        """The objects, as the method gave them."""
        return self._table("objects")

    @cached_property
    def regions(self) -> pd.DataFrame:
        """The regions, as the method gave them."""
        return self._table("regions")

    @cached_property
    def profiles(self) -> dict[str, np.ndarray]:
        """The profiles, as the method gave them."""
        return {
            name: self._array(part).reshape(part["shape"]).copy()  # one that can be written to
            for name, part in self._facts["profiles"].items()
        }

    def layout(self, which: str) -> tuple[tuple[str, str], ...] | None:
        """Give the names and types of a table's columns; None if not all are plain numbers."""
        columns = self._facts[which]["columns"]
        if self._facts[which]["odd"] is not None:
            return None
        return tuple((name, part["type"]) for name, part in columns)

    def n_rows(self, which: str) -> int:
        """Give how many rows a table has."""
        count: int = self._facts[which]["rows"]
        return count

    def arrays(self, which: str) -> list[np.ndarray]:
        """Give the columns of a table that holds plain numbers alone, to be read only."""
        return [self._array(part) for _, part in self._facts[which]["columns"]]

    def column(self, which: str, name: str) -> np.ndarray:
        """Give one column of a table that holds plain numbers alone, to be read only."""
        return self._array(dict(self._facts[which]["columns"])[name])

    def _array(self, part: Mapping[str, Any]) -> np.ndarray:
        kind, at = np.dtype(part["type"]), part["at"]
        return np.frombuffer(self._body, kind, part["length"], at)

    def _table(self, which: str) -> pd.DataFrame:
        facts = self._facts[which]
        odd: dict[str, Any] = {}
        if facts["odd"] is not None:
            from pyarrow import ipc

            held = ipc.open_stream(self._array(facts["odd"])).read_all()
            odd = dict(held.to_pandas().items())
        made = {
            place: odd[name] if part is None else self._array(part)
            for place, (name, part) in enumerate(facts["columns"])
        }
        table = pd.DataFrame(made, index=pd.RangeIndex(facts["rows"]))
        table.columns = _names(tuple(name for name, _ in facts["columns"]))
        return table


@lru_cache
def _names(names: tuple[str, ...]) -> pd.Index:
    """Give the names of a table's columns; shared by all tables that have the same."""
    return pd.DataFrame(columns=list(names)).columns


def joined_columns(held: Sequence[StoredMeasurement], which: str) -> pd.DataFrame:
    """Join tables of one layout of plain numbers, without making each.

    Parameters
    ----------
    held : sequence of StoredMeasurement
        One or more, of one layout.
    which : {"objects", "regions"}
        The table.

    Returns
    -------
    pandas.DataFrame
        The rows of all, in order.

    Raises
    ------
    ValueError
        If the tables hold more than plain numbers.
    """
    layout = held[0].layout(which)
    if layout is None:
        raise ValueError(f"the {which} hold more than plain numbers")
    columns = zip(*(each.arrays(which) for each in held), strict=True)
    rows = sum(each.n_rows(which) for each in held)
    made = {place: np.concatenate(parts) for place, parts in enumerate(columns)}
    table = pd.DataFrame(made, index=pd.RangeIndex(rows))
    table.columns = _names(tuple(name for name, _ in layout))
    return table


class _Body:
    """Collects arrays, one behind the other, and says where each lies."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._end = 0

    def add(self, array: np.ndarray) -> dict[str, Any]:
        place = {"type": array.dtype.str, "length": array.size, "at": self._end}
        self._parts.append(array.tobytes())
        self._end += array.nbytes
        return place

    def content(self, facts: Mapping[str, Any]) -> bytes:
        """Give the facts and all arrays as one run of bytes."""
        text = json.dumps(facts, sort_keys=True).encode()
        return b"".join((len(text).to_bytes(_SIZE_BYTES, "little"), text, *self._parts))


def write_packed(
    file: Path,
    measurement: Measurement,
    *,
    um_per_px: float | None,
    labels: Mapping[str, bytes] | None = None,
) -> None:
    """Write a measurement; the same gives the same bytes.

    Parameters
    ----------
    file : pathlib.Path
        Where nobody looks yet: it is neither synced nor renamed.
    measurement : Measurement
        Its tables may have columns of any type that Parquet has.
    um_per_px : float or None
        The pixel size that the measurement used.
    labels : mapping of str to bytes, optional
        The files of its label images by name.
    """
    import pyarrow

    body = _Body()
    facts: dict[str, Any] = {
        "flags": list(measurement.flags),
        "notes": measurement.notes,
        "um_per_px": um_per_px,
        "profiles": {
            name: {"shape": list(held.shape), **body.add(held)}
            for name, held in measurement.profiles.items()
        },
        **{kind: _packed_table(getattr(measurement, kind), body) for kind in _TABLES},
    }
    content = body.content(facts)
    pictures = _Body()
    index = {name: pictures.add(np.frombuffer(held, "u1")) for name, held in (labels or {}).items()}
    first, second = pyarrow.Codec("zstd").compress(content, asbytes=True), pictures.content(index)
    sizes = _SIZES.pack(len(content), len(first), len(second))
    with file.open("wb") as stream:
        for part in (_digest(sizes, first), sizes, first, _digest(second), second):
            stream.write(part)


def read_packed(file: Path) -> StoredMeasurement:
    """Read what `write_packed` wrote, but for the label images.

    Raises
    ------
    OSError
        If it can't be read.
    DamagedError
        If a byte is missing or has changed.
    """
    import pyarrow

    with file.open("rb") as stream:
        size, first, _ = _first_part(stream)
    return StoredMeasurement(pyarrow.Codec("zstd").decompress(pyarrow.py_buffer(first), size))


def read_packed_labels(file: Path) -> dict[str, bytes]:
    """Read the files of label images that `write_packed` wrote, by name.

    Raises
    ------
    OSError, DamagedError
        As `read_packed`.
    """
    with file.open("rb") as stream:
        length = _first_part(stream)[2]
        digest, second = stream.read(_DIGEST_BYTES), stream.read()
    if len(second) != length or _digest(second) != digest:
        raise DamagedError
    index, body = _facts_and_body(second)
    return {
        name: bytes(body[part["at"] : part["at"] + part["length"]]) for name, part in index.items()
    }


def _first_part(stream: BinaryIO) -> tuple[int, bytes, int]:
    """Read the first part, checked: the size of its content, itself, the length of the second."""
    digest, sizes = stream.read(_DIGEST_BYTES), stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        raise DamagedError
    size, length, further = _SIZES.unpack(sizes)
    first = stream.read(min(length, os.fstat(stream.fileno()).st_size))
    if _digest(sizes, first) != digest:
        raise DamagedError
    return size, first, further


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _facts_and_body(content: Any) -> tuple[dict[str, Any], memoryview]:
    """Take apart what `_Body.content` joined."""
    whole = memoryview(content)
    size = int.from_bytes(whole[:_SIZE_BYTES], "little")
    return json.loads(bytes(whole[_SIZE_BYTES : _SIZE_BYTES + size])), whole[_SIZE_BYTES + size :]


def _packed_table(table: pd.DataFrame, body: _Body) -> dict[str, Any]:
    """Pack a table's columns, and give what is needed to make the very same table of them.

    What pandas knows to be more than numbers (texts, categories, numbers that may be missing) goes
    as it goes to Parquet, with what pandas says of it.
    """
    columns = [
        (name, body.add(column.to_numpy()) if _is_plain(column.dtype) else None)
        for name, column in table.items()
    ]
    names = [name for name, part in columns if part is None]
    odd = body.add(_arrow_stream(table[names])) if names else None
    return {"columns": columns, "rows": len(table), "odd": odd}


def _is_plain(kind: Any) -> bool:
    return isinstance(kind, np.dtype) and kind.kind in _PLAIN_KINDS


def _arrow_stream(table: pd.DataFrame) -> np.ndarray:
    import pyarrow
    from pyarrow import ipc

    held = pyarrow.Table.from_pandas(table, preserve_index=False)
    sink = pyarrow.BufferOutputStream()
    with ipc.new_stream(sink, held.schema) as writer:
        writer.write_table(held)
    return np.frombuffer(sink.getvalue(), np.uint8)
