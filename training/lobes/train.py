"""Train the lobe network on rendered photos and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python -m training.lobes.train --cache photos --out data/weights/lobes.onnx

Every seed and the number of steps are fixed, and one thread is used. Rendered photos are kept in
the cache for the next run, and the state beside the weights every fifty steps: a run that was
stopped goes on from there with the same draws.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from xenoquant.imgproc.lobe_network import PLANES

from ..command import make_repeatable, parser_of
from ..draws import Draws
from ..learning import Exported, Learning, Plan, export
from .crops import cut
from .network import lobe_network, loss, shown
from .photos import Photo, photo_of

TRAINED = (("own", range(1450)), ("phantoms", range(1450)))
WATCHED = (("own", range(1450, 1500)), ("phantoms", range(1450, 1500)))
"""Photos that the network learns from, and that its losses are watched on."""

PLAN = Plan(2500, 60, 3e-3, 0.02, 0.5, {"lobe": 1.0, "core": 1.0})
WATCHED_CROPS = 96
SEED = 47


def photos(sources: Iterable[tuple[str, range]], cache: Path) -> list[Photo]:
    """All photos of some ranges of seeds."""
    return [photo_of(kind, seed, cache) for kind, seeds in sources for seed in seeds]


def main() -> None:
    """Read the command line, learn, export."""
    parser = parser_of(__doc__, PLAN, cache="folder of rendered photos", needed=True)
    arguments = parser.parse_args()
    make_repeatable(SEED)
    watched, trained = (
        Draws(photos(sources, arguments.cache), cut, SEED) for sources in (WATCHED, TRAINED)
    )
    plan = replace(PLAN, steps=arguments.steps)
    learning = Learning(lobe_network(), loss, plan, arguments.out)
    learning.run(trained.batch, watched.batch(0, 0, size=WATCHED_CROPS))
    export(Exported(learning.mean, shown), PLANES, arguments.out)


if __name__ == "__main__":
    main()
