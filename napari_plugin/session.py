"""A reader's session over a study: the queue, the open image, blinding, and where it was left."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from psygnal import Signal

from ..imgproc.measurement import Measurement
from ..pipeline.errors import InputError, Problem, StudyError
from ..pipeline.readers import Image, split_reference
from ..pipeline.review_folder import SESSION_FILE, ImageFacts, reader_folder, readers_of
from ..pipeline.review_items import ReviewItem, load_review_study
from ..pipeline.review_log import ReviewLog
from ..pipeline.review_state import Change, ReviewState
from ..pipeline.reviews import program_measurement
from ..pipeline.slides import SlideImage
from ..pipeline.store import hash_file
from .blinding import UNNAMED, unnamed
from .image_review import ImageReview
from .queue import STATUSES, Order, image_folder, ordered, status_of
from .reader_lock import ReaderLock
from .settling import must_settle_alone, settled_labels


@dataclass(frozen=True)
class SessionOptions:
    """How a reader wants to review.

    Attributes
    ----------
    order : {"random", "uncertain"} or None
        None goes on with the order of the last session (random in the first).
    seed : int or None
        Of the random order; None goes on with the last session's, or draws one.
    assays : tuple of str
        Only these assays; all when empty.
    statuses : tuple of str
        Only images that are ``to do``, ``open``, ``accepted`` or ``rejected``; all when empty.
    blinded : bool
        Whether names, groups and earlier counts stay hidden.
    settle : tuple of str
        Two readers whose differences are to be settled; empty for a reading of one's own. The
        first is the one whose name comes first, however they were given.
    """

    order: Order | None = None
    seed: int | None = None
    assays: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    blinded: bool = True
    settle: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenImage:
    """The image on the screen: its item, pixels, the program's measurement, and its review.

    Of a whole slide, the pixels and `um_per_px` are those of its overview; `sheets` are the label
    images of its cells, by name, which stay on the disk.
    """

    item: ReviewItem
    image: Image
    program: Measurement
    review: ImageReview
    um_per_px: float | None
    sheets: Mapping[str, Path] = field(default_factory=dict)

    @property
    def is_slide(self) -> bool:
        """Whether it is a whole slide, which is measured by the next run alone."""
        return isinstance(self.image, SlideImage)


class Session:
    """A reader's session; only one at a time for each reader.

    Parameters
    ----------
    path : pathlib.Path
        The study.
    reader : str
        Who reviews.
    options : SessionOptions, optional
        How.

    Raises
    ------
    StudyError
        If the study has no results, the folder can't be written to, or the reader is at work
        already.
    """

    opened = Signal(object)
    """Emitted with the `OpenImage` after an image was opened."""
    unblinded = Signal()
    """Emitted when the reader lifts the blind."""

    def __init__(self, path: Path, reader: str, options: SessionOptions | None = None) -> None:
        options = options or SessionOptions()
        options = replace(options, settle=tuple(sorted(options.settle)))
        self.study = load_review_study(path, options.assays)
        self.reader, self.options = reader, options
        folder = reader_folder(self.study.study.folder, reader)
        self._check(options)
        self._lock = ReaderLock(folder)
        self.log = ReviewLog(folder / SESSION_FILE, reader)
        self.is_blinded = options.blinded
        self.current: OpenImage | None = None
        self._asked: tuple[str, str] | None = None
        self.order, self.seed = self._order()
        self.items = self._queue(options.assays, options.statuses)
        if not self.items:
            self._lock.release()
            expected = "an image of the assay and status that were asked for"
            remedy = "give another --assay or --status, or none"
            raise StudyError([Problem("xenoquant review", "", "no image", expected, remedy)])
        self._note("open_study", order=self.order, seed=self.seed, blinded=self.is_blinded)
        if not self.is_blinded:
            self._note("unblind", image=None)

    def _check(self, options: SessionOptions) -> None:
        problems = [
            Problem("--status", "", s, "one of " + ", ".join(STATUSES), "mend the name")
            for s in options.statuses
            if s not in STATUSES
        ]
        known = readers_of(self.study.study.folder)
        if options.settle and (len(set(options.settle)) != 2 or self.reader in options.settle):
            expected = "two readers, neither of whom is the one who settles"
            shown = ",".join(options.settle)
            problems.append(Problem("--settle", "", shown, expected, "as: --settle ann,bob"))
        problems += [
            Problem(
                "--settle", "", r, "a reader (" + (", ".join(known) or "none yet") + ")", "mend it"
            )
            for r in options.settle
            if r not in known
        ]
        if problems:
            raise StudyError(problems)

    def _order(self) -> tuple[Order, int]:
        """Give order and seed: as asked for, else as in the reader's last session."""
        sessions = [r for r in self.log.records if r["action"] == "open_study"]
        last: dict[str, Any] = sessions[-1] if sessions else {}
        order: Order = self.options.order or last.get("order", "random")
        seed = self.options.seed if self.options.seed is not None else last.get("seed")
        return order, int(seed) if seed is not None else secrets.randbelow(2**31)

    def _queue(self, assays: Sequence[str], statuses: Sequence[str]) -> list[ReviewItem]:
        """Give the images of these assays and statuses; to settle, those that both have read."""

        def is_wanted(item: ReviewItem) -> bool:
            return (
                (not assays or item.sample.assay in assays)
                and all(image_folder(self.study, r, item).is_begun for r in self.options.settle)
                and (not statuses or status_of(self.study, self.reader, item) in statuses)
            )

        return ordered(self.study, self.order, self.seed, is_wanted)

    def _note(self, action: str, **content: Any) -> None:
        """Log an act of the session.

        Raises
        ------
        StudyError
            If the disk doesn't take it.
        """
        try:
            self.log.append(action, **content)
        except OSError as error:
            remedy = "make the folder writable; without that no correction could be kept"
            reason = error.strerror or str(error)
            problem = Problem(str(self.log.file), "", reason, "a file to write to", remedy)
            raise StudyError([problem]) from error

    # ---- the queue

    @property
    def position(self) -> int:
        """The open image's place in the queue, from 0; −1 while it isn't in it."""
        return self._place_of(None if self.current is None else self.current.item.key)

    @property
    def asked(self) -> int:
        """The place of the image that was asked for last, whether or not it could be opened."""
        return self._place_of(self._asked)

    def _place_of(self, key: tuple[str, str] | None) -> int:
        return next((i for i, item in enumerate(self.items) if item.key == key), -1)

    def where_left(self) -> int:
        """Give the place of the image that was open last; else of the first that isn't judged."""
        last = next((r for r in reversed(self.log.records) if r["action"] == "open_image"), None)
        for place, item in enumerate(self.items):
            if last is not None and [item.sample.assay, item.sample.image] == last["image"]:
                return place
        return self.next_to_do(-1) or 0

    def filter(self, assays: Sequence[str], statuses: Sequence[str]) -> bool:
        """Keep only images of these assays and statuses in the queue (all where empty).

        Returns
        -------
        bool
            False where there is no such image; the queue stays as it was.
        """
        items = self._queue(assays, statuses)
        if items:
            self.items = items
        return bool(items)

    def next_to_do(self, after: int) -> int | None:
        """Give the next image, cyclically, that isn't accepted or rejected; None if all are."""
        count = len(self.items)
        for step in range(1, count + 1):
            place = (after + step) % count
            if self.status(place) in STATUSES[:2]:
                return place
        return None

    def status(self, place: int) -> str:
        """Give how far the reader has come with an image of the queue."""
        item = self.items[place]
        if self.current is not None and self.current.item.key == item.key:
            review = self.current.review
            return review.state.verdict.status if review.folder.is_begun else STATUSES[0]
        return status_of(self.study, self.reader, item)

    def title(self, place: int) -> str:
        """Name an image for the screen: its place in the queue while blinded."""
        if self.is_blinded:
            return f"Image {place + 1} of {len(self.items)}"
        sample = self.items[place].sample
        known = [sample.image, sample.animal, sample.group]
        return f"{place + 1} of {len(self.items)}: " + ", ".join(text for text in known if text)

    def words(self, text: str) -> str:
        """Give a message for the screen: while blinded, without the names of images."""
        return unnamed(text, self.study.items) if text and self.is_blinded else text

    # ---- images

    def load(self, place: int) -> OpenImage:
        """Read an image of the queue with its review; nothing on the screen changes yet.

        Raises
        ------
        InputError
            If the image or its review can't be read, the image changed since the last run, or
            the reader isn't one to settle it.
        """
        item = self.items[place]
        self._asked = item.key
        self._must_be_unchanged(item)
        image = item.assay.open(item.reference)
        program = program_measurement(self.study.store, item.assay, item.fingerprint)
        what = item.assay.corrects(program.profiles)
        if what is None:
            raise ValueError(f"{item.sample.assay} has no review")
        missing = [name for name in what.layers if name not in program.labels]
        if missing:
            reason = f"its measurement has no label images of {', '.join(missing)}"
            raise InputError("the image", reason, "run the study again")
        labels = {name: program.labels[name] for name in what.layers}
        shape = next(iter(labels.values())).shape
        own = image.pixels.shape[:2] if image.kind == "rgb" else image.pixels.shape[1:]
        if tuple(own) != tuple(shape):
            reason = f"its label images have the shape {shape}, what can be shown of it {own}"
            raise InputError("the image", reason, "run the study again")
        um_per_px = _shown_um_per_px(image, program)
        settles = self.options.settle
        facts = ImageFacts(*item.key, item.fingerprint, shape, um_per_px, settles)
        folder = image_folder(self.study, self.reader, item)
        first = None
        if settles and folder.is_begun:
            must_settle_alone(folder.facts(), self.reader, settles)
        elif settles:
            first = self.reading_of(self.options.settle[0], item)
            labels = settled_labels(first.labels)
        distance = getattr(item.assay, "cell_distance_um", 0.0)
        scale = um_per_px or program.notes.get("assumed_um_per_px")
        scale = scale or program.notes.get("um_per_px_used") or 0.5
        review = ImageReview(
            folder.folder,
            self.reader,
            facts,
            labels,
            what,
            cell_distance_px=float(distance) / scale,
        )
        if first is not None:
            given = Change(classes={n: (None, value) for n, value in first.classes.items()})
            review.do("settle_begin", given)
        sheets = self.study.store.sheets(item.fingerprint)
        return OpenImage(item, image, program, review, um_per_px, sheets)

    def reading_of(self, reader: str, item: ReviewItem) -> ReviewState:
        """Give what another reader made of an image, for settling.

        Raises
        ------
        InputError
            If it can't be read.
        """
        return image_folder(self.study, reader, item).load().state

    def _must_be_unchanged(self, item: ReviewItem) -> None:
        file, _ = split_reference(item.reference)
        name = UNNAMED if self.is_blinded else str(file)
        try:
            sha256 = hash_file(file)
        except OSError as error:
            reason = f"it can't be read: {error.strerror or error}"
            raise InputError(name, reason, "put the file where the sample sheet says") from error
        if sha256 != item.sha256:
            remedy = "run the study again, then review it"
            raise InputError(name, "the file changed since the last run", remedy)

    def show(self, opened: OpenImage) -> None:
        """Make a loaded image the open one."""
        self._leave()
        self._note("open_image", image=list(opened.item.key), blinded=self.is_blinded)
        self.current = opened
        self.opened.emit(opened)

    def open(self, place: int) -> OpenImage:
        """Load an image of the queue and make it the open one."""
        opened = self.load(place)
        self.show(opened)
        return opened

    def unblind(self) -> None:
        """Show names, groups and earlier counts from now on; the log says when."""
        if not self.is_blinded:
            return
        image = None if self.current is None else list(self.current.item.key)
        self._note("unblind", image=image)
        self.is_blinded = False
        self.unblinded.emit()

    def _leave(self) -> None:
        if self.current is not None:
            self.current.review.close()
            self._note("close_image", image=list(self.current.item.key))
            self.current = None

    def close(self) -> None:
        """Write what is left, and let another session of this reader in."""
        try:
            self._leave()
        finally:
            self._lock.release()


def _shown_um_per_px(image: Image, program: Measurement) -> float | None:
    """Give the pixel size of what is shown: of a whole slide, its overview's."""
    um_per_px: float | None = program.notes.get("um_per_px")
    if um_per_px is not None and isinstance(image, SlideImage):
        return um_per_px * image.reduced_by
    return um_per_px
