"""The lines of overlays in compiled code, against scikit-image and plain NumPy."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage.morphology import dilation
from skimage.segmentation import expand_labels, find_boundaries

from xenoquant.pipeline.overlay_canvas import Canvas
from xenoquant.pipeline.overlay_lines import edge_lines, lay_over

INKS = ("#1f5fff", "#f7c400", "#d0002a")


@pytest.fixture
def labels() -> np.ndarray:
    """Forty touching and free labels, some of them at the rim."""
    rng = np.random.default_rng(3)
    seeds = np.zeros((90, 120), np.int32)
    seeds[rng.integers(0, 90, 40), rng.integers(0, 120, 40)] = np.arange(1, 41)
    return expand_labels(seeds, distance=7)


@pytest.fixture
def colour_of() -> np.ndarray:
    """Colours 0 (none) to 3; the last five labels are beyond the array."""
    chosen = np.random.default_rng(4).integers(0, 4, 36).astype(np.uint8)
    chosen[0] = 0
    return chosen


def plain_edges(labels: np.ndarray, colour_of: np.ndarray, factor: int) -> np.ndarray:
    """Enlarge the labels, take scikit-image's inner boundaries, colour them."""
    large = np.kron(labels, np.ones((factor, factor), np.int32))
    known = np.where((large >= 0) & (large < len(colour_of)), large, 0)
    edge = find_boundaries(large, connectivity=1, mode="inner")
    return np.where(edge, colour_of[known], 0).astype(np.uint8)


@pytest.mark.parametrize("factor", [1, 2, 5])
@pytest.mark.parametrize("kind", [np.int32, np.uint16, np.int64])
def test_edges_are_scikit_images_on_enlarged_labels(labels, colour_of, factor, kind):
    lines, around = edge_lines(
        labels.astype(kind), colour_of, factor=factor, line_px=1, cased=False
    )
    np.testing.assert_array_equal(lines, plain_edges(labels, colour_of, factor))
    assert around.size == 0


def test_wide_lines_and_casings_are_dilations(labels, colour_of):
    """A disc of 3 pixels is a cross, one of 5 is known to OpenCV: both by scikit-image."""
    labels = np.kron(labels, np.ones((4, 4), np.int32))  # large enough for wide lines
    lines, around = edge_lines(labels, colour_of, factor=1, line_px=3, cased=True)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    disc = np.ones((5, 5), np.uint8)
    disc[[0, 0, 0, 0, 4, 4, 4, 4], [0, 1, 3, 4, 0, 1, 3, 4]] = 0
    expected = dilation(plain_edges(labels, colour_of, 1), cross)
    np.testing.assert_array_equal(lines, expected)
    np.testing.assert_array_equal(around, dilation(expected, disc))


def test_negative_labels_and_an_empty_image_have_no_lines(colour_of):
    negative = np.full((20, 20), -3, np.int32)
    for held in (negative, np.zeros((20, 20), np.int32)):
        lines, _ = edge_lines(held, colour_of, factor=3, line_px=2, cased=False)
        assert not lines.any()


@pytest.mark.parametrize("opacity", [1.0, 0.6, 0.0])
@pytest.mark.parametrize("cased", [True, False])
def test_colours_are_mixed_as_by_hand(labels, colour_of, opacity, cased):
    """Each pixel: opacity of the ink, the rest of the picture, rounded; the casing is opaque."""
    rgb = np.random.default_rng(5).integers(0, 256, (*labels.shape, 3), np.uint8)
    lines, around = edge_lines(labels, colour_of, factor=1, line_px=1, cased=cased)
    expected = rgb.astype(np.float64)
    if cased:
        expected[(around > 0) & (lines == 0)] = 0x10
    for number, ink in enumerate([(31, 95, 255), (247, 196, 0), (208, 0, 42)], start=1):
        on = lines == number
        expected[on] = opacity * np.array(ink) + (1 - opacity) * rgb[on]
    drawn = rgb.copy()
    lay_over(drawn, lines, around, INKS, opacity)
    np.testing.assert_array_equal(drawn, np.rint(expected).astype(np.uint8))


def test_texts_are_those_of_a_whole_pictures_pen():
    """Pillow writes on the part around a text what it writes on the whole, also at the rims."""
    rgb = np.random.default_rng(6).integers(0, 256, (700, 900, 3), np.uint8)
    texts = [
        (450.3, 350.7, "lobe left"),
        (1.0, 2.0, "17"),
        (899.0, 698.5, "8"),
        (20.0, 690.0, "gj"),
    ]
    canvas = Canvas.of(rgb)
    canvas.write([*texts, (-80.0, 20.0, "9"), (400.0, 2000.0, "9")], size_px=18, colour="#ffffff")
    whole = Image.fromarray(rgb)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(18)
    for x, y, text in texts:
        pen.text((x, y), text, "#ffffff", font, anchor="mm", stroke_width=2, stroke_fill="#101010")
    np.testing.assert_array_equal(canvas.rgb, np.asarray(whole))
