"""A killed review loses at most the act under the mouse; see benchmarks/review_faults.py."""

import importlib.util
import random

import pytest


@pytest.mark.slow
def test_killed_reviews_keep_every_finished_act(repository, tmp_path):
    """Authority: the acts that the killed process said it had done, replayed in plain Python."""
    file = repository / "benchmarks" / "review_faults.py"
    spec = importlib.util.spec_from_file_location("review_faults", file)
    assert spec is not None
    assert spec.loader is not None
    faults = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(faults)
    rng = random.Random(3)
    found = [faults.kill_once(tmp_path / "image", rng) for _ in range(4)]
    assert found[-1][1] > 0
