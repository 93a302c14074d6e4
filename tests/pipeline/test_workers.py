"""Workers: every task gives one result, and a worker that dies costs its own task alone."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import forkserver
from types import ModuleType

import psutil
import pytest

from xenoquant.pipeline.worker_pool import ONE_THREAD, TooSlow, WorkerLost, WorkerPool
from xenoquant.pipeline.workers import DEAD_WORKER, InProcess, OnWorkers, local_pool, run_tasks

# What the workers run; they import it by name, as they can't import a test module.
TASKS = """
import os, pathlib, signal, time

def square(number):
    return number * number

def square_or_die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number

def die_once(path):
    mark = pathlib.Path(path)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"

def sleep_or_square(number):
    if number == 3:
        time.sleep(600)
    return number * number

def sleep(path):
    pathlib.Path(path).write_text(str(os.getpid()))
    time.sleep(600)

def raise_value(_):
    raise ValueError("as the function raised it")

def unsendable(_):
    return lambda: None

def thread_counts(_):
    import cv2, numba, threadpoolctl
    blas = {held["num_threads"] for held in threadpoolctl.threadpool_info()}
    return os.environ["OMP_NUM_THREADS"], cv2.getNumThreads(), numba.get_num_threads(), blas
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch) -> ModuleType:
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    module = importlib.import_module("worker_tasks")
    yield module
    importlib.sys.modules.pop("worker_tasks", None)


def lost(task: object, reason: str) -> str:
    return f"{task}: {reason}"


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_task_gives_one_result_whatever_the_number_of_workers(tasks, jobs):
    with local_pool(jobs) as pool:
        results = list(run_tasks(tasks.square, list(range(20)), executor=pool, lost=lost))
    assert sorted(results) == [n * n for n in range(20)]


def test_a_killed_worker_costs_its_own_task_and_no_other(tasks):
    with WorkerPool(2) as pool:
        results = list(run_tasks(tasks.square_or_die, list(range(12)), executor=pool, lost=lost))
    expected = [n * n for n in range(12) if n != 3]
    assert sorted(r for r in results if isinstance(r, int)) == expected
    assert [r for r in results if isinstance(r, str)] == [f"3: {DEAD_WORKER}"]


def test_a_worker_killed_from_outside_loses_nothing(tasks, tmp_path):
    marks = [str(tmp_path / f"mark{n}") for n in range(3)]
    with WorkerPool(2) as pool:
        results = list(run_tasks(tasks.die_once, marks, executor=pool, lost=lost))
    assert results == ["done"] * 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are forked on Linux only")
def test_the_server_of_workers_killed_from_outside_loses_nothing(tasks, tmp_path):
    """A run's children are its workers' server too; its end is no fault of a task's."""
    with WorkerPool(2) as pool:
        assert pool.submit(tasks.square, 1).result() == 1
        slow = pool.submit(tasks.sleep, str(tmp_path / "pid"))
        while not (tmp_path / "pid").exists():
            time.sleep(0.05)
        for _ in range(3):
            os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
            assert isinstance(slow.exception(), WorkerLost)
            results = list(run_tasks(tasks.square, list(range(8)), executor=pool, lost=lost))
            assert sorted(results) == [n * n for n in range(8)]


def test_a_task_that_hangs_is_ended_at_its_limit_and_the_others_are_done(tasks):
    started = time.monotonic()
    with WorkerPool(2, time_limit_s=3) as pool:
        results = list(run_tasks(tasks.sleep_or_square, list(range(8)), executor=pool, lost=lost))
    assert sorted(r for r in results if isinstance(r, int)) == [0, 1, 4, 16, 25, 36, 49]
    assert [r for r in results if isinstance(r, str)] == ["3: it took longer than the limit of 3 s"]
    assert time.monotonic() - started < 60  # not the 600 s that the task would sleep


def test_futures_tell_a_death_from_a_limit_and_from_an_error(tasks):
    with WorkerPool(1, time_limit_s=2) as pool:
        with pytest.raises(WorkerLost, match="SIGKILL"):
            pool.submit(tasks.square_or_die, 3).result()
        with pytest.raises(TooSlow):
            pool.submit(tasks.sleep_or_square, 3).result()
        with pytest.raises(ValueError, match="as the function raised it"):
            pool.submit(tasks.raise_value, 0).result()
        with pytest.raises(RuntimeError, match="local object"):
            pool.submit(tasks.unsendable, 0).result()
        assert pool.submit(tasks.square, 5).result() == 25  # with a new process


def test_a_worker_holds_its_libraries_to_one_thread(tasks):
    with WorkerPool(1) as pool:
        environment, cv2_threads, numba_threads, blas = pool.submit(tasks.thread_counts, 0).result()
    assert (environment, cv2_threads, numba_threads, blas) == ("1", 1, 1, {1})


def test_numba_compiles_in_a_process_that_had_its_threads_before():
    """As Dask's workers do, which load numba with the function that they are sent.

    Authority: numba, which raises where NUMBA_NUM_THREADS differs from its threads' number.
    """
    code = """
import numba
numba.set_num_threads(1)  # launches as many as there are cores
from xenoquant.pipeline.worker_pool import one_thread_each
one_thread_each()
assert numba.get_num_threads() == 1
print(numba.njit(lambda x: x + 1)(1))
"""
    environment = {k: v for k, v in os.environ.items() if k not in ONE_THREAD}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stdout == "2\n", done.stderr


def test_an_ended_pool_leaves_no_process(tasks, tmp_path):
    pool = WorkerPool(1)
    mark = tmp_path / "pid"
    future = pool.submit(tasks.sleep, str(mark))
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.05)
    pid = int(mark.read_text())
    started = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 5
    assert not psutil.pid_exists(pid)
    assert isinstance(future.exception(), WorkerLost)
    with pytest.raises(RuntimeError):
        pool.submit(tasks.square, 1)


def test_workers_do_not_hear_ctrl_c(tasks, tmp_path):
    """Ctrl-C reaches every process of a terminal; only the run itself may decide."""
    before = threading.active_count()  # other tests' libraries keep threads of their own
    pool = WorkerPool(1)
    mark = tmp_path / "pid"
    future = pool.submit(tasks.sleep, str(mark))
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.05)
    os.kill(int(mark.read_text()), signal.SIGINT)
    time.sleep(0.3)
    assert not future.done()
    pool.shutdown(cancel_futures=True)
    assert threading.active_count() <= before


def test_ctrl_c_while_workers_start_up_says_nothing(tmp_path):
    """The server that forks workers loads libraries for seconds, and hears a terminal's Ctrl-C."""
    (tmp_path / "slow_library.py").write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(2)\n"
    )
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from xenoquant.pipeline import worker_pool\n"
        "worker_pool._PRELOADED[:] = ['slow_library']\n"
        "with worker_pool.WorkerPool(1) as pool: print(pool.submit(len, 'abc').result())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    mark = tmp_path / "pid"
    while not (mark.exists() and mark.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(int(mark.read_text()), signal.SIGINT)
    assert process.communicate(timeout=60) == ("3\n", "")


def test_pieces_of_one_image_come_in_their_order_whoever_dies(tasks, tmp_path):
    """One worker dies once, and its piece is done by another; twice, and the image is lost."""
    with WorkerPool(2) as pool:
        spread = OnWorkers(pool)
        assert spread.workers == 2
        assert list(spread(tasks.square, range(30))) == [n * n for n in range(30)]
        marks = [str(tmp_path / f"mark{n}") for n in range(3)]
        assert list(spread(tasks.die_once, marks)) == ["done"] * 3
        with pytest.raises(WorkerLost, match="died twice"):
            list(spread(tasks.square_or_die, range(30)))


def test_no_task_is_no_process(tasks):
    pool = WorkerPool(2)
    assert list(run_tasks(tasks.square, [], executor=pool, lost=lost)) == []
    assert pool._threads == []


def test_one_job_of_the_library_stays_in_this_process(tasks):
    assert isinstance(local_pool(1), InProcess)
    future = local_pool(1).submit(tasks.raise_value, 0)
    assert isinstance(future.exception(), ValueError)
