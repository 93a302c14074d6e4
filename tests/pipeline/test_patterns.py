"""Patterns of file names, held against names written by hand."""

import pytest

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        ("{group}/{animal}_{field}.tif", "if/3.5 ppm/m07_2.tif", ("3.5 ppm", "m07", "2")),
        ("{group}/{animal}_{field}.tif", "35 ppm/007_a_b.TIF", ("35 ppm", "007", "a_b")),
        ("{group}/{animal}_{field}", "3.5/m1_1.ome.tif", ("3.5", "m1", "1")),
        ("{group}/{animal}_{field}.tif", "m07_2.tif", None),
        ("{group}/{animal}_{field}.tif", "35/m07.tif", None),
    ],
)
def test_a_pattern_says_group_animal_and_field(pattern, path, said):
    found = compile_pattern(pattern).match(path)
    assert (None if found is None else tuple(found.values())) == said


def test_a_star_passes_over_what_does_not_matter():
    found = compile_pattern("{group}/*/{animal} *.jpg").match("3.5/week 4/m7 left lobe.jpg")
    assert found == {"group": "3.5", "animal": "m7"}


@pytest.mark.parametrize("text", ["{mouse}.tif", "photo.tif", "{animal}_{animal}.tif", "{}.tif"])
def test_a_pattern_that_names_no_column_is_refused(text):
    with pytest.raises(StudyError, match="--pattern"):
        compile_pattern(text)


def test_a_patterns_dots_are_dots():
    assert compile_pattern("{animal}.tif").match("m1xtif") is None
