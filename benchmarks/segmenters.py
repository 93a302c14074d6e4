"""The segmenters against one another, on every kind of image that the default has to serve.

``python benchmarks/segmenters.py DATA`` takes the folder of real and rendered inputs: annotated
fluorescence (``nuclei_dsb2018``), H-DAB with DAPI of the same section (``ihc_ki67``) and rendered
fields (``sections_rendered``). Of the annotated images, only those are taken that training didn't
learn from, as ``--split FILE`` lists them (written by `training/nuclei/train.py`): fields held out
for the test, and whole types kept apart for validation. It prints for each segmenter the pooled
average precision at an overlap of 0.5 and 0.75, F1, the error of the count and the bias of the
area, by nucleus size.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile
from nuclei import matched
from scipy import ndimage

from xenoquant.imgproc.dab import DabOptions, measure_dab
from xenoquant.imgproc.phantoms import DabScene, FluorescenceScene, render_dab, render_fluorescence
from xenoquant.imgproc.segmenters import SegmenterOptions

SEGMENTERS = ("network", "classical")
SIZES_PX = (0, 12, 16, 25, 40, np.inf)
SPLIT = Path(__file__).resolve().parents[1] / "data/weights/nuclei.split.csv"
HELD_OUT, KEPT_APART = "annotated, fields held out", "annotated, types kept apart"
PHANTOMS = 12
FIRST_SEED = 9_300_000  # none of which anything was trained or chosen on


@dataclass(frozen=True)
class Case:
    """An image to find nuclei on, and the truth.

    Attributes
    ----------
    name : str
        Set of images.
    image : numpy.ndarray
        A nuclear channel (H, W), or H-DAB in colour (H, W, 3).
    truth : numpy.ndarray
        Label image.
    um_per_px : float or None
        Pixel size.
    blank : numpy.ndarray or None
        Empty field of an H-DAB image.
    compartment : str
        Where the brown is, for H-DAB.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray
    um_per_px: float | None = None
    blank: np.ndarray | None = None
    compartment: str = "nucleus"


def found(case: Case, segmenter: str) -> np.ndarray:
    """Nuclei as the program finds them with its defaults."""
    if case.image.ndim == 2:
        return SegmenterOptions(segmenter=segmenter).finder(None)(case.image, case.um_per_px)
    options = DabOptions(compartment=case.compartment, segmenter=segmenter)
    return measure_dab(
        case.image, um_per_px=case.um_per_px, blank=case.blank, options=options
    ).labels["nuclei"]


def annotated(folder: Path, split: Path) -> Iterator[Case]:
    """Annotated fluorescence that the network didn't learn from."""
    table = pd.read_csv(split)
    for part, name in (("test", HELD_OUT), ("validation", KEPT_APART)):
        for stem in sorted(table.loc[table["part"] == part, "name"]):
            image, truth = (
                cv2.imread(str(folder / kind / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
                for kind in ("images", "labels")
            )
            yield Case(name, image, truth.astype(np.int32))


def classes(seg: np.ndarray) -> np.ndarray:
    """Nuclei of a tile's own segmentation, red or blue, without crumbs at the edge."""
    red, green, blue = (seg[..., k].astype(int) for k in range(3))
    first, n = ndimage.label((red > blue + 60) & (red > green + 60))
    second, _ = ndimage.label((blue > red + 60) & (blue > green + 60))
    labels = np.where(first > 0, first, np.where(second > 0, second + n, 0))
    return np.where((np.bincount(labels.ravel()) >= 40)[labels], labels, 0).astype(np.int32)


def ki67(folder: Path) -> Iterator[Case]:
    """DAPI and H-DAB of the same sections."""
    for tile in sorted(folder.iterdir()):
        truth = classes(cv2.imread(str(tile / "Seg.png"))[..., ::-1])
        dapi = cv2.imread(str(tile / "DAPI.png"), cv2.IMREAD_GRAYSCALE)
        rgb = np.ascontiguousarray(cv2.imread(str(tile / "IHC.png"))[..., ::-1])
        yield Case(f"DAPI of {tile.name} (centres)", dapi, truth)
        yield Case(f"H-DAB of {tile.name} (centres)", rgb, truth)


def rendered_files(folder: Path) -> Iterator[Case]:
    """The rendered fields beside the project."""
    for path in sorted(folder.glob("*_nuclei.tif")):
        stem = path.name.removesuffix("_nuclei.tif")
        truth = tifffile.imread(path).astype(np.int32)
        if stem.startswith("dab"):
            rgb = np.ascontiguousarray(cv2.imread(str(folder / f"{stem}.jpg"))[..., ::-1])
            blank = np.ascontiguousarray(cv2.imread(str(folder / f"{stem}_blank.png"))[..., ::-1])
            yield Case("H-DAB, rendered files", rgb, truth, 0.5, blank, "cytoplasm")
        else:
            stack = tifffile.imread(folder / f"{stem}.ome.tif")
            sharp = [ndimage.correlate(truth > 0, np.ones((1, 1))) for _ in stack]
            dna = max(
                range(len(stack)),
                key=lambda k: float(np.corrcoef(stack[k].ravel(), sharp[k].ravel())[0, 1]),
            )
            yield Case("confocal, rendered files", stack[dna], truth, 0.5)


def phantoms() -> Iterator[Case]:
    """Fields and sections of seeds that nothing was chosen on."""
    for seed in range(FIRST_SEED, FIRST_SEED + PHANTOMS):
        rng = np.random.default_rng(seed)
        field = render_fluorescence(
            seed, scene=FluorescenceScene(nuclei_log_sd=float(rng.uniform(0.2, 0.6)))
        )
        yield Case("confocal, rendered", field.channels["nuclei"], field.nuclei, field.um_per_px)
        compartment = ("nucleus", "cytoplasm")[seed % 2]
        tissue = ("tumour", "hepatocyte", "stroma")[seed % 3]
        section = render_dab(seed, scene=DabScene(compartment=compartment, tissue=tissue))
        yield Case(
            f"H-DAB, rendered, {tissue}",
            section.rgb,
            section.nuclei,
            section.um_per_px,
            section.blank,
            compartment,
        )


def centres_matched(labels: np.ndarray, truth: np.ndarray) -> int:
    """Nuclei paired by a centre that lies in the other's, after the shift that overlaps most.

    The tiles' truth was drawn on another stain and lies a few pixels off.
    """
    moves = [(dy, dx) for dy in range(-10, 11) for dx in range(-10, 11)]
    mask, there = labels > 0, truth > 0
    best = max(moves, key=lambda m: np.count_nonzero(np.roll(mask, m, (0, 1)) & there))
    moved = np.roll(labels, best, (0, 1))
    numbers = np.unique(moved)[1:]
    middles = np.rint(ndimage.center_of_mass(moved > 0, moved, numbers)).astype(int)
    return len({int(truth[y, x]) for y, x in middles} - {0})


def row(case: Case, segmenter: str) -> dict[str, object]:
    """What one segmenter does on one image."""
    start = time.process_time()
    labels = found(case, segmenter)
    spent = time.process_time() - start
    truth = case.truth
    area, true_area = (np.bincount(x.ravel())[1:] for x in (labels, truth))
    area, true_area = area[area > 0], true_area[true_area > 0]
    if "centres" in case.name:
        hits = [centres_matched(labels, truth)] * 2
        true, some = len(true_area), len(area)
    else:
        hits, true, some = matched(labels, truth)
    typical = 2 * np.sqrt(np.median(true_area) / np.pi) if len(true_area) else 0.0
    bias = np.median(area) / np.median(true_area) - 1 if len(area) and len(true_area) else np.nan
    return {
        "set": case.name,
        "segmenter": segmenter,
        "size": int(np.searchsorted(SIZES_PX, typical, "right")) - 1,
        "hits_50": hits[0],
        "hits_75": hits[1],
        "true": true,
        "found": some,
        "area_bias": bias,
        "seconds": spent,
    }


def summary(rows: pd.DataFrame) -> dict[str, float]:
    """Pooled scores of some images."""
    total = rows[["hits_50", "hits_75", "true", "found", "seconds"]].sum()
    objects = total["true"] + total["found"]
    error = (rows["found"] - rows["true"]).abs() / rows["true"].clip(lower=1)
    return {
        "images": len(rows),
        "nuclei": int(total["true"]),
        "AP 0.5": total["hits_50"] / max(objects - total["hits_50"], 1),
        "AP 0.75": total["hits_75"] / max(objects - total["hits_75"], 1),
        "F1": 2 * total["hits_50"] / max(objects, 1),
        "count": total["found"] / max(total["true"], 1) - 1,
        "count error": float(error.median()),
        "area bias": float(rows["area_bias"].median()),
        "s": total["seconds"],
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder of real and rendered inputs")
    parser.add_argument("--split", type=Path, default=SPLIT, help="what training learned from")
    parser.add_argument("--only", choices=("fluorescence", "others"), default=None)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    sets: list[Iterator[Case]] = []
    if arguments.only != "others":
        sets.append(annotated(arguments.folder / "nuclei_dsb2018", arguments.split))
    if arguments.only != "fluorescence":
        sets += [ki67(arguments.folder / "ihc_ki67"), phantoms()]
        sets.append(rendered_files(arguments.folder / "sections_rendered"))
    rows = pd.DataFrame([row(case, s) for cases in sets for case in cases for s in SEGMENTERS])
    pd.set_option("display.width", 160)
    by_size = rows[rows["set"].isin([HELD_OUT, KEPT_APART])]
    for part, keys in ((rows, ["set", "segmenter"]), (by_size, ["set", "size", "segmenter"])):
        if len(part):
            table = {k: summary(g) for k, g in part.groupby(keys)}
            print(pd.DataFrame(table).T.round(3).to_string(), "\n")
    for k, (low, high) in enumerate(pairwise(SIZES_PX)):
        print(f"size {k}: median diameter of {low} to {high} px")


if __name__ == "__main__":
    main()
