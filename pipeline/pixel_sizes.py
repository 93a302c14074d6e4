"""The size of an image's pixels: who says it, and the note of it."""

from dataclasses import replace

from ..imgproc.measurement import Measurement
from .readers import Image, ImageInfo
from .samples import Sample


def pixel_size(
    image: Image | ImageInfo, sample: Sample, fallback: float | None
) -> tuple[float | None, str]:
    """Choose the pixel size: the sheet's, else the file's, else the study's.

    Returns
    -------
    um_per_px : float or None
        Micrometres a pixel.
    source : str
        Where it comes from.
    """
    if sample.um_per_px is not None:
        return sample.um_per_px, "sample sheet"
    if image.um_per_px is not None:
        return image.um_per_px, "file"
    return fallback, "study" if fallback is not None else "none"


def with_scale(measurement: Measurement, um_per_px: float | None, source: str) -> Measurement:
    """Note the pixel size that a measurement was made with, and where it comes from."""
    notes = {"um_per_px": um_per_px, "scale_source": source}
    return replace(measurement, notes=measurement.notes | notes)
