"""From a path to pixels, channel names and pixel size: one function for every image format.

The format is told by a file's first bytes, not by its name, except for slides. Every failure is
an `InputError` with path, reason and remedy.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .errors import DECODER_ERRORS, InputError, detail_of
from .image_files import MAX_MEGAPIXELS, SLIDE_SUFFIXES, SUFFIXES, scan_folder, split_reference
from .reader_common import (
    EXPORT_REMEDY,
    SCREEN_DPI,
    Image,
    ImageInfo,
    Region,
    Request,
    ZChoice,
    check_size,
    choose_series,
    decoder_messages,
    print_resolution_um,
    with_flags,
)

__all__ = [
    "SUFFIXES",
    "Image",
    "ImageInfo",
    "as_channels",
    "channel_index",
    "inspect_image",
    "list_images",
    "photo_px_per_mm",
    "read_image",
    "refuse_size",
    "scan_folder",
    "split_reference",
]

RAW_SUFFIXES = frozenset({".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"})
MICROSCOPE_SUFFIXES = frozenset({".czi", ".nd2", ".oib", ".oif", ".oir", ".vsi", ".zvi", ".ims"})
LOSSY_FORMATS = frozenset({"jpeg", "heic", "webp"})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
LIF_MAGIC = b"\x70\0\0\0"


@dataclass(frozen=True)
class _Family:
    """The reader of one family of formats."""

    describe: Callable[[Request], list[ImageInfo]]
    read: Callable[[Request], Image]


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
        image = _family(request).read(request)
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
        return _family(request).describe(request)


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
        images = _family(request).describe(request)
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


def as_channels(image: Image) -> Image:
    """Turn an RGB export into the channels red, green and blue; other images pass unchanged.

    Parameters
    ----------
    image : Image
        Any image.

    Returns
    -------
    Image
        A "channels" image. A converted one carries the flag ``eight_bit_compressed`` when its
        format loses detail (JPEG, HEIC, WebP), ``eight_bit_export`` when it has 8 bits only.
    """
    if image.kind == "channels":
        return image
    flags: tuple[str, ...] = ()
    if image.bit_depth <= 8:
        lossy = image.notes.get("format") in LOSSY_FORMATS
        flags = ("eight_bit_compressed",) if lossy else ("eight_bit_export",)
    channels = np.ascontiguousarray(np.moveaxis(image.pixels, -1, 0))
    return with_flags(replace(image, pixels=channels, kind="channels"), flags)


def channel_index(
    image: Image | ImageInfo | Sequence[str], wanted: str | int, *, path: str = ""
) -> int:
    """Find a channel by its number from 0, or by name.

    Parameters
    ----------
    image : Image, ImageInfo or sequence of str
        The image, whose channels' dyes and look-up tables count as names too, or names alone.
    wanted : str or int
        Number or name; case, spaces and signs don't matter, so "Alexa488" finds "ALEXA 488". A
        number as text is a number unless a channel has that name.
    path : str
        The image's path, for the error.

    Returns
    -------
    int
        Index of the channel.

    Raises
    ------
    InputError
        If there is no such channel, or the name fits several.
    """
    named = image.channel_names if isinstance(image, Image | ImageInfo) else image
    names = tuple(named)
    listed = ", ".join(f"{index} {name!r}" for index, name in enumerate(names))
    if isinstance(wanted, int):
        if 0 <= wanted < len(names):
            return wanted
        several = f"{len(names)} channels: " if len(names) != 1 else "1 channel: "
        raise InputError(
            path,
            f"channel {wanted} was asked for, but the image has {several}{listed}",
            f"choose a channel from 0 to {len(names) - 1}, or its name"
            if len(names) != 1
            else "choose channel 0, or leave out what the image doesn't show",
        )
    known_as = image.notes.get("channels") if isinstance(image, Image | ImageInfo) else None
    described = known_as or [{}] * len(names)
    aliases = [
        {_plain(name), *(_plain(str(channel.get(key, ""))) for key in ("lut", "dye", "detector"))}
        for name, channel in zip(names, described, strict=True)
    ]
    exact = [index for index, name in enumerate(names) if _plain(name) == _plain(wanted)]
    found = exact or [index for index, known in enumerate(aliases) if _plain(wanted) in known]
    if len(found) == 1 and _plain(wanted):
        return found[0]
    if not found and wanted.strip().isdecimal():  # a number that came as text
        return channel_index(image, int(wanted), path=path)
    problem = "fits several channels" if found else "is not the name of a channel"
    raise InputError(
        path, f"{wanted!r} {problem}; the image has: {listed}", "name one of these, or its number"
    )


def _plain(name: str) -> str:
    """Bring the ways to write a dye's name together.

    Examples
    --------
    >>> _plain("ALEXA 488") == _plain("Alexa-488")
    True
    """
    return re.sub(r"[^0-9a-zλµ+]+", "", name.casefold())


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


def _family(request: Request) -> _Family:
    """Choose the reader by the file's first bytes; slides by their suffix."""
    with request.path.open("rb") as file:
        head = file.read(32)
    suffix = request.path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        raise request.error(
            "camera raw files aren't read: their colours depend on the converter",
            "export it as a 16-bit TIFF, a PNG or a JPEG from the camera's software",
        )
    if suffix in SLIDE_SUFFIXES:
        from . import reader_slides

        return _Family(reader_slides.list_slides, reader_slides.read_slide)
    if head.startswith(TIFF_MAGIC):
        from . import reader_tiff

        return _Family(reader_tiff.list_tiff, reader_tiff.read_tiff)
    if head.startswith(LIF_MAGIC):
        from . import reader_leica

        return _Family(reader_leica.list_leica, reader_leica.read_leica)
    form = _photo_form(head)
    if form is None:
        raise _unknown(request, head, suffix)
    return _photos(form)


def _photos(form: str) -> _Family:
    from . import reader_photos

    return _Family(
        lambda request: reader_photos.list_photos(request, form),
        lambda request: reader_photos.read_photo(request, form),
    )


def _photo_form(head: bytes) -> str | None:
    """Tell a photo's format by its first bytes."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        return "heic"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    return "bmp" if head.startswith(b"BM") else None


def _unknown(request: Request, head: bytes, suffix: str) -> InputError:
    if suffix in MICROSCOPE_SUFFIXES:
        return request.error(
            f"{suffix} files of this microscope aren't read",
            "export it as OME-TIFF, for instance with Fiji's Bio-Formats exporter",
        )
    # the last character may be cut in its middle; control codes but tab and line ends are no text
    text = head.decode("utf-8", "ignore")
    is_text = len(text) > 0 and all(sign.isprintable() or sign in "\t\r\n" for sign in text)
    reason = "it is a text file, not an image" if is_text else "it is no image format that is known"
    if suffix in SUFFIXES:
        reason += f", though its name ends in {suffix}"
    return request.error(
        f"{reason} (it begins with {head[:8]!r})",
        "use JPEG, PNG, HEIC, TIFF, OME-TIFF, LIF, SVS or NDPI; " + EXPORT_REMEDY,
    )
