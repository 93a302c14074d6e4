"""The report's page of iron status, against tables written by hand."""

from pathlib import Path

import pandas as pd
from table_pages import report, words, write, write_study

from xenoquant.pipeline.report import AssayView
from xenoquant.pipeline.report_figures import Mark, figure_svg
from xenoquant.pipeline.results_tables import COLUMNS


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
