"""How the constants score by which the network's maps become nuclei.

``python benchmarks/nucleus_decoding.py FOLDER`` takes annotated images (``images/*.png`` and
``labels/*.png``) and looks at those that ``--split FILE`` lists as training (one in four) and as
validation: types of image kept apart. The network runs once on each; then one constant at a time
is varied about the best so far, and the best sum of the pooled average precisions (overlap of 0.5
and 0.75, both parts) is kept, twice round. Images of the test are never looked at.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from nuclei import precision

from xenoquant.imgproc.network_nuclei import found_diameter, maps_at
from xenoquant.imgproc.nucleus_network import NucleusMaps, evened, session_of, shipped_session
from xenoquant.imgproc.nucleus_votes import Decoding, decoded, enlarged

SPLIT = Path(__file__).resolve().parents[1] / "data/weights/nuclei.split.csv"
TRAINING_EVERY = 4
ROUNDS = 2
TRIED = {
    "inside": (0.45, 0.5, 0.55, 0.6, 0.65),
    "dimmest": (0.7, 0.74, 0.78, 0.82, 0.86, 0.9),
    "valley": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    "least_votes": (6.0, 9.0, 12.0, 18.0, 24.0),
    "vote_blur_px": (1.0, 1.5, 2.0),
    "smallest": (0.0, 0.06, 0.12, 0.18, 0.25),
}


@dataclass(frozen=True)
class Seen:
    """An image as the network sees it.

    Attributes
    ----------
    maps : NucleusMaps
        The network's, at the canonical scale.
    truth : numpy.ndarray
        Label image of the image's own size.
    """

    maps: NucleusMaps
    truth: np.ndarray


def looked_at(folder: Path, names: list[str], weights: Path | None) -> list[Seen]:
    """Run the network over some images."""
    session = session_of(weights.read_bytes()) if weights else shipped_session()
    seen = []
    for name in names:
        image, truth = (
            cv2.imread(str(folder / part / f"{name}.png"), cv2.IMREAD_UNCHANGED)
            for part in ("images", "labels")
        )
        plane = evened(image)
        diameter = found_diameter(plane, None, session)
        seen.append(Seen(maps_at(plane, diameter, session), truth.astype(np.int32)))
    return seen


def scores(parts: dict[str, list[Seen]], decoding: Decoding) -> dict[str, float]:
    """Pooled average precision of each part at the two overlaps, and their sum."""

    def pairs(some: list[Seen]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for one in some:
            labels = decoded(one.maps, decoding)
            shape = (one.truth.shape[0], one.truth.shape[1])
            yield enlarged(labels, one.maps, shape, decoding), one.truth

    row = {}
    for part, some in parts.items():
        row[f"{part} 0.5"], row[f"{part} 0.75"] = precision(pairs(some))
    return row | {"sum": sum(row.values())}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path, default=SPLIT)
    parser.add_argument("--weights", type=Path, help="other weights than those of the program")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    listed = pd.read_csv(arguments.split).sort_values("name")
    names = {part: list(rows["name"]) for part, rows in listed.groupby("part")}
    chosen = {
        "training": names["training"][::TRAINING_EVERY],
        "validation": names["validation"],
    }
    parts = {k: looked_at(arguments.folder, n, arguments.weights) for k, n in chosen.items()}
    for part, some in parts.items():
        print(f"{part}: {len(some)} images")
    best = Decoding()
    kept = scores(parts, best)
    print("as they are", pd.Series(kept).round(4).to_dict())
    for _ in range(ROUNDS):
        for name, values in TRIED.items():
            rows = {}
            for value in values:
                tried = replace(best, **{name: value})
                rows[value] = scores(parts, tried)
            table = pd.DataFrame(rows).T.rename_axis(name)
            print(table.round(4).to_string(), "\n", flush=True)
            if table["sum"].max() > kept["sum"]:
                best = replace(best, **{name: float(table["sum"].idxmax())})
                kept = scores(parts, best)
    print("best", asdict(best), pd.Series(kept).round(4).to_dict())


if __name__ == "__main__":
    main()
