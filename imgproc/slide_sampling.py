"""Choosing fields of a slide to measure, so that the choice can be written down and repeated."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .slide_regions import RegionMap, worth_measuring
from .tiles import Region

Sampling = Literal["systematic", "random"]

LEAST_TISSUE = 0.5
"""A square counts as a field where its centre would be measured and half of it is tissue."""

MOST_GRIDS = 50
"""A grid is drawn anew, finer or coarser, at most so many times until it gives enough fields."""


@dataclass(frozen=True)
class FieldSample:
    """The fields that are measured in place of the slide, and how they were chosen.

    Attributes
    ----------
    fields : tuple of (top, left, height, width)
        In pixels of the slide, along rows from the top left.
    record : dict
        JSON-serialisable: method, seed, side, how many were asked for and chosen, and for the
        systematic one the step and start of the grid.
    """

    fields: tuple[Region, ...]
    record: dict[str, Any]


def choose_fields(
    regions: RegionMap, *, wanted: int, side_px: int, method: Sampling, seed: int
) -> FieldSample:
    """Choose fields of tissue, by chance or on a grid with a start by chance.

    Parameters
    ----------
    regions : RegionMap
        What would be measured of the whole slide.
    wanted : int
        How many.
    side_px : int
        Side of a field in pixels.
    method : {"systematic", "random"}
        Systematic uniform random sampling (a square grid, its start by chance), or fields laid
        out side by side and drawn without replacement. Either way every part of the tissue has
        the same chance.
    seed : int
        The same seed on the same slide gives the same fields.

    Returns
    -------
    FieldSample
        Fewer fields than wanted where the tissue doesn't hold more.

    References
    ----------
    Gundersen HJG, Jensen EB (1987). The efficiency of systematic sampling in stereology and its
    prediction. J Microsc 147:229-263.
    """
    chance = np.random.default_rng(seed)
    record: dict[str, Any] = {
        "method": method, "seed": seed, "side_px": side_px, "wanted": wanted,
    }  # fmt: skip
    if method == "random":
        fields = _with_tissue(regions, _grid(regions.shape, side_px, side_px, (0, 0)))
        drawn = chance.permutation(len(fields))[:wanted]
        chosen = [fields[k] for k in sorted(drawn)]
    else:
        chosen, layout = _systematic(regions, wanted, side_px, chance)
        record |= layout
    return FieldSample(tuple(chosen), record | {"chosen": len(chosen)})


def _systematic(
    regions: RegionMap, wanted: int, side_px: int, chance: np.random.Generator
) -> tuple[list[Region], dict[str, Any]]:
    """Lay a grid whose step gives about as many fields as wanted, never fewer if it can be."""
    start = chance.random(2)
    tissue = float((regions.coarse > 0).mean()) * regions.shape[0] * regions.shape[1]
    step = max(side_px, int(np.sqrt(max(tissue, 1.0) / wanted)))
    for _ in range(MOST_GRIDS):
        corner = (int(start[0] * step), int(start[1] * step))
        fields = _with_tissue(regions, _grid(regions.shape, side_px, step, corner))
        if len(fields) >= wanted or step == side_px:
            break
        step = max(side_px, int(step * 0.95))
    return fields, {"step_px": step, "start_y_px": corner[0], "start_x_px": corner[1]}


def _grid(shape: tuple[int, int], side: int, step: int, start: tuple[int, int]) -> list[Region]:
    return [
        (top, left, side, side)
        for top in range(start[0], shape[0] - side + 1, step)
        for left in range(start[1], shape[1] - side + 1, step)
    ]


def _with_tissue(regions: RegionMap, fields: list[Region]) -> list[Region]:
    return worth_measuring(regions, fields, LEAST_TISSUE)
