"""Files that are no images, are too large, or may not be read, and questions they can't answer."""

import os
import struct
import zlib
from pathlib import Path

import pytest
import tifffile
from photo_files import GRADIENT, write_photo
from PIL import Image as Pillow

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import inspect_image, list_images, read_image


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bomb(40_000, 30_000))
    with pytest.raises(InputError, match="1,200 megapixels, above the limit of 400") as caught:
        read_image(path)
    assert "max_megapixels" in caught.value.remedy
    assert inspect_image(path).shape == (30_000, 40_000, 3)  # looking costs nothing


def test_the_limit_can_be_raised_and_lowered(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"above the limit of 0\.001"):
        read_image(tmp_path / "a.png", max_megapixels=0.001)
    assert read_image(tmp_path / "a.png", max_megapixels=0.01).pixels.shape == (48, 64, 3)


def test_a_gigantic_tiff_claims_in_vain(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRADIENT[..., 0], metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for tag in ("ImageWidth", "ImageLength"):
            at = tiff.pages[0].tags[tag]
            data[at.valueoffset : at.valueoffset + 4] = struct.pack("<I", 2_000_000)
            assert at.dtype in {3, 4}
            data[at.offset + 2 : at.offset + 4] = struct.pack("<H", 4)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jpg", b"", "the file is empty"),
        (
            "a.jpg",
            b"animal,diet\n1,low\n",
            "it is a text file, not an image, though its name ends in .jpg",
        ),
        ("a.jpg", bytes(range(200)), "no image format that is known"),
        ("a.czi", b"ZISRAWFILE", "files of this microscope"),
        ("a.dng", b"II*\0" + bytes(100), "camera raw"),
        ("a.tif", b"II*\0\x08\0\0\0\0\0", "no image|damaged"),
        ("a.lif", b"\x70\0\0\0" + bytes(100), "damaged"),
        ("a.svs", b"II*\0" + bytes(100), "no slide format"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged"),
    ],
)
def test_files_that_are_no_images_are_refused_with_reason_and_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_image, list_images, inspect_image):
        with pytest.raises(InputError, match=message) as caught:
            read(path)
        assert caught.value.path == str(path)
        assert caught.value.remedy


def test_missing_files_folders_and_impossible_names_are_refused(tmp_path: Path) -> None:
    for name, message in [
        ("none.jpg", "no such file"),
        (".", "it is a folder"),
        ("x" * 300 + ".jpg", "can't be opened"),
        ("nul\0l.jpg", "can't be opened"),
    ]:
        with pytest.raises(InputError, match=message):
            read_image(f"{tmp_path}/{name}")


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    write_photo(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # root, in a container, may read anything

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="not permitted"):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="not a regular file"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": (0, 0, 49, 10)}, "is not inside the image of height 48 and width 64"),
        ({"region": (-1, 0, 5, 5)}, "is not inside"),
        ({"region": (0, 0, 0, 5)}, "is not inside"),
        ({"level": 1}, "level 1 was asked for, but the image has 1"),
        ({"timepoint": 1}, "timepoint 1 was asked for"),
        ({"series": 1}, "image #1 was asked for, but the file holds 1"),
    ],
)
def test_asking_for_what_is_not_there_is_an_error_that_says_what_is(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "a.png", **options)  # type: ignore[arg-type]


def test_impossible_arguments_are_the_callers_mistake(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="z must be"):
        read_image(tmp_path / "a.png", z="median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="addresses image 1"):
        read_image(f"{tmp_path / 'a.png'}#1", series=2)
