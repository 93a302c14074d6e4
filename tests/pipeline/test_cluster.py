"""More than one machine: a real Dask scheduler with two worker processes, one of them killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from xenoquant.pipeline import cluster
from xenoquant.pipeline.cluster import cluster_pool
from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.run import RunOptions, run_study

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Dask's sockets at exit


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own, as the documents show."""
    folder = tmp_path_factory.mktemp("dask")
    log = (folder / "log").open("w+")
    dask = [sys.executable, "-m", "dask"]
    quiet = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false"}
    held = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=quiet,
        )
    ]
    address = ""
    while not address:
        time.sleep(0.1)
        found = re.search(r"Scheduler at:\s+(tcp://\S+)", (folder / "log").read_text())
        address = found[1] if found else ""
    command = [*dask, "worker", address, "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
    held.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=quiet))
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
    yield address
    for process in reversed(held):
        end(process)
    log.close()


def end(process: subprocess.Popen) -> None:
    """End a process and its children, also where a nanny is bringing a worker back."""
    family = [*psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for child in family:
        if child.is_running():
            child.kill()


def workers(address: str) -> list[int]:
    with distributed.Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


@pytest.mark.slow
def test_a_cluster_gives_the_tables_of_one_machine(
    dask_cluster, fresh_study, finished_study, tables
):
    """Also when one of its workers is killed at work: its images are measured by the other."""
    killed = []

    class Killer:
        def start(self, stage, total, *, reused=0):
            pass

        def advance(self, stage, *, image="", problem=None):
            if not killed:
                killed.append(workers(dask_cluster)[0])
                os.kill(killed[0], signal.SIGKILL)

        def finish(self, counts):
            pass

    options = RunOptions(pool=cluster_pool(dask_cluster, (fresh_study,)), progress=Killer())
    summary = run_study(fresh_study, options)
    assert killed
    assert not psutil.pid_exists(killed[0])
    assert not summary.problems
    assert summary.measured == 14
    assert tables(fresh_study) == tables(finished_study)


@pytest.mark.slow
def test_a_slide_is_shared_out_over_a_cluster(
    dask_cluster, measured_slide, fresh_slide, tables, shared_out
):
    """Authority: the run in one process. What is sent are paths and tile ranges."""
    run_study(fresh_slide, RunOptions(pool=cluster_pool(dask_cluster, (fresh_slide,))))
    assert shared_out == ["slides/m1.ome.tif"]
    assert tables(fresh_slide) == tables(measured_slide)


def test_a_folder_that_workers_do_not_see_is_said_before_any_work(dask_cluster):
    nowhere = Path("/no/such/mount")
    with pytest.raises(StudyError, match=r"worker tcp.*folders that it can write to: /no/such"):
        cluster_pool(dask_cluster, (nowhere,))


def test_other_versions_on_a_worker_are_refused(dask_cluster, monkeypatch):
    from xenoquant.pipeline import provenance

    ours = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: ours | {"numpy": "0.0.1"})
    with pytest.raises(StudyError, match=r"expected numpy 0\.0\.1"):
        cluster_pool(dask_cluster)


@pytest.mark.parametrize("address", ["localhost", "tcp://localhost", "scheduler.json", "tcp://a:b"])
def test_an_address_without_a_port_is_a_message_at_once(address, capfd):
    """reliability.md: no traceback; Dask's own client tries 40 s and then prints one."""
    started = time.monotonic()
    with pytest.raises(StudyError, match=r"write for example: --scheduler tcp://host:8786"):
        cluster_pool(address)
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


def test_a_scheduler_that_does_not_answer_is_a_message():
    with pytest.raises(StudyError, match="--scheduler"):
        cluster_pool("tcp://127.0.0.1:1")


@pytest.mark.slow
def test_an_image_that_kills_every_worker_is_a_row(dask_cluster, fresh_study, monkeypatch):
    """A task that ends its process by the time limit: Dask gives up after some workers."""
    pool = cluster_pool(dask_cluster, (fresh_study,), time_limit_s=0.001)(0)
    lost = pool.submit(time.sleep, 30)
    assert isinstance(lost.exception(timeout=120), cluster.WorkerLost)
    pool.shutdown(cancel_futures=True)
