"""What belongs to a study's DAB and not to one image: the controls' floor, batches, sampling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ..imgproc.dab import Compartment, control_floor
from ..imgproc.dab_drift import BatchDrift, batch_drift
from .assay import Calibration
from .measured import Measured
from .single_stains import SingleStain


def dab_calibration(
    controls: Sequence[Measured],
    samples: Sequence[Measured],
    *,
    cutoffs_od: tuple[float, float, float],
    compartment: Compartment,
    single_stains: Mapping[str, SingleStain],
) -> Calibration:
    """Lock the cut-offs, see how much brown the controls have, and whether a batch moved.

    Parameters
    ----------
    controls, samples : sequence of Measured
        The negative controls, which may be none, and the samples.
    cutoffs_od : tuple of float
        The cut-offs of the classes, in optical density.
    compartment : {"nucleus", "cytoplasm", "cell"}
        Where cells are scored.
    single_stains : mapping of str to SingleStain
        Vectors that came from images of one stain alone, by name.

    Returns
    -------
    Calibration
        What `imgproc.dab.control_floor` gives, with ``control_`` before its names; batches as
        `imgproc.dab_drift.batch_drift` gives them; ``no_control`` where there is none.
    """
    whites, sampling = _whites_and_sampling(chain(controls, samples))
    drift = _drift(whites, controls, compartment)
    values: dict[str, Any] = {
        "cutoffs_od": list(cutoffs_od),
        "controls": len(controls),
        "batches": {name: asdict(each) for name, each in drift.items()},
    }
    if sampling:
        values["sampling"] = sampling
    if single_stains:
        values["single_stains"] = {name: asdict(each) for name, each in single_stains.items()}
    if not controls:
        return Calibration(values, ("no_control",))
    floor = control_floor(
        pd.concat([control.objects for control in controls], ignore_index=True),
        {"dab_od_histogram": np.sum([c.profiles["dab_od_histogram"] for c in controls], axis=0)},
        compartment=compartment,
        cutoffs_od=cutoffs_od,
    )
    held = asdict(floor)
    flags = tuple(held.pop("flags"))
    return Calibration(values | {f"control_{name}": value for name, value in held.items()}, flags)


def all_flags(measured: Measured, calibration: Calibration) -> tuple[str, ...]:
    """Give the flags of an image, of the study's thresholds and of the image's batch."""
    batch = calibration.values.get("batches", {}).get(measured.sample.batch, {})
    return (*measured.flags, *calibration.flags, *batch.get("flags", ()))


def _whites_and_sampling(
    images: Iterable[Measured],
) -> tuple[dict[str, list[list[float]]], dict[str, Any]]:
    """Give the images' whites by batch, and how fields were drawn; each image is loaded once."""
    whites: dict[str, list[list[float]]] = {}
    sampling = {}
    for image in images:
        level, top = image.notes.get("white"), image.notes.get("full_scale")
        if level and top:
            whites.setdefault(image.sample.batch, []).append([value / top for value in level])
        if image.notes.get("sampling"):
            sampling[image.sample.image] = image.notes["sampling"]
    return whites, sampling


def _drift(
    whites: Mapping[str, list[list[float]]], controls: Sequence[Measured], compartment: str
) -> dict[str, BatchDrift]:
    """Compare the batches' whites and controls."""
    brown: dict[str, list[np.ndarray]] = {}
    for control in controls:
        density = control.objects[f"dab_{compartment}_od"].dropna().to_numpy()
        brown.setdefault(control.sample.batch, []).append(density)
    pooled = {name: np.concatenate(each) for name, each in brown.items()}
    return batch_drift(whites, pooled)
