"""The lock of a results folder: one run at a time, and none left behind by a dead one."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from .errors import Problem, StudyError

LOCK_FILE = "run.lock"
# Some network storage has no locks. Two runs there do each other's work twice, and no harm: a
# result appears whole, and one that is there already stays.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def only_run(folder: Path) -> Iterator[bool]:
    """Hold a results folder for one run.

    The operating system holds the lock and lets go of it when the process ends, however it ends,
    so there is nothing to clean up after a crash or a power cut.

    Parameters
    ----------
    folder : pathlib.Path
        Where the lock's file stands; made if it isn't there.

    Yields
    ------
    bool
        Whether the run before was cut short, and may have left half-written files.

    Raises
    ------
    StudyError
        If another run holds the folder; the message names it.
    OSError
        If the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a+", encoding="utf-8") as file:
        if not _try_lock(file):
            raise StudyError([_in_use(folder, read_holder(folder))])
        cut_short = bool(read_holder(folder))
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        _write(file, json.dumps(holder))
        yield cut_short
        _write(file, "")


def _write(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate(0)
    file.write(text)
    file.flush()


def read_holder(folder: Path) -> dict[str, Any]:
    """Give what a run that goes on, or was cut short, wrote of itself; nothing after any other."""
    try:
        held = json.loads((folder / LOCK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def is_held(folder: Path) -> bool:
    """Tell whether a run holds a folder now."""
    try:
        with (folder / LOCK_FILE).open("r+", encoding="utf-8") as file:
            return not _try_lock(file)
    except OSError:  # no run was ever here, or it may not be written to
        return False


def _in_use(folder: Path, holder: dict[str, Any]) -> Problem:
    who = (
        f"process {holder['pid']} on {holder.get('host')}, since {holder.get('started')}"
        if "pid" in holder
        else "another process"
    )
    remedy = "wait until it has ended, or stop it; it goes on where it stopped"
    return Problem(str(folder.parent), "", f"a run of {who}", "no other run of this study", remedy)


def _try_lock(file: TextIO) -> bool:
    """Take the lock unless another process has it; the file's closing lets go of it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
