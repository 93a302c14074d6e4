"""Titles of a wide table of tumour measurements: which day and which measure a column holds."""

import re
from collections.abc import Mapping, Sequence

from .dates import looks_like_date, read_dates
from .errors import InputError

_MEASURE = r"(?P<what>length|width|height|volume|länge|breite|höhe|laenge|hoehe|l|w|b|h|v)"
_UNIT = r"(?:[ _.]*(?:[\(\[]\s*mm[3³]?\s*[\)\]]|mm[3³]?))?"
_DAY = r"(?:day|d|tag)?[ _.]*(?P<day>-?\d+(?:\.\d+)?)"
_DATE = r"(?P<date>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}\.?)"
_BETWEEN = r"[ _.,:-]*"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for when in (_DAY, _DATE)
    for form in (
        rf"(?:{_MEASURE}{_UNIT}{_BETWEEN})?{when}{_UNIT}",
        rf"{when}{_BETWEEN}{_MEASURE}{_UNIT}",
    )
)
_NAMES = {
    **dict.fromkeys("v", "volume_mm3"),
    **dict.fromkeys("l", "length_mm"),
    **dict.fromkeys("wb", "width_mm"),
    **dict.fromkeys("h", "height_mm"),
}


def wide_columns(
    name: str, titles: Sequence[str], taken: Sequence[str]
) -> tuple[dict[float, dict[str, str]], str]:
    """Give each day's columns of a wide table.

    Parameters
    ----------
    name : str
        The table, for errors.
    titles : sequence of str
        Its columns: ``day 7``, ``L day 7``, ``7 width (mm)``, ``18.05.2013`` …
    taken : sequence of str
        Columns that are something else.

    Returns
    -------
    columns : dict of float to dict of str to str
        Day to measure to title, in the order of days; empty where no title names a day.
    first : str
        The date of day 0 where titles are dates, else empty.

    Raises
    ------
    InputError
        If two columns are the same measure of the same day, titles name days and dates, or dates
        can't be read.
    """
    found = [(title, _parts(title)) for title in titles if title not in taken]
    named = [(title, parts) for title, parts in found if parts is not None]
    dated = [parts["when"] for _, parts in named if looks_like_date(parts["when"])]
    if dated and len(dated) < len(named):
        other = next(title for title, parts in named if not looks_like_date(parts["when"]))
        raise InputError(
            name,
            f"the columns name dates ({dated[0]!r}) and days ({other!r})",
            "name all of them by day or all of them by date",
        )
    days = _days(name, dated)
    columns: dict[float, dict[str, str]] = {}
    for title, parts in named:
        day = days[parts["when"]] if dated else float(parts["when"])
        _put(name, columns.setdefault(day, {}), parts["measure"], title, day)
    first = min(read_dates(dated).values()).isoformat() if dated else ""
    return dict(sorted(columns.items())), first


def _parts(title: str) -> Mapping[str, str] | None:
    """Give the measure and the day or date that a title names."""
    for form in _FORMS:
        match = form.fullmatch(title.strip())
        if match:
            held = match.groupdict()
            what = (held.get("what") or "v")[0].lower()
            return {"measure": _NAMES[what], "when": held.get("day") or held["date"]}
    return None


def _days(name: str, dated: Sequence[str]) -> dict[str, float]:
    """Count the days from the first date."""
    try:
        dates = read_dates(dated)
    except ValueError as error:
        remedy = "write the dates in the titles as 2013-05-18"
        raise InputError(name, f"a column's title: {error}", remedy) from error
    first = min(dates.values(), default=None)
    return {text: float((day - first).days) for text, day in dates.items() if first}


def _put(name: str, held: dict[str, str], measure: str, title: str, day: float) -> None:
    if measure in held:
        raise InputError(
            name,
            f"the columns {held[measure]!r} and {title!r} are both {measure} of day {day:g}",
            "keep one of them, or rename the other",
        )
    held[measure] = title
