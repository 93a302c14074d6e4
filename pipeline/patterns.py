"""Patterns: how file names say which animal, group and field an image is of."""

import re
from dataclasses import dataclass

from .errors import Problem, StudyError

PLACEHOLDERS = ("assay", "group", "animal", "field", "lobe", "view", "batch", "role")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Pattern:
    """One pattern, such as ``{group}/{animal}_{field}.tif``.

    Attributes
    ----------
    text : str
        As it was given.
    expression : re.Pattern
        What a path has to look like from its end.
    """

    text: str
    expression: re.Pattern[str]

    def match(self, path: str) -> dict[str, str] | None:
        """Give what a path says, or None if it doesn't fit.

        Parameters
        ----------
        path : str
            A path with forward slashes; folders before the pattern's own don't matter.
        """
        found = self.expression.search(path)
        if found is None:
            return None
        return {name: value.strip() for name, value in found.groupdict().items()}


def compile_pattern(text: str) -> Pattern:
    """Read a pattern.

    A placeholder stands for one or more characters of a folder or file name, the shortest that
    fit. ``*`` stands for any characters of a name. The file's extension may be left out.

    Parameters
    ----------
    text : str
        The pattern.

    Returns
    -------
    Pattern
        The pattern, ready to match.

    Raises
    ------
    StudyError
        If it names something that isn't a column, names one twice, or names nothing.

    Examples
    --------
    >>> compile_pattern("{group}/{animal}_{field}.tif").match("if/3.5 ppm/m07_2.tif")
    {'group': '3.5 ppm', 'animal': 'm07', 'field': '2'}
    """
    names = _PLACEHOLDER.findall(text)
    wrong = [name for name in names if name not in PLACEHOLDERS]
    if wrong or not names or len(set(names)) != len(names):
        expected = "each of " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS) + " at most once"
        remedy = "write for example: --pattern '{group}/{animal}_{field}.tif'"
        raise StudyError([Problem("--pattern", "", repr(text), expected, remedy)])
    pieces = re.split(r"(\{[^{}]*\}|\*)", text.strip("/"))
    body = "".join(_piece(piece) for piece in pieces)
    extension = "" if re.search(r"\.[A-Za-z0-9]{2,5}$", text) else r"(?:\.[^/]*)?"
    return Pattern(text, re.compile(rf"(?:^|/){body}{extension}$", re.IGNORECASE))


def _piece(piece: str) -> str:
    if piece == "*":
        return "[^/]*?"
    if piece.startswith("{"):
        return f"(?P<{piece[1:-1]}>[^/]+?)"
    return re.escape(piece)
