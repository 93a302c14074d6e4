"""What a blinded reader may read: messages without the names of images."""

import re
from collections.abc import Iterable
from pathlib import PurePath

from ..pipeline.readers import split_reference
from ..pipeline.review_items import ReviewItem

UNNAMED = "the image"


def unnamed(text: str, items: Iterable[ReviewItem]) -> str:
    """Take the names of images out of a message, as paths of them, their reviews and results.

    Parameters
    ----------
    text : str
        A message for the screen.
    items : iterable of ReviewItem
        All images of the study: an error may name another one than the one on the screen.

    Returns
    -------
    str
        The message, with "the image" for each path and file name.
    """
    names = {name for item in items for name in _names(item) if name in text}
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", UNNAMED, text)
    return text


def _names(item: ReviewItem) -> set[str]:
    """Give every text that messages name an image by; the folders of its review end like one."""
    file, _ = split_reference(item.reference)
    beside = f"{item.sample.assay}/{item.name}"
    paths = {str(item.reference), str(file), item.sample.image, beside, *item.blanks}
    paths |= {PurePath(path).name for path in (str(file), item.sample.image, *item.blanks)}
    system = {str(PurePath(path)) for path in paths}
    return paths | system | {repr(path)[1:-1] for path in system}  # as in errors of the system
