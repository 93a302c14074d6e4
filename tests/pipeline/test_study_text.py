"""Saving options into study.toml: the value changes, everything else stays, byte for byte."""

import tomllib

import pytest

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.study_text import save_options, with_options

TEXT = """\
# our study
[study]
title = "t"   # a title
groups = ["a", "b"]
reference = "a"

[assays.lungs]   # photos
method = "nodules"
px_per_mm = 50         # ruler "#3"

# cells
[assays."ferritin.2"]
method = "dab"
cutoffs_od = [
  0.1,  # weak
  0.3,
  0.5,
]
"""


def test_one_line_changes_and_its_comment_stays():
    after = with_options(TEXT, "lungs", {"px_per_mm": 40.5})
    assert after == TEXT.replace("px_per_mm = 50  ", "px_per_mm = 40.5  ")


def test_a_new_option_comes_behind_the_others():
    after = with_options(TEXT, "lungs", {"min_confidence": 0.4, "detector": "classical"})
    added = 'ruler "#3"\nmin_confidence = 0.4\ndetector = "classical"\n'
    assert after == TEXT.replace('ruler "#3"\n', added)


def test_values_over_several_lines_are_replaced_whole():
    after = with_options(TEXT, "ferritin.2", {"cutoffs_od": (0.2, 0.4, 0.6)})
    assert tomllib.loads(after)["assays"]["ferritin.2"]["cutoffs_od"] == [0.2, 0.4, 0.6]
    assert after.startswith(TEXT.split("cutoffs_od")[0])


def test_nothing_to_change_leaves_the_text_alone():
    assert with_options(TEXT, "lungs", {"px_per_mm": 50}) == TEXT
    assert with_options(TEXT, "lungs", {"min_confidence": None}) == TEXT


def test_none_takes_an_option_out():
    after = with_options(TEXT, "lungs", {"px_per_mm": None})
    assert "px_per_mm" not in after
    assert tomllib.loads(after)["assays"]["lungs"] == {"method": "nodules"}


@pytest.mark.parametrize(
    "text",
    [
        '[assays]\nlungs = { method = "nodules" }\n',
        '[assays]\nlungs.method = "nodules"\n',
    ],
)
def test_a_layout_that_cannot_be_changed_line_by_line_is_left_alone(text):
    with pytest.raises(StudyError, match=r"min_confidence = 0\.4"):
        with_options(text, "lungs", {"min_confidence": 0.4})


def test_windows_line_ends_stay():
    text = TEXT.replace("\n", "\r\n")
    after = with_options(text, "lungs", {"px_per_mm": 40})
    assert after == text.replace("px_per_mm = 50  ", "px_per_mm = 40  ")


def test_saving_checks_the_options_first(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(TEXT)
    assert save_options(tmp_path, "lungs", {"min_confidence": 0.4})
    assert not save_options(tmp_path, "lungs", {"min_confidence": 0.4})
    before = file.read_bytes()
    with pytest.raises(StudyError, match="min_confidence"):
        save_options(tmp_path, "lungs", {"min_confidence": 7.0})
    with pytest.raises(StudyError, match="lungs"):
        save_options(tmp_path, "liver", {"min_confidence": 0.4})
    assert file.read_bytes() == before
