"""Pictures of a slide: what was measured is coloured, and nothing else."""

import numpy as np
import pandas as pd

from xenoquant.pipeline import slide_maps
from xenoquant.pipeline.slide_files import ArrayTiles
from xenoquant.pipeline.slide_maps import draw_slide
from xenoquant.pipeline.slides import SlideImage


def test_tissue_is_coloured_and_a_bad_tile_is_crossed_out() -> None:
    """Drawn: tissue on the left half of a slide of two heat squares, the upper tile of it bad. The
    heat ends where the tissue does, though the square reaches beyond; neither map colours the tile,
    both cross it out; a cell is a square of 10 pixels of the slide, in its class's colour.
    """
    pixels = np.full((256, 512, 3), 240, np.uint8)
    names = ("red", "green", "blue")
    small = pixels[::8, ::8].copy()
    image = SlideImage(small, "rgb", names, 4.0, 8, tiles=ArrayTiles(pixels))
    tissue = np.zeros((32, 64), np.uint8)
    tissue[:, :16] = 1
    maps = {
        "heat_od": np.array([[0.4, np.nan]], np.float32),
        "overview_regions": tissue,
        "bad_tiles": np.array([[0, 0, 128, 128]]),
    }
    cells = pd.DataFrame({"y_px": [200.0], "x_px": [60.0], "class": [3]})
    drawn = draw_slide(image, cells, maps, cutoffs_od=(0.2, 0.4, 0.6)).astype(int)
    factor, top = slide_maps.PANEL_PX / 512, drawn.shape[0] - round(256 * slide_maps.PANEL_PX / 512)
    left, right = drawn[top:, : slide_maps.PANEL_PX], drawn[top:, -slide_maps.PANEL_PX :]

    def coloured(panel: np.ndarray, y: int, x: int) -> bool:
        pixel = panel[round(y * factor), round(x * factor)]
        return bool(pixel.max() - pixel.min() > 20)

    assert coloured(right, 200, 100)
    assert not coloured(right, 200, 160)  # glass, in the same square of the heat map
    assert not coloured(right, 40, 90)  # the bad tile
    for panel in (left, right):
        assert panel[round(64 * factor), round(64 * factor)].max() < 160  # the cross's middle
    red = (left[..., 0] - left[..., 1] > 100).sum()
    assert coloured(left, 200, 60)
    assert abs(red / (10 * factor) ** 2 - 1) < 0.3
