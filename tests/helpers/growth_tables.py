"""Tables of a growth assay, written by hand."""

from pathlib import Path

from table_pages import HOSTILE, write, write_study

from xenoquant.pipeline.report import AssayView

DAYS = (7.0, 14.0, 21.0, 28.0)


def growth(folder: Path) -> AssayView:
    """Six animals on four days; a03 of the control leaves after day 21, at the size limit."""
    curves, features = [], {}
    for place, day in enumerate(DAYS):
        own = {"control": [40.0 * 2**place] * 3, "low": [60.0 * 3**place] * 3}
        if day == 28.0:
            own["control"] = own["control"][:2]
        features[f"volume_mm3.day_{day:g}"] = own
        number = 0
        for group, values in own.items():
            for i, value in enumerate(values):
                number = i + (1 if group == "control" else 4)
                curves.append((2, f"a{number:02d}", group, day, value))
    features["auc"] = {"control": [1.0, 2.0, 3.0], "low": [2.0, 3.0, 4.0]}
    features["growth_rate_per_day"] = {"control": [0.09, 0.1, 0.11], "low": [0.15, 0.16, 0.17]}
    features["doubling_time_days"] = {"control": [7.0, 7.1, 7.2], "low": [4.3, 4.4, 4.5]}
    test = ("student_t", "low", "control", 3.0, "4")
    tests = [
        ("volume_mm3.day_21", *test, 0.011, 0.011, 380.0, 100.0, 660.0, True, ""),
        ("growth_rate_per_day", *test, 0.002, 0.002, 0.06, 0.02, 0.1, True, ""),
        ("volume_mm3.day_28", *test, 0.009, 0.009, 1300.0, 400.0, 2200.0, True, "after"),
    ]
    write_study(folder, "volume", features, tests)
    write(folder, "volume_curves", "row animal group day volume_mm3", *curves)
    days = [
        (
            day,
            "student_t",
            "low",
            "control",
            3.0,
            "4",
            p,
            p,
            10.0,
            1.0,
            19.0,
            p < 0.05,
            "",
            over,
            flag,
        )
        for day, p, over, flag in [
            (7.0, 0.61, 0.62, ""),
            (14.0, 0.0312, 0.0936, ""),
            (21.0, 0.011, 0.044, ""),
            (28.0, 0.009, 0.036, "after_removal"),
        ]
    ]
    names = "day test group_a group_b statistic df p p_adjusted effect ci_low ci_high significant"
    write(folder, "volume_days", f"{names} note p_over_days flag", *days)
    write(
        folder,
        "volume_onset",
        "test group_a group_b days_tested first_day lasting_from_day first_day_holm "
        "lasting_from_day_holm",
        ("student_t", "low", "control", 4, 14.0, 14.0, 21.0, 21.0),
    )
    write(folder, "volume_flags", "row animal day flag detail", (9, "a02", 14.0, "jump", HOSTILE))
    ends = [("a01", "control", 28.0, False), ("a02", "control", 28.0, False)]
    ends += [("a03", "control", 21.0, True), *((f"a0{i}", "low", 21.0, True) for i in (4, 5, 6))]
    write(folder, "volume_time_to_size", "animal group day reached", *ends)
    return AssayView(
        "volume",
        "growth",
        ("volume_mm3.day_21", "growth_rate_per_day", "doubling_time_days", "auc"),
        calibration={
            "rows": 23,
            "formula_text": "1/2 · length · width²",
            "flagged_after_day": 21.0,
            "removed_at_size_limit": ["a03"],
            "time_to_size": {
                "size_mm3": 300.0,
                "median_days": {"control": None, "low": 21.0},
                "log_rank": {"statistic": 4.2, "df": 1, "p": 0.0404, "note": ""},
            },
        },
        files=("volumes.csv",),
        rows=23,
        further_tables=(
            *("volume_curves", "volume_days", "volume_onset", "volume_flags"),
            *("volume_time_to_size", "volume_missing"),
        ),
    )
