"""A measurement in one file: what comes out is what went in; a changed byte is noticed."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline.packing import read_packed, read_packed_labels, write_packed

TABLES = {
    "numbers": pd.DataFrame(
        {
            "object": np.arange(1, 4),
            "area_mm2": [0.1 + 0.2, np.nan, -0.0],
            "at_rim": [True, False, True],
            "small": np.array([1, 2, 3], np.uint8),
            "single": np.array([0.1, np.inf, 2], np.float32),
        }
    ),
    "texts": pd.DataFrame(
        {"lobe": ["left", "", None], "area": [1.0, 2.0, 3.0], "name": list("µ=\n")}
    ),
    "objects of Python": pd.DataFrame({"lobe": pd.Series(["a", "b"], dtype="object")}),
    "categories": pd.DataFrame({"kind": pd.Categorical(["b", "a"], ["b", "a"], ordered=True)}),
    "maybe missing": pd.DataFrame({"n": pd.array([2**60 + 1, None], "Int64"), "object": [1, 2]}),
    "empty": pd.DataFrame(
        {"object": pd.Series([], dtype="int64"), "lobe": pd.Series([], dtype="object")}
    ),
}


def through_a_file(folder, measurement: Measurement, um_per_px=None):
    write_packed(folder / "m", measurement, um_per_px=um_per_px)
    return read_packed(folder / "m")


@pytest.mark.parametrize("kind", TABLES)
def test_tables_come_back_as_from_parquet(tmp_path, kind):
    """Parquet, a table a file, is the plain way: types, missing values and bits are the same."""
    table = TABLES[kind]
    table.to_parquet(tmp_path / "plain.parquet", index=False)
    plain = pd.read_parquet(tmp_path / "plain.parquet")
    held = through_a_file(tmp_path, Measurement(table, TABLES["numbers"], {}))
    pd.testing.assert_frame_equal(held.objects, plain, check_exact=True)
    pd.testing.assert_frame_equal(held.regions, TABLES["numbers"], check_exact=True)


def test_tables_that_were_read_can_be_changed(tmp_path):
    held = through_a_file(
        tmp_path, Measurement(TABLES["numbers"], TABLES["texts"], {}, {"p": np.arange(3)})
    )
    held.objects.loc[0, "area_mm2"] = 7.0
    held.profiles["p"][0] = 7
    assert (held.objects["area_mm2"][0], held.profiles["p"][0]) == (7.0, 7)


@pytest.mark.parametrize(
    "profile",
    [
        np.arange(12, dtype=np.int64).reshape(3, 4),
        np.array([[0.1], [np.nan]], np.float32),
        np.zeros((0, 5), np.uint16),
        np.array(3.5),
        np.array([True, False]),
        np.arange(6).reshape(2, 3).T,
    ],
    ids=["plane", "nan", "empty", "scalar", "bits", "transposed"],
)
def test_profiles_come_back_with_shape_and_type(tmp_path, profile):
    found = through_a_file(
        tmp_path, Measurement(pd.DataFrame(), pd.DataFrame(), {}, {"a/b": profile})
    ).profiles["a/b"]
    assert (found.shape, found.dtype) == (profile.shape, profile.dtype)
    np.testing.assert_array_equal(found, profile)


def test_facts_come_back(tmp_path):
    notes = {"white": [255.0], "reader": {"format": "png", "name": "µ\n"}, "none": None}
    measurement = Measurement(pd.DataFrame(), pd.DataFrame(), {}, {}, ("no_scale", "x"), notes)
    held = through_a_file(tmp_path, measurement, 0.25)
    assert (held.flags, held.notes, held.um_per_px) == (("no_scale", "x"), notes, 0.25)


def read_whole(file):
    """Read both parts of a file."""
    return read_packed(file), read_packed_labels(file)


def test_every_changed_or_missing_byte_is_noticed(tmp_path):
    file = tmp_path / "m"
    write_packed(file, Measurement(TABLES["numbers"], TABLES["texts"], {}), um_per_px=1.0)
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match="not those that were written"):
            read_whole(file)
        file.write_bytes(content[:place])
        with pytest.raises(ValueError, match="not those that were written"):
            read_whole(file)


def test_label_images_come_back_and_their_changed_bytes_are_noticed(tmp_path):
    """They have a checksum of their own: the tables can be read without them."""
    file, pictures = tmp_path / "m", {"nuclei": b"II*\0 first", "cells": b"", "tissue": b"\0\xff"}
    held = Measurement(TABLES["numbers"], TABLES["texts"], {})
    write_packed(file, held, um_per_px=1.0)
    assert read_packed_labels(file) == {}
    without = file.stat().st_size
    write_packed(file, held, um_per_px=1.0, labels=pictures)
    assert read_packed_labels(file) == pictures
    content = file.read_bytes()
    for place in range(without, len(content)):
        for damaged in (
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            content[:place],
        ):
            file.write_bytes(damaged)
            with pytest.raises(ValueError, match="not those that were written"):
                read_packed_labels(file)
            pd.testing.assert_frame_equal(read_packed(file).objects, TABLES["numbers"])


def test_the_same_measurement_gives_the_same_bytes(tmp_path):
    for name in "ab":
        held = Measurement(TABLES["numbers"], TABLES["texts"], {}, {"p": np.arange(9)})
        write_packed(tmp_path / name, held, um_per_px=1.0)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
