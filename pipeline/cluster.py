"""Workers on other machines, through a Dask scheduler: paths are sent, never pixels."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from .errors import Problem, StudyError
from .worker_pool import WorkerLost, one_thread_each, time_limit

ResultT = TypeVar("ResultT")

# Dask costs two milliseconds a call: calls that hold this much work make it small.
_BATCH_SECONDS = 0.5
_SCHEDULER = "--scheduler"
# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, at the values that glibc itself ends with
_GLIBC_LEARNS = ((-3, 32 * 2**20), (-1, 64 * 2**20))


class ClusterPool(Executor):
    """The workers of a Dask cluster as an executor.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    time_limit_s : float, optional
        Seconds that a task may take before its worker is ended (Dask's nanny starts a new one).
    """

    batch_seconds = _BATCH_SECONDS

    def __init__(self, client: Any, *, time_limit_s: float | None = None) -> None:
        self._client = client
        self._limit = time_limit_s
        self._executor = client.get_executor(pure=False)
        self.workers = max(1, sum(client.nthreads().values()))

    def submit(self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any) -> Future[ResultT]:
        """Send a call to the cluster."""
        given: Future[ResultT] = Future()
        given.set_running_or_notify_cancel()
        limit = time_limit(self._limit, args)
        remote = self._executor.submit(on_cluster_worker, fn, args, limit)
        remote.add_done_callback(lambda done: _hand_over(done, given))
        return given

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; what is queued there is forgotten."""
        self._executor.shutdown(wait=wait and not cancel_futures)  # without waiting it cancels
        self._client.close()


def on_cluster_worker(
    function: Callable[..., ResultT], arguments: tuple[Any, ...], time_limit_s: float | None
) -> ResultT:
    """Call a function on a cluster's worker, with one thread a library and a time limit."""
    one_thread_each()
    keep_freed_memory()
    if time_limit_s is None:
        return function(*arguments)
    # a decoder that hangs can't be interrupted: its process is ended, and the nanny starts another
    watch = threading.Timer(time_limit_s, os.kill, (os.getpid(), signal.SIGTERM))
    watch.daemon = True
    watch.start()
    try:
        return function(*arguments)
    finally:
        watch.cancel()


def keep_freed_memory() -> None:
    """Let glibc keep what arrays free, as it does by itself in processes that Dask didn't start.

    Dask's nanny sets MALLOC_TRIM_THRESHOLD_, which also stops glibc from learning: every array
    then comes fresh from the kernel, page by page, and measuring takes twice as long.

    References
    ----------
    mallopt(3): the dynamic mmap threshold grows up to 4 * 1024 * 1024 * sizeof(long).
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another libc
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in _GLIBC_LEARNS:
            mallopt(parameter, size)


def _hand_over(done: Future[ResultT], given: "Future[ResultT]") -> None:
    """Pass a Dask future's outcome on, in the words of our own pool."""
    from distributed.scheduler import KilledWorker

    try:
        given.set_result(done.result())
    except KilledWorker as error:
        given.set_exception(WorkerLost(str(error)))
    except CancelledError:
        given.set_exception(_scheduler_gone())
    except Exception as error:
        given.set_exception(error)


def _scheduler_gone() -> StudyError:
    remedy = "start the scheduler again and run the same command: what was measured is kept"
    problem = Problem(_SCHEDULER, "", "a lost connection", "a scheduler that answers", remedy)
    return StudyError([problem])


def cluster_pool(
    address: str, folders: tuple[Path, ...] = (), *, time_limit_s: float | None = None
) -> Callable[[int], Executor]:
    """Give a maker of executors on a Dask cluster.

    Parameters
    ----------
    address : str
        The scheduler's, such as ``tcp://host:8786``.
    folders : tuple of pathlib.Path
        Folders that every worker must see under the same path.
    time_limit_s : float, optional
        Seconds that a task may take.

    Returns
    -------
    callable
        As `process_pool`, for `run_study`; the number of workers is the cluster's.

    Raises
    ------
    StudyError
        If Dask isn't installed, the scheduler doesn't answer or has no workers, or its workers
        have other versions than this machine or don't see a folder.
    """
    client = _connect(address)
    try:
        _check_workers(client, address, folders)
    except BaseException:
        client.close()
        raise
    return lambda jobs: ClusterPool(client, time_limit_s=time_limit_s)


def _connect(address: str) -> Any:
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        remedy = "install the extra: pip install 'xenoquant[cluster]'"
        problem = Problem(_SCHEDULER, "", address, "the package dask.distributed", remedy)
        raise StudyError([problem]) from error
    try:  # of an address without a port, a client tries for long and ends with a traceback
        get_address_host_port(address)
    except ValueError as error:
        remedy = f"write for example: {_SCHEDULER} tcp://host:8786"
        problem = Problem(_SCHEDULER, "", address, f"a scheduler's address ({error})", remedy)
        raise StudyError([problem]) from error
    try:
        return Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "start it with: dask scheduler; and give its address"
        problem = Problem(_SCHEDULER, "", address, "a scheduler that answers", remedy)
        raise StudyError([problem]) from error


def _check_workers(client: Any, address: str, folders: tuple[Path, ...]) -> None:
    """Refuse a cluster whose numbers could differ, or that can't reach the study."""
    from .provenance import versions

    try:
        found: dict[str, tuple[dict[str, str], list[str]]] = client.run(describe_worker, folders)
    except Exception as error:  # whatever a worker without xenoquant, or with another one, raises
        remedy = "install the same xenoquant on every worker"
        value = f"{type(error).__name__}: {error}"
        problem = Problem(_SCHEDULER, address, value, "workers that have xenoquant", remedy)
        raise StudyError([problem]) from error
    if not found:
        remedy = f"start one on each machine with: dask worker {address} --nthreads 1"
        raise StudyError([Problem(_SCHEDULER, "", address, "a scheduler with workers", remedy)])
    ours = versions()
    problems = []
    for worker, (theirs, missing) in sorted(found.items()):
        other = {name: held for name, held in theirs.items() if ours.get(name) != held}
        if other:
            remedy = "install requirements/run.txt of this version there too"
            expected = ", ".join(f"{name} {ours.get(name)}" for name in other)
            value = ", ".join(f"{name} {held}" for name, held in other.items())
            problems.append(Problem(_SCHEDULER, f"worker {worker}", value, expected, remedy))
        if missing:
            remedy = "mount the study's storage under the same path, writable, on every machine"
            expected = "folders that it can write to: " + ", ".join(missing)
            problems.append(Problem(_SCHEDULER, f"worker {worker}", "", expected, remedy))
    if problems:
        raise StudyError(problems)


def describe_worker(folders: tuple[Path, ...]) -> tuple[dict[str, str], list[str]]:
    """Give a worker's versions, and those of the folders that it can't see or write to."""
    from .provenance import versions

    missing = [str(path) for path in folders if not os.access(path, os.R_OK | os.W_OK)]
    return versions(), missing
