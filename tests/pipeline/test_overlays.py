"""Overlays against pixels worked out by hand, and against scikit-image's boundaries."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageColor
from skimage.segmentation import find_boundaries

from xenoquant.pipeline.overlay_canvas import Canvas, round_length
from xenoquant.pipeline.overlays import (
    LONG_SIDE_PX,
    draw_cells_dab,
    draw_cells_fluorescence,
    draw_nodules,
    legend,
    write_picture,
)

# Between 600 and 1200 pixels a picture keeps its size and its outlines are one pixel wide, so
# that every pixel can be told by hand.
SIDE = 700


def colour(text: str) -> tuple[int, ...]:
    return ImageColor.getrgb(text)[:3]


def meanings(method: str) -> dict[str, tuple[int, ...]]:
    return {entry.label: colour(entry.colour) for entry in legend(method)}


@pytest.fixture
def grey() -> np.ndarray:
    return np.full((SIDE, SIDE, 3), 120, np.uint8)


@pytest.fixture
def two_touching_squares() -> np.ndarray:
    """Label 1 in columns 100 to 199, label 2 beside it in columns 200 to 299."""
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[100:200, 100:200] = 1
    labels[100:200, 200:300] = 2
    return labels


def no_regions() -> pd.DataFrame:
    return pd.DataFrame({"region": pd.Series(dtype="int64"), "lobe": pd.Series(dtype="str")})


def test_outline_lies_on_the_inner_edge_by_hand(
    grey: np.ndarray, two_touching_squares: np.ndarray
) -> None:
    """Both squares are negative: the edge between them shows, insides and ground don't change."""
    objects = pd.DataFrame({"object": [1, 2], "class": [0, 0]})
    drawn = draw_cells_dab(grey, {"nuclei": two_touching_squares}, objects)
    negative = meanings("dab")["negative (0)"]
    for y, x in [(100, 150), (199, 150), (150, 100), (150, 199), (150, 200), (150, 299)]:
        assert tuple(drawn[y, x]) == negative
    for y, x in [(150, 150), (150, 250), (99, 150), (200, 150), (150, 99), (150, 300)]:
        assert tuple(drawn[y, x]) == (120, 120, 120)


def test_outlines_equal_scikit_images_boundaries() -> None:
    """The shifted comparison gives the pixels of find_boundaries(mode="inner") on random labels."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 12, (35, 35)).astype(np.int32)
    labels = np.kron(coarse, np.ones((20, 20), np.int32))
    canvas = Canvas.of(np.zeros((SIDE, SIDE, 3), np.uint8))
    every = np.ones(13, np.uint8)
    every[0] = 0
    canvas.outline(labels, every, ("#ffffff",))
    expected = find_boundaries(labels, connectivity=1, mode="inner") & (labels > 0)
    np.testing.assert_array_equal(canvas.rgb[..., 0] == 255, expected)


@pytest.mark.parametrize(
    ("intensity", "meaning"),
    [
        (0, "negative (0)"),
        (1, "weak (1+)"),
        (2, "moderate (2+)"),
        (3, "strong (3+)"),
        (np.nan, "cell not classed"),
    ],
)
def test_dab_classes_take_their_legends_colour(
    grey: np.ndarray, two_touching_squares: np.ndarray, intensity: float, meaning: str
) -> None:
    """The legend is the authority: what it calls a class is what the picture shows."""
    objects = pd.DataFrame({"object": [1], "class": [intensity]})
    drawn = draw_cells_dab(grey, {"nuclei": two_touching_squares}, objects)
    assert tuple(drawn[100, 150]) == meanings("dab")[meaning]
    assert tuple(drawn[100, 250]) == (120, 120, 120), "label 2 has no row: it is not drawn"


@pytest.mark.parametrize(
    ("confidence", "meaning"),
    [
        (1.0, "nodule, confidence 0.8 or more"),
        (0.8, "nodule, confidence 0.8 or more"),
        (0.79, "nodule, confidence 0.5 to 0.8"),
        (0.5, "nodule, confidence 0.5 to 0.8"),
        (0.49, "nodule, confidence below 0.5"),
    ],
)
def test_nodules_take_the_colour_of_their_confidence(
    grey: np.ndarray, two_touching_squares: np.ndarray, confidence: float, meaning: str
) -> None:
    """The legend's bounds, inclusive from below, by hand."""
    objects = pd.DataFrame(
        {"object": [1], "y_px": [149.5], "x_px": [149.5], "confidence": [confidence]}
    )
    drawn = draw_nodules(grey, {"nodules": two_touching_squares}, objects, no_regions())
    assert tuple(drawn[150, 100]) == meanings("nodules")[meaning]


def test_fluorescence_colours_follow_positivity(two_touching_squares: np.ndarray) -> None:
    """Label 1 negative, label 2 positive; without the column both are drawn as not classed."""
    channels = {"nuclei": np.zeros((SIDE, SIDE), np.uint16)}
    objects = pd.DataFrame({"object": [1, 2], "positive": [False, True]})
    named = meanings("fluorescence")
    drawn = draw_cells_fluorescence(channels, {"nuclei": two_touching_squares}, objects)
    assert tuple(drawn[100, 150]) == named["negative cell and its nucleus"]
    assert tuple(drawn[100, 250]) == named["positive cell and its nucleus"]
    unknown = draw_cells_fluorescence(
        channels, {"nuclei": two_touching_squares}, objects[["object"]]
    )
    assert tuple(unknown[100, 150]) == named["cell not classed"]


def test_composite_is_linear_between_its_limits() -> None:
    """At the lower limit black, at the upper the channel's full colour, half way half, by hand."""
    marker = np.zeros((SIDE, SIDE), np.uint16)
    marker[:, 100:200], marker[:, 200:300], marker[:, 300:] = 100, 200, 900
    drawn = draw_cells_fluorescence(
        {"marker": marker}, {}, pd.DataFrame({"object": []}), limits={"marker": (0, 200)}
    )
    full = np.array(meanings("fluorescence")["marker"])
    np.testing.assert_array_equal(drawn[0, 0], 0)
    np.testing.assert_allclose(drawn[0, 150], full / 2, atol=1)
    np.testing.assert_array_equal(drawn[0, 250], full)
    np.testing.assert_array_equal(drawn[0, 400], full)


def test_contrast_is_not_set_by_one_hot_pixel() -> None:
    """The 99.8th percentile of a half-bright field is its bright half, whatever one pixel says."""
    nuclei = np.zeros((SIDE, SIDE), np.uint16)
    nuclei[:, 350:] = 100
    nuclei[0, 0] = 65535
    drawn = draw_cells_fluorescence({"nuclei": nuclei}, {}, pd.DataFrame({"object": []}))
    np.testing.assert_array_equal(drawn[300, 500], meanings("fluorescence")["nuclear stain"])


def test_an_empty_channel_is_black_not_stretched_noise() -> None:
    """A channel of one value has no contrast to show."""
    drawn = draw_cells_fluorescence(
        {"nuclei": np.full((SIDE, SIDE), 37, np.uint16)}, {}, pd.DataFrame({"object": []})
    )
    assert not drawn.any()


def test_nothing_found_leaves_the_picture_as_it_is(grey: np.ndarray) -> None:
    """Zero nodules is a measurement: the photo is shown, with nothing on it."""
    empty = pd.DataFrame({"object": [], "y_px": [], "x_px": [], "confidence": []})
    labels = {"nodules": np.zeros((SIDE, SIDE), np.int32)}
    drawn = draw_nodules(grey, labels, empty, no_regions())
    np.testing.assert_array_equal(drawn, grey)
    assert drawn is not grey


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3000, 5000), (1440, LONG_SIDE_PX)),  # 2400/5000 of each side
        ((150, 120), (600, 480)),  # enlarged by 4, the most that stays within 600
        ((512, 400), (1024, 800)),  # by 2, the least of a field of up to 600
        ((700, 600), (700, 600)),
    ],
)
def test_size_is_limited_and_small_fields_are_enlarged(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Sizes worked out by hand from the two limits."""
    drawn = draw_cells_dab(np.zeros((*shape, 3), np.uint8), {}, pd.DataFrame({"object": []}))
    assert drawn.shape == (*expected, 3)
    assert drawn.dtype == np.uint8


def test_labels_follow_a_reduced_picture() -> None:
    """In a picture reduced to half, the edge of a label stands at half its coordinates."""
    labels = np.zeros((4800, 2400), np.int32)
    labels[1000:3000, 400:2000] = 1
    objects = pd.DataFrame({"object": [1], "class": [3]})
    drawn = draw_cells_dab(np.zeros((4800, 2400, 3), np.uint8), {"nuclei": labels}, objects)
    rows = np.flatnonzero((drawn[:, 600] == colour("#d0002a")).all(axis=1))
    # outlines are four pixels wide here (2400/600), around the edge pixels 500 and 1499
    assert abs(int(rows.min()) - 500) <= 2
    assert abs(int(rows.max()) - 1499) <= 2
    assert len(rows) == 8


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_images_show_as_their_eight_bit_form(bits: int) -> None:
    """A uint16 image is shown by its highest eight bits, counted from the brightest pixel."""
    ramp = np.linspace(0, 255, SIDE).astype(np.uint8)
    shallow = np.broadcast_to(ramp[None, :, None], (SIDE, SIDE, 3)).copy()
    deep = shallow.astype(np.uint16) << (bits - 8)
    nothing = pd.DataFrame({"object": []})
    np.testing.assert_array_equal(
        draw_cells_dab(deep, {}, nothing), draw_cells_dab(shallow, {}, nothing)
    )


def test_scale_bar_has_its_length(grey: np.ndarray) -> None:
    """700 px at 100 px/mm are 7 mm; the longest round length within a quarter is 1 mm: 100 px."""
    nothing = pd.DataFrame({"object": [], "y_px": [], "x_px": []})
    drawn = draw_nodules(grey, {}, nothing, no_regions(), px_per_mm=100.0)
    longest = max(int((row == 255).all(axis=1).sum()) for row in drawn[-40:])
    assert longest == 100


@pytest.mark.parametrize(
    ("most", "expected"), [(73.0, 50.0), (50.0, 50.0), (1.99, 1.0), (0.4, 0.2), (4999.0, 2000.0)]
)
def test_round_lengths_by_hand(most: float, expected: float) -> None:
    """1, 2 or 5 times a power of ten, never over what there is room for."""
    assert round_length(most) == pytest.approx(expected)


def test_numbers_are_written_beside_their_nodules(grey: np.ndarray) -> None:
    """White ink appears at the upper right of the nodule, and nowhere else."""
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[340:361, 340:361] = 7
    objects = pd.DataFrame({"object": [7], "y_px": [350.0], "x_px": [350.0], "confidence": [0.9]})
    drawn = draw_nodules(grey, {"nodules": labels}, objects, no_regions())
    rows, columns = np.nonzero((drawn > 200).all(axis=2))
    assert rows.size > 0
    assert rows.max() < 350
    assert columns.min() > 350
    assert np.hypot(rows.mean() - 350, columns.mean() - 350) < 40


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_an_image_of_another_type_is_refused(kind: type) -> None:
    """The error names the type that came and those that are expected."""
    with pytest.raises(ValueError, match="uint8 or uint16 image; this one is"):
        draw_cells_dab(np.zeros((SIDE, SIDE, 3), kind), {}, pd.DataFrame({"object": []}))


def test_channels_of_different_shapes_are_refused() -> None:
    """The error names both shapes."""
    channels = {"nuclei": np.zeros((10, 10)), "marker": np.zeros((10, 12))}
    with pytest.raises(ValueError, match=r"\(10, 12\)"):
        draw_cells_fluorescence(channels, {}, pd.DataFrame({"object": []}))


def test_pictures_are_written_and_read_back(tmp_path: Path, grey: np.ndarray) -> None:
    """PNG keeps every value; JPEG of an even ground keeps it within a grey level or two."""
    write_picture(grey, tmp_path / "a" / "x.png")
    write_picture(grey, tmp_path / "a" / "x.jpg")
    with Image.open(tmp_path / "a" / "x.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grey)
    with Image.open(tmp_path / "a" / "x.jpg") as picture:
        assert picture.format == "JPEG"
        assert np.abs(np.asarray(picture).astype(int) - 120).max() <= 2


def test_noise_can_be_written(tmp_path: Path) -> None:
    """White noise, the hardest picture for JPEG, comes back at its size."""
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    write_picture(noise, tmp_path / "noise.jpg")
    with Image.open(tmp_path / "noise.jpg") as picture:
        assert np.asarray(picture).shape == noise.shape


def plainly_outlined(rgb, labels, colour_of, palette, *, line_px, cased=False, opacity=1.0):
    """The plain form of `Canvas.outline`: every pixel is looked at, at the canvas's size."""
    small = labels[
        (np.arange(rgb.shape[0]) * labels.shape[0] // rgb.shape[0])[:, None],
        (np.arange(rgb.shape[1]) * labels.shape[1] // rgb.shape[1])[None, :],
    ]
    padded = np.pad(small, 1, mode="edge")
    height, width = small.shape
    edge = np.zeros(small.shape, bool)
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        edge |= padded[down : down + height, right : right + width] != small
    known = np.where((small >= 0) & (small < len(colour_of)), small, 0)
    colours = np.where(edge, colour_of[known], 0).astype(np.uint8)
    areas = np.bincount(np.maximum(small, 0).ravel())[1:]
    diameter = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi) if areas.any() else 0
    width_px = min(line_px, max(1, round(diameter * 0.09)))
    colours = cv2.dilate(colours, disk(width_px)) if width_px > 1 else colours
    drawn = rgb.copy()
    if cased:
        around = cv2.dilate(colours, disk(width_px + 2)) > 0
        drawn[around & (colours == 0)] = (16, 16, 16)
    ink = np.array([(0, 0, 0), *map(ImageColor.getrgb, palette)], np.float32)
    lined = colours > 0
    mixed = opacity * ink[colours[lined]] + (1 - opacity) * drawn[lined]
    drawn[lined] = np.rint(mixed).astype(np.uint8)
    return drawn


def disk(width_px):
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))


@pytest.mark.parametrize("size", [(150, 200), (420, 600), (700, 900), (3000, 2600), (1, 70)])
@pytest.mark.parametrize(("cased", "opacity"), [(False, 1.0), (True, 1.0), (False, 0.6)])
def test_outlines_are_those_of_the_plain_form(size, cased, opacity):
    """Enlarged with thin and wide lines, as it is, reduced by no whole factor, one pixel high."""
    chance = np.random.default_rng(7)
    rgb = chance.integers(0, 256, (*size, 3), np.uint8)
    coarse = chance.integers(-1, 40, (max(1, size[0] // 30), max(1, size[1] // 30)))
    labels = cv2.resize(coarse.astype(np.int32), size[::-1], interpolation=cv2.INTER_NEAREST)
    colour_of = (np.arange(30) % 4).astype(np.uint8)
    palette = ("#1f6bff", "#c800c8", "#e00000")
    canvas = Canvas.of(rgb)
    expected = plainly_outlined(
        canvas.rgb, labels, colour_of, palette,
        line_px=canvas.line_px, cased=cased, opacity=opacity,
    )  # fmt: skip
    canvas.outline(labels, colour_of, palette, cased=cased, opacity=opacity)
    np.testing.assert_array_equal(canvas.rgb, expected)
