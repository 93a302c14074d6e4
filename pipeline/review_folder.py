"""The files of one reader's review of one image: where it began, its log, its labels now."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..imgproc.corrected import NOT_ASSESSABLE
from .errors import InputError, Problem, StudyError
from .review_log import read_log
from .review_state import Change, ReviewState
from .writers import write_json, write_labels

REVIEW_FOLDER = "review"
LOG_FILE, SESSION_FILE = "log.jsonl", "session.jsonl"
CARRY_OVER = "carry_over"
_FACTS, _SNAPSHOT = "image.json", "labels.json"
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


def reader_folder(study_folder: Path, reader: str) -> Path:
    """Give the folder of a reader's work.

    Raises
    ------
    StudyError
        If the name can't be the name of a folder everywhere.
    """
    if not _NAME.fullmatch(reader) or reader.endswith("."):
        expected = "a name of letters, digits, '-', '_' and '.', beginning with a letter or digit"
        problem = Problem("--reader", "", repr(reader), expected, "give such a name, as: ann")
        raise StudyError([problem])
    return study_folder / REVIEW_FOLDER / reader


def readers_of(study_folder: Path) -> list[str]:
    """Name the readers who have reviewed anything, in the order of their names."""
    folder = study_folder / REVIEW_FOLDER
    if not folder.is_dir():
        return []
    return sorted(f.name for f in folder.iterdir() if f.is_dir() and _NAME.fullmatch(f.name))


@dataclass(frozen=True)
class ImageFacts:
    """What a review of an image began from.

    Attributes
    ----------
    assay, image : str
        As in the sample sheet.
    fingerprint : str
        Of the program's measurement: image bytes, options, version.
    shape : tuple of int
        Height and width of the label images.
    um_per_px : float or None
        Pixel size.
    settles : tuple of str
        The readers whose differences it settles; empty for a reading of one's own.
    checks : dict of str to str
        Check sum of each label image as it was at the beginning.
    """

    assay: str
    image: str
    fingerprint: str
    shape: tuple[int, ...]
    um_per_px: float | None = None
    settles: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedReview:
    """A review as it stands on disk.

    Attributes
    ----------
    facts : ImageFacts
        What it began from.
    state : ReviewState
        Labels, classes and verdict after the last act.
    records : tuple of dict
        The log.
    messages : tuple of str
        What could not be read, and what was done about it.
    fingerprint : str
        Of the measurement that the review is good for: the one it began from, or the one that
        the reader carried it over to.
    """

    facts: ImageFacts
    state: ReviewState
    records: tuple[dict[str, Any], ...]
    messages: tuple[str, ...]
    fingerprint: str


def good_for(facts: ImageFacts, records: Sequence[Mapping[str, Any]]) -> str:
    """Give the fingerprint that a review is good for: its first, or the last it was carried to."""
    carried = [record["fingerprint"] for record in records if "fingerprint" in record]
    return str(carried[-1]) if carried else facts.fingerprint


class ImageFolder:
    """The folder ``review/<reader>/<assay>/<image>/``.

    ``base/`` holds the label images that the review began from and ``log.jsonl`` every act since:
    together they give the state at any time, whatever becomes of ``results/``. ``labels/`` holds
    the label images as they are now, for people and for a quick opening; they follow the log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def all_facts(top: Path) -> Iterator[Path]:
        """Give the file of facts of every review that has begun in or under a folder."""
        return top.rglob(_FACTS)

    @property
    def log_file(self) -> Path:
        """The log."""
        return self.folder / LOG_FILE

    @property
    def is_begun(self) -> bool:
        """Whether a review has begun here."""
        return (self.folder / _FACTS).is_file()

    def begin(self, facts: ImageFacts, labels: Mapping[str, np.ndarray]) -> ImageFacts:
        """Keep the label images that a review begins from; the facts are written last."""
        checks = {name: _check(held) for name, held in labels.items()}
        facts = ImageFacts(**{**asdict(facts), "checks": checks})
        for name, held in labels.items():
            write_labels(self.folder / "base" / f"{name}.tif", held, um_per_px=facts.um_per_px)
        write_json(self.folder / _FACTS, asdict(facts))
        return facts

    def facts(self) -> ImageFacts:
        """Read what the review began from.

        Raises
        ------
        InputError
            If it can't be read.
        """
        file = self.folder / _FACTS
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            return ImageFacts(
                **{**held, "shape": tuple(held["shape"]), "settles": tuple(held["settles"])}
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            remedy = "bring the file back from a copy; nothing in the folder was changed"
            raise InputError(str(file), f"the review can't be read: {error}", remedy) from error

    def digest(self) -> str:
        """Give a check of all that the review holds, to tell whether anything was done since."""
        import hashlib

        content = (self.folder / _FACTS).read_bytes()
        content += self.log_file.read_bytes() if self.log_file.exists() else b""
        return hashlib.sha256(content).hexdigest()

    def load(self) -> LoadedReview:
        """Read the review: the saved labels, and the acts since; or all acts from the beginning.

        Raises
        ------
        InputError
            If what it began from can't be read.
        """
        facts = self.facts()
        log = read_log(self.log_file)
        labels, since, messages = self._labels(facts)
        state = ReviewState(labels)
        damaged = list(log.messages)
        for record in log.records:
            if "change" not in record:
                continue
            try:
                change = Change.from_json(record["change"])
                if record["sequence"] <= since:
                    change = Change(classes=change.classes, verdict=change.verdict)
                state.apply(change)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                damaged.append(
                    f"{self.log_file}: act {record['sequence']} can't be made: {error}; it is "
                    "left out, the line stays as it is"
                )
        return LoadedReview(
            facts, state, log.records, (*messages, *damaged), good_for(facts, log.records)
        )

    def _labels(self, facts: ImageFacts) -> tuple[dict[str, np.ndarray], int, list[str]]:
        """Give label images, the number of the last act in them, and what was wrong."""
        saved = _json(self.folder / _SNAPSHOT)
        foreign: list[str] = []
        if saved is not None:
            files = {name: self.folder / "labels" / f"{name}.tif" for name in facts.checks}
            there = {name: _read(file) for name, file in files.items() if file.exists()}
            checks = {n: None if held is None else _check(held) for n, held in there.items()}
            foreign = [n for n, check in checks.items() if check not in _known(saved, n)]
            if not foreign and len(there) == len(files):
                held = {name: array for name, array in there.items() if array is not None}
                is_whole = checks == saved["checks"]
                return held, int(saved["sequence" if is_whole else "before_sequence"]), []
        base = {name: _read(self.folder / "base" / f"{name}.tif") for name in facts.checks}
        for name, array in base.items():
            if array is None or _check(array) != facts.checks[name]:
                file = self.folder / "base" / f"{name}.tif"
                reason = "the labels that the review began from are missing or changed"
                if array is not None and array.shape != tuple(facts.shape):
                    reason += f": their shape is {array.shape}, not {tuple(facts.shape)}"
                remedy = "bring the file back from a copy; nothing in the folder was changed"
                raise InputError(str(file), reason, remedy)
        messages = [
            f"{self.folder / 'labels' / name}.tif is not what was saved there; the labels are made "
            "anew from the log, and that file is kept aside"
            for name in foreign
        ]
        return {name: array for name, array in base.items() if array is not None}, 0, messages

    def save(self, labels: Mapping[str, np.ndarray], sequence: int) -> None:
        """Write the label images as they are after an act, each whole or not at all.

        Their check sums are written before them, beside those of the ones they replace, so that a
        crash between two of them is told from a file that somebody else put there.
        """
        there, since = self._on_disk(tuple(labels))
        checks = {name: _check(held) for name, held in labels.items()}
        content = {
            "sequence": sequence,
            "checks": checks,
            "before_sequence": since,
            "before_checks": there,
        }
        write_json(self.folder / _SNAPSHOT, content)
        um_per_px = self.facts().um_per_px
        for name, held in labels.items():
            if there.get(name) != checks[name]:
                file = self.folder / "labels" / f"{name}.tif"
                write_labels(file, held, um_per_px=um_per_px)

    def _on_disk(self, names: tuple[str, ...]) -> tuple[dict[str, str], int]:
        """Give check sums of the saved labels, and the number of an act that all of them hold.

        Files that somebody else put in their place are moved out of the way.
        """
        saved = _json(self.folder / _SNAPSHOT)
        there: dict[str, str] = {}
        for name in names:
            file = self.folder / "labels" / f"{name}.tif"
            if not file.exists():
                continue
            array = _read(file)
            check = None if array is None else _check(array)
            if saved is not None and check in _known(saved, name):
                there[name] = str(check)
            else:
                number = len(list(file.parent.glob(f"{name}.aside-*.tif"))) + 1
                file.rename(file.with_name(f"{name}.aside-{number}.tif"))
        if saved is None or len(there) < len(names):
            return there, 0
        is_whole = all(there[name] == saved["checks"].get(name) for name in names)
        return there, int(saved["sequence" if is_whole else "before_sequence"])


def begin_labels(program: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the label images that a review begins from: the program's, and nothing unassessable."""
    labels = {name: np.ascontiguousarray(held, np.int32) for name, held in program.items()}
    shape = next(iter(labels.values())).shape
    labels.setdefault(NOT_ASSESSABLE, np.zeros(shape, np.int32))
    return labels


def _known(saved: Mapping[str, Any], name: str) -> tuple[str | None, ...]:
    held = saved.get("checks", {}), saved.get("before_checks", {})
    return tuple(checks[name] for checks in held if name in checks)


def _check(labels: np.ndarray) -> str:
    flat = np.ascontiguousarray(labels, np.int32)
    return f"{'x'.join(map(str, flat.shape))}-{zlib.crc32(flat.tobytes()):08x}"


def _json(file: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) and "checks" in held else None


def _read(file: Path) -> np.ndarray | None:
    """Read a label image; None where it isn't there or isn't one."""
    import tifffile

    try:
        labels = tifffile.imread(file)
    except Exception:  # whatever a decoder raises on a damaged file: the log has what it held
        return None
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        return None
    return np.ascontiguousarray(labels, np.int32)
