"""Tiles of slide files: the pixels that other readers give, and bad tiles by their places."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from drawn_slides import tissue_on_glass

from xenoquant.imgproc.tiles import BadTile, read_region
from xenoquant.pipeline.slide_files import ArrayTiles, TiffTiles, open_slide, read_whole
from xenoquant.pipeline.slides import reduce_slide


@pytest.fixture(scope="module")
def slide() -> np.ndarray:
    return tissue_on_glass()


@pytest.fixture(scope="module")
def jpeg_slide(tmp_path_factory: pytest.TempPathFactory, slide: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("slides") / "slide.ome.tif"
    how = {"tile": (64, 64), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(path) as writer:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(slide, subifds=1, metadata={"axes": "YXS", **sizes}, **how)
        small = cv2.resize(slide, (112, 80), interpolation=cv2.INTER_AREA)
        writer.write(small, subfiletype=1, **how)
    return path


@pytest.mark.parametrize("compression", ["jpeg", "lzw", "deflate", "none"])
def test_tiles_of_a_tiff_are_tifffiles_own(
    tmp_path: Path, slide: np.ndarray, compression: str
) -> None:
    """Decoded by offsets into a buffer: the pixels that tifffile reads."""
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(
        path,
        slide[:600, :850],
        tile=(112, 96),
        photometric="rgb",
        compression=None if compression == "none" else compression,
    )
    opened = open_slide(path)
    assert isinstance(opened.full, TiffTiles)
    np.testing.assert_array_equal(read_whole(opened.full), tifffile.imread(path))
    part = read_region(opened.full, (101, 203, 330, 411))
    np.testing.assert_array_equal(part, tifffile.imread(path)[101:431, 203:614])


def test_the_real_slide_as_openslide_reads_it(shared_data: Path) -> None:
    """An Aperio slide by its tile offsets: OpenSlide's pixels."""
    import openslide

    path = shared_data / "whole_slide" / "cmu_small_region.svs"
    with openslide.OpenSlide(path) as reference:
        expected = np.asarray(reference.read_region((0, 0), 0, reference.dimensions))[..., :3]
    opened = open_slide(path)
    assert isinstance(opened.full, TiffTiles)
    np.testing.assert_array_equal(read_whole(opened.full), expected)


def test_a_truncated_and_a_corrupt_tile_have_their_places(tmp_path: Path, jpeg_slide: Path) -> None:
    """A file cut short and one with a tile overwritten: those tiles are bad, no other is."""
    with tifffile.TiffFile(jpeg_slide) as tiff:
        page = tiff.pages[0]
        offsets, counts = page.dataoffsets, page.databytecounts
    data = bytearray(jpeg_slide.read_bytes())
    number = 37
    data[offsets[number] : offsets[number] + counts[number]] = bytes(counts[number])
    path = tmp_path / "corrupt.ome.tif"
    path.write_bytes(data)
    whole = np.empty(64 * 64 * 3, np.uint8)
    found = {
        n: p.region if isinstance(p, BadTile) else None
        for n, p in open_slide(path).full.decode(range(140), whole)
    }
    assert {n: place for n, place in found.items() if place} == {number: (128, 576, 64, 64)}
    source = open_slide(jpeg_slide).full
    assert isinstance(source, TiffTiles)
    source.size = offsets[100] + 10
    late = [n for n, p in source.decode(range(140), whole) if isinstance(p, BadTile)]
    assert late == [n for n in range(140) if offsets[n] + counts[n] > offsets[100] + 10]


def test_a_tile_whose_end_is_zeros_is_bad(tmp_path: Path, jpeg_slide: Path) -> None:
    """Half a tile written over with zeros, as after a copy that stopped: decoders fill it in with
    grey and say nothing. Zeros behind the end marker are padding.
    """
    with tifffile.TiffFile(jpeg_slide) as tiff:
        page = tiff.pages[0]
        offsets, counts = page.dataoffsets, page.databytecounts
    data = bytearray(jpeg_slide.read_bytes())
    number = 37
    half = counts[number] // 2
    data[offsets[number] + half : offsets[number] + counts[number]] = bytes(counts[number] - half)
    path = tmp_path / "half.ome.tif"
    path.write_bytes(data)
    buffer = np.empty(64 * 64 * 3, np.uint8)
    tiles = list(open_slide(path).full.decode(range(140), buffer))
    bad = {n: tile for n, tile in tiles if isinstance(tile, BadTile)}
    assert list(bad) == [number]
    assert "cut short" in bad[number].reason
    padded = open_slide(jpeg_slide).full
    assert isinstance(padded, TiffTiles)
    encoded = jpeg_slide.read_bytes()[offsets[5] : offsets[5] + counts[5]]
    decoded = padded.decode_bytes(memoryview(encoded + bytes(6)), 5, buffer.reshape(64, 64, 3))
    np.testing.assert_array_equal(decoded, read_region(padded, (0, 320, 64, 64)))


def test_overview_made_from_tiles_is_the_mean_of_squares(slide: np.ndarray) -> None:
    """Against numpy's mean over 16 x 16 pixels, within rounding."""
    plain = slide.reshape(40, 16, 56, 16, 3).mean(axis=(1, 3))
    for tile in ((64, 64), (80, 112), slide.shape[:2]):
        found = reduce_slide(ArrayTiles(slide, tile))
        assert np.abs(found - plain).max() <= 0.5001
