"""The heat map of fold changes, against folds written by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.figure_heatmap import fold_heatmap
from xenoquant.stats.figures import chart_svg

GROUPS = ("350 ppm", "3.5 ppm")


def folds(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["gene", "group", "fold_change"])


HAND = folds(
    ("Snai1", "350 ppm", 1.0),
    ("Snai1", "3.5 ppm", 4.0),
    ("Cdh1", "350 ppm", 1.0),
    ("Cdh1", "3.5 ppm", 0.5),
    ("Vim", "350 ppm", 1.0),
    ("Vim", "3.5 ppm", math.nan),
)


def cells(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    """Give the values of the chart's own data, by gene and group."""
    specification = fold_heatmap(table, groups=GROUPS, title="Folds").to_dict()
    values = specification["layer"][0]["data"]["values"]
    return {(cell["gene"], cell["group"]): cell for cell in values}


def test_colours_are_log2_of_the_folds() -> None:
    """By hand: log2 of 4 is 2, of 0.5 is −1, of 1 is 0; what is missing has none."""
    held = cells(HAND)
    assert held["Snai1", "3.5 ppm"]["log2"] == pytest.approx(2.0)
    assert held["Cdh1", "3.5 ppm"]["log2"] == pytest.approx(-1.0)
    assert held["Snai1", "350 ppm"]["log2"] == 0.0
    assert held["Vim", "3.5 ppm"]["log2"] is None
    assert held["Vim", "3.5 ppm"]["words"] == "–"


def domain(table: pd.DataFrame) -> list[float]:
    layers = fold_heatmap(table, groups=GROUPS, title="Folds").to_dict()["layer"]
    return layers[1]["encoding"]["color"]["scale"]["domain"]


def test_no_change_is_in_the_middle_of_the_colours() -> None:
    """The range reaches as far below no change as above: 2 doublings of the table by hand."""
    np.testing.assert_allclose(domain(HAND), [-2.0, 0.0, 2.0])


def test_small_changes_are_not_painted_in_full_colour() -> None:
    """Folds of 1.1 and 0.95 stand on a range of a halving to a doubling."""
    small = folds(("Snai1", "350 ppm", 0.95), ("Snai1", "3.5 ppm", 1.1))
    np.testing.assert_allclose(domain(small), [-1.0, 0.0, 1.0])


def test_genes_and_groups_keep_their_order_and_their_words() -> None:
    """Genes from the top as in the table, groups as given; every fold is in the description."""
    specification = fold_heatmap(HAND, groups=GROUPS, title="Folds").to_dict()
    encoding = specification["layer"][0]["encoding"]
    assert encoding["y"]["scale"]["domain"] == ["Snai1", "Cdh1", "Vim"]
    assert encoding["x"]["scale"]["domain"] == list(GROUPS)
    assert (
        "Snai1: 350 ppm 1, 3.5 ppm 4; Cdh1: 350 ppm 1, 3.5 ppm 0.5" in specification["description"]
    )


def test_it_is_drawn() -> None:
    """The SVG holds each gene's name and fold as text."""
    svg = chart_svg(fold_heatmap(HAND, groups=GROUPS, title="Folds"))
    for words in ("Snai1", "Cdh1", "Vim", ">4<", ">0.5<", "3.5 ppm"):
        assert words in svg


def test_what_has_no_logarithm_is_refused() -> None:
    """A fold of 0, and two folds for one cell, have no place in the figure."""
    with pytest.raises(ValueError, match=r"'Snai1' in '3\.5 ppm' is 0 or less"):
        fold_heatmap(folds(("Snai1", "3.5 ppm", 0.0)), groups=["3.5 ppm"], title="Folds")
    twice = folds(("Snai1", "3.5 ppm", 1.0), ("Snai1", "3.5 ppm", 2.0))
    with pytest.raises(ValueError, match="stand twice"):
        fold_heatmap(twice, groups=["3.5 ppm"], title="Folds")
