"""geNorm against hand computation and the definitions written out plainly."""

import itertools

import numpy as np
import pandas as pd
import pytest

from xenoquant.stats.genorm import genorm

GENES = ["Gapdh", "G6pd", "Hprt1", "Actb"]


def noisy(seed: int = 3, samples: int = 12) -> pd.DataFrame:
    """Four genes that follow one level, with noise of their own on log2."""
    random = np.random.default_rng(seed)
    level = random.normal(0, 1, samples)[:, None]
    noise = random.normal(0, 1, (samples, 4)) * np.array([0.1, 0.15, 0.2, 0.9])
    return pd.DataFrame(np.exp2(level + noise), columns=GENES)


def plain_m(table: pd.DataFrame, genes: list[str]) -> dict[str, float]:
    """M as the paper words it: mean SD of log ratios with every other gene."""
    return {
        gene: float(
            np.mean([np.std(np.log2(table[gene] / table[k]), ddof=1) for k in genes if k != gene])
        )
        for gene in genes
    }


def test_m_by_hand():
    """Authority: hand computation. A and B in step: SD 0; log2(A/C) = 0 −1 0 −1: SD 1/√3."""
    table = pd.DataFrame({"A": [1, 2, 4, 8], "B": [3, 6, 12, 24], "C": [1, 4, 4, 16]})
    found = genorm(table)
    m = dict(found.stability[["gene", "m"]].to_numpy())
    assert m == pytest.approx({"A": 0.5 / 3**0.5, "B": 0.5 / 3**0.5, "C": 1 / 3**0.5})
    assert found.stability["gene"].tolist() == ["A", "B", "C"]
    assert found.stability["m_at_exclusion"].tolist() == pytest.approx([0, 0, 1 / 3**0.5])
    assert found.stability["rank"].tolist() == [1, 1, 3]


def test_v_by_hand():
    """Authority: hand computation. log2 NF2/NF3 = (a+b)/2 − (a+b+c)/3 with c−a = 0 1 0 1."""
    table = pd.DataFrame({"A": [1, 2, 4, 8], "B": [1, 2, 4, 8], "C": [1, 4, 4, 16]})
    found = genorm(table)
    expected = np.std(np.array([0, 1, 0, 1]) / 3, ddof=1)
    assert found.variation["v"].tolist() == pytest.approx([expected])
    assert not found.variation["enough"].any()
    assert found.recommended == ("A", "B", "C")
    assert "no V is below" in found.note


def test_stepwise_exclusion_equals_the_plain_form():
    """Authority: the paper's procedure written with loops."""
    table, left, order = noisy(), list(GENES), []
    while len(left) > 2:
        m = plain_m(table, left)
        order.insert(0, max(m, key=m.__getitem__))
        left.remove(order[0])
    found = genorm(table)
    assert found.stability["gene"].tolist()[2:] == order
    assert set(found.stability["gene"][:2]) == set(left)
    assert dict(found.stability[["gene", "m"]].to_numpy()) == pytest.approx(plain_m(table, GENES))
    for n in (2, 3):
        genes = found.stability["gene"].tolist()
        logs = np.log2(table[genes])
        v = (logs.iloc[:, :n].mean(axis=1) - logs.iloc[:, : n + 1].mean(axis=1)).std(ddof=1)
        assert found.variation.set_index("genes")["v"][n] == pytest.approx(v)


def test_the_noisy_gene_is_last_and_two_quiet_ones_are_enough():
    """Authority: the noise put in (SD 0.1, 0.15, 0.2, 0.9)."""
    found = genorm(noisy())
    assert found.stability["gene"].iloc[-1] == "Actb"
    assert "Actb" not in found.recommended


def test_scaling_a_gene_or_a_sample_changes_nothing():
    """Authority: M is made of ratios; a constant factor has no spread."""
    table = noisy()
    scaled = table.mul([2, 5, 0.1, 7], axis=1).mul(np.linspace(1, 3, len(table)), axis=0)
    pd.testing.assert_frame_equal(genorm(table).stability, genorm(scaled).stability)


def test_order_of_columns_changes_nothing():
    """Authority: no gene is told from another by its place where M differ."""
    table = noisy()
    for order in itertools.permutations(GENES):
        again = genorm(table[list(order)])
        assert again.stability["gene"].tolist()[2:] == genorm(table).stability["gene"].tolist()[2:]


@pytest.mark.parametrize(
    ("columns", "rows", "reason"), [(1, 5, "another one"), (3, 2, "at least 3")]
)
def test_too_little_gives_no_number_and_says_why(columns, rows, reason):
    """Authority: an SD over two ratios, or a gene alone, has no M."""
    found = genorm(noisy().iloc[:rows, :columns])
    assert found.stability["m"].isna().all()
    assert reason in found.note
    assert len(found.variation) == 0


def test_samples_that_lack_a_gene_are_left_out():
    table = noisy()
    with_gap = pd.concat([table, pd.DataFrame([[1, 2, np.nan, 3]], columns=GENES)])
    assert genorm(with_gap).samples == len(table)
    pd.testing.assert_frame_equal(genorm(with_gap).stability, genorm(table).stability)


def test_a_zero_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        genorm(pd.DataFrame({"A": [1, 0, 2], "B": [1, 1, 2]}))
