"""Significance brackets from given p-values: which pairs get one, what it says, where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PREFERRED_TESTS = (
    "newman_keuls",
    "student_t",
    "tukey_hsd",
    "dunnett",
    "welch_t",
    "wilcoxon",
    "dunn",
    "permutation",
    "paired_t",
)
"""The first of these that a table of comparisons holds gives the brackets."""

TEST_NAMES = {
    "newman_keuls": "Newman-Keuls",
    "student_t": "Student's t test",
    "tukey_hsd": "Tukey's HSD",
    "dunnett": "Dunnett's test",
    "welch_t": "Welch's t test",
    "wilcoxon": "Wilcoxon's test",
    "dunn": "Dunn's test, Holm",
    "permutation": "permutation test",
    "paired_t": "paired t test",
}
"""Names for readers."""

# Up to this many pairs all are shown; beyond, the significant ones, and at most _MOST.
_SHOW_ALL = 3
_MOST = 10
# Mean width of a character as a share of the font's size, a little generous.
_CHARACTER = 0.58
INSET_PX = 3.0
"""A bracket ends so far inside its groups' middles, so that neighbours do not touch."""


@dataclass(frozen=True)
class Bracket:
    """A bracket over two groups.

    Attributes
    ----------
    left, right : int
        Positions of the groups, left < right.
    label : str
        The p-value as text.
    level : int
        Row above the data, 0 the lowest.
    """

    left: int
    right: int
    label: str
    level: int


def format_p(p: float) -> str:
    """Write a p-value for a figure.

    Examples
    --------
    >>> format_p(0.01234), format_p(0.2), format_p(0.00004)
    ('p = 0.012', 'p = 0.20', 'p < 0.001')
    """
    if p < 0.001:
        return "p < 0.001"
    if p > 0.99:
        return "p > 0.99"
    if abs(p - 0.05) < 0.0005:
        # Three decimals would hide on which side of the usual level it lies.
        return f"p = {p:.4f}"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def bracket_test(comparisons: "pd.DataFrame") -> str:
    """Return the test whose rows give the brackets, or empty text where none compares pairs."""
    # A table read back from CSV has NaN where a test of all groups names none.
    pairwise = comparisons["group_a"].notna() & (comparisons["group_a"] != "")
    present = set(comparisons.loc[pairwise, "test"])
    return next((test for test in PREFERRED_TESTS if test in present), "")


def place_brackets(
    comparisons: "pd.DataFrame",
    groups: Sequence[str],
    *,
    slot_px: float,
    font_px: float,
    alpha: float = 0.05,
) -> tuple[list[Bracket], str]:
    """Choose, label and stack the brackets of a figure.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        Rows with test, group_a, group_b and p_adjusted; pairs without p get no bracket.
    groups : sequence of str
        Groups from left to right.
    slot_px : float
        Distance between the groups' middles.
    font_px : float
        Size of the labels' font.
    alpha : float
        Level of significance.

    Returns
    -------
    brackets : list of Bracket
        No two of one level touch, labels included.
    legend : str
        Which test the p-values are of, what Tukey's HSD says where they are Newman-Keuls', and
        which pairs are not shown.
    """
    test = bracket_test(comparisons)
    if not test:
        return [], ""
    pairs = _pairs(comparisons, test, groups)
    tukey = _pairs(comparisons, "tukey_hsd", groups) if test == "newman_keuls" else {}
    known = {pair: p for pair, p in pairs.items() if np.isfinite(p)}
    if not known:
        return [], f"{TEST_NAMES[test]}: no p"
    shown, omitted = _shown(known, alpha)
    labels = {pair: _label(known[pair], tukey.get(pair), alpha) for pair in shown}
    legend = [f"p: {TEST_NAMES[test]}", _tukey_words(known, tukey, alpha), omitted]
    return _stack(labels, slot_px, font_px), "; ".join(part for part in legend if part)


def _pairs(
    comparisons: "pd.DataFrame", test: str, groups: Sequence[str]
) -> dict[tuple[int, int], float]:
    position = {name: i for i, name in enumerate(groups)}
    own = comparisons[comparisons["test"] == test]
    pairs = {}
    for a, b, p in zip(own["group_a"], own["group_b"], own["p_adjusted"], strict=True):
        if a in position and b in position:
            left, right = sorted((position[a], position[b]))
            pairs[left, right] = float(p)
    return pairs


def _shown(known: dict[tuple[int, int], float], alpha: float) -> tuple[list[tuple[int, int]], str]:
    """Return the pairs to show, and words on those that are not."""
    if len(known) <= _SHOW_ALL:
        return list(known), ""
    below = sorted((pair for pair, p in known.items() if p < alpha), key=lambda pair: known[pair])
    if len(below) > _MOST:
        return below[:_MOST], f"the {_MOST} smallest of {len(below)} significant pairs shown"
    return below, f"pairs without a bracket: p ≥ {alpha:g}"


def _label(p: float, tukey: float | None, alpha: float) -> str:
    """Write p, with Tukey's beside it where the two disagree."""
    if tukey is None or (p < alpha) == (tukey < alpha):
        return format_p(p)
    return f"{format_p(p)} (Tukey {format_p(tukey).removeprefix('p = ').removeprefix('p ')})"


def _tukey_words(
    known: dict[tuple[int, int], float], tukey: dict[tuple[int, int], float], alpha: float
) -> str:
    if not tukey:
        return ""
    differ = sum((p < alpha) != (tukey.get(pair, p) < alpha) for pair, p in known.items())
    if not differ:
        return "Tukey's HSD agrees"
    return f"Tukey's HSD disagrees on {differ} of {len(known)} pairs"


def _stack(labels: dict[tuple[int, int], str], slot_px: float, font_px: float) -> list[Bracket]:
    """Put short brackets lowest, each on the first level where it touches none."""
    levels: list[list[tuple[float, float]]] = []
    brackets = []
    for (left, right), label in sorted(labels.items(), key=lambda item: _span(item[0])):
        middle = (left + right) / 2 * slot_px
        own = (right - left) * slot_px - 2 * INSET_PX
        half = max(own, len(label) * font_px * _CHARACTER) / 2
        low, high = middle - half, middle + half
        level = 0
        while level < len(levels) and any(low < h and k < high for k, h in levels[level]):
            level += 1
        if level == len(levels):
            levels.append([])
        levels[level].append((low, high))
        brackets.append(Bracket(left, right, label, level))
    return brackets


def _span(pair: tuple[int, int]) -> tuple[int, int]:
    return pair[1] - pair[0], pair[0]
