"""The learned detector of nodules: trees that draw a cone on every nodule, trees that judge it."""

import importlib.resources
import io
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from .errors import MeasurementError
from .lobe_patch import LobePatch
from .nodule_candidates import Candidates, find_candidates
from .nodule_detector import Detections
from .nodule_features import Surface, context_features, pixel_features, stacked, surface
from .trees import TreeEnsemble, logistic

WEIGHTS = "weights/nodules.npz"


@dataclass(frozen=True)
class NoduleModel:
    """Trees of the three steps.

    Attributes
    ----------
    first : TreeEnsemble
        Pixel features to a first cone map.
    second : TreeEnsemble
        Pixel features and features of the first cone map to the final cone map.
    judge : TreeEnsemble
        Features of a candidate to the log odds that it is a nodule.
    """

    first: TreeEnsemble
    second: TreeEnsemble
    judge: TreeEnsemble

    def arrays(self) -> dict[str, np.ndarray]:
        """The model as named arrays, for `numpy.savez_compressed`."""
        return {
            **self.first.arrays("first"),
            **self.second.arrays("second"),
            **self.judge.arrays("judge"),
        }


def read_model(content: bytes) -> NoduleModel:
    """Rebuild a model from the bytes of an ``.npz`` file of plain arrays."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = dict(archive)
    parts = ("first", "second", "judge")
    return NoduleModel(*(TreeEnsemble.from_arrays(arrays, part) for part in parts))


@cache
def shipped_model() -> NoduleModel:
    """The model that comes with the program.

    Raises
    ------
    MeasurementError
        If the file of weights is missing from the installation.
    """
    path = importlib.resources.files("xenoquant.data").joinpath(WEIGHTS)
    if not path.is_file():
        raise MeasurementError(
            f"The weights of the nodule model ({WEIGHTS}) are not in this installation.",
            "Install the program again, or choose detector = 'classical'.",
        )
    return read_model(path.read_bytes())


def first_cone(lobe: Surface, layers: dict[str, np.ndarray], model: NoduleModel) -> np.ndarray:
    """The first cone map of a lobe, 0 outside it."""
    return _drawn(model.first.predict(stacked(layers, lobe.mask)), lobe.mask)


def cone_map(lobe: Surface, model: NoduleModel) -> np.ndarray:
    """Cone map of a lobe: 1 at a nodule's centre, 0.25 at its outline, 0 elsewhere.

    Parameters
    ----------
    lobe : Surface
    model : NoduleModel

    Returns
    -------
    numpy.ndarray of float32, shape (h, w)
    """
    layers = pixel_features(lobe)
    context = context_features(first_cone(lobe, layers, model), lobe)
    rows = np.concatenate([stacked(layers, lobe.mask), stacked(context, lobe.mask)], axis=1)
    return _drawn(model.second.predict(rows), lobe.mask)


def _drawn(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    image = np.zeros(mask.shape, np.float32)
    image[mask] = np.clip(values, 0, 1)
    return image


def detect_learned(patch: LobePatch, model: NoduleModel) -> Detections:
    """Find nodules on a lobe with trained trees.

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
    found = find_candidates(cone_map(lobe, model), lobe)
    chance = logistic(model.judge.predict(found.features)) if len(found.y) else np.zeros(0)
    return Detections(
        y=found.y,
        x=found.x,
        radius=found.radius,
        confidence=chance.astype(float),
        contrast=found.contrast,
        labels=absorbed(found, chance),
        glare=lobe.glare,
    )


def absorbed(found: Candidates, chance: np.ndarray, least: float = 0.3) -> np.ndarray:
    """Give the basin of a doubtful candidate to the sure one it touches most.

    A second peak on one nodule is so joined to the first; the basin of a doubtful candidate that
    touches no sure one keeps its own number.
    """
    labels = found.labels.copy()
    kernel = np.ones((3, 3), np.uint8)
    for row in np.flatnonzero(chance < least):
        ring = cv2.dilate((labels == row + 1).astype(np.uint8), kernel) > 0
        near = labels[ring]
        near = near[(near > 0) & (near != row + 1)]
        near = near[chance[near - 1] >= least]
        if len(near) > 0.3 * ring.sum() ** 0.5:
            labels[labels == row + 1] = np.bincount(near).argmax()
    return labels
