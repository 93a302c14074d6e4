"""From a path to pixels, channel names and pixel size: one function for every image format.

The format is told by a file's first bytes, not by its name, except for slides. Every failure is
an `InputError` with path, reason and remedy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .decoder_messages import decoder_messages
from .errors import DECODER_ERRORS, InputError, detail_of
from .image_files import MAX_MEGAPIXELS, SUFFIXES, scan_folder, split_reference
from .image_formats import family_of
from .reader_common import (
    SCREEN_DPI,
    Image,
    ImageInfo,
    Region,
    Request,
    ZChoice,
    check_size,
    choose_series,
    print_resolution_um,
    with_flags,
)

__all__ = [
    "SUFFIXES",
    "Image",
    "ImageInfo",
    "inspect_image",
    "list_images",
    "photo_px_per_mm",
    "read_image",
    "refuse_size",
    "scan_folder",
    "split_reference",
]


def read_image(
    path: Path | str,
    *,
    series: int | None = None,
    z: ZChoice = "max",
    timepoint: int | None = None,
    level: int = 0,
    region: Region | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Image:
    """Read one image of any format.

    Parameters
    ----------
    path : path or str
        The file, or ``file#2`` for one image of a container.
    series : int, optional
        Number of the image in a container, from 0; a number in `path` says the same.
    z : {"max", "mean", "sum"} or int
        What becomes of a z-stack: a projection, or one plane from 0.
    timepoint : int, optional
        Timepoint from 0; of several the first is taken, with the flag ``first_timepoint``.
    level : int
        Pyramid level, 0 is the full image.
    region : (y, x, height, width), optional
        Part to read, in pixels of the full, upright image, whatever the level.
    max_megapixels : float
        Larger images (height × width × channels) are refused before decoding.

    Returns
    -------
    Image
        Its flags are among ``alpha_dropped``, ``cmyk_converted``, ``palette_converted``,
        ``bilevel``, ``converted_to_float32``, ``first_timepoint``, ``first_frame``,
        ``unlabelled_pages``, ``anisotropic_pixels``, ``missing_tiles``, ``unscanned_as_white``,
        ``exif_unreadable`` and ``decoder_warning``.

    Raises
    ------
    InputError
        If the file can't be read as asked, whatever the cause.
    """
    request = _request(path, series, z, timepoint, level, region, max_megapixels)
    with _decoding(request) as messages:
        image = family_of(request).read(request)
    if messages and "decoder_messages" not in image.notes:
        noted = {**image.notes, "decoder_messages": messages[:5]}
        return with_flags(replace(image, notes=noted), ("decoder_warning",))
    return image


def list_images(path: Path | str) -> list[ImageInfo]:
    """List every image of a file, with no pixel decoded.

    Parameters
    ----------
    path : path or str
        The file.

    Returns
    -------
    list of ImageInfo
        In the order of their numbers, which address them as ``file#number``.

    Raises
    ------
    InputError
        If the file can't be read.
    """
    request = _request(path)
    with _decoding(request):
        return family_of(request).describe(request)


def inspect_image(path: Path | str, *, series: int | None = None) -> ImageInfo:
    """Tell shape, channels and pixel size of one image, with no pixel decoded.

    Parameters
    ----------
    path : path or str
        The file, or ``file#2`` for one image of a container.
    series : int, optional
        Number of the image in a container, from 0.

    Returns
    -------
    ImageInfo
        What `read_image` would give, and the planes, times and levels that the file holds.

    Raises
    ------
    InputError
        If the file can't be read, or holds several images and none was chosen.
    """
    request = _request(path, series)
    with _decoding(request):
        images = family_of(request).describe(request)
    return images[choose_series(request, [image.name for image in images])]


def refuse_size(path: Path | str, info: ImageInfo, max_megapixels: float) -> None:
    """Refuse an image that is too large to be read whole, as `read_image` would.

    Parameters
    ----------
    path : path or str
        The file, for the error.
    info : ImageInfo
        What its header says.
    max_megapixels : float
        The limit, height × width × channels in millions.

    Raises
    ------
    InputError
        If it is above the limit, or has no pixels.
    """
    request = _request(path, max_megapixels=max_megapixels)
    channels = 1 if info.kind == "rgb" else info.shape[0]
    check_size(request, info.height, info.width, channels)


def photo_px_per_mm(path: Path | str) -> float:
    """Give the scale that a photo's or scan's own metadata state, in pixels per millimetre.

    Parameters
    ----------
    path : path or str
        The file, or one image of a container.

    Returns
    -------
    float
        Pixels a millimetre: from the microscope's or scanner's pixel size, or a resolution tag.

    Raises
    ------
    InputError
        If the file states none, or only a default: 72 or 96 dpi, or any value from a camera,
        which can't know the distance to its object.
    """

    info = inspect_image(path)
    dpi = info.notes.get("dpi")
    by_camera = bool(info.notes.get("taken_by_camera"))
    um_per_px = info.um_per_px or print_resolution_um(
        (dpi[0], dpi[1]) if dpi else None, by_camera=by_camera, defaults=SCREEN_DPI
    )
    if um_per_px is not None:
        return 1000 / um_per_px
    found = (
        f"its resolution tag says {dpi[0]:g} dpi, a default" if dpi else "it states no resolution"
    )
    raise InputError(
        str(path),
        f"the file's metadata give no scale: {found}",
        'set px_per_mm to a number, or to "ruler" when a ruler is in the picture',
    )


def _request(
    reference: Path | str,
    series: int | None = None,
    z: ZChoice = "max",
    timepoint: int | None = None,
    level: int = 0,
    region: Region | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Request:
    """Bring the arguments together and refuse what can't be meant."""
    path, addressed = split_reference(reference)
    if series is not None and addressed is not None and series != addressed:
        raise ValueError(f"{reference} addresses image {addressed}, but series={series} was given")
    if isinstance(z, str) and z not in {"max", "mean", "sum"}:
        raise ValueError(f'z must be "max", "mean", "sum" or the number of a plane, not {z!r}')
    number = addressed if series is None else series
    return Request(str(reference), path, number, z, timepoint, level, region, max_megapixels)


@contextmanager
def _decoding(request: Request) -> Iterator[list[str]]:
    """Turn whatever a decoder raises into an `InputError`, and its warnings into a list."""
    _require_file(request)
    with decoder_messages() as messages:
        try:
            yield messages
        except InputError:
            raise
        except MemoryError as error:
            raise request.error(
                "there isn't enough memory to decode it", "read a region or a higher level"
            ) from error
        except DECODER_ERRORS as error:
            raise request.error(
                f"it can't be decoded and seems damaged: {detail_of(error)}"
            ) from error


def _require_file(request: Request) -> None:
    """Refuse what is not a readable file with bytes in it."""
    path = request.path
    try:
        if path.is_dir():
            raise request.error("it is a folder, not an image", "give the images in it")
        if path.exists() and not path.is_file():
            raise request.error("it is not a regular file", "give an image file")
        with path.open("rb") as file:
            if not file.read(1):
                raise request.error("the file is empty")
    except FileNotFoundError as error:
        raise request.error("there is no such file", "check the path and the spelling") from error
    except PermissionError as error:
        raise request.error("reading it is not permitted", "check its permissions") from error
    except (OSError, ValueError) as error:  # too long a name, a null byte, a lost network drive
        raise request.error(f"it can't be opened: {error}", "check the path") from error
