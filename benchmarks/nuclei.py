"""Cost of the fluorescence measurement against a plain scikit-image pipeline and against decoding.

``python benchmarks/nuclei.py`` renders a 2048² field of two channels, measures it in both ways in
one run, and prints times, ratios, peak memory and, for both, the average precision against the
rendered truth. ``python benchmarks/nuclei.py FOLDER`` segments FOLDER/images/*.png and compares
with FOLDER/labels/*.png, in the order of FOLDER/manifest.csv or of the names;
``--from 0 --every 2`` takes those that the segmenter's constants were not chosen on.
"""

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage
from skimage import feature, filters, measure, morphology, segmentation

from xenoquant.imgproc.cells import cell_parts, expand_cells
from xenoquant.imgproc.fluorescence import FluorescenceOptions, measure_fluorescence
from xenoquant.imgproc.network_nuclei import network_nuclei
from xenoquant.imgproc.nuclei import segment_nuclei
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence

SIDE_PX = 2048
UM_PER_PX = 0.5
OVERLAPS = (0.5, 0.75)


def plain_nuclei(image: np.ndarray) -> np.ndarray:
    """Gaussian, Otsu, distance transform, watershed: the pipeline of most tutorials."""
    smooth = filters.gaussian(image, 1, preserve_range=True)
    mask = smooth > filters.threshold_otsu(smooth)
    distance = ndimage.distance_transform_edt(mask)
    peaks = feature.peak_local_max(distance, min_distance=5, labels=measure.label(mask))
    markers = np.zeros(image.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-distance, markers, mask=mask)


def smoothed_nuclei(image: np.ndarray) -> np.ndarray:
    """The same with holes filled, specks left out, and distances smoothed before their peaks."""
    smooth = filters.gaussian(image, 1, preserve_range=True)
    mask = ndimage.binary_fill_holes(smooth > filters.threshold_otsu(smooth))
    mask = morphology.remove_small_objects(mask, max_size=29)
    distance = filters.gaussian(ndimage.distance_transform_edt(mask), 2)
    peaks = feature.peak_local_max(distance, min_distance=7, labels=measure.label(mask))
    markers = np.zeros(image.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-distance, markers, mask=mask)


def plain_table(channels: dict[str, np.ndarray], nuclei: np.ndarray) -> pd.DataFrame:
    """Cells, compartments and their statistics with scikit-image."""
    cells = segmentation.expand_labels(nuclei, 5 / UM_PER_PX)
    inner = segmentation.find_boundaries(cells, mode="inner")
    band = (ndimage.distance_transform_edt(~inner) < 1 / UM_PER_PX) & (nuclei == 0)
    parts = {
        "nucleus": nuclei,
        "cytoplasm": np.where((nuclei == 0) & ~band, cells, 0),
        "membrane": np.where(band, cells, 0),
        "cell": cells,
    }
    stack = np.stack(list(channels.values()), axis=-1)
    tables = []
    for name, part in parts.items():
        table = measure.regionprops_table(
            part,
            stack,
            properties=("label", "area", "centroid", "mean_intensity"),
            extra_properties=(percentiles_of,),
        )
        tables.append(pd.DataFrame(table).set_index("label").add_prefix(f"{name}_"))
    return pd.concat(tables, axis=1)


def percentiles_of(mask: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    """Three percentiles of each channel."""
    return np.percentile(intensity[mask], [5, 50, 95], axis=0).ravel()


def timed(work: Callable[[], object], repeats: int = 3) -> float:
    """Give the shortest of some runs, in seconds of processor time (one thread)."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def peak_memory_mb(channels: dict[str, np.ndarray], segmenter: str) -> float:
    """Give the peak resident memory of a fresh process that measures the field (Linux)."""
    field = np.stack([channels["marker"], channels["nuclei"]])
    program = (
        "import sys, numpy\n"
        "from xenoquant.imgproc.fluorescence import FluorescenceOptions, measure_fluorescence\n"
        f"field = numpy.frombuffer(sys.stdin.buffer.read(), '{field.dtype}')\n"
        f"marker, nuclei = field.reshape({field.shape})\n"
        f"options = FluorescenceOptions(segmenter='{segmenter}')\n"
        "channels = dict(marker=marker, nuclei=nuclei)\n"
        f"measure_fluorescence(channels, um_per_px={UM_PER_PX}, options=options)\n"
        # not ru_maxrss, which a process has from its parent
        "print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')).split()[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=field.tobytes(), capture_output=True, check=True
    )
    return float(done.stdout) / 1024


def matched(labels: np.ndarray, truth: np.ndarray) -> tuple[list[int], int, int]:
    """Give the objects matched at each overlap, the true ones, and the found ones."""
    found, true = int(labels.max()), int(truth.max())
    pairs = np.bincount(
        (truth.astype(np.int64) * (found + 1) + labels).ravel(),
        minlength=(true + 1) * (found + 1),
    ).reshape(true + 1, found + 1)
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - pairs[1:, 1:]
    overlap = pairs[1:, 1:] / np.maximum(union, 1)
    present = int(np.count_nonzero(pairs.sum(1)[1:]))
    return [int(np.count_nonzero(overlap > least)) for least in OVERLAPS], present, found


def precision(pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """TP / (TP + FP + FN) at the two overlaps, over (labels, truth) of all images.

    Pooled over all objects, and the mean of the images' own (1 where nothing is and is found).
    """
    counts = [matched(labels, truth) for labels, truth in pairs]
    hits = np.array([some for some, _, _ in counts], float)
    others = np.array([[true + found] for _, true, found in counts]) - hits
    images = np.divide(hits, others, out=np.ones_like(hits), where=others > 0)
    return hits.sum(axis=0) / np.maximum(others.sum(axis=0), 1), images.mean(axis=0)


def decoding_seconds(planes: np.ndarray, compression: str) -> float:
    """Time reading a TIFF of the planes, compressed as microscopes' programs do."""
    file = io.BytesIO()
    tifffile.imwrite(file, planes, compression=compression)

    def decode() -> object:
        file.seek(0)
        return tifffile.imread(file, maxworkers=1)

    return timed(decode)


def speed() -> None:
    """Print times and ratios on one rendered field."""
    cv2.setNumThreads(1)
    scene = FluorescenceScene(size_px=(SIDE_PX, SIDE_PX), um_per_px=UM_PER_PX)
    phantom = render_fluorescence(1, scene=scene)
    small = {name: plane[:256, :256] for name, plane in phantom.channels.items()}
    measure_fluorescence(small, um_per_px=UM_PER_PX)  # compiles, or loads what is compiled
    planes = np.stack(list(phantom.channels.values()))
    options = FluorescenceOptions(segmenter="classical")
    network = FluorescenceOptions(segmenter="network")
    nuclei = segment_nuclei(phantom.channels["nuclei"], UM_PER_PX)
    cells = expand_cells(nuclei, 5 / UM_PER_PX)
    seconds = {
        "decoding (zlib TIFF, two channels)": decoding_seconds(planes, "zlib"),
        "decoding (LZW TIFF, two channels)": decoding_seconds(planes, "lzw"),
        "nuclei": timed(lambda: segment_nuclei(phantom.channels["nuclei"], UM_PER_PX)),
        "cells": timed(lambda: expand_cells(nuclei, 5 / UM_PER_PX)),
        "parts of cells": timed(lambda: cell_parts(nuclei, cells, 1 / UM_PER_PX)),
        "all: nuclei, cells, table, flags": timed(
            lambda: measure_fluorescence(phantom.channels, um_per_px=UM_PER_PX, options=options)
        ),
    }
    plain = plain_nuclei(phantom.channels["nuclei"])
    seconds["plain scikit-image: nuclei"] = timed(
        lambda: plain_nuclei(phantom.channels["nuclei"]), 1
    )
    seconds["plain scikit-image: cells and table"] = timed(
        lambda: plain_table(phantom.channels, plain), 1
    )
    for name, value in seconds.items():
        print(f"{name:40s} {1000 * value:8.0f} ms")
    zlib, lzw, _, _, _, whole, *plain_steps = seconds.values()
    by_plain = sum(plain_steps)
    print(f"plain / xenoquant                        {by_plain / whole:8.1f} times")
    print(f"xenoquant / decoding zlib                {whole / zlib:8.1f} times")
    print(f"xenoquant / decoding LZW                 {whole / lzw:8.1f} times")
    learned = timed(
        lambda: measure_fluorescence(phantom.channels, um_per_px=UM_PER_PX, options=network), 2
    )
    print(f"all, with the network                    {1000 * learned:8.0f} ms")
    print(f"plain / xenoquant with the network       {by_plain / learned:8.1f} times")
    for name in ("classical", "network"):
        memory = peak_memory_mb(phantom.channels, name)
        print(f"peak memory of a process that measures the field, {name} {memory:6.0f} MB")
    by_network = network_nuclei(phantom.channels["nuclei"], UM_PER_PX)
    found = {"xenoquant": nuclei, "network": by_network, "plain scikit-image": plain}
    for name, labels in found.items():
        (half, three_quarters), _ = precision(iter([(labels, phantom.nuclei)]))
        print(f"average precision (rendered) {name}: {half:.3f} / {three_quarters:.3f}")


def accuracy(folder: Path, first: int, every: int) -> None:
    """Print the average precision on a folder of images and label images."""
    listed = folder / "manifest.csv"
    if listed.exists():
        names = [f"{name}.png" for name in pd.read_csv(listed)["name"]][first::every]
    else:
        names = sorted(path.name for path in (folder / "images").glob("*.png"))[first::every]

    def pairs(find: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for name in names:
            image = cv2.imread(str(folder / "images" / name), cv2.IMREAD_UNCHANGED)
            truth = cv2.imread(str(folder / "labels" / name), cv2.IMREAD_UNCHANGED)
            yield find(image if image.ndim == 2 else image[..., :3].max(axis=2)), truth

    ways = {
        "xenoquant": segment_nuclei,
        "plain scikit-image": plain_nuclei,
        "smoothed scikit-image": smoothed_nuclei,
    }
    for name, find in ways.items():
        for how, (half, three_quarters) in zip(
            ("of all objects", "mean of images"), precision(pairs(find)), strict=True
        ):
            print(
                f"{len(names)} images, average precision {how}, {name}: "
                f"{half:.3f} / {three_quarters:.3f}"
            )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.folder is None:
        speed()
    else:
        accuracy(arguments.folder, arguments.first, arguments.every)


if __name__ == "__main__":
    main()
