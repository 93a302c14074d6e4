"""A real viewer under Xvfb, moved by real mouse and key events; the tables of the run after it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xenoquant.pipeline.run import RunOptions, run_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reviewed(drive, _lungs_once, _stains_once, _slide_once, tmp_path_factory):
    """Three studies after a review by hand, and what was seen during it."""
    desk = tmp_path_factory.mktemp("desk")
    once = {"lungs": _lungs_once, "stains": _stains_once, "slide": _slide_once}
    studies = {name: Path(shutil.copytree(held, desk / name)) for name, held in once.items()}
    return studies, drive("review_driver.py", *studies.values())


def test_a_blinded_reader_sees_no_name_and_no_count(reviewed):
    seen = reviewed[1]["lungs"]
    assert seen["blind"] == [
        f"Image {seen['place'] + 1} of 3",
        *("image", "lobes", "not_assessable", "nodules", "stroke"),
    ]
    assert "first act" in seen["hidden"]
    assert not any(character.isdigit() for character in seen["hidden"])
    assert seen["unblinded"].endswith(("m1, 350 ppm", "m2, 350 ppm", "m3, 3.5 ppm"))


def test_every_correction_works_by_key_and_mouse(reviewed):
    """By hand: each act changes the count by what it is."""
    seen = reviewed[1]["lungs"]
    begin = seen["begin"]
    assert seen["deleted"][:2] == [["delete"], begin - 1]
    assert f"Count <b>{begin - 1}</b>" in seen["deleted"][2]  # numbers follow at once
    assert seen["radius"] == pytest.approx(4, abs=0.6)  # dragged four pixels, on a coarse canvas
    assert seen["added"] == [["delete", "add", "add"], begin + 1]
    assert seen["undone"] == ["undo", begin]  # napari's own Ctrl-Z
    assert seen["redone"] == ["redo", begin + 1]
    assert seen["split"] == ["split", begin + 2]
    assert seen["joined"] == ["merge", begin + 1]
    assert seen["seeded"] == ["split_seeds", begin + 2]
    assert seen["redrawn"][0] == "redraw"
    assert seen["redrawn"][1] == pytest.approx(12 * 12, rel=0.25)
    assert seen["boundary"][0] == "boundary"
    assert seen["boundary"][1] > 0
    assert seen["marked"][0] == "not_assessable"
    assert seen["cleared"][1] < seen["marked"][1]
    assert seen["painted"] == ["paint", True]  # napari's own brush
    assert seen["unpainted"] == ["undo", True]
    assert seen["polygon"] == ["paint", True]  # napari tells of it before the pixels change
    assert seen["unpolygon"] == ["undo", True]
    assert seen["shown_is_kept"]
    assert f"nodules {seen['end']}" in seen["measured"]


def test_classes_are_given_by_key_and_shown_in_their_colour(reviewed):
    seen = reviewed[1]["stains"]
    assert (seen["class"], seen["shown"], seen["next"], seen["undone"]) == (3, 4, 0, 3)
    assert seen["cell_left"] is False
    assert (seen["scale"], seen["units"]) == ([0.5, 0.5], "micrometer")
    assert "positive <b>" in seen["positive"]


def test_the_queue_goes_on_and_comes_back_tomorrow(reviewed):
    seen = reviewed[1]["lungs"]
    assert "reason" in seen["refused"]
    statuses = seen["statuses"]
    assert statuses[seen["first"]] == "accepted"
    assert statuses[seen["second"]] == "rejected"
    assert seen["gone"].startswith("Not opened: Image ")
    assert seen["layers_left"] == 0
    assert seen["resumed"]
    assert seen["kept"] == seen["end"]
    assert seen["undo_left"] > 5


def test_a_run_finds_the_corrections(reviewed):
    studies, seen = reviewed
    lungs, stains = studies["lungs"], studies["stains"]
    for study in (lungs, stains):
        run_study(study, RunOptions(jobs=1))
    images = pd.read_csv(lungs / "results" / "images.csv", keep_default_na=False)
    first = images[images["image"] == seen["lungs"]["first"]].set_index("feature")
    assert float(first.at["nodules", "value"]) == seen["lungs"]["end"]
    assert "reviewed:ann" in first.at["nodules", "flag"].split(";")
    assert seen["lungs"]["second"] not in set(images["image"])
    problems = pd.read_csv(lungs / "results" / "problems.csv")
    row = problems[problems["image"] == seen["lungs"]["second"]].iloc[0]
    assert (row["stage"], "out of focus" in row["error"]) == ("review", True)
    cells = pd.read_csv(stains / "results" / "images.csv", keep_default_na=False)
    held = cells[cells["image"] == seen["stains"]["image"]].set_index("feature")
    count = seen["stains"]["positive"].split("<b>")[1].split("<")[0]
    assert float(held.at["cells", "value"]) == float(count)


def test_a_slide_is_looked_at_in_full_and_corrected_on_its_overview(reviewed):
    """By hand: a square of 16 pixels of the overview, 4 µm each, is marked in one of two pieces of
    224 µm a side, and the other is deleted; the next run measures what is left.
    """
    studies, seen = reviewed[0], reviewed[1]["slide"]
    assert seen["layers"] == ["image", "cells", "nuclei", "not_assessable", "tissue", "stroke"]
    assert seen["lazy"] == ["Array", "Array"]  # zarr's, of which only what is in sight is read
    np.testing.assert_allclose(seen["extents"]["image"], seen["extents"]["cells"])
    # napari gives the middles of the first and last pixels, of 0.5 µm and of 4 µm
    inside = np.array(seen["extents"]["tissue"]) - np.array(seen["extents"]["image"])
    np.testing.assert_allclose(inside, [[1.75, 1.75], [-1.75, -1.75]])
    assert "first act" in seen["hidden"]
    assert seen["marked"] == pytest.approx(17 * 17, rel=0.25)
    assert seen["actions"] == ["not_assessable", "delete"]
    assert "Pieces of tissue <b>1</b>" in seen["numbers"]
    assert seen["left"] == 0
    run_study(studies["slide"], RunOptions(jobs=1))
    regions = pd.read_parquet(studies["slide"] / "results" / "regions" / "ferritin.parquet")
    before = 2 * 224e-3**2
    shown = float(seen["numbers"].split("<b>")[2].split()[0])
    assert regions["area_mm2"].sum() == pytest.approx(shown, abs=0.005)
    assert shown < 0.5 * before


@pytest.fixture(scope="module")
def opened(drive, _lungs_once, tmp_path_factory):
    """What was seen when every contribution was opened, and the study it was done on."""
    lungs = Path(shutil.copytree(_lungs_once, tmp_path_factory.mktemp("plugin") / "lungs"))
    text = (lungs / "study.toml").read_text().replace("px_per_mm = 25", "px_per_mm = 25  # ruler")
    (lungs / "study.toml").write_text(text)
    return lungs, text, drive("plugin_driver.py", lungs)


def test_no_key_clashes_with_naparis_own_and_all_are_shown(opened):
    """Authority: napari's key maps of viewer, images and labels, its actions, and its menus."""
    seen = opened[2]
    assert seen["known"] > 50
    assert seen["clash"] == []
    assert seen["twice"] == 0
    assert len(seen["panel_keys"]) == 16  # every key but Alt-0 … Alt-3, which share a line


def test_no_button_of_the_panel_is_cut_whatever_is_said(opened):
    """Authority: Qt's own visible region of each button, and the size that its text needs."""
    cut = opened[2]["cut"]
    assert cut["buttons"] >= 19
    assert (cut["high"], cut["low"]) == ([], [])


def test_samples_open_and_are_measured_in_place(opened):
    for key, objects in (("lungs", "nodules"), ("field", "nuclei"), ("section", "nuclei")):
        seen = opened[2][key]
        assert objects in seen["layers"]
        assert len({tuple(scale) for scale in seen["scales"]}) == 1
        assert seen["units"] == ["micrometer"]
        assert seen["objects"] > 5
        assert seen["index_is_number"]
    assert "mean_intensity" in opened[2]["field"]["said"]  # both channels were understood


def test_tuning_previews_the_visible_part_and_saves_to_the_study(opened):
    lungs, before, seen = opened
    tuning = seen["tuning"]
    assert tuning["preview_shape"][0] * tuning["preview_shape"][1] < 700 * 1000
    assert tuning["followed"][0] != tuning["followed"][1]
    assert tuning["loaded"] == 0.5
    assert "min_confidence" in tuning["saved"]
    text = (lungs / "study.toml").read_text()
    assert text == before.replace("25  # ruler", "25  # ruler\nmin_confidence = 0.9")
    assert tomllib.loads(text)["assays"]["lungs"]["min_confidence"] == 0.9


def test_a_study_folder_opens_and_a_wrong_one_is_told(opened):
    seen = opened[2]
    assert seen["study"][0] == "m1.jpg"
    assert {"lobes", "nodules"} <= set(seen["study"])
    assert "study.toml" in seen["refused"]
    assert "Image" in seen["review"]


def test_without_napari_the_command_says_what_to_install(study, tmp_path):
    """An import that fails, as in a core install; no traceback, exit status 2."""
    for name in ("napari", "psygnal", "magicgui", "qtpy", "superqt"):
        (tmp_path / f"{name}.py").write_text(
            f"raise ModuleNotFoundError('no module', name={name!r})"
        )
    done = run_command(study, PYTHONPATH=str(tmp_path), DISPLAY=":0")
    assert done.returncode == 2, done.stderr
    assert 'pip install "xenoquant[napari]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_display_the_command_says_so(study):
    done = run_command(study)
    assert done.returncode == 2, done.stderr
    assert "display" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_results_the_command_says_to_run(study):
    shutil.rmtree(study / "results")
    done = run_command(study, DISPLAY=":0")
    assert done.returncode == 2, done.stderr
    assert "xenoquant run" in done.stderr


@pytest.fixture(scope="module")
def settled(drive, _lungs_once, tmp_path_factory):
    """A study that two readers corrected and a third settled by hand, and what was seen."""
    lungs = Path(shutil.copytree(_lungs_once, tmp_path_factory.mktemp("settle") / "lungs"))
    return lungs, drive("settle_driver.py", lungs)


def test_differences_are_shown_one_by_one_and_settled_by_hand(settled):
    """By hand: ann deletes one nodule and adds one; bob leaves both as they were."""
    seen = settled[1]
    assert sorted(seen["asked"]) == ["only_first", "only_second"]
    assert seen["looked"] == [pytest.approx(place, abs=1.0) for place in seen["places"]]
    assert seen["texts"][0].startswith("2 left")
    assert seen["texts"][-1].startswith("No difference is left")
    assert seen["enabled"] == [True, True, False]
    assert seen["count"] == seen["program"] + 1  # ann's own stays, and bob's comes back
    assert seen["undone"] == seen["program"]
    assert seen["actions"] == ["settle_first", "settle_second", "undo", "redo", "accepted"]


def test_what_was_settled_stands_in_log_and_tables(settled):
    study, seen = settled
    lines = [json.loads(line) for line in Path(seen["log"]).read_text().splitlines()]
    assert {line["reader"] for line in lines} == {"carol"}
    run_study(study, RunOptions(jobs=1))
    images = pd.read_csv(study / "results" / "images.csv", keep_default_na=False)
    row = images[images["image"] == seen["image"]].set_index("feature").loc["nodules"]
    assert float(row["value"]) == seen["count"]
    assert "reviewed:carol" in row["flag"].split(";")
    assert "readers_not_settled" not in row["flag"]


def run_command(study: Path, **known: str) -> subprocess.CompletedProcess[str]:
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in named}
    code = "from xenoquant.pipeline.cli import main; main()"
    command = [sys.executable, "-W", "ignore", "-c", code, "review", str(study), "--reader", "ann"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**environment, **known}
    )


def test_the_driver_left_a_log_that_can_be_read(reviewed):
    file = Path(reviewed[1]["lungs"]["log"])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
