"""What a whole slide costs, as multiples of decoding its own tiles, all in one run.

    python benchmarks/slides.py [--side 30000] [--folder DIR] [--only areas,cells]

The slide is scikit-image's real H-DAB field laid out to a square, JPEG-tiled, with a pyramid. Times
of one thread are processor time, so that a busy machine changes little; the efficiency of two
threads needs wall time and an idle machine. Each memory is the peak of a process of its own.

Areas are measured on three encodings, since the fewer bits a tile has, the less decoding costs
and the more all else weighs: as Aperio's scanners write tiles (RGB at full resolution, 256 pixels a
side, quality 70), as `tifffile` does unless told otherwise (YCbCr with colours at half the
resolution, quality 95), and the latter at quality 85, on which the other figures are measured, too.
Decoding gives the true colours, into a buffer like this program's own, used again.

The slide of 60 % glass has glass of the field's colour with noise of 2 counts. Its tiles then take
0.34 bits a pixel and half the time of tissue to decode, as those of a real Aperio scan do
(OpenSlide's CMU-1: 0.31 bits, 0.51 of the time); the field's own glass was made flat by JPEG. What
the slide costs is given against decoding a slide of tissue of the same size, whose tiles all cost
alike, and against decoding its own tiles; beside each stands what decoding its tissue alone is.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import cv2  # noqa: E402 - threads are set before numpy is loaded
import imagecodecs  # noqa: E402
import numpy as np  # noqa: E402
import tifffile  # noqa: E402
from skimage.data import immunohistochemistry  # noqa: E402

from xenoquant.imgproc.dab import measure_dab  # noqa: E402
from xenoquant.imgproc.dab_cells import objects_table  # noqa: E402
from xenoquant.imgproc.dab_options import DabOptions  # noqa: E402
from xenoquant.imgproc.dab_search import find_cells  # noqa: E402
from xenoquant.imgproc.slide_dab import measure_slide  # noqa: E402
from xenoquant.imgproc.stains import StainVectors, separate  # noqa: E402
from xenoquant.imgproc.tiles import tile_buffer  # noqa: E402
from xenoquant.imgproc.tissue import find_tissue  # noqa: E402
from xenoquant.imgproc.white import choose_white  # noqa: E402
from xenoquant.pipeline.slide_files import open_slide  # noqa: E402

GLASS = (236, 236, 234)
GLASS_NOISE = 2.0
LEVELS = (1, 4, 16)
AREAS = DabOptions(cells=False)
GLASS_SHARE = 0.6
PLAIN_SIDE, FIELD_UM_PER_PX = 2048, 0.5


@dataclass(frozen=True)
class Encoding:
    """How a slide's tiles are encoded."""

    name: str
    tile: int
    quality: int
    colours: str
    subsampling: str

    def encode(self, pixels: np.ndarray) -> bytes:
        """Give a tile as JPEG."""
        encoded: bytes = imagecodecs.jpeg8_encode(
            pixels,
            level=self.quality,
            colorspace="rgb",
            outcolorspace=self.colours,
            subsampling=self.subsampling,
        )
        return encoded


APERIO = Encoding("RGB 4:4:4, quality 70, tiles of 256 (Aperio)", 256, 70, "rgb", "444")
DEFAULT = Encoding("YCbCr 4:2:0, quality 95, tiles of 512 (tifffile)", 512, 95, "ycbcr", "420")
LIGHT = Encoding("YCbCr 4:2:0, quality 85, tiles of 512", 512, 85, "ycbcr", "420")


def build_slide(path: Path, side: int, encoding: Encoding, glass: float) -> None:
    """Write the slide; its lowest rows are glass, as many as asked for."""
    field = immunohistochemistry()
    noise = np.random.default_rng(0).normal(GLASS, GLASS_NOISE, field.shape)
    empty = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
    tissue = round(side * (1 - glass))
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for level in LEVELS:
            size = (512 // level, 512 // level)
            small, clear = (
                cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in (field, empty)
            )
            shape = (side // level, side // level, 3)
            writer.write(
                _tiles(small, clear, shape[0], encoding, tissue // level),
                shape=shape,
                dtype=np.uint8,
                tile=(encoding.tile, encoding.tile),
                photometric="rgb",
                compression="jpeg",
                subifds=len(LEVELS) - 1 if level == 1 else None,
                subfiletype=0 if level == 1 else 1,
                metadata={"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
            )


def _tiles(
    field: np.ndarray, glass: np.ndarray, side: int, encoding: Encoding, tissue: int
) -> Iterator[bytes]:
    """Encode the tiles of a level, each different one once."""
    made: dict[tuple[int, int, int], bytes] = {}
    period, tile, offsets = field.shape[0], encoding.tile, np.arange(encoding.tile)
    for top in range(0, side, tile):
        for left in range(0, side, tile):
            rows = min(max(tissue - top, 0), tile)
            key = (top % period, left % period, rows)
            if key not in made:
                place = np.ix_((top + offsets) % period, (left + offsets) % period)
                pixels = np.where(offsets[:, None, None] < rows, field[place], glass[place])
                made[key] = encoding.encode(pixels)
            yield made[key]


def decode(path: Path, share: float = 1.0) -> None:
    """Read and decode the tiles of the full image with imagecodecs, and do nothing with them."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        tables, (height, width) = page.jpegtables, (page.tilelength, page.tilewidth)
        rows = -(-round(page.imagelength * share) // height)
        wanted = rows * -(-page.imagewidth // width)
        offsets, counts = page.dataoffsets[:wanted], page.databytecounts[:wanted]
        colours, shown = tifffile.tifffile.jpeg_decode_colorspace(
            int(page.photometric), int(page.planarconfig), page.extrasamples, page.is_jfif
        )
    # addresses that are multiples of 32 would slow decoding down by chance
    out = tile_buffer(open_slide(path).full).reshape(height, width, 3)
    with path.open("rb") as file:
        for offset, count in zip(offsets, counts, strict=True):
            file.seek(offset)
            imagecodecs.jpeg8_decode(
                file.read(count), tables=tables, colorspace=colours, outcolorspace=shown, out=out
            )


def measure(path: Path, threads: int = 1, options: DabOptions = AREAS) -> None:
    """Measure a slide, from opening it to its table."""
    slide = open_slide(path)
    overview = slide.read_level(len(slide.shapes) - 1)
    measure_slide(slide.full, overview, um_per_px=0.5, options=options, threads=threads)


def seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start


def ratio(above: Callable[[], object], below: Callable[[], object], rounds: int) -> float:
    """Ratio of two processor times, each the least of rounds in turn: what disturbs only adds."""
    clock = time.process_time
    times = [(seconds(above, clock), seconds(below, clock)) for _ in range(rounds)]
    return min(first for first, _ in times) / min(second for _, second in times)


def _peak_mb(path: Path, answer: "multiprocessing.Queue[float]") -> None:
    measure(path)
    answer.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak_mb(path: Path) -> float:
    """Peak resident memory of a fresh process that measures a slide."""
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[float] = context.Queue()
    process = context.Process(target=_peak_mb, args=(path, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def plain_cells(rgb: np.ndarray) -> None:
    """Measure cells the plain scikit-image way: one library call after another.

    The distance between seeds is the one that gives about as many nuclei as this program finds.
    """
    from scipy import ndimage
    from skimage import color, feature, filters, measure, morphology, segmentation

    stains = color.rgb2hed(rgb)
    blue = filters.gaussian(stains[..., 0], 1.5)
    mask = morphology.remove_small_objects(blue > filters.threshold_otsu(blue), max_size=30)
    distance = ndimage.distance_transform_edt(mask)
    peaks = feature.peak_local_max(distance, min_distance=7, labels=measure.label(mask))
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    nuclei = segmentation.watershed(-distance, seeds, mask=mask)
    cells = segmentation.expand_labels(nuclei, 8)
    wanted = ("label", "centroid", "area", "intensity_mean")
    cytoplasm = np.where(nuclei == 0, cells, 0)
    for labels in (nuclei, cytoplasm, cells):
        measure.regionprops_table(labels, stains[..., 2], properties=wanted)


def main() -> None:
    """Print a row for each of the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=30_000, help="pixels of the slide's side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=6144, help="side of the slide for cells")
    parser.add_argument("--folder", type=Path, help="where the slides are made")
    parser.add_argument("--only", default="areas,threads,memory,cells", help="what to measure")
    words = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=words.folder) as folder:
        print(f"slide of {words.side} x {words.side} pixels, real stain, JPEG tiles", flush=True)
        if "areas" in words.only:
            for encoding in (APERIO, DEFAULT, LIGHT):
                report_areas(Path(folder), words.side, encoding, words.rounds)
        names = ("whole", "quarter", "cells")
        slides = {name: Path(folder) / f"{name}.ome.tif" for name in names}
        build_slide(slides["whole"], words.side, LIGHT, 0.0)
        build_slide(slides["quarter"], words.side // 2, LIGHT, 0.0)
        build_slide(slides["cells"], words.cells, LIGHT, 0.0)
        measure(slides["quarter"])  # compiles
        if "threads" in words.only:
            report_threads(slides["whole"], words.rounds)
        if "memory" in words.only:
            small, large = peak_mb(slides["quarter"]), peak_mb(slides["whole"])
            say("peak resident memory", f"{large:.0f} MB", "at most 400")
            say("the same / for a quarter of the area", f"{large / small:.2f}", "at most 1.10")
        if "cells" in words.only:
            report_cells(slides["cells"], words.cells, words.rounds)


def say(what: str, figure: str, wanted: str = "") -> None:
    """Print a figure with what is wanted of it."""
    print(f"{what:58}{figure:>8}" + (f"  ({wanted})" if wanted else ""), flush=True)


def report_areas(folder: Path, side: int, encoding: Encoding, rounds: int) -> None:
    """Print what areas cost on one thread."""
    whole, glass = (folder / f"{name}-{encoding.quality}.ome.tif" for name in ("whole", "glass"))
    build_slide(whole, side, encoding, 0.0)
    build_slide(glass, side, encoding, GLASS_SHARE)
    print(encoding.name)
    measure(glass)  # compiles
    cost = ratio(lambda: measure(whole), lambda: decode(whole), rounds)
    say("area measures / decoding the same tiles", f"{cost:.2f}", "at most 1.35")
    for what, all_of_it in (("a slide of tissue", whole), ("its own tiles", glass)):
        cost = ratio(lambda: measure(glass), partial(decode, all_of_it), rounds)
        say(f"60 % glass: area measures / decoding {what}", f"{cost:.2f}", "at most 0.5")
        cost = ratio(lambda: decode(glass, 1 - GLASS_SHARE), partial(decode, all_of_it), rounds)
        say(f"60 % glass: decoding its tissue / decoding {what}", f"{cost:.2f}")


def report_threads(whole: Path, rounds: int) -> None:
    """Print how well two threads share the work."""
    one = min(seconds(lambda: measure(whole, 1), time.perf_counter) for _ in range(rounds))
    two = min(seconds(lambda: measure(whole, 2), time.perf_counter) for _ in range(rounds))
    say("two threads: efficiency in wall time", f"{one / two / 2:.2f}", "at least 0.85")
    clock = time.process_time
    spent = seconds(lambda: measure(whole, 2), clock) / seconds(lambda: measure(whole, 1), clock)
    say("two threads: processor time / one thread's", f"{spent:.2f}")


def cells_alone(field: np.ndarray, options: DabOptions) -> Callable[[], object]:
    """Give what does the plain way's work and no more: stains, nuclei, cells and their table."""
    white = choose_white(field, um_per_px=FIELD_UM_PER_PX)
    tissue = find_tissue(field, white, um_per_px=FIELD_UM_PER_PX).pieces > 0
    vectors = StainVectors()

    def measured() -> None:
        amounts = separate(field, white.level, vectors)
        nuclei, cells, scale = find_cells(amounts, tissue, FIELD_UM_PER_PX, options, None)
        objects_table(nuclei, cells, amounts, FIELD_UM_PER_PX, scale)

    return measured


def report_cells(slide: Path, side: int, rounds: int) -> None:
    """Print what cells cost: alone, on a field, and on a slide with decoding and label images.

    On field and slide white, tissue, areas, ink, folds and pigment are measured, too, for which
    the plain way has nothing.
    """
    field = np.tile(immunohistochemistry(), (PLAIN_SIDE // 512, PLAIN_SIDE // 512, 1))
    options = DabOptions(stains="default", nucleus_diameter_um=8.0)
    measure_dab(field[:512, :512], um_per_px=FIELD_UM_PER_PX, options=options)  # compiles
    plain_cells(field[:512, :512])  # imports

    def gain(measured: Callable[[], object]) -> float:
        return ratio(lambda: plain_cells(field), measured, rounds)

    alone = gain(cells_alone(field, options))
    say("cells, same steps: plain scikit-image / this", f"{alone:.1f}", "at least 5")
    whole = gain(lambda: measure_dab(field, um_per_px=FIELD_UM_PER_PX, options=options))
    say("all of a field: plain scikit-image's cells / this", f"{whole:.1f}")
    whole = gain(lambda: measure(slide, 1, DabOptions())) * (side / PLAIN_SIDE) ** 2
    say("all of a slide: plain scikit-image's cells / this", f"{whole:.1f}", "per pixel")


if __name__ == "__main__":
    main()
