"""The commands about a study's folder."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shell import (
    ALL_DONE,
    AUTO,
    SOME_FAILED,
    TIME_LIMIT_S,
    Jobs,
    JsonLog,
    Quiet,
    StudyPath,
    TimeLimit,
    finish,
    one_of,
    progress_for,
    run_options,
    say,
)


def init(
    directory: Annotated[Path, typer.Argument(help="The folder that holds the study's images.")],
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            help="How paths name things, such as '{group}/{animal}_{field}.tif'; may be repeated."
        ),
    ] = None,
) -> int:
    """Write study.toml and samples.csv from the folders and file names that are there."""
    from .initialise import initialise_study

    for line in initialise_study(directory, patterns=tuple(pattern or ())):
        print(line)
    return ALL_DONE


def check(study: StudyPath, quiet: Quiet = False) -> int:
    """Say every problem of the inputs at once, before any work."""
    from .check import check_study

    found = check_study(study, progress=progress_for(quiet, json_log=False))
    for line in found.lines():
        print(line)
    return found.exit_status


def run(
    study: StudyPath,
    jobs: Jobs = AUTO,
    assay: Annotated[
        list[str] | None, typer.Option(help="Measure only this assay; may be repeated.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is stored.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Measure on a Dask cluster, such as tcp://host:8786.")
    ] = None,
    time_limit: TimeLimit = TIME_LIMIT_S,
    json_log: JsonLog = False,
    quiet: Quiet = False,
) -> int:
    """Measure, roll up, compare and report; carries on where it stopped."""
    from .run import run_study

    options = run_options(
        jobs,
        quiet,
        assays=tuple(assay or ()),
        fresh=fresh,
        scheduler=scheduler,
        study=study,
        time_limit_s=time_limit or None,
        json_log=json_log,
    )
    return finish(run_study(study, options), quiet or json_log)


def status(study: StudyPath) -> int:
    """Say what is done, what is left and what failed, also while a run goes on."""
    from .status import study_status

    for line in study_status(study):
        print(line)
    return ALL_DONE


def verify(
    study: StudyPath,
    sample: Annotated[
        int, typer.Option(min=0, help="Images to measure again, chosen over all assays.")
    ] = 5,
) -> int:
    """Compare all files with what the last run left, and measure a sample again."""
    from .verify import verify_study

    found = verify_study(study, sample=sample)
    for line in found.lines():
        print(line)
    return ALL_DONE if found.holds else SOME_FAILED


def export(
    study: Annotated[
        Path, typer.Argument(help="The study's folder, or a folder of results.", show_default=False)
    ],
    to: Annotated[str, typer.Option("--to", help="qupath, imagej, ome-zarr, xlsx or prism.")],
) -> int:
    """Write a finished run's objects and tables as other programs read them."""
    from .exports import export_study

    found = export_study(study, to)
    for note in found.notes:
        say(f"left out: {note}")
    for file in found.files:
        print(file)
    return ALL_DONE


def review(
    study: StudyPath,
    reader: Annotated[
        str | None, typer.Option(help="Who reviews; your login name if not given.")
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="random, or uncertain: the least certain images first.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random order.")] = None,
    assay: Annotated[
        list[str] | None, typer.Option(help="Review only this assay; may be repeated.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="Only images that are 'to do', open, accepted or rejected."),
    ] = None,
    unblinded: Annotated[
        bool, typer.Option("--unblinded", help="Show names and groups; the log says so.")
    ] = False,
    settle: Annotated[
        str | None, typer.Option(help="Settle the differences of two readers, as: ann,bob.")
    ] = None,
) -> int:
    """Look at the results image by image in napari, blinded, and correct what is wrong."""
    from .review_start import start_review

    return start_review(
        study,
        reader,
        order=one_of("--order", order, ("random", "uncertain")),
        seed=seed,
        assays=tuple(assay or ()),
        statuses=tuple(status or ()),
        blinded=not unblinded,
        settle=tuple(name.strip() for name in settle.split(",")) if settle else (),
    )
