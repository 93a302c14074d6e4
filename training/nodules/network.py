"""The network: a residual U-Net at half resolution, from a patch's planes to five maps."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from xenoquant.imgproc.nodule_network import PLANES

CHANNELS = (32, 48, 64, 96)
MAPS = 5


def convolved(before: int, after: int) -> nn.Sequential:
    """3×3 convolution and normalisation."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after, momentum=0.05)
    )


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.steps = nn.Sequential(
            convolved(channels, channels), nn.ReLU(), convolved(channels, channels)
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Keep the shape."""
        return functional.relu(values + self.steps(values))


class NoduleNetwork(nn.Module):
    """Inside, cone, log radius and the way to the middle (y, x) of every pixel.

    Height and width must be multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        first = CHANNELS[0]
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), convolved(4 * PLANES, first), nn.ReLU())
        pairs = list(pairwise(CHANNELS))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 2, stride=2, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairs
        )
        self.there = nn.ModuleList(Residual(c) for c in CHANNELS)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.back = nn.ModuleList(Residual(a) for a, _ in pairs)
        self.head = nn.Sequential(nn.Conv2d(first, MAPS * 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Give raw maps (N, 5, H, W) of planes (N, 7, H, W)."""
        values = self.there[0](self.stem(planes))
        kept = []
        for down, there in zip(self.down, list(self.there)[1:], strict=True):
            kept.append(values)
            values = there(down(values))
        for up, back in zip(reversed(self.up), reversed(self.back), strict=True):
            wide = functional.interpolate(up(values), scale_factor=2.0, mode="nearest")
            values = back(wide + kept.pop())
        return self.head(values)


class Exported(nn.Module):
    """The network as it is shipped: a probability instead of its logit, a cone within 0 and 1."""

    def __init__(self, network: NoduleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Give (N, 5, H, W)."""
        raw = self.network(planes)
        inside, cone = torch.sigmoid(raw[:, :1]), torch.clamp(raw[:, 1:2], 0, 1)
        return torch.cat([inside, cone, torch.clamp(raw[:, 2:3], -2, 2.5), raw[:, 3:]], 1)


LOSS_WEIGHTS = (1.0, 1.0, 0.5, 0.5)


def loss(raw: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Four losses, shape (4,): inside, cone, log radius, way."""
    within = targets[:, 0] * weight
    area = within.sum() + 100
    smooth = functional.smooth_l1_loss
    inside = functional.binary_cross_entropy_with_logits(raw[:, 0], targets[:, 0], reduction="none")
    cone = smooth(raw[:, 1], targets[:, 1], reduction="none", beta=0.1)
    size = smooth(raw[:, 2], targets[:, 2], reduction="none", beta=0.1)
    way = smooth(raw[:, 3:], targets[:, 3:], reduction="none", beta=0.1).sum(1)
    return torch.stack(
        [
            (inside * weight).mean(),
            (cone * weight).mean() * 2,
            (size * within).sum() / area,
            (way * within).sum() / area,
        ]
    )
