"""Reviews whose image isn't in the sheet by that name any more, so that none is dropped unsaid."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .errors import InputError
from .image_names import image_names
from .plan import Task
from .problems import ProblemRow
from .review_folder import ImageFacts, ImageFolder, good_for, reader_folder, readers_of
from .review_log import read_log
from .samples import Sample
from .study import Study

_STAGE = "read"
_SHORTEST = 2  # parts of a review's place: assay and image
_MOVE = "if it isn't wanted any more, move the folder out of review/"


def unplaced_reviews(
    study: Study, samples: Sequence[Sample], tasks: Sequence[Task]
) -> list[ProblemRow]:
    """List the reviews that no image of the study finds, each with what to do.

    A review lies under its image's name. Where the file or the assay is renamed, or another image
    takes the short form of its name, it would be passed over.

    Parameters
    ----------
    study : Study
        Its folder holds ``review/``, which is only read.
    samples : sequence of Sample
        All rows of the sheet, also those whose image failed.
    tasks : sequence of Task
        The images that were measured: tell the same image under a new name.

    Returns
    -------
    list of ProblemRow
        Of the stage ``read``.
    """
    names = image_names([s for s in samples if s.assay in study.image_assays])
    known = {f"{assay}/{name}" for (assay, _), name in names.items()}
    of_content = {task.fingerprint: f"{task.sample.assay}/{task.name}" for task in tasks}
    rows = []
    for reader in readers_of(study.folder):
        top = reader_folder(study.folder, reader)
        for place, folder in _begun(top):
            if place not in known:
                rows += _row(reader, folder, (top, place), names, of_content)
    return rows


def _begun(top: Path) -> Iterator[tuple[str, ImageFolder]]:
    """Give every review under a reader's folder with its place in it."""
    for file in sorted(ImageFolder.all_facts(top)):
        parts = file.parent.relative_to(top).parts
        if len(parts) >= _SHORTEST:
            yield "/".join(parts), ImageFolder(file.parent)


def _row(
    reader: str,
    folder: ImageFolder,
    where: tuple[Path, str],
    names: Mapping[tuple[str, str], str],
    of_content: Mapping[str, str],
) -> list[ProblemRow]:
    """Say what is to be done with one review; nothing where the reader did nothing in it."""
    top, place = where
    assay, _, image = place.partition("/")
    try:
        facts, log = folder.facts(), read_log(folder.log_file)
    except (InputError, OSError) as error:
        text = f"the review by {reader} in {folder.folder} can't be read: {error}"
        return [ProblemRow(assay, image, _STAGE, text, f"bring it back from a copy; {_MOVE}")]
    if not any("change" in record for record in log.records):
        return []
    text = f"the review by {reader} in {folder.folder} isn't used: no image of the sheet "
    text += f"has its name, {facts.image}"
    new = _new_place(facts, good_for(facts, log.records), names, of_content)
    remedy = f"rename the folder to the new name of its image; {_MOVE}"
    if new is not None and ImageFolder(top / new).is_begun:
        text += f"; the same image is reviewed as {new} as well"
        remedy = "move the folder out of review/, or put it in the place of the other"
    elif new is not None:
        text += f"; the same image is {new} now"
        remedy = f"rename the folder to {top / new}"
    return [ProblemRow(facts.assay, facts.image, _STAGE, text, remedy)]


def _new_place(
    facts: ImageFacts,
    fingerprint: str,
    names: Mapping[tuple[str, str], str],
    of_content: Mapping[str, str],
) -> str | None:
    """Give where the review would be found: by its image's path, else by the same measurement."""
    name = names.get((facts.assay, facts.image))
    return of_content.get(fingerprint) if name is None else f"{facts.assay}/{name}"
