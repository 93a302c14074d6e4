"""Sessions without a window: order, blinding, resuming, locks, staleness, undo over sessions."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xenoquant.napari_plugin.numbers import exact_numbers, program_classes, quick_numbers
from xenoquant.napari_plugin.session import Session, SessionOptions
from xenoquant.pipeline.errors import InputError, StudyError
from xenoquant.pipeline.review_log import read_log
from xenoquant.pipeline.review_state import Verdict


def keys(session: Session) -> list[str]:
    return [item.sample.image for item in session.items]


def test_the_order_is_random_but_the_seeds_own(study, sessions):
    orders = set()
    for seed in range(6):
        session = sessions(options=SessionOptions(seed=seed))
        orders.add(tuple(keys(session)))
        session.close()
        again = sessions(options=SessionOptions(seed=seed))
        assert keys(again) == keys(session)
        again.close()
    assert len(orders) > 1
    log = read_log(study / "review" / "ann" / "session.jsonl")
    assert [r["seed"] for r in log.records if r["action"] == "open_study"][::2] == list(range(6))


def test_a_session_goes_on_with_order_seed_and_place(sessions):
    first = sessions(options=SessionOptions(seed=3))
    first.open(2)
    first.close()
    again = sessions(options=SessionOptions())
    assert (again.seed, keys(again)) == (3, keys(first))
    assert again.where_left() == 2


def test_another_reader_draws_another_order_and_sees_only_own_work(sessions):
    ann = sessions(options=SessionOptions(assays=("lungs",)))
    opened = ann.open(0)
    opened.review.do("accept", opened.review.edit.judge(Verdict("accepted")))
    bob = sessions("bob", SessionOptions(assays=("lungs",)))
    assert bob.seed != ann.seed
    place = keys(bob).index(opened.item.sample.image)
    assert bob.status(place) == "to do"
    assert ann.status(0) == "accepted"


def test_the_most_uncertain_image_comes_first_on_request(study, sessions):
    """Authority: the count range over the count, from the results' own table."""
    import pandas as pd

    session = sessions(options=SessionOptions(assays=("lungs",), order="uncertain", seed=1))
    regions = pd.read_parquet(study / "results" / "regions" / "lungs.parquet")
    held = regions.groupby("image")[["nodules", "count_low", "count_high"]].sum()
    doubt = (held["count_high"] - held["count_low"]) / held["nodules"].clip(lower=1)
    expected = doubt.sort_values(ascending=False)
    assert doubt[keys(session)].tolist() == expected.tolist()


def test_filters_by_status_and_assay(sessions):
    session = sessions()
    opened = session.open(1)
    opened.review.do("accept", opened.review.edit.judge(Verdict("accepted")))
    session.close()
    accepted = sessions(options=SessionOptions(assays=("lungs",), statuses=("accepted",)))
    assert keys(accepted) == [opened.item.sample.image]
    accepted.close()
    with pytest.raises(StudyError, match="no image"):
        sessions(options=SessionOptions(statuses=("rejected",)))
    with pytest.raises(StudyError, match="to do, open, accepted, rejected"):
        sessions(options=SessionOptions(statuses=("done",)))
    with pytest.raises(StudyError, match=r"can be reviewed .lungs."):
        sessions(options=SessionOptions(assays=("liver",)))


def test_blinding_hides_names_and_lifting_it_is_logged(study, sessions):
    session = sessions()
    opened = session.open(0)
    assert session.title(0) == "Image 1 of 3"
    session.unblind()
    sample = opened.item.sample
    assert all(text in session.title(0) for text in (sample.image, sample.animal, sample.group))
    log = read_log(study / "review" / "ann" / "session.jsonl")
    last = log.records[-1]
    assert (last["action"], last["image"]) == ("unblind", ["lungs", sample.image])


def test_looking_leaves_no_trace_but_the_sessions_log(study, sessions):
    before = {p for p in study.rglob("*") if "results" in p.parts}
    session = sessions()
    for place in range(3):
        session.open(place)
    session.close()
    assert {p for p in study.rglob("*") if "results" in p.parts} == before
    assert {p.name for p in (study / "review").rglob("*")} == {"ann", ".lock", "session.jsonl"}


def test_work_goes_on_where_it_was_with_all_of_its_undo(study, sessions):
    session = sessions()
    review = session.open(0).review
    begin = review.state.labels["nodules"].copy()
    numbers = review.index.numbers("nodules")
    review.do("delete", review.edit.delete([numbers[0]]))
    y, x = np.argwhere((review.state.labels["lobes"] > 0) & (begin == 0))[50]
    review.do("add", review.edit.add(y, x, 3))
    review.undo()
    middle = review.state.labels["nodules"].copy()
    session.close()
    shutil.move(study, study.with_name("elsewhere"))  # another machine
    again = sessions(path=study.with_name("elsewhere")).open(0).review
    np.testing.assert_array_equal(again.state.labels["nodules"], middle)
    assert again.redo()
    assert again.index.highest in np.unique(again.state.labels["nodules"])
    assert again.undo()
    assert again.undo()
    np.testing.assert_array_equal(again.state.labels["nodules"], begin)
    assert not again.undo()
    shutil.move(study.with_name("elsewhere"), study)


def test_an_act_is_in_the_log_before_the_labels_follow_within_a_second(study, sessions):
    import time

    import tifffile

    session = sessions()
    opened = session.open(0)
    review = opened.review
    number = review.index.numbers("nodules")[0]
    review.do("delete", review.edit.delete([number]))
    record = read_log(review.folder.log_file).records[-1]
    assert (record["action"], record["objects"], record["reader"]) == ("delete", [number], "ann")
    labels = review.folder.folder / "labels" / "nodules.tif"
    deadline = time.monotonic() + 5  # a busy machine may take longer than the second promised
    while not labels.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert number not in np.unique(tifffile.imread(labels))


def test_a_second_session_of_one_reader_is_told_who_holds_it(study, sessions):
    sessions()
    with pytest.raises(StudyError, match=rf"in use on .*process {os.getpid()}.*--reader"):
        sessions()
    sessions("bob").close()


def test_the_lock_does_not_outlive_its_owner(study, sessions):
    """Authority: the operating system frees what a killed process held."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from xenoquant.napari_plugin.reader_lock import ReaderLock\n"
        "lock = ReaderLock(Path(sys.argv[1]))\n"
        "print('held', flush=True)\n"
        "time.sleep(60)"
    )
    folder = study / "review" / "ann"
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match=f"process {process.pid}"):
            sessions()
        process.send_signal(signal.SIGKILL)
    sessions()


def test_a_study_without_results_says_to_run_it(study, sessions):
    shutil.rmtree(study / "results")
    with pytest.raises(StudyError, match="xenoquant run"):
        sessions()


def test_a_missing_or_changed_image_is_told_without_its_name(study, sessions):
    session = sessions()
    image = session.items[0].reference
    image.write_bytes(image.read_bytes() + b"x")
    with pytest.raises(InputError, match="changed since the last run") as error:
        session.open(0)
    assert image.name not in str(error.value)
    image.unlink()
    with pytest.raises(InputError, match="can't be read"):
        session.open(0)
    assert session.open(1).review.index.count("nodules") >= 0


def test_an_image_that_cannot_be_opened_does_not_hold_up_the_queue(sessions):
    """Authority: the queue's own order; next goes on from what was asked for."""
    session = sessions()
    session.open(0)
    session.items[1].reference.unlink()
    with pytest.raises(InputError, match="can't be read"):
        session.load(1)
    assert (session.position, session.asked) == (0, 1)
    session.open(session.asked + 1)
    assert (session.position, session.asked) == (2, 2)


def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(study, sessions):
    (study / "review").write_text("a file where the folder should be")
    with pytest.raises(StudyError, match=r"folder to write to.*no correction could be kept"):
        sessions()


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "a" * 65, "ann."])
def test_names_that_cannot_be_folders_are_refused(study, sessions, name):
    with pytest.raises(StudyError, match="letters, digits"):
        sessions(name)


def test_quick_numbers_are_those_of_the_next_run(study, stains, sessions):
    """Authority: measuring the corrected labels in full."""
    for place, assay in enumerate(("lungs", "snai1", "ferritin")):
        path = study if assay == "lungs" else stains
        session = sessions(f"reader{place}", SessionOptions(assays=(assay,), seed=1), path)
        opened = session.open(0)
        review, known = opened.review, program_classes(session.study, opened)
        numbers = review.index.numbers(review.correctable.objects)
        review.do("delete", review.edit.delete(numbers[:2]))
        if review.correctable.classes:
            review.do("reclassify", review.edit.reclassify([numbers[3]], 1))
        quick = quick_numbers(review, known)
        state = review.state
        features, classes = exact_numbers(session.study, opened, state.labels, state.classes)
        if assay == "lungs":
            assert quick.count == features["nodules"]
            assert quick.burden == pytest.approx(features["burden"])
        else:
            name = "positive_fraction" if assay == "snai1" else "positive_cell_fraction"
            assert quick.count == features["cells"]
            assert quick.positive_percent == pytest.approx(100 * features[name])
            assert classes[numbers[3]] == 1
            assert quick.unknown == 0


def test_what_cannot_be_assessed_leaves_the_quick_numbers_too(sessions):
    session = sessions()
    opened = session.open(0)
    review = opened.review
    height, width = review.index.shape
    half = [(-1, -1), (-1, width / 2), (height, width / 2), (height, -1)]
    review.do("mark", review.edit.mark_unassessable(half))
    quick = quick_numbers(review, {})
    features, _ = exact_numbers(session.study, opened, review.state.labels, {})
    assert quick.count == features["nodules"]
    assert quick.burden == pytest.approx(features["burden"])


def test_the_log_speaks_for_itself(sessions):
    """Reader, time, action, before and after stand in every line."""
    review = sessions().open(0).review
    number = review.index.numbers("nodules")[0]
    pixels = review.index.area("nodules", number)
    review.do("delete", review.edit.delete([number]))
    line = json.loads(review.folder.log_file.read_text().splitlines()[0])
    assert line["reader"] == "ann"
    runs = line["change"]["labels"]["nodules"]
    assert sum(run[1] for run in runs) == pixels
    assert {(run[2], run[3]) for run in runs} == {(number, 0)}


def test_a_damaged_line_is_told_when_the_image_is_opened(sessions):
    session = sessions()
    review = session.open(0).review
    numbers = review.index.numbers("nodules")
    for number in numbers[:2]:
        review.do("delete", review.edit.delete([number]))
    session.close()
    file: Path = review.folder.log_file
    file.write_bytes(file.read_bytes()[:-20])
    shutil.rmtree(review.folder.folder / "labels", ignore_errors=True)
    (review.folder.folder / "labels.json").unlink()
    again = sessions().open(0).review
    assert "line 2 is damaged" in again.messages[0]
    assert numbers[0] not in again.index.numbers("nodules")
    assert numbers[1] in again.index.numbers("nodules")
