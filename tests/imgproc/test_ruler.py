"""Scale from a ruler: drawn rulers of known pitch, and the rendered photos."""

import time

import cv2
import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.phantom_optics import jpeg, to_srgb
from xenoquant.imgproc.phantom_ruler import Ruler, draw_ruler
from xenoquant.imgproc.phantoms import LungScene, render_lungs
from xenoquant.imgproc.ruler import read_ruler
from xenoquant.imgproc.ruler_scale import choose_division


def photo(px_per_mm, *, side="bottom", tilt_deg=0.0, seed=1, blur_px=0.8, quality=85, glare=False):
    """A phantom's ruler inside an even table top, under light that falls off to the right."""
    rng = np.random.default_rng(seed)
    wide = max(900, int(14 * px_per_mm))
    size = (2 * wide // 3, wide)
    light = np.full((*size, 3), (0.06, 0.12, 0.3), np.float32)
    across, along = size if side in ("bottom", "top") else size[::-1]
    depth = float(np.clip(6 * px_per_mm, 16, 0.25 * across))
    place = Ruler(side, depth, 0.15 * across, np.deg2rad(tilt_deg), 1.3 * along, 0.0)
    draw_ruler(rng, light, place, px_per_mm)
    if glare:  # hides the ticks in the middle third of the ruler
        spot = np.zeros(size, np.float32)
        middle = (size[1] // 2, int(size[0] - 0.15 * across - 0.8 * depth))
        cv2.circle(spot, middle, size[1] // 9, 2.0, -1)
        light += cv2.GaussianBlur(spot, (0, 0), 12)[..., None]
    light *= np.linspace(1, 0.4, size[1], dtype=np.float32)[None, :, None]
    light = cv2.GaussianBlur(np.minimum(light, 1), (0, 0), blur_px)
    light = light + rng.normal(0, 0.01, light.shape).astype(np.float32)
    return jpeg(to_srgb(np.clip(light, 0, 1)), quality)


def ticked(spacing_px, length_px, *, angle_deg=0.0, size=(500, 1200)):
    """Dark ticks of given lengths on white, drawn to a sixteenth of a pixel."""
    image = np.full((*size, 3), 235, np.uint8)
    turn = np.deg2rad(angle_deg)
    along = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-np.sin(turn), np.cos(turn)])
    for index, length in enumerate(length_px):
        foot = np.array([60.0, 120.0]) + index * spacing_px * along
        corners = [foot - along, foot + along, foot + along + length * down,
                   foot - along + length * down]  # fmt: skip
        cv2.fillPoly(image, [np.round(np.array(corners) * 16).astype(np.int32)], (30, 30, 30),
                     cv2.LINE_AA, 4)  # fmt: skip
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def millimetres(places):
    """Lengths of a metric ruler's ticks."""
    return np.where(places % 10 == 0, 40, np.where(places % 5 == 0, 32, 22))


@pytest.mark.parametrize("px_per_mm", [8.0, 12.5, 20.0, 33.3, 50.0, 77.7, 120.0])
@pytest.mark.parametrize("side", ["bottom", "top", "left", "right"])
def test_pitch_of_phantom_rulers_over_scales_and_sides(px_per_mm, side):
    """Authority: the pitch that the phantom's ruler is drawn with, to 1 %."""
    reading = read_ruler(photo(px_per_mm, side=side, seed=int(px_per_mm)))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(px_per_mm, rel=0.01)
    assert 0.5 < reading.confidence <= 1
    expected = 0 if side in ("bottom", "top") else 90
    assert min(abs(abs(reading.angle_deg) - expected), 180) < 1


@pytest.mark.parametrize("tilt_deg", [-44, -20, -7, 2, 12, 30])
def test_pitch_and_angle_of_turned_rulers(tilt_deg):
    """Authority: the pitch and the turn drawn."""
    reading = read_ruler(photo(30.0, tilt_deg=tilt_deg, seed=3))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(30.0, rel=0.01)
    assert reading.angle_deg == pytest.approx(tilt_deg, abs=0.5)


@pytest.mark.parametrize(
    ("px_per_mm", "how"),
    [
        (20.0, {"blur_px": 2.5}),
        (60.0, {"blur_px": 6.0}),
        (20.0, {"quality": 20}),
        (60.0, {"quality": 20}),
        (25.0, {"glare": True}),
        (45.0, {"glare": True}),
    ],
)
def test_pitch_under_blur_compression_and_glare(px_per_mm, how):
    """Authority: the pitch drawn, to 1 %; the picture is spoilt as named."""
    reading = read_ruler(photo(px_per_mm, seed=5, **how))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(px_per_mm, rel=0.01)


@pytest.mark.parametrize("seed", [11, 12])
def test_pitch_of_rulers_in_phantom_scenes(seed):
    """Authority: the phantom scene's scale, to 1 %; lobe, label and cloth are in the picture."""
    scene = LungScene(
        size_px=(500, 700), px_per_mm=28.0, nodules=4, background="cloth", ruler=True, label=True
    )
    reading = read_ruler(render_lungs(seed, scene=scene).rgb)
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(28.0, rel=0.01)


@pytest.mark.parametrize("background", ["black", "white", "blue", "green", "cloth", "paper"])
@pytest.mark.parametrize("seed", [21])
def test_no_ruler_is_seen_where_there_is_none(background, seed):
    """Authority: the scene has none; lobe, label and pins must not be taken for one."""
    scene = LungScene(
        size_px=(400, 560), px_per_mm=25.0, nodules=8, background=background, label=True, pins=2
    )
    assert read_ruler(render_lungs(seed, scene=scene).rgb) is None


def test_even_noisy_and_tiny_pictures_have_no_ruler():
    """Authority: nothing was drawn."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    assert read_ruler(noise) is None
    for size in [(1, 1, 3), (1, 500, 3), (200, 300, 3)]:
        assert read_ruler(np.zeros(size, np.uint8)) is None


def test_weave_and_grid_are_no_ruler():
    """Authority: the drawings; cloth and ruled paper repeat side by side or run right across."""
    rows, columns = np.mgrid[:600, :800]
    sine = 120 + 40 * np.sin(rows * 2 * np.pi / 9) * np.sin(columns * 2 * np.pi / 9)
    threads = 150 - 90 * ((columns % 16 < 3) & (rows % 20 < 12))
    ruled = 230 - 150 * (columns % 40 < 2)
    grid = 230 - 150 * ((columns % 40 < 2) | (rows % 40 < 2))
    for pattern in (sine, threads, ruled, grid):
        assert read_ruler(np.repeat(pattern[..., None], 3, axis=2).astype(np.uint8)) is None


def test_written_lines_are_no_ruler():
    """Authority: the drawing has words only."""
    page = np.full((500, 900, 3), 240, np.uint8)
    for line, text in enumerate(
        ["mouse 1111 IIIIl lung", "Hll 1 11 il mill 1/11", "lobe 3 dorsal"]
    ):
        place = (40, 120 + 110 * line)
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.8, (40, 40, 60), 4, cv2.LINE_AA)
    assert read_ruler(page) is None


def test_missing_ticks_leave_the_pitch():
    """Authority: the drawing; a third of the ticks is left out."""
    lengths = millimetres(np.arange(60)).astype(float)
    lengths[np.random.default_rng(4).permutation(58)[:20] + 1] = 0
    lengths[30:34] = 0
    reading = read_ruler(ticked(17.3, lengths, angle_deg=3))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(17.3, rel=0.005)
    assert reading.flags == ()


def test_half_millimetres_are_told_by_their_lengths():
    """Authority: the drawing; every second tick is shorter, the scale is twice the spacing."""
    places = np.arange(61)
    lengths = np.where(places % 2 == 1, 14, millimetres(places // 2))
    reading = read_ruler(ticked(16.0, lengths))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(32.0, rel=0.005)
    assert reading.flags == ("half_millimetre_ticks",)


def test_inches_are_told_by_their_lengths():
    """Authority: the drawing; sixteenths of an inch, 25.4 mm."""
    places = np.arange(40)
    lengths = np.select([places % n == 0 for n in (16, 8, 4, 2)], [60, 48, 36, 26], 17)
    reading = read_ruler(ticked(24.0, lengths))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(24.0 * 16 / 25.4, rel=0.005)
    assert reading.flags == ("inch_ruler",)


def test_ticks_of_one_length_are_read_but_doubted():
    """Authority: the definition; nothing tells that the spacing is 1 mm."""
    reading = read_ruler(ticked(20.0, np.full(40, 24)))
    assert reading is not None
    assert reading.px_per_mm == pytest.approx(20.0, rel=0.005)
    assert reading.flags == ("millimetre_assumed",)
    assert reading.confidence <= 0.5


def test_a_few_even_strokes_are_not_believed():
    """Authority: the definition; six strokes of one length may be anything."""
    assert read_ruler(ticked(20.0, np.full(6, 24))) is None


def test_perspective_is_flagged():
    """Authority: the drawing; the spacing grows by a tenth along the ruler."""
    flat = ticked(18.0, millimetres(np.arange(58)))
    corners = np.float32([[0, 0], [1200, 0], [1200, 500], [0, 500]])
    aslant = np.float32([[0, 0], [1200, 12], [1200, 488], [0, 500]])
    warp = cv2.getPerspectiveTransform(corners, aslant)
    reading = read_ruler(cv2.warpPerspective(flat, warp, (1200, 500), borderValue=(235,) * 3))
    assert reading is not None
    assert "uneven_spacing" in reading.flags
    assert reading.px_per_mm == pytest.approx(18.0, rel=0.05)


def test_sixteen_bits_and_large_photos_read_the_same():
    """Authority: the drawing, stored in 16 bits, and enlarged five times."""
    image = photo(20.0, seed=8)
    expected = read_ruler(image)
    deep = read_ruler(image.astype(np.uint16) * 257)
    large = read_ruler(cv2.resize(image, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    assert deep == expected
    assert large.px_per_mm == pytest.approx(100.0, rel=0.01)


def test_grey_pictures_are_refused():
    """Authority: the contract; a photo is in colour."""
    with pytest.raises(MeasurementError, match="colour"):
        read_ruler(np.zeros((50, 50), np.uint8))


def test_division_is_the_simplest_that_explains_the_lengths():
    """Authority: hand-made lengths of metric, half-metric and inch scales."""
    places = np.arange(23)
    metric = choose_division(places, millimetres(places + 3).astype(float))
    assert (metric.division.name, metric.division.mm) == ("millimetre", 1.0)
    assert metric.certainty > 0.99
    only_long = choose_division(np.arange(6), np.array([40.0, 20, 20, 21, 20, 20]))
    assert only_long.division.mm == 1.0
    even = choose_division(places, np.full(23, 20.0))
    assert (even.division.name, even.certainty) == ("even", 0.5)


def test_twelve_megapixels_take_less_than_half_a_second():
    """Authority: the stated speed, in processor time of one core (here with a margin of two)."""
    image = cv2.resize(photo(20.0, seed=9), (4000, 3000), interpolation=cv2.INTER_LINEAR)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        start = time.process_time()
        read_ruler(image)
        taken = time.process_time() - start
    finally:
        cv2.setNumThreads(threads)
    print(f"12-megapixel photo: {taken:.2f} s")
    assert taken < 1.0


@pytest.mark.shared_data
def test_rendered_photos_rulers_are_read(shared_data):
    """Authority: the renderer's scale, to 1 %; two of the six photos show a ruler."""
    folder = shared_data / "lungs_rendered"
    scales = pd.read_csv(folder / "photos.csv").set_index("image")["px_per_mm"]
    readings = {}
    for name, scale in scales.items():
        reading = read_ruler(np.ascontiguousarray(cv2.imread(str(folder / name))[..., ::-1]))
        print(name, reading)
        if reading is not None:
            readings[name] = reading
            assert reading.px_per_mm == pytest.approx(scale, rel=0.01)
    assert sorted(readings) == ["lung_0.jpg", "lung_2.jpg"]
