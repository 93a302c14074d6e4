"""Hamamatsu's NDPI: small files of that form, written here, read and measured.

NDPI is TIFF in little-endian order with three differences, as OpenSlide documents them: offsets of
directories have 64 bits, the high half of each tag's value stands after the directory, and a large
level is one JPEG strip whose restart intervals serve as tiles, their starts in tag 65426.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import openslide
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.readers import inspect_image
from xenoquant.pipeline.slide_files import TiffTiles, open_slide, read_whole

ASCII, SHORT, LONG, RATIONAL, FLOAT, SIGNED = 2, 3, 4, 5, 11, 9
_SIZES = {ASCII: "c", SHORT: "H", LONG: "I", RATIONAL: "II", FLOAT: "f", SIGNED: "i"}


def encoded(rgb: np.ndarray, interval_px: int) -> bytes:
    """Encode an image as one JPEG whose restart intervals are so many pixels wide, 8 high."""
    flags = [
        cv2.IMWRITE_JPEG_QUALITY, 95,
        cv2.IMWRITE_JPEG_RST_INTERVAL, interval_px // 8,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    done, data = cv2.imencode(".jpg", rgb[..., ::-1], flags)
    assert done
    return data.tobytes()


def restart_starts(jpeg: bytes) -> list[int]:
    """Give the byte after the header and after each restart marker."""
    scan = jpeg.index(b"\xff\xda")
    starts = [scan + 2 + struct.unpack(">H", jpeg[scan + 2 : scan + 4])[0]]
    for place in range(starts[0], len(jpeg) - 1):
        if jpeg[place] == 0xFF and 0xD0 <= jpeg[place + 1] <= 0xD7:
            starts.append(place + 2)
    return starts


def write_ndpi(
    path: Path, levels: Sequence[np.ndarray], *, um_per_px: float, interval_px: int = 256
) -> list[bytes]:
    """Write a pyramid; give the JPEG of each level.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    levels : sequence of numpy.ndarray
        uint8, shape (height, width, 3); the full image first, sides multiples of 8, widths of
        `interval_px`.
    um_per_px : float
        Pixel size of the full image.
    interval_px : int
        Width of a restart interval.

    Returns
    -------
    list of bytes
    """
    data = bytearray(b"II*\x00" + bytes(8))
    link = 4  # where the next directory's offset belongs
    jpegs = []
    for rgb in levels:
        jpeg = encoded(rgb, interval_px)
        jpegs.append(jpeg)
        strip = len(data)
        data += jpeg
        lens = 20.0 * rgb.shape[1] / levels[0].shape[1]
        per_cm = round(1e4 / um_per_px * lens / 20.0)
        tags = [
            (256, LONG, [rgb.shape[1]]), (257, LONG, [rgb.shape[0]]), (258, SHORT, [8, 8, 8]),
            (259, SHORT, [7]), (262, SHORT, [6]), (271, ASCII, b"Hamamatsu\x00"),
            (272, ASCII, b"NanoZoomer\x00"), (273, LONG, [strip]), (277, SHORT, [3]),
            (278, LONG, [rgb.shape[0]]), (279, LONG, [len(jpeg)]), (282, RATIONAL, [per_cm, 1]),
            (283, RATIONAL, [per_cm, 1]), (296, SHORT, [3]), (65420, LONG, [1]),
            (65421, FLOAT, [lens]), (65422, SIGNED, [0]), (65423, SIGNED, [0]),
            (65424, SIGNED, [0]), (65426, LONG, restart_starts(jpeg)),
        ]  # fmt: skip
        entries = [_entry(data, *tag) for tag in tags]
        place = len(data)
        struct.pack_into("<Q", data, link, place)
        data += struct.pack("<H", len(entries)) + b"".join(entries)
        link = len(data)
        data += bytes(8) + bytes(4 * len(entries))
    path.write_bytes(data)
    return jpegs


def _entry(data: bytearray, tag: int, kind: int, values: "bytes | list[float]") -> bytes:
    """Make a directory's entry; a value that doesn't fit in it goes before the directory."""
    if isinstance(values, bytes):
        count, packed = len(values), values
    else:
        count = len(values) // 2 if kind == RATIONAL else len(values)
        packed = struct.pack("<" + (_SIZES[kind] * count), *values)
    if len(packed) > 4:
        packed, place = struct.pack("<I", len(data)), packed
        data += place
    return struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\x00")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """A square of rendered tissue on glass, 1024 by 1024 pixels."""
    slide = np.full((1024, 1024, 3), (241, 239, 236), np.uint8)
    slide[192:832, 192:832] = render_dab(5, scene=DabScene(size_px=(640, 640))).rgb
    return slide


@pytest.fixture(scope="module")
def slide(pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ndpi") / "m1.ndpi"
    small = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    write_ndpi(path, [pixels, small], um_per_px=0.5)
    return path


def test_the_file_is_one_that_openslide_takes_for_hamamatsus(slide: Path) -> None:
    """OpenSlide's own reader, which knows nothing of this writer, takes it for an NDPI."""
    assert openslide.OpenSlide.detect_format(str(slide)) == "hamamatsu"
    with openslide.OpenSlide(slide) as opened:
        assert opened.dimensions == (1024, 1024)


def test_pixels_and_scale_are_openslides(slide: Path) -> None:
    """Every pixel as OpenSlide decodes it, by restart intervals; 20x and 0.5 µm from the tags."""
    levels = open_slide(slide)
    assert isinstance(levels.full, TiffTiles)
    assert levels.full.tile_shape == (8, 256)
    with openslide.OpenSlide(slide) as opened:
        expected = np.asarray(opened.read_region((0, 0), 0, (1024, 1024)))[..., :3]
    np.testing.assert_array_equal(read_whole(levels.full), expected)
    info = inspect_image(slide)
    assert info.um_per_px == pytest.approx(0.5, rel=1e-4)
    assert info.notes["acquisition"]["objective_power"] == 20


def test_it_measures_as_the_same_pixels_in_a_tiff(slide: Path, tmp_path: Path) -> None:
    """From the command line, areas and cells: the very numbers of the decoded pixels as a tiled
    TIFF with the same reduced copy.
    """
    levels = open_slide(slide)
    same = tmp_path / "same.tif"
    with tifffile.TiffWriter(same) as writer:
        how = {"tile": (128, 128), "photometric": "rgb", "resolutionunit": 3}
        resolution = (20_000, 20_000)
        writer.write(read_whole(levels.full), subifds=1, resolution=resolution, **how)
        writer.write(levels.read_level(1), subfiletype=1, **how)
    found = []
    for path in (slide, same):
        out = tmp_path / path.suffix[1:]
        words = ["measure", "dab", str(path), "--out", str(out), "--quiet"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        images = pd.read_csv(out / "images.csv")
        found.append(dict(zip(images["feature"], images["value"], strict=True)))
    assert found[0]["cells"] > 100
    assert found[0] == found[1]
