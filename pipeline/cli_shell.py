"""What the commands share: options, progress, exit statuses, messages."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

if TYPE_CHECKING:
    from .progress import Progress
    from .run_options import RunOptions
    from .run_summary import RunSummary

ALL_DONE, SOME_FAILED, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130
AUTO = "auto"
TIME_LIMIT_S = 1800.0

StudyPath = Annotated[Path, typer.Argument(help="The study's folder.", show_default=False)]
Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N|auto",
        help="Workers at a time; auto looks at cores, free memory and image sizes.",
    ),
]
TimeLimit = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Longest time for one image; then its worker is ended. 0 sets no limit.",
    ),
]
JsonLog = Annotated[
    bool,
    typer.Option("--json-log", help="Progress as lines of JSON on standard error, no bars."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no summary.")]

_Parameters = ParamSpec("_Parameters")


def guarded(command: Callable[_Parameters, int]) -> Callable[_Parameters, None]:
    """Give a command its exit status; a user's mistake is a message, not a traceback."""

    @wraps(command)
    def called(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        from .errors import InputError, StudyError, refused_by_system

        tell = _logged if kwargs.get("json_log") else say
        try:
            status = command(*args, **kwargs)
        except (StudyError, InputError) as error:
            tell(str(error))
            status = CANNOT_RUN
        except BrokenPipeError:  # whoever read our output has left: click ends quietly
            raise
        except OSError as error:
            tell(str(refused_by_system(error)))
            status = CANNOT_RUN
        except KeyboardInterrupt:
            tell("Stopped. What was measured is kept: run the same command again to go on.")
            status = INTERRUPTED
        raise typer.Exit(status)

    called.__annotations__ = {**command.__annotations__, "return": None}
    return called


def say(text: str) -> None:
    """Print to standard error, which carries everything that isn't a result."""
    print(text, file=sys.stderr, flush=True)


def _logged(text: str) -> None:
    """Say why a run ended as the last line of a log that programs read."""
    from .progress import JsonLines

    JsonLines().stop(text)


def run_options(
    jobs: str,
    quiet: bool,
    *,
    assays: tuple[str, ...] = (),
    fresh: bool = False,
    scheduler: str | None = None,
    study: Path = Path(),
    time_limit_s: float | None = TIME_LIMIT_S,
    json_log: bool = False,
) -> "RunOptions":
    """Give how a run is carried out, as its command's options say.

    Parameters
    ----------
    jobs : str
        As typed: a number or ``auto``.
    quiet, json_log : bool
        What of its progress is shown.
    assays, fresh
        As of `RunOptions`.
    scheduler : str, optional
        The address of a Dask cluster.
    study : pathlib.Path
        The study's folder, which the cluster's workers must see.
    time_limit_s : float or None
        Seconds for one image.

    Returns
    -------
    RunOptions
        Ready for `run_study`.

    Raises
    ------
    StudyError
        If the number of workers is none, or the cluster can't be used.
    """
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
    return RunOptions(workers, assays, fresh, pool, progress_for(quiet, json_log))


def progress_for(quiet: bool, json_log: bool) -> "Progress":
    """Give what shows a run's progress: lines of JSON, bars, or nothing."""
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

    if text == AUTO:
        return 0
    if text.isdecimal() and int(text) < 10_000:
        return int(text)
    remedy = f"write for example: --jobs 2, or --jobs {AUTO}"
    raise StudyError([Problem("--jobs", "", text, f"a number or {AUTO}", remedy)])


def _stop_tidily_when_told() -> None:
    """Treat the request to end that systems and queues send (SIGTERM) as Ctrl-C."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def finish(summary: "RunSummary", quiet: bool) -> int:
    """Say what a run did and give its exit status."""
    if not quiet:
        parts = [f"{summary.measured} measured", f"{summary.reused} reused"]
        say(", ".join([*parts, f"{len(summary.problems)} problems"]))
        if summary.problems:
            say(f"Problems: {summary.results / 'problems.csv'}")
    print(f"Report: {summary.report}")
    return SOME_FAILED if summary.failed else ALL_DONE


def one_of(option: str, value: str | None, known: tuple[str, ...]) -> str | None:
    """Give an option's value, or say which there are.

    Raises
    ------
    StudyError
        If it is another.
    """
    from .errors import Problem, StudyError

    if value is not None and value not in known:
        expected = "one of " + ", ".join(known)
        raise StudyError([Problem(option, "", repr(value), expected, "mend the option")])
    return value
