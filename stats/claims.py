"""What a paper's claim comes to once its own numbers are recomputed.

A claim is held against one or several recomputations, each under a stated assumption (± is a SEM;
two sides; Tukey in place of Newman-Keuls). The verdict follows from them by rule and not by
opinion: it holds when every one supports it, and under some assumptions when only some do.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Support = Literal[
    "yes",
    "no",
    "one-sided",
    "one-sided as printed",
    "one-sided if rounded",
    "as printed",
    "if rounded",
    "",
    "contradicted",
]
"""Whether a recomputation supports its claim.

"one-sided": with one side only. "as printed": at the printed numbers, but not over all that their
rounding allows; "if rounded": not at the printed numbers, but somewhere within their rounding;
either may be with one side only.
"contradicted": another number or statement of the paper says otherwise. Empty: it decides nothing.
"""

Verdict = Literal["holds", "holds only under", "does not hold", "inconsistent", "cannot be tested"]

VERDICTS: tuple[Verdict, ...] = (
    "holds",
    "holds only under",
    "does not hold",
    "inconsistent",
    "cannot be tested",
)

CLAIM_COLUMNS = (
    "id",
    "claim",
    "where",
    "reported",
    "assumption",
    "test",
    "statistic",
    "df",
    "p_two_sided",
    "p_one_sided",
    "p_low",
    "p_high",
    "effect_name",
    "effect",
    "ci_low",
    "ci_high",
    "supports",
    "verdict",
    "condition",
    "note",
    "claim_note",
)
"""Columns of claims.csv: a row a recomputation; the verdict is the claim's, on each of its rows."""

TEST_LABELS = {
    "student_t": "Student's t",
    "welch_t": "Welch's t",
    "one_sample_t": "one-sample t",
    "anova": "ANOVA",
    "welch_anova": "Welch's ANOVA",
    "newman_keuls": "Newman-Keuls",
    "tukey_hsd": "Tukey",
    "wilcoxon": "Wilcoxon",
    "negative_binomial": "negative binomial",
    "z_interval": "normal interval",
    "t_interval": "Student's t interval",
    "grim": "GRIM",
    "grimmer": "GRIMMER",
    "sprite": "SPRITE",
    "poisson_spread": "spread against Poisson",
    "sample_size": "sample size",
    "arithmetic": "arithmetic",
    "statements": "statements side by side",
    "normal_model": "normal distributions",
}
"""How a test is named to a reader."""


@dataclass(frozen=True, kw_only=True)
class Recomputation:
    """One recomputation of a claim under one assumption.

    Attributes
    ----------
    assumption : str
        Under what it was made; reads on from "holds only under".
    test : str
        What was computed; a key of `TEST_LABELS`, empty where nothing could be.
    statistic, df : float, str
        The test's own.
    p_two_sided, p_one_sided : float
        One side is the claimed one.
    p_low, p_high : float
        The range of the two-sided p that the rounding of the printed numbers allows.
    effect_name : str
        What the effect is, with its unit.
    effect, ci_low, ci_high : float
        The effect and its 95 % interval.
    supports : str
        See `Support`.
    note : str
        What a reader can do with it.
    """

    assumption: str = ""
    test: str = ""
    statistic: float = math.nan
    df: str = ""
    p_two_sided: float = math.nan
    p_one_sided: float = math.nan
    p_low: float = math.nan
    p_high: float = math.nan
    effect_name: str = ""
    effect: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    supports: Support = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of a paper with all its recomputations.

    Attributes
    ----------
    id : str
        Stable short name.
    claim : str
        What is claimed, in the words of this project.
    where : str
        Section and figure of the paper.
    reported : str
        The numbers it gives.
    note : str
        What a reader should know of the claim as a whole.
    rows : tuple of Recomputation
        In the order in which they are to be read; at least one.
    """

    id: str
    claim: str
    where: str
    reported: str
    note: str = ""
    rows: tuple[Recomputation, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"claim {self.id!r} has no recomputation; say at least why.")

    @property
    def verdict(self) -> Verdict:
        """By rule from the rows; see `judge`."""
        return judge(self.rows)[0]

    @property
    def condition(self) -> str:
        """What the claim hangs on, where it holds only under it."""
        return judge(self.rows)[1]

    @property
    def sentence(self) -> str:
        """Verdict and condition, as a reader gets them."""
        return f"{self.verdict} {self.condition}".strip()


def support(
    p: float,
    p_low: float,
    p_high: float,
    *,
    threshold: float,
    p_one_sided: float = math.nan,
    claimed_direction: bool = True,
) -> Support:
    """Whether a p-value supports a claim of p below a threshold.

    Parameters
    ----------
    p : float
        Two-sided, at the printed numbers.
    p_low, p_high : float
        The range of the two-sided p that their rounding allows; on the claimed side half of it.
    threshold : float
        Which p is claimed to be below.
    p_one_sided : float
        On the claimed side; missing where the test has no sides.
    claimed_direction : bool
        Whether the difference lies as claimed.

    Returns
    -------
    str
        See `Support`.

    Examples
    --------
    >>> support(0.047, 0.043, 0.052, threshold=0.05)
    'as printed'
    >>> support(0.092, 0.091, 0.093, threshold=0.05, p_one_sided=0.046)
    'one-sided'
    >>> support(0.00384, 0.00328, 0.00449, threshold=0.002, p_one_sided=0.00192)
    'one-sided as printed'
    """
    if not claimed_direction:
        return "no"
    if p < threshold:
        return "as printed" if p_high >= threshold else "yes"
    if p_low < threshold:
        return "if rounded"
    if p_one_sided < threshold:
        return "one-sided" if p_high / 2 < threshold else "one-sided as printed"
    one_side_tested = not math.isnan(p_one_sided)
    return "one-sided if rounded" if one_side_tested and p_low / 2 < threshold else "no"


def judge(rows: Sequence[Recomputation]) -> tuple[Verdict, str]:
    """Verdict of a claim and what it hangs on.

    Parameters
    ----------
    rows : sequence of Recomputation
        Of one claim.

    Returns
    -------
    tuple of str
        Verdict, and the condition where it holds only under one.

    Notes
    -----
    Rows that decide nothing are passed over. A single contradiction makes a claim inconsistent,
    whatever else it has. It holds when all rows support it outright.

    Examples
    --------
    >>> sem = Recomputation(assumption="± as SEM", test="student_t", supports="no")
    >>> sd = Recomputation(assumption="± as SD", test="student_t", supports="yes")
    >>> judge([sem, sd])
    ('holds only under', '± as SD')
    """
    deciding = [row for row in rows if row.supports]
    if not deciding:
        return "cannot be tested", ""
    if any(row.supports == "contradicted" for row in deciding):
        return "inconsistent", ""
    if all(row.supports == "yes" for row in deciding):
        return "holds", ""
    if all(row.supports == "no" for row in deciding):
        return "does not hold", ""
    # what supports the claim outright is named first
    ordered = sorted(deciding, key=lambda row: row.supports != "yes")
    assumptions = dict.fromkeys(row.assumption for row in ordered)
    parts = [
        _condition(name, [row for row in deciding if row.assumption == name])
        for name in assumptions
    ]
    return "holds only under", "; or ".join(part for part in parts if part)


_AT_PRINT = "(at the printed numbers, not over all of their rounding)"
_IN_ROUNDING = "(not at the printed numbers, but within their rounding)"

_CONDITIONS: tuple[tuple[Support, str], ...] = (
    ("yes", "{}"),
    ("as printed", f"{{}} {_AT_PRINT}"),
    ("if rounded", f"{{}} {_IN_ROUNDING}"),
    ("one-sided", "one-sided {}"),
    ("one-sided as printed", f"one-sided {{}} {_AT_PRINT}"),
    ("one-sided if rounded", f"one-sided {{}} {_IN_ROUNDING}"),
)


def _condition(assumption: str, rows: Sequence[Recomputation]) -> str:
    """What one assumption needs besides, or nothing if none of its rows supports the claim."""
    if all(row.supports == "yes" for row in rows):
        return assumption
    parts = []
    for kind, words in _CONDITIONS:
        tests = [TEST_LABELS.get(row.test, row.test) for row in rows if row.supports == kind]
        if tests:
            parts.append(words.format(" or ".join(dict.fromkeys(tests))))
    if not parts:
        return ""
    together = ", or ".join(parts)
    return f"{assumption} with {together}" if assumption else together


def claims_table(claims: Iterable[Claim]) -> "pd.DataFrame":
    """Put claims into the table of claims.csv.

    Parameters
    ----------
    claims : iterable of Claim
        In their order.

    Returns
    -------
    pandas.DataFrame
        A row a recomputation, columns `CLAIM_COLUMNS`.
    """
    import pandas as pd

    rows = []
    for claim in claims:
        for row in claim.rows:
            own = {name: getattr(row, name) for name in row.__dataclass_fields__}
            whole = {name: getattr(claim, name) for name in ("id", "claim", "where", "reported")}
            judged = {"verdict": claim.verdict, "condition": claim.condition}
            rows.append({**own, **whole, **judged, "claim_note": claim.note})
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))
