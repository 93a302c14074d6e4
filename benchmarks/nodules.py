"""Accuracy and cost of counting nodules, on rendered photos that no model was trained on.

    python benchmarks/nodules.py --photos 60
    python benchmarks/nodules.py --photos 60 --out docs/nodules-accuracy.md
    python benchmarks/nodules.py --folder lungs_rendered

Prints F1, count errors and concordance by density, glare, contrast and background, then the counts
of the same photos in other light, and what a 12-megapixel photo of one lobe costs, as a multiple
of decoding it. Centres count as found within the larger of the true radius and 0.25 mm, one to
one; nodules that a reader couldn't count (less than half visible, or drowned in clutter:
`imgproc/phantom_visibility.py`) count neither way.

A folder holds photos, `photos.csv` (image, lobes, px_per_mm) and `nodules.csv` (image, y_px, x_px,
radius_px); there every nodule counts.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc.nodules import NoduleOptions, measure_nodules
from xenoquant.imgproc.phantoms import LungScene, random_lung_scene, render_lungs

FIRST_SEED = 900_000
"""Far from the seeds of training."""

LEAST_REACH_MM = 0.25
CLASSES = {
    "nodules a lobe": ("density", [0, 0.5, 10.5, 30.5, 99], ["0", "1-10", "11-30", "> 30"]),
    "glare": (
        "glare",
        [-1, 0.01, 0.33, 0.66, 0.8, 1.01],
        ["none", "light", "medium", "heavy", "heaviest"],
    ),
    "contrast": ("contrast", [0, 0.5, 0.7, 0.85, 1.01], ["< 0.5", "0.5-0.7", "0.7-0.85", "> 0.85"]),
}


@dataclass(frozen=True)
class Truth:
    """A photo and what is known about it."""

    name: str
    rgb: np.ndarray
    table: pd.DataFrame
    lobes: int
    px_per_mm: float
    classes: dict[str, object]


def pairs(found: np.ndarray, truth: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Rows of the true nodules that were found, one to one, nearest overall."""
    if len(found) == 0 or len(truth) == 0:
        return np.zeros(0, int)
    distance = np.hypot(*(found[:, None] - truth[None]).transpose(2, 0, 1))
    cost = np.where(distance <= reach, distance / 1e5 - 1, 0.0)
    rows, columns = linear_sum_assignment(cost)
    return columns[cost[rows, columns] < 0]


def score(objects: pd.DataFrame, table: pd.DataFrame, px_per_mm: float) -> dict[str, int]:
    """Right, false and missed nodules of a photo, and those that count neither way."""
    reach = np.maximum(table["radius_px"].to_numpy(), LEAST_REACH_MM * px_per_mm)
    hit = pairs(objects[["y_px", "x_px"]].to_numpy(), table[["y_px", "x_px"]].to_numpy(), reach)
    counts = table["countable"].to_numpy(bool)
    right = int(counts[hit].sum())
    return {
        "right": right,
        "false": len(objects) - len(hit),
        "missed": int(counts.sum()) - right,
        "neither": int((~counts).sum()),
    }


def rendered(seed: int) -> Truth | None:
    """A random scene's photo; None for inked lungs."""
    scene = random_lung_scene(seed)
    if scene.appearance != "bouin":
        return None
    lung = render_lungs(seed, scene=scene)
    classes = {name: getattr(scene, name) for name in ("glare", "contrast", "background")}
    lobes = len(np.unique(lung.lobes)) - 1
    return Truth(str(seed), lung.rgb, lung.table, lobes, lung.px_per_mm, classes)


def of_folder(folder: Path) -> Iterator[Truth]:
    """Photos with their truth from a folder."""
    nodules = pd.read_csv(folder / "nodules.csv").assign(countable=True)
    for photo in pd.read_csv(folder / "photos.csv").itertuples():
        rgb = cv2.cvtColor(cv2.imread(str(folder / photo.image)), cv2.COLOR_BGR2RGB)
        own = nodules[nodules["image"] == photo.image]
        yield Truth(photo.image, rgb, own, photo.lobes, photo.px_per_mm, {})


def measured(truth: Truth, options: NoduleOptions) -> dict[str, object]:
    """One photo's row of results."""
    start = time.process_time()
    result = measure_nodules(truth.rgb, px_per_mm=truth.px_per_mm, options=options)
    seconds = time.process_time() - start
    row = score(result.objects, truth.table, truth.px_per_mm)
    true = row["right"] + row["missed"]
    return {
        "photo": truth.name,
        "lobes": truth.lobes,
        "lobes_found": len(result.regions),
        **row,
        "true": true,
        "counted": row["right"] + row["false"],
        "density": true / max(truth.lobes, 1),
        **truth.classes,
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
    lines = ["Accuracy on rendered photographs.", "", head, "|---|" + "---:|" * 7]
    lines.append(line("all", rows))
    for title, (column, edges, names) in CLASSES.items():
        if column not in rows:
            continue
        classes = pd.cut(rows[column], edges, labels=names, include_lowest=True, right=False)
        for name in names:
            if (classes == name).any():
                lines.append(line(f"{title}: {name}", rows[classes == name]))
    for background, part in rows.groupby("background") if "background" in rows else ():
        lines.append(line(f"background: {background}", part))
    return "\n".join([*lines, "", summary(rows)])


def summary(rows: pd.DataFrame) -> str:
    """Lobes, concordance, precision and recall, and what counts neither way."""
    wrong = int((rows["lobes"] != rows["lobes_found"]).sum())
    right, false, missed, neither = (
        int(rows[name].sum()) for name in ("right", "false", "missed", "neither")
    )
    return (
        f"Precision {right / max(right + false, 1):.3f}, "
        f"recall {right / max(right + missed, 1):.3f}. "
        f"Lin's concordance of the counts of photos: "
        f"{concordance(rows['true'], rows['counted']):.4f}. "
        f"Photos with a wrong number of lobes: {wrong} of {len(rows)}. Nodules that count neither "
        f"way: {neither} of {right + missed + neither}."
    )


LIGHTS: dict[str, dict[str, object]] = {
    "as rendered": {},
    "warm (red x 1.2, blue x 0.8)": {"white_balance": (1.2, 1.0, 0.8)},
    "cool (red x 0.8, blue x 1.2)": {"white_balance": (0.8, 1.0, 1.2)},
    "-1 EV": {"exposure": 0.4},
    "+1 EV": {"exposure": 1.6},
}
LIGHT_PHOTOS = 4


def lights(options: NoduleOptions) -> str:
    """The same lobes in other light and at other exposures, as a Markdown table.

    The middle exposure, 0.8, is one that doesn't clip.
    """
    rows = ["| the same photos | nodules counted | F1 |", "|---|---:|---:|"]
    for name, change in LIGHTS.items():
        scores = []
        for seed in range(FIRST_SEED, FIRST_SEED + LIGHT_PHOTOS):
            scene = replace(LungScene(nodules=18, exposure=0.8, white_balance=(1, 1, 1)), **change)
            lung = render_lungs(seed, scene=scene)
            result = measure_nodules(lung.rgb, px_per_mm=lung.px_per_mm, options=options)
            scores.append(score(result.objects, lung.table, lung.px_per_mm))
        total = pd.DataFrame(scores).sum()
        f1 = 2 * total["right"] / (2 * total["right"] + total["false"] + total["missed"])
        rows.append(f"| {name} | {total['right'] + total['false']} | {f1:.3f} |")
    return "\n".join(rows)


def peak_megabytes() -> float:
    """Most memory this process has held; NaN where the system doesn't say.

    Not getrusage's, which a process inherits from the one that started it.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return peaks[0] if peaks else float("nan")


def measured_file(path: str, px_per_mm: float, options: dict[str, object]) -> dict[str, float]:
    """Processor time and peak memory of decoding and measuring a file, in a fresh process."""
    cv2.setNumThreads(1)
    times = {"decode": [], "measure": []}
    for _ in range(4 if Path(path).stat().st_size < 2e7 else 1):  # the first is warm-up
        start = time.process_time()
        rgb = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        times["decode"].append(time.process_time() - start)
        start = time.process_time()
        measure_nodules(rgb, px_per_mm=px_per_mm, options=NoduleOptions(**options))
        times["measure"].append(time.process_time() - start)
    least = {name: min(values[1:] or values) for name, values in times.items()}
    return least | {"megabytes": peak_megabytes()}


def in_fresh_process(image: np.ndarray, px_per_mm: float, chosen: dict[str, object]) -> dict:
    """What `measured_file` says of an image kept as JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "photo.jpg")
        cv2.imwrite(path, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(measured_file, path, px_per_mm, chosen).result()


def cost(chosen: dict[str, object], *, panorama: bool) -> str:
    """Time and memory for a 12-megapixel photo of one lobe, and for 200 megapixels."""
    scene = replace(LungScene(), size_px=(3000, 4000), px_per_mm=180.0, nodules=25, blur_px=2.0)
    image = render_lungs(5, scene=scene).rgb
    found = in_fresh_process(image, scene.px_per_mm, chosen)
    text = (
        f"12-megapixel photo of one lobe: {found['measure']:.2f} s on one core, "
        f"{found['measure'] / found['decode']:.1f} times its decoding ({found['decode']:.2f} s); "
        f"at most {found['megabytes']:.0f} MB."
    )
    if not panorama:
        return text
    del image
    lung = render_lungs(6, scene=LungScene(size_px=(1220, 1640), lobes=4, nodules=20))
    large = cv2.resize(lung.rgb, (16400, 12200), interpolation=cv2.INTER_CUBIC)
    found = in_fresh_process(large, 10 * lung.px_per_mm, chosen)
    return text + (
        f"\n\n200-megapixel panorama of four lobes: {found['measure']:.1f} s, "
        f"{found['measure'] / found['decode']:.1f} times its decoding; at most "
        f"{found['megabytes'] / 1000:.1f} GB, of which the photo is 0.6 and its label images 1.6."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--folder", type=Path, help="photos with truth instead of random scenes")
    parser.add_argument("--detector", choices=("learned", "classical"), default="learned")
    parser.add_argument("--lobe-finder", choices=("learned", "classical"), default="learned")
    parser.add_argument("--min-confidence", type=float)
    parser.add_argument("--out", type=Path, help="also write the tables to this Markdown file")
    parser.add_argument("--no-cost", action="store_true")
    parser.add_argument("--panorama", action="store_true", help="also measure 200 megapixels")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    chosen = {
        "detector": arguments.detector,
        "lobe_finder": arguments.lobe_finder,
        "min_confidence": arguments.min_confidence,
    }
    options = NoduleOptions(**{name: value for name, value in chosen.items() if value is not None})
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.photos)
    truths = of_folder(arguments.folder) if arguments.folder else map(rendered, seeds)
    rows = pd.DataFrame([measured(truth, options) for truth in truths if truth is not None])
    text = report(rows)
    if not arguments.no_cost:
        kept = options.model_dump(exclude_defaults=True)
        parts = [text, lights(options), cost(kept, panorama=arguments.panorama)]
        text = "\n\n".join(parts)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
