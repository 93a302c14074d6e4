"""Train the nucleus network on images with label images and write it as ONNX.

Run from the top of the checkout in an environment that has the program with the extra `training`:

    python training/nuclei/train.py FOLDER --out data/weights/nuclei.onnx

FOLDER holds ``images/*.png`` and ``labels/*.png`` of the same names. Every seed and the number of
steps are fixed, one thread is used. The state is kept beside the weights every hundred steps: a
run that was stopped goes on from there with the same draws.
"""

import argparse
import time
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch
from crops import Crop, cut
from network import LOSS_WEIGHTS, Exported, NucleusNetwork, loss
from pictures import Picture, folder_pictures, rendered_pictures
from split import split

from xenoquant.imgproc.nucleus_network import session_of

STEPS = 10_000
BATCH = 16
WARM_UP = 100
PEAK_RATE = 2e-3
COOLED = 0.35  # share of the steps, at the end, over which the rate falls to 0
DECAY = 0.02
AVERAGED_OVER = 250  # steps of the moving average of the weights
RENDERED = 90
RENDERED_SHARE = 0.14
SEED = 20
KEEP_EVERY, VALIDATE_EVERY = 100, 500
VALIDATION_CROPS = 96
PARITY = 1e-4


class Draw:
    """What to learn from: rare types of image more often than their number says."""

    def __init__(self, pictures: list[Picture]) -> None:
        self.pictures = pictures
        kinds = np.array([picture.kind for picture in pictures])
        weight = np.zeros(len(pictures))
        for kind in np.unique(kinds[kinds > 0]):
            same = kinds == kind
            weight[same] = same.sum() ** -0.5  # a type counts as the root of its images
        weight *= (1 - RENDERED_SHARE) / weight.sum()
        weight[kinds <= 0] = RENDERED_SHARE / max(1, int((kinds <= 0).sum()))
        self.weight = weight / weight.sum()

    def batch(self, step: int) -> list[Crop]:
        """Crops of a step, the same in every run."""
        rng = np.random.default_rng([SEED, step])
        chosen = rng.choice(len(self.pictures), BATCH, p=self.weight)
        return [cut(self.pictures[k], rng) for k in chosen]


def stacked(crops: list[Crop]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crops as tensors: intensity (N, 1, H, W), targets (N, 5, H, W), weight (N, H, W)."""
    return (
        torch.from_numpy(np.stack([c.intensity for c in crops]))[:, None],
        torch.from_numpy(np.stack([c.targets for c in crops])),
        torch.from_numpy(np.stack([c.weight for c in crops])),
    )


def rate(step: int, steps: int) -> float:
    """Learning rate: a short rise, a plateau, half a cosine to 0."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    cooled = max(0.0, step / steps - (1 - COOLED)) / COOLED
    return float(PEAK_RATE * 0.5 * (1 + np.cos(np.pi * cooled)))


@torch.no_grad()
def average(mean: NucleusNetwork, network: NucleusNetwork, step: int) -> None:
    """Move the averaged weights towards the present ones."""
    keep = min(1 - 1 / AVERAGED_OVER, (step + 1) / (step + 10))
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def validation(mean: NucleusNetwork, crops: list[Crop]) -> np.ndarray:
    """Losses of the averaged weights on the types kept apart."""
    mean.eval()
    parts = [loss(mean(x), t, w) for x, t, w in map(stacked, np.array_split(crops, 6))]
    return torch.stack(parts).mean(0).numpy()


def export(network: NucleusNetwork, path: Path) -> None:
    """Write the network as ONNX with height and width free."""
    network.eval()
    sizes = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # the newer exporter needs one more package for the same file
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Exported(network),
            (torch.rand(1, 1, 128, 160),),
            str(path),
            input_names=["intensity"],
            output_names=["maps"],
            dynamic_axes={"intensity": sizes, "maps": sizes},
            opset_version=17,
            dynamo=False,
        )


@torch.no_grad()
def difference(network: NucleusNetwork, path: Path) -> float:
    """Largest difference between torch's maps and onnxruntime's, on an image of a new size."""
    network.eval()
    intensity = torch.rand(1, 1, 208, 176, generator=torch.Generator().manual_seed(SEED))
    expected = Exported(network)(intensity).numpy()
    found = session_of(path.read_bytes()).run(None, {"intensity": intensity.numpy()})[0]
    return float(np.abs(found - expected).max())


def train(pictures: list[Picture], apart: list[Picture], out: Path, steps: int) -> None:
    """Train, keep the state, log."""
    torch.manual_seed(SEED)
    network, mean = NucleusNetwork(), NucleusNetwork()
    network.to(memory_format=torch.channels_last)  # with bfloat16, a step costs half
    mean.load_state_dict(network.state_dict())
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK_RATE, weight_decay=DECAY)
    state, log = out.with_suffix(".state.pt"), out.with_suffix(".log.csv")
    first, spent = 0, 0.0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        if kept["steps"] != steps and kept["step"] > (1 - COOLED) * min(steps, kept["steps"]):
            raise SystemExit(f"{state} has cooled for {kept['steps']} steps: delete or finish it.")
        network.load_state_dict(kept["network"])
        mean.load_state_dict(kept["mean"])
        optimiser.load_state_dict(kept["optimiser"])
        first, spent = kept["step"], kept["cpu_s"]
    else:
        log.write_text("step,set,foreground,edge,distance,way,cpu_s\n")
    draw = Draw(pictures)
    watch = np.random.default_rng([SEED, 0, 0])
    crops = [
        cut(apart[watch.integers(len(apart))], watch, plain=True) for _ in range(VALIDATION_CROPS)
    ]
    weights = torch.tensor(LOSS_WEIGHTS)
    started, recent = time.process_time() - spent, []
    for step in range(first, steps):
        network.train()
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps)
        intensity, targets, weight = stacked(draw.batch(step))
        with torch.autocast("cpu", torch.bfloat16):
            raw = network(intensity)
        parts = loss(raw.float(), targets, weight)
        optimiser.zero_grad()
        (parts * weights).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        average(mean, network, step)
        recent.append(parts.detach().numpy())
        done = step + 1
        if done % KEEP_EVERY == 0 or done == steps:
            rows = [("training", np.mean(recent, axis=0))]
            if done % VALIDATE_EVERY == 0 or done == steps:
                rows.append(("validation", validation(mean, crops)))
            spent = time.process_time() - started
            with log.open("a") as file:
                for name, values in rows:
                    numbers = ",".join(f"{value:.4f}" for value in values)
                    file.write(f"{done},{name},{numbers},{spent:.0f}\n")
            recent = []
            kept = {
                "network": network.state_dict(),
                "mean": mean.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": done,
                "steps": steps,
                "cpu_s": spent,
            }
            partial = state.with_suffix(".partial")
            torch.save(kept, partial)
            partial.replace(state)
    export(mean, out)
    if difference(mean, out) > PARITY:
        raise SystemExit(f"{out} doesn't answer as torch does, within {PARITY}.")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="keeps rendered images for the next run")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    parts = split(arguments.folder)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    parts.to_csv(arguments.out.with_suffix(".split.csv"), index=False)
    pictures, apart = (
        folder_pictures(arguments.folder, [*rows["name"]], [*rows["kind"]])
        for rows in (parts[parts["part"] == name] for name in ("training", "validation"))
    )
    pictures += rendered_pictures(RENDERED, 70_000, arguments.cache)
    train(pictures, apart, arguments.out, arguments.steps)


if __name__ == "__main__":
    main()
