"""Photos turned upright, once, wherever their orientation stands."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import tifffile
from photo_files import GRADIENT, ORIENTATION, exif
from PIL import Image as Pillow

from xenoquant.pipeline.readers import inspect_image, read_image

# What a viewer shows, written out from CIPA DC-008 (EXIF 2.32), tag 274: the side of the upright
# picture on which the stored 0th row and 0th column lie.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,  # top, left
    2: np.fliplr,  # top, right
    3: lambda stored: np.rot90(stored, 2),  # bottom, right
    4: np.flipud,  # bottom, left
    5: lambda stored: stored.transpose(1, 0, 2),  # left, top
    6: lambda stored: np.rot90(stored, -1),  # right, top: turned clockwise to be upright
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),  # right, bottom
    8: lambda stored: np.rot90(stored, 1),  # left, bottom
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_exif_orientation_is_applied_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    """Authority: the EXIF standard's definition, for formats that keep pixels exactly."""
    path = tmp_path / f"photo.{suffix}"
    if suffix == "tif":
        tag = [(ORIENTATION, "H", 1, orientation, True)]
        tifffile.imwrite(path, GRADIENT, photometric="rgb", metadata=None, extratags=tag)
    else:
        options = {"lossless": True} if suffix == "webp" else {}
        Pillow.fromarray(GRADIENT).save(path, exif=exif(orientation), **options)
    image = read_image(path)
    expected = UPRIGHT[orientation](GRADIENT)
    assert image.pixels.shape == expected.shape
    assert (image.pixels == expected).all()
    assert image.notes.get("orientation_applied", 1) == orientation
    assert inspect_image(path).shape == expected.shape
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_the_upright_one_turned(tmp_path: Path, orientation: int) -> None:
    """Authority: the same stored picture without the tag, turned by the standard's definition."""
    encoded = io.BytesIO()
    Pillow.fromarray(GRADIENT).save(encoded, "JPEG", quality=95, subsampling=0)
    plain, turned = tmp_path / "a.jpg", tmp_path / "b.jpg"
    plain.write_bytes(encoded.getvalue())
    Pillow.fromarray(GRADIENT).save(turned, quality=95, subsampling=0, exif=exif(orientation))
    expected = UPRIGHT[orientation](read_image(plain).pixels)
    assert (read_image(turned).pixels == expected).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_turned_by_its_own_transform_and_not_again_by_exif(
    tmp_path: Path, orientation: int
) -> None:
    """pillow-heif stores the turn as HEIF's transform and leaves the EXIF tag as it was."""
    path = tmp_path / "photo.heic"
    heif = pillow_heif.from_pillow(Pillow.fromarray(GRADIENT))
    heif.save(path, quality=100, exif=exif(orientation).tobytes())
    image = read_image(path)
    expected = UPRIGHT[orientation](GRADIENT).astype(float)
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).mean() < 3  # HEVC loses a little
    assert (image.kind, image.bit_depth) == ("rgb", 8)


def test_a_region_is_taken_of_the_upright_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.fromarray(GRADIENT).save(path, exif=exif(6))
    whole = read_image(path).pixels
    part = read_image(path, region=(10, 20, 7, 9))
    assert (part.pixels == whole[10:17, 20:29]).all()
    assert part.notes["region"] == [10, 20, 7, 9]


def png_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


@pytest.mark.parametrize("place", ["before the pixels", "behind the pixels", "as XMP"])
def test_a_png_is_turned_wherever_its_orientation_stands(tmp_path: Path, place: str) -> None:
    """Written by hand after the PNG specification; 6 is a quarter to the right."""
    buffer = io.BytesIO()
    Pillow.fromarray(GRADIENT).save(buffer, format="PNG")
    content = buffer.getvalue()
    added = png_chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    if place == "as XMP":
        text = b'<x tiff:Orientation="6"/>'
        added = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    at = content.index(b"IEND" if place == "behind the pixels" else b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + added + content[at:])
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, np.rot90(GRADIENT, -1))
    assert image.notes["orientation_applied"] == 6


def test_a_png_without_exif_is_decoded_once(tmp_path: Path, monkeypatch) -> None:
    """Pillow reads the header alone: to look for EXIF it would decode all pixels."""
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")

    def decoded(*_: object) -> None:
        raise AssertionError("Pillow decoded the pixels too")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, GRADIENT)
