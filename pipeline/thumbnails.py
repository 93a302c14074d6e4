"""The small picture inside an overlay's file, where cameras put theirs: in its Exif data.

It is made while the overlay is still in the memory. The report takes it from there, and has no
large JPEG to decode for each image.
"""

import struct

import cv2
import imagecodecs
import numpy as np
from PIL import Image

SIDE_PX = 320
"""Longest side of a thumbnail."""

_QUALITY = 78
_JFIF, _APP1 = b"\xff\xe0", b"\xff\xe1"
_EXIF = b"Exif\0\0"
_MOST_BYTES = 65_000  # a segment of a JPEG ends at 65,533
# TIFF 6.0 and Exif 2.3: an empty first directory, then the thumbnail's with three entries
_HEADER = struct.Struct("<2sHIHIH")
_ENTRY = struct.Struct("<HHII")
_COMPRESSION, _OFFSET, _LENGTH = 0x0103, 0x0201, 0x0202
_SHORT, _LONG, _JPEG = 3, 4, 6
_PICTURE_AT = _HEADER.size + 3 * _ENTRY.size + 4


def thumbnail(picture: np.ndarray) -> bytes:
    """Give a picture as a JPEG of at most `SIDE_PX`.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W, 3) uint8; not changed.
    """
    width, height = small_size((picture.shape[1], picture.shape[0]))
    # halving by boxes costs little; what is left is less than another half
    while picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width:
        half = picture.shape[1] // 2, picture.shape[0] // 2
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return encode_jpeg(small, _QUALITY, subsampling="420")


def encode_jpeg(picture: np.ndarray, quality: int, *, subsampling: str) -> bytes:
    """Give an (H, W, 3) uint8 picture as a JPEG: the bytes that Pillow gives, in half the time."""
    level = np.ascontiguousarray(picture)
    return bytes(imagecodecs.jpeg8_encode(level, level=quality, subsampling=subsampling))


def with_exif(jpeg: bytes, exif: bytes) -> bytes:
    """Put Exif data into a JPEG that has none, behind its JFIF header."""
    if not exif:
        return jpeg
    at = 2  # behind the start of the image
    if jpeg[at : at + 2] == _JFIF:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    size = (len(exif) + 2).to_bytes(2, "big")
    return jpeg[:at] + _APP1 + size + exif + jpeg[at:]


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
