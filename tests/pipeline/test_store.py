"""The store: an entry is whole or not there; what comes out is what went in."""

import io

import numpy as np
import pandas as pd
import pytest
import tifffile

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline.store import Store, fingerprint, hash_file

KEY = "ab" + "0" * 62


@pytest.fixture
def measurement() -> Measurement:
    labels = np.zeros((5, 6), np.int32)
    labels[1:3, 2:4] = 1
    return Measurement(
        objects=pd.DataFrame({"object": [1], "lobe": ["left"], "area": [0.1 + 0.2]}),
        regions=pd.DataFrame({"region": pd.Series([], dtype="int64")}),
        labels={"nodules": labels},
        profiles={"histogram": np.array([3, 4])},
        flags=("no_scale",),
        notes={"white": [255.0, 254.0, 253.0]},
    )


def test_what_comes_out_is_what_went_in(tmp_path, measurement):
    store = Store(tmp_path)
    store.save(KEY, measurement, um_per_px=20.0)
    held = store.load(KEY)
    pd.testing.assert_frame_equal(held.objects, measurement.objects, check_dtype=False)
    assert held.objects["area"][0] == 0.1 + 0.2  # to the last bit
    assert list(held.regions.columns) == ["region"]
    np.testing.assert_array_equal(held.profiles["histogram"], [3, 4])
    assert (held.flags, held.notes, held.um_per_px) == (("no_scale",), measurement.notes, 20.0)
    labels = tifffile.imread(io.BytesIO(store.labels(KEY)["nodules"]))
    np.testing.assert_array_equal(labels, measurement.labels["nodules"])


def test_an_interrupted_write_leaves_no_entry(tmp_path, measurement, monkeypatch):
    store = Store(tmp_path)

    def full_disk(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xenoquant.pipeline.store.sync_files", full_disk)
    with pytest.raises(OSError, match="No space"):
        store.save(KEY, measurement, um_per_px=None)
    assert KEY not in store
    assert not list(tmp_path.rglob("*.parquet"))  # nothing half-written is left behind


def test_an_entry_is_never_overwritten_but_a_broken_one_is_replaced(tmp_path, measurement):
    store = Store(tmp_path)
    store.save(KEY, measurement, um_per_px=1.0)
    store.save(KEY, measurement, um_per_px=2.0)
    assert store.load(KEY).um_per_px == 1.0
    (store.entry(KEY) / "measurement.bin").unlink()  # as after a crash of an older program
    assert KEY not in store
    store.save(KEY, measurement, um_per_px=2.0)
    assert store.load(KEY).um_per_px == 2.0


def test_discard(tmp_path, measurement):
    store = Store(tmp_path)
    store.save(KEY, measurement, um_per_px=None)
    store.discard(KEY)
    assert KEY not in store


def test_fingerprints_change_with_every_part():
    parts = {"content": ["a"], "series": None, "parameters": {"x": 1}}
    changed = [
        {**parts, "content": ["b"]},
        {**parts, "series": 0},
        {**parts, "parameters": {"x": 2}},
    ]
    assert len({fingerprint(p) for p in [parts, *changed]}) == 4


def test_a_files_hash_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    # the digest that FIPS 180-2 prints for "abc"
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(tmp_path / "f") == published
