"""The tables of objects: joined many at a time, the same as joined one by one."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.pipeline import object_tables
from xenoquant.pipeline.classified import Classified, ClassifiedImage
from xenoquant.pipeline.object_tables import ObjectTables
from xenoquant.pipeline.rollup import with_identity
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.shared_rows import Rows, join_tables
from xenoquant.pipeline.stored_tables import Shared


def images(kind: str) -> list[tuple[Sample, Classified]]:
    """Thirty images: some with nothing in them, and as `kind` says with other columns or types."""
    made = []
    for number in range(30):
        count = (number * 7) % 5
        table = pd.DataFrame(
            {"object": np.arange(count), "area": np.arange(count) / 3, "y_px": np.zeros(count)}
        )
        if kind == "columns" and number % 4 == 1:
            table["extra"] = "text"
        if kind == "types" and number > 12:
            table["area"] = np.arange(count)
        if kind == "empty":
            table = table.iloc[:0]
        sample = Sample(assay="a", image=f"{number}.png", animal=f"00{number // 3}", group="=g")
        regions = pd.DataFrame({"region": [1], "lobe": ["left"]})
        made.append((sample, ClassifiedImage(table, regions, {})))
    return made


@pytest.mark.parametrize("kind", ["plain", "columns", "types", "empty"])
@pytest.mark.parametrize("together", [1, 7, 200])
def test_the_file_is_that_of_tables_joined_one_by_one(tmp_path, monkeypatch, kind, together):
    monkeypatch.setattr(object_tables, "_TABLES_TOGETHER", together)
    held = images(kind)
    with ObjectTables(tmp_path, "a") as tables:
        for sample, image in held:
            tables.add(sample, image)
        tables.close(held)
    for name in ("objects", "regions"):
        plain = join_tables([with_identity(getattr(image, name), sample) for sample, image in held])
        found = pd.read_parquet(tmp_path / name / "a.parquet")
        pd.testing.assert_frame_equal(found, plain, check_exact=True)


@pytest.mark.parametrize("together", [1, 7, 200])
@pytest.mark.parametrize("of_one", [1, 4, 30])
def test_rows_of_shared_tables_are_written_as_tables_of_their_own(
    tmp_path, monkeypatch, together, of_one
):
    """Some images, also such without a row, share a table: the file is the same, byte for byte."""
    monkeypatch.setattr(object_tables, "_TABLES_TOGETHER", together)
    held = images("plain")
    shared = []
    for first in range(0, len(held), of_one):
        part = held[first : first + of_one]
        rows = {}
        for kind in ("objects", "regions"):
            ends = np.cumsum([len(getattr(image, kind)) for _, image in part])
            table = join_tables([getattr(image, kind) for _, image in part])
            rows[kind] = [
                Rows(table, start, stop) for start, stop in zip([0, *ends], ends, strict=False)
            ]
        for (sample, _), *own in zip(part, rows["objects"], rows["regions"], strict=True):
            shared.append((sample, Shared(*own, {}, ())))
    for name, form in (("plain", held), ("shared", shared)):
        with ObjectTables(tmp_path / name, "a") as tables:
            for sample, image in form:
                tables.add(sample, image)
            tables.close(form)
    for kind in ("objects", "regions"):
        plain, found = (tmp_path / name / kind / "a.parquet" for name in ("plain", "shared"))
        assert found.read_bytes() == plain.read_bytes()
