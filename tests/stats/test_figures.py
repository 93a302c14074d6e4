"""Figures: what they show is what the tables say; saved files are what their suffix says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xenoquant.stats.compare import compare_groups
from xenoquant.stats.comparison import comparison_table
from xenoquant.stats.figure_estimation import bootstrap_difference
from xenoquant.stats.figures import (
    chart_svg,
    estimation_chart,
    forest_chart,
    group_chart,
    growth_chart,
    save_chart,
    summary_chart,
)
from xenoquant.stats.summaries import Group
from xenoquant.stats.two_groups import student_t

RAW = {
    "a": [12.1, 9.8, 11.4, 10.6, 13.0],
    "b": [8.7, 10.1, 9.4, 7.9, 8.8, 9.9],
    "c": [6.2, 7.5, 8.8, 5.9],
}
LABELS = {"title": "Tumour volume <day 21>", "value_label": "Volume (mm³)"}


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [(f"{g}{i}", g, v) for g, own in RAW.items() for i, v in enumerate(own)]
    return pd.DataFrame(rows, columns=["animal", "group", "value"])


def _marks(chart: dict) -> list[dict]:
    """Every inline record of a chart's specification."""
    found = list(chart.get("data", {}).get("values", []))
    for part in chart.get("layer", []) + chart.get("vconcat", []):
        found += _marks(part)
    return found


def test_every_animal_mean_and_error_stands_in_the_figure(table):
    """By hand: the points are the values; the bars end at mean ± SD/√n."""
    chart = group_chart(table, compare_groups(table), groups=["c", "a", "b"], **LABELS).to_dict()
    marks = _marks(chart)
    points = {m["animal"]: m["value"] for m in marks if "animal" in m}
    assert points == dict(zip(table["animal"], table["value"], strict=True))
    means = [m["y"] for m in marks if m.get("size") == 2.5]
    assert means == pytest.approx([np.mean(RAW[g]) for g in "cab"])
    rods = [(m["y"], m["y2"]) for m in marks if set(m) == {"x", "y", "y2"}][:3]
    sem = np.std(RAW["c"], ddof=1) / 2
    assert rods[0] == pytest.approx((7.1 - sem, 7.1 + sem))
    labels = [m["text"] for m in marks if "text" in m]
    assert sorted(labels) == ["p < 0.001", "p = 0.006", "p = 0.015"]


def test_boxes_stand_at_the_quartiles(table):
    """R 4.2.2: quantile(c) of type 7 is 6.125, 6.85, 7.825; whiskers end at the last values."""
    rows = comparison_table([])
    chart = group_chart(table, rows, groups=["c", "a"], centre="box", **LABELS).to_dict()
    marks = _marks(chart)
    box = next(m for m in marks if {"x", "x2", "y", "y2"} == set(m))
    assert (box["y"], box["y2"]) == pytest.approx((6.125, 7.825))
    rods = [(m["y"], m["y2"]) for m in marks if {"x", "y", "y2"} == set(m)]
    assert rods[:2] == [pytest.approx((5.9, 6.125)), pytest.approx((7.825, 8.8))]
    assert "box: median and quartiles" in " ".join(chart["title"]["subtitle"])
    with pytest.raises(ValueError, match="'median'"):
        group_chart(table, rows, groups=["c", "a"], centre="median", **LABELS)


def test_the_description_says_the_figure_in_words(table):
    chart = group_chart(table, compare_groups(table), groups=["a", "b", "c"], **LABELS)
    words = chart.to_dict()["description"]
    assert "a: mean 11.38 ± 0.559 (SEM), n = 5" in words
    assert "Newman-Keuls: b and a p = 0.006; c and a p < 0.001; c and b p = 0.015" in words
    svg = chart_svg(chart)
    assert 'role="img"' in svg
    assert "<desc>Tumour volume &lt;day 21&gt;. Volume (mm³) by group." in svg
    assert ">n = 6<" in svg


def test_figures_are_the_same_each_time_and_in_any_order_of_rows(table):
    mixed = table.sample(frac=1, random_state=1)
    rows = compare_groups(table)
    first, second = (
        chart_svg(group_chart(t, rows, groups=["a", "b", "c"], **LABELS)) for t in (table, mixed)
    )
    assert first == second


def test_groups_without_values_or_tests_are_drawn_empty(table):
    empty = comparison_table([])
    table.loc[table["group"] == "b", "value"] = np.nan
    chart = group_chart(table, empty, groups=["a", "b", "c"], **LABELS)
    assert "b: n = 0" in chart.to_dict()["description"]
    assert ">n = 0<" in chart_svg(chart)


def test_bars_redrawn_from_summaries():
    """By hand: SD 6, n 9, so SEM 2; the axis starts at 0."""
    groups = [Group.from_sem("low", 9, mean=14, sem=2), Group.from_sem("high", 9, mean=4, sem=1)]
    rows = comparison_table([student_t(*groups)])
    for error, half in (("sem", 2), ("sd", 6)):
        chart = summary_chart(groups, rows, error=error, **LABELS).to_dict()
        rods = [(m["y"], m["y2"]) for m in _marks(chart) if set(m) == {"x", "y", "y2"}]
        assert rods[0] == pytest.approx((14 - half, 14 + half))
        assert chart["layer"][0]["encoding"]["y"]["scale"]["domain"][0] <= 0
        assert f"mean ± {error.upper()}" in " ".join(chart["title"]["subtitle"])
    with pytest.raises(ValueError, match="'range'"):
        summary_chart(groups, rows, error="range", **LABELS)


def test_bca_interval_is_scipys_and_seeded():
    """scipy.stats.bootstrap with the same seed; the estimate is the plain difference."""
    a, b = (Group.from_values(g, RAW[g]) for g in "ab")
    first, second = bootstrap_difference(a, b), bootstrap_difference(a, b)
    assert (first.ci_low, first.ci_high) == (second.ci_low, second.ci_high)
    assert first.estimate == pytest.approx(a.mean - b.mean)
    wanted = scipy_stats.bootstrap(
        (a.values, b.values),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        n_resamples=9_999,
        method="BCa",
        rng=np.random.default_rng(20130613),
    ).confidence_interval
    assert (first.ci_low, first.ci_high) == pytest.approx((wanted.low, wanted.high))
    welch = student_t(a, b)
    assert first.ci_low == pytest.approx(welch.ci_low, abs=0.7)
    flat = [Group.from_values("f", [2.0, 2.0]), Group.from_values("g", [1.0, 1.0])]
    constant = bootstrap_difference(*flat)
    assert (constant.ci_low, constant.ci_high, constant.method) == (1.0, 1.0, "percentile")
    with pytest.raises(ValueError, match="at least 2 values"):
        bootstrap_difference(a, Group.from_values("one", [1.0]))


def test_estimation_chart_shows_each_difference(table):
    chart = estimation_chart(table, groups=["a", "b", "c"], **LABELS)
    words = chart.to_dict()["description"]
    assert "b − a: -2.247" in words
    assert "c − a: -4.28" in words
    assert "Difference from a" in chart_svg(chart)


@pytest.mark.parametrize(
    ("values", "said", "panels"),
    [
        ({"a": [1.0], "b": [2.0, 3.0], "c": [4.0, 6.0]}, "no difference from a: n = 1", 1),
        ({"a": [1.0, 2.0], "b": [2.0], "c": [4.0, 6.0]}, "none for b (n = 1)", 2),
        ({"a": [1.0, 1.0], "b": [2.0, 2.0]}, "none for b (all values equal)", 1),
    ],
)
def test_estimation_chart_says_which_difference_it_lacks(values, said, panels):
    """Contract: nothing is dropped without a word, and no panel is empty."""
    rows = [(f"{g}{i}", g, v) for g, own in values.items() for i, v in enumerate(own)]
    table = pd.DataFrame(rows, columns=["animal", "group", "value"])
    chart = estimation_chart(table, groups=list(values), **LABELS).to_dict()
    assert said in " ".join(chart["title"]["subtitle"])
    assert len(chart["vconcat"]) == panels


@pytest.mark.parametrize(("animals", "said"), [(3, True), (9, True), (10, False)])
def test_bootstrap_intervals_of_few_animals_are_said_to_be_too_narrow(animals, said):
    """Simulated normal groups with the same mean: the 95 % interval of 3 and 3 holds 0 in 79 %."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        [(f"{g}{i}", g, rng.normal()) for g in "ab" for i in range(animals)],
        columns=["animal", "group", "value"],
    )
    subtitle = " ".join(estimation_chart(table, groups=["a", "b"], **LABELS).title.subtitle)
    assert ("too narrow" in subtitle) == said
    if animals == 3:
        found = [
            bootstrap_difference(
                *(Group.from_values(name, rng.normal(size=3)) for name in "ab"),
                resamples=999,
                seed=seed,
            )
            for seed in range(150)
        ]
        assert np.mean([d.ci_low <= 0 <= d.ci_high for d in found]) < 0.88


def test_growth_chart_shows_means_over_days():
    """By hand: means of 1, 3 and 2, 6; on a log axis the 0 is left out and counted."""
    rows = [("x", "g", d, v) for d, v in ((0, 1.0), (7, 2.0))]
    rows += [("y", "g", d, v) for d, v in ((0, 3.0), (7, 6.0))] + [("z", "h", 0, 0.0)]
    table = pd.DataFrame(rows, columns=["animal", "group", "day", "value"])
    chart = growth_chart(table, groups=["g", "h"], **LABELS).to_dict()
    means = [m for m in _marks(chart) if "n" in m]
    # Bars, lines and points of the means each carry the same three records.
    assert [(m["day"], m["value"], m["low"], m["n"]) for m in means[:3]] == [
        (0, 2, 1, 2),
        (7, 4, 2, 2),
        (0, 0, 0, 1),
    ]
    log = growth_chart(table, groups=["g", "h"], log=True, **LABELS).to_dict()
    assert "1 values of 0 or less" in " ".join(log["title"]["subtitle"])
    assert chart_svg(growth_chart(table.iloc[:0], groups=["g"], **LABELS)).startswith("<svg")


def test_forest_chart_writes_its_numbers():
    effects = pd.DataFrame(
        {
            "label": ["haemoglobin", "separated"],
            "estimate": [0.6, 30.0],
            "ci_low": [0.4, 2.0],
            "ci_high": [0.9, np.inf],
        }
    )
    chart = forest_chart(effects, title="Odds", effect_label="Odds ratio (95 %)")
    words = chart.to_dict()["description"]
    assert "haemoglobin: 0.6 (0.4 to 0.9); separated: 30 (2 to ∞)" in words
    svg = chart_svg(chart)
    assert ">haemoglobin<" in svg
    with pytest.raises(ValueError, match="log=False"):
        forest_chart(effects.assign(estimate=-1.0), title="Odds", effect_label="Odds ratio")
    differences = effects.assign(estimate=[-1.0, 2.0], ci_low=[-2.0, 1.0], ci_high=[0.5, np.nan])
    drawn = forest_chart(
        differences, title="Differences", effect_label="g/l", no_effect=0, log=False
    )
    assert "haemoglobin: -1 (-2 to 0.5); separated: 2" in drawn.to_dict()["description"]


@pytest.mark.parametrize(
    ("suffix", "start"), [(".svg", b"<svg"), (".pdf", b"%PDF"), (".png", b"\x89PNG")]
)
def test_saved_files_are_of_their_kind(table, tmp_path, suffix, start):
    """The first bytes of each format."""
    chart = group_chart(table, compare_groups(table), groups=["a", "b", "c"], **LABELS)
    path = save_chart(chart, tmp_path / f"figure{suffix}")
    assert path.read_bytes().startswith(start)
    with pytest.raises(ValueError, match=r"\.svg, \.pdf or \.png"):
        save_chart(chart, tmp_path / "figure.gif")
