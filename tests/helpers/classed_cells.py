"""Scores of cells, measured and true."""

import numpy as np

from xenoquant.imgproc.dab import classify_dab, summarise_dab
from xenoquant.imgproc.measurement import Measurement

CUTOFFS = (0.2, 0.4, 0.6)


def true_scores(levels: np.ndarray) -> tuple[float, float]:
    """H-score and positive fraction of true levels."""
    classes = sum((levels >= cut).astype(int) for cut in CUTOFFS)
    return 100 * classes.mean(), (classes > 0).mean()


def scores(measured: Measurement, compartment: str) -> dict[str, float]:
    objects = classify_dab(measured.objects, compartment=compartment)  # type: ignore[arg-type]
    return summarise_dab(objects, measured.regions, measured.profiles)
