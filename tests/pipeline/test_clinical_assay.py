"""The clinical assay: odds ratios held against R, and nothing kept that identifies a person."""

import json
import math
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from xenoquant.pipeline.clinical_assay import ClinicalAssay
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.study import StudyHeader

HAEMOGLOBIN = [112, 118, 125, 131, 104, 122, 119, 127, 133, 115, 109, 121]
HAEMOGLOBIN += [128, 117, 124, 136, 111, 120, 126, 130, 116, 123, 113, 129]
AGE = [33, 41, 38, 29, 36, 44, 31, 35, 40, 27, 39, 42]
AGE += [30, 34, 37, 43, 28, 32, 26, 36, 45, 33, 38, 41]
NODES = [1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
TITLES = "subject,name,node_status,haemoglobin_g_l,age_years"


@pytest.fixture
def header() -> StudyHeader:
    return StudyHeader(title="t", group="diet", groups=("a", "b"), reference="a")


def lines() -> list[str]:
    rows = zip(NODES, HAEMOGLOBIN, AGE, strict=True)
    return [
        f"P-{place},Secret{place},{'positive' if node else 'negative'},{hb},{age}"
        for place, (node, hb, age) in enumerate(rows)
    ]


def assay(**options) -> ClinicalAssay:
    usual = {
        "table": "patients.csv",
        "outcome": "node_status",
        "positive": "positive",
        "predictors": {"haemoglobin_g_l": 10, "age_years": 1},
    }
    return ClinicalAssay(**(usual | options))


def test_odds_ratios_per_unit_are_those_of_r_glm(tmp_path: Path, header):
    """R 4.2.2, glm(node ~ hb + age, binomial): exp(10 · −0.18021540) and exp(0.02112415)."""
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *lines()]))
    result = assay().evaluate("patients", tmp_path, header)
    rows = result.comparisons.query("test == 'logistic'")
    assert rows["feature"].tolist() == ["haemoglobin_g_l", "age_years"] * 2
    assert rows["effect"].iloc[0] == pytest.approx(math.exp(-1.802153997146763))
    assert rows["effect"].iloc[1] == pytest.approx(math.exp(0.0211241480713691))
    assert rows["p"].iloc[0] == pytest.approx(0.0205858176687254)
    others = result.comparisons.query("test != 'logistic'")
    assert set(others["test"]) == {"student_t", "welch_t", "wilcoxon"}
    assert set(others["group_b"]) == {"negative"}
    assert result.compared == ()
    assert result.problems == ()
    summary = result.tables["patients_summary"]
    assert summary["group"].tolist() == ["positive", "negative"] * 2
    assert summary["n"].tolist() == [11, 13, 11, 13]


def test_nothing_that_identifies_a_person_is_kept(tmp_path: Path, header):
    """Contract: listed columns only; every output is searched for names and numbers of people."""
    body = lines()
    body[2] = body[2].replace("125", "n.d.")
    body[5] = body[4]  # the subject P-4 twice
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *body]))
    result = assay(subject="subject").evaluate("patients", tmp_path, header)
    whole = result.animals.to_csv() + result.comparisons.to_csv() + json.dumps(result.notes)
    whole += "".join(table.to_csv() for table in result.tables.values())
    whole += " ".join(f"{row.error} {row.remedy}" for row in result.problems)
    assert "Secret" not in whole
    assert "P-" not in whole
    errors = sorted(row.error for row in result.problems)
    assert errors[0].startswith("row 4, column haemoglobin_g_l: the cell may mean")
    assert errors[1] == "rows 6, 7: one subject stands there 2 times"
    assert result.notes["subjects"] == 21
    assert result.animals["animal"].iloc[0] == "row 02"
    assert set(result.animals["group"]) == {"positive", "negative"}


def test_no_file_of_a_run_holds_what_identifies_a_person(tmp_path: Path):
    """Contract: listed columns only; every file of the results is searched, byte for byte.

    One row is shifted by a cell, so that a name stands where a number should.
    """
    body = lines()
    body[3] = "P-3,positive,Secret3,Secret3,29"
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *body]))
    (tmp_path / "study.toml").write_text(
        '[study]\ntitle = "t"\ngroup = "diet"\ngroups = ["a", "b"]\nreference = "a"\n'
        '[assays.nodes]\nmethod = "clinical"\ntable = "patients.csv"\noutcome = "node_status"\n'
        'positive = "positive"\npredictors = { haemoglobin_g_l = 10, age_years = 1 }\n'
        'subject = "subject"\n'
    )
    run_study(tmp_path, RunOptions(jobs=1))
    written = [file for file in (tmp_path / "results").rglob("*") if file.is_file()]
    assert {"report.html", "run.json", "ro-crate-metadata.json", "animals.csv"} <= {
        file.name for file in written
    }
    for file in written:
        held = file.read_bytes()
        assert b"Secret" not in held, file
        assert re.search(rb"P-\d", held) is None, file
    problems = (tmp_path / "results" / "problems.csv").read_text()
    assert "row 5" in problems


def test_without_a_header_the_first_person_is_not_told(tmp_path: Path, header):
    """Contract: what stands in an unlisted cell reaches no output, an error's text neither."""
    (tmp_path / "patients.csv").write_text("\n".join(lines()))
    with pytest.raises(InputError, match="the table has 5 columns") as refused:
        assay().evaluate("patients", tmp_path, header)
    assert "Secret" not in str(refused.value)


def test_missing_values_are_counted_and_their_rows_listed(tmp_path: Path, header):
    """By hand: haemoglobin missing in row 2, the outcome in row 4, age nowhere."""
    body = lines()
    body[0] = "P-0,Secret0,positive,,33"
    body[2] = body[2].replace("negative", "")
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *body]))
    result = assay().evaluate("patients", tmp_path, header)
    assert result.tables["patients_missing"].values.tolist() == [
        ["node_status", 1, "4"],
        ["haemoglobin_g_l", 1, "2"],
        ["age_years", 0, ""],
    ]
    assert result.notes["missing"] == {"node_status": 1, "haemoglobin_g_l": 1, "age_years": 0}
    assert result.notes["subjects"] == 23
    assert "n = 22" in result.comparisons.query("test == 'logistic'")["note"].iloc[0]


def test_columns_that_labs_call_otherwise(tmp_path: Path, header):
    """Authority: the same table under its usual names."""
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *lines()]))
    renamed = "Nr;Name;LK;Hämoglobin;Alter"
    text = "\n".join([renamed, *(line.replace(",", ";") for line in lines())])
    (tmp_path / "latin.csv").write_bytes(text.encode("latin-1"))
    columns = {"node_status": "LK", "haemoglobin_g_l": "Hämoglobin", "age_years": "Alter"}
    usual = assay().evaluate("p", tmp_path, header)
    other = assay(table="latin.csv", columns=columns).evaluate("p", tmp_path, header)
    assert other.comparisons["p"].tolist() == usual.comparisons["p"].tolist()


def test_outcomes_and_predictors_that_cannot_be_used_say_why(tmp_path: Path, header):
    """Contract: two outcomes, one of them named; a predictor that doesn't vary is a problem."""
    (tmp_path / "patients.csv").write_text("\n".join([TITLES, *lines()]))
    with pytest.raises(InputError, match="no outcome is 'N1'"):
        assay(positive="N1").evaluate("p", tmp_path, header)
    with pytest.raises(InputError, match="no column called 'bmi'"):
        assay(predictors={"bmi": 1}).evaluate("p", tmp_path, header)
    flat = [line.rsplit(",", 1)[0] + ",40" for line in lines()]
    (tmp_path / "flat.csv").write_text("\n".join([TITLES, *flat]))
    result = assay(table="flat.csv").evaluate("p", tmp_path, header)
    assert "age_years is the same in every row" in result.problems[0].error
    assert "wilcoxon" in set(result.comparisons["test"])
    for wrong in ({"age_years": 0}, {}, {"node_status": 1}):
        with pytest.raises(ValidationError):
            assay(predictors=wrong)
