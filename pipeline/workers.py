"""Workers: many tasks through one executor, where a worker that dies costs one task at most."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

# One thread a worker: more oversubscribe the cores and run many times slower.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_QUEUED_PER_WORKER = 4  # enough to keep workers busy, few enough to stop quickly
DEAD_WORKER = "the process that measured it died (out of memory, or a fault in a decoder)"


def default_jobs() -> int:
    """Give the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_thread_each() -> None:
    """Hold this process's libraries to one thread; what a worker does first."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    import cv2
    import threadpoolctl

    cv2.setNumThreads(1)
    threadpoolctl.threadpool_limits(1)


def process_pool(jobs: int) -> Executor:
    """Give a pool of fresh processes; they inherit no threads and no locks."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=one_thread_each)


def run_tasks(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    jobs: int,
    lost: Callable[[TaskT, str], ResultT],
    pool: Callable[[int], Executor] = process_pool,
) -> Iterator[ResultT]:
    """Run a function over tasks and give the results as they come, in no fixed order.

    Parameters
    ----------
    function : callable
        Module-level, so that another process can import it; never raises for a bad input.
    tasks : sequence
        Picklable arguments.
    jobs : int
        Workers at a time; 1 runs in this process.
    lost : callable
        Gives the result of a task whose worker died, from the task and the reason.
    pool : callable, optional
        Makes the executor; anything with the interface of `concurrent.futures.Executor`.

    Yields
    ------
    object
        One result a task.
    """
    if jobs == 1 or len(tasks) <= 1:
        for task in tasks:
            yield function(task)
        return
    suspects: list[TaskT] = []
    left = list(reversed(tasks))
    while left:
        yield from _run_until_broken(function, left, suspects, jobs=jobs, pool=pool)
    for task in suspects:
        yield _run_alone(function, task, lost=lost, pool=pool)


def _run_until_broken(
    function: Callable[[TaskT], ResultT],
    left: list[TaskT],
    suspects: list[TaskT],
    *,
    jobs: int,
    pool: Callable[[int], Executor],
) -> Iterator[ResultT]:
    """Empty `left` through one pool; if a worker dies, put what was in flight into `suspects`."""
    executor = pool(jobs)
    running: dict[Future[ResultT], TaskT] = {}
    try:
        while left or running:
            while left and len(running) < jobs * _QUEUED_PER_WORKER:
                task = left.pop()
                running[executor.submit(function, task)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                del running[future]
                yield result
    except BrokenProcessPool:
        suspects.extend(running.values())
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _run_alone(
    function: Callable[[TaskT], ResultT],
    task: TaskT,
    *,
    lost: Callable[[TaskT, str], ResultT],
    pool: Callable[[int], Executor],
) -> ResultT:
    """Run a task that was in flight when a worker died in a process of its own."""
    with pool(1) as executor:
        try:
            return executor.submit(function, task).result()
        except BrokenProcessPool:
            return lost(task, DEAD_WORKER)


def cluster_pool(address: str) -> Callable[[int], Executor]:
    """Give a maker of executors on a Dask cluster.

    Parameters
    ----------
    address : str
        The scheduler's, such as ``tcp://host:8786``; the images must have the same paths there.

    Returns
    -------
    callable
        As `process_pool`, for `run_tasks`; the number of workers is the cluster's.

    Raises
    ------
    StudyError
        If Dask isn't installed, or the scheduler doesn't answer.
    """
    from .errors import Problem, StudyError

    try:
        from distributed import Client
    except ImportError as error:
        remedy = "install the extra: pip install 'xenoquant[cluster]'"
        problem = Problem("--scheduler", "", address, "the package dask.distributed", remedy)
        raise StudyError([problem]) from error
    try:
        client = Client(address, timeout="20s")
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "start it with: dask scheduler; and give its address"
        problem = Problem("--scheduler", "", address, "a scheduler that answers", remedy)
        raise StudyError([problem]) from error
    return lambda jobs: client.get_executor(pure=False)
