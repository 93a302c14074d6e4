"""The command line: exit statuses and messages as the design promises, never a traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from xenoquant.pipeline.cli import app


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def tidy(result: Result) -> bool:
    """No exception but the one that carries the exit status."""
    return result.exception is None or isinstance(result.exception, SystemExit)


def test_help_answers_without_the_heavy_imports():
    code = (
        "import sys\n"
        "from xenoquant.pipeline.cli import app\n"
        "heavy = {'numpy', 'pandas', 'cv2', 'scipy', 'skimage', 'numba'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    ["demo", "init", "check", "run", "measure", "compare", "review", "reproduce"],
)
def test_every_command_of_the_design_has_help(command):
    words = ("measure", "--help") if command == "measure" else (command, "--help")
    result = call(*words)
    assert result.exit_code == 0
    assert len(result.output) > 100


def test_run_exits_0_when_all_is_done_and_prints_only_where_the_report_is(finished_study):
    result = call("run", finished_study, "--quiet", "--jobs", 1)
    assert result.exit_code == 0
    assert result.stdout == f"Report: {finished_study.resolve() / 'results' / 'report.html'}\n"


def test_run_exits_1_when_an_input_failed(finished_study):
    (finished_study / "lungs" / "m1.jpg").write_bytes(b"not a photo")
    result = call("run", finished_study, "--jobs", 1)
    assert result.exit_code == 1
    assert "problems.csv" in result.stderr
    assert tidy(result)


def test_run_exits_2_when_the_study_cannot_run(tmp_path):
    result = call("run", tmp_path)
    assert result.exit_code == 2
    assert "xenoquant init" in result.stderr
    assert tidy(result)


def test_check_says_everything_at_once(finished_study):
    assert call("check", finished_study).exit_code == 0
    (finished_study / "lungs" / "m1.jpg").unlink()
    (finished_study / "snai1" / "m1.ome.tif").write_bytes(b"")
    result = call("check", finished_study)
    assert result.exit_code == 1
    assert "lungs/m1.jpg" in result.output
    assert "snai1/m1.ome.tif" in result.output
    sheet = finished_study / "samples.csv"
    sheet.write_text(sheet.read_text().replace(",m2,", ",,"))
    result = call("check", finished_study)
    assert result.exit_code == 2
    assert "the animal of a sample" in result.output
    assert "lungs/m1.jpg" in result.output  # a broken row doesn't hide what the others lack
    study = finished_study / "study.toml"
    study.write_text(study.read_text().replace("px_per_mm", "px_per_cm"))
    result = call("check", finished_study)
    assert result.exit_code == 2
    assert "px_per_cm" in result.output


def test_measure_writes_the_tree_of_results_for_a_folder(finished_study, tmp_path):
    out = tmp_path / "out"
    result = call(
        "measure", "nodules", finished_study / "lungs", "--out", out, "--px-per-mm", 25, "-q"
    )
    assert result.exit_code == 0, result.output
    images = pd.read_csv(out / "images.csv")
    assert set(images["assay"]) == {"nodules"}
    assert sorted(images["image"].unique()) == ["007.jpg", "m1.jpg", "m2.jpg", "m4.jpg"]
    assert (out / "labels" / "nodules" / "m1" / "nodules.tif").is_file()
    assert (out / "overlays" / "nodules" / "m1.jpg").is_file()
    assert (out / "report.html").is_file()
    study = pd.read_csv(finished_study / "results" / "images.csv")
    held = study[study["feature"] == "nodules"].set_index("image")["value"]
    found = images[images["feature"] == "nodules"].set_index("image")["value"]
    assert found["m1.jpg"] == held["lungs/m1.jpg"]  # the same photo, the same number


def test_measure_overwrites_neither_a_study_nor_another_methods_results(finished_study, tmp_path):
    """By hand: what stands in the folder is byte for byte what it was."""
    photo, out = finished_study / "lungs" / "m1.jpg", tmp_path / "out"
    assert call("measure", "nodules", photo, "--out", out, "-q").exit_code == 0
    for folder, held in ((out, "nodules"), (finished_study / "results", "the results of a study")):
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        result = call("measure", "dab", finished_study / "ferritin", "--out", folder, "-q")
        assert tidy(result)
        assert result.exit_code == 2
        assert f"with {held}, expected an empty folder, or earlier results of dab" in result.output
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert call("measure", "nodules", photo, "--out", out, "-q").exit_code == 0


def test_measure_with_controls_blanks_and_channels_by_number(finished_study, tmp_path):
    fields = finished_study / "snai1"
    out = tmp_path / "if"
    result = call(
        *(
            "measure",
            "fluorescence",
            fields,
            "--out",
            out,
            "-q",
            "--channels",
            "nuclei=1",
            "marker=0",
        ),
        *("--negative-control", fields / "igg.ome.tif", "--segmenter", "classical"),
    )
    assert result.exit_code == 0, result.output
    images = pd.read_csv(out / "images.csv")
    roles = images.groupby("image")["role"].first()
    assert roles["igg.ome.tif"] == "negative_control"
    assert (roles == "sample").sum() == 4
    sections = finished_study / "ferritin"
    out = tmp_path / "dab"
    words = (sections / "m1.png", "--blank", sections / "m1_blank.png", "--um-per-px", 0.5)
    result = call("measure", "dab", *words, "--out", out, "-q")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(out / "images.csv")["image"].unique().tolist() == ["m1.png"]


def test_a_nuclear_channel_alone_is_enough(finished_study, tmp_path):
    words = ("--out", tmp_path / "out", "--channels", "nuclei=1", "-q")
    result = call("measure", "fluorescence", finished_study / "snai1" / "m1.ome.tif", *words)
    assert result.exit_code == 0, result.output
    images = pd.read_csv(tmp_path / "out" / "images.csv")
    features = ["cells", "nucleus_area_um2", "integrated_density_per_nucleus"]
    assert images["feature"].unique().tolist() == features
    objects = pd.read_parquet(tmp_path / "out" / "objects" / "fluorescence.parquet")
    assert not [name for name in objects.columns if name.startswith("marker")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nodules", "nowhere.jpg", "--out", "OUT"), "nowhere.jpg"),
        (("nodules", "PHOTO", "--out", "OUT", "--min-diameter-mm", "big"), "--min-diameter-mm"),
        (("fluorescence", "PHOTO", "--out", "OUT", "--channels", "dapi=0"), "--channels"),
        (("dab", "PHOTO", "--out", "OUT", "--cutoffs-od", "0.6,0.4,0.2"), "--cutoffs-od"),
        (("nodules", "PHOTO", "--out", "STUDY"), "nothing in this one was touched"),
    ],
)
def test_a_wrong_word_is_a_message_and_exit_2(finished_study, tmp_path, words, expected):
    places = {
        "OUT": tmp_path / "out",
        "STUDY": finished_study,
        "PHOTO": finished_study / "lungs" / "m1.jpg",
    }
    result = call("measure", *(places.get(word, word) for word in words))
    assert result.exit_code == 2
    assert expected in result.stderr
    assert tidy(result)


def test_init_writes_a_study_that_runs_and_never_overwrites_one(fresh_study):
    (fresh_study / "study.toml").unlink()
    (fresh_study / "samples.csv").unlink()
    for animal, group in (("m1", "a"), ("m2", "a"), ("007", "b"), ("m4", "b")):
        target = fresh_study / "lungs" / group
        target.mkdir(exist_ok=True)
        (fresh_study / "lungs" / f"{animal}.jpg").rename(target / f"{animal}.jpg")
    for folder in ("snai1", "ferritin"):
        for file in (fresh_study / folder).iterdir():
            file.unlink()
        (fresh_study / folder).rmdir()
    result = call("init", fresh_study, "--pattern", "{group}/{animal}.jpg")
    assert result.exit_code == 0, result.output
    sheet = (fresh_study / "samples.csv").read_text()
    assert "lungs,lungs/b/007.jpg,007,b,sample" in sheet
    study = (fresh_study / "study.toml").read_text()
    assert 'method = "nodules"' in study
    assert call("check", fresh_study).exit_code == 0
    assert call("run", fresh_study, "-q", "--jobs", 1).exit_code == 0
    again = call("init", fresh_study)
    assert again.exit_code == 2
    assert "never overwritten" in again.stderr
    assert (fresh_study / "study.toml").read_text() == study


def test_init_leaves_controls_beside_the_groups_without_one(tmp_path):
    """Controls and blanks may lie in a group's folder or beside them: what init writes is sound."""
    places = ("a/m1", "a/m2", "b/m3", "b/m4", "b/igg", "no primary", "blank")
    for number, place in enumerate(places):
        file = tmp_path / "dab" / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (200, 180, 10 * number)).save(file)
    assert call("init", tmp_path, "--pattern", "{group}/{animal}").exit_code == 0
    sheet = (tmp_path / "samples.csv").read_text()
    assert "dab,dab/no primary.png,,,negative_control" in sheet
    assert "dab,dab/blank.png,,,blank" in sheet
    assert "dab,dab/b/igg.png,igg,b,negative_control" in sheet
    checked = call("check", tmp_path)
    assert checked.exit_code == 0, checked.output


def test_compare_gives_the_columns_of_groups_and_comparisons_as_json(tmp_path):
    table = tmp_path / "t.csv"
    # by hand: means 2 and 5, both variances 1; t = 3 / sqrt(1 · 2/3) = 3.674, df = 4
    table.write_text("v,g,animal\n1,a,1\n2,a,2\n3,a,3\n4,b,4\n5,b,5\n6,b,6\n")
    words = ("--value", "v", "--group", "g", "--reference", "a", "--format", "json")
    result = call("compare", table, *words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [row["mean"] for row in found["groups"]] == [2, 5]
    student = next(row for row in found["comparisons"] if row["test"] == "student_t")
    assert student["statistic"] == pytest.approx(3.6742346)
    assert student["effect"] == 3
    assert (student["group_a"], student["group_b"]) == ("b", "a")
    missing = call("compare", table, "--value", "w", "--group", "g")
    assert missing.exit_code == 2
    assert "'w'" in missing.stderr


def test_where_nothing_can_be_written_a_message_names_the_file(finished_study, tmp_path):
    """reliability.md: a disk that is full or refuses is a message and exit status 2.

    A file in a folder's place is refused to every user; permissions are not, to root.
    """
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    table = tmp_path / "values.csv"
    table.write_text(
        "diet,mouse,volume\n" + "".join(f"{g},{g}{i},{i}\n" for g in "ab" for i in "135")
    )
    (finished_study / "results" / "exports").write_text("no folder")
    images = tmp_path / "images"
    shutil.copytree(finished_study / "lungs", images / "lungs")
    (images / "templates").write_text("no folder")
    compare = ("compare", table, "--value", "volume", "--group", "diet", "--unit", "mouse")
    for words, named in (
        (("demo", taken / "demo"), "taken"),
        (("reproduce", taken / "paper"), "taken"),
        ((*compare, "--figures", taken), "taken"),
        (("export", finished_study, "--to", "xlsx"), "exports"),
        (("init", images), "templates"),
    ):
        result = call(*words)
        assert tidy(result), words
        assert result.exit_code == 2, words
        assert named in result.output, words
        assert "Remedy: make room on the disk" in result.output, words


def test_the_console_script_and_version():
    script = Path(sys.executable).with_name("xenoquant")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0.1.0"
