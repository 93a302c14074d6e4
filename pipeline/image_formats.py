"""Which reader a file asks for: by its first bytes, not by its name, except for slides."""

from collections.abc import Callable
from dataclasses import dataclass

from .errors import InputError
from .image_files import SLIDE_SUFFIXES, SUFFIXES
from .reader_common import EXPORT_REMEDY, Image, ImageInfo, Request

RAW_SUFFIXES = frozenset({".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"})
MICROSCOPE_SUFFIXES = frozenset({".czi", ".nd2", ".oib", ".oif", ".oir", ".vsi", ".zvi", ".ims"})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
LIF_MAGIC = b"\x70\0\0\0"


@dataclass(frozen=True)
class Family:
    """The reader of one family of formats."""

    describe: Callable[[Request], list[ImageInfo]]
    read: Callable[[Request], Image]


def family_of(request: Request) -> Family:
    """Choose the reader by the file's first bytes; slides by their suffix.

    Raises
    ------
    InputError
        If no reader takes such a file; the remedy names what is read.
    """
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

        return Family(reader_slides.list_slides, reader_slides.read_slide)
    if head.startswith(TIFF_MAGIC):
        from . import reader_tiff

        return Family(reader_tiff.list_tiff, reader_tiff.read_tiff)
    if head.startswith(LIF_MAGIC):
        from . import reader_leica

        return Family(reader_leica.list_leica, reader_leica.read_leica)
    form = _photo_form(head)
    if form is None:
        raise _unknown(request, head, suffix)
    return _photos(form)


def _photos(form: str) -> Family:
    from . import reader_photos

    return Family(
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
