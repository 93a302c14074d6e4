"""Fit the judge of nodules to a trained network and write it as JSON.

    python -m training.nodules.judge data/weights/nodules.onnx --cache rendered

Logistic regression with a ridge on the candidates of photos that the network hasn't learned from.
Written beside the network, as ``nodules.json``.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from xenoquant.imgproc.nodule_candidates import FEATURES, Candidates, find_candidates
from xenoquant.imgproc.nodule_model import Judge, terms
from xenoquant.imgproc.nodule_network import NETWORK, drawn_maps
from xenoquant.imgproc.nodule_surface import surface

from .lobes import AS_MEASURED, Lobe, lobes_of

JUDGED = (
    ("own", range(300, 350)),
    ("own", range(900, 930)),
    ("phantoms", range(130, 190)),
    ("phantoms", range(400, 440)),
)
"""Photos that the judge learns from."""

LEAST_REACH_MM = 0.25
RIDGE = 3.0


def matches(found: Candidates, lobe: Lobe) -> tuple[np.ndarray, np.ndarray]:
    """One-to-one pairs of candidates and true nodules, nearest overall.

    A pair's middles lie within the larger of the true radius and `LEAST_REACH_MM`.

    Returns
    -------
    tuple of numpy.ndarray of int
        Rows of candidates and rows of nodules.
    """
    distance = np.hypot(found.y[:, None] - lobe.centre[:, 0], found.x[:, None] - lobe.centre[:, 1])
    reach = np.maximum(lobe.radius, LEAST_REACH_MM * lobe.px_per_mm)
    cost = np.where(distance <= reach, distance / 1e5 - 1, 0.0)
    rows, columns = linear_sum_assignment(cost)
    paired = cost[rows, columns] < 0
    return rows[paired], columns[paired]


def verdicts(found: Candidates, lobe: Lobe) -> tuple[np.ndarray, np.ndarray]:
    """Whether each candidate is a nodule, and whether it counts (not if no reader could tell)."""
    candidates, nodules = matches(found, lobe)
    right, counts = np.zeros(len(found.y), bool), np.ones(len(found.y), bool)
    right[candidates] = True
    counts[candidates] = lobe.countable[nodules]
    return right, counts


def fitted(features: np.ndarray, right: np.ndarray) -> Judge:
    """Logistic regression on standardised terms by Newton's method, standardisation undone."""
    raw = terms(features)
    mean, spread = raw.mean(axis=0), raw.std(axis=0) + 1e-9
    design = np.concatenate([(raw - mean) / spread, np.ones((len(raw), 1))], axis=1)
    ridge = np.full(design.shape[1], RIDGE)
    ridge[-1] = 0
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (chance - right) + ridge * weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    plain = weights[:-1] / spread
    return Judge(plain, float(weights[-1] - plain @ mean))


def gathered(
    network: Path, sources: Iterable[tuple[str, range]], cache: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Features and verdicts of all candidates that count."""
    session = NETWORK.session(network.read_bytes())
    features, verdict = [], []
    for kind, seeds in sources:
        for seed in seeds:
            for lobe in lobes_of(kind, seed, cache, AS_MEASURED):
                patch = lobe.patch
                found = find_candidates(drawn_maps(patch, session), surface(patch), patch.others)
                right, counts = verdicts(found, lobe)
                features.append(found.features[counts])
                verdict.append(right[counts])
    return np.concatenate(features), np.concatenate(verdict)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder of rendered lobes")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    features, right = gathered(arguments.network, JUDGED, arguments.cache)
    judge = fitted(features, right)
    kept = {
        "features": FEATURES,
        "bias": round(judge.bias, 6),
        "weights": [round(float(weight), 6) for weight in judge.weights],
    }
    path = arguments.network.with_suffix(".json")
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(right)} candidates, {right.mean():.1%} of them nodules")


if __name__ == "__main__":
    main()
