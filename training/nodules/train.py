"""Train the nodule network on rendered lobes and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python -m training.nodules.train --cache rendered --out data/weights/nodules.onnx

Every seed and the number of steps are fixed, and one thread is used.
Rendered lobes are kept in the cache for the next run, and the state beside the weights every
fifty steps: a run that was stopped goes on from there with the same draws.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from xenoquant.imgproc.nodule_network import PLANES

from ..command import make_repeatable, parser_of
from ..draws import Draws
from ..learning import Exported, Learning, Plan, export
from .crops import Sample, cut
from .lobes import AS_LEARNED, lobes_of
from .network import loss, nodule_network, shown

TRAINED = (
    ("own", range(300)),
    ("own", range(400, 900)),
    ("phantoms", range(130)),
    ("phantoms", range(200, 400)),
)
WATCHED = (("own", range(300, 320)), ("phantoms", range(130, 150)))
"""Photos that the network learns from, and that its losses are watched on."""

PLAN = Plan(5000, 60, 2.5e-3, 0.02, 0.4, {"inside": 1.0, "cone": 1.0, "size": 0.5, "way": 0.5})
SEED = 31
WATCHED_CROPS = 48


def draws(sources: Iterable[tuple[str, range]], cache: Path) -> Draws:
    """Lobes of all photos of some ranges of seeds, by the root of their nodules, eight at least."""
    jobs = [(kind, seed) for kind, seeds in sources for seed in seeds]
    lobes = [lobe for kind, seed in jobs for lobe in lobes_of(kind, seed, cache, AS_LEARNED)]
    weight = np.array([np.sqrt(max(8, len(lobe.radius))) for lobe in lobes])
    return Draws([Sample(lobe) for lobe in lobes], cut, SEED, weight)


def main() -> None:
    """Read the command line, learn, export."""
    parser = parser_of(__doc__, PLAN, cache="folder of rendered lobes", needed=True)
    arguments = parser.parse_args()
    make_repeatable(SEED)
    watched, trained = (draws(sources, arguments.cache) for sources in (WATCHED, TRAINED))
    plan = replace(PLAN, steps=arguments.steps)
    learning = Learning(nodule_network(), loss, plan, arguments.out)
    learning.run(trained.batch, watched.batch(0, 0, size=WATCHED_CROPS))
    export(Exported(learning.mean, shown), PLANES, arguments.out)


if __name__ == "__main__":
    main()
