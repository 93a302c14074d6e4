"""What the engine costs beside measuring, and whether its memory stays flat.

    python benchmarks/engine.py [--images 10000] [--share-images 10000] [--side 256]
                                [--part share|memory] [--folder DIR] [--method dab|fluorescence]

The share is of one run over all the images, or over --share-images: what a run costs once (imports,
figures, the report's pictures, of which there is a limited number) is spread over them. The memory
is of a study of a tenth of the images and of one of all, which is then run twice more with
nothing to do. All with one worker, each in a process of its own. Times are of processors, so that
other work on the machine counts less; the last ones are by the clock. With --folder the images are
written there once, and used again.

Measuring is what `Assay.open` and `Assay.measure` take. Drawing is what the overlay takes with its
JPEG: `Assay.draw` and `write_picture`, and reading the image once more where its overlay had to
wait for the study's thresholds. All else is the engine: imports, hashing, sending tasks,
storing, loading, classifying, rolling up, comparing, writing tables, report and provenance. The
strict reading, all that isn't measuring, is printed too.
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
from xenoquant.pipeline import drawing, worker_pool
from xenoquant.pipeline.assays import METHODS
from xenoquant.pipeline.run import RunOptions, run_study

spent = {"open": 0.0, "measure": 0.0, "draw": 0.0, "write_picture": 0.0, "open_image": 0.0}

def timed(name, function):
    @functools.wraps(function)
    def call(*words, **more):
        started = time.process_time()
        try:
            return function(*words, **more)
        finally:
            spent[name] += time.process_time() - started
    return call

assay = METHODS[sys.argv[2]]
# `drawing.open_image` calls `Assay.open` too: that is reading again
owners = dict.fromkeys(spent, assay) | {"write_picture": drawing, "open_image": drawing}
for name, owner in owners.items():
    setattr(owner, name, timed(name, getattr(owner, name)))
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


def run(code: str, study: Path, method: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, str(study), method],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ready(folder: Path, images: int, side_px: int, method: str) -> Path:
    """Give a study of so many images, written unless it is there, without results."""
    study = folder / f"{method}-{images}-{side_px}"
    if not study.exists():
        write_small_study(study, images, side_px=side_px, method=method)
    shutil.rmtree(study / "results", ignore_errors=True)
    return study


def share(folder: Path, images: int, side: int, method: str) -> None:
    """Print what the engine takes of the whole."""
    alone = run(CHILD, ready(folder, images, side, method), method)
    whole = alone["processor"]
    parts = {
        "reading and measuring": alone["open"] - alone["open_image"] + alone["measure"],
        "drawing overlays": alone["draw"] + alone["write_picture"] + alone["open_image"],
    }
    parts["the engine"] = whole - sum(parts.values())
    said = ", ".join(
        f"{name} {spent / images * 1e3:.1f} ms ({spent / whole:.1%})"
        for name, spent in parts.items()
    )
    print(
        f"{images} images of {side}², {method}: {whole / images * 1e3:.1f} ms of processor time an"
        f" image: {said}. All but reading and measuring:"
        f" {1 - parts['reading and measuring'] / whole:.1%}.",
        flush=True,
    )


def memory(folder: Path, images: int, side: int, method: str) -> None:
    """Print the run's memory with a tenth of the images and with all, and two more runs' times."""
    few = images // 10
    less = run(PARENT, ready(folder, few, side, method), method)
    large = ready(folder, images, side, method)
    first, second, third = (run(PARENT, large, method) for _ in range(3))
    growth = first["peak_mb"] / less["peak_mb"] - 1
    print(
        f"Peak memory of the parent: {less['peak_mb']:.0f} MB with {few} images of {side}²,"
        f" {first['peak_mb']:.0f} MB with {images}: {growth:+.0%}."
    )
    print(
        f"Run again with nothing to do: {second['clock']:.1f} s for {images} images at once, then"
        f" {third['clock']:.1f} s"
        f" (the first run took {first['clock']:.0f} s with one worker;"
        f" {second['measured']:.0f} measured now)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--share-images", type=int)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=["share", "memory", "both"], default="both")
    parser.add_argument("--method", choices=["dab", "fluorescence"], default="dab")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as desk:
        folder = words.folder or Path(desk)
        if words.part != "memory":
            share(folder, words.share_images or words.images, words.side, words.method)
        if words.part != "share":
            memory(folder, words.images, words.side, words.method)


if __name__ == "__main__":
    main()
