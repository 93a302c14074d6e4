"""The nodule network: from a patch's planes to five maps."""

import torch
from torch.nn import functional

from xenoquant.imgproc.nodule_network import PLANES

from ..unet import Unet

CHANNELS = (32, 48, 64, 96)
MAPS = 5


def nodule_network() -> Unet:
    """A network that has learned nothing.

    Its maps are inside, cone, log radius and the way to the middle (y, x) of every pixel.
    """
    return Unet(PLANES, MAPS, CHANNELS)


def shown(raw: torch.Tensor) -> torch.Tensor:
    """Give (N, 5, H, W) of raw maps: a probability instead of its logit, a cone within 0 and 1."""
    inside, cone = torch.sigmoid(raw[:, :1]), torch.clamp(raw[:, 1:2], 0, 1)
    return torch.cat([inside, cone, torch.clamp(raw[:, 2:3], -2, 2.5), raw[:, 3:]], 1)


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
