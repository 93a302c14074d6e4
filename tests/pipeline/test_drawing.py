"""Drawing as soon as an image is measured: the same files as drawing from the store."""

import json
import shutil

import numpy as np
import pytest

from xenoquant.pipeline import drawing, measuring
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.store import Store
from xenoquant.pipeline.writers import encoded_labels

ONE = RunOptions(jobs=1)


def pictures(study):
    results = study / "results"
    return {
        file.relative_to(results).as_posix(): file.read_bytes()
        for kind in ("labels", "overlays")
        for file in sorted((results / kind).rglob("*.*"))
        if file.is_file()
    }


@pytest.fixture
def drawn(monkeypatch):
    """Collects the images that `draw_job` draws."""
    found, original = [], drawing._problem_of

    def draw(job):
        found.append(job.task.sample.image)
        return original(job)

    monkeypatch.setattr(drawing, "_problem_of", draw)
    return found


@pytest.mark.parametrize(
    ("shape", "most"), [((7, 5), 3), ((300, 200), 255), ((1200, 900), 65_535), ((90, 80), 70_000)]
)
@pytest.mark.parametrize("um_per_px", [None, 0.5])
def test_label_images_come_back_as_they_were_stored(tmp_path, shape, most, um_per_px):
    """Of one strip, of several, and of 32 bits: from the memory, and from a file by tifffile."""
    labels = np.random.default_rng(5).integers(0, most + 1, shape).astype(np.int32)
    labels[-1, -1] = most
    stored = encoded_labels(labels, um_per_px=um_per_px)
    (tmp_path / "n.tif").write_bytes(stored)
    for found in drawing.read_labels({"a": stored, "b": tmp_path / "n.tif"}).values():
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, labels)


def test_at_once_gives_the_files_of_a_later_drawing(finished_study, drawn):
    """Photos and sections were drawn at once; now all are drawn from what is stored."""
    before = pictures(finished_study)
    for kind in ("labels", "overlays"):
        shutil.rmtree(finished_study / "results" / kind)
    run_study(finished_study, ONE)
    assert len(drawn) == 14
    assert pictures(finished_study) == before


def test_only_what_needs_the_studys_threshold_waits_for_it(fresh_study, drawn):
    run_study(fresh_study, ONE)
    assert {image.split("/")[0] for image in drawn} == {"snai1"}
    assert len(pictures(fresh_study)) == 14 + 4 * 2 + 5 * 2 + 5 * 3  # overlays, then labels


def test_a_drawing_that_fails_at_once_is_tried_again_and_said(fresh_study, monkeypatch):
    def fail(job, picture):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(drawing, "_publish_overlay", fail)
    problems = run_study(fresh_study, ONE).problems
    assert len(problems) == 14
    assert {row.stage for row in problems} == {"draw"}
    monkeypatch.undo()
    assert not run_study(fresh_study, ONE).problems


def test_a_run_cut_short_does_not_draw_again_what_it_had_drawn(fresh_study, monkeypatch, drawn):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("xenoquant.pipeline.run.apply_reviews", stop)
        with pytest.raises(KeyboardInterrupt):
            run_study(fresh_study, ONE)
    log = fresh_study / "results" / "store" / "published.log"
    assert len(log.read_text().split("\n")) == 1 + 4 + 5
    log.write_text(log.read_text()[:-3])  # the power failed in the middle of a line
    run_study(fresh_study, ONE)
    assert len(drawn) == 5 + 1
    assert not log.exists()
    assert len(json.loads((log.with_suffix(".json")).read_text())) == 14


def test_a_worker_that_dies_after_storing_costs_no_second_measuring(finished_study, monkeypatch):
    """Its image is tried again: the result is there, and drawing has its own protection."""
    job = None

    def keep(given):
        nonlocal job
        job = given
        raise KeyboardInterrupt

    store = Store(finished_study / "results" / "store")
    key = next(file.name for file in store.folder.glob("??/*"))
    aside = store.entry(key).rename(finished_study / "aside")
    with monkeypatch.context() as patch:
        patch.setattr("xenoquant.pipeline.run.measure_job", keep)
        with pytest.raises(KeyboardInterrupt):
            run_study(finished_study, ONE)
    aside.rename(store.entry(key))
    monkeypatch.setattr(measuring, "open_image", lambda task: pytest.fail("measured again"))
    outcome = measuring.measure_job(job)
    assert (outcome.problem, outcome.drawn) == (None, False)
