"""Pigment on whole slides: what is left out of a field is left out of a slide."""

import numpy as np
import pytest

from xenoquant.imgproc import slide_pigment
from xenoquant.imgproc.dab import DabOptions, measure_dab
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.imgproc.stains import StainVectors
from xenoquant.pipeline.slide_files import ArrayTiles
from xenoquant.pipeline.slides import reduce_slide


@pytest.fixture(scope="module")
def with_pigment() -> np.ndarray:
    """Hematoxylin with discs of a yellow brown 14 degrees off DAB, one over a block's corner."""
    density = np.zeros((300, 420, 3)) + 0.25 * StainVectors().matrix()[0]
    y, x = np.mgrid[:300, :420]
    discs = np.hypot(y % 80 - 50, x % 80 - 50) < 16
    density[discs] += 0.8 * np.array([0.187, 0.374, 0.908])
    density[250:] += 0.5 * StainVectors().matrix()[1]
    return np.rint(240 * 10**-density).astype(np.uint8)


@pytest.mark.parametrize(("tile", "threads"), [((64, 48), 1), ((300, 420), 3), ((112, 128), 2)])
def test_pigment_is_left_out_of_slides_as_of_fields(
    with_pigment: np.ndarray, tile: tuple[int, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very pixels that `measure_dab` leaves out of the same image as a field, whatever the
    blocks, the tiles and the threads; nothing but the drawn brown stays positive.
    """
    monkeypatch.setattr(slide_pigment, "BLOCK_PX", 128)
    options = DabOptions(white=(240, 240, 240), stains="default", exclude_pigment=True)
    field = measure_dab(with_pigment, um_per_px=0.5, options=options)
    source = ArrayTiles(with_pigment, tile)
    small = reduce_slide(ArrayTiles(with_pigment))
    found = measure_slide(source, small, um_per_px=0.5, options=options, threads=threads)
    kept = measure_slide(
        source, small, um_per_px=0.5, options=options.model_copy(update={"exclude_pigment": False})
    )
    assert found.regions["area_px"].sum() == field.regions["area_px"].sum()
    assert kept.regions["area_px"].sum() == with_pigment[..., 0].size
    share = 1 - found.regions["area_px"].sum() / with_pigment[..., 0].size
    assert found.regions["pigment_fraction"][0] == pytest.approx(share)
    assert found.regions["integrated_od"][0] == pytest.approx(
        field.regions["integrated_od"].sum(), rel=1e-5
    )
    # a pixel on the edge between two bins may be in either
    drift = np.cumsum(found.profiles["dab_od_histogram"] - field.profiles["dab_od_histogram"])
    assert np.abs(drift).max() <= 0.001 * with_pigment[..., 0].size
