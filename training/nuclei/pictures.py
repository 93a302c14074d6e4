"""Images of nuclei with their label images, read or rendered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from xenoquant.imgproc.nucleus_network import evened
from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    render_dab,
    render_fluorescence,
)
from xenoquant.imgproc.stains import StainVectors, nuclear_signal, separate

LEVELS = 4  # of the pyramid an image is shrunk from


@dataclass(frozen=True)
class Picture:
    """One image to learn from.

    Attributes
    ----------
    name : str
        File name without extension, or seed of a phantom.
    kind : int
        Type of image; 0 and below for rendered ones.
    planes : tuple of numpy.ndarray
        Evened intensities, float32: full size, half, quarter, eighth.
    labels : numpy.ndarray
        int32, 0 outside nuclei.
    diameter_px : float
        Median diameter of the nuclei.
    centres : numpy.ndarray
        Shape (n, 2), y and x of every nucleus.
    """

    name: str
    kind: int
    planes: tuple[np.ndarray, ...]
    labels: np.ndarray
    diameter_px: float
    centres: np.ndarray


def picture(name: str, kind: int, image: np.ndarray, labels: np.ndarray) -> Picture:
    """Prepare an image and its labels."""
    planes = [evened(image)]
    for _ in range(LEVELS - 1):
        planes.append(cv2.resize(planes[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    labels = labels.astype(np.int32)
    area = np.bincount(labels.ravel())
    rows, columns = np.indices(labels.shape)
    sums = [np.bincount(labels.ravel(), place.ravel()) for place in (rows, columns)]
    there = np.flatnonzero(area[1:]) + 1
    centres = np.stack([total[there] / area[there] for total in sums], axis=1)
    diameter = 2 * np.sqrt(np.median(area[there]) / np.pi) if there.size else 20.0
    return Picture(name, kind, tuple(planes), labels, float(diameter), centres)


def read(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read an image and its labels."""
    image, labels = (
        cv2.imread(str(folder / part / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        for part in ("images", "labels")
    )
    if image is None or labels is None:
        raise SystemExit(f"{folder} has no image and labels called {name}.png.")
    return (image if image.ndim == 2 else image[..., :3].max(axis=2)), labels.astype(np.int32)


def folder_pictures(folder: Path, names: list[str], kinds: list[int]) -> list[Picture]:
    """Read the named images of a folder."""
    return [picture(n, k, *read(folder, n)) for n, k in zip(names, kinds, strict=True)]


def rendered_pictures(count: int, first_seed: int, cache: Path | None) -> Iterator[Picture]:
    """Render confocal fields and H-DAB sections, two sections to a field.

    Parameters
    ----------
    count, first_seed : int
        Seeds from the first on.
    cache : pathlib.Path, optional
        Folder that keeps what was rendered for the next run.
    """
    for seed in range(first_seed, first_seed + count):
        path = cache / f"{seed}.npz" if cache else None
        if path is not None and path.exists():
            with np.load(path) as kept:
                image, labels = kept["image"], kept["labels"]
        else:
            image, labels = _rendered(seed)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez_compressed(path, image=image, labels=labels)
        yield picture(f"rendered_{seed}", 0 if seed % 3 == 0 else -1, image, labels)


def _rendered(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give an image and its nuclei: every third a confocal field, else a section."""
    rng = np.random.default_rng([seed, 31])
    return _confocal_field(seed, rng) if seed % 3 == 0 else _section(seed, rng)


def _confocal_field(seed: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    scene = FluorescenceScene(
        um_per_px=float(np.exp(rng.uniform(np.log(0.2), np.log(0.7)))),
        nuclei_log_sd=float(rng.uniform(0.2, 0.7)),
        touching=float(rng.uniform(0.05, 0.5)),
        texture=float(rng.uniform(0.2, 1.0)),
        uneven_background=float(rng.uniform(0, 1)),
        blur_um=float(rng.uniform(0.15, 0.6)),
        nuclei_photons=float(np.exp(rng.uniform(np.log(40), np.log(400)))),
    )
    field = render_fluorescence(seed, scene=scene)
    return field.channels["nuclei"], field.nuclei


def _section(seed: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hematoxylin, and for nuclear markers hematoxylin and DAB together."""
    nuclear = bool(rng.random() < 0.4)
    scene = DabScene(
        compartment="nucleus" if nuclear else "cytoplasm",
        tissue=str(rng.choice(["tumour", "hepatocyte", "stroma"])),
        um_per_px=float(np.exp(rng.uniform(np.log(0.25), np.log(0.6)))),
        density=float(rng.uniform(0.6, 1.3)),
        positive_fraction=float(rng.uniform(0.1, 0.7)),
        hematoxylin_od=float(rng.uniform(0.25, 0.8)),
        counterstain_od=float(rng.uniform(0.02, 0.2)),
        texture=float(rng.uniform(0.3, 1.0)),
        vector_jitter=float(rng.uniform(0, 0.1)),
        blur_px=float(rng.uniform(0.5, 1.4)),
        jpeg_quality=int(rng.integers(60, 96)),
    )
    section = render_dab(seed, scene=scene)
    white = cv2.GaussianBlur(section.blank.astype(np.float32), (0, 0), 20)
    hematoxylin, dab, _ = separate(section.rgb, white, StainVectors())
    signal = nuclear_signal(hematoxylin, dab) if nuclear else np.maximum(hematoxylin, 0)
    return signal, section.nuclei
