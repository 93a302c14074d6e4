"""What the engine costs beside measuring, and whether its memory stays flat.

    python benchmarks/engine.py [--images 10000] [--side 256] [--part share|memory] [--folder DIR]

Runs a study of a tenth of the images and one of all of them, with one worker, each in a process of
its own, and then the second once more with nothing to do. Times are of processors, so that other
work on the machine doesn't count; the last is by the clock. With --folder the images are written
there once, and used again.

Measuring is what `Assay.open`, `Assay.measure` and, for the overlay, `Assay.draw` take. All else
is the engine: hashing, sending tasks, storing, loading, rolling up, comparing, writing tables,
report and provenance.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from small_study import write_small_study

# run in a process of its own, so that the parent's memory is that of one run
CHILD = """
import functools, json, resource, sys, time
from pathlib import Path
from xenoquant.pipeline import dab_assay, drawing, measuring, worker_pool
from xenoquant.pipeline.run import RunOptions, run_study

spent = {"open": 0.0, "measure": 0.0, "draw": 0.0}

def timed(name, function):
    @functools.wraps(function)
    def call(*words, **more):
        started = time.process_time()
        try:
            return function(*words, **more)
        finally:
            spent[name] += time.process_time() - started
    return call

for name in spent:
    setattr(dab_assay.DabAssay, name, timed(name, getattr(dab_assay.DabAssay, name)))
worker_pool.one_thread_each()
started, clock = time.process_time(), time.perf_counter()
summary = run_study(Path(sys.argv[1]), RunOptions(jobs=1))
print(json.dumps({
    "processor": time.process_time() - started, "clock": time.perf_counter() - clock,
    "measured": summary.measured, **spent,
}))
"""
# the parent's memory when workers measure: what `xenoquant run` has
PARENT = """
import json, resource, sys, time
from pathlib import Path
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.workers import process_pool

clock = time.perf_counter()
summary = run_study(Path(sys.argv[1]), RunOptions(jobs=1, pool=process_pool))
print(json.dumps({
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "clock": time.perf_counter() - clock, "measured": summary.measured,
}))
"""


def run(code: str, study: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, str(study)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ready(study: Path, images: int, side_px: int) -> Path:
    """Give a study of so many images, written unless it is there, without results."""
    if not study.exists():
        write_small_study(study, images, side_px=side_px)
    shutil.rmtree(study / "results", ignore_errors=True)
    return study


def share(folder: Path, images: int, side: int) -> None:
    """Print what the engine takes of the whole."""
    alone = run(CHILD, ready(folder / f"{images}-{side}", images, side))
    pixels = alone["open"] + alone["measure"]
    engine = alone["processor"] - pixels - alone["draw"]
    print(
        f"{images} images of {side}²: {alone['processor']:.1f} s of processor time, of which"
        f" reading and measuring {pixels:.1f} s, drawing overlays {alone['draw']:.1f} s,"
        f" the engine {engine:.1f} s: {engine / alone['processor']:.1%}"
        f" ({engine / images * 1e3:.2f} ms an image).",
        flush=True,
    )


def memory(folder: Path, images: int, side: int) -> None:
    """Print the run's memory with a tenth of the images and with all, and a second run's time."""
    few = images // 10
    less = run(PARENT, ready(folder / f"{few}-{side}", few, side))
    large = ready(folder / f"{images}-{side}", images, side)
    first, second = run(PARENT, large), run(PARENT, large)
    growth = first["peak_mb"] / less["peak_mb"] - 1
    print(
        f"Peak memory of the parent: {less['peak_mb']:.0f} MB with {few} images of {side}²,"
        f" {first['peak_mb']:.0f} MB with {images}: {growth:+.0%}."
    )
    print(
        f"Run again with nothing to do: {second['clock']:.1f} s for {images} images"
        f" (the first run took {first['clock']:.0f} s with one worker;"
        f" {second['measured']:.0f} measured now)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=["share", "memory", "both"], default="both")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as desk:
        folder = words.folder or Path(desk)
        if words.part != "memory":
            share(folder, words.images // 10, words.side)
        if words.part != "share":
            memory(folder, words.images, words.side)


if __name__ == "__main__":
    main()
