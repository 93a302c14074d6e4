"""The report's page of qPCR, against tables written by hand."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from growth_tables import growth
from table_pages import HOSTILE, report, section, words, write, write_study

from xenoquant.pipeline.report import AssayView
from xenoquant.pipeline.report_claims import as_ratios
from xenoquant.pipeline.results_tables import COLUMNS


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
