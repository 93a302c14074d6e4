"""Positive or not in fluorescence: limits by hand, from controls and without."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.fluorescence import (
    FluorescenceOptions,
    classify_fluorescence,
    positivity_threshold,
)
from xenoquant.imgproc.fluorescence_features import summarise_fluorescence
from xenoquant.imgproc.positivity import (
    Threshold,
    completeness,
    control_limit,
    two_populations_limit,
)


def _cells(net: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"marker_nucleus_net": net, "marker_nucleus_mean": np.add(net, 100.0)})


def test_limits_by_hand() -> None:
    """Levels 0 to 4: quartiles 1 and 3, so the fence is 9; mean 2, SD √2.5; percentile 75 is 3."""
    levels = np.array([0.0, 1, 2, 3, 4, np.nan])
    assert control_limit(levels, FluorescenceOptions()) == 9
    mean_sd = FluorescenceOptions(threshold_method="mean_sd", control_sds=2)
    assert control_limit(levels, mean_sd) == pytest.approx(2 + 2 * np.sqrt(2.5))
    percentile = FluorescenceOptions(threshold_method="percentile", control_percentile=75)
    assert control_limit(levels, percentile) == 3


def test_fence_is_unmoved_by_a_bright_control_cell() -> None:
    """Robustness: 1 of 40 control cells a hundred times brighter moves the limit by under 5 %."""
    levels = np.random.default_rng(0).normal(50, 5, 40)
    plain = control_limit(levels, FluorescenceOptions())
    levels[0] = 5000
    assert control_limit(levels, FluorescenceOptions()) == pytest.approx(plain, rel=0.05)


def test_controls_are_pooled_over_images() -> None:
    """Two control images of 5 cells: the limit is that of the 10 together."""
    options = FluorescenceOptions(threshold_method="percentile", control_percentile=100)
    threshold = positivity_threshold(
        [_cells([1, 2, 3, 4, 5]), _cells([2, 3, 4, 5, 11])], compartment="nucleus", options=options
    )
    assert (threshold.value, threshold.raw_value) == (11, 111)
    assert (threshold.cells, threshold.images) == (10, 2)
    assert threshold.flags == ("few_control_cells",)
    assert threshold.control_mean == pytest.approx(4)
    assert Threshold(**{**threshold.as_dict(), "flags": threshold.flags}) is not None
    cells = classify_fluorescence(
        _cells([5, 11, 12]), {}, threshold=threshold, compartment="nucleus"
    )
    assert cells["positive"].tolist() == [False, False, True]
    features = summarise_fluorescence(cells, compartment="nucleus", threshold=threshold)
    assert features["positive_fraction"] == pytest.approx(1 / 3)
    assert features["mean_intensity_over_control"] == pytest.approx(28 / 3 - 4)


def test_without_control_two_populations_are_told_apart_or_no_limit_is_given() -> None:
    """Mixtures with known members; one population gives no threshold, and no share of positives."""
    rng = np.random.default_rng(0)
    dim, bright = np.exp(rng.normal(3, 0.35, 300)), np.exp(rng.normal(5.5, 0.35, 60))
    options = FluorescenceOptions()
    found = positivity_threshold(
        None, compartment="nucleus", options=options, sample_objects=[_cells([*dim, *bright])]
    )
    assert found.flags == ("no_control",)
    assert np.mean(dim > found.value) < 0.02
    assert np.mean(bright > found.value) > 0.98
    none = positivity_threshold(
        [], compartment="nucleus", options=options, sample_objects=[_cells([*dim])]
    )
    assert none.flags == ("no_control", "one_population")
    assert none.method == "none"
    cells = classify_fluorescence(_cells([*dim]), {}, threshold=none, compartment="nucleus")
    assert not cells["positive"].any()
    features = summarise_fluorescence(cells, compartment="nucleus", threshold=none)
    assert np.isnan(features["positive_fraction"])


@pytest.mark.parametrize("seed", range(5))
def test_one_population_is_never_cut_in_two(seed: int) -> None:
    """Normal, log-normal, uniform and exponential samples of 400."""
    rng = np.random.default_rng(seed)
    for levels in (
        rng.normal(10, 2, 400),
        rng.normal(0, 5, 400),
        np.exp(rng.normal(3, 0.7, 400)),
        rng.uniform(0, 100, 400),
        rng.exponential(10, 400),
    ):
        assert np.isnan(two_populations_limit(levels))


def test_completeness_by_hand() -> None:
    """Positive arcs over assessable arcs; none assessable, or no limit, is unknown."""
    arcs = np.array([[1, 9, np.nan, 9], [np.nan] * 4])
    assert completeness(arcs, 5.0)[0] == pytest.approx(2 / 3)
    assert np.isnan(completeness(arcs, 5.0)[1])
    assert np.isnan(completeness(arcs, np.nan)).all()
