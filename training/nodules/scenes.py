"""Scenes the nodule model is trained and checked on: everything that varies between photos."""

import numpy as np

from xenoquant.imgproc.phantoms import LungScene

BACKGROUNDS = ("black", "white", "blue", "green", "cloth", "paper")

ROOM_MM = {1: (16, 22), 2: (18, 32), 3: (20, 38), 4: (28, 34), 5: (28, 42)}
"""Height and width of the frame for a number of lobes."""


def _nodule_count(rng: np.random.Generator) -> int:
    """0 on one lobe in seven, else up to 60 with most below 30."""
    if rng.random() < 0.15:
        return 0
    return int(np.clip(rng.gamma(1.6, 11.0), 1, 60))


def _surface(rng: np.random.Generator) -> dict[str, float]:
    calm = rng.random() < 0.2
    return {
        "texture": rng.uniform(0, 1),
        "vessels": 0.0 if rng.random() < 0.25 else rng.uniform(0.2, 1),
        "glare": 0.0 if calm else rng.uniform(0, 1),
        "rim_light": 0.0 if calm else rng.uniform(0, 1),
        "uneven_light": rng.uniform(0, 0.8),
        "shadow": rng.uniform(0, 1),
        "reflection": 0.0 if rng.random() < 0.7 else rng.uniform(0, 1),
    }


def _camera(rng: np.random.Generator, px_per_mm: float) -> dict[str, object]:
    warmth = rng.normal(0, 0.10)
    return {
        "white_balance": (float(np.exp(warmth)), 1.0, float(np.exp(-warmth + rng.normal(0, 0.05)))),
        "exposure": float(rng.uniform(0.6, 1.3)),
        "full_well": float(np.exp(rng.uniform(np.log(800), np.log(20000)))),
        "blur_px": float(
            rng.uniform(0.4, 1.0) + rng.choice([0, 1]) * rng.uniform(0, 0.03) * px_per_mm
        ),
        "sharpening": 0.0 if rng.random() < 0.5 else float(rng.uniform(0.1, 1)),
        "jpeg_quality": None if rng.random() < 0.1 else int(rng.integers(40, 98)),
    }


def _nodules(rng: np.random.Generator, lobes: int) -> dict[str, object]:
    return {
        "nodules": tuple(_nodule_count(rng) for _ in range(lobes)),
        "diameter_median_mm": float(rng.uniform(0.45, 1.2)),
        "diameter_log_sd": float(rng.uniform(0.25, 0.65)),
        "clustering": float(rng.uniform(0, 0.6)),
        "rim_share": float(rng.uniform(0, 0.3)),
        "relief": float(rng.uniform(0.12, 0.6)),
        "contrast": float(rng.uniform(0.35, 1.0)),
        "softness": float(rng.uniform(0.05, 0.9)),
        "irregularity": float(rng.uniform(0, 0.3)),
        "dark_centres": float(rng.choice([0, 0.12, 0.5])),
        "own_tint": float(rng.uniform(0, 1)),
        "flush": bool(rng.random() < 0.25),
        "meniscus": 0.0 if rng.random() < 0.5 else float(rng.uniform(0, 1)),
    }


def random_scene(rng: np.random.Generator) -> LungScene:
    """Draw a scene of pale nodules on yellow lung.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    LungScene
        Of 1 to 5 lobes with 0 to 60 nodules each.
    """
    lobes = int(rng.choice([1, 1, 1, 2, 2, 3, 4, 5]))
    px_per_mm = float(np.exp(rng.uniform(np.log(20), np.log(50 if lobes < 3 else 32))))
    height, width = (round(side * px_per_mm * rng.uniform(0.9, 1.1)) for side in ROOM_MM[lobes])
    return LungScene(
        size_px=(height, width),
        px_per_mm=px_per_mm,
        lobes=lobes,
        lobe_length_mm=(8.0, 16.0),
        touching=bool(lobes > 1 and rng.random() < 0.35),
        brown_patches=int(rng.integers(0, 4)),
        hilum=bool(rng.random() < 0.75),
        background=str(rng.choice(BACKGROUNDS)),
        ruler=bool(rng.random() < 0.4),
        label=bool(rng.random() < 0.3),
        pins=int(rng.choice([0, 0, 0, 2])),
        **_nodules(rng, lobes),
        **_surface(rng),
        **_camera(rng, px_per_mm),
    )
