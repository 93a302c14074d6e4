"""Progress on the terminal, for anything over a second or two."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bars:
    """A bar a stage, on standard error; nothing where that isn't a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._stages: dict[str, TaskID] = {}

    def start(self, stage: str, total: int) -> None:
        """Show a stage's bar."""
        self._stop_if_done()
        if total and self._progress.console.is_terminal:
            self._progress.start()
            self._stages[stage] = self._progress.add_task(stage, total=total)

    def advance(self, stage: str) -> None:
        """Move a stage's bar by one."""
        if stage in self._stages:
            self._progress.advance(self._stages[stage])
            self._stop_if_done()

    def _stop_if_done(self) -> None:
        """Leave the terminal alone between the stages."""
        if self._stages and self._progress.finished:
            self._progress.stop()
