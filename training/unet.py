"""A residual U-Net at half resolution, from planes to maps of the same size."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


def convolved(before: int, after: int) -> nn.Sequential:
    """3×3 convolution and normalisation."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after, momentum=0.05)
    )


class Residual(nn.Module):
    """Some convolutions whose result is added to what came in."""

    def __init__(self, channels: int, convolutions: int = 2) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for _ in range(convolutions):
            steps += [convolved(channels, channels), nn.ReLU()]
        self.steps = nn.Sequential(*steps[:-1])

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Keep the shape."""
        return functional.relu(values + self.steps(values))


class Unet(nn.Module):
    """Raw maps of planes. Height and width must be multiples of 2 to the number of levels.

    Parameters
    ----------
    planes, maps : int
        Channels that come in and go out.
    channels : tuple of int
        Of every level, from half resolution down.
    back : int
        Convolutions of every level on the way up; on the way down there are two.
    """

    def __init__(self, planes: int, maps: int, channels: tuple[int, ...], *, back: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), convolved(4 * planes, channels[0]), nn.ReLU()
        )
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 2, stride=2, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairs
        )
        self.there = nn.ModuleList(Residual(c) for c in channels)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.back = nn.ModuleList(Residual(a, back) for a, _ in pairs)
        self.head = nn.Sequential(
            nn.Conv2d(channels[0], maps * 4, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Give raw maps (N, maps, H, W) of planes (N, planes, H, W)."""
        values = self.there[0](self.stem(planes))
        kept = []
        for down, there in zip(self.down, list(self.there)[1:], strict=True):
            kept.append(values)
            values = there(down(values))
        for up, back in zip(reversed(self.up), reversed(self.back), strict=True):
            wide = functional.interpolate(up(values), scale_factor=2.0, mode="nearest")
            values = back(wide + kept.pop())
        with torch.autocast(values.device.type, enabled=False):
            return self.head(values.float())
