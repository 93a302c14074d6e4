"""What reading costs: `read_image` beside the plain decoder, milliseconds a megapixel.

Run as ``python benchmarks/decoding.py``. The images are noise over a gradient, made for the run,
so compressed formats do their full work. Both are timed in turn and the best of each is taken.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as Pillow

from xenoquant.pipeline.readers import read_image

SIDE = 2048
ROUNDS = 5


def best_ms(*calls: Callable[[], object]) -> list[float]:
    """Time calls in turn and give each one's best, in milliseconds."""
    times = [[0.0] * ROUNDS for _ in calls]
    for turn in range(ROUNDS):
        for number, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[number][turn] = (time.perf_counter() - start) * 1e3
    return [min(each) for each in times]


def make_images(folder: Path) -> list[tuple[Path, Callable[[Path], object]]]:
    """Write one image of each kind and name its plain decoder."""
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 200, SIDE)[None, :, None]
    rgb = (ramp + random.integers(0, 50, (SIDE, SIDE, 3))).astype(np.uint8)
    field = random.integers(0, 4096, (2, SIDE, SIDE)).astype(np.uint16)
    Pillow.fromarray(rgb).save(folder / "photo.jpg", quality=90)
    Pillow.fromarray(rgb).save(folder / "photo.png", compress_level=1)
    tifffile.imwrite(folder / "field.ome.tif", field, ome=True, metadata={"axes": "CYX"})
    tifffile.imwrite(
        folder / "tiled.tif", rgb, photometric="rgb", tile=(256, 256), compression="jpeg"
    )
    return [
        (folder / "photo.jpg", lambda path: np.asarray(Pillow.open(path))),
        (folder / "photo.png", lambda path: np.asarray(Pillow.open(path))),
        (folder / "field.ome.tif", tifffile.imread),
        (folder / "tiled.tif", lambda path: tifffile.imread(path, maxworkers=1)),
    ]


def main() -> None:
    """Print a row for each kind of image."""
    megapixels = SIDE * SIDE / 1e6
    print(f"{'image':16} {'read_image':>12} {'plain':>12}   ms a megapixel")
    with tempfile.TemporaryDirectory() as folder:
        for path, plain in make_images(Path(folder)):
            ours, theirs = best_ms(lambda p=path: read_image(p), lambda p=path, d=plain: d(p))
            print(f"{path.name:16} {ours / megapixels:12.2f} {theirs / megapixels:12.2f}")


if __name__ == "__main__":
    main()
