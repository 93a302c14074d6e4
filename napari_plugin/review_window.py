"""``xenoquant review``: napari with the review panel, on one study."""

from pathlib import Path
from typing import Any

from .session import Session, SessionOptions


def review_study(path: Path, reader: str, **options: Any) -> int:
    """Open the review window, and return when it is closed.

    Parameters
    ----------
    path : pathlib.Path
        The study.
    reader : str
        Who reviews.
    **options
        Of `SessionOptions`.

    Returns
    -------
    int
        The exit status: 0.

    Raises
    ------
    StudyError
        As `Session`.
    """
    session = Session(path, reader, SessionOptions(**options))
    try:
        import napari

        from ._review_widget import ReviewWidget

        viewer = napari.Viewer(title="xenoquant review")
        widget = ReviewWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Review", area="right")
        widget.begin(session)
        napari.run()
    finally:
        session.close()
    print(f"Review: {session.log.file.parent}")
    return 0
