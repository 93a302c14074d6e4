"""Undo and redo: two stacks of changes, rebuilt from the log when an image is opened again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..pipeline.review_state import Change

UNDO, REDO = "undo", "redo"


@dataclass(frozen=True)
class Act:
    """One act that can be taken back: its number in the log, its name and its change."""

    sequence: int
    action: str
    change: Change


@dataclass
class History:
    """What was done and what was undone, without limit.

    Attributes
    ----------
    done, undone : list of Act
        The last one is the next to be undone, or redone.
    """

    done: list[Act] = field(default_factory=list)
    undone: list[Act] = field(default_factory=list)

    @classmethod
    def from_log(cls, records: Iterable[Mapping[str, Any]]) -> "History":
        """Rebuild the stacks from a log; records that can't be read were told already."""
        history = cls()
        for record in records:
            if "change" not in record:
                continue
            try:
                change = Change.from_json(record["change"])
            except (ValueError, KeyError, TypeError, IndexError):
                continue
            history.record(record["action"], record["sequence"], change)
        return history

    def record(self, action: str, sequence: int, change: Change) -> None:
        """Follow an act, an undo or a redo that was made and logged."""
        if action == UNDO and self.done:
            self.undone.append(self.done.pop())
        elif action == REDO and self.undone:
            self.done.append(self.undone.pop())
        else:
            self.done.append(Act(sequence, action, change))
            self.undone.clear()
