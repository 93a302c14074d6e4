"""The sample sheet: all problems at once, each with its row and column."""

from pathlib import Path

import pytest

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.samples import Sample, leaves_folder, study_samples
from xenoquant.pipeline.study import load_study

STUDY = """
[study]
title = "t"
group = "diet"
groups = ["350 ppm", "3.5 ppm"]
reference = "350 ppm"

[assays.lungs]
method = "nodules"
"""
HEAD = "assay,image,animal,diet,role,px_per_mm\n"


def sheet(folder: Path, text: str, study: str = STUDY) -> list[Sample]:
    (folder / "study.toml").write_text(study)
    (folder / "samples.csv").write_bytes(text.encode())
    return study_samples(load_study(folder))


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(StudyError) as caught:
        sheet(folder, text)
    return [(problem.where, problem.value) for problem in caught.value.problems]


def test_identifiers_are_text_and_roles_have_a_default(tmp_path):
    rows = HEAD + "lungs,a.jpg,007,350 ppm,,50\nlungs,b.jpg,,,blank,\n"
    assert sheet(tmp_path, rows) == [
        Sample("lungs", "a.jpg", "007", "350 ppm", "sample", px_per_mm=50.0),
        Sample("lungs", "b.jpg", role="blank"),
    ]


def test_all_problems_come_at_once_in_the_order_of_rows(tmp_path):
    rows = HEAD + (
        "liver,a.jpg,1,350 ppm,,\n"  # no such assay
        "lungs,b.jpg,1,35 ppm,,\n"  # no such group
        "lungs,c.jpg,,350 ppm,,\n"  # no animal
        "lungs,d.jpg,2,350 ppm,control,\n"  # no such role
        "lungs,e.jpg,2,350 ppm,,-3\n"  # a scale below zero
        "lungs,e.jpg,2,350 ppm,,\n"  # the same image again
        "lungs,../f.jpg,3,350 ppm,,\n"  # outside the study
    )
    assert problems(tmp_path, rows) == [
        ("row 2, column assay", "'liver'"),
        ("row 3, column diet", "'35 ppm'"),
        ("row 4, column animal", ""),
        ("row 5, column role", "'control'"),
        ("row 6, column px_per_mm", "'-3'"),
        ("row 7, column image", "'e.jpg'"),
        ("row 8, column image", "'../f.jpg'"),
        ("animal '1'", "35 ppm, 350 ppm"),
    ]


def test_an_animal_in_two_groups_is_refused(tmp_path):
    rows = HEAD + "lungs,a.jpg,1,350 ppm,,\nlungs,b.jpg,1,3.5 ppm,,\n"
    assert problems(tmp_path, rows) == [("animal '1'", "3.5 ppm, 350 ppm")]


def test_a_group_that_looks_like_one_of_the_study_is_told_apart(tmp_path):
    """The Angstrom sign and the letter Å look alike; in Unicode they are equivalent."""
    study = STUDY.replace("350 ppm", "350 \u00c5")
    rows = HEAD + "lungs,a.jpg,1,350 \u212b,,\n"
    with pytest.raises(StudyError, match=r"copy the name from study\.toml: it looks the same"):
        sheet(tmp_path, rows, study)


def test_a_sheet_that_is_not_there_is_asked_for_by_its_name(tmp_path):
    sheet(tmp_path, HEAD + "lungs,a.jpg,1,350 ppm,,\n")
    (tmp_path / "samples.csv").rename(tmp_path / "samples.xlsx")
    with pytest.raises(StudyError, match=r"no such file.*save the sheet as samples\.csv"):
        study_samples(load_study(tmp_path))


def test_a_missing_column_is_named_by_the_studys_own_name(tmp_path):
    with pytest.raises(StudyError, match="'diet'"):
        sheet(tmp_path, "assay,image,animal\nlungs,a.jpg,1\n")


@pytest.mark.parametrize("scale", ["0,5", "1250,25", "0.5", "5e1"])
def test_a_scale_may_have_a_decimal_comma(tmp_path, scale):
    """A sheet of semicolons, as spreadsheets write it where the comma is the decimal mark."""
    rows = (HEAD + f"lungs,a.jpg,1,350 ppm,,{scale}\n").replace(",", ";")
    rows = rows.replace(scale.replace(",", ";"), scale)
    assert sheet(tmp_path, rows)[0].px_per_mm == float(scale.replace(",", "."))


@pytest.mark.parametrize("bad", ["nan", "inf", "0", "-1", "fifty", '"1,250"'])
def test_a_scale_is_a_positive_finite_number(tmp_path, bad):
    rows = HEAD + f"lungs,a.jpg,1,350 ppm,,{bad}\n"
    assert problems(tmp_path, rows) == [("row 2, column px_per_mm", repr(bad.strip('"')))]


def test_images_outside_are_allowed_only_when_the_study_says_so(tmp_path):
    rows = HEAD + "lungs,/elsewhere/a.jpg,1,350 ppm,,\n"
    assert problems(tmp_path, rows) == [("row 2, column image", "'/elsewhere/a.jpg'")]
    allowed = STUDY.replace("[study]", "[study]\nread_outside = true")
    assert sheet(tmp_path, rows, allowed)[0].image == "/elsewhere/a.jpg"


def test_what_leaves_the_folder_is_what_resolves_outside_of_it(tmp_path):
    """Links to folders and files, in circles and back again: as the system leads, by hand."""
    folder = tmp_path / "study"
    for inner in (folder / "in", tmp_path / "out"):
        inner.mkdir(parents=True)
    (folder / "l").symlink_to(tmp_path / "out")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "in" / "f").symlink_to(tmp_path / "out" / "x")
    (folder / "in" / "g").symlink_to(folder / "in" / "h")
    inside = ("a", "in/a", "in/.", "in/..", "./in/a", "../study/a", "in/g", "a\0b", "", ".")
    nowhere = ("loop/x", "in/" + "y" * 5000)
    outside = (
        "..",
        "in/../..",
        "l",
        "l/x",
        "l/..",
        "l/../x",
        "in/../l/x",
        "in/f",
        "/etc",
        "../b/a",
    )
    known: dict[Path, Path] = {}
    for image in (*inside, *nowhere, *outside):
        assert leaves_folder(folder, image) == (image in outside), image
        assert leaves_folder(folder, image, known) == (image in outside), image
