"""Tumour growth, held against hand computations, simulated curves of known rates, and R."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xenoquant.stats.growth import (
    area_under_curve,
    common_window,
    first_removal_day,
    follow_up,
    growth_rate,
    mean_curves,
    tumour_volume,
)
from xenoquant.stats.growth_days import (
    DEFINITIONS,
    comparable_days,
    day_tests,
    growth_inhibition,
    onset_days,
    ratio_interval,
)
from xenoquant.stats.growth_entries import entry_flags
from xenoquant.stats.growth_model import growth_model
from xenoquant.stats.summaries import Group
from xenoquant.stats.time_to_size import kaplan_meier, log_rank, median_days, time_to_size


def curves(rates: dict[str, list[float]], days, start: float = 50.0) -> pd.DataFrame:
    """Exact exponential curves: one animal a rate."""
    rows = [
        (f"{group}{place}", group, float(day), start * math.exp(rate * (day - days[0])))
        for group, held in rates.items()
        for place, rate in enumerate(held)
        for day in days
    ]
    return pd.DataFrame(rows, columns=["animal", "group", "day", "volume_mm3"])


def simulated(seed: int, rates: dict[str, float], *, animals: int = 8, sd_rate: float = 0.02):
    """Curves with known mean rates, animals' own rates and starts, and 10 % error of reading."""
    rng = np.random.default_rng(seed)
    days = np.arange(7, 29, 3)
    rows = []
    for group, rate in rates.items():
        for place in range(animals):
            own, start = rng.normal(rate, sd_rate), rng.normal(4, 0.2)
            logs = start + own * (days - 7) + rng.normal(0, 0.1, days.size)
            rows += [
                (f"{group}{place}", group, float(day), math.exp(log))
                for day, log in zip(days, logs, strict=True)
            ]
    return pd.DataFrame(rows, columns=["animal", "group", "day", "volume_mm3"])


def ragged() -> pd.DataFrame:
    """The curves that R was given: six animals, one left after day 16, one without day 13."""
    rates = (0.20, 0.22, 0.16, 0.10, 0.13, 0.07)
    starts = (0.1, -0.2, 0.05, 0.3, -0.1, -0.25)
    rows = [
        (f"m{i}", "aaabbb"[i - 1], float(day), math.exp(log))
        for i, (rate, start) in enumerate(zip(rates, starts, strict=True), start=1)
        for day in range(7, 23, 3)
        for log in [4 + start + rate * (day - 7) + 0.15 * math.sin(7 * i + 3 * day)]
        if not (i == 2 and day > 16) and not (i == 5 and day == 13)
    ]
    return pd.DataFrame(rows, columns=["animal", "group", "day", "volume_mm3"])


def test_volumes_by_hand():
    """12 × 10 × 8 mm: 12·100/2 = 600, π/6·1200 = 628.319, π/6·960 = 502.655."""
    assert tumour_volume(12, 10) == 600
    assert tumour_volume(12, 10, formula="pi_6_lww") == pytest.approx(628.3185307)
    assert tumour_volume(12, 10, 8, formula="pi_6_lwh") == pytest.approx(502.6548246)
    assert tumour_volume([4, 6], [2, 4]).tolist() == [8, 48]
    with pytest.raises(ValueError, match="height"):
        tumour_volume(12, 10, formula="pi_6_lwh")
    with pytest.raises(ValueError, match="half_lww"):
        tumour_volume(12, 10, formula="given")


def test_growth_rate_is_that_of_r_lm():
    """R 4.2.2, lm(log(v) ~ day)."""
    found = growth_rate([18, 7, 10, 14], [420, 60, 95, 240])
    assert found.rate_per_day == pytest.approx(0.182997101788, rel=1e-10)
    assert found.error == pytest.approx(0.0129152302447, rel=1e-10)
    assert found.r_squared == pytest.approx(0.990136277377, rel=1e-10)
    assert found.doubling_time_days == pytest.approx(math.log(2) / 0.182997101788)


def test_an_exact_exponential_gives_its_rate_and_shrinking_no_doubling():
    """Known truth: 100 · exp(r t)."""
    days = np.array([0.0, 3, 4, 9])
    grown, shrunk = (growth_rate(days, 100 * np.exp(r * days)) for r in (0.231, -0.1))
    assert grown.rate_per_day == pytest.approx(0.231)
    assert grown.doubling_time_days == pytest.approx(math.log(2) / 0.231)
    assert shrunk.rate_per_day == pytest.approx(-0.1)
    assert math.isnan(shrunk.doubling_time_days)


def test_volumes_of_0_have_no_logarithm_and_one_day_no_rate():
    """Definition: ln 0 doesn't exist; a line needs two days."""
    found = growth_rate([0, 2, 4, 6], [0, 100, 200, 400])
    assert found.n == 3
    assert found.rate_per_day == pytest.approx(math.log(2) / 2)
    assert "1 volumes of 0" in found.note
    assert math.isnan(growth_rate([3], [50]).rate_per_day)
    assert math.isnan(growth_rate([3, 4], [50, 60]).error)
    with pytest.raises(ValueError, match="0 or more"):
        growth_rate([1, 2], [-1, 5])


def test_area_by_hand():
    """Trapezoids 2·15 + 4·30 = 150; to day 4 2·15 + 2·25 = 80; from day 1 to 4 17.5 + 50."""
    curve = ([6, 0, 2], [40, 10, 20])
    assert area_under_curve(*curve) == 150
    assert area_under_curve(*curve, last_day=4) == 80
    assert area_under_curve(*curve, first_day=1, last_day=4) == 67.5
    assert math.isnan(area_under_curve(*curve, last_day=7))
    assert math.isnan(area_under_curve([1], [5]))


def test_entries_that_look_like_slips_are_listed():
    """By hand: row 3 wider than long and a jump, 5 and 6 below day 14 and twice, 7 without size."""
    rows = [
        (2, "m1", 7, 5, 4),
        (3, "m1", 8, 8, 9),
        (4, "m2", 14, 6, 5),
        (5, "m2", 7, 6, 5),
        (6, "m2", 7, 6, 5),
        (7, "m3", 7, 0, 0),
    ]
    table = pd.DataFrame(rows, columns=["row", "animal", "day", "length_mm", "width_mm"])
    table["volume_mm3"] = tumour_volume(table["length_mm"], table["width_mm"])
    found = entry_flags(table.set_index("row"))
    assert found[["row", "flag"]].values.tolist() == [
        [3, "jump"],
        [3, "width_above_length"],
        [5, "days_out_of_order"],
        [5, "duplicate_day"],
        [6, "days_out_of_order"],
        [6, "duplicate_day"],
        [7, "zero_volume"],
    ]
    assert found["detail"].iloc[1] == "width 9 mm above length 8 mm"
    assert entry_flags(table.iloc[:1].set_index("row")).empty


def test_ends_of_follow_up_by_hand():
    """m1 left at the limit, m2 below it, m3 stayed; the first left on day 10."""
    rows = [("m1", 7, 900), ("m1", 10, 1600), ("m2", 7, 100), ("m2", 14, 300)]
    rows += [("m3", 7, 100), ("m3", 10, 200), ("m3", 14, 1700), ("m3", 17, 1800)]
    table = pd.DataFrame(rows, columns=["animal", "day", "volume_mm3"]).assign(group="a")
    ends = follow_up(table, size_limit_mm3=1500)
    assert ends["end"].tolist() == ["size_limit", "early", "complete"]
    assert first_removal_day(ends) == 10
    assert common_window(ends) == (7, 10)
    assert math.isinf(first_removal_day(ends[ends["end"] == "complete"]))
    means = mean_curves(table, ["a"])
    assert means["flag"].tolist() == ["", "", "after_removal", "after_removal"]
    assert means["n"].tolist() == [3, 2, 2, 1]
    assert means["mean_mm3"].tolist() == [pytest.approx(1100 / 3), 900, 1000, 1800]


def test_each_day_is_scipys_test_and_holm_counts_the_days():
    """scipy's t tests day by day; Holm's smallest p is p times the number of days."""
    table = simulated(3, {"control": 0.10, "low iron": 0.16})
    found = day_tests(table, groups=["control", "low iron"], reference="control")
    own = found[found["test"] == "student_t"]
    days = comparable_days(table, ["control", "low iron"])
    assert own["day"].tolist() == days
    volumes = {key: held["volume_mm3"] for key, held in table.groupby(["day", "group"])}
    expected = [
        stats.ttest_ind(volumes[day, "low iron"], volumes[day, "control"]).pvalue for day in days
    ]
    assert own["p"].to_numpy() == pytest.approx(expected)
    assert own["p_over_days"].min() == pytest.approx(min(expected) * len(days))
    assert (own["p_over_days"] >= own["p"]).all()
    assert (found["flag"] == "").all()


def test_days_after_the_first_removal_carry_a_flag():
    """By construction: the fastest animal is gone after day 13."""
    table = curves({"a": [0.1, 0.11, 0.12], "b": [0.2, 0.21, 0.3]}, [7, 10, 13, 16])
    table = table[~((table["animal"] == "b2") & (table["day"] > 13))]
    found = day_tests(table, groups=["a", "b"], size_limit_mm3=250)
    assert set(found.loc[found["flag"] == "after_removal", "day"]) == {16.0}
    assert found.loc[found["day"] == 16, "note"].str.contains("first animal left").all()


def test_the_day_from_which_groups_differ_by_hand():
    """p below 0.05 on days 2, 4, 5: first 2, lasting from 4; Holm's on day 5 alone."""
    days = pd.DataFrame(
        {
            "test": "welch_t",
            "group_a": "b",
            "group_b": "a",
            "day": [1.0, 2, 3, 4, 5],
            "p_adjusted": [0.5, 0.04, 0.2, 0.03, 0.001],
            "p_over_days": [0.5, 0.12, 0.4, 0.12, 0.005],
        }
    )
    row = onset_days(days).iloc[0]
    assert row["days_tested"] == 5
    assert (row["first_day"], row["lasting_from_day"]) == (2, 4)
    assert (row["first_day_holm"], row["lasting_from_day_holm"]) == (5, 5)
    never = onset_days(days.assign(p_adjusted=[0.01, 0.5, 0.5, 0.5, 0.5])).iloc[0]
    assert never["first_day"] == 1
    assert math.isnan(never["lasting_from_day"])
    always = onset_days(days.assign(p_adjusted=0.01)).iloc[0]
    assert always["lasting_from_day"] == 1


def test_the_definitions_of_inhibition_by_hand():
    """Control 100 → 500 twice, treated 50 → 150 and 50 → 250: each definition's own number."""
    rows = [("c1", "c", 0, 100), ("c1", "c", 10, 500), ("c2", "c", 0, 100), ("c2", "c", 10, 500)]
    rows += [("t1", "t", 0, 50), ("t1", "t", 10, 150), ("t2", "t", 0, 50), ("t2", "t", 10, 250)]
    table = pd.DataFrame(rows, columns=["animal", "group", "day", "volume_mm3"])
    found = growth_inhibition(table, groups=["c", "t"], reference="c")
    assert found["definition"].tolist() == list(DEFINITIONS)
    percent = dict(zip(found["definition"], found["percent"], strict=True))
    assert percent["volume_change"] == pytest.approx(62.5)  # 1 − 150 / 400
    assert percent["relative_volume"] == pytest.approx(20)  # 1 − 4 / 5
    assert percent["final_volume"] == pytest.approx(60)  # 1 − 200 / 500
    assert percent["auc"] == pytest.approx(100 * (1 - 1250 / 3000))
    assert (found["first_day"] == 0).all()
    assert (found["last_day"] == 10).all()


def test_fiellers_limits_solve_their_equation():
    """Definition: (a − θ b)² = t² (va + θ² vb) at both limits."""
    a, b = Group.from_sd("a", 9, mean=640, sd=160), Group.from_sd("b", 7, mean=925, sd=200)
    va, vb, ratio = a.variance / 9, b.variance / 7, 640 / 925
    df = (va + ratio**2 * vb) ** 2 / (va**2 / 8 + (ratio**2 * vb) ** 2 / 6)
    t = stats.t.isf(0.025, df)
    low, high = ratio_interval(a, b)
    assert low < ratio < high
    for limit in (low, high):
        assert (640 - limit * 925) ** 2 == pytest.approx(t**2 * (va + limit**2 * vb))
    near_zero = Group.from_sd("b", 3, mean=10, sd=50)
    assert all(math.isnan(limit) for limit in ratio_interval(a, near_zero))


def test_mixed_model_is_that_of_r_nlme():
    """R 4.2.2, nlme::lme(log(v) ~ group * day, random = ~ day | animal), REML."""
    model = growth_model(ragged(), groups=["a", "b"])
    row = model.comparisons()[0]
    assert (model.animals, model.measurements) == (6, 33)
    assert row.effect == pytest.approx(-0.0864319883012, rel=1e-5)
    assert row.effect / row.statistic == pytest.approx(0.0231739877503, rel=1e-4)
    assert model.rates_per_day[0] == pytest.approx(0.1882246561973, rel=1e-5)
    assert model.log_likelihood == pytest.approx(3.9424053932370, abs=1e-6)
    assert model.sd_rest == pytest.approx(0.1270614, rel=1e-4)
    assert (row.group_a, row.group_b, row.df) == ("b", "a", "4")


def test_with_equal_days_the_model_is_the_t_test_on_the_animals_rates():
    """Known identity for balanced curves: generalised least squares is the two-stage analysis."""
    table = simulated(5, {"a": 0.10, "b": 0.15})
    row = growth_model(table, groups=["a", "b"], reference="a").comparisons()[0]
    rates = {
        group: [growth_rate(own["day"], own["volume_mm3"]).rate_per_day for _, own in held]
        for group, held in ((g, table[table["group"] == g].groupby("animal")) for g in "ab")
    }
    expected = stats.ttest_ind(rates["b"], rates["a"])
    assert row.statistic == pytest.approx(expected.statistic, rel=1e-5)
    assert row.p == pytest.approx(expected.pvalue, rel=1e-4)


def test_known_rates_are_recovered():
    """Simulated truth: rates 0.10, 0.13 and 0.18 a day; intervals of pairs hold them."""
    truth = {"a": 0.10, "b": 0.13, "c": 0.18}
    model = growth_model(simulated(11, truth, animals=12), groups=list(truth))
    assert model.rates_per_day == pytest.approx(list(truth.values()), abs=0.015)
    overall, *pairs = model.comparisons()
    assert overall.group_a == ""
    assert overall.df == "2, 33"
    assert overall.significant
    assert [row.group_a for row in pairs] == ["b", "c"]
    for row in pairs:
        assert row.ci_low < truth[row.group_a] - truth["a"] < row.ci_high
    assert pairs[0].p_adjusted == pytest.approx(pairs[0].p)  # Holm: the largest p stays
    assert pairs[1].p_adjusted == pytest.approx(2 * pairs[1].p)


def test_no_optimiser_of_statsmodels_comes_higher():
    """statsmodels' MixedLM on the same curves, one of them at the boundary."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    at_boundary = simulated(2, {"a": 0.1, "b": 0.12}, animals=4, sd_rate=0.0)
    for table, apart in ((ragged(), 1e-5), (at_boundary, 0.1)):
        model = growth_model(table, groups=["a", "b"])
        time = (table["day"] - table["day"].mean()) / table["day"].std(ddof=0)
        in_b = (table["group"] == "b").to_numpy(float)
        design = np.column_stack([np.ones(len(table)), in_b, time, in_b * time])
        random = np.column_stack([np.ones(len(table)), time])
        logs = np.log(table["volume_mm3"].to_numpy())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stops at the boundary is what is compared
            fit = MixedLM(logs, design, groups=table["animal"].to_numpy(), exog_re=random).fit(
                reml=True, method="lbfgs"
            )
        assert model.log_likelihood >= fit.llf - 1e-6
        assert model.log_likelihood == pytest.approx(fit.llf, abs=apart)


def test_the_model_refuses_what_it_cannot_tell():
    """One animal a group tells nothing of the spread between animals."""
    alone = curves({"a": [0.1], "b": [0.2]}, [7, 10, 13])
    with pytest.raises(ValueError, match="two such animals"):
        growth_model(alone, groups=["a", "b"])
    with pytest.raises(ValueError, match="two groups"):
        growth_model(alone, groups=["a"])
    table = ragged()
    table.loc[0, "volume_mm3"] = 0.0
    assert "1 volumes of 0" in growth_model(table, groups=["a", "b"]).note


def _events() -> pd.DataFrame:
    days = [10, 14, 14, 21, 28, 28, 14, 21, 24, 28, 28, 28]
    reached = [1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0]
    table = pd.DataFrame({"day": days, "reached": reached}).astype({"day": float, "reached": bool})
    return table.assign(animal=[f"m{i}" for i in range(12)], group=["a"] * 6 + ["b"] * 6)


def test_kaplan_meier_is_that_of_r_survival():
    """R 4.2.2, survfit(Surv(t, e) ~ group, conf.type = "log-log")."""
    found = kaplan_meier(_events(), groups=["a", "b"])
    own = found[(found["group"] == "a")]
    assert own["survival"].tolist() == pytest.approx([0.8333333, 0.5, 0.3333333, 0.1666667])
    assert own["ci_low"].tolist() == pytest.approx(
        [0.273122850, 0.110948260, 0.046082243, 0.007723104], rel=1e-6
    )
    assert own["ci_high"].tolist() == pytest.approx(
        [0.9747124, 0.8037092, 0.6755644, 0.5168018], rel=1e-6
    )
    other = found[(found["group"] == "b") & (found["reached"] > 0)]
    assert other["survival"].tolist() == pytest.approx([0.8333333, 0.6250000])
    assert median_days(found) == {"a": 14.0, "b": pytest.approx(math.nan, nan_ok=True)}


def test_log_rank_is_that_of_r_survival():
    """R 4.2.2, survdiff(Surv(t, e) ~ group), two and three groups."""
    two = log_rank(_events(), groups=["a", "b"])
    assert two.statistic == pytest.approx(2.66788017502, rel=1e-9)
    assert two.p == pytest.approx(0.102392321015, rel=1e-9)
    more = pd.DataFrame(
        {"day": [5.0, 9, 12, 30], "reached": [True, True, True, False], "group": "c"}
    )
    three = log_rank(pd.concat([_events(), more]), groups=["a", "b", "c"])
    assert three.statistic == pytest.approx(4.04506079322, rel=1e-9)
    assert (three.df, three.p) == (2, pytest.approx(0.132320218473, rel=1e-9))
    none = log_rank(_events().assign(reached=False), groups=["a", "b"])
    assert math.isnan(none.p)
    assert "no animal reached" in none.note


def test_time_to_size_by_hand():
    """The first day at or above the size; else censored at the last day."""
    table = curves({"a": [0.1, 0.2]}, [7, 10, 13, 16], start=100)
    found = time_to_size(table, size_mm3=180)  # 100 e^0.6 = 182 on day 10, 100 e^0.6 on day 13
    assert found[["day", "reached"]].values.tolist() == [[13.0, True], [10.0, True]]
    rare = time_to_size(table, size_mm3=300)
    assert rare[["day", "reached"]].values.tolist() == [[16.0, False], [13.0, True]]
