"""What a killed run leaves behind: files and folders that were being written."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .writers import PARTIAL_PREFIX

INCOMING = "incoming"


def remove_leftovers(results: Path) -> None:
    """Remove what was half written when an earlier run was killed.

    Parameters
    ----------
    results : pathlib.Path
        The results folder; no other run may be writing to it.
    """
    shutil.rmtree(results / "store" / INCOMING, ignore_errors=True)
    for folder, _, files in os.walk(results):
        for name in files:
            if name.startswith((PARTIAL_PREFIX, ".")) and (
                name.startswith(PARTIAL_PREFIX) or name.endswith(".part")
            ):
                with suppress(OSError):
                    Path(folder, name).unlink()
