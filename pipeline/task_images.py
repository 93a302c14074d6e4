"""The images of a task: its own, read with its assay's options, and its batch's blanks."""

from .plan import Task
from .readers import Image, read_image


def open_image(task: Task) -> Image:
    """Read a task's image with its assay's options.

    Raises
    ------
    InputError
        If the file can't be read as an image.
    """
    return task.assay.open(task.reference, max_megapixels=task.max_megapixels)


def open_blanks(task: Task) -> list[Image]:
    """Read the empty bright fields of a task.

    Raises
    ------
    InputError
        If one of them can't be read as an image.
    """
    return [read_image(path, max_megapixels=task.max_megapixels) for path in task.blanks]
