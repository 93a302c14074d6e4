"""What users see of a study's state: status, progress on a terminal and for programs."""

import io
import json
from dataclasses import replace

from rich.console import Console
from typer.testing import CliRunner

from xenoquant.pipeline.cli import app
from xenoquant.pipeline.dab_assay import DabAssay
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.problems import ProblemRow
from xenoquant.pipeline.progress import JsonLines, LiveCounts, read_counts
from xenoquant.pipeline.progress_bars import Bars
from xenoquant.pipeline.readers import ImageInfo
from xenoquant.pipeline.resources import suitable_jobs, usable_cores
from xenoquant.pipeline.run_lock import only_run
from xenoquant.pipeline.status import study_status

FAILED = ProblemRow("lungs", "a.jpg", "read", "it is cut", "copy it again")


def test_status_counts_what_is_measured_left_and_failed(small_run):
    assert "12 of 12 images measured" in "\n".join(study_status(small_run))
    image = small_run / "dab" / "00003.png"
    image.write_bytes(image.read_bytes() + b"\0")  # other bytes: to be measured anew
    (small_run / "dab" / "00004.png").unlink()
    said = "\n".join(study_status(small_run))
    assert "10 of 11 images measured, 1 to do, 1 whose file can't be read" in said
    assert "Last finished run" in said


def test_status_tells_a_run_that_goes_on_from_one_that_was_cut_short(small_run):
    store = small_run / "results" / "store"
    live = LiveCounts(store)
    live.start("measure", 8, reused=4)
    with only_run(store):
        said = "\n".join(study_status(small_run))
        assert "A run goes on: process" in said
        assert "measure: 0 done, 4 reused, 0 failed, 8 left of 8" in said
    assert "A run goes on" not in "\n".join(study_status(small_run))
    (store / "run.lock").write_text(json.dumps({"pid": 1, "host": "x", "started": "then"}))
    assert "A run was cut short" in "\n".join(study_status(small_run))


def test_a_log_for_programs_says_why_a_run_ended(small_run, monkeypatch):
    """A study that can't be run, and Ctrl-C: the one line on standard error is JSON, too."""
    run = ["run", str(small_run), "--json-log"]
    with only_run(small_run / "results" / "store"):
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


def test_a_wrong_number_of_jobs_is_a_message(small_run):
    result = CliRunner().invoke(app, ["run", str(small_run), "--jobs", "many"])
    assert result.exit_code == 2
    assert "--jobs" in result.stderr
