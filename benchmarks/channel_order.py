"""How often channels given the wrong way round are noticed, and right ones wrongly flagged.

    python benchmarks/channel_order.py [--fields 5] [--data DIR] [--segmenter classical]

Rendered fields with a marker in nuclei, membranes or cytoplasm, by the share of cells that carry
it: as rendered by default; weak (a third of the light); and on a strong ground (twice the light of
the negative cells, three times the haze). IgG fields have no marker. With the project's folder of
data, the real fields of DAPI beside Ki67 and nuclear envelope and of DNA beside pH3 and actin, too.
The last line is what a look at a field of 2048 x 2048 pixels costs.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import tifffile

from xenoquant.imgproc.channel_order import channels_look_swapped
from xenoquant.imgproc.network_nuclei import NetworkSegmenter
from xenoquant.imgproc.nuclei import Segmenter, classical_segmenter
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence

SHARES = (0.05, 0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95)
SCENE = FluorescenceScene(size_px=(512, 512))
GROUNDS = {
    "plain": SCENE,
    "weak": replace(SCENE, positive_photons=SCENE.positive_photons / 3),
    "ground": replace(
        SCENE,
        negative_photons=2 * SCENE.negative_photons,
        background_photons=3 * SCENE.background_photons,
    ),
}
Pair = tuple[np.ndarray, np.ndarray]


def answers(pair: Pair, segmenter: Segmenter, um_per_px: float | None) -> tuple[bool, bool]:
    """Say whether the right and the wrong order are flagged."""
    nuclei, marker = pair
    return tuple(
        channels_look_swapped(first, second, segmenter(first, um_per_px))
        for first, second in ((nuclei, marker), (marker, nuclei))
    )  # type: ignore[return-value]


def rendered(scene: FluorescenceScene, seeds: range) -> Iterator[Pair]:
    for seed in seeds:
        channels = render_fluorescence(seed, scene=scene).channels
        yield channels["nuclei"], channels["marker"]


def real(folder: Path) -> Iterator[tuple[str, Pair]]:
    """Give the real fields by name."""
    for tile in sorted((folder / "ihc_ki67").iterdir()):
        planes = {
            name: cv2.imread(str(tile / f"{name}.png")).max(axis=2)
            for name in ("DAPI", "Marker", "Lap2")
        }
        yield f"{tile.name}: DAPI, Ki67", (planes["DAPI"], planes["Marker"])
        yield f"{tile.name}: DAPI, nuclear envelope", (planes["DAPI"], planes["Lap2"])
    places = sorted((folder / "multichannel").glob("*.tif"))
    dna, ph3, actin = (tifffile.imread(path) for path in places)
    yield "DNA, pH3", (dna, ph3)
    yield "DNA, actin", (dna, actin)


def cost_ms(positive: float) -> float:
    """Milliseconds for a field of 2048 x 2048, the least of ten."""
    scene = replace(SCENE, size_px=(1024, 1024), positive_fraction=positive)
    pair = next(rendered(scene, range(1)))
    nuclei, marker = (np.tile(plane, (2, 2)) for plane in pair)
    found = classical_segmenter()(nuclei, scene.um_per_px)
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        channels_look_swapped(nuclei, marker, found)
        spent.append(time.perf_counter() - start)
    return 1000 * min(spent)


def main() -> None:
    """Print a row for each kind of field."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=5, help="rendered fields of each kind")
    parser.add_argument("--data", type=Path, help="the project's folder of data")
    parser.add_argument("--segmenter", choices=("classical", "network"), default="classical")
    words = parser.parse_args()
    segmenter = classical_segmenter() if words.segmenter == "classical" else NetworkSegmenter()
    cv2.setNumThreads(1)
    seed, alarms, fields = 0, 0, 0
    print("swapped and noticed, by share of positive cells:", *SHARES)
    for compartment in ("nucleus", "membrane", "cytoplasm"):
        for name, ground in GROUNDS.items():
            row = []
            for share in SHARES:
                scene = replace(ground, compartment=compartment, positive_fraction=share)
                found = [
                    answers(pair, segmenter, scene.um_per_px)
                    for pair in rendered(scene, range(seed, seed + words.fields))
                ]
                seed += words.fields
                alarms += sum(right for right, _ in found)
                fields += len(found)
                row.append(f"{np.mean([wrong for _, wrong in found]):.2f}")
            print(f"{compartment:10} {name:7}", *row, flush=True)
    igg = replace(SCENE, control=True)
    found = [
        answers(p, segmenter, 0.5) for p in rendered(igg, range(seed, seed + 4 * words.fields))
    ]
    alarms, fields = alarms + sum(right for right, _ in found), fields + len(found)
    print(f"IgG, swapped and noticed: {np.mean([wrong for _, wrong in found]):.2f}")
    print(f"false alarms: {alarms} of {fields} rendered fields in the right order")
    if words.data:
        for name, pair in real(words.data):
            right, wrong = answers(pair, segmenter, None)
            print(f"{name:45} right order flagged: {right}, swapped noticed: {wrong}")
    print(f"cost: {cost_ms(0.5):.1f} ms, where all cells carry the marker {cost_ms(1.0):.1f} ms")


if __name__ == "__main__":
    main()
