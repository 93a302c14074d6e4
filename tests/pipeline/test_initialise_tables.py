"""What `init` finds of tables, and the templates that it writes."""

import tomllib
from pathlib import Path

import pytest

from xenoquant.pipeline.assays import TABLE_METHODS
from xenoquant.pipeline.check import check_study
from xenoquant.pipeline.initialise import initialise_study
from xenoquant.pipeline.initialise_tables import ALL_TEMPLATES, TEMPLATES

FILLED = {
    "volumes.csv": "m1,a,7,5,4\nm2,b,7,5,4\n",
    "cq.csv": "".join(
        f"{animal},{group},{gene},25,1,,\n"
        for animal, group in (("m1", "a"), ("m2", "b"))
        for gene in ("Gapdh", "G6pd", "Hprt1", "Snai1")
    ),
    "iron.csv": "m1,a,20,60,140,200\nm2,b,8,60,110,80\n",
    "patients.csv": "p1,positive,120,40\np2,negative,130,41\np3,positive,131,50\n"
    "p4,negative,122,39\n",
    "lanes.csv": "",
    "dilutions.csv": "",
    "animals.csv": "",
}


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    initialise_study(tmp_path)
    return tmp_path


def test_every_templates_section_is_a_study_that_runs_once_it_is_filled(begun):
    """Contract: fill a template, take its section out of the comments, and the study checks."""
    text = (begun / "study.toml").read_text().replace('["fill me"]', '["a", "b"]')
    text = text.replace('"fill me"', '"a"')
    head, _, sections = text.partition("# Further evidence")
    lines = [line.removeprefix("# ") for line in sections.splitlines()[2:]]
    lines = [line for line in lines if not line.startswith(("amplification", "dilutions ="))]
    study = "\n".join([head, *(line for line in lines if not line.startswith("animals ="))])
    (begun / "study.toml").write_text(study)
    for name, rows in FILLED.items():
        template = (begun / TEMPLATES / name).read_text()
        (begun / name).write_text(template + rows)
    assert set(tomllib.loads(study)["assays"]) == {"volume", "rna", "iron", "blots", "patients"}
    report = check_study(begun)
    assert report.lines()[-1] == "No problems: the study can run.", report.lines()


def test_there_is_a_template_of_each_table(begun):
    """Contract: every method whose evidence is a table or a sheet of its own has one."""
    written = {file.name for file in (begun / TEMPLATES).iterdir()}
    assert written == {template.file for template in ALL_TEMPLATES} == set(FILLED)
    methods = " ".join(line for template in ALL_TEMPLATES for line in template.section)
    assert all(f'method = "{name}"' in methods for name in (*TABLE_METHODS, "blot"))


def test_tables_that_are_there_become_assays_and_templates_stay(tmp_path):
    """Authority: the columns put in; a template that a person filled in is left alone."""
    (tmp_path / "tumours.csv").write_text("animal,group,day,volume_mm3\nm1,low,7,50\n")
    (tmp_path / "wide.csv").write_text("animal,group,day 7,day 10\nm1,high,50,90\n")
    (tmp_path / "blood.csv").write_text("animal,group,serum_iron_ug_dl,uibc_ug_dl\nm1,low,9,9\n")
    (tmp_path / "notes.csv").write_text("what,when\nfed,today\n")
    (tmp_path / TEMPLATES).mkdir()
    (tmp_path / TEMPLATES / "iron.csv").write_text("mine")
    lines = initialise_study(tmp_path)
    study = tomllib.loads((tmp_path / "study.toml").read_text())
    found = {name: held["table"] for name, held in study["assays"].items()}
    assert found == {"iron": "blood.csv", "volume": "tumours.csv", "volume_2": "wide.csv"}
    assert study["study"]["groups"] == ["low", "high"]
    assert (tmp_path / TEMPLATES / "iron.csv").read_text() == "mine"
    assert not (tmp_path / "samples.csv").exists()
    assert any("blood.csv: method iron" in line for line in lines)
