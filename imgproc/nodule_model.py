"""The learned detector of nodules: a network that draws them, a judge that weighs each."""

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .errors import MeasurementError
from .lobe_patch import LobePatch
from .nodule_candidates import FEATURES, find_candidates
from .nodule_detector import Detections
from .nodule_network import JUDGE, NETWORK, drawn_maps
from .nodule_surface import surface

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class Judge:
    """Logistic regression on the features of a candidate.

    Attributes
    ----------
    weights : numpy.ndarray of float, shape (n_terms,)
        Of the terms that `terms` makes.
    bias : float
        Added to their sum: the log odds that a candidate is a nodule.
    """

    weights: np.ndarray
    bias: float

    def chance(self, features: np.ndarray) -> np.ndarray:
        """Probability that each row of features is a nodule."""
        return 1 / (1 + np.exp(-(terms(features) @ self.weights + self.bias)))


def terms(features: np.ndarray) -> np.ndarray:
    """Features, their squares and their products in pairs.

    Parameters
    ----------
    features : numpy.ndarray, shape (n, n_features)

    Returns
    -------
    numpy.ndarray of float, shape (n, n_features * (n_features + 3) / 2)
    """
    values = np.asarray(features, float)
    one, two = np.triu_indices(values.shape[1])
    return np.concatenate([values, values[:, one] * values[:, two]], axis=1)


@dataclass(frozen=True)
class NoduleModel:
    """The network and the judge that was fitted to it."""

    session: "onnxruntime.InferenceSession"
    judge: Judge


def read_judge(text: str) -> Judge:
    """A judge from its JSON: ``features``, ``weights`` and ``bias``.

    Raises
    ------
    MeasurementError
        If it was fitted on other features than `FEATURES`.
    """
    kept = json.loads(text)
    if tuple(kept["features"]) != FEATURES:
        raise MeasurementError(
            f"The judge of nodules knows the features {', '.join(kept['features'])}; this version "
            f"measures {', '.join(FEATURES)}.",
            "Install the program again, or choose detector = 'classical'.",
        )
    return Judge(np.array(kept["weights"]), float(kept["bias"]))


@cache
def shipped_model() -> NoduleModel:
    """The model that comes with the program, loaded once a process.

    Raises
    ------
    MeasurementError
        If a file of it is missing from the installation or damaged.
    """
    return NoduleModel(NETWORK.session(NETWORK.read()), read_judge(JUDGE.read().decode()))


def detect_learned(patch: LobePatch, model: NoduleModel) -> Detections:
    """Find nodules on a lobe with the network.

    Parameters
    ----------
    patch : LobePatch
        The lobe, Bouin-fixed.
    model : NoduleModel
        For example `shipped_model()`.

    Returns
    -------
    Detections
        All candidates, with the probability that each is a nodule as its confidence.
    """
    lobe = surface(patch)
    found = find_candidates(drawn_maps(patch, model.session), lobe, patch.others)
    return Detections(
        y=found.y,
        x=found.x,
        radius=found.radius,
        confidence=model.judge.chance(found.features),
        contrast=found.contrast,
        labels=found.labels,
        glare=lobe.glare,
    )
