"""The report's page of patients, against tables written by hand."""

import re
from pathlib import Path

import pytest
from table_pages import report, section, words, write, write_study

from xenoquant.pipeline.report import AssayView
from xenoquant.pipeline.report_view import SUBJECTS


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
