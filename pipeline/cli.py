"""The command line: thin shells that parse, call, print and set the exit status.

Everything heavy is imported inside the commands, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

ALL_DONE, SOME_FAILED, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130

_Parameters = ParamSpec("_Parameters")
_StudyPath = Annotated[Path, typer.Argument(help="The study's folder.", show_default=False)]
_Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N|auto",
        help="Workers at a time; auto looks at cores, free memory and image sizes.",
    ),
]
_TimeLimit = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Longest time for one image; then its worker is ended. 0 sets no limit.",
    ),
]
_JsonLog = Annotated[
    bool,
    typer.Option("--json-log", help="Progress as lines of JSON on standard error, no bars."),
]
_AUTO = "auto"
_TIME_LIMIT_S = 1800.0
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no summary.")]

app = typer.Typer(
    name="xenoquant",
    help="From a mouse xenograft study's raw images to its group comparisons.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: boxes and colours would take twice as long to start
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _guarded(command: Callable[_Parameters, int]) -> Callable[_Parameters, None]:
    """Give a command its exit status; a user's mistake is a message, not a traceback."""

    @wraps(command)
    def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        from .errors import InputError, StudyError

        say = _logged if kwargs.get("json_log") else _say
        try:
            status = command(*args, **kwargs)
        except (StudyError, InputError) as error:
            say(str(error))
            status = CANNOT_RUN
        except KeyboardInterrupt:
            say("Stopped. What was measured is kept: run the same command again to go on.")
            status = INTERRUPTED
        raise typer.Exit(status)

    guarded.__annotations__ = {**command.__annotations__, "return": None}
    return guarded


def _say(text: str) -> None:
    """Print to standard error, which carries everything that isn't a result."""
    print(text, file=sys.stderr, flush=True)


def _logged(text: str) -> None:
    """Say why a run ended as the last line of a log that programs read."""
    from .progress import JsonLines

    JsonLines().stop(text)


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


@app.command()
@_guarded
def demo(
    directory: Annotated[
        Path, typer.Argument(help="Where to make it; must be new, empty, or an earlier demo.")
    ] = Path("xenoquant-demo"),
    jobs: _Jobs = _AUTO,
    quiet: _Quiet = False,
    animals: Annotated[int, typer.Option(min=2, max=50, help="Animals in each group.")] = 9,
) -> int:
    """Make a small rendered study with known truth, run it, and say how close it came."""
    from .demo import run_demo

    return _finish(
        run_demo(directory, _run_options(jobs, quiet), animals=animals, say=print), quiet
    )


@app.command()
@_guarded
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


@app.command()
@_guarded
def check(study: _StudyPath, quiet: _Quiet = False) -> int:
    """Say every problem of the inputs at once, before any work."""
    from .check import check_study

    found = check_study(study, progress=_progress(quiet, json_log=False))
    for line in found.lines():
        print(line)
    return found.exit_status


@app.command()
@_guarded
def run(
    study: _StudyPath,
    jobs: _Jobs = _AUTO,
    assay: Annotated[
        list[str] | None, typer.Option(help="Measure only this assay; may be repeated.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is stored.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Measure on a Dask cluster, such as tcp://host:8786.")
    ] = None,
    time_limit: _TimeLimit = _TIME_LIMIT_S,
    json_log: _JsonLog = False,
    quiet: _Quiet = False,
) -> int:
    """Measure, roll up, compare and report; carries on where it stopped."""
    from .run import run_study

    options = _run_options(
        jobs,
        quiet,
        assays=tuple(assay or ()),
        fresh=fresh,
        scheduler=scheduler,
        study=study,
        time_limit_s=time_limit or None,
        json_log=json_log,
    )
    return _finish(run_study(study, options), quiet or json_log)


@app.command()
@_guarded
def status(study: _StudyPath) -> int:
    """Say what is done, what is left and what failed, also while a run goes on."""
    from .status import study_status

    for line in study_status(study):
        print(line)
    return ALL_DONE


@app.command()
@_guarded
def verify(
    study: _StudyPath,
    sample: Annotated[
        int, typer.Option(min=0, help="Images to measure again, chosen over all assays.")
    ] = 5,
) -> int:
    """Say whether the results still hold: hashes of all inputs, a sample measured again."""
    from .verify import verify_study

    found = verify_study(study, sample=sample)
    for line in found.lines():
        print(line)
    return ALL_DONE if found.holds else SOME_FAILED


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    options_metavar="METHOD IMAGES… --out DIR [OPTIONS]",
)
@_guarded
def measure(context: typer.Context) -> int:
    """Measure loose images or folders with one method: nodules, fluorescence, dab or blot."""
    from .loose import measure_loose, parse_arguments

    request = parse_arguments(context.args)
    options = _run_options(
        request.jobs, request.quiet, fresh=request.fresh, time_limit_s=request.time_limit or None
    )
    return _finish(measure_loose(request, options), request.quiet)


@app.command()
@_guarded
def compare(
    table: Annotated[
        Path, typer.Argument(help="A CSV, XLSX or Parquet table.", show_default=False)
    ],
    value: Annotated[str, typer.Option(help="The column of values.")],
    group: Annotated[str, typer.Option(help="The column of groups.")],
    unit: Annotated[
        str | None, typer.Option(help="The column of the experimental unit, such as the animal.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="The group to compare with.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="A test to run; may be repeated.")] = None,
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Level of significance.")
    ] = 0.05,
    aggregate: Annotated[
        bool, typer.Option("--aggregate", help="Average a unit's rows first, where it has several.")
    ] = False,
    rows_are_units: Annotated[
        bool, typer.Option("--rows-are-units", help="Count every row, though units repeat.")
    ] = False,
    pooled: Annotated[
        str | None, typer.Option(help="The column that tells pooled samples; a pool is n = 1.")
    ] = None,
    alternative: Annotated[
        str, typer.Option(help="two-sided, or is a group greater or less than the reference?")
    ] = "two-sided",
    margin: Annotated[
        float | None, typer.Option(help="Margin of an equivalence test, in the values' units.")
    ] = None,
    per: Annotated[
        float, typer.Option(help="Odds ratios of logistic are per so much of the value.")
    ] = 1.0,
    n: Annotated[
        str | None, typer.Option(help="For means in place of values: the column of each n.")
    ] = None,
    sd: Annotated[str | None, typer.Option(help="The column of their SDs.")] = None,
    sem: Annotated[str | None, typer.Option(help="Or the column of their SEMs.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="A folder for figures as SVG, PDF and PNG.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> int:
    """Compare the groups of anybody's table: the statistics alone."""
    from .compare_table import (
        Choices,
        Columns,
        compare_table,
        format_comparison,
        save_figures,
    )

    columns = Columns(value, group, unit=unit, pooled=pooled, n=n, sd=sd, sem=sem)
    choices = Choices(
        reference=reference,
        tests=tuple(test) if test else None,
        alpha=alpha,
        alternative=alternative,
        margin=margin,
        per=per,
        aggregate=aggregate,
        rows_are_units=rows_are_units,
    )
    found = compare_table(table, columns, choices)
    if figures is not None:
        save_figures(found, figures, alpha=alpha)
    print(format_comparison(found, output))
    return ALL_DONE


@app.command()
@_guarded
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
        _say(f"left out: {note}")
    for file in found.files:
        print(file)
    return ALL_DONE


@app.command()
@_guarded
def review(
    study: _StudyPath,
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
        order=_one_of("--order", order, ("random", "uncertain")),
        seed=seed,
        assays=tuple(assay or ()),
        statuses=tuple(status or ()),
        blinded=not unblinded,
        settle=tuple(name.strip() for name in settle.split(",")) if settle else (),
    )


@app.command()
@_guarded
def reproduce(
    directory: Annotated[Path, typer.Argument(help="Where the tables and figures go.")] = Path(
        "xenoquant-reproduce"
    ),
) -> int:
    """Recompute every claim of Jian et al. 2013 that its reported numbers allow."""
    from .reproduce import format_claims
    from .reproduce import reproduce as recompute

    print(format_claims(recompute(directory)))
    _say(f"Tables and figures: {directory}")
    return ALL_DONE


def _one_of(option: str, value: str | None, known: tuple[str, ...]) -> str | None:
    """Give an option's value, or say which there are."""
    from .errors import Problem, StudyError

    if value is not None and value not in known:
        expected = "one of " + ", ".join(known)
        raise StudyError([Problem(option, "", repr(value), expected, "mend the option")])
    return value


def _run_options(
    jobs: str,
    quiet: bool,
    *,
    assays: tuple[str, ...] = (),
    fresh: bool = False,
    scheduler: str | None = None,
    study: Path = Path(),
    time_limit_s: float | None = _TIME_LIMIT_S,
    json_log: bool = False,
) -> Any:
    from .run import RunOptions
    from .workers import timed_pool

    _stop_tidily_when_told()
    workers = _parse_jobs(jobs)
    if scheduler:
        from .cluster import cluster_pool
        from .study import load_study

        held = load_study(study)
        pool = cluster_pool(scheduler, (held.folder,), time_limit_s=time_limit_s)
    else:
        pool = timed_pool(time_limit_s)
    return RunOptions(workers, assays, fresh, pool, _progress(quiet, json_log))


def _progress(quiet: bool, json_log: bool) -> Any:
    from .progress import JsonLines, NoProgress

    if json_log:
        return JsonLines()
    if quiet:
        return NoProgress()
    from .progress_bars import Bars

    return Bars()


def _parse_jobs(text: str) -> int:
    """Give the number of workers, 0 for auto."""
    from .errors import Problem, StudyError

    if text == _AUTO:
        return 0
    if text.isdecimal() and int(text) < 10_000:
        return int(text)
    remedy = f"write for example: --jobs 2, or --jobs {_AUTO}"
    raise StudyError([Problem("--jobs", "", text, f"a number or {_AUTO}", remedy)])


def _stop_tidily_when_told() -> None:
    """Treat the request to end that systems and queues send (SIGTERM) as Ctrl-C."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _finish(summary: Any, quiet: bool) -> int:
    """Say what a run did and give its exit status."""
    if not quiet:
        parts = [f"{summary.measured} measured", f"{summary.reused} reused"]
        _say(", ".join([*parts, f"{len(summary.problems)} problems"]))
        if summary.problems:
            _say(f"Problems: {summary.results / 'problems.csv'}")
    print(f"Report: {summary.report}")
    return SOME_FAILED if summary.failed else ALL_DONE


def main() -> None:
    """Run the command line."""
    app()
