"""The commands that bring their own data: the demo, and the paper."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shell import ALL_DONE, AUTO, Jobs, Quiet, finish, run_options, say


def demo(
    directory: Annotated[
        Path, typer.Argument(help="Where to make it; must be new, empty, or an earlier demo.")
    ] = Path("xenoquant-demo"),
    jobs: Jobs = AUTO,
    quiet: Quiet = False,
    animals: Annotated[int, typer.Option(min=2, max=50, help="Animals in each group.")] = 9,
) -> int:
    """Make a small rendered study with known truth, run it, and say how close it came."""
    from .demo import run_demo

    return finish(run_demo(directory, run_options(jobs, quiet), animals=animals, say=print), quiet)


def reproduce(
    directory: Annotated[Path, typer.Argument(help="Where the tables and figures go.")] = Path(
        "xenoquant-reproduce"
    ),
) -> int:
    """Recompute every claim of Jian et al. 2013 that its reported numbers allow."""
    from .reproduce import format_claims
    from .reproduce import reproduce as recompute

    print(format_claims(recompute(directory)))
    say(f"Tables and figures: {directory}")
    return ALL_DONE
