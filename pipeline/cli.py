"""The command line: its commands in their order.

Each is a thin shell that parses, calls, prints and gives its exit status. Everything heavy is
imported inside the commands, so that ``--help`` answers at once.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from .cli_examples import demo, reproduce
from .cli_loose import MEASURE_SETTINGS, compare, measure
from .cli_shell import ALL_DONE, guarded
from .cli_study import check, export, init, review, run, status, verify

app = typer.Typer(
    name="xenoquant",
    help="From a mouse xenograft study's raw images to its group comparisons.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: boxes and colours would take twice as long to start
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(metadata.version("xenoquant"))
        raise typer.Exit(ALL_DONE)


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


_COMMANDS: tuple[Callable[..., int], ...] = (
    *(demo, init, check, run, status, verify),
    *(measure, compare, export, review, reproduce),
)
for _command in _COMMANDS:
    app.command(**(MEASURE_SETTINGS if _command is measure else {}))(guarded(_command))


def main() -> None:
    """Run the command line."""
    app()
