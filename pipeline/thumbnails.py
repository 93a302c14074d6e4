"""The small picture inside an overlay's file, where cameras put theirs: in its Exif data.

It is made while the overlay is still in the memory. The report takes it from there, and has no
large JPEG to decode for each image.
"""

import struct
from io import BytesIO

from PIL import Image

SIDE_PX = 320
"""Longest side of a thumbnail."""

_QUALITY = 78
_EXIF = b"Exif\0\0"
_MOST_BYTES = 65_000  # a segment of a JPEG ends at 65,533
# TIFF 6.0 and Exif 2.3: an empty first directory, then the thumbnail's with three entries
_HEADER = struct.Struct("<2sHIHIH")
_ENTRY = struct.Struct("<HHII")
_COMPRESSION, _OFFSET, _LENGTH = 0x0103, 0x0201, 0x0202
_SHORT, _LONG, _JPEG = 3, 4, 6
_PICTURE_AT = _HEADER.size + 3 * _ENTRY.size + 4


def thumbnail(picture: Image.Image) -> bytes:
    """Give a picture as a JPEG of at most `SIDE_PX`.

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB; not changed.
    """
    # reducing by boxes first costs little, and can't be seen
    small = picture.resize(small_size(picture.size), Image.Resampling.LANCZOS, reducing_gap=1.0)
    buffer = BytesIO()
    small.save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """Give the width and height of the thumbnail of a picture.

    Examples
    --------
    >>> small_size((1024, 512)), small_size((20, 10))
    ((320, 160), (20, 10))
    """
    factor = min(1.0, SIDE_PX / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def as_exif(small: bytes) -> bytes:
    """Give the Exif data that hold a thumbnail; empty if it is too large for them."""
    if len(small) > _MOST_BYTES:
        return b""
    header = _HEADER.pack(b"II", 42, 8, 0, _HEADER.size - 2, 3)
    entries = (
        (_COMPRESSION, _SHORT, 1, _JPEG),
        (_OFFSET, _LONG, 1, _PICTURE_AT),
        (_LENGTH, _LONG, 1, len(small)),
    )
    directory = b"".join(_ENTRY.pack(*entry) for entry in entries)
    return _EXIF + header + directory + bytes(4) + small


def held_thumbnail(picture: Image.Image) -> bytes | None:
    """Give the thumbnail that `as_exif` put into a picture's file, None if there is none."""
    exif = picture.info.get("exif", b"")
    at = len(_EXIF) + _PICTURE_AT
    small: bytes = exif[at:]
    return small if exif and exif == as_exif(small) else None
