"""Random scenes over the range that laboratories' pictures have, for training and benchmarks."""

from typing import Literal, get_args

import numpy as np

from .phantom_lung_scene import Background, LungScene
from .phantom_section_scene import DabScene, FluorescenceScene

LARGEST_PHOTO_PX = 3.0e6
"""Random photographs are scaled down to about this many pixels, so that many can be rendered."""

NODULES_BY_DENSITY = ((0, 0), (1, 10), (11, 30), (31, 60))
"""Ranges of nodules a lobe, the classes by which accuracy is reported."""

DENSITY_SHARES = (0.12, 0.33, 0.33, 0.22)
"""How often a lobe falls into each class."""


def random_lung_scene(seed: int) -> LungScene:
    """A photograph of lungs with everything varied over its realistic range.

    Parameters
    ----------
    seed : int
        Same seed, same scene.

    Returns
    -------
    LungScene
        For `render_lungs`; 0 to 60 nodules a lobe, 1 to 5 lobes, 20 to 120 px/mm, at most
        about three megapixels.

    Examples
    --------
    >>> random_lung_scene(3) == random_lung_scene(3)
    True
    """
    rng = np.random.default_rng([seed, 1])
    lobes = int(rng.choice([1, 2, 3, 4, 5], p=[0.42, 0.22, 0.12, 0.1, 0.14]))
    longest = rng.uniform(10, 17) if lobes <= 2 else rng.uniform(8, 13)
    px_per_mm, size = _frame(rng, lobes, longest)
    dark = rng.random() < 0.07
    median = float(np.exp(rng.uniform(np.log(0.5), np.log(1.3))))
    return LungScene(
        size_px=size,
        px_per_mm=px_per_mm,
        appearance="dark-lung" if dark else "bouin",
        lobes=lobes,
        lobe_length_mm=(0.7 * longest, longest),
        touching=bool(lobes > 1 and rng.random() < 0.35),
        nodules=_density(rng, lobes),
        diameter_mm=(0.2, float(rng.uniform(1.6, 3.0))),
        diameter_median_mm=median,
        diameter_log_sd=float(rng.uniform(0.25, 0.6)),
        clustering=float(rng.beta(1.0, 3.0)),
        rim_share=float(rng.uniform(0.0, 0.3)),
        relief=float(rng.uniform(0.12, 0.6)),
        contrast=float(np.clip(rng.normal(0.72, 0.2), 0.25, 1.0)),
        softness=float(rng.uniform(0.1, 0.8)),
        irregularity=float(rng.uniform(0.0, 0.22)),
        dark_centres=float(rng.choice([0.0, 0.1, 0.4])),
        texture=float(rng.uniform(0.2, 1.0)),
        vessels=float(rng.choice([0.0, 0.3, 0.6, 1.0])),
        brown_patches=int(rng.integers(0, 4)),
        hilum=bool(rng.random() < 0.7),
        **_photography(rng),
    )


def _frame(
    rng: np.random.Generator, lobes: int, longest_mm: float
) -> tuple[float, tuple[int, int]]:
    """Scale and size of a photograph with room for its lobes."""
    columns = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3}[lobes]
    rows = -(-lobes // columns)
    width = columns * longest_mm * rng.uniform(1.02, 1.4) + 2
    height = rows * longest_mm * rng.uniform(0.72, 1.05) + 2
    most = np.sqrt(LARGEST_PHOTO_PX / (width * height))
    scale = float(np.exp(rng.uniform(np.log(20), np.log(120))))
    scale = max(20.0, min(scale, float(most)))
    return scale, (int(height * scale), int(width * scale))


def _density(rng: np.random.Generator, lobes: int) -> tuple[int, ...]:
    """Nodules of each lobe; lobes of one photograph are of one animal, so of like density."""
    low, high = NODULES_BY_DENSITY[int(rng.choice(4, p=DENSITY_SHARES))]
    return tuple(int(rng.integers(low, high + 1)) for _ in range(lobes))


def _photography(rng: np.random.Generator) -> dict:
    """Everything around the lungs and in the camera."""
    return {
        "glare": float(rng.choice([0.0, rng.beta(1.3, 2.0), rng.uniform(0.6, 1.0)],
                                  p=[0.15, 0.65, 0.2])),
        "rim_light": float(rng.uniform(0, 1)),
        "uneven_light": float(rng.uniform(0, 0.8)),
        "shadow": float(rng.uniform(0, 0.9)),
        "reflection": float(rng.choice([0.0, rng.uniform(0.2, 1.0)], p=[0.6, 0.4])),
        "background": str(rng.choice(get_args(Background))),
        "ruler": bool(rng.random() < 0.4),
        "label": bool(rng.random() < 0.35),
        "pins": int(rng.choice([0, 1, 2, 4], p=[0.7, 0.12, 0.1, 0.08])),
        "white_balance": tuple(float(x) for x in np.exp(rng.normal(0, 0.1, 3))),
        "exposure": float(np.exp(rng.uniform(np.log(0.6), np.log(1.35)))),
        "full_well": float(np.exp(rng.uniform(np.log(600), np.log(30000)))),
        "blur_px": float(rng.uniform(0.4, 2.0)),
        "sharpening": float(rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.5, 0.5])),
        "jpeg_quality": int(rng.integers(45, 98)),
    }  # fmt: skip


def random_fluorescence_scene(
    seed: int, *, compartment: Literal["nucleus", "membrane", "cytoplasm"] | None = None
) -> FluorescenceScene:
    """A two-channel field with everything varied over its realistic range.

    Parameters
    ----------
    seed : int
        Same seed, same scene.
    compartment : str, optional
        nucleus, membrane or cytoplasm; random without it.

    Returns
    -------
    FluorescenceScene
        For `render_fluorescence`. The same scene with ``control=True`` is its control.
    """
    rng = np.random.default_rng([seed, 2])
    drawn = str(rng.choice(["nucleus", "membrane", "cytoplasm"]))
    bits = int(rng.choice([8, 12, 16]))
    negative = float(rng.uniform(5, 25))
    positive = negative * float(rng.uniform(6, 16))
    nuclei = float(np.exp(rng.uniform(np.log(40), np.log(400))))
    brightest = 2.5 * max(positive, nuclei)
    return FluorescenceScene(
        compartment=compartment or drawn,  # type: ignore[arg-type]
        positive_fraction=float(rng.uniform(0.05, 0.9)),
        um_per_px=float(np.exp(rng.uniform(np.log(0.1), np.log(1.0)))),
        nuclei_per_mm2=float(np.exp(rng.uniform(np.log(1200), np.log(9000)))),
        nucleus_diameter_um=float(rng.uniform(6, 12)),
        nucleus_diameter_log_sd=float(rng.uniform(0.08, 0.3)),
        elongation=float(rng.uniform(1.05, 1.9)),
        irregularity=float(rng.uniform(0.0, 0.14)),
        touching=float(rng.uniform(0, 0.6)),
        cell_reach_um=float(rng.uniform(2.5, 6)),
        positive_photons=positive,
        positive_log_sd=float(rng.uniform(0.15, 0.45)),
        negative_photons=negative,
        negative_log_sd=float(rng.uniform(0.15, 0.4)),
        nuclei_photons=nuclei,
        nuclei_log_sd=float(rng.uniform(0.1, 0.6)),
        background_photons=float(rng.uniform(1, 20)),
        uneven_background=float(rng.uniform(0, 1)),
        texture=float(rng.uniform(0.1, 1)),
        glow=float(rng.uniform(0, 0.15)),
        debris=int(rng.integers(0, 15)),
        blur_um=float(rng.uniform(0.1, 0.5)),
        gain=0.8 * 2**bits / brightest,
        offset=float(rng.uniform(0.005, 0.04)) * 2**bits,
        read_noise=float(rng.uniform(0.0005, 0.004)) * 2**bits,
        bit_depth=bits,
    )


def random_dab_scene(
    seed: int, *, compartment: Literal["nucleus", "cytoplasm"] | None = None
) -> DabScene:
    """An H-DAB field with everything varied over its realistic range.

    Parameters
    ----------
    seed : int
        Same seed, same scene.
    compartment : str, optional
        nucleus or cytoplasm; random without it.

    Returns
    -------
    DabScene
        For `render_dab`.
    """
    rng = np.random.default_rng([seed, 3])
    drawn = str(rng.choice(["nucleus", "cytoplasm"]))
    white = rng.uniform(215, 248) - rng.uniform(0, 12, 3)
    return DabScene(
        compartment=compartment or drawn,  # type: ignore[arg-type]
        positive_fraction=float(rng.uniform(0, 0.95)),
        tissue=str(rng.choice(["tumour", "hepatocyte", "stroma"])),  # type: ignore[arg-type]
        um_per_px=float(np.exp(rng.uniform(np.log(0.25), np.log(1.0)))),
        density=float(rng.uniform(0.5, 1.4)),
        positive_od=float(rng.uniform(0.25, 0.9)),
        positive_log_sd=float(rng.uniform(0.15, 0.5)),
        negative_od=float(rng.uniform(0.005, 0.05)),
        unspecific_od=float(rng.uniform(0, 0.04)),
        hematoxylin_od=float(rng.uniform(0.3, 0.8)),
        counterstain_od=float(rng.uniform(0.02, 0.14)),
        texture=float(rng.uniform(0.2, 1)),
        vector_jitter=float(rng.uniform(0, 0.05)),
        hemosiderin=int(rng.choice([0, 0, 3, 8])),
        gaps=float(rng.choice([0.0, 0.08, 0.3])),
        folds=int(rng.choice([0, 0, 0, 1])),
        white=(float(white[0]), float(white[1]), float(white[2])),
        uneven_light=float(rng.uniform(0, 0.6)),
        blur_px=float(rng.uniform(0.3, 1.4)),
        full_well=float(np.exp(rng.uniform(np.log(3000), np.log(30000)))),
        jpeg_quality=int(rng.integers(70, 98)),
    )
