"""The log of a review: nothing written is lost, and damage is told, not repaired over."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.pixel_change import PixelChange
from xenoquant.pipeline.review_folder import ImageFacts, ImageFolder
from xenoquant.pipeline.review_log import ReviewLog, read_log
from xenoquant.pipeline.review_state import Change, ReviewState, Verdict
from xenoquant.pipeline.writers import write_labels

SMALL = arrays(np.int32, (5, 7), elements=st.integers(0, 3))


@given(SMALL, SMALL)
def test_a_change_leads_there_and_back_whatever_the_images(before, after):
    """Authority: array equality, for any two label images."""
    change = PixelChange.of_window(before, (slice(0, 5), slice(0, 7)), after)
    labels = before.copy()
    change.apply(labels)
    np.testing.assert_array_equal(labels, after)
    PixelChange.from_json(json.loads(json.dumps(change.to_json()))).inverted().apply(labels)
    np.testing.assert_array_equal(labels, before)
    assert len(change) == (before != after).sum()


def test_each_act_is_on_disk_when_append_returns(tmp_path):
    log = ReviewLog(tmp_path / "log.jsonl", "ann")
    log.append("delete", objects=[3])
    log.append("undo", of=1)
    records = read_log(tmp_path / "log.jsonl").records
    assert [(r["sequence"], r["reader"], r["action"]) for r in records] == [
        (1, "ann", "delete"),
        (2, "ann", "undo"),
    ]
    assert all(r["time"].endswith("+00:00") for r in records)


@pytest.mark.parametrize("cut", [2, 20, 60])
def test_a_torn_last_line_is_told_kept_and_written_behind(tmp_path, cut):
    file = tmp_path / "log.jsonl"
    log = ReviewLog(file, "ann")
    for action in ("add", "delete", "merge"):
        log.append(action)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    torn = file.read_bytes()
    again = ReviewLog(file, "ann")
    assert [r["action"] for r in again.records] == ["add", "delete"]
    assert "line 3 is damaged" in again.messages[0]
    again.append("split")
    assert file.read_bytes().startswith(torn)  # nothing was overwritten
    assert [r["action"] for r in read_log(file).records] == ["add", "delete", "split"]


def test_a_line_that_was_changed_is_told_and_the_others_are_read(tmp_path):
    file = tmp_path / "log.jsonl"
    log = ReviewLog(file, "ann")
    for number in range(3):
        log.append("delete", objects=[number])
    file.write_text(file.read_text().replace('"objects":[1]', '"objects":[9]'))
    found = read_log(file)
    assert [r["objects"] for r in found.records] == [[0], [2]]
    assert found.messages[0].startswith(f"{file}: line 2 is damaged")
    file.write_bytes(b"\x00\xff\n" + file.read_bytes())
    assert len(read_log(file).messages) == 2


@pytest.fixture
def begun(tmp_path):
    labels = {"nodules": np.zeros((6, 8), np.int32), "lobes": np.ones((6, 8), np.int32)}
    labels["nodules"][1:3, 1:3] = 1
    folder = ImageFolder(tmp_path / "image")
    folder.begin(ImageFacts("lungs", "a.jpg", "f" * 64, (6, 8), 20.0), labels)
    log = ReviewLog(folder.log_file, "ann")
    after = labels["nodules"].copy()
    after[4, 4] = 2
    window = (slice(0, 6), slice(0, 8))
    added = Change(
        {"nodules": PixelChange.of_window(labels["nodules"], window, after)}, {2: (None, 1)}
    )
    log.append("add", change=added.to_json())
    log.append("accept", change=Change(verdict=(Verdict(), Verdict("accepted"))).to_json())
    return folder, {**labels, "nodules": after}


def assert_state(state: ReviewState, labels):
    for name, expected in labels.items():
        np.testing.assert_array_equal(state.labels[name], expected)
    assert state.classes == {2: 1}
    assert state.verdict.status == "accepted"


def test_the_log_alone_gives_the_state(begun):
    folder, expected = begun
    held = folder.load()
    assert not held.messages
    assert_state(held.state, expected)


@pytest.mark.parametrize("sequence", [1, 2])
def test_saved_labels_and_the_acts_since_give_the_state(begun, sequence):
    folder, expected = begun
    folder.save(expected, sequence)
    assert_state(folder.load().state, expected)
    assert (folder.folder / "labels" / "nodules.tif").is_file()


def test_a_crash_between_two_label_files_is_no_damage(begun, monkeypatch):
    """The check sums come first, so files of either side of the crash are known."""
    folder, expected = begun
    old = {**expected, "nodules": np.zeros((6, 8), np.int32)}
    old["nodules"][1:3, 1:3] = 1
    folder.save(old, 0)
    monkeypatch.setattr("xenoquant.pipeline.review_folder.write_labels", lambda *a, **k: 1 / 0)
    for _ in range(2):  # twice in a row
        with pytest.raises(ZeroDivisionError):
            folder.save(expected, 2)
    held = folder.load()
    assert not held.messages
    assert_state(held.state, expected)


def test_labels_of_another_shape_are_told_and_kept_aside(begun):
    folder, expected = begun
    folder.save(expected, 2)
    foreign = folder.folder / "labels" / "nodules.tif"
    write_labels(foreign, np.ones((3, 3), np.int32))
    content = foreign.read_bytes()
    held = folder.load()
    assert "not what was saved there" in held.messages[0]
    assert_state(held.state, expected)
    folder.save(expected, 2)
    aside = folder.folder / "labels" / "nodules.aside-1.tif"
    assert aside.read_bytes() == content
    assert not folder.load().messages


def test_a_lost_beginning_is_an_error_in_words_and_changes_nothing(begun):
    folder, _ = begun
    write_labels(folder.folder / "base" / "nodules.tif", np.ones((3, 3), np.int32))
    before = {p: p.stat().st_mtime_ns for p in folder.folder.rglob("*")}
    with pytest.raises(InputError, match=r"their shape is \(3, 3\), not \(6, 8\)"):
        folder.load()
    assert {p: p.stat().st_mtime_ns for p in folder.folder.rglob("*")} == before


def test_a_change_that_does_not_fit_is_left_out_and_told(begun):
    folder, expected = begun
    log = ReviewLog(folder.log_file, "ann")
    log.append(
        "paint", change=Change({"nodules": PixelChange(np.array([[47, 5, 0, 1]]))}).to_json()
    )
    log.append("paint", change={"labels": 5})
    held = folder.load()
    assert len(held.messages) == 2
    assert_state(held.state, expected)


def test_a_full_disk_refuses_an_act_and_the_next_one_is_sound(tmp_path, monkeypatch):
    log = ReviewLog(tmp_path / "log.jsonl", "ann")
    log.append("add")
    write = os.write

    def half(descriptor, content):
        write(descriptor, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        log.append("delete")
    monkeypatch.setattr(os, "write", write)
    log.append("merge")
    found = read_log(log.file)
    assert [r["action"] for r in found.records] == ["add", "merge"]
    assert [r["action"] for r in log.records] == ["add", "merge"]
    assert len(found.messages) == 1
