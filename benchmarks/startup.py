"""How long ``xenoquant --help`` takes, as a multiple of Python's own start.

    python benchmarks/startup.py [--repeats 10]

Processor time of both, the least of several turns, side by side.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def seconds(command: list[str]) -> float:
    """Give the processor time of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    program = str(Path(sys.executable).with_name("xenoquant"))
    turns = [
        (seconds([sys.executable, "-c", "pass"]), seconds([program, "--help"]))
        for _ in range(repeats)
    ]
    bare, ours = (min(held) for held in zip(*turns, strict=True))
    print(
        f"bare Python {bare * 1e3:.0f} ms, xenoquant --help {ours * 1e3:.0f} ms:"
        f" {ours / bare:.1f} times"
    )


if __name__ == "__main__":
    main()
