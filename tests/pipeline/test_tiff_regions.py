"""Regions and pyramids of TIFF equal crops of what was written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tiff_files import RGB, write_pyramid

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import inspect_image, list_images, read_image


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_regions_equal_crops_however_the_pixels_are_stored(
    tmp_path: Path,
    compression: str | None,
    tile: tuple[int, int] | None,
    byteorder: str,
    planar: str,
) -> None:
    """Authority: the array written."""
    path = tmp_path / "a.tif"
    pixels = RGB if planar == "contig" else RGB.transpose(2, 0, 1).copy()
    options: dict[str, Any] = {"rowsperstrip": 7} if tile is None else {"tile": tile}
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=byteorder,
        metadata=None,
        **options,
    )
    assert (read_image(path).pixels == RGB).all()
    part = read_image(path, region=(11, 13, 22, 30))
    assert (part.pixels == RGB[11:33, 13:43]).all()


def test_a_region_of_a_turned_tiff_is_taken_upright(tmp_path: Path) -> None:
    for orientation in range(1, 9):
        path = tmp_path / f"{orientation}.tif"
        tag = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(path, RGB, photometric="rgb", tile=(16, 16), metadata=None, extratags=tag)
        whole = read_image(path).pixels
        part = read_image(path, region=(3, 17, 20, 11)).pixels
        assert (part == whole[3:23, 17:28]).all(), orientation


@pytest.mark.parametrize("ome", [True, False])
def test_a_pyramid_is_read_by_level_and_region(tmp_path: Path, ome: bool) -> None:
    """Regions are given in pixels of the full image, whatever the level."""
    path = tmp_path / "a.tif"
    levels = write_pyramid(path, ome=ome)
    info = inspect_image(path)
    assert info.levels == ((256, 384), (128, 192), (64, 96))
    for number, expected in enumerate(levels):
        image = read_image(path, level=number)
        assert (image.pixels == expected).all()
        if ome:
            assert image.um_per_px == pytest.approx(0.5 * 2**number)
        part = read_image(path, level=number, region=(64, 128, 100, 60))
        scale = 2**number
        assert (
            part.pixels == expected[64 // scale : 164 // scale, 128 // scale : 188 // scale]
        ).all()
    assert len(list_images(path)) == 1
    with pytest.raises(InputError, match="level 3 was asked for, but the image has 3"):
        read_image(path, level=3)


def test_a_slide_too_large_for_memory_gives_its_regions(tmp_path: Path) -> None:
    """Authority: the limit; the whole is refused, a region and a higher level are not."""
    path = tmp_path / "a.tif"
    levels = write_pyramid(path, ome=True)
    with pytest.raises(InputError, match="above the limit") as caught:
        read_image(path, max_megapixels=0.05)
    assert "higher level" in caught.value.remedy
    part = read_image(path, max_megapixels=0.05, region=(0, 0, 100, 100))
    assert (part.pixels == levels[0][:100, :100]).all()
    assert read_image(path, max_megapixels=0.05, level=1).pixels.shape == (128, 192, 3)


@pytest.mark.parametrize(
    ("dtype", "expected", "flag"),
    [
        ("uint8", "uint8", ()),
        ("uint16", "uint16", ()),
        ("float32", "float32", ()),
        ("int16", "float32", ("converted_to_float32",)),
        ("uint32", "float32", ("converted_to_float32",)),
        ("float64", "float32", ("converted_to_float32",)),
    ],
)
def test_types_are_kept_or_converted_with_a_flag(
    tmp_path: Path, dtype: str, expected: str, flag: tuple[str, ...]
) -> None:
    values = (np.arange(600).reshape(20, 30) - (300 if dtype[0] in "if" else 0)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    image = read_image(tmp_path / "a.tif")
    assert image.pixels.dtype == expected
    assert (image.pixels[0] == values).all()
    assert image.flags == flag
