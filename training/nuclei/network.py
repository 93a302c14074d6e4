"""The nucleus network: from one plane of intensity to five maps."""

import torch
from torch import nn
from torch.nn import functional

from ..unet import Unet

CHANNELS = (32, 64, 96, 128)
MAPS = 5
BRIGHTEST = 4.0
REACH = 11  # of the local contrast, in steps of 4 pixels: about two nuclei
EVEN = 0.05  # spread of the square root of intensity below which there is no contrast


class Inputs(nn.Module):
    """Square root of intensity, and the same against its surroundings' mean and spread."""

    def forward(self, intensity: torch.Tensor) -> torch.Tensor:
        """Give (N, 2, H, W) of (N, 1, H, W)."""
        root = torch.sqrt(torch.clamp(intensity, 0.0, BRIGHTEST) + 1e-6)
        coarse = functional.avg_pool2d(torch.cat([root, root * root], dim=1), 4)
        pad = REACH // 2
        coarse = functional.avg_pool2d(
            coarse, REACH, stride=1, padding=pad, count_include_pad=False
        )
        mean, square = coarse.chunk(2, dim=1)
        spread = torch.sqrt(torch.clamp(square - mean * mean, min=0.0) + EVEN**2)
        around = functional.interpolate(
            torch.cat([mean, spread], dim=1), scale_factor=4.0, mode="bilinear"
        )
        mean, spread = around.chunk(2, dim=1)
        return torch.cat([root, (root - mean) / spread], dim=1)


def nucleus_network() -> nn.Sequential:
    """A network that has learned nothing.

    Its maps are foreground, touching edge, distance, and the way to the centre (y, x) of every
    pixel of a plane (N, 1, H, W).
    """
    return nn.Sequential(Inputs(), Unet(2, MAPS, CHANNELS, back=1))


def shown(raw: torch.Tensor) -> torch.Tensor:
    """Give (N, 5, H, W) of raw maps: two probabilities, a share, a way in radii."""
    return torch.cat([torch.sigmoid(raw[:, :2]), torch.clamp(raw[:, 2:3], 0, 1), raw[:, 3:]], 1)


def loss(raw: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Four losses, shape (4,): foreground, touching edge, distance, way."""
    inside = targets[:, 0] * weight
    sure = functional.binary_cross_entropy_with_logits
    foreground = (sure(raw[:, 0], targets[:, 0], reduction="none") * weight).mean()
    edge = (sure(raw[:, 1], targets[:, 1], reduction="none") * (1 + 2 * targets[:, 1])).mean()
    distance = functional.smooth_l1_loss(raw[:, 2], targets[:, 2], reduction="none", beta=0.1)
    distance = (distance * (0.3 * weight + inside)).mean()
    way = functional.smooth_l1_loss(raw[:, 3:], targets[:, 3:], reduction="none", beta=0.1)
    way = (way.sum(1) * inside).sum() / (inside.sum() + 1)
    return torch.stack([foreground, edge, distance, way])
