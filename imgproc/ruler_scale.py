"""What the spacing of a ruler's ticks means, from which of them are longer."""

from dataclasses import dataclass

import numpy as np

MM_PER_INCH = 25.4

_LENGTH_NOISE = 0.06  # of a tick's length, as read from a photo
_OUTLIER = 3.0  # standard deviations: what a number, glare or a shadow does to a length
_EXPLAINED = 1.5  # standard deviations within which a length is taken for the expected one
_LEAST_STEP = 1.12  # a longer kind of tick is longer than the next by at least this
_PER_LEVEL = 4.0  # cost of each further kind of tick, in units of squared deviations


@dataclass(frozen=True)
class Division:
    """A way of dividing a ruler.

    Attributes
    ----------
    name : str
        What it is called.
    mm : float
        What the spacing of its shortest ticks stands for.
    cycle : tuple of int
        Rank of the ticks' length at each place of a period, 0 the shortest.
    """

    name: str
    mm: float
    cycle: tuple[int, ...]


def _cycle(length: int, ranks: dict[int, int]) -> tuple[int, ...]:
    """Ranks at the places of a period: of every step-th place, later steps over earlier ones."""
    cycle = [0] * length
    for step, rank in ranks.items():
        for place in range(0, length, step):
            cycle[place] = rank
    return tuple(cycle)


EVEN = Division("even", 1.0, (0,))
"""No tick is longer than another."""

DIVISIONS = (
    EVEN,
    Division("millimetre", 1.0, _cycle(10, {5: 1, 10: 2})),
    Division("millimetre", 1.0, _cycle(5, {5: 1})),
    Division("millimetre", 1.0, _cycle(10, {10: 1})),
    Division("half_millimetre", 0.5, _cycle(20, {2: 1, 10: 2, 20: 3})),
    Division("half_millimetre", 0.5, _cycle(10, {2: 1, 10: 2})),
    Division("half_millimetre", 0.5, _cycle(20, {2: 1, 20: 2})),
    Division("half_millimetre", 0.5, _cycle(2, {2: 1})),
    Division("inch", MM_PER_INCH / 32, _cycle(32, {2: 1, 4: 2, 8: 3, 16: 4, 32: 5})),
    Division("inch", MM_PER_INCH / 16, _cycle(16, {2: 1, 4: 2, 8: 3, 16: 4})),
    Division("inch", MM_PER_INCH / 16, _cycle(8, {2: 1, 4: 2, 8: 3})),
)
"""Divisions that rulers have. A row too short to show an inch is taken for sixteenths."""


@dataclass(frozen=True)
class DivisionChoice:
    """The division that fits the ticks' lengths best.

    Attributes
    ----------
    division : Division
        The best one.
    certainty : float
        0.5 where nothing tells the divisions apart, towards 1 where no other explains the lengths.
    explained : float
        Share of the ticks whose length is what the division says, within reading noise. Near 1 on
        a ruler, less where a pin, a finger or the frame cuts ticks short.
    """

    division: Division
    certainty: float
    explained: float


def choose_division(places: np.ndarray, length_px: np.ndarray) -> DivisionChoice:
    """Tell what ruler the ticks belong to.

    Every division is laid on the ticks at every phase, and its kinds of tick take the median
    length of the ticks they fall on; what remains is compared in units of reading noise, each
    kind of tick costing a little.

    Parameters
    ----------
    places : numpy.ndarray of int
        Place of each tick in its row.
    length_px : numpy.ndarray of float
        Length of each tick.

    Returns
    -------
    DivisionChoice
        `EVEN` with a certainty of 0.5 where no tick is longer than another: the spacing is then
        only assumed to be 1 mm.

    Examples
    --------
    >>> lengths = np.where(np.arange(14) % 5 == 2, 9.0, 6.0)
    >>> choice = choose_division(np.arange(14), lengths)
    >>> choice.division.name, round(choice.certainty, 2)
    ('millimetre', 1.0)
    """
    fits = [min(_fits(places, length_px, division)) for division in DIVISIONS]
    costs = [cost for cost, _ in fits]
    best = int(np.argmin(costs))
    chosen, explained = DIVISIONS[best], -fits[best][1]
    if chosen is EVEN:
        return DivisionChoice(EVEN, 0.5, explained)
    rivals = [cost for cost, d in zip(costs, DIVISIONS, strict=True) if d.mm != chosen.mm]
    margin = min([*rivals, costs[0]]) - costs[best]
    return DivisionChoice(chosen, float(1 / (1 + np.exp(-margin / 2))), explained)


def _fits(
    places: np.ndarray, length_px: np.ndarray, division: Division
) -> list[tuple[float, float]]:
    """Cost and (negative) share explained of a division at each of its phases."""
    cycle = np.array(division.cycle)
    shifts = range(len(cycle))
    return [_fit(cycle[(places + shift) % len(cycle)], length_px) for shift in shifts]


def _fit(rank: np.ndarray, length_px: np.ndarray) -> tuple[float, float]:
    """The same of ticks of given ranks; infinitely costly where a higher rank isn't longer."""
    present = np.unique(rank)
    typical = np.array([np.median(length_px[rank == r]) for r in present])
    if (typical[1:] < _LEAST_STEP * typical[:-1]).any():
        return float("inf"), 0.0
    expected = typical[np.searchsorted(present, rank)]
    noise = _LENGTH_NOISE * expected + 0.5  # half a pixel is what a length is read to
    off = np.minimum(np.abs(length_px - expected) / noise, _OUTLIER)
    cost = float((off**2).sum() + _PER_LEVEL * len(present))
    return cost, -float((off < _EXPLAINED).mean())
