"""Merged cells of a sheet, read as a person does: titles above, headings of two rows, groups."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?")
Rows = list[tuple[int, list[str]]]


class Area(NamedTuple):
    """A merged area of a sheet; rows and columns are counted from 1, ends included."""

    top: int
    bottom: int
    left: int
    right: int


def spread_merged(rows: Rows, areas: Sequence[Area]) -> Rows:
    """Fill merged cells, leave out a title above the table, and join a heading of two rows.

    Parameters
    ----------
    rows : list of (int, list of str)
        The sheet's rows that hold anything, with their numbers; all of one length.
    areas : sequence of Area
        The sheet's merged areas.

    Returns
    -------
    list of (int, list of str)
        The first is the header: of two rows the titles are joined, ``day 7`` over ``L`` and ``W``
        being ``day 7 L`` and ``day 7 W``. Cells below it that were merged across rows all hold the
        text of the first.

    Examples
    --------
    >>> rows = [(1, ["mouse", "day 7", ""]), (2, ["", "L", "W"]), (3, ["m1", "9", "7"])]
    >>> spread_merged(rows, [Area(1, 1, 2, 3), Area(1, 2, 1, 1)])[0]
    (2, ['mouse', 'day 7 L', 'day 7 W'])
    """
    rows = _without_titles(rows, areas)
    if not rows:
        return rows
    double = _is_double(rows, areas)
    filled = _filled(rows, areas)
    if not double:
        # One row names the columns; a name over several columns stays with the first of them.
        return [rows[0], *filled[1:]]
    (_, first), (number, second) = filled[:2]
    titles = [
        " ".join(dict.fromkeys(text for text in pair if text))
        for pair in zip(first, second, strict=True)
    ]
    return [(number, titles), *filled[2:]]


def _without_titles(rows: Rows, areas: Sequence[Area]) -> Rows:
    """Leave out rows above the table that hold one text alone: what the table is of."""
    start = 0
    while start + 1 < len(rows) and sum(map(bool, rows[start][1])) == 1 and _wider(rows, start):
        start += 1
    return rows[start:]


def _wider(rows: Rows, start: int) -> bool:
    return any(sum(map(bool, cells)) > 1 for _, cells in rows[start + 1 :])


def _is_double(rows: Rows, areas: Sequence[Area]) -> bool:
    """Tell whether the first two rows name the columns together.

    A name lies across several columns, below it stand names and no numbers, and every other
    column is named in one of the two rows.
    """
    if len(rows) < 2 or rows[1][0] != rows[0][0] + 1:
        return False
    (number, first), (_, second) = rows[:2]
    across = [area for area in areas if area.top == number and area.right > area.left]
    if not across or any(area.bottom > number + 1 for area in across):
        return False
    below = [column for area in across for column in range(area.left - 1, area.right)]
    below = [column for column in below if column < len(second)]
    named = all(second[column] and not _NUMBER.fullmatch(second[column]) for column in below)
    others = [column for column in range(len(first)) if column not in below]
    return named and not any(first[column] and second[column] for column in others)


def _filled(rows: Rows, areas: Sequence[Area]) -> Rows:
    """Let every cell of a merged area say what its first cell says."""
    held = {number: list(cells) for number, cells in rows}
    for area in areas:
        first = held.get(area.top)
        if first is None or area.left > len(first):
            continue
        text = first[area.left - 1]
        for number in range(area.top, area.bottom + 1):
            cells = held.get(number)
            if cells is not None and text:
                cells[area.left - 1 : area.right] = [text] * len(cells[area.left - 1 : area.right])
    return list(held.items())
