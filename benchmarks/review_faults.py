"""Kills a scripted review at random moments, opens it again, and looks for every finished act.

    python benchmarks/review_faults.py --rounds 50

A process reviews an image act by act and says each act's number when it is done; it is killed
with SIGKILL after a random time. The image is then opened again: every act that was said to be done
has to be in the log, and the label images have to be those that the acts in the log give, worked
out here without the program's own replay.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE = 160
ANNOUNCE = "done "


def begin_labels() -> dict[str, np.ndarray]:
    """Give a field of sixteen nodules in one lobe."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    nodules = np.zeros((SIZE, SIZE), np.int32)
    for number in range(16):
        y, x = 20 + 40 * (number // 4), 20 + 40 * (number % 4)
        nodules[(rows - y) ** 2 + (columns - x) ** 2 <= 64] = number + 1
    return {"nodules": nodules, "lobes": np.ones((SIZE, SIZE), np.int32)}


def open_review(folder: Path):  # type: ignore[no-untyped-def]  # heavy, and only in the child
    """Open the review of the field."""
    from xenoquant.napari_plugin.image_review import ImageReview
    from xenoquant.pipeline.assay import Correctable
    from xenoquant.pipeline.review_folder import ImageFacts

    facts = ImageFacts("lungs", "a.jpg", "f" * 64, (SIZE, SIZE), 20.0)
    correctable = Correctable("nodules", regions="lobes", classes=("low", "high"))
    return ImageReview(folder, "ann", facts, begin_labels(), correctable)


def act(review, rng: random.Random) -> bool:  # type: ignore[no-untyped-def]
    """Do one random act, as a reader would; False where it couldn't be done."""
    from xenoquant.napari_plugin.edits import EditError

    edit = review.edit
    place = lambda: (rng.uniform(0, SIZE - 1), rng.uniform(0, SIZE - 1))  # noqa: E731
    numbers = review.index.numbers("nodules")
    some = rng.sample(numbers, min(2, len(numbers)))
    acts = {
        "add": lambda: review.do("add", edit.add(*place(), rng.uniform(2, 8))),
        "delete": lambda: review.do("delete", edit.delete(some[:1])),
        "merge": lambda: review.do("merge", edit.merge(some)),
        "split": lambda: review.do("split", edit.split_by_line([place(), place()])),
        "class": lambda: review.do("reclassify", edit.reclassify(some[:1], rng.randrange(2))),
        "blind": lambda: review.do("mark", edit.mark_unassessable([place() for _ in range(4)])),
        "boundary": lambda: review.do("boundary", edit.move_boundary([place() for _ in range(4)])),
        "undo": review.undo,
        "redo": review.redo,
    }
    try:
        return bool(acts[rng.choice(sorted(acts))]())
    except EditError:
        return False


def review_for_ever(folder: Path, seed: int) -> None:
    """Review until the process is killed."""
    review = open_review(folder)
    rng = random.Random(seed)
    print("open", flush=True)
    while True:
        if act(review, rng):
            record = review.log.records[-1]
            print(f"{ANNOUNCE}{record['sequence']}", flush=True)
        if rng.random() < 0.1:
            time.sleep(rng.uniform(0, 0.5))  # lets the label images be written now and then


def replayed(folder: Path) -> tuple[dict[str, np.ndarray], dict[int, int], int]:
    """Work the state out from the beginning and the log, pixel by pixel, in plain Python."""
    labels = {**begin_labels(), "not_assessable": np.zeros((SIZE, SIZE), np.int32)}
    classes: dict[int, int] = {}
    last = 0
    for line in (folder / "log.jsonl").read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the act under the mouse
        for name, runs in record["change"]["labels"].items():
            flat = labels[name].reshape(-1)
            for start, length, before, after in runs:
                assert (flat[start : start + length] == before).all()
                flat[start : start + length] = after
        for number, (_, after) in record["change"]["classes"].items():
            classes[int(number)] = after
        last = record["sequence"]
    return labels, {n: v for n, v in classes.items() if v is not None}, last


def kill_once(folder: Path, rng: random.Random) -> tuple[int, int]:
    """Kill a review after a random time; give how many acts were said and how many are kept.

    Raises
    ------
    AssertionError
        If an act is lost, or the labels aren't those of the log.
    """
    words = [sys.executable, "-W", "ignore", __file__, "--child", str(folder)]
    command = [*words, "--seed", str(rng.randrange(2**31))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(rng.uniform(0.0, 1.5))
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines()
    said = [int(x.removeprefix(ANNOUNCE)) for x in lines if x.startswith(ANNOUNCE) and x[5:]]
    if not (folder / "log.jsonl").exists():
        assert not said
        return 0, 0
    labels, classes, last = replayed(folder)
    assert last >= max(said, default=0), f"act {max(said)} is lost; the log ends at {last}"
    review = open_review(folder)
    for name, expected in labels.items():
        np.testing.assert_array_equal(review.state.labels[name], expected, err_msg=name)
    assert review.state.classes == classes
    assert not [message for message in review.messages if "is not what was saved" in message]
    review.close()
    return len(said), last


def main() -> None:
    """Run the campaign and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child is not None:
        review_for_ever(arguments.child, arguments.seed)
    rng = random.Random(arguments.seed)
    acts, kept = 0, 0
    with tempfile.TemporaryDirectory() as desk:
        for number in range(arguments.rounds):
            # five kills in a row on one image, then a new one
            folder = Path(desk) / f"image{number // 5}"
            said, kept = kill_once(folder, rng)
            acts += said
            print(f"round {number + 1}: {said} acts done, {kept} in the log", flush=True)
    print(f"{arguments.rounds} kills, {acts} acts said to be done, none lost")


if __name__ == "__main__":
    os.umask(0o022)
    main()
