"""What the engine costs beside measuring, and whether its memory stays flat.

    python benchmarks/engine.py [--images 10000] [--side 256]

Runs a study of a tenth of the images and one of all of them, with one worker, each in a process of
its own, and then the second once more with nothing to do. Times are of processors, so that other
work on the machine doesn't count; the last is by the clock.

Measuring is what `Assay.open`, `Assay.measure` and, for the overlay, `Assay.draw` take. All else
is the engine: hashing, sending tasks, storing, loading, rolling up, comparing, writing tables,
report and provenance.
"""

import argparse
import json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=256)
    words = parser.parse_args()
    few = words.images // 10
    with tempfile.TemporaryDirectory() as folder:
        small, fresh, large = (Path(folder, name) for name in ("small", "fresh", "large"))
        for study, images in ((small, few), (fresh, few), (large, words.images)):
            write_small_study(study, images, side_px=words.side)
        alone = run(CHILD, small)
        pixels = alone["open"] + alone["measure"]
        engine = alone["processor"] - pixels - alone["draw"]
        print(
            f"{few} images of {words.side}²: {alone['processor']:.1f} s of processor time, of which"
            f" reading and measuring {pixels:.1f} s, drawing overlays {alone['draw']:.1f} s,"
            f" the engine {engine:.1f} s: {engine / alone['processor']:.1%}"
            f" ({engine / few * 1e3:.2f} ms an image)."
        )
        less, first, second = run(PARENT, fresh), run(PARENT, large), run(PARENT, large)
        growth = first["peak_mb"] / less["peak_mb"] - 1
        print(
            f"Peak memory of the parent: {less['peak_mb']:.0f} MB with {few} images,"
            f" {first['peak_mb']:.0f} MB with {words.images}: {growth:+.0%}."
        )
        print(
            f"Run again with nothing to do: {second['clock']:.1f} s for {words.images} images"
            f" (the first run took {first['clock']:.0f} s with one worker;"
            f" {second['measured']:.0f} measured now)."
        )


if __name__ == "__main__":
    main()
