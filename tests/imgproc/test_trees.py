"""Trees evaluated from plain arrays: by hand, and against the numbers scikit-learn gave."""

import numpy as np
import pytest

from xenoquant.imgproc.trees import TreeEnsemble, logistic


def stump_and_tree():
    """x0 <= 0.5 gives 1, else 2; and x1 <= -1 gives 10, else (x0 <= 2 gives 20, else 30)."""
    return TreeEnsemble(
        feature=np.array([0, 0, 0, 1, 0, 0, 0, 0], np.int32),
        threshold=np.array([0.5, 0, 0, -1, 0, 2, 0, 0], np.float32),
        left=np.array([1, -1, -1, 4, -1, 6, -1, -1], np.int32),
        right=np.array([2, -1, -1, 5, -1, 7, -1, -1], np.int32),
        value=np.array([0, 1, 2, 0, 10, 0, 20, 30], np.float32),
        roots=np.array([0, 3], np.int32),
        base=100.0,
    )


def test_two_trees_by_hand():
    """Authority: the trees followed on paper; a value at the threshold goes left."""
    rows = np.array([[0.5, -1.0], [0.6, 0.0], [3.0, 0.0]], np.float32)
    np.testing.assert_array_equal(stump_and_tree().predict(rows), [111, 122, 132])


def test_an_ensemble_survives_its_arrays():
    """Authority: the ensemble itself."""
    rows = np.random.default_rng(0).normal(0, 2, (5000, 2)).astype(np.float32)
    trees = stump_and_tree()
    again = TreeEnsemble.from_arrays(trees.arrays("a"), "a")
    np.testing.assert_array_equal(trees.predict(rows), again.predict(rows))


def test_too_few_features_are_refused():
    with pytest.raises(ValueError, match="at least 2 features"):
        stump_and_tree().predict(np.zeros((3, 1), np.float32))


def test_log_odds_become_probabilities():
    """Authority: log odds of 0 are a half, of ln 3 three quarters."""
    np.testing.assert_allclose(logistic(np.array([0.0, np.log(3)])), [0.5, 0.75], rtol=1e-6)


def test_three_trees_give_what_scikit_learn_gave():
    """Authority: `HistGradientBoostingRegressor` of scikit-learn 1.9.1, three trees of four leaves
    grown on sin(3 x0) + x0 x1 over a lattice of 10 by 10; its own predictions stand below."""
    trees = TreeEnsemble(
        feature=np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], np.int32),
        threshold=np.array(
            [0.25, 0.0500000007, 0, 0, 0.449999988, 0, 0, 0.149999991, 0, 0.849999964, 0.349999994,
             0, 0, 0, 0.149999991, 0, 0.25, 0.75, 0, 0, 0], np.float32,
        ),
        left=np.array(
            [1, 2, -1, -1, 5, -1, -1, 8, -1, 10, 11, -1, -1, -1, 15, -1, 17, 18, -1, -1, -1],
            np.int32,
        ),
        right=np.array(
            [4, 3, -1, -1, 6, -1, -1, 9, -1, 13, 12, -1, -1, -1, 16, -1, 20, 19, -1, -1, -1],
            np.int32,
        ),
        value=np.array(
            [0, 0, -0.426896185, -0.178105518, 0, 0.0368724652, 0.186872467, 0, -0.190515712, 0, 0,
             -0.0170955788, 0.0963729993, -0.0666424036, 0, -0.0952578634, 0, 0, -0.00797928963,
             -0.134554282, 0.051001966], np.float32,
        ),
        roots=np.array([0, 7, 14], np.int32),
        base=0.8537923955917358,
    )  # fmt: skip
    rows = np.array([[0, 0], [0.25, 0.9], [0.5, 0.5], [0.85, 0.1], [1, 1]], np.float32)
    expected = [0.14112263504, 0.70959326205, 1.18803982236, 0.68946817531, 1.02502441595]
    np.testing.assert_allclose(trees.predict(rows), expected, rtol=1e-6)
