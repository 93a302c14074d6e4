"""Rows of problems.csv: inputs that failed, with the reason and what to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from .errors import InputError

if TYPE_CHECKING:
    from .samples import Sample


@dataclass(frozen=True, order=True)
class ProblemRow:
    """One input that failed.

    Attributes
    ----------
    assay, image : str
        The input; image is empty where the problem is the whole assay's.
    stage : str
        Where it failed: read, measure, store, calibrate, classify, draw or compare.
    error : str
        What failed, what was expected and what came.
    remedy : str
        What the user can do about it.
    """

    assay: str
    image: str
    stage: str
    error: str
    remedy: str


class RefusedTable(InputError):
    """A table that can't be used as a whole, with whatever else is wrong with its rows.

    Parameters
    ----------
    path, reason, remedy : str
        As `InputError`.
    rows : sequence of ProblemRow
        The rows that were found wrong before it was refused.
    """

    def __init__(
        self, path: str, reason: str, remedy: str, rows: Sequence[ProblemRow] = ()
    ) -> None:
        super().__init__(path, reason, remedy)
        self.rows = tuple(rows)


def problem_table(rows: Iterable[ProblemRow]) -> pd.DataFrame:
    """Give problems as the table of problems.csv, in a fixed order, each once."""
    columns = [item.name for item in fields(ProblemRow)]
    return pd.DataFrame([astuple(row) for row in sorted(set(rows))], columns=columns)


MOST_TILES_LISTED = 20


def bad_tile_rows(sample: "Sample", tiles: Sequence[Mapping[str, Any]]) -> list[ProblemRow]:
    """Give a row for each tile of a slide that couldn't be decoded; of very many, the first.

    Parameters
    ----------
    sample : Sample
        The slide's row of the sheet.
    tiles : sequence of mapping
        ``region`` (top, left, height, width in pixels) and ``reason`` of each.

    Returns
    -------
    list of ProblemRow
    """
    remedy = "copy the slide again, or export it again from the scanner"
    rows = []
    for tile in tiles[:MOST_TILES_LISTED]:
        top, left, height, width = tile["region"]
        text = (
            f"the tile of {width} × {height} pixels at x {left}, y {top} can't be decoded "
            f"({tile['reason']}); the rest of the slide was measured"
        )
        rows.append(ProblemRow(sample.assay, sample.image, "measure", text, remedy))
    more = len(tiles) - len(rows)
    if more > 0:
        text = f"{more} more tiles can't be decoded; the rest of the slide was measured"
        rows.append(ProblemRow(sample.assay, sample.image, "measure", text, remedy))
    return rows
