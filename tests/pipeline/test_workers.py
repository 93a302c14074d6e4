"""Workers: every task gives one result, and a worker that dies costs its own task alone."""

import importlib
from types import ModuleType

import pytest

from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.workers import DEAD_WORKER, cluster_pool, process_pool, run_tasks

# What the workers run; they import it by name, as they can't import a test module.
TASKS = """
import os, signal

def square(number):
    return number * number

def square_or_die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number

def thread_counts(_):
    import cv2
    return os.environ["OMP_NUM_THREADS"], cv2.getNumThreads()
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch) -> ModuleType:
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return importlib.import_module("worker_tasks")


def lost(task: int, reason: str) -> str:
    return f"{task}: {reason}"


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_task_gives_one_result_whatever_the_number_of_workers(tasks, jobs):
    results = run_tasks(tasks.square, list(range(20)), jobs=jobs, lost=lost)
    assert sorted(results) == [n * n for n in range(20)]


def test_a_killed_worker_costs_its_own_task_and_no_other(tasks):
    results = list(run_tasks(tasks.square_or_die, list(range(12)), jobs=2, lost=lost))
    expected = [n * n for n in range(12) if n != 3]
    assert sorted(r for r in results if isinstance(r, int)) == expected
    assert [r for r in results if isinstance(r, str)] == [f"3: {DEAD_WORKER}"]


def test_a_worker_holds_its_libraries_to_one_thread(tasks):
    assert list(run_tasks(tasks.thread_counts, [0, 1], jobs=2, lost=lost)) == [("1", 1)] * 2


def test_no_task_is_no_work_and_no_process(tasks):
    def no_pool(jobs: int):
        raise AssertionError("a pool was made")

    assert list(run_tasks(tasks.square, [], jobs=2, lost=lost, pool=no_pool)) == []


def test_a_scheduler_that_does_not_answer_is_a_message():
    with pytest.raises(StudyError, match="--scheduler"):
        cluster_pool("tcp://127.0.0.1:1")


def test_process_pool_is_an_executor(tasks):
    with process_pool(1) as pool:
        assert pool.submit(tasks.square, 4).result() == 16
