"""Other people's networks for nuclei, with weights from the user's own disk.

Each is an extra of the package. Nothing is fetched: a loader is only called with a path that is
there, since given a name it would look on the web.
"""

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import MeasurementError
from .labelled import renumbered
from .nucleus_network import checked_plane

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.8  # what the three normalise by, or nearly


@dataclass(frozen=True)
class CellposeSegmenter:
    """Cellpose with a model file, such as ``nuclei`` or one trained in its window.

    Attributes
    ----------
    weights : pathlib.Path
        The model's file.
    diameter_um : float or None
        Typical diameter of a nucleus; the model's own, in pixels, if None.

    References
    ----------
    Stringer et al., Cellpose: a generalist algorithm for cellular segmentation. Nat Methods 2021;
    18: 100–106.
    """

    weights: Path
    diameter_um: float | None = None

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei.

        Raises
        ------
        MeasurementError
            If the image isn't one plane, or package or weights aren't there or don't fit.
        """
        plane = checked_plane(image)
        model = _cellpose(_weights(self.weights, "cellpose", folder=False))
        if _blank(plane):
            return np.zeros(plane.shape, np.int32)
        given: dict[str, Any] = {}
        if self.diameter_um is not None and um_per_px is not None:
            given["diameter"] = self.diameter_um / um_per_px
        if hasattr(model, "nchan"):  # before version 4 it asks which channel is which
            given["channels"] = [0, 0]
        return _numbered(model.eval(plane.astype(np.float32), **given)[0])


@dataclass(frozen=True)
class StardistSegmenter:
    """StarDist with a model folder (``config.json`` and weights).

    Attributes
    ----------
    weights : pathlib.Path
        The model's folder.
    diameter_um : float or None
        Not used: StarDist models have a scale of their own.

    References
    ----------
    Schmidt et al., Cell detection with star-convex polygons. MICCAI 2018: 265–273.
    """

    weights: Path
    diameter_um: float | None = None

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei; raises as `CellposeSegmenter`."""
        plane = checked_plane(image)
        model = _stardist(_weights(self.weights, "stardist", folder=True))
        if _blank(plane):
            return np.zeros(plane.shape, np.int32)
        return _numbered(model.predict_instances(_normalised(plane))[0])


@dataclass(frozen=True)
class InstansegSegmenter:
    """InstanSeg with a TorchScript file.

    Attributes
    ----------
    weights : pathlib.Path
        The ``.pt`` file.
    diameter_um : float or None
        Not used: InstanSeg scales by the pixel size.

    References
    ----------
    Goldsborough et al., InstanSeg: an embedding-based instance segmentation algorithm optimized
    for accurate, efficient and portable cell segmentation. arXiv 2024: 2408.15954.
    """

    weights: Path
    diameter_um: float | None = None

    def __call__(self, image: np.ndarray, um_per_px: float | None) -> np.ndarray:
        """Find the nuclei; raises as `CellposeSegmenter`."""
        plane = checked_plane(image)
        model = _instanseg(_weights(self.weights, "instanseg", folder=False))
        if _blank(plane):
            return np.zeros(plane.shape, np.int32)
        found = model.eval_small_image(
            plane.astype(np.float32)[None],
            pixel_size=um_per_px,
            return_image_tensor=False,
            target="nuclei",
        )
        return _numbered(np.asarray(found.cpu()).reshape(-1, *plane.shape)[0])


def _weights(path: Path, segmenter: str, *, folder: bool) -> Path:
    """Give the path back if it is there: a loader would take another name to the web."""
    wanted = "folder" if folder else "file"
    if path.is_dir() if folder else path.is_file():
        return path.resolve()
    raise MeasurementError(
        f"segmenter = '{segmenter}' needs a {wanted} of weights, and there is none at {path}",
        "fetch the model on a machine with web access, copy it here and give its path as weights; "
        "xenoquant itself fetches nothing",
    )


def _package(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MeasurementError(
            f"segmenter = '{extra}' needs a package that can't be imported here: {error}",
            f"install the extra: pip install 'xenoquant[{extra}]', or choose segmenter = 'network'",
        ) from error


def _unreadable(path: Path, extra: str, error: Exception) -> MeasurementError:
    detail = " ".join(str(error).split())[:200]
    return MeasurementError(
        f"{extra} can't read the weights {path}: {type(error).__name__}: {detail}",
        f"give a model made by the installed version of {extra}",
    )


@cache
def _cellpose(path: Path) -> Any:
    models = _package("cellpose.models", "cellpose")
    try:
        return models.CellposeModel(gpu=False, pretrained_model=str(path))
    except Exception as error:  # whatever its loader makes of a file that is no model
        raise _unreadable(path, "cellpose", error) from error


@cache
def _stardist(path: Path) -> Any:
    models = _package("stardist.models", "stardist")
    try:
        return models.StarDist2D(None, name=path.name, basedir=str(path.parent))
    except Exception as error:  # as above
        raise _unreadable(path, "stardist", error) from error


@cache
def _instanseg(path: Path) -> Any:
    torch, package = _package("torch", "instanseg"), _package("instanseg", "instanseg")
    try:
        model = torch.jit.load(str(path), map_location="cpu")
        return package.InstanSeg(model, device="cpu", verbosity=0)
    except Exception as error:  # as above
        raise _unreadable(path, "instanseg", error) from error


def _blank(plane: np.ndarray) -> bool:
    """Say if there is nothing to see, which some of the three divide by."""
    return min(plane.shape, default=0) < 2 or not plane.max() > plane.min()


def _normalised(plane: np.ndarray) -> np.ndarray:
    low, high = np.percentile(plane, (_LOW_PERCENT, _HIGH_PERCENT))
    return ((plane - low) / max(high - low, 1e-12)).astype(np.float32)


def _numbered(labels: np.ndarray) -> np.ndarray:
    """Number what was found 1 to n, whatever the dtype it comes in."""
    return renumbered(np.asarray(labels).astype(np.int32))
