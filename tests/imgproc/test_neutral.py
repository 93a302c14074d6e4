"""White balance from a background or a card: drawn photos in coloured light."""

import cv2
import numpy as np
import pytest

from xenoquant.imgproc.lungs import find_lobes
from xenoquant.imgproc.neutral import UNCHANGED, Neutral, balanced, read_neutral
from xenoquant.imgproc.nodules import NoduleOptions, measure_nodules

LIGHT = np.array([1.06, 1.0, 0.92])
BLACK, WHITE, BLUE = (22, 20, 24), (205, 205, 205), (60, 95, 150)


def photo(background, *, light=LIGHT, card=None):
    """A yellow lobe on a background, with a grey card or not, in coloured light."""
    image = np.full((400, 600, 3), background, np.float64)
    if card is not None:
        image[20:120, 20:160] = card
    cv2.ellipse(image, (360, 230), (150, 110), 0, 0, 360, (170, 135, 55), -1)
    noise = np.random.default_rng(2).normal(0, 1.5, image.shape)
    return np.clip(image * light + noise, 0, 255).astype(np.uint8)


def read(image, source):
    return read_neutral(image, find_lobes(image, px_per_mm=20.0), source)


def test_a_white_background_tells_the_colour_of_the_light():
    """Authority: the light drawn; the gains are its inverse, scaled to a geometric mean of 1."""
    neutral = read(photo(WHITE), "background")
    expected = np.exp(np.log(LIGHT).mean()) / LIGHT
    assert neutral.source == "background"
    np.testing.assert_allclose(neutral.gains, expected, rtol=0.01)


def test_a_grey_card_tells_it_where_the_background_cannot():
    """Authority: the light drawn; blue and black say nothing, a grey card on blue does."""
    assert read(photo(BLUE), "background") == UNCHANGED
    assert read(photo(BLACK), "background") == UNCHANGED
    neutral = read(photo(BLUE, card=(140, 140, 140)), "card")
    assert neutral.source == "card"
    np.testing.assert_allclose(neutral.gains, np.exp(np.log(LIGHT).mean()) / LIGHT, rtol=0.01)


def test_without_a_card_nothing_changes():
    """Authority: no rectangle was drawn."""
    assert read(photo(BLACK), "card") == UNCHANGED
    assert read(photo(WHITE), "none") == UNCHANGED


def test_balanced_light_gives_the_tissues_own_colour():
    """Authority: the tissue's colour drawn in white light; clipped white stays white."""
    image = photo(WHITE)
    neutral = read(image, "background")
    changed = balanced(image.astype(np.float32) / 255, neutral)
    tissue = 255 * np.median(changed[200:260, 320:400].reshape(-1, 3), axis=0)
    ratio = tissue / np.array([170, 135, 55])
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=0.02)
    white = balanced(np.ones((2, 2, 3), np.float32), Neutral((0.9, 1.0, 1.1), "background"))
    assert (white == 1).all()


def test_the_choice_is_recorded():
    """Authority: the options given."""
    options = NoduleOptions(detector="classical")
    notes = measure_nodules(photo(WHITE), px_per_mm=20.0, options=options).notes
    assert notes["white_balance"] == "none"
    assert notes["white_balance_gains"] == [1.0, 1.0, 1.0]
    options = NoduleOptions(white_balance="background", detector="classical")
    notes = measure_nodules(photo(WHITE), px_per_mm=20.0, options=options).notes
    assert notes["white_balance"] == "background"
