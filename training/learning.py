"""Training that can be stopped and goes on, and the ONNX file that comes out of it."""

import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from .draws import Crop

KEEP_EVERY, WATCH_EVERY = 50, 300
MOST_GRADIENT = 2.0
PARITY = 1e-4


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn.

    Attributes
    ----------
    steps, warm_up : int
        All steps, and those over which the rate rises.
    peak_rate, decay : float
        Of AdamW.
    cooled : float
        Share of the steps, at the end, over which the rate falls to 0.
    losses : dict of float
        Weight of every part of the loss, by name.
    averaged_over : int
        Steps of the moving average of the weights.
    bfloat16 : bool
        Convolve in bfloat16, in half the time; the last convolution stays in single precision.
    """

    steps: int
    warm_up: int
    peak_rate: float
    decay: float
    cooled: float
    losses: dict[str, float]
    averaged_over: int = 100
    bfloat16: bool = False

    def rate(self, step: int) -> float:
        """Learning rate: a short rise, a plateau, half a cosine to 0."""
        rise = min(1.0, (step + 1) / self.warm_up)
        cooled = max(0.0, step / self.steps - (1 - self.cooled)) / self.cooled
        return float(self.peak_rate * rise * 0.5 * (1 + np.cos(np.pi * cooled)))

    def kept(self, step: int) -> float:
        """Share of the averaged weights that a step leaves as they are."""
        return min(1 - 1 / self.averaged_over, (step + 1) / (step + 10))


@torch.no_grad()
def average(mean: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights towards the present ones."""
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


class Learning:
    """A network that learns, with its state and log beside the file it will be written to.

    Parameters
    ----------
    network : torch.nn.Module
        Before its first step.
    loss : callable
        Parts of the loss, of the network's raw maps, the targets and the weight.
    plan : Plan
    out : Path
        The .onnx to write.
    """

    def __init__(
        self, network: nn.Module, loss: Callable[..., torch.Tensor], plan: Plan, out: Path
    ) -> None:
        self.network, self.mean = network, deepcopy(network)
        self.loss, self.plan, self.out = loss, plan, out
        self.network.to(memory_format=torch.channels_last)
        decayed = [p for p in network.parameters() if p.ndim > 1]
        plain = [p for p in network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.peak_rate, weight_decay=plan.decay)
        self.weights = torch.tensor(list(plan.losses.values()))
        self.first, self.spent = 0, 0.0
        self.state, self.log = out.with_suffix(".state.pt"), out.with_suffix(".log.csv")
        if self.state.exists():
            self._resume()
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(f"step,set,{','.join(plan.losses)},cpu_s\n")

    def _resume(self) -> None:
        kept = torch.load(self.state, weights_only=True)
        steps, before = self.plan.steps, kept["steps"]
        if before != steps and kept["step"] > (1 - self.plan.cooled) * min(steps, before):
            raise SystemExit(f"{self.state} has cooled for {before} steps: delete or finish it.")
        self.network.load_state_dict(kept["network"])
        self.mean.load_state_dict(kept["mean"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.first, self.spent = kept["step"], kept["cpu_s"]

    def _keep(self, done: int, rows: list[tuple[str, np.ndarray]], spent: float) -> None:
        """Write the state, then lines of the log."""
        kept = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": done,
            "steps": self.plan.steps,
            "cpu_s": spent,
        }
        partial = self.state.with_suffix(".partial")
        torch.save(kept, partial)
        partial.replace(self.state)
        with self.log.open("a") as file:
            for name, values in rows:
                numbers = ",".join(f"{value:.4f}" for value in values)
                file.write(f"{done},{name},{numbers},{spent:.0f}\n")

    def _step(self, number: int, batch: list[Crop]) -> np.ndarray:
        """Learn from a batch; its losses."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate(number)
        planes, targets, weight = stacked(batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.bfloat16):
            raw = self.network(planes)
        parts = self.loss(raw.float(), targets, weight)
        self.optimiser.zero_grad()
        (parts * self.weights).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MOST_GRADIENT)
        self.optimiser.step()
        average(self.mean, self.network, self.plan.kept(number))
        return parts.detach().numpy()

    @torch.no_grad()
    def _watched(self, batch: list[Crop]) -> np.ndarray:
        """Losses of the averaged weights on what isn't learned from."""
        self.mean.eval()
        lots = [batch[start : start + 8] for start in range(0, len(batch), 8)]
        parts = []
        for planes, targets, weight in map(stacked, lots):
            parts.append(self.loss(self.mean(planes), targets, weight))
        return torch.stack(parts).mean(0).numpy()

    def run(self, draw: Callable[[int], list[Crop]], watch: list[Crop]) -> None:
        """Learn to the plan's end, keep the state, log."""
        started, recent = time.process_time() - self.spent, []
        for number in range(self.first, self.plan.steps):
            recent.append(self._step(number, draw(number)))
            done = number + 1
            if done % KEEP_EVERY and done != self.plan.steps:
                continue
            rows = [("training", np.mean(recent, axis=0))]
            if done % WATCH_EVERY == 0 or done == self.plan.steps:
                rows.append(("watched", self._watched(watch)))
            self._keep(done, rows, time.process_time() - started)
            recent = []


def stacked(crops: list[Crop]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Planes, targets and weights of crops as tensors."""
    parts = ((crop.planes, crop.targets, crop.weight) for crop in crops)
    planes, targets, weight = (
        torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True)
    )
    return planes.contiguous(memory_format=torch.channels_last), targets, weight


class Exported(nn.Module):
    """A network as it is shipped.

    Parameters
    ----------
    network : torch.nn.Module
    shown : callable
        What is shipped, of the network's raw maps.
    """

    def __init__(self, network: nn.Module, shown: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network, self.shown = network, shown

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Give (N, maps, H, W)."""
        return self.shown(self.network(planes))


def export(network: nn.Module, planes: int, path: Path) -> None:
    """Write a network as ONNX with height and width free, and check that it answers alike.

    Raises
    ------
    SystemExit
        If onnxruntime's maps of an image of another size differ from torch's.
    """
    network.eval()
    sizes = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # the newer exporter needs one more package for the same file
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.rand(1, planes, 128, 160),),
            str(path),
            input_names=["planes"],
            output_names=["maps"],
            dynamic_axes={"planes": sizes, "maps": sizes},
            opset_version=17,
            dynamo=False,
        )
    onnx.checker.check_model(str(path))
    if difference(network, planes, path) > PARITY:
        raise SystemExit(f"{path} doesn't answer as torch does, within {PARITY}.")


@torch.no_grad()
def difference(network: nn.Module, planes: int, path: Path) -> float:
    """Largest difference between torch's maps and onnxruntime's, on an image of a new size."""
    import onnxruntime

    values = torch.rand(1, planes, 224, 192, generator=torch.Generator().manual_seed(1))
    expected = network(values).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return float(np.abs(session.run(None, {"planes": values.numpy()})[0] - expected).max())
