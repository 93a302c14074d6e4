"""Lobes on photos: drawn scenes with known truth, and rendered photos where at hand."""

import cv2
import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.lobe_patch import lobe_patch
from xenoquant.imgproc.lobe_split import solidity, split_touching
from xenoquant.imgproc.lungs import find_lobes

YELLOW = (185, 150, 60)
BACKGROUNDS = {
    "black": (20, 18, 22),
    "white": (225, 224, 220),
    "blue": (65, 95, 145),
    "green": (70, 130, 80),
}


def scene(lobes, background, *, px_per_mm=20.0, size_mm=(20, 30)):
    """Yellow ellipses (y, x, half axes in mm) on an even background with sensor noise."""
    shape = tuple(int(side * px_per_mm) for side in size_mm)
    image = np.full((*shape, 3), background, np.uint8)
    truth = np.zeros(shape, np.int32)
    for number, (y, x, ry, rx) in enumerate(lobes, start=1):
        centre = (int(x * px_per_mm), int(y * px_per_mm))
        axes = (int(rx * px_per_mm), int(ry * px_per_mm))
        cv2.ellipse(image, centre, axes, 0, 0, 360, YELLOW, -1, cv2.LINE_AA)
        cv2.ellipse(truth, centre, axes, 0, 0, 360, number, -1)
    noise = np.random.default_rng(5).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), truth


def at_photo_size(lobes, image):
    labels = np.zeros(image.shape[:2], np.int32)
    for number in range(1, lobes.count + 1):
        patch = lobe_patch(image, lobes, number)
        labels[patch.window][patch.photo_mask()] = number
    return labels


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
def test_lobes_on_every_background_overlap_the_drawn_ellipses(background):
    """Authority: the ellipses drawn."""
    image, truth = scene([(7, 8, 3.5, 6), (12, 22, 3, 5)], background)
    found = at_photo_size(find_lobes(image, px_per_mm=20.0), image)
    assert found.max() == 2
    for number in (1, 2):
        both = (found == number) & (truth == number)
        either = (found == number) | (truth == number)
        assert both.sum() / either.sum() > 0.95


def test_touching_lobes_are_split_and_a_notched_one_is_not():
    """Authority: two discs that overlap by a tenth are two lobes; a disc with a notch is one."""
    rows, columns = np.mgrid[:120, :220]
    left = np.hypot(rows - 60, columns - 65) < 45
    right = np.hypot(rows - 60, columns - 150) < 45
    assert split_touching(left | right, min_area_px=500).max() == 2
    notched = left & ~(np.hypot(rows - 15, columns - 65) < 14)
    assert split_touching(notched, min_area_px=500).max() == 1


def test_solidity_of_a_square_and_of_an_l():
    """Authority: by hand; a filled square is its own hull, and an L of three of four unit squares
    has 3 / 3.5 of its hull."""
    square = np.zeros((120, 120), bool)
    square[10:110, 10:110] = True
    assert solidity(square) == pytest.approx(1.0)
    square[10:60, 60:110] = False
    assert solidity(square) == pytest.approx(3 / 3.5, abs=0.01)


def test_lobes_are_numbered_in_reading_order():
    """Authority: the drawn positions, rows from the top and left to right within a row."""
    lobes = [(15, 23, 3, 5), (5.5, 24, 3, 4), (15, 8, 3, 5), (4.5, 7, 3, 5)]
    image, _ = scene(lobes, BACKGROUNDS["black"])
    found = at_photo_size(find_lobes(image, px_per_mm=20.0), image)
    order = [found[int(y * 20), int(x * 20)] for y, x, _, _ in lobes]
    assert order == [4, 2, 3, 1]


def test_paper_ruler_and_pins_are_not_tissue():
    """Authority: the drawing has one lobe; the rest is white, grey and black."""
    image, _ = scene([(8, 15, 4, 6)], BACKGROUNDS["blue"])
    image[340:400] = 215
    image[340:370, ::20] = 30
    image[5:60, 5:160] = 235
    cv2.putText(image, "M7", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (30, 20, 60), 3)
    for x in (80, 520):
        cv2.circle(image, (x, 200), 8, (250, 250, 250), -1)
    found = find_lobes(image, px_per_mm=20.0)
    assert found.count == 1
    assert at_photo_size(found, image)[160, 300] == 1


def test_a_yellow_ruler_is_no_lobe():
    """Authority: the drawing has one lobe; the strip is 30 mm by 3 and notched by its ticks."""
    image, _ = scene([(8, 15, 4, 6)], BACKGROUNDS["white"])
    image[330:390] = (235, 190, 40)
    image[330:352, ::20] = 30
    assert find_lobes(image, px_per_mm=20.0).count == 1


@pytest.mark.parametrize("gap_mm", [3.2, 0.7], ids=["far", "near"])
def test_a_yellow_ruler_hides_no_paler_lobe(gap_mm):
    """Authority: the drawing; a ruler yellower than the lobes, far from them or near;
    the bronchus of the paler one reaches it; both lobes are found as drawn."""
    lobes = [(8, 8, 4, 6), (8, 22, 3.5, 4.5)]
    image, truth = scene(lobes, BACKGROUNDS["black"], size_mm=(20, 60))
    image[truth == 2] = (190, 160, 92)
    top = round((12 + gap_mm) * 20)
    image[top : top + 80] = (235, 190, 20)
    image[top : top + 22, ::20] = 30
    cv2.line(image, (440, 210), (440, top + 4), (228, 208, 190), 22)
    found = at_photo_size(find_lobes(image, px_per_mm=20.0), image)
    assert found.max() == 2
    for number in (1, 2):
        both = (found == number) & (truth == number)
        assert both.sum() / ((found == number) | (truth == number)).sum() > 0.9


def test_a_squarish_lobe_is_no_paper():
    """Authority: the drawing: x⁴ + y⁴ = 1 fills 0.93 of its rectangle, but not the corners."""
    image, _ = scene([], BACKGROUNDS["blue"])
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    image[((rows - 200) / 90) ** 4 + ((columns - 300) / 120) ** 4 < 1] = YELLOW
    assert find_lobes(image, px_per_mm=20.0).count == 1


def test_a_ruler_that_fills_what_is_far_from_a_lobe_is_not_taken_for_the_background():
    """Authority: the drawing; a lobe fills its frame but for a narrow margin and a wide ruler."""
    image, truth = scene([(7, 12.4, 6, 7)], BACKGROUNDS["green"], size_mm=(14, 21))
    image[:, :80] = 215
    image[::20, 40:80] = 30
    cv2.ellipse(image, (95, 150), (30, 14), 0, 0, 360, (228, 208, 180), -1)
    found = at_photo_size(find_lobes(image, px_per_mm=20.0), image)
    assert found.max() == 1
    assert ((found == 1) & (truth == 1)).sum() / ((found == 1) | (truth == 1)).sum() > 0.93


def test_a_written_label_of_yellow_paper_is_no_lobe():
    """Authority: the drawing has one lobe; the rest is writing on a yellow label."""
    image, _ = scene([(8, 19, 4, 6)], BACKGROUNDS["black"])
    image[20:110, 10:190] = (236, 214, 120)
    cv2.putText(image, "M315", (14, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (40, 30, 110), 9)
    assert find_lobes(image, px_per_mm=20.0).count == 1


def test_fat_between_two_lobes_does_not_join_them():
    """Authority: the drawing; two lobes touch, and pale fat fills the notch on one side."""
    image, _ = scene([(9, 8, 5, 5.2), (9, 18, 5, 5.2)], BACKGROUNDS["blue"])
    cv2.ellipse(image, (260, 270), (22, 40), 0, 0, 360, (228, 208, 180), -1)
    assert find_lobes(image, px_per_mm=20.0).count == 2


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 400, 3), np.uint8),
        np.full((300, 400, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.random.default_rng(1).integers(90, 110, (300, 400, 3)).astype(np.uint8),
    ],
    ids=["black", "white", "one pixel", "noise"],
)
@pytest.mark.parametrize("px_per_mm", [None, 20.0])
def test_a_photo_without_tissue_has_no_lobe(image, px_per_mm):
    """Authority: nothing was drawn."""
    assert find_lobes(image, px_per_mm=px_per_mm).count == 0


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))]
)
def test_what_is_no_colour_photo_is_refused_with_a_remedy(image):
    with pytest.raises(MeasurementError) as caught:
        find_lobes(image, px_per_mm=20.0)
    assert caught.value.remedy


@pytest.mark.shared_data
def test_rendered_photos_have_the_right_lobes(shared_data):
    """Authority: the renderer's lobe masks."""
    folder = shared_data / "lungs_rendered"
    for photo in pd.read_csv(folder / "photos.csv").itertuples():
        image = cv2.imread(str(folder / photo.image))[..., ::-1]
        truth = cv2.imread(str(folder / photo.image.replace(".jpg", "_lobes.png")), -1)
        found = at_photo_size(find_lobes(image, px_per_mm=photo.px_per_mm), image)
        assert found.max() == photo.lobes
        for number in range(1, photo.lobes + 1):
            both = (found == number) & (truth == number)
            either = (found == number) | (truth == number)
            print(photo.image, number, f"IoU {both.sum() / either.sum():.3f}")
            assert both.sum() / either.sum() > 0.95
