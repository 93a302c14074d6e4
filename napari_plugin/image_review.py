"""One image under review: what is on it, what was done to it, and how it is kept."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal

from ..pipeline.assay import Correctable
from ..pipeline.review_folder import CARRY_OVER, ImageFacts, ImageFolder, begin_labels
from ..pipeline.review_log import ReviewLog
from ..pipeline.review_state import Change, ReviewState
from .autosave import Autosave
from .edits import EditError, Editor
from .history import REDO, UNDO, History
from .label_index import LabelIndex


class ImageReview:
    """A reader's work on one image.

    Every act is in the log, on the disk, before it shows; the label images follow within a
    second. Nothing is written before the first act.

    Parameters
    ----------
    folder : pathlib.Path
        ``review/<reader>/<assay>/<image>``.
    reader : str
        Who reviews.
    facts : ImageFacts
        What the program's measurement is known by.
    labels : mapping of str to numpy.ndarray
        The label images that a review begins from, the program's.
    correctable : Correctable
        What may be corrected.
    cell_distance_px : float
        How far cells reach beyond their nuclei.
    """

    changed = Signal(Change)
    """Emitted after each act, undo and redo, with what it changed."""

    def __init__(
        self,
        folder: Path,
        reader: str,
        facts: ImageFacts,
        labels: Mapping[str, np.ndarray],
        correctable: Correctable,
        *,
        cell_distance_px: float = 0.0,
    ) -> None:
        self.folder = ImageFolder(folder)
        self.correctable = correctable
        self.messages: tuple[str, ...] = ()
        self._facts = facts
        self._good_for = facts.fingerprint
        self._guard = threading.Lock()
        if self.folder.is_begun:
            held = self.folder.load()
            self.state, self.messages = held.state, held.messages
            self._facts, self._good_for = held.facts, held.fingerprint
        else:
            self.state = ReviewState(begin_labels(labels))
        self.log = ReviewLog(self.folder.log_file, reader)
        self.history = History.from_log(self.log.records)
        self.index = LabelIndex(self.state.labels)
        self._never_again(self.index)
        self.edit = Editor(self.state, self.index, correctable, cell_distance_px=cell_distance_px)
        self._is_new = facts
        self._saved = 0
        self._autosave = Autosave(self.save)

    def _never_again(self, index: LabelIndex) -> None:
        """Give no number that any act ever gave, so that the log stays unambiguous."""
        for act in [*self.history.done, *self.history.undone]:
            for pixels in act.change.labels.values():
                index.highest = max(index.highest, int(pixels.runs[:, 2:].max(initial=0)))

    @property
    def um_per_px(self) -> float | None:
        """Pixel size of the label images."""
        return self._facts.um_per_px

    @property
    def is_stale(self) -> bool:
        """Whether the image or its options changed since the review began."""
        return self._good_for != self._is_new.fingerprint

    @property
    def save_error(self) -> OSError | None:
        """Why the label images couldn't be written last time; the log is written even so."""
        return self._autosave.error

    def do(self, action: str, change: Change, **content: Any) -> bool:
        """Make a change, once the log has it.

        Parameters
        ----------
        action : str
            Its name in the log.
        change : Change
            From `edit`.
        **content
            What the log shall hold besides; JSON-serialisable.

        Returns
        -------
        bool
            False where nothing changes; nothing is logged then.

        Raises
        ------
        OSError
            If the disk doesn't take it; nothing has changed then.
        """
        if change.is_empty:
            return False
        self._make(action, change, **content)
        return True

    def undo(self) -> bool:
        """Take the last act back; False where there is none."""
        if not self.history.done:
            return False
        act = self.history.done[-1]
        self._make(UNDO, act.change.inverted(), of=act.sequence)
        return True

    def redo(self) -> bool:
        """Make the act again that was taken back last; False where there is none."""
        if not self.history.undone:
            return False
        act = self.history.undone[-1]
        self._make(REDO, act.change, of=act.sequence)
        return True

    def note(self, action: str, **content: Any) -> None:
        """Log a decision that changes nothing on the image.

        Raises
        ------
        OSError
            If the disk doesn't take it.
        """
        self._begin()
        self.log.append(action, **content)

    def _begin(self) -> None:
        if not self.folder.is_begun:
            self._facts = self.folder.begin(self._facts, self.state.labels)

    def carry_over(self) -> None:
        """Say that the review is good for the image and options as they are now.

        Raises
        ------
        EditError
            If the image has another shape than the one that was reviewed.
        """
        if tuple(self._is_new.shape) != tuple(self._facts.shape):
            raise EditError(
                f"The image has the shape {tuple(self._is_new.shape)} now and had "
                f"{tuple(self._facts.shape)} when it was reviewed: the corrections don't fit it. "
                "Review it under another reader's name, or move this review out of review/: "
                f"{self.folder.folder}"
            )
        self.log.append(CARRY_OVER, fingerprint=self._is_new.fingerprint)
        self._good_for = self._is_new.fingerprint

    def _make(self, action: str, change: Change, **content: Any) -> None:
        self._begin()
        record = self.log.append(
            action, objects=change.objects(), **content, change=change.to_json()
        )
        with self._guard:
            self.state.apply(change)
        self.index.update(change)
        self.history.record(action, record["sequence"], change)
        self._autosave.notice()
        self.changed.emit(change)

    def save(self) -> None:
        """Write the label images as they are now, if they changed since."""
        with self._guard:
            sequence = self.log.records[-1]["sequence"] if self.log.records else 0
            if sequence == self._saved or not self.folder.is_begun:
                return
            labels = {name: held.copy() for name, held in self.state.labels.items()}
        self.folder.save(labels, sequence)
        self._saved = sequence

    def close(self) -> None:
        """Write what isn't written yet."""
        self._autosave.close()
