"""Errors that belong to a user's inputs: one bad file, or a study that can't run as written.

Neither is a defect of the program. An `InputError` becomes a row of ``problems.csv`` and the
other inputs are measured; a `StudyError` stops before any work with every problem it found.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

# A library that is fed broken bytes can fail with any of these, far from the cause. They are
# caught where a file is decoded, and nowhere else.
DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    ParseError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def sentence(text: str) -> str:
    """Give a text its full stop, unless it ends in one.

    Examples
    --------
    >>> sentence("the file is empty ")
    'the file is empty.'
    """
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def detail_of(error: BaseException) -> str:
    """Give a library's message on one line of bounded length.

    Examples
    --------
    >>> detail_of(ValueError("line one\\nline two"))
    'line one line two'
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


class InputError(Exception):
    """One input (an image, a table) that can't be used.

    Parameters
    ----------
    path : str
        The input, as the user named it.
    reason : str
        What failed: what was expected and what came.
    remedy : str
        What the user can do about it.

    Examples
    --------
    >>> print(InputError("lungs/a.jpg", "the file is empty", "copy it again from the camera"))
    lungs/a.jpg: the file is empty. Remedy: copy it again from the camera.
    """

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path = str(path)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: {sentence(self.reason)} Remedy: {sentence(self.remedy)}"

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        """Keep all parts when the error crosses from a worker process."""
        return type(self), (self.path, self.reason, self.remedy)


def refused_by_system(error: OSError) -> InputError:
    """Say in a user's words that the system refused a file: a full disk, a folder of others.

    Parameters
    ----------
    error : OSError
        What the system said.

    Returns
    -------
    InputError
        With the file, where the system names it.

    Examples
    --------
    >>> refused_by_system(OSError(28, "No space left on device", "out/figure.svg")).reason
    'No space left on device'
    """
    remedy = (
        "make room on the disk, make the folder writable or give another one, "
        "and run the same command again"
    )
    return InputError(str(error.filename or "a file"), error.strerror or str(error), remedy)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a study's files.

    Parameters
    ----------
    file : str
        The file it stands in, as the user named it.
    where : str
        The place in the file: a key, a row and column; empty for the whole file.
    value : str
        What was found there; empty when something is missing.
    expected : str
        What should stand there.
    remedy : str
        What the user can do about it.

    Examples
    --------
    >>> print(Problem("study.toml", "study.alpha", "5", "a number between 0 and 1", "write 0.05"))
    study.toml, study.alpha: found 5, expected a number between 0 and 1. Remedy: write 0.05.
    """

    file: str
    where: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}, {self.where}" if self.where else self.file
        found = f"found {self.value}, " if self.value else ""
        return f"{place}: {found}expected {sentence(self.expected)} Remedy: {sentence(self.remedy)}"


class StudyError(Exception):
    """A study that can't be run as written (exit status 2), with every problem found.

    Parameters
    ----------
    problems : iterable of Problem
        All that was found, in the order in which a reader should mend them.
    """

    exit_status = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found)
        self.problems = found

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        return f"{len(self.problems)} problems:\n{lines}"
