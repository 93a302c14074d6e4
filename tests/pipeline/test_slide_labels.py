"""Label images of whole slides: their pyramid is made of the labels themselves."""

from pathlib import Path

import numpy as np
import tifffile

from xenoquant.pipeline.object_outlines import open_labels
from xenoquant.pipeline.readers import inspect_image
from xenoquant.pipeline.slide_labels import TemporarySheet, write_sheet


def test_each_level_has_every_second_pixel_of_the_one_before(tmp_path: Path) -> None:
    """numpy's stepped slices of the sheet; the pixel size is the full image's."""
    labels = np.zeros((2300, 3101), np.int32)
    labels[100:140, 2000:2050], labels[1500:1533, 3080:3101], labels[2290:2300, 3:9] = 7, 8, 70_000
    sheet = TemporarySheet("nuclei", labels.shape)
    sheet[:, :] = labels
    path = tmp_path / "nuclei.tif"
    write_sheet(path, sheet, um_per_px=0.25, identity="slide nuclei")
    with tifffile.TiffFile(path) as tiff:
        levels = [level.asarray() for level in tiff.series[0].levels]
        assert len(tiff.series) == 1
    assert [level.shape for level in levels] == [(2300, 3101), (1150, 1551), (575, 776)]
    for number, level in enumerate(levels):
        np.testing.assert_array_equal(level, labels[:: 2**number, :: 2**number])
    assert inspect_image(path).um_per_px == 0.25
    with open_labels(path) as held:
        np.testing.assert_array_equal(held[1490:1540, 3000:3101], labels[1490:1540, 3000:3101])
    again = tmp_path / "again.tif"
    write_sheet(again, sheet, um_per_px=0.25, identity="slide nuclei")
    assert again.read_bytes() == path.read_bytes()


def test_a_small_sheet_has_one_level(tmp_path: Path) -> None:
    """No longer than 1024 pixels: nothing to reduce."""
    sheet = TemporarySheet("cells", (1024, 700))
    write_sheet(tmp_path / "cells.tif", sheet, um_per_px=None, identity="cells")
    with tifffile.TiffFile(tmp_path / "cells.tif") as tiff:
        assert [level.shape for level in tiff.series[0].levels] == [(1024, 700)]
