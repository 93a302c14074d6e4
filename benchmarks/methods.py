"""What each method costs as a multiple of decoding its own image, in one run.

    python benchmarks/methods.py [--repeats 5]

Ratios of two times taken side by side hold on any machine; the times themselves don't.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import threadpoolctl
import tifffile

from xenoquant.imgproc.dab import measure_dab
from xenoquant.imgproc.fluorescence import measure_fluorescence
from xenoquant.imgproc.nodules import measure_nodules
from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Give the median time of a call; the first, which compiles, isn't counted."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def jpeg(rgb: np.ndarray) -> np.ndarray:
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]


def tiff(planes: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, planes, compression="zlib")
    return buffer.getvalue()


def report(name: str, megapixels: float, decode: float, measure: float) -> None:
    ratio = measure / decode
    print(
        f"{name:<14}{megapixels:>6.2f} Mpx   decode {decode * 1e3:>8.1f} ms   "
        f"measure {measure * 1e3:>8.1f} ms   ratio {ratio:>7.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    cv2.setNumThreads(1)
    with threadpoolctl.threadpool_limits(1):
        lungs = render_lungs(1, scene=LungScene(size_px=(1600, 2200), px_per_mm=100)).rgb
        data = jpeg(lungs)
        report(
            "nodules",
            lungs.shape[0] * lungs.shape[1] / 1e6,
            seconds(lambda: cv2.imdecode(data, cv2.IMREAD_COLOR), repeats),
            seconds(lambda: measure_nodules(lungs, px_per_mm=100), repeats),
        )
        field = render_fluorescence(1, scene=FluorescenceScene(size_px=(1024, 1024)))
        planes = tiff(np.stack(list(field.channels.values())))
        report(
            "fluorescence",
            1024**2 / 1e6,
            seconds(lambda: tifffile.imread(io.BytesIO(planes)), repeats),
            seconds(lambda: measure_fluorescence(field.channels, um_per_px=0.5), repeats),
        )
        section = render_dab(1, scene=DabScene(size_px=(1024, 1024)))
        coded = jpeg(section.rgb)
        report(
            "dab",
            1024**2 / 1e6,
            seconds(lambda: cv2.imdecode(coded, cv2.IMREAD_COLOR), repeats),
            seconds(lambda: measure_dab(section.rgb, um_per_px=0.5), repeats),
        )


if __name__ == "__main__":
    main()
