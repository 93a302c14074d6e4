"""Tables that the last run wrote and this one doesn't: of an assay that was renamed or left."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .finished import recorded_files
from .store import hash_file
from .writers import write_json

_FILE = Path("store", "tables.json")


def replace_former_tables(results: Path, written: Sequence[str]) -> None:
    """Remove the last run's tables that weren't written anew, and note those that were.

    Left where they are, they would pass for results of this run. What somebody edited since, or
    put there, stays.

    Parameters
    ----------
    results : pathlib.Path
        The results folder.
    written : sequence of str
        The tables that this run wrote, by their path in it.
    """
    left, top = recorded_files(results), results.resolve()
    for name in _last(results):
        file = (results / name).resolve()
        if name in written or not file.is_relative_to(top):
            continue
        with suppress(OSError):
            if hash_file(file) == left.get(name):
                file.unlink()
    write_json(results / _FILE, sorted(written))


def _last(results: Path) -> list[str]:
    """Name the tables that the last run wrote; none where it didn't note them."""
    try:
        held = json.loads((results / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in held if isinstance(name, str)] if isinstance(held, list) else []
