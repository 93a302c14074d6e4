"""DAB scores by hand and by QuPath's examples."""

import numpy as np
import pandas as pd
import pytest
from classed_cells import CUTOFFS
from pydantic import ValidationError

from xenoquant.imgproc.dab import (
    DabOptions,
    allred,
    classify_dab,
    control_floor,
    h_score,
    summarise_dab,
)
from xenoquant.imgproc.dab_scores import features_above_floor


@pytest.mark.parametrize(
    ("classes", "expected"),
    [([0, 1, 2, 3], 150), ([3, 3], 300), ([0, 0, 0], 0), ([0, 1, 1, 3], 125)],
)
def test_h_score_by_hand(classes: list[int], expected: float) -> None:
    """100 (n1 + 2 n2 + 3 n3) / N; a quarter in each class is QuPath's example, 150."""
    assert h_score(np.array(classes)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((25, 25, 25, 25), 7),  # QuPath's example: 75 % is 5, mean of positives 2 is 2
        ((100, 0, 0, 0), 0),
        ((999, 1, 0, 0), 2),  # 0.1 %: above 0 is 1, weak is 1
        ((99, 1, 0, 0), 3),  # 1 %
        ((90, 0, 10, 0), 5),  # 10 % is 3, mean 2 is 2
        ((2, 0, 0, 1), 7),  # a third is 4, strong is 3
        ((1, 0, 0, 2), 8),  # two thirds is 5
        ((0, 1, 1, 0), 6),  # 100 % is 5, mean 1.5 is 1
        ((0, 2, 1, 3), 7),  # mean 13/6 = 2.17 is not above 7/3: 2
    ],
)
def test_allred_as_qupath(counts: tuple[int, ...], expected: float) -> None:
    """Hand-worked from QuPath's rule: proportion and intensity, and its own example of 7."""
    assert allred(np.repeat([0, 1, 2, 3], counts)) == expected


def test_cut_offs_are_inclusive() -> None:
    """By hand: a value on a cut-off belongs to the class above; NaN is negative."""
    table = pd.DataFrame({"dab_nucleus_od": [0.0, 0.1999, 0.2, 0.4, 0.6, 2.0, np.nan]})
    classed = classify_dab(table, compartment="nucleus")
    assert classed["class"].tolist() == [0, 0, 1, 2, 3, 3, 0]
    assert classed["positive"].tolist() == [False, False, True, True, True, True, False]
    assert "class" not in table


def test_cut_offs_must_rise() -> None:
    """In the options and in the function, with a sentence."""
    with pytest.raises(ValidationError, match="rising"):
        DabOptions(cutoffs_od=(0.4, 0.2, 0.6))
    with pytest.raises(ValueError, match="rising"):
        classify_dab(
            pd.DataFrame({"dab_cell_od": [0.1]}), compartment="cell", cutoffs_od=(0.0, 0.1, 0.2)
        )
    with pytest.raises(ValidationError, match="stain vector"):
        DabOptions(dab_vector=(0.0, 0.0, 0.0))


def test_summary_by_hand() -> None:
    """Four cells and ten pixels of tissue: every feature worked out on paper."""
    histogram = np.zeros(3000, np.int64)
    histogram[[0, 199, 200, 450, 700]] = [4, 2, 1, 2, 1]
    objects = pd.DataFrame({"dab_cell_od": [0.1, 0.25, 0.45, 0.9]})
    objects = classify_dab(objects, compartment="cell")
    regions = pd.DataFrame({"area_mm2": [0.5, 0.25]})
    summary = summarise_dab(objects, regions, {"dab_od_histogram": histogram})
    assert list(summary)[:7] == [
        "h_score", "positive_cell_fraction", "positive_area_fraction", "mean_od", "cells",
        "tissue_area_mm2", "allred",
    ]  # fmt: skip
    assert summary["h_score"] == 150
    assert summary["positive_cell_fraction"] == 0.75
    assert summary["positive_area_fraction"] == pytest.approx(0.4)
    assert summary["area_fraction_1"] == pytest.approx(0.1)
    assert summary["area_fraction_2"] == pytest.approx(0.2)
    assert summary["area_fraction_3"] == pytest.approx(0.1)
    mean = (4 * 0.0005 + 2 * 0.1995 + 0.2005 + 2 * 0.4505 + 0.7005) / 10
    assert summary["mean_od"] == pytest.approx(mean)
    assert summary["cells"] == 4
    assert summary["tissue_area_mm2"] == 0.75
    assert summary["allred"] == 7


def test_control_floor_by_hand() -> None:
    """A hundred control cells, two of them at 0.3: the 99th percentile lies above the first
    cut-off and is flagged; a clean control isn't. Pigment between clean cells is, as is brown
    where cells weren't looked for; pixels at 0.199 don't reach a cut-off of 0.2.
    """
    histogram = np.zeros(3000, np.int64)
    histogram[[10, 300]] = [95, 5]
    stained = pd.DataFrame({"dab_cytoplasm_od": np.r_[np.full(98, 0.05), 0.3, 0.3]})
    floor = control_floor(stained, {"dab_od_histogram": histogram}, compartment="cytoplasm")
    assert floor.positive_cell_fraction == pytest.approx(0.02)
    assert floor.positive_area_fraction == pytest.approx(0.05)
    assert floor.floor_od == pytest.approx(0.3)
    assert floor.flags == ("control_above_cutoff",)
    below = np.zeros(3000, np.int64)
    below[[10, 199]] = [95, 5]
    clean = pd.DataFrame({"dab_cytoplasm_od": np.full(100, 0.05)})
    for cells in (clean, clean[:0]):
        for counts, flags in ((below, ()), (histogram, ("control_above_cutoff",))):
            profiles = {"dab_od_histogram": counts}
            assert control_floor(cells, profiles, compartment="cytoplasm").flags == flags


def test_features_above_the_controls_floor_by_hand() -> None:
    """Four cells and ten pixels: a floor of 0.45 leaves one of three positives, as 3+ when it
    passes all raised cut-offs; a floor below the first cut-off changes nothing.
    """
    histogram = np.zeros(3000, np.int64)
    histogram[[0, 199, 200, 450, 700]] = [4, 2, 1, 2, 1]
    cells = np.array([0.1, 0.25, 0.45, 0.9])

    def above(floor_od: float, area_floor_od: float) -> dict[str, float]:
        return features_above_floor(
            cells, histogram, cutoffs_od=CUTOFFS, floor_od=floor_od, area_floor_od=area_floor_od
        )

    raised = above(0.45, 0.5)
    assert raised["positive_cell_fraction_above_floor"] == 0.25
    assert raised["h_score_above_floor"] == 100 * 3 / 4
    assert raised["positive_area_fraction_above_floor"] == pytest.approx(0.1)
    clean = above(0.05, 0.05)
    assert clean["positive_cell_fraction_above_floor"] == 0.75
    assert clean["h_score_above_floor"] == 150
    assert clean["positive_area_fraction_above_floor"] == pytest.approx(0.4)
