"""The report's page of tumour growth, against tables written by hand."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from growth_tables import growth
from table_pages import headings, report, section, words, write

from xenoquant.pipeline.report_extra import read_extra
from xenoquant.pipeline.run import RunOptions, run_study


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
