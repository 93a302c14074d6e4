"""What the methods take from the layers of a viewer; of a slide, no more than is in sight."""

from types import SimpleNamespace

import numpy as np
import pytest

from xenoquant.napari_plugin.layer_images import layer_image


class OnDisk:
    """An array that remembers what was read of it, as zarr's stay on the disk until indexed."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.read = pixels, []
        self.shape, self.ndim = pixels.shape, pixels.ndim

    def __getitem__(self, window):
        self.read.append(window)
        return self.pixels[window]


class Image:
    """A layer as napari has it, of a colour pyramid; the name of the class tells its kind."""

    rgb = multiscale = True
    units = ("micrometer", "micrometer")
    name = "slide"

    def __init__(self, levels):
        self.data = levels
        self.scale, self.translate = np.array([0.5, 0.5]), np.array([10.0, 20.0])

    def world_to_data(self, place):
        return (np.array(place) - self.translate) / self.scale


def viewer_of(layer):
    """A canvas 800 high and 600 wide, two of its pixels to a µm, around 610 down and 420 right."""

    class Layers(list):
        selection = SimpleNamespace(active=layer)

    camera = SimpleNamespace(center=(0.0, 610.0, 420.0), zoom=2.0)
    return SimpleNamespace(
        layers=Layers([layer]), camera=camera, canvas=SimpleNamespace(size=(800, 600))
    )


@pytest.fixture
def slide() -> Image:
    """6000 x 5000 pixels of 0.5 µm, the first one's middle 10 µm down and 20 µm right."""
    pixels = np.zeros((6000, 5000, 3), np.uint8)
    pixels[700:1700, 400:1200] = np.random.default_rng(0).integers(0, 255, (1000, 800, 3))
    return Image([OnDisk(pixels), OnDisk(pixels[::8, ::8])])


def test_of_a_slide_only_what_is_in_sight_is_read(slide):
    """By hand: 200 µm up and down of 610 are rows 800 to 1600; 150 µm left and right of 420 are
    columns 500 to 1100.
    """
    seen = layer_image(viewer_of(slide), visible=True)
    full = slide.data[0]
    assert full.read == [(slice(800, 1601), slice(500, 1101))]
    np.testing.assert_array_equal(seen.image.pixels, full.pixels[800:1601, 500:1101])
    assert seen.translate == (10 + 800 * 0.5, 20 + 500 * 0.5)
    assert seen.image.um_per_px == 0.5


def test_a_whole_slide_is_refused_before_anything_is_read(slide):
    with pytest.raises(ValueError, match=r"whole slide: 5000 × 6000.*Zoom in.*xenoquant measure"):
        layer_image(viewer_of(slide))
    assert slide.data[0].read == []


def test_a_photo_in_memory_is_taken_whole(slide):
    """A pyramid that napari was given as arrays is a photo, however large."""
    slide.data = [held.pixels for held in slide.data]
    assert layer_image(viewer_of(slide)).image.pixels.shape == (6000, 5000, 3)
