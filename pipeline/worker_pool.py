"""A pool of processes in which a lost or stuck worker costs its own task and no other.

`concurrent.futures.ProcessPoolExecutor` gives up every task in flight when one process dies, and
can't stop a task that hangs. Here each process holds one task at a time, so it is known which one
it was.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

# One thread a worker: more oversubscribe the cores and run many times slower.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PRELOADED = ["xenoquant.pipeline.measuring", "xenoquant.pipeline.drawing", "cv2", "tifffile"]
# Python's own keeper of semaphores would remark on those of a worker that was ended
_NO_REMARKS = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}
_GOODBYE_S = 2.0
_START_PAUSES_S = (0.0, 0.05, 0.5)  # before each try to start a process
_OUT_OF_MEMORY_FIRST = 500  # Linux: of −1000 to 1000, how willingly a process is ended for memory


class WorkerLost(Exception):
    """The process that held a task died."""


class TooSlow(Exception):
    """A task took longer than its limit, and its process was ended."""


def one_thread_each() -> None:
    """Hold this process's libraries to one thread; what a worker does first."""
    # numba refuses to compile once its variable has changed under threads that it has launched
    held = {"NUMBA_NUM_THREADS"} if "numba" in sys.modules else set()
    os.environ.update(dict.fromkeys(set(ONE_THREAD) - held, "1"))
    import cv2
    import numba
    import threadpoolctl

    cv2.setNumThreads(1)
    numba.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def time_limit(base_s: float | None, arguments: tuple[Any, ...]) -> float | None:
    """Give the seconds that a call may take: the limit, and more for tasks that ask for it.

    Tasks, alone or in a list among the arguments, may have an attribute ``extra_seconds``.
    """
    if base_s is None:
        return None
    held = [item for each in arguments for item in (each if isinstance(each, list) else [each])]
    return base_s + sum(getattr(item, "extra_seconds", 0.0) for item in held)


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection


class WorkerPool(Executor):
    """Fresh processes, each holding one task at a time.

    Parameters
    ----------
    jobs : int
        Processes at a time; each starts when a task needs it.
    time_limit_s : float, optional
        Seconds that a task may take before its process is ended, see `time_limit`; no limit when
        None.

    Notes
    -----
    A task's future raises `WorkerLost` if its process died, `TooSlow` if it was ended, and
    whatever the function raised. The next task gets a new process.
    """

    def __init__(self, jobs: int, *, time_limit_s: float | None = None) -> None:
        self.workers = jobs
        self.time_limit_s = time_limit_s
        self._context = _context()
        self._waiting: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._change = threading.Condition()
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._held: dict[int, _Worker] = {}
        self._closed = self._stopped = False

    def submit(self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any) -> Future[ResultT]:
        """Queue a call of a module-level function with picklable arguments."""
        if kwargs:
            raise TypeError("arguments are given by position")
        future: Future[ResultT] = Future()
        with self._change:
            if self._closed:
                raise RuntimeError("the pool was shut down")
            self._waiting.append((future, fn, args))
            self._change.notify()
            if len(self._threads) < self.workers:
                place = len(self._threads)
                thread = threading.Thread(target=self._feed, args=(place,), daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the pool; with `cancel_futures` what is running is ended at once."""
        with self._change:
            self._closed = True
            if cancel_futures:
                self._stopped = True
                while self._waiting:
                    self._waiting.popleft()[0].cancel()
                for worker in self._held.values():
                    worker.process.kill()
            self._change.notify_all()
        if wait:
            for thread in self._threads:
                thread.join()

    def _feed(self, place: int) -> None:
        """Hand one worker its tasks, one after the other, until the pool is closed."""
        try:
            while (task := self._next()) is not None:
                future, function, arguments = task
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = self._call(place, function, arguments)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            self._dismiss(place, politely=not self._stopped)

    def _next(self) -> tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None:
        with self._change:
            while not self._waiting:
                if self._closed:
                    return None
                self._change.wait()
            return self._waiting.popleft()

    def _call(self, place: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        worker = self._worker(place)
        try:
            worker.connection.send((function, arguments))
            limit = time_limit(self.time_limit_s, arguments)
            ready = wait([worker.connection, worker.process.sentinel], limit)
            if not ready:
                self._dismiss(place)
                raise TooSlow(f"it took longer than the limit of {limit:g} s")
            if worker.connection not in ready and not worker.connection.poll():
                raise EOFError  # the server that forked it was ended, and can't vouch for it
            good, result = worker.connection.recv()
        except (EOFError, OSError) as error:
            self._dismiss(place)
            raise WorkerLost(_death(worker.process.exitcode)) from error
        if not good:
            raise result
        return result

    def _worker(self, place: int) -> _Worker:
        with self._change:
            held = self._held.get(place)
        if held is not None and held.process.is_alive():
            return held
        if held is not None:  # ended from outside, between two tasks
            self._dismiss(place)
        with self._starting:
            worker = _start(self._context)
        with self._change:
            self._held[place] = worker
            if self._stopped:
                worker.process.kill()
        return worker

    def _dismiss(self, place: int, *, politely: bool = False) -> None:
        """End a worker's process, if it has one; politely one that has no task."""
        with self._change:
            worker = self._held.pop(place, None)
        if worker is None:
            return
        if politely:
            worker.connection.close()
            worker.process.join(_GOODBYE_S)
        worker.process.kill()
        worker.process.join()
        worker.connection.close()


def _start(context: Any) -> _Worker:
    """Start a process; where the server that forks it has just been ended, with a new server."""
    ours, theirs = context.Pipe()
    for pause in _START_PAUSES_S:
        time.sleep(pause)
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        try:
            with _one_thread_environment(), _interrupts_held_back():
                process.start()
        except (ConnectionError, EOFError, FileNotFoundError) as error:
            refused = error
            continue
        theirs.close()
        return _Worker(process, ours)
    ours.close()
    theirs.close()
    raise WorkerLost(f"no process could be started: {refused}")


def _context() -> Any:
    """Give the way to start processes that inherit no threads and no locks.

    On Linux a server that has the libraries loaded forks each worker, in milliseconds; elsewhere
    each worker is a fresh interpreter.
    """
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Keep Ctrl-C from a process being started, which inherits what its parent's thread blocks.

    It reaches the whole group of a terminal, and a process that is loading its libraries would
    end with a traceback before `_serve` can say that only the run itself decides.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # started along with a process, it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _one_thread_environment:
    """Set the variables that libraries read when they are loaded, for a process being started."""

    def __enter__(self) -> None:
        set_here = dict.fromkeys(ONE_THREAD, "1") | _NO_REMARKS
        self._before = {name: os.environ.get(name) for name in set_here}
        os.environ.update(set_here)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _death(code: int | None) -> str:
    """Say how a process ended."""
    if code is None or code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _serve(connection: Connection) -> None:
    """Carry out calls until the pool's own process closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: ours decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _volunteer_for_memory()
    one_thread_each()
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(*arguments)
        except BaseException as error:
            answer = False, error
        _answer(connection, answer)


def _answer(connection: Connection, answer: tuple[bool, Any]) -> None:
    try:
        connection.send(answer)
    except OSError:  # the run was ended, and nobody waits for it: `_serve` will see that, too
        return
    except Exception as error:  # a result that can't be sent is the task's failure, not ours
        connection.send((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _end_with(sentinel: int) -> None:
    """End this process as soon as the one that it works for has ended, however that happened."""
    wait([sentinel])
    os._exit(1)


def _volunteer_for_memory() -> None:
    """Ask Linux to end a worker, and not the run, when the machine's memory is gone."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OUT_OF_MEMORY_FIRST), encoding="ascii")
