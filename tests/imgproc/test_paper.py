"""Paper and rulers told from lobes by shape; the authority of each is the shape that is drawn."""

import cv2
import numpy as np
import pytest

from xenoquant.imgproc.paper import filled_corners, is_paper, is_strip, paper_pieces

SHAPE = (300, 400)


def points(mask):
    return np.argwhere(mask).astype(np.float32)


def rectangle(height, width, angle=0.0):
    mask = np.zeros(SHAPE, np.uint8)
    corners = cv2.boxPoints(((200, 150), (width, height), angle))
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
    return mask > 0


def rounded(height, width, power):
    """|x|^p + |y|^p < 1: an ellipse for p = 2, nearly a rectangle for a large p."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    x, y = np.abs(columns - 200) / (width / 2), np.abs(rows - 150) / (height / 2)
    return x**power + y**power < 1


@pytest.mark.parametrize("angle", [0, 17, 45])
def test_rectangles_are_paper_at_any_angle(angle):
    assert is_paper(points(rectangle(100, 160, angle)))


@pytest.mark.parametrize("power", [2, 3, 4])
def test_rounded_shapes_are_not(power):
    """By hand: with p = 4 the shape fills 0.93 of its rectangle, but its diagonal ends at
    0.5^(1/4) = 0.84 of the half sides, where the corner squares have hardly begun."""
    mask = rounded(100, 160, power)
    assert not is_paper(points(mask))
    assert filled_corners(points(mask)).max() < 0.2


def test_corners_of_a_rectangle_are_full():
    np.testing.assert_allclose(filled_corners(points(rectangle(100, 160))), 1, atol=0.25)


def test_a_strip_is_longer_than_four_times_its_breadth():
    assert is_strip(points(rectangle(40, 200)))
    assert not is_strip(points(rectangle(60, 200)))


def test_only_paper_of_some_size_is_taken_from_a_mask_with_its_print():
    """A ruler with ticks at its edge and a hole is taken whole; a lobe, a chain of three lobes
    that touch, a scrap of paper and a background are left."""
    mask = np.zeros(SHAPE, bool)
    mask[250:290, 20:380] = True
    ruler = mask.copy()
    mask[265:275, 100:120] = False
    mask[250:262, 20:380:15] = False
    mask[10:18, 10:20] = True
    for x in (60, 150, 240):
        cv2.ellipse(chain := mask.astype(np.uint8), (x, 100), (48, 40), 0, 0, 360, 1, -1)
        mask = chain > 0
    found = paper_pieces(mask, least_area_px=500)
    assert not found[:240].any()
    assert (found & ruler).sum() / ruler.sum() > 0.9
    assert found[265:275, 100:120].all()
    assert not paper_pieces(np.ones(SHAPE, bool), least_area_px=500).any()
