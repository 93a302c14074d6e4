"""Images from the store: the tables come when they are asked for, and are those that were kept."""

import numpy as np
import pandas as pd

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline import packing
from xenoquant.pipeline.measured import MeasuredImage
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.store import Store
from xenoquant.pipeline.stored_tables import FromStore

KEY = "ab" + "0" * 62


def test_an_image_from_the_store_is_the_image_with_its_tables(tmp_path, monkeypatch):
    objects = pd.DataFrame({"object": [1, 2], "lobe": ["left", None], "area": [0.1, np.nan]})
    regions = pd.DataFrame({"region": pd.Series([], dtype="int64")})
    found = Measurement(objects, regions, {}, {"histogram": np.arange(4)}, ("a",), {"n": 1})
    Store(tmp_path).save(KEY, found, um_per_px=0.5)
    held, sample = Store(tmp_path).load(KEY), Sample("ferritin", "m1.png", "m1", "350 ppm")
    plain = MeasuredImage(sample, held.objects, held.regions, held.profiles, ("b", "a"), held.notes)

    read = FromStore(sample, Store(tmp_path).load(KEY), ("b", "a"))
    assert (read.sample, read.flags, read.notes) == (plain.sample, plain.flags, plain.notes)
    pd.testing.assert_frame_equal(read.objects, plain.objects, check_exact=True)
    pd.testing.assert_frame_equal(read.regions, plain.regions, check_exact=True)
    np.testing.assert_array_equal(read.profiles["histogram"], plain.profiles["histogram"])
    assert read.objects is read.objects

    def made(*_: object) -> None:
        raise AssertionError("a table was made that nobody asked for")

    monkeypatch.setattr(packing.StoredMeasurement, "_table", made)
    assert FromStore(sample, Store(tmp_path).load(KEY), ()).notes == {"n": 1}
