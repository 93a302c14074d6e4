"""Dates and days as labs write them, in cells and in titles."""

from datetime import date

import pytest

from xenoquant.pipeline.dates import read_dates
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.growth_titles import wide_columns

MAY_18, JUNE_1 = date(2013, 5, 18), date(2013, 6, 1)


@pytest.mark.parametrize(
    "texts",
    [
        ("2013-05-18", "2013-06-01"),
        ("2013-05-18 00:00:00", "2013-6-1"),
        ("18.05.2013", "1.6.2013"),
        ("18.5.13", "01.06.13"),
        ("18/05/2013", "01/06/2013"),
        ("5/18/2013", "6/1/2013"),
    ],
)
def test_one_hand_writes_one_form(texts):
    """Authority: the calendar; a number above 12 tells the day from the month."""
    assert list(read_dates(texts).values()) == [MAY_18, JUNE_1]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("05/06/2013", "07/06/2013"), "day/month or month/day"),
        (("31.02.2013",), "no calendar"),
        (("18/05/2013", "5/18/2013"), "no calendar"),
    ],
)
def test_dates_that_leave_a_doubt_are_refused(texts, reason):
    with pytest.raises(ValueError, match=reason):
        read_dates(texts)


@pytest.mark.parametrize(
    "titles",
    [
        ("L day 7", "W day 7", "L day 10", "W day 10"),
        ("day 7 L", "day 7 W", "day 10 L", "day 10 W"),
        ("Länge (mm) Tag 7", "Breite (mm) Tag 7", "Länge (mm) Tag 10", "Breite (mm) Tag 10"),
        ("d7_length_mm", "d7_width_mm", "d10_length_mm", "d10_width_mm"),
    ],
)
def test_titles_of_calipers_by_day(titles):
    """Definition: each title names a measure and a day, in either order."""
    found, first = wide_columns("t", titles, ())
    assert [list(held) for held in found.values()] == [["length_mm", "width_mm"]] * 2
    assert list(found) == [7.0, 10.0]
    assert first == ""


def test_titles_that_are_dates_are_counted_from_the_first():
    """Authority: the calendar, 14 days from 18 May to 1 June."""
    found, first = wide_columns("t", ("01.06.2013", "18.05.2013", "Maus"), ("Maus",))
    assert found == {0.0: {"volume_mm3": "18.05.2013"}, 14.0: {"volume_mm3": "01.06.2013"}}
    assert first == "2013-05-18"
    with pytest.raises(InputError, match=r"dates .* and days"):
        wide_columns("t", ("18.05.2013", "day 7"), ())
