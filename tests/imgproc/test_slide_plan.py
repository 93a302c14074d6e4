"""What is settled of a slide before its tiles are measured, where a person corrected its tissue."""

import numpy as np
import pytest

from xenoquant.imgproc.dab_options import DabOptions
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.slide_dab import measure_planned
from xenoquant.imgproc.slide_plan import plan_slide
from xenoquant.imgproc.tiles import HERE
from xenoquant.pipeline.slide_files import ArrayTiles

AREAS = DabOptions(cells=False)


@pytest.fixture(scope="module")
def glass() -> np.ndarray:
    """Glass alone, 1024 pixels a side, with a trace of noise."""
    pixels = np.random.default_rng(0).normal((241, 239, 236), 1, (1024, 1024, 3))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def test_tissue_that_was_not_seen_is_measured_where_a_person_drew_it(glass: np.ndarray) -> None:
    """By hand: 20 x 30 pixels of the overview are 320 x 480 of the slide, less what is blind."""
    overview = glass[::16, ::16]
    assert not plan_slide(
        ArrayTiles(glass), overview, um_per_px=0.5, options=AREAS
    ).regions.coarse.any()
    tissue, blind = np.zeros((2, 64, 64), np.int32)
    tissue[10:30, 20:50] = 3
    blind[10:15, 20:50] = 1
    plan = plan_slide(
        ArrayTiles(glass),
        overview,
        um_per_px=0.5,
        options=AREAS,
        corrected={"tissue": tissue, "not_assessable": blind},
    )
    assert plan.look.samples > 0  # white and stains are those of the tissue that was drawn
    measured = measure_planned(ArrayTiles(glass), plan, spread=HERE)
    assert "partly_not_assessable" in measured.flags
    found = measured.regions
    assert found["area_px"].tolist() == [15 * 16 * 30 * 16]
    assert found["name"].tolist() == ["piece 3"]  # under the reader's own number
    assert found["mean_od"][0] == pytest.approx(0, abs=0.005)


def test_corrected_tissue_of_another_shape_is_refused(glass: np.ndarray) -> None:
    with pytest.raises(MeasurementError, match=r"shape \(64, 64\) were expected.*\(32, 32\)"):
        plan_slide(
            ArrayTiles(glass),
            glass[::16, ::16],
            um_per_px=0.5,
            options=AREAS,
            corrected={"tissue": np.ones((32, 32), np.int32)},
        )
