"""How well two workers share compute-bound fields, as processes of this machine and through Dask.

    python benchmarks/workers.py [--images 24] [--side 768]

Measures the same rendered sections with one process, with two, and with two workers of a Dask
cluster, each pool warmed up beforehand. Efficiency is the time of one process over twice the time
of two workers, by the clock: nothing else should run on the machine's first two cores.
"""

import argparse
import tempfile
import time
from concurrent.futures import Executor
from pathlib import Path

from small_study import write_small_study

from xenoquant.pipeline.cluster import cluster_pool
from xenoquant.pipeline.measuring import Job, lost_job, measure_job
from xenoquant.pipeline.plan import Task, plan_study
from xenoquant.pipeline.samples import study_samples
from xenoquant.pipeline.study import load_study
from xenoquant.pipeline.worker_pool import WorkerPool
from xenoquant.pipeline.workers import run_tasks

WARM_UP = 4  # images that load every library and kernel in each worker


def seconds(executor: Executor, tasks: list[Task], store: Path) -> float:
    """Measure all tasks but the first few, which only warm the workers up; give the time."""

    def measure(part: list[Task]) -> None:
        jobs = [Job(task, store) for task in part]
        for outcome in run_tasks(measure_job, jobs, executor=executor, lost=lost_job):
            if outcome.problem is not None:
                raise SystemExit(outcome.problem.error)

    measure(tasks[:WARM_UP])
    started = time.perf_counter()
    measure(tasks[WARM_UP:])
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    from distributed import LocalCluster

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--side", type=int, default=768)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder, "study")
        write_small_study(study, words.images + WARM_UP, side_px=words.side)
        loaded = load_study(study)
        tasks = list(plan_study(loaded, study_samples(loaded)).tasks)
        with WorkerPool(1) as one:
            alone = seconds(one, tasks, Path(folder, "one"))
        with WorkerPool(2) as two:
            shared = seconds(two, tasks, Path(folder, "two"))
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        )
        with cluster, cluster_pool(cluster.scheduler_address, (study,))(2) as workers:
            spread = seconds(workers, tasks, Path(folder, "dask"))
    print(f"{words.images} fields of {words.side}²: {alone:.1f} s with one process.")
    for what, taken in (("Two processes", shared), ("Dask with two workers", spread)):
        print(f"{what}: {taken:.1f} s, efficiency {alone / (2 * taken):.2f}.")


if __name__ == "__main__":
    main()
