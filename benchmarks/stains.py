"""What optical density and unmixing cost, as multiples of decoding the image's own JPEG.

Run as ``python benchmarks/stains.py``. The image is real stain (scikit-image's H-DAB example,
tiled), encoded once. All are timed in turn on one thread and the median of each is taken.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import statistics  # noqa: E402 - threads are set before numpy is loaded
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

import cv2  # noqa: E402
import imagecodecs  # noqa: E402
import numpy as np  # noqa: E402
from skimage.color import rgb2hed  # noqa: E402
from skimage.data import immunohistochemistry  # noqa: E402

from xenoquant.imgproc.dab import measure_dab  # noqa: E402
from xenoquant.imgproc.optics import optical_density, optical_density_fast  # noqa: E402
from xenoquant.imgproc.stains import (  # noqa: E402
    StainVectors,
    separate,
    unmix,
)

TILES = 4  # of 512 pixels a side
ROUNDS = 7


def medians_ms(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Time calls in turn and give each one's median in milliseconds; first calls compile."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Print a row for each step."""
    cv2.setNumThreads(1)
    rgb = np.tile(immunohistochemistry(), (TILES, TILES, 1))
    encoded = imagecodecs.jpeg8_encode(rgb, level=90)
    white = np.array([236.0, 236.0, 234.0])
    field = np.broadcast_to(white, rgb.shape).copy()
    vectors = StainVectors()
    calls: dict[str, Callable[[], object]] = {
        "decoding the JPEG": lambda: imagecodecs.jpeg8_decode(encoded),
        "optical density, fused": lambda: optical_density_fast(rgb, white),
        "three stains, fused": lambda: separate(rgb, white, vectors),
        "three stains, white per pixel": lambda: separate(rgb, field, vectors),
        "three stains, plain numpy": lambda: unmix(optical_density(rgb, white), vectors),
        "rgb2hed of scikit-image": lambda: rgb2hed(rgb),
        "measure_dab, all of it": lambda: measure_dab(rgb, um_per_px=0.5),
    }
    megapixels = rgb.shape[0] * rgb.shape[1] / 1e6
    times = medians_ms(calls)
    decoding = times["decoding the JPEG"]
    print(f"{'step':32} {'ms a megapixel':>15} {'times decoding':>15}")
    for name, milliseconds in times.items():
        print(f"{name:32} {milliseconds / megapixels:15.2f} {milliseconds / decoding:15.2f}")


if __name__ == "__main__":
    main()
