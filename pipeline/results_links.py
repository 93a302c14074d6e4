"""Links in a results folder: a study from elsewhere must not make a run write outside of it."""

from pathlib import Path

from .errors import Problem, StudyError


def refuse_links(study: Path, results: Path) -> None:
    """Refuse a results folder, or a folder in it, that is a link out of the study.

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
    places = [results, *(results.iterdir() if results.is_dir() else ())]
    outside = [
        place for place in places if place.is_symlink() and not place.resolve().is_relative_to(home)
    ]
    if outside:
        remedy = "remove the link, or keep the whole study where its results shall go"
        expected = "results inside the study's folder"
        raise StudyError(
            [
                Problem(str(place), "", f"a link to {place.resolve()}", expected, remedy)
                for place in outside
            ]
        )
