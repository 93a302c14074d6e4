"""The lobe network: which pixels show lung, and which lie deep in a lobe of their own."""

import torch
from torch.nn import functional

from xenoquant.imgproc.lobe_network import PLANES

from ..unet import Unet

CHANNELS = (24, 32, 48, 64, 96)
MAPS = 2


def shown(raw: torch.Tensor) -> torch.Tensor:
    """Give (N, 2, H, W) of raw maps: probabilities instead of their logits."""
    return torch.sigmoid(raw)


def lobe_network() -> Unet:
    """A network that has learned nothing."""
    return Unet(PLANES, MAPS, CHANNELS)


def loss(raw: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Two losses, shape (2,): lobe, core."""
    cross = functional.binary_cross_entropy_with_logits(raw, targets, reduction="none")
    return (cross * weight).mean((0, 2, 3))
