"""Faults: after a kill, a full disk or a changing input a plain re-run ends with the same tables.

Authority: the tables of an undisturbed run, byte for byte.
"""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import psutil
import pytest

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline import measuring, report, store, writers
from xenoquant.pipeline.dab_assay import DabAssay
from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.leftovers import remove_leftovers
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.run_lock import is_held, only_run, read_holder

ONE = RunOptions(jobs=1)
IMAGES = 24
# a test may run where Ctrl-C is ignored (a shell's background), and its processes inherit that
PROGRAM = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from xenoquant.pipeline.cli import main; main()",
]


def short_report(results: Path, *_: object) -> Path:
    """Stand in for the report, whose figures take most of a small run's time."""
    (results / "report.html").write_text("a report")
    return results / "report.html"


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write_report", short_report)
        yield


@pytest.fixture(scope="module")
def _calm(tmp_path_factory: pytest.TempPathFactory, small_studies: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("calm") / "study"
    small_studies.write_small_study(folder, IMAGES)
    assert not run_study(folder, ONE).problems
    return folder


@pytest.fixture
def finished_study(_calm: Path, tmp_path: Path) -> Path:
    """A copy of a small study after an undisturbed run."""
    return Path(shutil.copytree(_calm, tmp_path / "finished"))


@pytest.fixture
def fresh_study(_calm: Path, tmp_path: Path) -> Path:
    """A copy of it without results."""
    leave_out = shutil.ignore_patterns("results")
    return Path(shutil.copytree(_calm, tmp_path / "fresh", ignore=leave_out))


def start(study: Path, *words: str) -> subprocess.Popen[str]:
    """Run a study as a user does, in a process group of its own."""
    command = [*PROGRAM, "run", str(study), *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, start_new_session=True, **pipes)


def wait_for_results(study: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many images are stored."""
    while len(list((study / "results" / "store").glob("??/*/measurement.bin"))) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def all_ended(processes: list[psutil.Process], seconds: float) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_goes_on_where_it_was(fresh_study, finished_study, tables, blow):
    process = start(fresh_study, "--jobs", "2", "--quiet")
    wait_for_results(fresh_study, 2, process)
    workers = family(process)
    started = time.monotonic()
    process.send_signal(blow)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - started < 10  # "within seconds"
    if blow != signal.SIGKILL:
        assert process.returncode == 130
        assert "run the same command again" in said
        assert "Traceback" not in said
    assert all_ended(workers, 10)
    stored = len(list((fresh_study / "results" / "store").glob("??/*/measurement.bin")))
    summary = run_study(fresh_study, ONE)
    assert summary.measured == IMAGES - stored
    assert tables(fresh_study) == tables(finished_study)


@pytest.mark.slow
def test_a_killed_worker_costs_nothing(fresh_study, finished_study, tables):
    process = start(fresh_study, "--jobs", "1", "--quiet")
    wait_for_results(fresh_study, 2, process)
    youngest = max(family(process), key=lambda p: (p.create_time(), p.pid))
    youngest.kill()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert tables(fresh_study) == tables(finished_study)


def test_two_runs_of_one_study_are_told_apart(finished_study):
    held = finished_study / "results" / "store"
    with only_run(held):
        assert is_held(held)
        command = [*PROGRAM, "run", str(finished_study)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert f"a run of process {os.getpid()}" in done.stderr
        assert "Traceback" not in done.stderr
    assert not is_held(held)


def test_a_lock_does_not_outlive_its_owner(tmp_path):
    """Authority: POSIX; the system lets go of a dead process's lock."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from xenoquant.pipeline.run_lock import only_run\n"
        "with only_run(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_holder(tmp_path)  # it couldn't say goodbye
    with only_run(tmp_path) as cut_short:
        assert cut_short
    with only_run(tmp_path) as cut_short:
        assert not cut_short


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    half = [
        tmp_path / "store" / "incoming" / "a" / "measurement.bin",
        tmp_path / ".xenoquant-part-1-2",
        tmp_path / "labels" / "x" / ".xenoquant-part-3-4",
    ]
    whole = tmp_path / "images.csv"
    for file in (*half, whole):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    remove_leftovers(tmp_path)
    assert not any(file.exists() for file in half)
    assert whole.exists()


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["sync_files", "_move_into_place", "encoded_labels"])
def test_a_full_disk_leaves_no_half_entry(tmp_path, monkeypatch, place):
    table = pd.DataFrame({"object": [1]})
    found = Measurement(table, table, {"nodules": np.ones((4, 4), np.int32)})
    monkeypatch.setattr(store, place, full)
    held = store.Store(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        held.save("ab12", found, um_per_px=None)
    assert "ab12" not in held
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    monkeypatch.undo()
    held.save("ab12", found, um_per_px=None)
    assert held.load("ab12").objects.equals(table)


def test_a_full_disk_is_a_message_and_the_run_goes_on_later(
    fresh_study, finished_study, tables, monkeypatch
):
    calls = []

    def later(files: object) -> None:
        calls.append(1)
        return full() if len(calls) > 3 else original(files)

    original = store.sync_files
    monkeypatch.setattr(store, "sync_files", later)
    with pytest.raises(StudyError, match=r"No space left on device.*run the same command again"):
        run_study(fresh_study, ONE)
    monkeypatch.undo()
    assert len(list((fresh_study / "results" / "store").glob("??/*/measurement.bin"))) == 3
    assert run_study(fresh_study, ONE).measured == IMAGES - 3
    assert tables(fresh_study) == tables(finished_study)


def test_a_disk_that_fills_up_while_tables_are_written_leaves_the_old_ones(
    finished_study, monkeypatch
):
    results = finished_study / "results"
    before = {file.name: file.read_bytes() for file in results.glob("*.csv")}
    text = finished_study / "study.toml"
    text.write_text(text.read_text() + "cutoffs_od = [0.1, 0.2, 0.3]\n")  # a new roll-up
    monkeypatch.setattr(writers, "_sync", full)
    with pytest.raises(StudyError, match="No space left"):
        run_study(finished_study, ONE)
    assert {file.name: file.read_bytes() for file in results.glob("*.csv")} == before
    assert not list(results.rglob(f"{writers.PARTIAL_PREFIX}*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_results_folder_is_a_message(finished_study):
    (finished_study / "results" / "store").chmod(0o500)
    with pytest.raises(StudyError, match="Permission denied"):
        run_study(finished_study, ONE)
    (finished_study / "results" / "store").chmod(0o700)


def test_results_that_cannot_be_a_folder_are_a_message(fresh_study):
    """Works for root too, who may write anywhere: a file stands where the folder should."""
    (fresh_study / "results").write_text("not a folder")
    with pytest.raises(StudyError, match="File exists"):
        run_study(fresh_study, ONE)


class _Meanwhile:
    """Changes something after the first image was measured."""

    def __init__(self, change) -> None:
        self._change = change

    def start(self, stage, total, *, reused=0):
        self._stage = stage

    def advance(self, stage, *, image="", problem=None):
        if self._change and stage == "measure":
            change, self._change = self._change, None
            change()

    def finish(self, counts):
        pass


def test_images_that_appear_vanish_and_change_are_rows_and_a_re_run_mends_them(
    fresh_study, finished_study, tables
):
    late, gone, other = (fresh_study / "dab" / f"{n:05d}.png" for n in (3, 8, 20))
    kept = {file: file.read_bytes() for file in (late, gone, other)}
    late.unlink()

    def change() -> None:
        late.write_bytes(kept[late])
        gone.unlink()
        other.write_bytes(kept[other] + b"\0")

    summary = run_study(fresh_study, RunOptions(jobs=1, progress=_Meanwhile(change)))
    rows = {row.image: row for row in summary.problems}
    assert set(rows) == {"dab/00003.png", "dab/00008.png", "dab/00020.png"}
    assert {row.stage for row in rows.values()} == {"read"}
    assert "changed" in rows["dab/00020.png"].error
    for file, content in kept.items():
        file.write_bytes(content)
    assert run_study(fresh_study, ONE).measured == 3
    assert tables(fresh_study) == tables(finished_study)


def test_a_file_that_is_swapped_while_it_is_measured_is_not_kept(fresh_study, monkeypatch):
    original = measuring.open_image

    def swap(task):
        image = original(task)
        if task.sample.image == "dab/00003.png":
            task.reference.unlink()
        return image

    monkeypatch.setattr(measuring, "open_image", swap)
    problems = run_study(fresh_study, ONE).problems
    assert [(row.image, row.stage) for row in problems] == [("dab/00003.png", "read")]
    assert "vanished" in problems[0].error


def test_a_clock_that_jumps_changes_nothing(fresh_study, finished_study, tables, monkeypatch):
    """Ten years back and forth, in the clock and in the files' times."""
    years = 10 * 365 * 86_400
    for place, file in enumerate(sorted(fresh_study.rglob("*"))):
        moment = time.time() + years * (-1) ** place
        os.utime(file, (moment, moment))
    ticks = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 2e9 * (next(ticks) % 2))
    run_study(fresh_study, ONE)
    assert run_study(fresh_study, ONE).measured == 0
    assert tables(fresh_study) == tables(finished_study)


def test_memory_that_runs_out_is_a_row(fresh_study, monkeypatch):
    def grow(assay, image, sample, blanks):
        raise MemoryError

    monkeypatch.setattr(DabAssay, "measure", grow)
    problems = run_study(fresh_study, ONE).problems
    assert len(problems) == IMAGES
    assert {row.error for row in problems} == {"the memory ran out"}


def test_a_run_with_nothing_to_do_touches_no_file(finished_study):
    before = {file: file.stat().st_mtime_ns for file in (finished_study / "results").rglob("*.*")}
    summary = run_study(finished_study, ONE)
    after = {file: file.stat().st_mtime_ns for file in (finished_study / "results").rglob("*.*")}
    changed = {
        file.name for file in before.keys() | after.keys() if before.get(file) != after.get(file)
    }
    assert (summary.measured, summary.reused) == (0, IMAGES)
    assert changed == {"run.lock"}


@pytest.mark.parametrize("touched", ["images.csv", "objects/ferritin.parquet", "report.html"])
def test_a_result_that_was_changed_or_deleted_is_made_again(finished_study, tables, touched):
    before = tables(finished_study)
    file = finished_study / "results" / touched
    if touched == "images.csv":
        file.write_text("edited by hand")
    else:
        file.unlink()
    run_study(finished_study, ONE)
    assert tables(finished_study) == before
    assert file.exists()


def test_a_study_that_moved_is_not_measured_again(finished_study, tmp_path, tables):
    before = tables(finished_study)
    moved = tmp_path / "elsewhere"
    shutil.move(finished_study, moved)
    assert run_study(moved, ONE).measured == 0
    assert tables(moved) == before
    assert json.loads((moved / "results" / "run.json").read_text())["outputs"]
