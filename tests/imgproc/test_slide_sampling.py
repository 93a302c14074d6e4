"""Fields drawn from a slide: as asked, repeatable, and with the same chance all over."""

import numpy as np
import pytest

from xenoquant.imgproc.dab import DabOptions
from xenoquant.imgproc.optics import optical_density
from xenoquant.imgproc.slide_dab import measure_slide
from xenoquant.imgproc.slide_regions import RegionMap
from xenoquant.imgproc.slide_sampling import choose_fields
from xenoquant.imgproc.slide_tissue import find_slide_tissue
from xenoquant.imgproc.stains import StainVectors, unmix
from xenoquant.pipeline.slide_files import ArrayTiles
from xenoquant.pipeline.slides import reduce_slide


@pytest.mark.parametrize("method", ["systematic", "random"])
def test_fields_are_as_asked_and_repeatable(regions: RegionMap, method: str) -> None:
    """By construction: at least the wanted number, each at least half on tissue, the same for the
    same seed, others for another, and the record says how.
    """
    wanted = {"wanted": 6, "side_px": 64, "method": method}
    first = choose_fields(regions, seed=1, **wanted)  # type: ignore[arg-type]
    again = choose_fields(regions, seed=1, **wanted)  # type: ignore[arg-type]
    other = choose_fields(regions, seed=2, **wanted)  # type: ignore[arg-type]
    assert first == again
    assert first.fields != other.fields
    assert len(first.fields) >= 6 if method == "systematic" else len(first.fields) == 6
    assert {**wanted, "seed": 1, "chosen": len(first.fields)}.items() <= first.record.items()
    for top, left, height, width in first.fields:
        assert (height, width) == (64, 64)
        assert (regions.at((top, left, 64, 64)) > 0).mean() > 0.3
    if method == "systematic":
        step = first.record["step_px"]
        assert {(t - first.record["start_y_px"]) % step for t, *_ in first.fields} == {0}


def test_random_fields_have_the_same_chance_all_over(regions: RegionMap) -> None:
    """Over 100 seeds, each square of tissue is drawn as often as the others (binomial, 4 SD)."""
    drawn: dict[tuple[int, int], int] = {}
    for seed in range(100):
        sample = choose_fields(regions, wanted=5, side_px=64, method="random", seed=seed)
        for top, left, *_ in sample.fields:
            drawn[top, left] = drawn.get((top, left), 0) + 1
    share = 5 / len(drawn)
    spread = np.sqrt(100 * share * (1 - share))
    assert max(abs(count - 100 * share) for count in drawn.values()) < 4 * spread


def test_sampled_fields_stand_for_the_slide(slide: np.ndarray) -> None:
    """Fields are the regions, with their places; the measured area is theirs within tissue."""
    options = DabOptions(
        white=(241, 239, 236), stains="default", cells=False, fields=6, field_um=40
    )
    small = reduce_slide(ArrayTiles(slide, (64, 64)))
    found = measure_slide(ArrayTiles(slide, (64, 64)), small, um_per_px=0.5, options=options)
    assert "sampled_fields" in found.flags
    record = found.notes["sampling"]
    assert record["side_px"] == 80
    table = found.regions
    assert len(table) == record["chosen"] >= 6
    assert (table["area_px"] <= 80 * 80).all()
    places = table[["y_px", "x_px", "height_px", "width_px"]].to_numpy().tolist()
    assert places == found.notes["fields"]
    y, x, height, width = places[0]
    brown = unmix(
        optical_density(slide[y : y + height, x : x + width], np.array([241.0, 239, 236])),
        StainVectors(),
    )[..., 1]
    pieces = RegionMap(
        slide.shape[:2],
        find_slide_tissue(small, um_per_px=8.0, white=np.array([241.0, 239, 236])).pieces,
    ).at((y, x, height, width))
    assert table["mean_od"][0] == pytest.approx(brown[pieces > 0].mean(), abs=1e-6)
