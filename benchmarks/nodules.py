"""Accuracy and cost of counting nodules, on rendered photos that no model was trained on.

    python benchmarks/nodules.py --photos 60
    python benchmarks/nodules.py --photos 60 --out accuracy.md

Prints F1, count errors and concordance by density, glare, contrast and background, then the time
a 12-megapixel photo of one lobe takes, as a multiple of decoding it. Centres count as found within
the larger of the true radius and 0.25 mm, one to one; nodules less than half visible count neither
way.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc.nodules import NoduleOptions, measure_nodules
from xenoquant.imgproc.phantoms import LungPhantom, LungScene, random_lung_scene, render_lungs

FIRST_SEED = 900_000
"""Far from the seeds of training."""

LEAST_REACH_MM = 0.25
LEAST_VISIBLE = 0.5
CLASSES = {
    "nodules a lobe": ("density", [0, 0.5, 10.5, 30.5, 99], ["0", "1-10", "11-30", "> 30"]),
    "glare": ("glare", [-1, 0.01, 0.33, 0.66, 1.01], ["none", "light", "medium", "heavy"]),
    "contrast": ("contrast", [0, 0.5, 0.7, 0.85, 1.01], ["< 0.5", "0.5-0.7", "0.7-0.85", "> 0.85"]),
}


def pairs(found: np.ndarray, truth: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Rows of the true nodules that were found, one to one, nearest overall."""
    if len(found) == 0 or len(truth) == 0:
        return np.zeros(0, int)
    distance = np.hypot(*(found[:, None] - truth[None]).transpose(2, 0, 1))
    cost = np.where(distance <= reach, distance / 1e5 - 1, 0.0)
    rows, columns = linear_sum_assignment(cost)
    return columns[cost[rows, columns] < 0]


def score(lung: LungPhantom, objects: pd.DataFrame) -> dict[str, int]:
    """True positives, false positives and false negatives of a photo."""
    table = lung.table
    reach = np.maximum(table["radius_px"].to_numpy(), LEAST_REACH_MM * lung.px_per_mm)
    hit = pairs(objects[["y_px", "x_px"]].to_numpy(), table[["y_px", "x_px"]].to_numpy(), reach)
    counts = table["visible_fraction"].to_numpy() >= LEAST_VISIBLE
    right = int(counts[hit].sum())
    return {"right": right, "false": len(objects) - len(hit), "missed": int(counts.sum()) - right}


def measured(seed: int, options: NoduleOptions) -> dict[str, object]:
    """One rendered photo's row of results."""
    scene = random_lung_scene(seed)
    if scene.appearance != options.appearance:
        return {}
    lung = render_lungs(seed, scene=scene)
    start = time.perf_counter()
    result = measure_nodules(lung.rgb, px_per_mm=lung.px_per_mm, options=options)
    seconds = time.perf_counter() - start
    lobes = len(np.unique(lung.lobes)) - 1
    row = score(lung, result.objects)
    return {
        "seed": seed,
        "lobes": lobes,
        "lobes_found": len(result.regions),
        **row,
        "true": row["right"] + row["missed"],
        "counted": row["right"] + row["false"],
        "density": (row["right"] + row["missed"]) / max(lobes, 1),
        "glare": scene.glare,
        "contrast": scene.contrast,
        "background": scene.background,
        "seconds": seconds,
    }


def line(name: str, rows: pd.DataFrame) -> str:
    """One line of the table."""
    right, false, missed = (int(rows[column].sum()) for column in ("right", "false", "missed"))
    f1 = 2 * right / max(2 * right + false + missed, 1)
    error = (rows["counted"] - rows["true"]).abs().sum() / max(rows["true"].sum(), 1)
    score = f"{f1:.3f}" if right + missed else "-"
    relative = f"{error:.1%}" if right + missed else "-"
    lobes = int(rows["lobes"].sum())
    return (
        f"| {name} | {len(rows)} | {lobes} | {right + missed} | {score} | {relative} "
        f"| {false / max(lobes, 1):.2f} | {missed / max(lobes, 1):.2f} |"
    )


def concordance(true: pd.Series, counted: pd.Series) -> float:
    """Lin's concordance correlation of the counts of photos."""
    covariance = float(np.mean((true - true.mean()) * (counted - counted.mean())))
    spread = true.var(ddof=0) + counted.var(ddof=0) + (true.mean() - counted.mean()) ** 2
    return 2 * covariance / spread if spread else float("nan")


def report(rows: pd.DataFrame) -> str:
    """The accuracy table as Markdown."""
    head = (
        "| photos with | photos | lobes | nodules | F1 | count error "
        "| false a lobe | missed a lobe |"
    )
    lines = [
        "Accuracy on rendered photographs.",
        "",
        head,
        "|---|" + "---:|" * 7,
        line("all", rows),
    ]
    for title, (column, edges, names) in CLASSES.items():
        classes = pd.cut(rows[column], edges, labels=names, include_lowest=True, right=False)
        for name in names:
            if (classes == name).any():
                lines.append(line(f"{title}: {name}", rows[classes == name]))
    for background, part in rows.groupby("background"):
        lines.append(line(f"background: {background}", part))
    wrong = int((rows["lobes"] != rows["lobes_found"]).sum())
    ccc = concordance(rows["true"], rows["counted"])
    return "\n".join(
        [*lines, "", f"Photos with a wrong number of lobes: {wrong} of {len(rows)}. "
         f"Lin's concordance of the counts: {ccc:.4f}."]
    )  # fmt: skip


def cost(options: NoduleOptions) -> str:
    """Time for a 12-megapixel photo of one lobe, and as a multiple of its decoding."""
    scene = replace(LungScene(), size_px=(3000, 4000), px_per_mm=180.0, nodules=25, blur_px=2.0)
    image = render_lungs(5, scene=scene).rgb
    _, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    times = {"decode": [], "measure": []}
    for _ in range(4):  # the first is warm-up: compiled kernels, caches
        start = time.perf_counter()
        rgb = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        times["decode"].append(time.perf_counter() - start)
        start = time.perf_counter()
        measure_nodules(rgb, px_per_mm=scene.px_per_mm, options=options)
        times["measure"].append(time.perf_counter() - start)
    decode, measure = (min(values[1:]) for values in times.values())
    return (
        f"12-megapixel photo of one lobe: {measure:.2f} s on one core, "
        f"{measure / decode:.1f} times its decoding ({decode:.2f} s)."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--out", type=Path, help="also write the tables to this Markdown file")
    parser.add_argument("--no-cost", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    options = NoduleOptions()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.photos)
    rows = pd.DataFrame([row for seed in seeds if (row := measured(seed, options))])
    text = report(rows) + ("" if arguments.no_cost else "\n\n" + cost(options))
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
