"""Train the nodule detector on rendered photos and write its weights as plain arrays.

Run from the top of the checkout in an environment that has the program and scikit-learn:

    python training/nodules/train.py --cache rendered --out data/weights/nodules.npz

Rendering dominates; with `--cache` the photos are kept for the next run. Every seed is fixed.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from photos import photo
from samples import MIN_VISIBLE, LobeSample, lobe_samples, matches, pixel_choice, pixel_weight
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from xenoquant.imgproc.nodule_candidates import FEATURES, find_candidates
from xenoquant.imgproc.nodule_features import context_features, pixel_features, stacked
from xenoquant.imgproc.nodule_model import NoduleModel, cone_map, first_cone
from xenoquant.imgproc.trees import TreeEnsemble

FIRST = [("own", range(90))]
SECOND = [("own", range(90, 211)), ("own", range(100_000, 100_060))]
JUDGE = [("own", range(90)), ("phantoms", range(46))]
"""Photos of each step. The judge sees cone maps of photos that the second step has not seen."""

PIXEL_TREES = {
    "max_iter": 200,
    "max_leaf_nodes": 31,
    "learning_rate": 0.1,
    "min_samples_leaf": 60,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": 0,
}
JUDGE_TREES = {
    "max_iter": 150,
    "max_leaf_nodes": 12,
    "learning_rate": 0.06,
    "min_samples_leaf": 25,
    "l2_regularization": 3.0,
    "early_stopping": False,
    "random_state": 0,
}


@dataclass
class Rows:
    """What is learned from one photo, a block a lobe."""

    features: list[np.ndarray] = field(default_factory=list)
    target: list[np.ndarray] = field(default_factory=list)
    weight: list[np.ndarray] = field(default_factory=list)

    def add(self, features: np.ndarray, target: np.ndarray, weight: np.ndarray) -> None:
        """Append a lobe's block."""
        self.features.append(features)
        self.target.append(target)
        self.weight.append(weight)


def plain(model: HistGradientBoostingRegressor | HistGradientBoostingClassifier) -> TreeEnsemble:
    """A fitted scikit-learn ensemble as plain arrays."""
    parts: list[np.ndarray] = []
    roots: list[int] = []
    start = 0
    for (grown,) in model._predictors:
        nodes = grown.nodes.copy()
        roots.append(start)
        parts.append(nodes)
        start += len(nodes)
    nodes = np.concatenate(parts)
    offset = np.repeat(roots, [len(part) for part in parts]).astype(np.int32)
    leaf = nodes["is_leaf"].astype(bool)
    # scikit-learn compares a float32 feature with a float64 threshold; rounding the threshold
    # down to float32 keeps "less or equal" true for the same float32 values
    threshold = nodes["num_threshold"].astype(np.float32)
    above = threshold.astype(np.float64) > nodes["num_threshold"]
    threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
    threshold[leaf] = 0
    return TreeEnsemble(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        threshold=threshold,
        left=np.where(leaf, -1, nodes["left"].astype(np.int32) + offset).astype(np.int32),
        right=np.where(leaf, -1, nodes["right"].astype(np.int32) + offset).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0).astype(np.float32),
        roots=np.array(roots, np.int32),
        base=float(np.ravel(model._baseline_prediction)[0]),
    )


def pixel_rows(job: tuple[str, int, Path, NoduleModel | None]) -> Rows:
    """Features, cone and weight of chosen pixels of one photo, for the first or second step."""
    kind, seed, cache, model = job
    rows = Rows()
    rng = np.random.default_rng([seed, 11 if model is None else 12])
    for sample in samples_of(kind, seed, cache):
        chosen = pixel_choice(sample, rng)
        layers = pixel_features(sample.surface)
        features = stacked(layers, chosen)
        if model is not None:
            context = context_features(first_cone(sample.surface, layers, model), sample.surface)
            features = np.concatenate([features, stacked(context, chosen)], axis=1)
        rows.add(features, sample.cone[chosen], pixel_weight(sample)[chosen])
    return rows


def candidate_rows(job: tuple[str, int, Path, NoduleModel]) -> Rows:
    """Features of a photo's candidates and whether each is a nodule."""
    kind, seed, cache, model = job
    rows = Rows()
    for sample in samples_of(kind, seed, cache):
        found = find_candidates(cone_map(sample.surface, model), sample.surface)
        candidates, nodules = matches(found.y, found.x, sample)
        verdict = np.zeros(len(found.y), np.float32)
        verdict[candidates] = 1
        counts = np.ones(len(found.y), bool)
        counts[candidates] = sample.visible[nodules] >= MIN_VISIBLE
        if counts.any():
            rows.add(found.features[counts], verdict[counts], np.ones(int(counts.sum())))
    return rows


def samples_of(kind: str, seed: int, cache: Path) -> list[LobeSample]:
    """The lobes of one photo."""
    cv2.setNumThreads(1)
    taken = photo(kind, seed, cache)
    return [] if taken is None else list(lobe_samples(taken))


def gathered(
    work: Callable[..., Rows],
    sources: list[tuple[str, range]],
    cache: Path,
    model: NoduleModel | None,
    workers: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of all photos of some ranges of seeds, in order."""
    jobs = [(kind, seed, cache, model) for kind, seeds in sources for seed in seeds]
    with ProcessPoolExecutor(workers) as pool:
        parts = [part for part in pool.map(work, jobs, chunksize=4) if part.features]
    return (
        np.concatenate([block for part in parts for block in part.features]),
        np.concatenate([block for part in parts for block in part.target]),
        np.concatenate([block for part in parts for block in part.weight]),
    )


def fit_pixels(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> TreeEnsemble:
    """Learn the cone from rows of pixels."""
    features, target, weight = rows
    model = HistGradientBoostingRegressor(**PIXEL_TREES)
    return plain(model.fit(features, target, sample_weight=weight))


def fit_judge(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> TreeEnsemble:
    """Learn which candidates are nodules."""
    features, verdict, _ = rows
    print(f"judge: {len(verdict)} candidates, {verdict.mean():.1%} of them nodules")
    return plain(HistGradientBoostingClassifier(**JUDGE_TREES).fit(features, verdict > 0.5))


def train(cache: Path, workers: int) -> NoduleModel:
    """Fit the three steps one after the other."""
    nothing = TreeEnsemble(*(np.zeros(0, np.int32),) * 6, base=0.0)
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"{what} after {time.monotonic() - start:.0f} s", flush=True)

    rows = gathered(pixel_rows, FIRST, cache, None, workers)
    say(f"first step: {rows[0].shape} rows")
    model = NoduleModel(fit_pixels(rows), nothing, nothing)
    say("first step done")
    rows = gathered(pixel_rows, SECOND, cache, model, workers)
    say(f"second step: {rows[0].shape} rows")
    model = replace(model, second=fit_pixels(rows))
    say("second step done")
    model = replace(model, judge=fit_judge(gathered(candidate_rows, JUDGE, cache, model, workers)))
    say("judge done")
    return model


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of rendered photos")
    parser.add_argument("--workers", type=int, default=2, help="processes that prepare photos")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    arguments = parser.parse_args()
    model = train(arguments.cache, arguments.workers)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, **model.arrays())
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB, {len(FEATURES)} features")


if __name__ == "__main__":
    main()
