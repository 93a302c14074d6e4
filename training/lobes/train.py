"""Train the lobe network on rendered photos and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python -m training.lobes.train --cache photos --out data/weights/lobes.onnx

Every seed and the number of steps are fixed, and one thread is used. Rendered photos are kept in
the cache for the next run, and the state beside the weights every fifty steps: a run that was
stopped goes on from there with the same draws.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch

from xenoquant.imgproc.lobe_network import PLANES

from ..learning import Learning, Plan, export
from .crops import Crop, cut
from .network import Exported, lobe_network, loss
from .photos import Photo, photo_of

TRAINED = (("own", range(1450)), ("phantoms", range(1450)))
WATCHED = (("own", range(1450, 1500)), ("phantoms", range(1450, 1500)))
"""Photos that the network learns from, and that its losses are watched on."""

PLAN = Plan(2500, 60, 3e-3, 0.02, 0.5, {"lobe": 1.0, "core": 1.0})
BATCH = 16
WATCHED_CROPS = 96
SEED = 47


def photos(sources: Iterable[tuple[str, range]], cache: Path) -> list[Photo]:
    """All photos of some ranges of seeds."""
    return [photo_of(kind, seed, cache) for kind, seeds in sources for seed in seeds]


def batch(drawn: list[Photo], *key: int, size: int = BATCH) -> list[Crop]:
    """Crops of a step, the same in every run."""
    rng = np.random.default_rng([SEED, *key])
    return [cut(drawn[k], rng) for k in rng.integers(len(drawn), size=size)]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of rendered photos")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    watch = batch(photos(WATCHED, arguments.cache), 0, 0, size=WATCHED_CROPS)
    learning = Learning(lobe_network(), loss, PLAN, arguments.out)
    seen = photos(TRAINED, arguments.cache)
    learning.run(lambda number: batch(seen, number), watch)
    export(Exported(learning.mean), PLANES, arguments.out)


if __name__ == "__main__":
    main()
