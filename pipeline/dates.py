"""Dates as labs write them, in one column or in a row of titles."""

import re
from collections.abc import Iterable
from datetime import date

_ISO = re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ]00:00(?::00)?)?")
_DOTTED = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4}|\d{2})\.?")
_SLASHED = re.compile(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4}|\d{2})")
_MONTHS = 12
_CENTURY = 2000  # of years written with two digits


def looks_like_date(text: str) -> bool:
    """Tell whether a text has the form of a date.

    Examples
    --------
    >>> looks_like_date("18.05.2013"), looks_like_date("18.05")
    (True, False)
    """
    return any(form.fullmatch(text.strip()) for form in (_ISO, _DOTTED, _SLASHED))


def read_dates(texts: Iterable[str]) -> dict[str, date]:
    """Read dates that were written by one hand: 2013-05-18, 18.05.2013, 18/05/2013 or 5/18/2013.

    Parameters
    ----------
    texts : iterable of str
        What may be dates; the others are passed over.

    Returns
    -------
    dict of str to date
        By text.

    Raises
    ------
    ValueError
        If no calendar has a date, or if slashes leave open which number is the month: nowhere
        does one lie above 12.

    Examples
    --------
    >>> read_dates(["18.05.2013", "1.6.2013"])["1.6.2013"].isoformat()
    '2013-06-01'
    >>> read_dates(["5/18/2013", "6/1/2013"])["6/1/2013"].isoformat()
    '2013-06-01'
    """
    held = [text for text in dict.fromkeys(texts) if looks_like_date(text)]
    month_first = _month_first([m for text in held if (m := _SLASHED.fullmatch(text.strip()))])
    found = {}
    for text in held:
        bare = text.strip()
        match = _ISO.fullmatch(bare) or _DOTTED.fullmatch(bare)
        if match:
            parts = (match["y"], match["m"], match["d"])
        else:
            a, b, year = _SLASHED.fullmatch(bare).group("a", "b", "y")  # type: ignore[union-attr]
            parts = (year, a, b) if month_first else (year, b, a)
        found[text] = _date(text, *map(int, parts))
    return found


def _month_first(slashed: list[re.Match[str]]) -> bool:
    if not slashed:
        return False
    first = max(int(match["a"]) for match in slashed)
    second = max(int(match["b"]) for match in slashed)
    if first <= _MONTHS and second <= _MONTHS:
        raise ValueError(f"{slashed[0][0]!r} may be day/month or month/day")
    return first <= _MONTHS


def _date(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year + _CENTURY if year < 100 else year, month, day)
    except ValueError as error:
        raise ValueError(f"{text!r} is in no calendar") from error
