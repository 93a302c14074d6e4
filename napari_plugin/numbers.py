"""An image's numbers while it is corrected: at once from the labels, then as the next run will."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..imgproc.corrected import NOT_ASSESSABLE
from ..pipeline.assay import Calibration
from ..pipeline.classified import Classified
from ..pipeline.measured import Measured, MeasuredImage
from ..pipeline.readers import Image, read_image
from ..pipeline.review_items import ReviewItem, ReviewStudy
from .image_review import ImageReview
from .session import OpenImage


@dataclass(frozen=True)
class QuickNumbers:
    """What the labels alone tell, without measuring.

    Attributes
    ----------
    count : int
        Objects, without those whose middle can't be assessed.
    burden : float or None
        Their share of the regions' area; None for methods without regions of that kind.
    positive_percent : float or None
        Share of the objects whose class is known that are positive; None without classes.
    unknown : int
        Objects whose class is known only after measuring (drawn or redrawn ones).
    tissue_mm2 : float or None
        Of a whole slide, whose pieces of tissue are the objects: their area.
    """

    count: int
    burden: float | None = None
    positive_percent: float | None = None
    unknown: int = 0
    tissue_mm2: float | None = None


def program_classes(study: ReviewStudy, opened: OpenImage) -> dict[int, int]:
    """Give the class that the program gave each object, by the last run's thresholds."""
    if not opened.review.correctable.classes:
        return {}
    classified = _classified(
        opened.item,
        MeasuredImage.of(opened.item.sample, opened.program),
        study.calibrations.get(opened.item.sample.assay, Calibration()),
    )
    column = next((c for c in ("class", "positive") if c in classified.objects), None)
    if column is None:
        return {}
    objects = classified.objects
    return dict(zip(objects["object"].astype(int), objects[column].astype(int), strict=True))


def _classified(item: ReviewItem, measured: Measured, calibration: Calibration) -> Classified:
    return item.assay.classify(measured, calibration)


def quick_numbers(review: ImageReview, program: Mapping[int, int]) -> QuickNumbers:
    """Count what the labels show now.

    Parameters
    ----------
    review : ImageReview
        The image.
    program : mapping of int to int
        From `program_classes`; objects drawn anew aren't in it.
    """
    if review.correctable.profile is not None:
        return _tissue_numbers(review)
    what = review.correctable.objects
    blind = _unassessable(review)
    numbers = [n for n in review.index.numbers(what) if n not in blind]
    regions = review.correctable.regions
    burden = None
    if regions and not review.correctable.classes:
        area = sum(review.index.area(what, n) for n in numbers)
        tissue = review.index.total(regions) - _blind_pixels(review, regions)
        burden = area / tissue if tissue else float("nan")
    if not review.correctable.classes:
        return QuickNumbers(len(numbers), burden)
    given = review.state.classes
    known = [given[n] if n in given else program[n] for n in numbers if n in given or n in program]
    share = 100 * float(np.mean(np.array(known) > 0)) if known else float("nan")
    return QuickNumbers(len(numbers), burden, share, len(numbers) - len(known))


def _tissue_numbers(review: ImageReview) -> QuickNumbers:
    """Count a slide's pieces of tissue and their area, without what can't be assessed."""
    labels, what = review.state.labels, review.correctable.objects
    kept = labels[what] * (labels[NOT_ASSESSABLE] == 0)
    pixels = np.bincount(kept.ravel())[1:]
    um_per_px = review.um_per_px or float("nan")
    return QuickNumbers(
        int(np.count_nonzero(pixels)), tissue_mm2=float(pixels.sum()) * um_per_px**2 * 1e-6
    )


def _unassessable(review: ImageReview) -> set[int]:
    """Objects whose middle lies where nothing can be judged."""
    blind = review.state.labels[NOT_ASSESSABLE]
    if not review.index.total(NOT_ASSESSABLE):
        return set()
    from ..imgproc.labelled import sums

    centres = sums(review.state.labels[review.correctable.objects], {})
    rows, columns = (centres[c].round().to_numpy(int) for c in ("y_px", "x_px"))
    return {int(n) for n in centres.index[blind[rows, columns] > 0]}


def _blind_pixels(review: ImageReview, regions: str) -> int:
    if not review.index.total(NOT_ASSESSABLE):
        return 0
    labels = review.state.labels
    return int(((labels[NOT_ASSESSABLE] > 0) & (labels[regions] > 0)).sum())


def exact_numbers(
    study: ReviewStudy,
    opened: OpenImage,
    labels: Mapping[str, np.ndarray],
    classes: Mapping[int, int],
) -> tuple[dict[str, float], dict[int, int]]:
    """Measure the corrected labels as the next run will.

    Parameters
    ----------
    study : ReviewStudy
        Has the thresholds.
    opened : OpenImage
        The image.
    labels : mapping of str to numpy.ndarray
        A copy of the label images; the reader may go on meanwhile.
    classes : mapping of int to int
        The reader's classes.

    Returns
    -------
    features : dict of str to float
        The image's features, as images.csv will have them.
    classes : dict of int to int
        The class of every object.

    Raises
    ------
    MeasurementError
        If the labels can't be measured.
    """
    item = opened.item
    measured = item.assay.measure_corrected(
        opened.image, item.sample, blanks_of(study, item), labels, opened.program
    )
    review = {"classes": {str(number): value for number, value in classes.items()}}
    noted = replace(measured, notes=measured.notes | {"review": review})
    held = MeasuredImage.of(item.sample, noted)
    calibration = study.calibrations.get(item.sample.assay, Calibration())
    classified = _classified(item, held, calibration)
    column = next((c for c in ("class", "positive") if c in classified.objects), None)
    objects = classified.objects
    found = (
        {}
        if column is None
        else dict(zip(objects["object"].astype(int), objects[column].astype(int), strict=True))
    )
    return dict(classified.features), found


def blanks_of(study: ReviewStudy, item: ReviewItem) -> list[Image]:
    """Read the empty fields of an image's batch, as a run does."""
    return [read_image(study.study.folder / blank) for blank in item.blanks]
