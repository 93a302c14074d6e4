"""A log that only grows: one JSON line an act, on the disk before the act shows."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .writers import sync_folder

_CHECK = "check"  # CRC-32 of the line without it: tells a damaged line from a sound one


@dataclass(frozen=True)
class LogRead:
    """What stands in a log.

    Attributes
    ----------
    records : tuple of dict
        Its sound lines, in their order.
    messages : tuple of str
        What can't be read, and where.
    is_torn : bool
        Whether the last line lacks its end, as after a crash in the middle of writing.
    """

    records: tuple[dict[str, Any], ...]
    messages: tuple[str, ...]
    is_torn: bool

    @property
    def last(self) -> int:
        """The number of the last act; 0 before the first."""
        return max((int(record["sequence"]) for record in self.records), default=0)


def read_log(file: Path) -> LogRead:
    """Read a log; damaged lines are told and left where they are.

    Parameters
    ----------
    file : pathlib.Path
        The log, which may not exist yet.

    Raises
    ------
    OSError
        If it is there and can't be read.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return LogRead((), (), False)
    records, messages = [], []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(_checked(line))
        except ValueError:
            messages.append(
                f"{file}: line {number} is damaged; that act is left out, the line stays as it is"
            )
    return LogRead(tuple(records), tuple(messages), bool(content) and not content.endswith(b"\n"))


def _checked(line: bytes) -> dict[str, Any]:
    """Read one line.

    Raises
    ------
    ValueError
        If it isn't what was written.
    """
    record = json.loads(line.decode("utf-8"))
    if not isinstance(record, dict) or not isinstance(record.get("sequence"), int):
        raise ValueError("no record")
    if record.pop(_CHECK, None) != _check(record):
        raise ValueError("another check sum")
    return record


def _check(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}"


class ReviewLog:
    """Appends to a log.

    Parameters
    ----------
    file : pathlib.Path
        The log; made, with its folder, by the first act.
    reader : str
        Who acts.
    """

    def __init__(self, file: Path, reader: str) -> None:
        self.file = file
        self.reader = reader
        found = read_log(file)
        self.records = list(found.records)
        self.messages = found.messages
        self._is_torn = found.is_torn
        self._last = found.last

    def append(self, action: str, **content: Any) -> dict[str, Any]:
        """Write one act, and return when the disk has it.

        Parameters
        ----------
        action : str
            What was done.
        **content
            JSON-serialisable.

        Returns
        -------
        dict
            The record: ``sequence``, ``time`` (UTC), ``reader``, ``action`` and the content.

        Raises
        ------
        OSError
            If it can't be written; nothing counts as done then.
        """
        record = {
            "sequence": self._last + 1,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "reader": self.reader,
            "action": action,
            **content,
        }
        record = json.loads(json.dumps(record))
        line = json.dumps({**record, _CHECK: _check(record)}, separators=(",", ":")) + "\n"
        self._last += 1  # also where writing fails: no number is ever given twice
        self._write(("\n" + line if self._is_torn else line).encode())
        self._is_torn = False
        self.records.append(record)
        return record

    def _write(self, content: bytes) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.file.exists()
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._is_torn = True  # until all of it is written
            written = os.write(descriptor, content)
            if written != len(content):
                raise OSError(f"only {written} of {len(content)} bytes could be written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self.file.parent)
