"""The network: a residual U-Net at half resolution, from one plane to five maps."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

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


def convolved(before: int, after: int) -> nn.Sequential:
    """3×3 convolution and normalisation."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after, momentum=0.05)
    )


class Residual(nn.Module):
    """Some convolutions whose result is added to what came in."""

    def __init__(self, channels: int, convolutions: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for _ in range(convolutions):
            steps += [convolved(channels, channels), nn.ReLU()]
        self.steps = nn.Sequential(*steps[:-1])

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Keep the shape."""
        return functional.relu(values + self.steps(values))


class NucleusNetwork(nn.Module):
    """Foreground, touching edge, distance, and the way to the centre (y, x) for every pixel.

    Height and width must be multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        first = CHANNELS[0]
        self.inputs = Inputs()
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), convolved(8, first), nn.ReLU())
        pairs = list(pairwise(CHANNELS))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 2, stride=2, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairs
        )
        self.there = nn.ModuleList(Residual(c, 2) for c in CHANNELS)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.back = nn.ModuleList(Residual(a, 1) for a, _ in pairs)
        self.head = nn.Sequential(nn.Conv2d(first, MAPS * 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, intensity: torch.Tensor) -> torch.Tensor:
        """Give raw maps (N, 5, H, W) of intensities (N, 1, H, W)."""
        values = self.there[0](self.stem(self.inputs(intensity)))
        kept = []
        for down, there in zip(self.down, list(self.there)[1:], strict=True):
            kept.append(values)
            values = there(down(values))
        for up, back in zip(reversed(self.up), reversed(self.back), strict=True):
            wide = functional.interpolate(up(values), scale_factor=2.0, mode="nearest")
            values = back(wide + kept.pop())
        with torch.autocast(values.device.type, enabled=False):
            return self.head(values.float())


class Exported(nn.Module):
    """The network as it is shipped: probabilities instead of their logits."""

    def __init__(self, network: NucleusNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, intensity: torch.Tensor) -> torch.Tensor:
        """Give (N, 5, H, W): two probabilities, a share, a way in radii."""
        raw = self.network(intensity)
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


LOSS_WEIGHTS = (1.0, 0.5, 1.0, 0.5)
