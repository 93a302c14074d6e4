"""Files that are no longer what a run read or published: by their hashes, or by the store."""

import filecmp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .drawing import label_folder
from .plan import Task
from .samples import leaves_folder
from .store import Store, hash_file


@dataclass(frozen=True)
class Looked:
    """What was looked at.

    Attributes
    ----------
    said : str
        How many files, as a sentence.
    altered : tuple of str
        A sentence a file that differs or is gone.
    """

    said: str
    altered: tuple[str, ...]


def altered_files(
    folder: Path, recorded: Mapping[str, str], what: str, *, read_outside: bool = False
) -> Looked:
    """Hash files again.

    Parameters
    ----------
    folder : pathlib.Path
        What the files' names are relative to.
    recorded : mapping of str to str
        The SHA-256 of each as it was, by name.
    what : str
        What to call such a file: input, result, overlay.
    read_outside : bool
        Whether a name may lead out of the folder; a record that was tampered with can name any
        file of the machine.

    Returns
    -------
    Looked
        Those whose content is another, or that can't be read.
    """
    altered = []
    known: dict[Path, Path] = {}
    for name, held in recorded.items():
        if not read_outside and leaves_folder(folder, name, known):
            said = f"it lies outside of {folder}, where nothing is read"
        else:
            said = _rehashed(folder / name, held)
        if said:
            altered.append(f"{what} {name}: {said}")
    sound = len(recorded) - len(altered)
    said = f"Hashed again: {sound} of {len(recorded)} {what} files as recorded."
    return Looked(said, tuple(altered))


def _rehashed(file: Path, held: str) -> str:
    """Say how a file differs from its hash; empty if it doesn't."""
    try:
        if file.exists() and not file.is_file():
            return "it is no regular file"
        return "" if hash_file(file) == held else "its content is not what the run recorded"
    except (OSError, ValueError) as error:  # a null byte in a name is a ValueError
        return str(getattr(error, "strerror", None) or error)


def altered_labels(results: Path, tasks: Sequence[Task]) -> Looked:
    """Compare the published label images with the stored ones, byte for byte.

    Parameters
    ----------
    results : pathlib.Path
        The results folder, with its store.
    tasks : sequence of Task
        The images, as corrected.

    Returns
    -------
    Looked
        Those that differ or are gone, and images whose stored result is.
    """
    store, count = Store(results / "store"), 0
    altered = []
    for task in tasks:
        if task.review and task.fingerprint not in store:
            continue  # a correction that couldn't be measured is a row of problems.csv
        try:
            stored = store.labels(task.fingerprint)
        except (OSError, ValueError, KeyError) as error:
            text = f"its stored result is missing or damaged ({error})"
            altered.append(f"label images of {task.sample.image}: {text}")
            continue
        folder = label_folder(results, task)
        for name, held in stored.items():
            count += 1
            file = folder / f"{name}.tif"
            said = _difference(file, held)
            if said:
                altered.append(f"result {file.relative_to(results).as_posix()}: {said}")
    return Looked(f"Compared with what was measured: {count} label images.", tuple(altered))


def _difference(file: Path, held: Path | bytes) -> str:
    """Say how a file differs from what it shall hold; empty if it doesn't."""
    try:
        if isinstance(held, bytes):
            same = file.read_bytes() == held
        else:
            same = filecmp.cmp(file, held, shallow=False)
    except OSError as error:
        return str(error.strerror or error)
    return "" if same else "its content is not what was measured"
