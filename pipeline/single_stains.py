"""Stain vectors from images of sections with one stain each."""

from dataclasses import dataclass
from pathlib import Path

from ..imgproc.dab import stain_sample
from ..imgproc.dab_options import DabOptions
from ..imgproc.errors import MeasurementError
from ..imgproc.stain_estimates import StainName, single_stain_vector
from .errors import InputError
from .readers import inspect_image, read_image, split_reference
from .slides import is_whole_slide

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class SingleStain:
    """A stain's vector, and the image that it comes from.

    Attributes
    ----------
    image : str
        The image, as the study names it.
    vector : tuple of float
        Optical density in red, green and blue, of length 1.
    """

    image: str
    vector: Vector


def read_single_stain(
    folder: Path,
    name: str,
    stain: StainName,
    *,
    options: DabOptions,
    um_per_px: float | None,
    max_megapixels: float,
) -> SingleStain:
    """Read the vector of a stain from an image that holds it alone.

    Parameters
    ----------
    folder : pathlib.Path
        What the image's path is relative to.
    name : str
        The image.
    stain : str
        ``hematoxylin`` or ``DAB``.
    options : DabOptions
        For the white; the image's own glass where none is given.
    um_per_px : float or None
        Pixel size, used where the file doesn't say.
    max_megapixels : float
        Larger images are refused.

    Returns
    -------
    SingleStain
        The vector.

    Raises
    ------
    InputError
        If the image isn't there, can't be read, or doesn't show the stain.
    """
    path = folder / name
    if not split_reference(path)[0].is_file():
        remedy = "mend the path; a relative one starts at the study's folder"
        raise InputError(name, f"the image of {stain} alone isn't there", remedy)
    if is_whole_slide(inspect_image(path)):
        remedy = "export a field of it with some empty glass, and name that"
        raise InputError(name, f"a field of {stain} alone was expected, not a whole slide", remedy)
    image = read_image(path, max_megapixels=max_megapixels)
    if image.kind != "rgb":
        remedy = "give the colour photo of the section"
        raise InputError(name, f"the image of {stain} alone isn't in colour", remedy)
    try:
        density = stain_sample(
            image.pixels, um_per_px=image.um_per_px or um_per_px, options=options
        )
        return SingleStain(name, single_stain_vector(density, stain))
    except MeasurementError as error:
        raise InputError(name, error.reason, error.remedy) from error
