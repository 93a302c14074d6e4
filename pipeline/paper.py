"""The paper that xenoquant is modelled on: its reported numbers, and each claim recomputed.

The tables in ``data/jian2013`` say what is claimed and from which numbers; this module only carries
them to the statistics. A claim's ``kind`` names the function that recomputes it.
"""

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from ..stats.claims import Claim
from ..stats.recompute import PrintedGroup

if TYPE_CHECKING:
    import pandas as pd

_TABLES = ("groups", "numbers", "claims", "statements")


@dataclass(frozen=True)
class Paper:
    """What a paper reports.

    Attributes
    ----------
    groups, numbers, claims : pandas.DataFrame
        Text as printed, indexed by ``id``.
    statements : pandas.DataFrame
        A row a statement of a claim.
    """

    groups: "pd.DataFrame"
    numbers: "pd.DataFrame"
    claims: "pd.DataFrame"
    statements: "pd.DataFrame"

    def group(self, id: str) -> PrintedGroup:
        """Give a group with its mean and error as printed."""
        from ..stats.rounding import Printed

        row = self.groups.loc[id]
        return PrintedGroup(
            row["group"], int(row["n"]), Printed(row["mean"]), Printed(row["error"])
        )

    def number(self, id: str) -> float:
        """Give a number by its id."""
        return float(self.numbers.loc[id, "value"])


@dataclass(frozen=True)
class Entry:
    """A claim as the tables have it, with what it is recomputed from.

    Attributes
    ----------
    paper : Paper
        All tables.
    id : str
        Of the claim.
    """

    paper: Paper
    id: str

    def text(self, column: str) -> str:
        """A cell of the claim's row."""
        return str(self.paper.claims.loc[self.id, column])

    def names(self, column: str) -> list[str]:
        """A cell that lists ids or readings."""
        return [name for name in self.text(column).replace(";", " ").split() if name]

    @property
    def family(self) -> list[PrintedGroup]:
        """The groups of the experiment."""
        return [self.paper.group(id) for id in self.names("family")]

    @property
    def high(self) -> PrintedGroup:
        """The group that is claimed to lie higher."""
        return self.paper.group(self.text("high"))

    @property
    def low(self) -> PrintedGroup:
        """The group that is claimed to lie lower."""
        return self.paper.group(self.text("low"))

    @property
    def unit(self) -> str:
        """Unit of the claim's groups."""
        ids = [self.text("high") or self.text("low"), *self.names("family")]
        return str(self.paper.groups.loc[next(id for id in ids if id), "unit"])

    @property
    def threshold(self) -> float:
        """Which p is claimed to be below."""
        return float(self.text("threshold"))

    @property
    def readings(self) -> list[tuple[str, str]]:
        """What ± may be, each with the words of its assumption: none where it is printed."""
        kinds = self.names("readings")
        return [(kind, f"± as {kind}" if len(kinds) > 1 else "") for kind in kinds]

    @property
    def numbers(self) -> list[float]:
        """The numbers that the claim is made from."""
        return [self.paper.number(id) for id in self.names("family")]


def read_paper(name: str = "jian2013") -> Paper:
    """Read a paper's tables as they ship with the package.

    Parameters
    ----------
    name : str
        Folder in ``xenoquant.data``.

    Returns
    -------
    Paper
        Every cell as text.
    """
    import pandas as pd

    folder = resources.files("xenoquant.data") / name
    tables = {}
    for table in _TABLES:
        with (folder / f"{table}.csv").open(encoding="utf-8") as file:
            tables[table] = pd.read_csv(file, dtype=str, keep_default_na=False)
    indexed = {k: v if k == "statements" else v.set_index("id") for k, v in tables.items()}
    return Paper(**indexed)


def recompute(entry: Entry) -> Claim:
    """Recompute one claim.

    Parameters
    ----------
    entry : Entry
        The claim in its tables.

    Returns
    -------
    Claim
        With a row for each recomputation.

    Raises
    ------
    ValueError
        If the table names a kind of claim that nothing recomputes.
    """
    from .paper_facts import FACTS
    from .paper_tests import TESTS

    kinds = TESTS | FACTS
    kind = entry.text("kind")
    if kind not in kinds:
        raise ValueError(f"claim {entry.id!r} is of kind {kind!r}; known are {', '.join(kinds)}.")
    figure = entry.text("figure")
    parts = (entry.text("section"), f"Figure {figure}" if figure else "")
    return Claim(
        id=entry.id,
        claim=entry.text("claim"),
        where="; ".join(part for part in parts if part),
        reported=entry.text("reported"),
        note=entry.text("note"),
        rows=tuple(kinds[kind](entry)),
    )


def recompute_all(paper: Paper) -> list[Claim]:
    """Recompute every claim of a paper, in the order of its table.

    Parameters
    ----------
    paper : Paper
        Its tables.

    Returns
    -------
    list of Claim
        One a row of the table of claims.
    """
    return [recompute(Entry(paper, str(id))) for id in paper.claims.index]
