"""Starting the review window, which lives in another room and needs the extra ``napari``."""

import getpass
import os
import platform
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import Problem, StudyError
from .review_items import load_review_study

# By its name: this room knows no window, and a core install has none to import.
_WINDOW = "xenoquant.napari_plugin.review_window"


def start_review(path: Path, reader: str | None, **options: Any) -> int:
    """Open the review window on a study, and give the exit status when it is closed.

    Parameters
    ----------
    path : pathlib.Path
        The study.
    reader : str or None
        Who reviews; the login name if not given.
    **options
        Of `xenoquant.napari_plugin.session.SessionOptions`.

    Returns
    -------
    int
        0 where all went well.

    Raises
    ------
    StudyError
        If the study can't be reviewed, napari isn't installed, or there is no display.
    """
    load_review_study(path, options.get("assays", ()))  # what is wrong is said before any window
    try:
        window = import_module(_WINDOW)
    except ModuleNotFoundError as error:
        remedy = 'install the extra: pip install "xenoquant[napari]"'
        found = f"no module {error.name}"
        problem = Problem("xenoquant review", "", found, "napari", remedy)
        raise StudyError([problem]) from error
    _must_have_display()
    status: int = window.review_study(path, reader or getpass.getuser(), **options)
    return status


def _must_have_display() -> None:
    """Qt ends the process where there is no display; say so before."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if platform.system() == "Linux" and not any(os.environ.get(name) for name in named):
        remedy = "log in to a desktop, or forward one (ssh -X); or run it under xvfb-run"
        problem = Problem("xenoquant review", "", "no display", "a desktop to open on", remedy)
        raise StudyError([problem])
