"""Kills a study's run again and again, and compares the end with an undisturbed run.

    python benchmarks/chaos.py [--images 200] [--kills 30] [--jobs 2] [--seed 1]

A study of small images is run once undisturbed. Then the same study is run anew and killed with
SIGKILL at random moments, sometimes the run itself and sometimes one of its workers, and resumed
each time, until it ends. All tables must be the same, byte for byte, and no image may be measured
again that was stored before. Exit status 0 if so.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from small_study import stored, table_bytes, write_small_study

PROGRAM = [sys.executable, "-c", "from xenoquant.pipeline.cli import main; main()"]


def start(study: Path, jobs: int) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, "run", str(study), "--jobs", str(jobs), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def kill_somebody(run: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kill the run or, if it has any, one of its workers; give which."""
    workers = psutil.Process(run.pid).children(recursive=True)
    if workers and chance.random() < 0.5:
        chance.choice(workers).kill()
        return "worker"
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    return "run"


def disturb(study: Path, *, kills: int, jobs: int, seconds: float, seed: int) -> dict[str, int]:
    """Run a study to its end with so many kills on the way."""
    chance = random.Random(seed)
    counts = {"run": 0, "worker": 0, "ended before the kill": 0}
    run = start(study, jobs)
    for _ in range(kills):
        moment = time.monotonic() + chance.uniform(0, seconds)
        while time.monotonic() < moment and run.poll() is None:
            time.sleep(0.01)
        if run.poll() is not None:
            # all was done before the moment came: what is left is a run with nothing to do
            counts["ended before the kill"] += 1
        else:
            counts[kill_somebody(run, chance)] += 1
        if run.poll() is not None:
            run = start(study, jobs)
    if run.wait() != 0 and start(study, jobs).wait() != 0:
        sys.exit("the last run failed")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm, rough = Path(folder, "calm"), Path(folder, "rough")
        for study in (calm, rough):
            write_small_study(study, words.images)
        started = time.monotonic()
        if start(calm, words.jobs).wait() != 0:
            sys.exit("the undisturbed run failed")
        # moments over a good part of a run, so that runs get on between kills
        span = max(2.0, 4 * (time.monotonic() - started) / max(1, words.kills))
        counts = disturb(rough, kills=words.kills, jobs=words.jobs, seconds=span, seed=words.seed)
        same = table_bytes(calm) == table_bytes(rough)
        left = len(list((rough / "results" / "store" / "incoming").glob("*")))
        print(
            f"{words.images} images, {words.kills} kills: the run {counts['run']} times, a worker"
            f" {counts['worker']} times; {counts['ended before the kill']} came after the end.\n"
            f"Stored: {stored(rough)} of {words.images}. Half-written entries left: {left}.\n"
            f"Tables the same as an undisturbed run's, byte for byte: {'yes' if same else 'NO'}."
        )
        return 0 if same and stored(rough) == words.images and not left else 1


if __name__ == "__main__":
    sys.exit(main())
