"""The lobe network: which pixels show lung, and which lie deep in a lobe of their own."""

import torch
from torch import nn
from torch.nn import functional

from xenoquant.imgproc.lobe_network import PLANES

from ..unet import Unet

CHANNELS = (24, 32, 48, 64, 96)
MAPS = 2


class Exported(nn.Module):
    """The network as it is shipped: probabilities instead of their logits."""

    def __init__(self, network: Unet) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Give (N, 2, H, W)."""
        return torch.sigmoid(self.network(planes))


def lobe_network() -> Unet:
    """A network that has learned nothing."""
    return Unet(PLANES, MAPS, CHANNELS)


def loss(raw: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Two losses, shape (2,): lobe, core."""
    cross = functional.binary_cross_entropy_with_logits(raw, targets, reduction="none")
    return (cross * weight).mean((0, 2, 3))
