"""The growth assay on tables as labs have them: simulated truths, hand counts, real curves."""

import json
import math
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.growth_assay import GrowthAssay
from xenoquant.pipeline.growth_table import read_measurements
from xenoquant.pipeline.study import StudyHeader

ANIMALS = {"007": "350 ppm", "m2": "350 ppm", "m3": "350 ppm", "m4": "3.5 ppm"}
ANIMALS |= {"m5": "3.5 ppm", "m6": "3.5 ppm"}
COMPARISON = ["feature", "test", "group_a", "group_b", "statistic", "df", "p", "p_adjusted"]
COMPARISON += ["effect", "ci_low", "ci_high", "significant", "note"]


@pytest.fixture
def header() -> StudyHeader:
    groups = ("350 ppm", "3.5 ppm")
    return StudyHeader(title="t", group="diet", groups=groups, reference="350 ppm")


def calipers(days=(7, 10, 14, 18, 21)) -> pd.DataFrame:
    """Tumours of known rates: 0.10 a day plus a little an animal, 0.16 on little iron."""
    rows = []
    for place, (animal, diet) in enumerate(ANIMALS.items()):
        rate = (0.10 if diet == "350 ppm" else 0.16) + 0.004 * (place % 3)
        for day in days:
            volume = 40 * math.exp(rate * (day - 7))
            width = (2 * volume / 1.25) ** (1 / 3)
            rows.append((animal, diet, day, round(1.25 * width, 6), round(width, 6)))
    return pd.DataFrame(rows, columns=["animal", "diet", "day", "length_mm", "width_mm"])


def value(result, feature: str, animal: str) -> float:
    held = result.animals[result.animals["feature"] == feature]
    return float(held.loc[held["animal"] == animal, "value"].iloc[0])


def test_known_rates_and_volumes_come_back(tmp_path: Path, header):
    """Simulated truth: 40 mm³ on day 7, rate 0.10 (007) and 0.16 (m4) a day; area by formula."""
    calipers().to_csv(tmp_path / "t.csv", index=False)
    result = GrowthAssay(table="t.csv").evaluate("tumours", tmp_path, header)
    assert result.problems == ()
    assert value(result, "volume_mm3.day_7", "007") == pytest.approx(40, rel=1e-5)
    assert value(result, "volume_mm3.day_21", "m4") == pytest.approx(40 * math.exp(2.24), rel=1e-5)
    assert value(result, "growth_rate_per_day", "007") == pytest.approx(0.10, rel=1e-4)
    assert value(result, "doubling_time_days", "m4") == pytest.approx(math.log(2) / 0.16, rel=1e-4)
    days = np.array([7, 10, 14, 18, 21])
    area = np.trapezoid(40 * np.exp(0.1 * (days - 7)), days)
    assert value(result, "auc", "007") == pytest.approx(area, rel=1e-5)
    features = list(dict.fromkeys(result.animals["feature"]))
    assert features == [
        *(f"volume_mm3.day_{day}" for day in days),
        *("auc", "growth_rate_per_day", "doubling_time_days"),
    ]
    assert result.animals["animal"].tolist()[:6] == ["007", "m2", "m3", "m4", "m5", "m6"]
    assert set(result.animals["n_images"]) == {0}
    assert result.compared == (*features[:5], "auc", "growth_rate_per_day")
    assert result.notes["formula"] == "half_lww"
    assert json.dumps(result.notes, allow_nan=False)


def test_a_day_of_one_group_alone_keeps_a_row_that_says_so(tmp_path: Path, header):
    """Contract: nothing is dropped without a row; day 25 has animals of one group alone."""
    table = pd.concat([calipers(), calipers((25,)).query("diet == '350 ppm'")])
    table.to_csv(tmp_path / "t.csv", index=False)
    rows = GrowthAssay(table="t.csv").evaluate("tumours", tmp_path, header).comparisons
    own = rows[rows["feature"] == "volume_mm3.day_25"]
    assert own["note"].str.startswith("no test: no animal of 3.5 ppm has a value").tolist() == [
        True
    ]
    assert own["p"].isna().all()


def test_a_day_that_a_group_lacks_names_it(tmp_path: Path):
    """Contract: the third is gone at its size limit, and each note says who is missing."""
    groups = ("350 ppm", "35 ppm", "3.5 ppm")
    header = StudyHeader(title="t", group="diet", groups=groups, reference="350 ppm")
    table = calipers()
    middle = table.query("diet == '350 ppm'").assign(diet="35 ppm")
    middle["animal"] = "n" + middle["animal"]
    table = pd.concat([table, middle])
    last = table.query("day == 21 and diet != '3.5 ppm'").assign(day=25)
    pd.concat([table, last]).to_csv(tmp_path / "t.csv", index=False)
    rows = (
        GrowthAssay(table="t.csv", size_limit_mm3=300)
        .evaluate("tumours", tmp_path, header)
        .comparisons
    )
    own = rows[rows["feature"] == "volume_mm3.day_25"]
    assert own["p"].notna().any()
    assert own["note"].str.contains("no animal of 3.5 ppm has a value").all()


def test_the_mixed_model_stands_in_the_comparisons(tmp_path: Path, header):
    """Simulated truth: rates differ by 0.06 a day."""
    calipers().to_csv(tmp_path / "t.csv", index=False)
    rows = GrowthAssay(table="t.csv").evaluate("tumours", tmp_path, header).comparisons
    assert list(rows.columns) == COMPARISON
    row = rows.iloc[0]
    assert (row["feature"], row["test"]) == ("growth_rate_per_day", "mixed_model")
    assert (row["group_a"], row["group_b"]) == ("3.5 ppm", "350 ppm")
    assert row["effect"] == pytest.approx(0.06, rel=1e-3)
    assert row["ci_low"] < 0.06 < row["ci_high"]


def test_the_day_from_which_groups_differ_is_told(tmp_path: Path, header):
    """By construction: equal on day 7, and apart ever more from then on."""
    table = calipers()
    table.loc[table["day"] == 7, "width_mm"] += np.tile([0.2, -0.1, 0.0], 2)
    table.to_csv(tmp_path / "t.csv", index=False)
    result = GrowthAssay(table="t.csv", tests=("student_t",)).evaluate("g", tmp_path, header)
    onset = result.tables["g_onset"].iloc[0]
    assert onset["lasting_from_day"] == 10
    assert onset["lasting_from_day_holm"] >= onset["lasting_from_day"]
    days = result.tables["g_days"]
    assert set(days["test"]) == {"student_t"}
    assert days["day"].tolist() == [7, 10, 14, 18, 21]


def test_days_after_a_removal_at_the_limit_are_flagged_not_compared_plainly(tmp_path, header):
    """By construction: m6 reaches 250 mm³ on day 18 and is gone; m4 and m5 go on."""
    table = calipers()
    table = table[~((table["animal"] == "m6") & (table["day"] > 18))]
    table.to_csv(tmp_path / "t.csv", index=False)
    assay = GrowthAssay(table="t.csv", size_limit_mm3=250)
    result = assay.evaluate("g", tmp_path, header)
    assert result.notes["removed_at_size_limit"] == ["m6"]
    assert result.notes["flagged_after_day"] == 18
    assert "volume_mm3.day_21" not in result.compared
    flagged = result.comparisons[result.comparisons["feature"] == "volume_mm3.day_21"]
    assert flagged["note"].str.contains("after the first animal left").all()
    means = result.tables["g_means"].set_index(["group", "day"])["flag"]
    assert means["3.5 ppm", 21] == "after_removal"
    assert means["350 ppm", 21] == ""
    assert result.notes["auc_days"] == [7, 18]
    events = result.tables["g_time_to_size"].set_index("animal")["reached"]
    assert events.to_dict() == dict.fromkeys(("007", "m2", "m3"), False) | {
        **dict.fromkeys(("m4", "m5", "m6"), True)
    }
    assert result.notes["time_to_size"]["log_rank"]["p"] < 0.05


def test_a_wide_sheet_of_excel_with_dates_and_decimal_commas_is_the_long_table(tmp_path, header):
    """Authority: the long table of the same numbers; day 0 is 8 May 2013."""
    long = calipers()
    long.to_csv(tmp_path / "long.csv", index=False)
    wide = long.pivot(index=["animal", "diet"], columns="day", values=["length_mm", "width_mm"])
    wide.columns = [f"{what[0].upper()} day {day}" for what, day in wide.columns]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["animal", "diet", *wide.columns])
    for (animal, diet), row in wide.iterrows():
        sheet.append([animal, diet, *(str(number).replace(".", ",") for number in row)])
    book.save(tmp_path / "wide.xlsx")
    dated = long.assign(day=long["day"].map(lambda day: f"2013-05-{1 + day:02d}"))
    dated.to_csv(tmp_path / "dated.csv", index=False, sep=";")
    results = [
        GrowthAssay(table=name).evaluate("g", tmp_path, header)
        for name in ("long.csv", "wide.xlsx", "dated.csv")
    ]
    pd.testing.assert_frame_equal(results[0].animals, results[1].animals)
    assert results[1].notes["form"] == "wide"
    assert results[2].notes["day_0"] == "2013-05-08"
    renamed = results[2].animals.query("feature == 'volume_mm3.day_14'")["value"].tolist()
    assert renamed == results[0].animals.query("feature == 'volume_mm3.day_21'")["value"].tolist()


def test_every_bad_row_is_named_and_the_others_are_used(tmp_path: Path, header):
    """By hand: rows 3 to 9 are each wrong in a way of their own; row 10 wasn't measured."""
    lines = [
        "Maus;diet;day;Länge;width_mm",
        "007;350 ppm;7;5,5;4,0",
        "007;350 ppm;10;abc;4,0",
        "007;350 ppm;14;<LOD;4,0",
        "007;70 ppm;18;6,5;4,0",
        ";350 ppm;7;5,5;4,0",
        "m2;350 ppm;7;-5,5;4,0",
        "m2;350 ppm;x;5,5;4,0",
        "m2;350 ppm;10;5,5;",
        "m2;350 ppm;14;;",
        "m3;350 ppm;7;5,5;4,0",
        "m3;350 ppm;7;6,5;4,0",
        "m4;350 ppm;7;5,5;4,0",
        "m4;3.5 ppm;10;5,5;4,0",
    ]
    (tmp_path / "t.csv").write_bytes("\r\n".join(lines).encode("latin-1"))
    assay = GrowthAssay(table="t.csv", columns={"animal": "Maus", "length_mm": "Länge"})
    result = assay.evaluate("tumours", tmp_path, header)
    errors = [row.error for row in result.problems]
    for words in (
        "row 3, column Länge: 'abc' is not a number",
        "row 4, column Länge: '<LOD' is a limit of detection",
        "row 5, column diet: '70 ppm' is none of '350 ppm', '3.5 ppm'",
        "row 6, column Maus: the cell is empty",
        "row 7, column Länge: -5,5 can't be right",
        "row 8, column day: 'x' is not a number",
        "row 9, day 10: width_mm is empty",
        "rows 11, 12: animal 'm3' has several volumes on day 7",
        "animal 'm4' stands in the groups",
    ):
        assert any(words in error for error in errors), words
    assert all(row.assay == "tumours" and row.image == "t.csv" for row in result.problems)
    assert len(errors) == 9
    assert result.notes["rows_without_measurement"] == 1
    assert set(result.animals["animal"]) == {"007"}


def test_entry_checks_are_listed_and_the_numbers_used(tmp_path: Path, header):
    """By hand: width above length in row 2; an equal row twice counts once."""
    table = calipers()
    table.loc[0, ["length_mm", "width_mm"]] = [4.0, 5.0]
    pd.concat([table, table.iloc[[8]]]).to_csv(tmp_path / "t.csv", index=False)
    result = GrowthAssay(table="t.csv").evaluate("g", tmp_path, header)
    flags = result.tables["g_flags"]
    assert flags[["row", "animal", "flag"]].values.tolist() == [
        [2, "007", "width_above_length"],
        [10, "m2", "duplicate_day"],
        [32, "m2", "days_out_of_order"],
        [32, "m2", "duplicate_day"],
    ]
    assert value(result, "volume_mm3.day_7", "007") == 50
    assert result.problems == ()


@pytest.mark.parametrize(
    ("columns", "row", "guess"),
    [
        ("length_mm,width_mm", "0.9,0.7", "cm?"),
        ("length_mm,width_mm", "9,7", ""),
        ("volume_mm3", "1.4", "cm³?"),
        ("volume_mm3", "1400", ""),
    ],
)
def test_a_table_in_another_unit_is_named(tmp_path: Path, header, columns, row, guess):
    """Definition: no tumour of a study is all under 2 mm or 4 mm³; the numbers stay as they are."""
    (tmp_path / "t.csv").write_text(f"animal,diet,day,{columns}\n007,350 ppm,7,{row}\n")
    read = read_measurements("g", tmp_path, "t.csv", header=header, columns={}, formula="half_lww")
    assert len(read.values) == 1
    assert len(read.problems) == bool(guess)
    assert all(guess in problem.remedy for problem in read.problems)


def test_tables_that_cannot_be_read_are_refused_with_the_reason(tmp_path: Path, header):
    """Contract: merged headings, missing columns and tables outside the study are refused."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["", "", "Day 7", "", "Day 10", ""])
    sheet.append(["animal", "diet", "L", "W", "L", "W"])
    sheet.append(["007", "350 ppm", 5, 4, 6, 5])
    sheet.merge_cells("C1:D1")
    book.save(tmp_path / "merged.xlsx")
    calipers().drop(columns="width_mm").to_csv(tmp_path / "half.csv", index=False)
    calipers().rename(columns={"day": "Day"}).to_csv(tmp_path / "day.csv", index=False)
    twice = calipers().assign(**{"day 7": 50, "d7": 60}).drop(columns="day")
    twice.to_csv(tmp_path / "twice.csv", index=False)
    for name, words in (
        ("twice.csv", "both volume_mm3 of day 7"),
        ("merged.xlsx", "merged headings"),
        ("half.csv", "no column called width_mm"),
        ("day.csv", 'columns = { day = "Day" }'),
        ("../t.csv", "outside the study"),
        ("none.csv", "no such file"),
    ):
        with pytest.raises(InputError) as error:
            GrowthAssay(table=name).evaluate("g", tmp_path, header)
        assert words in str(error.value)


def test_one_group_or_no_rows_give_numbers_and_no_comparison(tmp_path: Path, header):
    """Definition: nothing to compare is no failure."""
    table = calipers()
    table[table["diet"] == "350 ppm"].to_csv(tmp_path / "one.csv", index=False)
    one = GrowthAssay(table="one.csv").evaluate("g", tmp_path, header)
    assert one.comparisons is None
    assert one.compared == ("auc", "growth_rate_per_day")  # their rows say that a group lacks
    table.iloc[:0].to_csv(tmp_path / "none.csv", index=False)
    none = GrowthAssay(table="none.csv").evaluate("g", tmp_path, header)
    assert none.animals.empty
    table.query("animal in ['007', 'm4']").to_csv(tmp_path / "pair.csv", index=False)
    pair = GrowthAssay(table="pair.csv").evaluate("g", tmp_path, header)
    assert pair.comparisons["note"].str.startswith("no test").all()


def test_real_curves_of_unequal_length(shared_data):
    """Real xenografts (biPOD): all rows but a doubled day are used; nlme's rates agree in R."""
    header = StudyHeader(
        title="t",
        animal="mouse",
        group="treatment_group",
        groups=("Control", "Treatment"),
        reference="Control",
    )
    columns = {"day": "time", "volume_mm3": "tumour_volume"}
    assay = GrowthAssay(table="bipod_xenografts.csv", columns=columns, size_limit_mm3=1000)
    result = assay.evaluate("g", shared_data / "growth", header)
    assert [row.error for row in result.problems] == [
        "rows 29, 30: animal '530' has several volumes on day 71"
    ]
    assert len(result.tables["g_curves"]) == 157
    row = result.comparisons.query("test == 'mixed_model'").iloc[0]
    print(row["effect"], row["p"], result.notes["time_to_size"])
    # lme of R 4.2.2 stops at -0.009493 (0.003872) with log likelihood -205.8184, below ours
    assert row["effect"] == pytest.approx(-0.00948214, rel=1e-5)
    assert row["effect"] / row["statistic"] == pytest.approx(0.00387, rel=0.01)


def test_real_curves_with_empty_days(shared_data):
    """Real mice (SQUEAK): 181 of 475 rows hold a number; nlme: ComboXY − Control −0.0737818."""
    header = StudyHeader(
        title="t",
        animal="Number",
        group="Group",
        groups=("Control", "DrugX", "DrugY", "ComboXY"),
        reference="Control",
    )
    columns = {"day": "Days", "volume_mm3": "Value"}
    assay = GrowthAssay(table="squeak_long_mice.csv", columns=columns, tests=("welch_t",))
    result = assay.evaluate("g", shared_data / "growth", header)
    [doubt] = result.problems  # the largest tumour of the table is 1.4: it is in cm³
    assert "cm³?" in doubt.remedy
    assert result.notes["rows_without_measurement"] == 294
    model = result.comparisons.query("test == 'mixed_model'").set_index("group_a")
    truth = {"ComboXY": -0.073781809053, "DrugX": -0.022133963270, "DrugY": 0.004133338604}
    errors = {"ComboXY": 0.02476770165, "DrugX": 0.02495189106, "DrugY": 0.02655154635}
    for group, effect in truth.items():
        print(group, model["effect"][group], effect)
        assert model["effect"][group] == pytest.approx(effect, rel=1e-4)
        error = model["effect"][group] / model["statistic"][group]
        assert error == pytest.approx(errors[group], rel=1e-4)
