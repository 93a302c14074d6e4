"""Images that a sheet names twice, or whose files are the same."""

from collections.abc import Sequence

from .plan import Task
from .readers import split_reference


def same_result(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    """Give the tasks that share a fingerprint (one file, given in two rows)."""
    shared: dict[str, list[Task]] = {}
    for task in tasks:
        shared.setdefault(task.fingerprint, []).append(task)
    return shared


def repeated_content(tasks: Sequence[Task]) -> dict[tuple[str, str], str]:
    """Find images whose file is the same, byte for byte, as an earlier one of the assay."""
    first: dict[tuple[str, str, int | None], str] = {}
    repeated = {}
    for task in tasks:
        series = split_reference(task.reference)[1]
        image = first.setdefault((task.sample.assay, task.content[0], series), task.sample.image)
        if image != task.sample.image:
            repeated[task.sample.assay, task.sample.image] = image
    return repeated
