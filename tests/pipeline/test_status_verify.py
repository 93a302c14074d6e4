"""What users see of a study's state: status, verify, progress on a terminal and for programs."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import tifffile
from rich.console import Console
from typer.testing import CliRunner

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline import report
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.dab_assay import DabAssay
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.packing import read_packed, read_packed_labels, write_packed
from xenoquant.pipeline.problems import ProblemRow
from xenoquant.pipeline.progress import JsonLines, LiveCounts, read_counts
from xenoquant.pipeline.progress_bars import Bars
from xenoquant.pipeline.readers import ImageInfo
from xenoquant.pipeline.resources import suitable_jobs, usable_cores
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.run_lock import only_run
from xenoquant.pipeline.status import study_status
from xenoquant.pipeline.verify import verify_study
from xenoquant.pipeline.writers import encoded_labels

IMAGES = 12
FAILED = ProblemRow("lungs", "a.jpg", "read", "it is cut", "copy it again")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory, small_studies: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("status") / "study"
    small_studies.write_small_study(folder, IMAGES)
    with pytest.MonkeyPatch.context() as patch:  # the report's figures take most of a small run
        patch.setattr(report, "write_report", lambda folder, view: folder / "report.html")
        run_study(folder, RunOptions(jobs=1))
    return folder


@pytest.fixture
def study(_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_made, tmp_path / "study"))


def test_status_counts_what_is_measured_left_and_failed(study):
    assert f"{IMAGES} of {IMAGES} images measured" in "\n".join(study_status(study))
    image = study / "dab" / "00003.png"
    image.write_bytes(image.read_bytes() + b"\0")  # other bytes: to be measured anew
    (study / "dab" / "00004.png").unlink()
    said = "\n".join(study_status(study))
    assert "10 of 11 images measured, 1 to do, 1 whose file can't be read" in said
    assert "Last finished run" in said


def test_status_tells_a_run_that_goes_on_from_one_that_was_cut_short(study):
    store = study / "results" / "store"
    live = LiveCounts(store)
    live.start("measure", 8, reused=4)
    with only_run(store):
        said = "\n".join(study_status(study))
        assert "A run goes on: process" in said
        assert "measure: 0 done, 4 reused, 0 failed, 8 left of 8" in said
    assert "A run goes on" not in "\n".join(study_status(study))
    (store / "run.lock").write_text(json.dumps({"pid": 1, "host": "x", "started": "then"}))
    assert "A run was cut short" in "\n".join(study_status(study))


def test_results_that_hold_are_said_to_hold(study):
    found = verify_study(study, sample=2, seed=1)
    assert found.holds
    assert found.lines()[-1] == "The results hold."
    assert f"{IMAGES} of {IMAGES} input files" in found.checked[0]


def test_what_changed_since_the_run_is_named(study):
    (study / "dab" / "00002.png").write_bytes(b"another image")
    (study / "results" / "animals.csv").write_text("edited")
    found = verify_study(study, sample=0)
    assert not found.holds
    assert any("input dab/00002.png" in text for text in found.broken)
    assert any("result animals.csv" in text for text in found.broken)
    result = CliRunner().invoke(app, ["verify", str(study), "--sample", "0"])
    assert result.exit_code == 1
    assert "do not hold" in result.output


def test_label_images_are_compared_with_what_was_measured(study):
    """One byte of a published label image, or the whole of another, by hand: each is named."""
    found = verify_study(study, sample=0)
    folder = study / "results" / "labels" / "ferritin" / "dab"
    count = len(list(folder.rglob("*.tif")))
    assert f"Compared with what was measured: {count} label images." in found.checked
    altered, gone = folder / "00003" / "cells.tif", folder / "00004" / "nuclei.tif"
    content = bytearray(altered.read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    gone.unlink()
    found = verify_study(study, sample=0)
    assert [text.split(":")[0] for text in found.broken] == [
        "result labels/ferritin/dab/00003/cells.tif",
        "result labels/ferritin/dab/00004/nuclei.tif",
    ]


def test_what_study_and_sheet_say_otherwise_is_named(study):
    """A comment changes nothing; a cut-off, the level of significance, a group do."""
    toml, sheet = study / "study.toml", study / "samples.csv"
    text = toml.read_text()
    toml.write_text(text.replace("[assays.ferritin]", "# a comment\n[assays.ferritin]"))
    assert verify_study(study, sample=0).holds
    toml.write_text(
        text.replace("[study]", "[study]\nalpha = 0.01").replace(
            "[assays.ferritin]", "[assays.ferritin]\ncutoffs_od = [0.1, 0.2, 0.3]"
        )
    )
    found = verify_study(study, sample=0)
    assert found.broken == (
        "study.toml, [assays.ferritin]: not as at the run: cutoffs_od",
        "study.toml, [study]: not as at the run: alpha",
    )
    toml.write_text(text)
    rows = sheet.read_text().splitlines()
    sheet.write_text("\n".join(rows[:-1]) + "\n")
    assert (
        "the sample sheet: its rows are not those of the run"
        in verify_study(study, sample=0).broken
    )


def test_an_image_that_failed_in_the_run_has_not_changed(study, monkeypatch):
    """It is a row of problems.csv: there is no result of it that could hold or not."""
    monkeypatch.setattr(report, "write_report", lambda folder, view: folder / "report.html")
    image = study / "dab" / "00002.png"
    image.write_bytes(image.read_bytes()[:500])
    assert run_study(study, RunOptions(jobs=1)).failed
    assert verify_study(study, sample=0).holds


def test_a_label_image_that_was_deleted_or_cut_off_is_published_again(study, monkeypatch):
    """The next run, with nothing else to do, gives back the same bytes."""
    monkeypatch.setattr(report, "write_report", lambda folder, view: folder / "report.html")
    folder = study / "results" / "labels" / "ferritin" / "dab"
    deleted, cut = folder / "00003" / "cells.tif", folder / "00004" / "nuclei.tif"
    before = deleted.read_bytes(), cut.read_bytes()
    deleted.unlink()
    cut.write_bytes(before[1][:100])
    assert run_study(study, RunOptions(jobs=1)).measured == 0
    assert (deleted.read_bytes(), cut.read_bytes()) == before


def test_a_stored_measurement_that_was_tampered_with_is_found(study):
    """Every stored label image gets one more object: whichever is measured again differs."""
    for file in (study / "results" / "store").rglob("measurement.bin"):
        held, files = read_packed(file), read_packed_labels(file)
        labels = tifffile.imread(io.BytesIO(files["cells"]))
        labels[:2, :2] = labels.max() + 1
        files["cells"] = encoded_labels(labels, um_per_px=held.um_per_px)
        kept = Measurement(held.objects, held.regions, {}, held.profiles, held.flags, held.notes)
        write_packed(file, kept, um_per_px=held.um_per_px, labels=files)
    found = verify_study(study, sample=1)
    assert any("its label images differ" in text for text in found.broken)


def test_a_study_that_was_never_run_is_a_message(study):
    shutil.rmtree(study / "results")
    result = CliRunner().invoke(app, ["verify", str(study)])
    assert result.exit_code == 2
    assert "xenoquant run" in result.stderr


def test_a_log_for_programs_says_why_a_run_ended(study, monkeypatch):
    """A study that can't be run, and Ctrl-C: the one line on standard error is JSON, too."""
    run = ["run", str(study), "--json-log"]
    with only_run(study / "results" / "store"):
        result = CliRunner().invoke(app, run)
    told = json.loads(result.stderr)
    assert (result.exit_code, told["event"]) == (2, "stopped")
    assert "no other run of this study" in told["reason"]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xenoquant.pipeline.run.run_study", interrupted)
    result = CliRunner().invoke(app, run)
    told = json.loads(result.stderr)
    assert (result.exit_code, told["event"]) == (130, "stopped")
    assert told["reason"].startswith("Stopped. What was measured is kept")


def test_a_log_for_programs_has_one_object_a_line():
    stream = io.StringIO()
    log = JsonLines(stream)
    log.start("measure", 3, reused=1)
    log.advance("measure", image="b.jpg")
    log.advance("measure", problem=FAILED)
    log.finish({"measured": 1})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["stage", "done", "failed", "finished"]
    assert lines[0]["total"] == 3
    assert lines[1]["image"] == "b.jpg"
    assert (lines[2]["image"], lines[2]["error"]) == ("a.jpg", "it is cut")
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_counts_are_kept_for_status_and_gone_after_the_run(tmp_path):
    live = LiveCounts(tmp_path)
    live.start("measure", 10, reused=5)
    counts = read_counts(tmp_path)
    assert (counts.total, counts.reused, counts.done) == (10, 5, 0)
    live.finish({})
    assert read_counts(tmp_path) is None


def test_bars_show_counts_rate_and_time_left():
    screen = io.StringIO()
    bars = Bars(Console(file=screen, force_terminal=True, width=140))
    bars.start("measure", 2, reused=7)
    bars.advance("measure")
    bars.advance("measure", problem=FAILED)
    bars.finish({})
    said = screen.getvalue()
    assert "2/2" in said
    assert "7 reused, 1 failed" in said
    assert "/s" in said or "/min" in said
    quiet = io.StringIO()
    silent = Bars(Console(file=quiet))  # no terminal
    silent.start("measure", 2)
    silent.advance("measure")
    assert quiet.getvalue() == ""


def test_auto_jobs_are_bounded_by_cores_and_memory(monkeypatch):
    from xenoquant.pipeline import resources

    monkeypatch.setattr(resources, "usable_cores", lambda: 8)
    monkeypatch.setattr(resources, "free_bytes", lambda: 10**12)
    assert suitable_jobs([]) == 8
    monkeypatch.setattr(resources, "free_bytes", lambda: 1_400_000_000)  # by hand: 0.8 · 1.4 / 0.45
    assert suitable_jobs([]) == 2
    monkeypatch.setattr(resources, "free_bytes", lambda: 0)
    assert suitable_jobs([]) == 1
    assert usable_cores() >= 1


def test_memory_is_reckoned_by_method_and_size():
    """By hand: 4 megapixels at 110 bytes; the network's 200 MB on top of 100 a pixel; of a slide of
    a gigapixel, a block of 3 megapixels and 1/256 of the slide.
    """
    field = ImageInfo(0, "", "rgb", (2000, 2000, 3), (), 0.5, 8, "uint8")
    slide = replace(field, shape=(32_000, 32_000, 3), levels=((32_000, 32_000), (2000, 2000)))
    assert DabAssay().working_bytes(field) == 440_000_000
    assert FluorescenceAssay(segmenter="network").working_bytes(field) == 600_000_000
    assert FluorescenceAssay(segmenter="classical").working_bytes(field) == 400_000_000
    assert DabAssay().working_bytes(slide) == 110 * (3_000_000 + 4_000_000)


def test_a_wrong_number_of_jobs_is_a_message(study):
    result = CliRunner().invoke(app, ["run", str(study), "--jobs", "many"])
    assert result.exit_code == 2
    assert "--jobs" in result.stderr
