"""The demo: its truth follows the paper, and its run comes close to it (rendered images)."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.pipeline.demo import make_demo, measured_against_true, run_demo
from xenoquant.pipeline.demo_pictures import DIETS, plan_pictures
from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.run import RunOptions

ONE = RunOptions(jobs=1)


def test_group_means_follow_the_papers_numbers():
    """Jian et al. 2013, Figure 1C: 13.7, 13.9 and 22.9 nodules a lobe, n = 9, SD = SEM · 3."""
    nodules = [picture for picture in plan_pictures(9) if picture.assay == "lungs"]
    for diet, mean, sd in zip(DIETS, (13.7, 13.9, 22.9), (8.1, 7.2, 7.8), strict=True):
        levels = np.array([picture.level for picture in nodules if picture.group == diet.name])
        assert len(levels) == 9
        assert levels.mean() == pytest.approx(
            mean, abs=0.5
        )  # clipping at no nodule moves it little
        assert levels.std(ddof=1) == pytest.approx(sd, rel=0.1)


def test_directions_follow_the_paper():
    """Snai1 rises and ferritin falls with iron deficiency (Figures 2 and 4)."""
    normal, _, deficient = DIETS
    assert deficient.snai1[0] > normal.snai1[0]
    assert deficient.ferritin[0] < normal.ferritin[0]


def test_every_image_has_a_name_a_seed_and_a_row_of_its_own():
    pictures = plan_pictures(9)
    # per animal a photo, two fields and a section; three controls for each of the two stains
    assert len(pictures) == 27 * 4 + 6
    assert len({picture.image for picture in pictures}) == len(pictures)


@pytest.mark.slow
def test_the_demo_runs_and_says_how_close_it_came(tmp_path):
    lines: list[str] = []
    summary = run_demo(tmp_path / "demo", RunOptions(jobs=2), animals=2, say=lines.append)
    assert not summary.problems
    assert "rendered" in lines[0]
    assays = ("lungs", "snai1", "ferritin", "volume", "iron", "rna", "blot")
    assert [line.split(",")[0].strip() for line in lines if line.endswith(":")][-7:] == [*assays]
    # a line for each diet of each assay
    assert sum(line.lstrip().startswith(diet.name) for line in lines for diet in DIETS) == 21
    links = pd.read_csv(summary.results / "iron_links.csv")
    assert set(links["other_assay"]) == {*assays} - {"iron"}
    truth = pd.read_csv(tmp_path / "demo" / "truth.csv")
    images = pd.read_csv(summary.results / "images.csv")
    keys = ["assay", "image", "feature"]
    both = truth[truth["role"] == "sample"].merge(images, on=keys, suffixes=("_true", ""))
    error = (both["value"] - both["value_true"]).abs().groupby(both["feature"]).mean()
    assert error["positive_fraction"] < 0.03
    assert error["h_score"] < 15
    assert measured_against_true(tmp_path / "demo") == lines


def test_a_folder_in_use_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(StudyError, match="nothing in this one was touched"):
        make_demo(tmp_path, ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
