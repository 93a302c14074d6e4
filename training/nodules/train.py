"""Train the nodule network on rendered lobes and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python -m training.nodules.train --cache rendered --out data/weights/nodules.onnx

Every seed and the number of steps are fixed, and one thread is used.
Rendered lobes are kept in the cache for the next run, and the state beside the weights every
fifty steps: a run that was stopped goes on from there with the same draws.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch

from xenoquant.imgproc.nodule_network import PLANES

from ..learning import Learning, Plan, export
from .crops import Crop, Sample, cut
from .lobes import AS_LEARNED, lobes_of
from .network import Exported, loss, nodule_network

TRAINED = (
    ("own", range(300)),
    ("own", range(400, 900)),
    ("phantoms", range(130)),
    ("phantoms", range(200, 400)),
)
WATCHED = (("own", range(300, 320)), ("phantoms", range(130, 150)))
"""Photos that the network learns from, and that its losses are watched on."""

PLAN = Plan(5000, 60, 2.5e-3, 0.02, 0.4, {"inside": 1.0, "cone": 1.0, "size": 0.5, "way": 0.5})
BATCH = 16
SEED = 31
WATCHED_CROPS = 48


def samples(sources: Iterable[tuple[str, range]], cache: Path) -> list[Sample]:
    """Lobes of all photos of some ranges of seeds."""
    jobs = [(kind, seed) for kind, seeds in sources for seed in seeds]
    return [Sample(lobe) for kind, seed in jobs for lobe in lobes_of(kind, seed, cache, AS_LEARNED)]


class Draw:
    """What to learn from: lobes by the root of their nodules, bare ones as those of eight."""

    def __init__(self, lobes: list[Sample]) -> None:
        self.lobes = lobes
        weight = np.array([np.sqrt(max(8, len(sample.lobe.radius))) for sample in lobes])
        self.weight = weight / weight.sum()

    def batch(self, *key: int, size: int = BATCH) -> list[Crop]:
        """Crops of a step, the same in every run."""
        rng = np.random.default_rng([SEED, *key])
        chosen = rng.choice(len(self.lobes), size, p=self.weight)
        return [cut(self.lobes[k], rng) for k in chosen]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of rendered lobes")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    watch = Draw(samples(WATCHED, arguments.cache)).batch(0, 0, size=WATCHED_CROPS)
    learning = Learning(nodule_network(), loss, PLAN, arguments.out)
    learning.run(Draw(samples(TRAINED, arguments.cache)).batch, watch)
    export(Exported(learning.mean), PLANES, arguments.out)


if __name__ == "__main__":
    main()
