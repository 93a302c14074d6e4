"""One session a reader at a time: a lock that the system takes back when its owner dies."""

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ..pipeline.errors import Problem, StudyError

LOCK_FILE = ".lock"


class ReaderLock:
    """Holds a reader's folder.

    Parameters
    ----------
    folder : pathlib.Path
        ``review/<reader>``; made if it isn't there.

    Raises
    ------
    StudyError
        If another session holds it, or the folder can't be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOCK_FILE
        self._handle: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = self.file.open("a+", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            remedy = "make the folder writable; without that no correction could be kept"
            problem = Problem(str(folder), "", reason, "a folder to write to", remedy)
            raise StudyError([problem]) from error
        try:
            _lock(handle)
        except OSError as error:
            owner = _owner(handle)
            handle.close()
            remedy = "close that session, or give another name with --reader"
            expected = f"a reader who isn't reviewing already ({owner})"
            problem = Problem("--reader", "", folder.name, expected, remedy)
            raise StudyError([problem]) from error
        self._handle = handle
        self._sign(handle)

    def _sign(self, handle: IO[str]) -> None:
        """Write who holds it, for the message to whoever comes second."""
        held = {
            "computer": platform.node(),
            "process": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        handle.truncate(0)
        handle.write(json.dumps(held))
        handle.flush()

    def release(self) -> None:
        """Let the next session in."""
        if self._handle is not None:
            self._handle.close()  # which frees the lock
            self._handle = None


def _lock(handle: IO[str]) -> None:
    """Lock an open file, or raise OSError at once."""
    if os.name == "nt":
        import msvcrt

        handle.seek(1 << 20)  # a byte far behind the text, which others may then still read
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _owner(handle: IO[str]) -> str:
    with suppress(OSError, ValueError, KeyError):
        handle.seek(0)
        held = json.loads(handle.read())
        return (
            f"it is in use on {held['computer']}, process {held['process']}, since {held['since']}"
        )
    return "it is in use"
