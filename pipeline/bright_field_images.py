"""Bright-field images and their blanks, as a sheet gives them."""

from collections.abc import Sequence

import numpy as np

from ..imgproc.errors import MeasurementError
from .readers import Image, ImageInfo


def bright_field(image: Image) -> np.ndarray:
    """Give the pixels of a bright-field image, (height, width, 3)."""
    require_bright_field(image)
    return image.pixels


def require_bright_field(image: Image | ImageInfo) -> None:
    """Refuse what isn't in colour.

    Raises
    ------
    MeasurementError
        If the image is grey or has channels.
    """
    if image.kind != "rgb" and len(image.channel_names) == 1:
        raise MeasurementError(
            "a bright-field colour image was expected, and this image is grey: it has one channel",
            "give the original colour image",
        )
    if image.kind != "rgb":
        raise MeasurementError(
            f"a bright-field colour image was expected, and this image has the channels "
            f"{', '.join(image.channel_names)}",
            "give the colour image, or measure it with the method fluorescence",
        )


def blank_level(blanks: Sequence[Image]) -> np.ndarray | None:
    """Give one white for a slide: a scanner's blank field has any size."""
    if not blanks:
        return None
    levels = [np.median(bright_field(b).reshape(-1, 3), axis=0) for b in blanks]
    return np.asarray(np.mean(levels, axis=0), dtype=np.float64)


def require_same_size(image: ImageInfo, blank: ImageInfo) -> None:
    """Refuse a blank field that, by the files' headers, has another size than its image.

    Raises
    ------
    MeasurementError
        As `mean_blank` would.
    """
    if blank.shape != image.shape:
        raise _other_blank(blank.shape, blank.dtype, image.shape, image.dtype)


def _other_blank(
    blank_shape: tuple[int, ...], blank_type: object, shape: tuple[int, ...], type_: object
) -> MeasurementError:
    return MeasurementError(
        f"the blank has shape {blank_shape} and type {blank_type}, the image {shape} and {type_}",
        "take the blank with the image's camera settings, or give each batch its own blank "
        "in the sheet's batch column",
    )


def mean_blank(image: Image, blanks: Sequence[Image]) -> np.ndarray | None:
    """Average the blank fields of a batch.

    Raises
    ------
    MeasurementError
        If a blank has another shape or bit depth than the image.
    """
    for blank in blanks:
        if blank.pixels.shape != image.pixels.shape or blank.pixels.dtype != image.pixels.dtype:
            theirs, ours = blank.pixels, image.pixels
            raise _other_blank(theirs.shape, theirs.dtype, ours.shape, ours.dtype)
    if not blanks:
        return None
    mean = np.mean([blank.pixels for blank in blanks], axis=0)
    rounded: np.ndarray = np.rint(mean).astype(image.pixels.dtype)
    return rounded
