"""What the page of a table assay shows beside its features: curves, forests, tables of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
from markupsafe import Markup

from .report_claims import Claim
from .report_extra import Extra
from .report_tables import Table, plain_table
from .report_view import AssayView, StudyView
from .report_words import format_number


@dataclass(frozen=True)
class Exhibit:
    """One thing that a page shows: a figure, claims, tables, or some of them.

    Attributes
    ----------
    title : str
        Its heading.
    figure : markupsafe.Markup or None
        The figure.
    caption : str
        Below the figure.
    claims : list of Claim
        What it says.
    tables : list of Table
        Shown open.
    again : markupsafe.Markup or None
        The figure once more with other ids, where it leads on the first page.
    wide : bool
        The figure takes the page's width, with the rest below it and not beside it.
    """

    title: str
    figure: Markup | None = None
    caption: str = ""
    claims: list[Claim] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    again: Markup | None = None
    wide: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.figure or self.claims or self.tables)


@dataclass(frozen=True)
class Exhibits:
    """All that a page shows beside the features.

    Attributes
    ----------
    notes : list of str
        Sentences under the heading.
    before, after : list of Exhibit
        Shown above and below the features.
    folded : list of Table
        Further tables, folded with the others.
    lead : Exhibit or None
        What stands on the first page in place of the first feature's figure.
    claims : list of Claim
        Further lines on the first page.
    flags : list of (str, int)
        Flags of rows, with their counts.
    """

    notes: list[str] = field(default_factory=list)
    before: list[Exhibit] = field(default_factory=list)
    after: list[Exhibit] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    lead: Exhibit | None = None
    claims: list[Claim] = field(default_factory=list)
    flags: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Evidence:
    """What the exhibits of one assay are made from.

    Attributes
    ----------
    key : str
        Names the assay's part in the page.
    groups : sequence of str
        In their order.
    comparisons, animals : pandas.DataFrame
        The assay's rows of the study's tables.
    extra : mapping of str to pandas.DataFrame
        The assay's further tables.
    """

    study: StudyView
    assay: AssayView
    key: str
    groups: Sequence[str]
    comparisons: pd.DataFrame
    animals: pd.DataFrame
    extra: Extra


def exhibits_of(evidence: Evidence) -> Exhibits:
    """Make what an assay's page shows beside its features; nothing for a method without any."""
    from .report_agreement import agreement_exhibit
    from .report_blot import blot_exhibits
    from .report_clinical import clinical_exhibits
    from .report_growth import growth_exhibits
    from .report_iron import iron_exhibits
    from .report_qpcr import qpcr_exhibits

    makers: dict[str, Callable[[Evidence], Exhibits]] = {
        "blot": blot_exhibits,
        "clinical": clinical_exhibits,
        "growth": growth_exhibits,
        "iron": iron_exhibits,
        "qpcr": qpcr_exhibits,
    }
    maker = makers.get(evidence.assay.method)
    found = Exhibits() if maker is None else maker(evidence)
    agreement = agreement_exhibit(evidence)
    return found if agreement is None else replace(found, after=[*found.after, agreement])


def filled(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Leave out what is empty."""
    return [exhibit for exhibit in exhibits if not exhibit.is_empty]


def held_tables(tables: Sequence[Table | None]) -> list[Table]:
    """Leave out tables without rows."""
    return [table for table in tables if table is not None and table.rows]


def flag_counts(extra: Extra) -> list[tuple[str, int]]:
    """Count the flags of an assay's rows, most frequent first."""
    if "flags" not in extra:
        return []
    counts = extra["flags"]["flag"].value_counts()
    return sorted(((str(flag), int(n)) for flag, n in counts.items()), key=lambda f: (-f[1], f[0]))


def flag_table(evidence: Evidence) -> Table | None:
    """Lay out the flagged rows of an assay's table."""
    if "flags" not in evidence.extra:
        return None
    columns = {
        "row": ("Row", format_number),
        "animal": ("Animal", str),
        "day": ("Day", format_number),
        "flag": ("Flag", str),
        "detail": ("Detail", str),
    }
    caption = "Rows with a flag: used as they are"
    return plain_table(f"{evidence.key}-flags", caption, evidence.extra["flags"], columns)
