"""The workers of one run."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

from .plan import Task
from .resources import suitable_jobs
from .workers import PoolMaker, run_tasks


class Crew:
    """Workers that start with the first work there is for them.

    Parameters
    ----------
    make : callable
        Makes the executor of that many workers.
    jobs : int
        Workers at a time; 0 for as many as the first work is good for.
    """

    def __init__(self, make: PoolMaker, jobs: int) -> None:
        self._make, self._jobs = make, jobs
        self._executor: Executor | None = None

    def called(self, tasks: Sequence[Task]) -> Executor:
        """Give the workers; the first tasks tell how many are worth their memory."""
        if self._executor is None:
            self._executor = self._make(self._jobs or suitable_jobs(tasks))
        return self._executor

    def carry_out(
        self,
        function: Callable[[Any], Any],
        jobs: Sequence[Any],
        lost: Callable[[Any, str], Any],
    ) -> Iterator[Any]:
        """Run a function over jobs, each with its ``task``, as `workers.run_tasks` does."""
        if not jobs:
            return iter(())
        executor = self.called([job.task for job in jobs])
        return run_tasks(function, jobs, executor=executor, lost=lost)

    def dismiss(self) -> None:
        """Let the workers go; work that they haven't begun is left."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
