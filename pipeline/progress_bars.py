"""Progress on the terminal, for anything over a second or two."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from .problems import ProblemRow


class _Rate(ProgressColumn):
    """Items a second or, where they are slow, a minute."""

    def render(self, task: Task) -> Text:
        """Show the rate, once there is one."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{speed * 60:.1f}/min")


class Bars:
    """A bar a stage, on standard error; nothing where that isn't a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>8}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._stages: dict[str, TaskID] = {}
        self._reused: dict[str, int] = {}
        self._failed: dict[str, int] = {}

    def start(self, stage: str, total: int, *, reused: int = 0) -> None:
        """Show a stage's bar."""
        self._stop_if_done()
        if total and self._progress.console.is_terminal:
            self._reused[stage], self._failed[stage] = reused, 0
            self._progress.start()
            self._stages[stage] = self._progress.add_task(
                stage, total=total, said=self._said(stage)
            )

    def advance(self, stage: str, *, image: str = "", problem: ProblemRow | None = None) -> None:
        """Move a stage's bar by one."""
        if stage in self._stages:
            self._failed[stage] += problem is not None
            self._progress.update(self._stages[stage], advance=1, said=self._said(stage))
            self._stop_if_done()

    def finish(self, counts: Mapping[str, int]) -> None:
        """Leave the terminal alone."""
        self._progress.stop()

    def _said(self, stage: str) -> str:
        counted = ((self._reused[stage], "reused"), (self._failed[stage], "failed"))
        return ", ".join(f"{count} {what}" for count, what in counted if count)

    def _stop_if_done(self) -> None:
        """Leave the terminal alone between the stages."""
        if self._stages and self._progress.finished:
            self._progress.stop()
