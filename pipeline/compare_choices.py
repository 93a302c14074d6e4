"""What is compared in anybody's table, and how: the options of ``xenoquant compare``."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """Which columns of a table hold what.

    Attributes
    ----------
    value, group : str
        The values, or with `n` the groups' means; and the groups.
    unit : str or None
        The experimental unit; each row is one, if not given.
    pooled : str or None
        Pooled samples: a pool's name or True.
    n, sd, sem : str or None
        For a table of summaries, a row a group: its n, and its SD or its SEM.
    """

    value: str
    group: str
    unit: str | None = None
    pooled: str | None = None
    n: str | None = None
    sd: str | None = None
    sem: str | None = None

    @property
    def named(self) -> list[str]:
        """All columns that are asked for."""
        every = (self.value, self.group, self.unit, self.pooled, self.n, self.sd, self.sem)
        return [name for name in every if name]

    @property
    def summaries(self) -> bool:
        """Whether the table holds summaries and not single values."""
        return bool(self.n or self.sd or self.sem)


@dataclass(frozen=True)
class Choices:
    """What is run on a table, and how; see `stats.compare.compare_groups` for each.

    Attributes
    ----------
    reference : str or None
        The group that the others are compared with.
    tests : sequence of str or None
        Tests to run instead of the default ones.
    alpha : float
        The level of significance.
    alternative : {"two-sided", "less", "greater"}
        The side of the tests that have one.
    margin : float or None
        The margin of an equivalence test, in the units of the values.
    per : float
        An odds ratio is per so much of the value.
    aggregate : bool
        Average the rows of a unit first.
    rows_are_units : bool
        Count every row, though units repeat.
    """

    reference: str | None = None
    tests: Sequence[str] | None = None
    alpha: float = 0.05
    alternative: str = "two-sided"
    margin: float | None = None
    per: float = 1.0
    aggregate: bool = False
    rows_are_units: bool = False
