"""A study's comparisons: counts get their own test, absent groups are named."""

from types import SimpleNamespace

import pandas as pd

from xenoquant.pipeline.comparing import compare_study
from xenoquant.pipeline.nodules_assay import NodulesAssay
from xenoquant.stats.compare import MANY_GROUP_TESTS, TWO_GROUP_TESTS

COUNTS = {"350 ppm": [12, 9, 15, 11], "35 ppm": [14, 10, 8, 16], "3.5 ppm": [25, 19, 31, 22]}


def _compared(groups, assay):
    header = SimpleNamespace(groups=groups, reference="350 ppm", alpha=0.05, adjust="none")
    study = SimpleNamespace(header=header, assays={"lungs": assay})
    rows = [
        ("lungs", feature, f"{name}-{i}", name, value / divisor)
        for feature, divisor in (("nodules", 1), ("burden", 100))
        for name, own in COUNTS.items()
        if name in groups
        for i, value in enumerate(own)
    ]
    animals = pd.DataFrame(rows, columns=["assay", "feature", "animal", "group", "value"])
    found, problems = compare_study(study, animals, {})
    assert problems == []
    return found


def test_nodules_get_the_test_of_counts_beside_the_others():
    """Definition: the usual tests first, then the negative binomial on counts alone."""
    found = _compared(tuple(COUNTS), NodulesAssay())
    tests = {f: tuple(dict.fromkeys(t["test"])) for f, t in found.groupby("feature")}
    assert tests["nodules"] == (*MANY_GROUP_TESTS, "negative_binomial")
    assert tests["burden"] == MANY_GROUP_TESTS
    counted = found[found["test"] == "negative_binomial"]
    assert counted["p"].notna().all()
    assert counted["note"].str.contains("dispersion").all()
    chosen = _compared(tuple(COUNTS), NodulesAssay(tests=("anova",)))
    assert set(chosen["test"]) == {"anova"}


def test_a_group_of_the_study_without_animals_is_named():
    found = _compared(("350 ppm", "3.5 ppm", "none"), NodulesAssay())
    own = found[found["feature"] == "burden"]
    assert tuple(own["test"]) == TWO_GROUP_TESTS
    assert own["note"].str.contains("no animal of none has a value").all()
