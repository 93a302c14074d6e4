"""Phantoms: pictures of lungs and sections with exact truth, for tests, demo and training."""

from .phantom_dab import render_dab
from .phantom_fluorescence import render_fluorescence
from .phantom_lung_scene import LungPhantom, LungScene
from .phantom_lungs import render_lungs
from .phantom_scenes import random_dab_scene, random_fluorescence_scene, random_lung_scene
from .phantom_section_scene import (
    DabPhantom,
    DabScene,
    FluorescencePhantom,
    FluorescenceScene,
)

__all__ = [
    "DabPhantom",
    "DabScene",
    "FluorescencePhantom",
    "FluorescenceScene",
    "LungPhantom",
    "LungScene",
    "random_dab_scene",
    "random_fluorescence_scene",
    "random_lung_scene",
    "render_dab",
    "render_fluorescence",
    "render_lungs",
]
