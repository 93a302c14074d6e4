"""Roll-up from images to animals to groups, against numbers worked out by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from xenoquant.pipeline.assay import Calibration, RollUp
from xenoquant.pipeline.classified import Classified, ClassifiedImage
from xenoquant.pipeline.nodules_assay import NodulesAssay
from xenoquant.pipeline.rollup import (
    ANIMAL_COLUMNS,
    GROUP_COLUMNS,
    IMAGE_COLUMNS,
    AssayResult,
    animal_table,
    combine,
    group_table,
    image_table,
    with_identity,
)
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.shared_rows import join_tables
from xenoquant.pipeline.study import Study, StudyHeader

HEADER = StudyHeader(title="t", groups=("350", "3.5"), reference="350")


def photo(
    animal: str, group: str, nodules: int, lobes: int, **more: str
) -> tuple[Sample, Classified]:
    sample = Sample("lungs", f"{animal}_{nodules}.jpg", animal, group, **more)
    objects = pd.DataFrame({"object": np.arange(1, nodules + 1)})
    features = {
        "nodules_per_lobe": nodules / lobes,
        "nodules": float(nodules),
        "lobes": float(lobes),
    }
    return sample, ClassifiedImage(objects, pd.DataFrame(), features, ("no_scale",))


@pytest.fixture
def study() -> Study:
    return Study(Path(), HEADER, {"lungs": NodulesAssay()}, Path("results"))


@pytest.fixture
def results() -> dict[str, AssayResult]:
    images = [
        photo("m2", "3.5", 30, 1),
        photo("m1", "350", 10, 1),  # m1: 10 nodules on one lobe and 20 on three: 30 on four
        photo("m1", "350", 20, 3),
        photo("m3", "3.5", 10, 1),
        photo("", "", 99, 1, role="negative_control"),
    ]
    return {"lungs": AssayResult(Calibration(), images, [])}


def test_an_animals_nodules_are_summed_and_divided_by_its_lobes(study, results):
    animals = animal_table(study, results)
    assert list(animals.columns) == ANIMAL_COLUMNS
    m1 = animals[animals["animal"] == "m1"].set_index("feature")["value"]
    assert m1["nodules"] == 30  # by hand: 10 + 20
    assert m1["nodules_per_lobe"] == 7.5  # by hand: 30 nodules on 4 lobes
    held = animals[animals["feature"] == "nodules"]
    assert held["n_images"].tolist() == [2, 1, 1]
    assert held["n_objects"].tolist() == [30, 30, 10]


def test_groups_stand_in_the_studys_order_and_controls_never_count(study, results):
    animals = animal_table(study, results)
    held = animals[animals["feature"] == "nodules"]
    assert held[["group", "animal"]].to_numpy().tolist() == [
        ["350", "m1"],
        ["3.5", "m2"],
        ["3.5", "m3"],
    ]


def test_intervals_of_means_have_the_studys_level():
    """R: qt(0.995, 2) = 9.924843; 1, 2, 3 have mean 2 and SEM 1/√3. The report names that level."""
    header = SimpleNamespace(groups=("a",), alpha=0.01)
    animals = pd.DataFrame({"assay": "x", "feature": "y", "group": "a", "value": [1.0, 2.0, 3.0]})
    (row,) = group_table(SimpleNamespace(header=header), animals).to_dict("records")
    half = 9.924843 / 3**0.5
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((2 - half, 2 + half), rel=1e-6)


def test_the_experimental_unit_is_the_animal(study, results):
    groups = group_table(study, animal_table(study, results))
    assert list(groups.columns) == GROUP_COLUMNS
    low = groups[(groups["feature"] == "nodules") & (groups["group"] == "3.5")].iloc[0]
    assert low["n"] == 2  # two animals, whatever the number of photos and nodules
    assert low["mean"] == 20  # by hand: (30 + 10) / 2
    assert low["sd"] == pytest.approx(np.sqrt(200))  # by hand: deviations of 10, n − 1 = 1
    assert low["sem"] == pytest.approx(10)


def test_every_image_has_its_row_with_role_and_flags(results):
    images = image_table(results)
    assert list(images.columns) == IMAGE_COLUMNS
    assert len(images) == 5 * 3  # five images, three features
    assert set(images["flag"]) == {"no_scale"}
    assert (images["role"] == "negative_control").sum() == 3


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RollUp(), 0.3),
        (RollUp(weight="cells"), 0.38),
        (RollUp(weight="no"), 0.3),
        (RollUp("sum"), np.nan),
    ],
)
def test_combining_by_hand(rule, expected):
    images = pd.DataFrame({"share": [0.2, 0.4, np.nan], "cells": [10.0, 90.0, 5.0]})
    # weighted: (0.2 · 10 + 0.4 · 90) / 100; the image without a value doesn't count
    assert combine(images, "share", rule) == pytest.approx(expected, nan_ok=True)


def test_a_photo_without_a_scale_costs_its_animal_no_burden_and_gives_it_no_partial_area():
    """By hand: burden needs no scale; the area of two lobes of which one is known is not known."""
    images = pd.DataFrame({"burden": [0.1, 0.3], "area": [100.0, np.nan]})
    assert combine(images, "burden", RollUp(weight="area")) == pytest.approx(0.2)
    assert combine(images[1:], "burden", RollUp(weight="area")) == pytest.approx(0.3)
    assert np.isnan(combine(images, "area", RollUp("sum")))
    assert combine(images[:1], "area", RollUp("sum")) == 100


def test_nothing_to_combine_is_nan_and_zero_weights_too():
    images = pd.DataFrame({"share": [np.nan], "cells": [0.0]})
    assert np.isnan(combine(images, "share", RollUp()))
    assert np.isnan(combine(images.assign(share=0.5), "share", RollUp(weight="cells")))


def test_an_empty_table_keeps_its_columns_and_identity(results):
    sample = results["lungs"].classified[0][0]
    empty = pd.DataFrame(
        {"object": pd.Series([], dtype="int64"), "area": pd.Series([], dtype=float)}
    )
    table = with_identity(empty, replace(sample, animal="007"))
    assert list(table.columns) == ["assay", "image", "animal", "group", "object", "area"]
    full = with_identity(pd.DataFrame({"object": [1], "area": [2.0]}), sample)
    joined = join_tables([table, full])
    assert joined["object"].dtype == np.int64
    assert len(joined) == 1
