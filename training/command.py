"""What the command lines of all trainings share."""

import argparse
from pathlib import Path

import cv2
import torch

from .learning import Plan


def parser_of(doc: str, plan: Plan, *, cache: str, needed: bool) -> argparse.ArgumentParser:
    """Options ``--cache``, ``--out`` and ``--steps``.

    Parameters
    ----------
    doc : str
        Of the script; its first line is shown.
    plan : Plan
        Tells the steps if they aren't given.
    cache, needed : str, bool
        What the cache is for, and whether there must be one.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=needed, help=cache)
    parser.add_argument("--out", type=Path, required=True, help="the .onnx to write")
    parser.add_argument("--steps", type=int, default=plan.steps)
    return parser


def make_repeatable(seed: int) -> None:
    """Let everything run on one thread, with the same draws and sums each time."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
