"""Workers: tasks through an executor, where a task whose worker dies costs that task at most."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import partial
from typing import Any, TypeVar

from .worker_pool import TooSlow, WorkerLost, WorkerPool

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_QUEUED_PER_WORKER = 4  # enough to keep workers busy, few enough to stop quickly
_MOST_IN_BATCH = 64
DEAD_WORKER = "the process that measured it died twice (out of memory, or a fault in a decoder)"


class InProcess(Executor):
    """Calls functions in this process, at once; nothing protects it from a decoder's crash."""

    workers = 1

    def submit(self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any) -> Future[ResultT]:
        """Call a function and give its result as a future that is done."""
        future: Future[ResultT] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def local_pool(jobs: int) -> Executor:
    """Give processes of their own for two jobs or more, and this process for one."""
    return InProcess() if jobs == 1 else WorkerPool(jobs)


def process_pool(jobs: int, *, time_limit_s: float | None = None) -> Executor:
    """Give processes of their own, for one job too: what ``xenoquant run`` uses."""
    return WorkerPool(jobs, time_limit_s=time_limit_s)


def run_tasks(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    executor: Executor,
    lost: Callable[[TaskT, str], ResultT],
) -> Iterator[ResultT]:
    """Run a function over tasks and give the results as they come, in no fixed order.

    Parameters
    ----------
    function : callable
        Module-level, so that another process can import it; never raises for a bad input.
    tasks : sequence
        Picklable arguments: paths and tile ranges, never pixels.
    executor : concurrent.futures.Executor
        Where they run. Its attribute ``workers`` says how many at a time, and ``batch_seconds``
        how much work one call should hold, where calls are dear.
    lost : callable
        Gives the result of a task whose worker died twice, or that took too long, from the task
        and the reason.

    Yields
    ------
    object
        One result a task.
    """
    suspects: list[TaskT] = []
    batches = _Batches(tasks, executor)
    yield from _run(function, batches, suspects, executor=executor, lost=lost)
    # what was in flight when a worker died is tried once more, alone: with the whole memory
    for task in suspects:
        try:
            yield executor.submit(function, task).result()
        except WorkerLost:
            yield lost(task, DEAD_WORKER)
        except TooSlow as error:
            yield lost(task, str(error))


class _Batches:
    """Cuts tasks into batches that hold as much work as the executor asks for."""

    def __init__(self, tasks: Sequence[Any], executor: Executor) -> None:
        self._left = list(reversed(tasks))
        self.workers = int(getattr(executor, "workers", 1))
        self._wanted_s = float(getattr(executor, "batch_seconds", 0.0))
        self._done, self._seconds = 0, 0.0

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self) -> list[Any]:
        """Give the next batch: one task until it is known how long they take."""
        size = 1
        if self._wanted_s and self._done:
            size = int(self._wanted_s / max(self._seconds / self._done, 1e-4))
            # the last ones small, so that no worker waits for another
            size = min(size, _MOST_IN_BATCH, len(self._left) // (2 * self.workers))
        return [self._left.pop() for _ in range(max(1, min(size, len(self._left))))]

    def learn(self, tasks: int, seconds: float) -> None:
        """Note how long a batch took."""
        self._done += tasks
        self._seconds += seconds


def _run(
    function: Callable[[TaskT], ResultT],
    batches: _Batches,
    suspects: list[TaskT],
    *,
    executor: Executor,
    lost: Callable[[TaskT, str], ResultT],
) -> Iterator[ResultT]:
    """Empty the batches; what a dying worker held goes to `suspects`."""
    running: dict[Future[tuple[list[ResultT], float]], list[TaskT]] = {}
    while batches or running:
        while batches and len(running) < batches.workers * _QUEUED_PER_WORKER:
            batch = batches.take()
            running[executor.submit(_call_each, function, batch)] = batch
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            batch = running.pop(future)
            try:
                results, seconds = future.result()
            except WorkerLost:
                suspects.extend(batch)
            except TooSlow as error:
                if len(batch) == 1:
                    yield lost(batch[0], str(error))
                else:
                    suspects.extend(batch)
            else:
                batches.learn(len(batch), seconds)
                yield from results


class OnWorkers:
    """Carries pieces of one image's work out on an executor's workers, in the pieces' order.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        As for `run_tasks`; a piece whose worker dies is tried once more.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.workers = int(getattr(executor, "workers", 1))

    def __call__(
        self, function: Callable[[TaskT], ResultT], items: Iterable[TaskT]
    ) -> Iterator[ResultT]:
        """Give the function's result for each item.

        Raises
        ------
        WorkerLost, TooSlow
            If an item's worker died twice, or took too long.
        """
        waiting: deque[tuple[TaskT, Future[ResultT]]] = deque()
        try:
            for item in items:
                waiting.append((item, self._executor.submit(function, item)))
                if len(waiting) >= self.workers * _QUEUED_PER_WORKER:
                    yield self._result(function, *waiting.popleft())
            while waiting:
                yield self._result(function, *waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()

    def _result(
        self, function: Callable[[TaskT], ResultT], item: TaskT, future: Future[ResultT]
    ) -> ResultT:
        try:
            return future.result()
        except WorkerLost:
            pass
        try:
            return self._executor.submit(function, item).result()
        except WorkerLost as error:
            raise WorkerLost(DEAD_WORKER) from error


def _call_each(
    function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]
) -> tuple[list[ResultT], float]:
    """Call a function on each task of a batch; give the results and the seconds it took."""
    started = time.perf_counter()
    return [function(task) for task in tasks], time.perf_counter() - started


PoolMaker = Callable[[int], Executor]


def timed_pool(time_limit_s: float | None) -> PoolMaker:
    """Give a maker of process pools with a time limit a task."""
    return partial(process_pool, time_limit_s=time_limit_s)
