"""Nested data: R's lme4 and nlme, and what counting cells does, by simulation."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xenoquant.stats.mixed_model import mixed_model
from xenoquant.stats.nested import (
    animal_means,
    design_effect,
    false_positive_rate,
    inflation,
)

UNEQUAL = {
    "a1": [5.1, 4.8, 5.6],
    "a2": [6.9, 7.4, 6.1, 7.0, 6.6],
    "a3": [4.2, 4.9],
    "b1": [8.1, 7.7, 8.8, 7.9],
    "b2": [9.4, 10.1, 9.0],
    "b3": [6.8, 7.1, 6.2, 7.5, 6.6, 7.3],
    "b4": [9.9, 8.7],
}


@pytest.fixture
def unequal() -> pd.DataFrame:
    rows = [(name, name[0], value) for name, values in UNEQUAL.items() for value in values]
    return pd.DataFrame(rows, columns=["animal", "group", "y"])


def _nested_null(rng, animals, objects, correlation):
    """Two groups that don't differ; `correlation` of the variance lies between animals."""
    between = rng.normal(size=(2 * animals, 1)) * np.sqrt(correlation)
    within = rng.normal(size=(2 * animals, objects)) * np.sqrt(1 - correlation)
    names = np.repeat([f"m{i}" for i in range(2 * animals)], objects)
    groups = np.repeat(["a", "b"], animals * objects)
    return pd.DataFrame({"animal": names, "group": groups, "y": (between + within).ravel()})


def test_mixed_model_is_nlmes_with_unequal_animals(unequal):
    """R 4.2.2, nlme 3.1.162: lme(y ~ g, random = ~1 | a), REML, good to some 6 digits."""
    row = mixed_model(unequal, value="y")[0]
    assert (row.test, row.group_a, row.group_b, row.df) == ("mixed_model", "b", "a", "5")
    assert row.effect == pytest.approx(2.91510325805958, rel=1e-6)
    assert row.statistic == pytest.approx(3.20228794907189, rel=1e-5)
    assert row.p == pytest.approx(2.39339220771576e-02, rel=1e-5)
    assert "7 animals, 25 objects" in row.note
    assert "between animals 1.335, within 0.2598" in row.note


def test_balanced_mixed_model_is_r_and_is_the_t_test_on_animal_means(shared_data):
    """R 4.2.2: nlme 3.1.162 and t.test on animal means, to 1e-9."""
    folder = shared_data / "statistics"
    known = json.loads((folder / "mixed.json").read_text())["nested_cells"]
    table = pd.read_csv(folder / "lmm_nested_cells.csv")
    row = mixed_model(table, value="y")[0]
    assert row.p == pytest.approx(known["animal_level_t"]["p"], rel=2e-9)
    assert row.effect == pytest.approx(known["fixed"][1]["nlme_b"], rel=1e-9)
    assert [-row.ci_high, -row.ci_low] == pytest.approx(known["animal_level_t"]["ci"], rel=1e-8)
    means = animal_means(table, value="y")
    groups = [own["y"] for _, own in means.groupby("group")]
    assert stats.ttest_ind(*groups).pvalue == pytest.approx(known["animal_level_t"]["p"], rel=1e-9)


def test_animals_that_differ_no_more_than_their_objects_are_said_to():
    """Animal means made equal within groups: the variance between animals is zero."""
    table = _nested_null(np.random.default_rng(1), 3, 10, 0.0)
    table["y"] -= table.groupby("animal")["y"].transform("mean")
    table["y"] += table["group"] == "b"
    row = mixed_model(table, value="y")[0]
    assert row.effect == pytest.approx(1.0)
    assert "at the boundary" in row.note
    assert np.isfinite(row.p)


def test_units_of_measure_change_no_p(unequal):
    """Property: millimetres or micrometres."""
    small = mixed_model(unequal, value="y")[0]
    large = mixed_model(unequal.assign(y=unequal["y"] * 1e6), value="y")[0]
    assert large.p == pytest.approx(small.p, rel=1e-8)
    assert large.effect == pytest.approx(small.effect * 1e6, rel=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_small_tables_are_the_t_test_on_animal_means(seed):
    """Identity for equal numbers of objects, scipy's t-test; a general optimiser stops short."""
    rng = np.random.default_rng(seed)
    animals = np.repeat(list("abcdefgh"), 3)
    values = 3 * np.repeat(rng.normal(size=8), 3) + rng.normal(size=24)
    groups = np.repeat(["low", "high"], 12)
    table = pd.DataFrame({"animal": animals, "group": groups, "value": values})
    row = mixed_model(table, value="value")[0]
    means = table.groupby(["group", "animal"])["value"].mean()
    expected = stats.ttest_ind(means["high"], means["low"])
    assert row.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert row.statistic == pytest.approx(expected.statistic, rel=1e-9)


def test_cells_as_n_reject_far_too_often_and_animals_do_not():
    """Simulation of nested null data: the promise of the guard, at the rate it states."""
    rng = np.random.default_rng(11)
    by_cell, by_animal = [], []
    for _ in range(150):
        table = _nested_null(rng, 5, 20, 0.5)
        cells = [own["y"] for _, own in table.groupby("group")]
        means = animal_means(table, value="y")
        animals = [own["y"] for _, own in means.groupby("group")]
        by_cell.append(stats.ttest_ind(*cells).pvalue)
        by_animal.append(stats.ttest_ind(*animals).pvalue)
    stated = false_positive_rate(5, 20, 0.5)
    assert stated == pytest.approx(np.mean(np.array(by_cell) < 0.05), abs=0.08)
    assert stated > 0.5
    assert np.mean(np.array(by_animal) < 0.05) < 0.1


@pytest.mark.parametrize(("animals", "objects", "correlation"), [(3, 100, 0.2), (9, 30, 0.05)])
def test_stated_rate_is_the_simulated_one(animals, objects, correlation):
    """4,000 simulated experiments each."""
    rng = np.random.default_rng(7)
    between = rng.normal(size=(4000, 2, animals, 1)) * np.sqrt(correlation)
    within = rng.normal(size=(4000, 2, animals, objects)) * np.sqrt(1 - correlation)
    values = (between + within).reshape(4000, 2, -1)
    p = stats.ttest_ind(values[:, 0], values[:, 1], axis=1).pvalue
    stated = false_positive_rate(animals, objects, correlation)
    assert stated == pytest.approx(np.mean(p < 0.05), abs=0.025)


def test_without_correlation_or_with_one_object_nothing_is_inflated():
    """Hand computation: design effect 1, and the rate is the level."""
    assert design_effect(20, 0.0) == 1
    assert design_effect(1, 0.7) == 1
    assert false_positive_rate(6, 20, 0.0) == pytest.approx(0.05, abs=1e-9)
    assert design_effect(20, 0.6) == pytest.approx(12.4)


def test_inflation_finds_the_correlation_put_in():
    """Simulated truth 0.4, with 60 animals a group to know it by."""
    table = _nested_null(np.random.default_rng(2), 60, 15, 0.4)
    found = inflation(table, value="y")
    assert found.correlation == pytest.approx(0.4, abs=0.08)
    assert found.design_effect == pytest.approx(1 + 14 * found.correlation)
    assert found.effective_n == pytest.approx(1800 / found.design_effect)
    assert "1800 objects of 120 animals" in found.sentence()


def test_unequal_animals_have_the_adjusted_size(unequal):
    """Hand computation after Donner: sizes 3, 5, 2 and 4, 3, 6, 2."""
    found = inflation(unequal, value="y")
    expected = (25 - (9 + 25 + 4) / 10 - (16 + 9 + 36 + 4) / 15) / (7 - 2)
    assert found.objects_per_animal == pytest.approx(expected)


def test_animal_means_keep_order_and_count(unequal):
    """Hand computation."""
    means = animal_means(unequal, value="y")
    assert means["animal"].to_list() == list(UNEQUAL)
    assert means["n_objects"].to_list() == [3, 5, 2, 4, 3, 6, 2]
    assert means["y"].iloc[2] == pytest.approx(4.55)


def test_one_animal_in_two_groups_is_refused(unequal):
    """An animal has one group."""
    unequal.loc[0, "group"] = "b"
    with pytest.raises(ValueError, match="a1 stands in more than one group"):
        animal_means(unequal, value="y")


def test_too_few_animals_are_refused(unequal):
    """One animal a group says nothing of the spread between animals."""
    few = unequal[unequal["animal"].isin(["a1", "b1"])]
    with pytest.raises(ValueError, match="spread between"):
        mixed_model(few, value="y")
    with pytest.raises(ValueError, match="spread between"):
        inflation(few, value="y")
    with pytest.raises(ValueError, match="no column colour"):
        mixed_model(unequal, value="colour")
