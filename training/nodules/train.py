"""Train the nodule network on rendered lobes and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python training/nodules/train.py --cache rendered --out data/weights/nodules.onnx

Every seed and the number of steps are fixed, and one thread is used.
Rendered lobes are kept in the cache for the next run, and the state beside the weights every
fifty steps: a run that was stopped goes on from there with the same draws.
"""

import argparse
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from crops import Crop, Sample, cut
from lobes import lobes_of
from network import LOSS_WEIGHTS, Exported, NoduleNetwork, loss

from xenoquant.imgproc.nodule_network import NETWORK, PLANES

TRAINED = (
    ("own", range(300)),
    ("own", range(400, 900)),
    ("phantoms", range(130)),
    ("phantoms", range(200, 400)),
)
WATCHED = (("own", range(300, 320)), ("phantoms", range(130, 150)))
"""Photos that the network learns from, and that its losses are watched on."""

STEPS = 5000
BATCH = 16
WARM_UP = 60
PEAK_RATE = 2.5e-3
COOLED = 0.4  # share of the steps, at the end, over which the rate falls to 0
DECAY = 0.02
AVERAGED_OVER = 100  # steps of the moving average of the weights
SEED = 31
KEEP_EVERY, WATCH_EVERY = 50, 300
WATCHED_CROPS = 48
PARITY = 1e-3


def samples(sources: Iterable[tuple[str, range]], cache: Path) -> list[Sample]:
    """Lobes of all photos of some ranges of seeds."""
    jobs = [(kind, seed) for kind, seeds in sources for seed in seeds]
    return [Sample(lobe) for kind, seed in jobs for lobe in lobes_of(kind, seed, cache)]


class Draw:
    """What to learn from: lobes by the root of their nodules, bare ones as those of eight."""

    def __init__(self, lobes: list[Sample]) -> None:
        self.lobes = lobes
        weight = np.array([np.sqrt(max(8, len(sample.lobe.radius))) for sample in lobes])
        self.weight = weight / weight.sum()

    def batch(self, *key: int, size: int = BATCH) -> list[Crop]:
        """Crops of a step, the same in every run."""
        rng = np.random.default_rng([SEED, *key])
        chosen = rng.choice(len(self.lobes), size, p=self.weight)
        return [cut(self.lobes[k], rng) for k in chosen]


def stacked(crops: list[Crop]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crops as tensors: planes (N, 7, H, W), targets (N, 5, H, W), weight (N, H, W)."""
    planes = torch.from_numpy(np.stack([c.planes for c in crops]))
    return (
        planes.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.stack([c.targets for c in crops])),
        torch.from_numpy(np.stack([c.weight for c in crops])),
    )


def rate(step: int) -> float:
    """Learning rate: a short rise, a plateau, half a cosine to 0."""
    rise = min(1.0, (step + 1) / WARM_UP)
    cooled = max(0.0, step / STEPS - (1 - COOLED)) / COOLED
    return float(PEAK_RATE * rise * 0.5 * (1 + np.cos(np.pi * cooled)))


@torch.no_grad()
def average(mean: NoduleNetwork, network: NoduleNetwork, step: int) -> None:
    """Move the averaged weights towards the present ones."""
    keep = min(1 - 1 / AVERAGED_OVER, (step + 1) / (step + 10))
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def watched(mean: NoduleNetwork, crops: list[Crop]) -> np.ndarray:
    """Losses of the averaged weights on photos that aren't learned from."""
    mean.eval()
    parts = [loss(mean(x), t, w) for x, t, w in map(stacked, np.array_split(crops, 6))]
    return torch.stack(parts).mean(0).numpy()


def export(network: NoduleNetwork, path: Path) -> None:
    """Write the network as ONNX with height and width free."""
    network.eval()
    sizes = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # the newer exporter needs one more package for the same file
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Exported(network),
            (torch.rand(1, PLANES, 128, 160),),
            str(path),
            input_names=["planes"],
            output_names=["maps"],
            dynamic_axes={"planes": sizes, "maps": sizes},
            opset_version=17,
            dynamo=False,
        )
    onnx.checker.check_model(str(path))


@torch.no_grad()
def difference(network: NoduleNetwork, path: Path) -> float:
    """Largest difference between torch's maps and onnxruntime's, on an image of a new size."""
    network.eval()
    planes = torch.rand(1, PLANES, 208, 176, generator=torch.Generator().manual_seed(SEED))
    expected = Exported(network)(planes).numpy()
    found = NETWORK.session(path.read_bytes()).run(None, {"planes": planes.numpy()})[0]
    return float(np.abs(found - expected).max())


class Run:
    """A training that can be stopped and goes on."""

    def __init__(self, out: Path) -> None:
        torch.manual_seed(SEED)
        self.network, self.mean = NoduleNetwork(), NoduleNetwork()
        self.mean.load_state_dict(self.network.state_dict())
        self.network.to(memory_format=torch.channels_last)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=PEAK_RATE, weight_decay=DECAY)
        self.first, self.spent = 0, 0.0
        self.out, self.state = out, out.with_suffix(".state.pt")
        self.log = out.with_suffix(".log.csv")
        if self.state.exists():
            self._resume()
        else:
            self.log.write_text("step,set,inside,cone,size,way,cpu_s\n")

    def _resume(self) -> None:
        kept = torch.load(self.state, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.mean.load_state_dict(kept["mean"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.first, self.spent = kept["step"], kept["cpu_s"]

    def keep(self, done: int, rows: list[tuple[str, np.ndarray]], spent: float) -> None:
        """Write the state, then lines of the log."""
        kept = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": done,
            "cpu_s": spent,
        }
        partial = self.state.with_suffix(".partial")
        torch.save(kept, partial)
        partial.replace(self.state)
        with self.log.open("a") as file:
            for name, values in rows:
                numbers = ",".join(f"{value:.4f}" for value in values)
                file.write(f"{done},{name},{numbers},{spent:.0f}\n")

    def step(self, number: int, crops: list[Crop]) -> np.ndarray:
        """Learn from a batch; its losses."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate(number)
        planes, targets, weight = stacked(crops)
        parts = loss(self.network(planes), targets, weight)
        self.optimiser.zero_grad()
        (parts * torch.tensor(LOSS_WEIGHTS)).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        average(self.mean, self.network, number)
        return parts.detach().numpy()


def train(run: Run, draw: Draw, watch: list[Crop]) -> None:
    """Learn, keep the state, log."""
    started, recent = time.process_time() - run.spent, []
    for number in range(run.first, STEPS):
        recent.append(run.step(number, draw.batch(number)))
        done = number + 1
        if done % KEEP_EVERY and done != STEPS:
            continue
        rows = [("training", np.mean(recent, axis=0))]
        if done % WATCH_EVERY == 0 or done == STEPS:
            rows.append(("watched", watched(run.mean, watch)))
        run.keep(done, rows, time.process_time() - started)
        recent = []
    export(run.mean, run.out)
    if difference(run.mean, run.out) > PARITY:
        raise SystemExit(f"{run.out} doesn't answer as torch does, within {PARITY}.")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of rendered lobes")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    watch = Draw(samples(WATCHED, arguments.cache)).batch(0, 0, size=WATCHED_CROPS)
    train(Run(arguments.out), Draw(samples(TRAINED, arguments.cache)), watch)


if __name__ == "__main__":
    main()
