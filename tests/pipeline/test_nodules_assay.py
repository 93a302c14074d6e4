"""Lung photos as an assay: the scale from a ruler, and lobes seen from both sides."""

import numpy as np
import pytest

from xenoquant.imgproc.phantoms import LungScene, render_lungs
from xenoquant.pipeline.assay import Calibration
from xenoquant.pipeline.measured import Measured, MeasuredImage
from xenoquant.pipeline.nodules_assay import NodulesAssay
from xenoquant.pipeline.readers import Image
from xenoquant.pipeline.samples import Sample


def photo(rgb: np.ndarray) -> Image:
    return Image(
        pixels=rgb,
        kind="rgb",
        channel_names=("red", "green", "blue"),
        um_per_px=None,
        bit_depth=8,
        notes={},
        flags=(),
    )


def measured(assay: NodulesAssay, rgb: np.ndarray, sample: Sample) -> Measured:
    m = assay.measure(photo(rgb), sample, [])
    return MeasuredImage.of(sample, m)


def test_a_rulers_scale_is_used_and_noted():
    """The phantom's own scale is the truth."""
    scene = LungScene(px_per_mm=40, ruler=True, glare=0.0, nodules=6)
    found = measured(
        NodulesAssay(px_per_mm="ruler"), render_lungs(3, scene=scene).rgb, Sample("l", "a")
    )
    assert found.notes["scale_source"] == "ruler"
    assert found.notes["px_per_mm"] == pytest.approx(40, rel=0.01)
    assert found.notes["ruler"]["confidence"] >= 0.5
    assert "no_scale" not in found.flags


def test_without_a_ruler_the_photo_is_counted_and_flagged():
    scene = LungScene(px_per_mm=40, ruler=False, nodules=6)
    found = measured(
        NodulesAssay(px_per_mm="ruler"), render_lungs(3, scene=scene).rgb, Sample("l", "a")
    )
    assert {"no_ruler", "no_scale"} <= set(found.flags)
    assert len(found.regions) == 1


def test_the_sheets_scale_wins_over_the_ruler():
    scene = LungScene(px_per_mm=40, ruler=True, nodules=3)
    sample = Sample("l", "a", px_per_mm=20.0)
    found = measured(NodulesAssay(px_per_mm="ruler"), render_lungs(3, scene=scene).rgb, sample)
    assert (found.notes["px_per_mm"], found.notes["scale_source"]) == (20.0, "sample sheet")


def test_a_lobe_and_its_mirror_image_share_their_rim_nodules():
    """By hand: a photo and its mirror show each rim nodule twice, so faces count twice, rims once.

    Two photos of n nodules, r of them at the rim, are 2 n − r nodules; pairs that can't be told
    are in the range, which has to hold that number.
    """
    assay = NodulesAssay(px_per_mm=50)
    scene = LungScene(glare=0.0, nodules=14, rim_share=0.4, hilum=False, jpeg_quality=None)
    rgb = render_lungs(11, scene=scene).rgb
    images = []
    for view, pixels in (("dorsal", rgb), ("ventral", np.ascontiguousarray(rgb[:, ::-1]))):
        sample = Sample("lungs", f"{view}.png", "m1", "a", lobe="left", view=view)
        image = measured(assay, pixels, sample)
        images.append((sample, assay.classify(image, Calibration())))
    one = images[0][1]
    n, rim = len(one.objects), int(one.objects["at_rim"].sum())
    assert rim >= 2
    together = assay.together(images)
    assert together["lobes"] == 1
    assert together["count_low"] <= 2 * n - rim <= together["count_high"]
    assert together["nodules"] < 2 * n
    assert assay.together(images[:1]) == {}  # one side alone is what it is
