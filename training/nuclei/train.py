"""Train the nucleus network on images with label images and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python -m training.nuclei.train FOLDER --out data/weights/nuclei.onnx

FOLDER holds ``images/*.png`` and ``labels/*.png`` of the same names. Every seed and the number of
steps are fixed, and one thread is used. The state is kept beside the weights every fifty steps: a
run that was stopped goes on from there with the same draws.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..command import make_repeatable, parser_of
from ..draws import Crop, Draws
from ..learning import Exported, Learning, Plan, export
from .crops import cut
from .network import loss, nucleus_network, shown
from .pictures import Picture, folder_pictures, rendered_pictures
from .split import split

LOSSES = {"foreground": 1.0, "edge": 0.5, "distance": 1.0, "way": 0.5}
PLAN = Plan(10_000, 100, 2e-3, 0.02, 0.35, LOSSES, averaged_over=250, bfloat16=True)
RENDERED = 90
RENDERED_SHARE = 0.14
SEED = 20
WATCHED_CROPS = 96


def draws(pictures: list[Picture]) -> Draws:
    """What to learn from: rare types of image more often than their number says."""
    kinds = np.array([picture.kind for picture in pictures])
    weight = np.zeros(len(pictures))
    for kind in np.unique(kinds[kinds > 0]):
        same = kinds == kind
        weight[same] = same.sum() ** -0.5  # a type counts as the root of its images
    weight *= (1 - RENDERED_SHARE) / weight.sum()
    weight[kinds <= 0] = RENDERED_SHARE / max(1, int((kinds <= 0).sum()))
    return Draws(pictures, cut, SEED, weight)


def watched(pictures: list[Picture]) -> list[Crop]:
    """Crops of the types kept apart, at their own scale and in their own light."""
    rng = np.random.default_rng([SEED, 0, 0])
    drawn = range(WATCHED_CROPS)
    return [cut(pictures[rng.integers(len(pictures))], rng, plain=True) for _ in drawn]


def main() -> None:
    """Read the command line, learn, export."""
    kept = "keeps rendered images for the next run"
    parser = parser_of(__doc__, PLAN, cache=kept, needed=False)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    make_repeatable(SEED)
    parts = split(arguments.folder)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    parts.to_csv(arguments.out.with_suffix(".split.csv"), index=False)
    pictures, apart = (
        folder_pictures(arguments.folder, [*rows["name"]], [*rows["kind"]])
        for rows in (parts[parts["part"] == name] for name in ("training", "validation"))
    )
    pictures += rendered_pictures(RENDERED, 70_000, arguments.cache)
    plan = replace(PLAN, steps=arguments.steps)
    learning = Learning(nucleus_network(), loss, plan, arguments.out)
    learning.run(draws(pictures).batch, watched(apart))
    export(Exported(learning.mean, shown), 1, arguments.out)


if __name__ == "__main__":
    main()
