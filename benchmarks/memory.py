"""What measuring an image takes of memory at its peak, by assay and image size.

    python benchmarks/memory.py [--only fluorescence]

Each method measures rendered images of several sizes as a run's worker does, from the file on, in a
process of its own. Printed are the process with its libraries after a first small image, and what
each image adds at its peak beyond that, in bytes a pixel. `--jobs auto` reckons with the constants
`working_bytes_per_px` of the assays and `WORKER_BYTES` of `pipeline/resources.py`, which must not
lie below what this prints. Needs Linux.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)
from xenoquant.pipeline.assay import Assay
from xenoquant.pipeline.assays import METHODS
from xenoquant.pipeline.measuring import Job, measure_job
from xenoquant.pipeline.plan import Task
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.store import fingerprint, hash_file
from xenoquant.pipeline.worker_pool import one_thread_each

SIDES = (1024, 2048, 3072)
SMALL = 256


def write_lungs(file: Path, side: int) -> None:
    _save(render_lungs(1, scene=LungScene(size_px=(side, side), px_per_mm=side / 16)).rgb, file)


def write_section(file: Path, side: int) -> None:
    tile = render_dab(1, scene=DabScene(size_px=(512, 512), jpeg_quality=None)).rgb
    _save(_tiled(tile, side), file)


def write_field(file: Path, side: int) -> None:
    import tifffile

    channels = render_fluorescence(1, scene=FluorescenceScene(size_px=(512, 512))).channels
    planes = np.stack([_tiled(channels[name], side) for name in ("marker", "nuclei")])
    tifffile.imwrite(file, planes, ome=True, metadata={"axes": "CYX"}, compression="zlib")


def _tiled(tile: np.ndarray, side: int) -> np.ndarray:
    times = -(-side // tile.shape[0])
    return np.tile(tile, (times, times, 1)[: tile.ndim])[:side, :side]


def _save(rgb: np.ndarray, file: Path) -> None:
    from PIL import Image

    Image.fromarray(rgb).save(file)


CHANNELS = {"marker": 0, "nuclei": 1}
CASES: dict[str, tuple[str, dict[str, object], Callable[[Path, int], None], str]] = {
    "nodules": ("nodules", {"px_per_mm": 64}, write_lungs, "jpg"),
    "dab": ("dab", {"um_per_px": 0.5}, write_section, "jpg"),
    "fluorescence": (
        "fluorescence",
        {"channels": CHANNELS, "um_per_px": 0.5, "segmenter": "network"},
        write_field,
        "tif",
    ),
    "fluorescence, classical": (
        "fluorescence",
        {"channels": CHANNELS, "um_per_px": 0.5, "segmenter": "classical"},
        write_field,
        "tif",
    ),
}


def status_mb(name: str) -> float:
    """Read a line of the process's memory in megabytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) / 1024
    raise KeyError(name)


def measure(case: str) -> None:
    """Measure images of all sizes in this process and print what each takes."""
    method, options, write, suffix = CASES[case]
    one_thread_each()
    empty = 0.0
    assay: Assay = METHODS[method](**options)
    with tempfile.TemporaryDirectory() as folder:
        for side in (SMALL, *SIDES):
            file = Path(folder, f"{side}.{suffix}")
            write(file, side)
            content = hash_file(file)
            key = fingerprint({"of": content})
            task = Task(Sample(case, file.name), assay, file, (), (content,), key, "x")
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
            problem = measure_job(Job(task, Path(folder, "store"))).problem
            if problem is not None:
                sys.exit(problem.error)
            if side == SMALL:
                empty = status_mb("VmRSS")
                print(f"{case}: {empty:.0f} MB with its libraries", end="", flush=True)
                continue
            taken = (status_mb("VmHWM") - empty) * 2**20
            print(f"; {side}²: {taken / side**2:.0f} bytes a pixel", end="", flush=True)
        print(".")


def main() -> None:
    """Measure each method in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--in-this-process", choices=list(CASES))
    words = parser.parse_args()
    if words.in_this_process:
        measure(words.in_this_process)
        return
    for case in CASES:
        if words.only in case:
            command = [sys.executable, __file__, "--in-this-process", case]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
