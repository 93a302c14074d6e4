"""The report's pages of table assays, against tables written by hand."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from xenoquant.pipeline.overlays import legend
from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.report_claims import as_ratios
from xenoquant.pipeline.report_extra import read_extra
from xenoquant.pipeline.report_figures import Mark, figure_svg
from xenoquant.pipeline.report_view import SUBJECTS
from xenoquant.pipeline.report_words import feature_label, feature_unit, flag_meaning
from xenoquant.pipeline.results_tables import COLUMNS
from xenoquant.pipeline.run import RunOptions, run_study

GROUPS = ("control", "low")
HOSTILE = "<script>alert('x')</script>"
DAYS = (7.0, 14.0, 21.0, 28.0)


def write(folder: Path, name: str, columns: str, *rows: tuple[Any, ...]) -> None:
    """Write a table; columns are separated by spaces."""
    table = pd.DataFrame(rows, columns=columns.split())
    table.to_csv(folder / f"{name}.csv", index=False)


def write_study(
    folder: Path,
    assay: str,
    features: dict[str, dict[str, list[float]]],
    tests: list[tuple[Any, ...]],
) -> Path:
    """Write the study's tables: features by group, each value an animal's (a01, a02 …)."""
    animals, groups = [], []
    for feature, held in features.items():
        number = 0
        for group, values in held.items():
            for value in values:
                number += 1
                animals.append((assay, feature, f"a{number:02d}", group, value, 0, 1))
            series = pd.Series(values)
            quartiles = series.quantile([0.5, 0.25, 0.75])
            row = (len(values), series.mean(), series.std(), series.sem(), math.nan, math.nan)
            groups.append((assay, feature, group, *row, *quartiles))
    tables: dict[str, list[Any]] = {
        "images": [],
        "animals": animals,
        "groups": groups,
        "comparisons": [(assay, *row) for row in tests],
        "problems": [],
    }
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    return folder


def report(folder: Path, view: AssayView, **changes: Any) -> str:
    """Write the report and give it without what markup does to apostrophes."""
    held: dict[str, Any] = {
        "title": "Tables",
        "groups": GROUPS,
        "reference": "control",
        "assays": {view.name: view},
    }
    page = write_report(folder, StudyView(**(held | changes))).read_text(encoding="utf-8")
    return page.replace("&#39;", "'")


def words(html: str) -> str:
    """Give the text of a page, tags taken out and blanks made one."""
    text = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def section(html: str, key: str) -> str:
    return html.partition(f'<section id="{key}"')[2].partition("</section>")[0]


def headings(html: str) -> list[str]:
    return [heading.strip() for heading in re.findall(r"<h4>([^<]+)", html)]


# ---- growth ----


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


@pytest.fixture(scope="module")
def growth_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the growth table."""
    folder = tmp_path_factory.mktemp("growth")
    return report(folder, growth(folder))


def test_growth_says_from_which_day_groups_differ(growth_page: str) -> None:
    """The onset by hand: from day 14 as tested, from day 21 corrected; on both pages."""
    for part in (section(growth_page, "findings"), section(growth_page, "a0")):
        assert "low and control differ from day 14 on." in part
        assert "corrected for looking on 4 days (Holm), from day 21 on" in part


def test_growth_draws_its_curves_with_words_and_the_first_removal(growth_page: str) -> None:
    """The description names the means at the end (320 mm³ of two animals, by hand)."""
    figures = re.findall(r"<svg[^>]*>.*?</svg>", growth_page, re.DOTALL)
    curves = [figure for figure in figures if ">Tumour volume over days<" in figure]
    assert len(curves) == 2, "on the first page and on its own"
    for figure in curves:
        assert "control: day 28, mean 320, n = 2" in figure
        assert "first animal left" in figure
    assert "later days are flagged after_removal" in words(growth_page)
    assert "Removed at the size limit: a03." in words(growth_page)


def test_growth_reports_the_last_comparable_day_and_folds_the_others(growth_page: str) -> None:
    """Day 21 in front, with rate, doubling time and area; days 7, 14 and 28 below."""
    page = section(growth_page, "a0")
    front, _, folded = page.partition("Further features")
    assert headings(front) == [
        "Volume on day 21 (mm³)",
        "Growth rate (per day)",
        "Doubling time (days)",
        "Area under the growth curve (mm³ · days)",
    ]
    assert headings(folded) == [f"Volume on day {d} (mm³)" for d in (7, 14, 28)]


def test_growth_tables_hold_each_days_p_and_its_flag(growth_page: str) -> None:
    """All digits of the day's p and of the corrected one; day 28 carries the flag."""
    page = section(growth_page, "a0")
    table = page.partition('id="a0-day-p"')[2].partition("</table>")[0]
    assert re.findall(r'data-value="([^"]+)"', table)[3:6] == ["14.0", "0.0312", "0.0936"]
    assert table.count("after_removal") == 1
    assert "Reached 300 mm³" in page
    assert "χ² = 4.200, p = 0.0404" in page
    assert "not reached by half" in page


def test_flagged_rows_stand_at_the_top_and_are_escaped(growth_page: str) -> None:
    """The jump of row 9 is counted among the problems and listed on the page."""
    top = section(growth_page, "problems")
    assert "A volume that changes more between two days than tumours do." in top
    assert 'href="#a0">volume</a>: 1 row<' in top
    assert "<script>alert" not in growth_page


def test_a_table_left_behind_is_not_read(tmp_path: Path) -> None:
    """Only tables that the run wrote count: without their names the page has no curves."""
    view = growth(tmp_path)
    html = report(tmp_path, replace(view, further_tables=()))
    assert "Tumour volume over days" not in html
    assert "Volume on day 21" in html
    assert set(read_extra(tmp_path, view)) == {"curves", "days", "onset", "flags", "time_to_size"}


def test_ids_of_a_page_of_tables_are_unique(growth_page: str) -> None:
    """The curves stand twice, under ids of their own; every link inside the page arrives."""
    ids = re.findall(r'\sid="([^"]+)"', growth_page)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'href="#([^"]+)"', growth_page):
        assert link in ids


def test_the_downloads_hold_the_further_tables(growth_page: str) -> None:
    """What the page was written from is inside it."""
    for name in ("volume_curves", "volume_days", "volume_onset", "comparisons"):
        assert f'download="{name}.csv"' in growth_page


def test_simulated_tables_are_called_so(tmp_path: Path) -> None:
    """A rendered study's tables are no images."""
    text = words(report(tmp_path, growth(tmp_path), rendered=True))
    assert text.count("Simulated table.") == 2
    assert "Measured on rendered images." not in text
    assert "Its tables are simulated." in text


def test_what_was_measured_names_the_table(growth_page: str) -> None:
    """23 rows of volumes.csv, no image; six animals on day 21."""
    row = section(growth_page, "overview")
    assert "volumes.csv: 23 rows" in row
    assert "0 images" not in row
    assert "6 animals (control: 3; low: 3)" in row


def test_a_study_with_a_growth_table_is_reported(tmp_path: Path) -> None:
    """From the table itself: volumes double every day in one group and grow 4-fold in the other.

    Of the three days the last is reported first; the groups have no spread on a day but their
    sizes' (1, 2 and 3 mm³ at the start), so the growth rates are ln 2 and ln 4 exactly.
    """
    rows = [
        (f"{group}{i}", group, day, i * base**day)
        for group, base in (("control", 2.0), ("low", 4.0))
        for i in (1, 2, 3)
        for day in (1, 2, 3)
    ]
    write(tmp_path, "volumes", "animal group day volume_mm3", *rows)
    text = '[study]\ntitle = "Growth"\ngroup = "group"\ngroups = ["control", "low"]\n'
    text += 'reference = "control"\n[assays.volume]\nmethod = "growth"\ntable = "volumes.csv"\n'
    (tmp_path / "study.toml").write_text(text)
    summary = run_study(tmp_path, RunOptions(jobs=1))
    assert not summary.problems
    page = section(summary.report.read_text(encoding="utf-8"), "a0")
    front, _, folded = page.partition("Further features")
    assert headings(front)[0] == "Volume on day 3 (mm³)"
    assert headings(folded) == ["Volume on day 1 (mm³)", "Volume on day 2 (mm³)"]
    assert f'data-value="{str(math.log(2))[:8]}' in page, "ln 2 among the growth rates"
    assert "Mixed model" in page


# ---- qPCR ----


def qpcr(folder: Path, *, pooled: bool = False) -> AssayView:
    """Folds 0.5, 1, 2 against 2, 4, 8: geometric means 1 and 4, two doublings apart."""
    folds = {"control": [0.5, 1.0, 2.0], "low": [4.0] if pooled else [2.0, 4.0, 8.0]}
    reason = "no test: a pool is one sample" if pooled else "effect is a log2 difference: 4-fold"
    p = math.nan if pooled else 0.0206
    test = ("student_t", "low", "control", 2.45, "4", p, p, 2.0)
    interval = (math.nan, math.nan) if pooled else (-0.25, 4.25)
    tests = [("fold_change.Snai1", *test, *interval, not pooled, reason)]
    write_study(folder, "rna", {"fold_change.Snai1": folds}, tests)
    write(
        folder,
        "rna_folds",
        "gene group n fold_change ci_low ci_high pooled technical_low technical_high",
        ("Snai1", "control", 3, 1.0, 0.18, 5.6, False, "", ""),
        ("Snai1", "low", len(folds["low"]), 4.0, "", "", pooled, 3.5, 4.6),
    )
    write(
        folder,
        "rna_wells",
        "row animal group gene cq replicate plate pooled used reason",
        (2, "a01", "control", "Snai1", 27.1, "1", "", False, True, ""),
        (3, "a01", "control", "Snai1", 29.3, "2", "", False, False, "outlier"),
        (4, "007", "control", "Gapdh", "", "1", "", False, False, "undetermined"),
    )
    write(
        folder,
        "rna_efficiencies",
        "gene amplification efficiency_percent source slope r_squared levels wells note",
        ("Snai1", 1.95, 95.0, "study file", "", "", "", "", ""),
    )
    write(folder, "rna_genorm", "gene m m_at_exclusion rank", ("Gapdh", 0.41, 0.4, 1))
    groups = {"groups": ["low"], "why_no_p": "no test: a pool is one sample (n = 1)"}
    return AssayView(
        "rna",
        "qpcr",
        ("fold_change.Snai1",),
        calibration={
            "genorm": {"v": {"V2/3": 0.12}, "recommended": ["Gapdh"], "samples": 6, "note": ""},
            "pooled": groups if pooled else {},
            "wells": {"read": 3, "left_out": 2},
            "miqe": {"technical replicates": "2 to 3 wells a sample and gene"},
            "miqe_not_in_the_table": ["limit of detection"],
        },
        files=("cq.csv",),
        rows=3,
        further_tables=("rna_folds", "rna_wells", "rna_efficiencies", "rna_genorm"),
    )


def test_folds_are_ratios_of_geometric_means(tmp_path: Path) -> None:
    """2 doublings are a ratio of 4; the interval −0.25 to 4.25 doublings is 0.841 to 19.03."""
    html = report(tmp_path, qpcr(tmp_path))
    text = words(html)
    assert "Geometric means 4.000 (n = 3) and 1 (n = 3)" in text.replace("4 (n", "4.000 (n")
    assert "ratio 4 (95 % CI 0.8409 to 19.03, Student's t)" in text
    assert "Fold change of Snai1" in text
    assert "Ratio (95 % CI)" in text
    assert "low ÷ control" in text


def test_ratios_are_powers_of_two_of_pairs_alone() -> None:
    """η² of a test of all groups is no difference of log2 and stays as it is."""
    table = pd.DataFrame(
        [("anova", "", 0.9, 0.1, 0.95), ("tukey_hsd", "b", -1.0, -2.0, 0.0)],
        columns=["test", "group_b", "effect", "ci_low", "ci_high"],
    )
    made = as_ratios(table)
    assert made["effect"].tolist() == [0.9, 0.5]
    assert made["ci_low"].tolist() == [0.1, 0.25]
    assert table["effect"].tolist() == [0.9, -1.0], "the table given is left alone"


def test_the_axis_of_folds_is_logarithmic(tmp_path: Path) -> None:
    """Ticks by hand: halvings and doublings from 0.5 to 8, and the words of the figure."""
    page = section(report(tmp_path, qpcr(tmp_path)), "a0")
    figure = re.findall(r"<svg[^>]*>.*?</svg>", page, re.DOTALL)[0]
    for tick in ("0.5", "1", "2", "4", "8"):
        assert f">{tick}</text>" in figure
    assert "Fold change of Snai1 (log axis)" in figure
    assert "geometric mean" in figure
    assert "log2 of fold change of Snai1 by group. control: mean 0" in figure


def test_a_heat_map_shows_all_genes(tmp_path: Path) -> None:
    """Its description gives each group's fold."""
    page = section(report(tmp_path, qpcr(tmp_path)), "a0")
    assert "Snai1: control 1, low 4." in page


def test_dropped_wells_are_listed_with_their_reasons(tmp_path: Path) -> None:
    """Rows 3 and 4 by hand; row 2 was used; 007 keeps its name."""
    page = section(report(tmp_path, qpcr(tmp_path)), "a0")
    table = words("<table " + page.partition('id="a0-wells"')[2].partition("</table>")[0])
    assert "3 a01 control Snai1 29.30 outlier" in table
    assert "4 007 control Gapdh no Cq undetermined" in table
    assert "27.1" not in table
    text = words(page)
    assert "2 of 3 wells were left out." in text
    assert "V2/3 0.1200" in text
    assert "Technical replicates 2 to 3 wells a sample and gene" in text
    assert "limit of detection" in text


def test_pooled_samples_have_no_p(tmp_path: Path) -> None:
    """n = 1 a pool: said in the note, in the table of folds and in the claim."""
    text = words(report(tmp_path, qpcr(tmp_path, pooled=True)))
    assert text.count("pooled: n = 1, no p") == 2
    assert "Points: animals, a pool being one" in text
    assert "low and control could not be tested." in text


def test_names_of_groups_and_genes_can_not_break_figures(tmp_path: Path) -> None:
    """Markup in a group's name is shown in heat map and curves, and never run."""
    for view in (qpcr(tmp_path), growth(tmp_path)):
        for file in tmp_path.glob("*.csv"):
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
            table.replace({"low": HOSTILE, "Snai1": HOSTILE}).to_csv(file, index=False)
        html = report(tmp_path, view, groups=("control", HOSTILE))
        assert "<script>alert" not in html
        assert html.count("&lt;script&gt;alert") > 8


@pytest.mark.parametrize("method", ["growth", "qpcr", "iron", "clinical"])
def test_a_table_that_could_not_be_read_has_a_page(tmp_path: Path, method: str) -> None:
    """Its problem stands on top, and its page says that there is no value."""
    problems = [("sheet", "sheet.csv", "read", "the table isn't there", "put it there")]
    table = pd.DataFrame(problems, columns=list(COLUMNS["problems"]))
    table.to_csv(tmp_path / "problems.csv", index=False)
    view = AssayView("sheet", method, files=("sheet.csv",))
    html = report(tmp_path, view)
    assert "the table isn't there" in section(html, "problems")
    assert "No animal has a value in this assay" in section(html, "a0")
    assert "MIQE" not in html
    assert "Odds" not in html


# ---- iron ----


def iron(folder: Path) -> AssayView:
    """Saturations of 30 to 40 % against 10 to 16 %: two below the mark of 20 %."""
    values = {"control": [30.0, 40.0], "low": [10.0, 16.0]}
    tests = [
        (
            *("transferrin_saturation_percent", "student_t", "low", "control", -4.0, "2"),
            *(0.041, 0.041, -22.0, -40.0, -4.0, True, ""),
        )
    ]
    write_study(folder, "iron", {"transferrin_saturation_percent": values}, tests)
    write(
        folder,
        "iron_correlations",
        "name value ci_low ci_high n method note",
        (
            "transferrin_saturation_percent and serum_iron_umol_l",
            0.8,
            0.1,
            0.97,
            4,
            "Fisher's z",
            "",
        ),
    )
    link = (-0.8, -0.95, -0.3, -0.1, -0.6, 0.5, "Fisher's z", "")
    write(
        folder,
        "iron_links",
        "feature other_assay other_feature n rho ci_low ci_high rho_within within_low within_high "
        "method note",
        ("transferrin_saturation_percent", "lungs", "nodules_per_lobe", 4, *link),
    )
    write(
        folder,
        "iron_linked_animals",
        "feature other_assay other_feature animal group x y",
        *(
            ("transferrin_saturation_percent", "lungs", "nodules_per_lobe", animal, group, x, y)
            for animal, group, x, y in (("a01", "control", 30.0, 5), ("a03", "low", 10.0, 20))
        ),
    )
    deficient = (("control", 2, 0, 0.0), ("low", 2, 2, 100.0))
    write(folder, "iron_deficient", "group n deficient deficient_percent", *deficient)
    return AssayView(
        "iron",
        "iron",
        ("transferrin_saturation_percent",),
        calibration={"deficient_below_percent": 20.0},
        files=("iron.csv",),
        rows=4,
        further_tables=(
            *("iron_correlations", "iron_deficient", "iron_links", "iron_linked_animals"),
        ),
    )


def test_the_mark_of_iron_deficiency_is_drawn(tmp_path: Path) -> None:
    """A dashed line with its words, in both places of the figure; two animals lie below it."""
    html = report(tmp_path, iron(tmp_path))
    assert html.count("20 %: deficient below</text>") == 2
    assert "Transferrin saturation below 20 %: 0 of 2 in control; 2 of 2 in low." in html
    assert "Transferrin saturation (%) and Serum iron (µmol/L)" in html


def test_what_goes_with_iron_is_drawn_and_said(tmp_path: Path) -> None:
    """ρ −0.8 whose interval leaves 0 out, within groups not: said on the page and on the first."""
    html = report(tmp_path, iron(tmp_path))
    line = "lungs, nodules per lobe: lower where transferrin saturation is higher, over all groups;"
    assert words(html).count(f"{line} not shown within them.") == 2
    assert "Spearman's ρ −0.8000 (95 % CI −0.9500 to −0.3000), n = 4 animals" in html
    assert "Transferrin saturation (%) across, Nodules per lobe upwards, 2 animals" in html


def test_a_mark_beyond_the_axis_is_not_drawn() -> None:
    """Values of 90 to 95 have an axis that doesn't reach 20; a line there would lie outside."""
    values = pd.DataFrame(
        {"animal": ["a", "b", "c"], "group": "control", "value": [90.0, 92.0, 95.0]}
    )
    empty = pd.DataFrame(columns=list(COLUMNS["comparisons"]))
    figure = figure_svg(
        values,
        empty,
        groups=["control"],
        title="t",
        value_label="v",
        alpha=0.05,
        name="n",
        mark=Mark(20.0, "mark"),
    )
    assert figure is not None
    assert ">mark<" not in figure


# ---- clinical ----


def clinical(folder: Path) -> AssayView:
    """Eight people; odds ratio 0.62 per 10 g/L with age, 0.7 alone; age says nothing."""
    features = {
        "haemoglobin_g_l": {"positive": [110.0, 115.0, 120.0], "negative": [125.0, 130.0, 135.0]},
        "age_years": {"positive": [30.0, 35.0, 40.0], "negative": [31.0, 36.0, 41.0]},
    }
    pair = ("positive", "negative")
    together = (
        "maximum likelihood; adjusted for haemoglobin_g_l, age_years together; n = 6, 3 positive"
    )
    first, second = "odds ratio per 10 of haemoglobin_g_l; ", "odds ratio per 1 of age_years; "
    tests = [
        (
            "haemoglobin_g_l",
            "student_t",
            *pair,
            -3.7,
            "4",
            0.021,
            0.021,
            -15.0,
            -26.0,
            -4.0,
            True,
            "",
        ),
        (
            *("haemoglobin_g_l", "logistic", *pair, -2.2, "", 0.0312, 0.0312, 0.62, 0.4, 0.91),
            *(True, first + together),
        ),
        (
            "age_years",
            "logistic",
            *pair,
            0.1,
            "",
            0.83,
            0.83,
            1.04,
            0.7,
            1.5,
            False,
            second + together,
        ),
        (
            *("haemoglobin_g_l", "logistic", *pair, -2.0, "", 0.045, 0.045, 0.7, 0.5, 0.98),
            *(True, first + "maximum likelihood; alone; n = 6, 3 positive"),
        ),
    ]
    write_study(folder, "nodes", features, tests)
    missing = (("node_status", 0, ""), ("haemoglobin_g_l", 2, "5, 9"), ("age_years", 0, ""))
    write(folder, "nodes_missing", "column missing rows", *missing)
    return AssayView(
        "nodes",
        "clinical",
        calibration={
            "outcome": "node_status",
            "positive": "positive",
            "predictors": {"haemoglobin_g_l": 10.0, "age_years": 1.0},
            "rows": 8,
            "subjects": 6,
        },
        files=("patients.csv",),
        rows=8,
        unit=SUBJECTS,
        groups=("positive", "negative"),
        further_tables=("nodes_missing",),
    )


@pytest.fixture(scope="module")
def clinical_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the clinical table."""
    folder = tmp_path_factory.mktemp("clinical")
    return report(folder, clinical(folder))


def test_people_are_called_subjects(clinical_page: str) -> None:
    """No word of a clinical page calls a person an animal; n counts subjects."""
    page = words(section(clinical_page, "a0"))
    assert "Points: subjects" in page
    assert "n (subjects)" in page
    assert "6 subjects with a known node status. 2 rows could not be used" in page
    assert page.lower().replace("not animals", "").count("animal") == 0
    text = words(clinical_page)
    assert "6 subjects (positive: 3; negative: 3)" in text
    assert "In nodes the unit is the subject" in text
    assert "control: 0" not in text
    assert re.search(r"<dt>animals</dt><dd>0</dd>", clinical_page)
    assert re.search(r"<dt>subjects</dt><dd>6</dd>", clinical_page)


def test_odds_ratios_stand_with_their_amounts_and_intervals(clinical_page: str) -> None:
    """The hand-written numbers, per 10 g/L and per year; no line calls an odds ratio a mean."""
    text = words(clinical_page)
    assert "Haemoglobin (g/L): the higher, the lower the odds of node status positive." in text
    said = "Odds ratio 0.6200 (95 % CI 0.4000 to 0.9100) per 10 g/L, with the others; p = 0.0312"
    assert said in text
    nothing = "Age (years): no association with node status positive shown; this is no evidence"
    assert nothing in text
    assert "difference −15 g/L (95 % CI −26 to −4, Student's t)" in text
    assert "difference +0.6200" not in text


def test_odds_ratios_are_drawn_as_a_forest(clinical_page: str) -> None:
    """Three odds ratios with intervals, in the figure's own words."""
    page = section(clinical_page, "a0")
    (figure,) = [
        figure
        for figure in re.findall(r"<svg[^>]*>.*?</svg>", page, re.DOTALL)
        if ">Odds ratios of node status positive<" in figure
    ]
    for said in (
        "Haemoglobin, per 10 g/L, with the others: 0.62 (0.4 to 0.91)",
        "Haemoglobin, per 10 g/L, alone: 0.7 (0.5 to 0.98)",
        "Age, per 1 year, with the others: 1.04 (0.7 to 1.5)",
    ):
        assert said in figure


def test_missing_values_are_counted(clinical_page: str) -> None:
    """Two of haemoglobin, in rows 5 and 9."""
    text = words(clinical_page)
    assert "haemoglobin_g_l 2 5, 9" in text
    assert "age_years 0 none" in text


# ---- blot ----


def test_a_pooled_lane_says_so(tmp_path: Path) -> None:
    """Lanes as the sheet has them: one used, one pooled, one left out with its reason."""
    values = {"control": [1.0], "low": [0.4]}
    write_study(tmp_path, "blot", {"relative_volume.E-cadherin": values}, [])
    write(
        tmp_path,
        "blot_bands",
        "row image lane animal group protein role pooled object volume saturated loading_volume "
        "ratio relative_volume reason note",
        (
            2,
            "b.tif",
            1,
            "a01",
            "control",
            "E-cadherin",
            "target",
            False,
            1,
            10,
            False,
            5,
            2,
            1,
            "",
            "",
        ),
        (
            3,
            "b.tif",
            2,
            "p1",
            "low",
            "E-cadherin",
            "target",
            True,
            2,
            4,
            False,
            5,
            0.8,
            0.4,
            "",
            "",
        ),
        (
            *(4, "b.tif", 3, "a03", "low", "E-cadherin", "target", False, 3, 9, True, "", "", ""),
            *("the band is saturated", ""),
        ),
    )
    view = AssayView(
        "blot",
        "blot",
        ("relative_volume.E-cadherin",),
        calibration={"pooled_animals": ["p1"]},
        further_tables=("blot_bands",),
    )
    text = words(report(tmp_path, view, rendered=True))
    assert "Relative volume of E-cadherin" in text
    assert "0.4000 pooled: n = 1, no p" in text
    assert "left out: the band is saturated" in text
    assert "Pooled lanes (p1) – pooled: n = 1, no p." in text
    assert "Measured on rendered images." in text, "a blot is an image"


def test_the_legend_of_a_blot_names_lanes_bands_and_saturation() -> None:
    """What the overlay draws has words."""
    labels = " ".join(entry.label for entry in legend("blot"))
    for word in ("lane", "band", "saturated"):
        assert word in labels


# ---- words ----


@pytest.mark.parametrize(
    ("feature", "label", "unit"),
    [
        ("volume_mm3.day_28", "Volume on day 28 (mm³)", " mm³"),
        ("volume_mm3.day_17.5", "Volume on day 17.5 (mm³)", " mm³"),
        ("fold_change.Snai1", "Fold change of Snai1", ""),
        ("relative_volume.E-cadherin", "Relative volume of E-cadherin", ""),
        ("serum_iron_umol_l", "Serum iron (µmol/L)", " µmol/L"),
        ("ferritin_ug_l", "Ferritin (µg/L)", " µg/L"),
        ("doubling_time_days", "Doubling time (days)", " days"),
        ("growth_rate_per_day", "Growth rate (per day)", " per day"),
    ],
)
def test_features_of_tables_have_names(feature: str, label: str, unit: str) -> None:
    """Each as a reader would write it."""
    assert (feature_label(feature), feature_unit(feature)) == (label, unit)


@pytest.mark.parametrize(
    "flag",
    [
        *("background_uncertain", "few_cells", "uneven_illumination", "channels_look_swapped"),
        *("few_control_cells", "one_population", "no_control", "no_white", "no_glass"),
        *("uneven_light", "blank_differs", "coarse_pixels", "other_stain", "pigment", "ink"),
        *("folds", "no_scale", "no_lobe", "confluent", "heavy_glare", "first_timepoint"),
        *("unlabelled_pages", "anisotropic_pixels", "eight_bit_compressed", "eight_bit_export"),
        *("alpha_dropped", "cmyk_converted", "saturated", "spliced", "jpeg_blocks", "jump"),
    ],
)
def test_flags_of_the_methods_have_words(flag: str) -> None:
    """More than the code with its underscores taken out."""
    bare = flag.replace("_", " ").capitalize() + "."
    assert flag_meaning(flag) != bare
    assert flag_meaning(flag).endswith(".")


def test_settings_that_differ_from_the_controls_are_named() -> None:
    """The setting stands in the sentence."""
    said = flag_meaning("laser_percent_differs_from_control")
    assert said.startswith("Taken with another laser power than the negative controls")
