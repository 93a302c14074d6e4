"""The study file: every key, value and remedy named, all problems at once."""

from pathlib import Path

import pytest

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.study import load_study

# The study file of the design document, with the table assays left out.
WHOLE = """
[study]
title = "4T1 tumours under three iron diets"
animal = "animal"
group = "diet"
groups = ["350 ppm", "35 ppm", "3.5 ppm"]
reference = "350 ppm"
alpha = 0.05

[assays.lungs]
method = "nodules"
px_per_mm = 50

[assays.snai1]
method = "fluorescence"
marker = "Snai1"
compartment = "nucleus"
channels = { marker = "Alexa488", nuclei = "DAPI" }

[assays.ferritin]
method = "dab"
marker = "ferritin"
compartment = "cytoplasm"
um_per_px = 0.5
"""


def write(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_designs_own_study_file_is_read_as_written(tmp_path):
    study = load_study(write(tmp_path, WHOLE))
    assert study.header.groups == ("350 ppm", "35 ppm", "3.5 ppm")
    assert list(study.assays) == ["lungs", "snai1", "ferritin"]
    assert study.assays["lungs"].px_per_mm == 50
    assert study.assays["snai1"].channels.nuclei == "DAPI"
    assert study.assays["ferritin"].cutoffs_od == (0.2, 0.4, 0.6)  # the defaults of the definitions
    assert study.results == tmp_path.resolve() / "results"


def test_every_wrong_key_and_value_is_named_at_once_with_its_remedy(tmp_path):
    text = (
        WHOLE.replace("alpha = 0.05", "alpha = 5\ncolour = 1")
        .replace("px_per_mm = 50", "px_per_mm = 'wide'")
        .replace('compartment = "cytoplasm"', 'compartment = "golgi"')
    )
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, text))
    places = {problem.where for problem in caught.value.problems}
    assert {"study.alpha", "study.colour", "assays.ferritin.compartment"} <= places
    assert any(place.startswith("assays.lungs.px_per_mm") for place in places)
    assert all(problem.file == "study.toml" for problem in caught.value.problems)
    assert all(problem.expected and problem.remedy for problem in caught.value.problems)
    assert "'golgi'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[study", "valid TOML"),
        ("", "the key to be there"),
        (WHOLE.replace('reference = "350 ppm"', 'reference = "360 ppm"'), "one of the groups"),
        (WHOLE.replace('"35 ppm", ', '"350 ppm", '), "a name of its own"),
        (WHOLE.replace('method = "dab"', 'method = "stain"'), "'dab'"),
        (WHOLE.replace('method = "dab"\n', ""), "method"),
        (WHOLE.replace("[assays.lungs]", '[assays."../lungs"]'), "pattern"),
    ],
)
def test_a_wrong_file_is_a_message_that_says_what_was_expected(tmp_path, text, expected):
    with pytest.raises(StudyError, match="Remedy") as caught:
        load_study(write(tmp_path, text))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ('["tukey"]', "expected tests among student_t.*; tukey is none of them"),
        ('["welch_t", "equivalence"]', "expected tests other than equivalence"),
    ],
)
@pytest.mark.parametrize("assay", ['method = "nodules"', 'method = "iron"\ntable = "t.csv"'])
def test_a_test_that_cannot_be_run_is_said_before_any_work(tmp_path, assay, tests, said):
    """Contract: check names every problem of the inputs before any work."""
    header = '[study]\ntitle = "t"\ngroup = "diet"\ngroups = ["a", "b"]\nreference = "a"\n'
    (tmp_path / "study.toml").write_text(f"{header}[assays.x]\n{assay}\ntests = {tests}\n")
    with pytest.raises(StudyError, match=said):
        load_study(tmp_path)


def test_a_folder_without_a_study_says_how_to_make_one(tmp_path):
    with pytest.raises(StudyError, match="xenoquant init"):
        load_study(tmp_path)


def test_a_byte_order_mark_and_latin_1(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert load_study(tmp_path).header.reference == "350 ppm"
    (tmp_path / "study.toml").write_bytes(WHOLE.replace("tumours", "tumörs").encode("latin-1"))
    with pytest.raises(StudyError, match="UTF-8"):
        load_study(tmp_path)
