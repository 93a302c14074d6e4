"""What a run did."""

from dataclasses import dataclass
from pathlib import Path

from .problems import ProblemRow
from .reviews import STAGE as REJECTED_STAGE

PENDING = "plan"  # the stage of a row that says an image wasn't asked for yet


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes
    ----------
    results : pathlib.Path
        The results folder.
    report : pathlib.Path
        The report.
    measured, reused : int
        Images measured now, and found in the store.
    problems : tuple of ProblemRow
        The rows of problems.csv.
    """

    results: Path
    report: Path
    measured: int
    reused: int
    problems: tuple[ProblemRow, ...]

    @property
    def failed(self) -> bool:
        """Whether an input failed (images not asked for, or rejected by a reader, don't count)."""
        return any(row.stage not in (PENDING, REJECTED_STAGE) for row in self.problems)

    @property
    def counts(self) -> dict[str, int]:
        """How many images were measured and reused, and how many problems there are."""
        return {
            "measured": self.measured,
            "reused": self.reused,
            "problems": len(self.problems),
        }
