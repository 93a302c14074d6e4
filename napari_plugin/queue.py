"""The order in which a reader sees the images: random with a seed, or the most uncertain first."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

from ..pipeline.review_folder import ImageFolder, reader_folder
from ..pipeline.review_items import ReviewItem, ReviewStudy
from ..pipeline.review_log import read_log
from ..pipeline.review_state import ACCEPTED, OPEN, REJECTED
from ..pipeline.stored_tables import FromStore

Order = Literal["random", "uncertain"]
TO_DO = "to do"
STATUSES = (TO_DO, OPEN, ACCEPTED, REJECTED)


def shuffled(items: Sequence[ReviewItem], seed: int) -> list[ReviewItem]:
    """Give the images in a random order that only the seed and the images themselves decide.

    Each image's place comes from a hash of seed and image, so that an image that joins the study
    later doesn't change the order of the others.
    """
    return sorted(items, key=lambda item: _draw(seed, item))


def _draw(seed: int, item: ReviewItem) -> str:
    text = f"{seed}\n{item.sample.assay}\n{item.sample.image}"
    return hashlib.sha256(text.encode()).hexdigest()


def by_doubt(study: ReviewStudy, items: Sequence[ReviewItem], seed: int) -> list[ReviewItem]:
    """Give the images whose program result is most uncertain first; equal ones at random."""
    doubts = {item.key: doubt_of(study, item) for item in items}
    return sorted(shuffled(items, seed), key=lambda item: -doubts[item.key])


def doubt_of(study: ReviewStudy, item: ReviewItem) -> float:
    """Give how uncertain the program's result of an image is; unreadable ones first."""
    calibration = study.calibrations.get(item.sample.assay)
    if calibration is None:
        return 0.0
    try:
        held = study.store.load(item.fingerprint)
        measured = FromStore(item.sample, held, held.flags)
        return item.assay.doubt(item.assay.classify(measured, calibration), calibration)
    except (OSError, ValueError, KeyError):
        return float("inf")


def ordered(
    study: ReviewStudy, order: Order, seed: int, keep: Callable[[ReviewItem], bool]
) -> list[ReviewItem]:
    """Give the images of the queue in their order."""
    kept = [item for item in study.items if keep(item)]
    return by_doubt(study, kept, seed) if order == "uncertain" else shuffled(kept, seed)


def status_of(study: ReviewStudy, reader: str, item: ReviewItem) -> str:
    """Give how far a reader has come with an image: one of `STATUSES`."""
    folder = image_folder(study, reader, item)
    if not folder.is_begun:
        return TO_DO
    status = TO_DO
    for record in read_log(folder.log_file).records:
        if "change" in record:
            status = OPEN if status == TO_DO else status
            verdict = record["change"].get("verdict")
            status = verdict[-1]["status"] if verdict else status
    return status


def image_folder(study: ReviewStudy, reader: str, item: ReviewItem) -> ImageFolder:
    """Give the folder of a reader's review of an image."""
    return ImageFolder(reader_folder(study.study.folder, reader) / item.sample.assay / item.name)
