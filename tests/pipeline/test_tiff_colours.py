"""Types and colours of TIFF: bits, inversion, alpha, printing colours, palettes."""

from pathlib import Path

import numpy as np
import tifffile
from tiff_files import RANDOM, RGB, STACK, write_ome

from xenoquant.pipeline.readers import read_image


def test_twelve_bits_are_told_from_sixteen(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", STACK[:, 0], axes="CYX", SignificantBits=12)
    assert read_image(path).bit_depth == 12
    packed = tmp_path / "b.tif"
    values = STACK[0, 0] % 4096
    tifffile.imwrite(packed, values)
    assert read_image(packed).bit_depth == 16


def test_white_is_zero_is_turned_so_that_bright_is_high(tmp_path: Path) -> None:
    gray = RGB[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", 255 - gray, photometric="miniswhite")
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels[0] == gray).all()
    assert image.notes["inverted"] is True


def test_alpha_is_dropped_with_a_flag(tmp_path: Path) -> None:
    alpha = np.concatenate([RGB, RGB[..., :1]], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", alpha, photometric="rgb", extrasamples=["unassalpha"])
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels == RGB).all()
    assert image.flags == ("alpha_dropped",)


def test_cmyk_is_converted_with_a_flag(tmp_path: Path) -> None:
    """No ink is white; full black ink is black; full cyan ink leaves no red."""
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[4:8, :, 3] = 255
    ink[8:, :, 0] = 255
    tifffile.imwrite(tmp_path / "a.tif", ink, photometric="separated")
    image = read_image(tmp_path / "a.tif")
    assert image.flags == ("cmyk_converted",)
    assert [image.pixels[row, 0].tolist() for row in (0, 5, 9)] == [
        [255, 255, 255],
        [0, 0, 0],
        [0, 255, 255],
    ]


def palette_tiff(path: Path, indices: np.ndarray, table: np.ndarray) -> Path:
    tifffile.imwrite(
        path, indices, photometric="palette", colormap=table.astype(np.uint16), metadata=None
    )
    return path


def test_a_true_palette_becomes_rgb(tmp_path: Path) -> None:
    table = RANDOM.integers(0, 256, (3, 256)) * 257
    image = read_image(palette_tiff(tmp_path / "a.tif", RGB[..., 0], table))
    assert (image.pixels == (table.T // 257)[RGB[..., 0]]).all()
    assert image.flags == ("palette_converted",)


def test_the_pseudo_colour_of_a_channel_is_no_palette(tmp_path: Path) -> None:
    """Microscopes store a gray channel with a table from black to green: indices are intensity."""
    table = np.zeros((3, 256), int)
    table[1] = np.arange(256) * 257
    image = read_image(palette_tiff(tmp_path / "a.tif", RGB[..., 0], table))
    assert (image.kind, image.flags) == ("channels", ())
    assert (image.pixels[0] == RGB[..., 0]).all()
