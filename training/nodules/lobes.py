"""Lobes of rendered photos with their truth, kept on disk between runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from xenoquant.imgproc.lobe_patch import WORK_PX_PER_MM, LobePatch, lobe_patch
from xenoquant.imgproc.lungs import LobeFinder, find_lobes
from xenoquant.imgproc.nodule_network import TRAINED_PX_PER_MM
from xenoquant.imgproc.phantoms import LungPhantom, LungScene, random_lung_scene, render_lungs

from .scenes import random_scene


@dataclass(frozen=True)
class Lobe:
    """One found lobe of a rendered photo and the nodules on its patch.

    Attributes
    ----------
    rgb : numpy.ndarray of float32, shape (h, w, 3)
        The patch, 0 to 1.
    mask, others : numpy.ndarray of bool, shape (h, w)
        The lobe as found, and the other lobes.
    nodules : numpy.ndarray of int32, shape (h, w)
        Visible footprints, 1..n.
    centre : numpy.ndarray of float, shape (n, 2)
        Middle of each visible footprint (y, x), in pixels of the patch.
    radius : numpy.ndarray of float, shape (n,)
        Of a disc of the visible footprint's area, in pixels.
    countable : numpy.ndarray of bool, shape (n,)
        Whether a reader could count it.
    """

    rgb: np.ndarray
    mask: np.ndarray
    others: np.ndarray
    nodules: np.ndarray
    centre: np.ndarray
    radius: np.ndarray
    countable: np.ndarray
    px_per_mm: float

    @property
    def patch(self) -> LobePatch:
        """As the program sees it."""
        height, width = self.mask.shape
        return LobePatch(self.rgb, self.mask, self.others, self.px_per_mm, 0, 0, height, width)


def scene_of(kind: str, seed: int) -> LungScene:
    """The scene of a seed: this folder's own ("own") or the phantoms' random one ("phantoms")."""
    if kind == "own":
        return random_scene(np.random.default_rng([seed, 77]))
    return random_lung_scene(seed)


@dataclass(frozen=True)
class Way:
    """How lobes are found and shown.

    Attributes
    ----------
    name : str
        Folder of the cache.
    finder : {"learned", "classical"}
        How they are found.
    px_per_mm : float
        Of the patches.
    """

    name: str
    finder: LobeFinder
    px_per_mm: float


AS_LEARNED = Way("learned-from", "classical", TRAINED_PX_PER_MM)
"""What the network learned from: lobes found by colour and shape."""

AS_MEASURED = Way("measured", "learned", WORK_PX_PER_MM)
"""What the program does, and the judge is fitted to."""


def lobes_of(kind: str, seed: int, cache: Path, way: Way) -> list[Lobe]:
    """Render a photo and cut its lobes out, or read them where an earlier run has kept them.

    Inked lungs give none.
    """
    path = cache / way.name / kind / f"{seed}.npz"
    if not path.exists():
        scene = scene_of(kind, seed)
        found: list[Lobe] = []
        if scene.appearance == "bouin":
            found = list(cut(render_lungs(seed, scene=scene), way))
        path.parent.mkdir(parents=True, exist_ok=True)
        named = {
            f"{k}_{name}": value for k, lobe in enumerate(found) for name, value in packed(lobe)
        }
        np.savez(path, count=len(found), **named)
    with np.load(path) as kept:
        return [unpacked(kept, k) for k in range(int(kept["count"]))]


def packed(lobe: Lobe) -> Iterator[tuple[str, np.ndarray]]:
    """A lobe as named arrays."""
    for name, value in vars(lobe).items():
        array = np.asarray(value)
        yield name, np.rint(array * 65535).astype(np.uint16) if name == "rgb" else array


def unpacked(kept: "np.lib.npyio.NpzFile", k: int) -> Lobe:
    """A lobe from named arrays."""
    values = {name: kept[f"{k}_{name}"] for name in Lobe.__dataclass_fields__}
    values["rgb"] = values["rgb"].astype(np.float32) / np.float32(65535)
    values["px_per_mm"] = float(values["px_per_mm"])
    return Lobe(**values)


def cut(photo: LungPhantom, way: Way) -> Iterator[Lobe]:
    """Every lobe that is found on a photo, with its truth."""
    lobes = find_lobes(photo.rgb, px_per_mm=photo.px_per_mm, finder=way.finder)
    size = np.bincount(photo.nodules.ravel(), minlength=len(photo.table) + 1)[1:]
    rows, columns = (
        np.bincount(photo.nodules.ravel(), axis.ravel(), minlength=len(photo.table) + 1)[1:]
        for axis in np.indices(photo.nodules.shape)
    )
    for number in range(1, lobes.count + 1):
        patch = lobe_patch(photo.rgb, lobes, number, work_px_per_mm=way.px_per_mm)
        nodules = cv2.resize(
            photo.nodules[patch.window].astype(np.int32),
            patch.mask.shape[::-1],
            interpolation=cv2.INTER_NEAREST_EXACT,
        )
        present = np.unique(nodules[nodules > 0])
        table = np.zeros(len(photo.table) + 1, np.int32)
        table[present] = np.arange(1, len(present) + 1)
        rows_here, factor = present - 1, patch.px_per_mm / photo.px_per_mm
        y = rows[rows_here] / size[rows_here] - patch.top
        x = columns[rows_here] / size[rows_here] - patch.left
        yield Lobe(
            patch.rgb,
            patch.mask,
            patch.others,
            table[nodules],
            (np.stack([y, x], axis=1) + 0.5) * factor - 0.5,
            np.sqrt(size[rows_here] / np.pi) * factor,
            photo.table["countable"].to_numpy(bool)[rows_here],
            patch.px_per_mm,
        )
