"""Links in a results folder: a study from elsewhere must not make a run write outside of it."""

import os
from collections.abc import Iterator
from pathlib import Path

from .errors import Problem, StudyError


def refuse_links(study: Path, results: Path) -> None:
    """Refuse a results folder, or a folder in it at any depth, that is a link out of the study.

    A link to a file is replaced when the file is written, and leads nowhere.

    Parameters
    ----------
    study : pathlib.Path
        The study's folder.
    results : pathlib.Path
        The results folder; one that the user chose outside the study is only looked into.

    Raises
    ------
    StudyError
        If a link leads out; the error names all.
    """
    home = study.resolve() if results.parent == study else results.resolve()
    outside = [link for link in _links(results) if not link.resolve().is_relative_to(home)]
    if outside:
        remedy = "remove the link, or keep the whole study where its results shall go"
        expected = "results inside the study's folder"
        raise StudyError(
            [
                Problem(str(place), "", f"a link to {place.resolve()}", expected, remedy)
                for place in outside
            ]
        )


def _links(results: Path) -> Iterator[Path]:
    """Give the links that a run could write through: the folder itself, folders in it, files.

    Entries of the store come by renaming, each a whole: they aren't looked into.
    """
    if results.is_symlink():
        yield results
    store = str(results / "store")
    folders = [(str(results), False)] if results.is_dir() else []
    while folders:
        folder, holds_entries = folders.pop()
        with os.scandir(folder) as held:
            for entry in held:
                if entry.is_symlink():
                    yield Path(entry.path)
                elif not holds_entries and entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, folder == store))
