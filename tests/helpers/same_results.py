"""Results that are the same to the last bit."""

import numpy as np
import pandas as pd


def equal(first: object, second: object) -> bool:
    """Whether two results are the same to the last bit."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(equal(first[k], second[k]) for k in first)
    if isinstance(first, pd.DataFrame) and isinstance(second, pd.DataFrame):
        return first.equals(second)
    return bool(np.array_equal(np.asarray(first), np.asarray(second), equal_nan=True))
