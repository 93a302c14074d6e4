"""Atomic files: whole or not at all, exact to the number, and no formula for a spreadsheet."""

import io
import json
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from xenoquant.pipeline.readers import read_image
from xenoquant.pipeline.tables import read_table, to_numbers
from xenoquant.pipeline.writers import (
    atomic_path,
    encoded_labels,
    guard,
    json_text,
    neutralised,
    unguard,
    write_bytes,
    write_csv,
    write_json,
    write_labels,
    write_parquet,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    target.write_text("old")

    def cut_off() -> None:
        with atomic_path(target) as partial:
            partial.write_text("half of the new")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        cut_off()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["run.json"]


def test_the_new_content_appears_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    with atomic_path(target) as partial:
        partial.write_text("new")
        assert not target.exists()
        assert partial.parent == target.parent  # a rename is atomic only within one disk
    assert target.read_text() == "new"
    assert names(target.parent) == ["table.csv"]


def test_a_name_of_250_characters_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 246 + ".txt")
    write_text(target, "µ")
    assert target.read_bytes() == "µ".encode()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_files_get_the_permissions_that_open_would_give(tmp_path: Path) -> None:
    write_bytes(tmp_path / "ours", b"1")
    (tmp_path / "plain").write_bytes(b"1")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")}
    assert len(modes) == 1


def test_csv_gives_numbers_back_exactly_and_is_the_same_each_time(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=500) * 10.0 ** np.arange(-250, 250)
    table = pd.DataFrame({"image": [f"a {i}.tif" for i in range(500)], "value": numbers})
    write_csv(tmp_path / "a.csv", table)
    write_csv(tmp_path / "b.csv", table)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert to_numbers(read_table(tmp_path / "a.csv")["value"]).tolist() == numbers.tolist()


def test_csv_neutralises_formulas_in_text_and_never_numbers(tmp_path: Path) -> None:
    """OWASP's list of characters that start a formula: = + - @ tab and carriage return."""
    table = pd.DataFrame(
        {
            "animal": ["=1+1", "+/+", "-/-", "@SUM(A1)", "\tx", "\rx", "007", ""],
            "value": [-1.5, 2, -3, 4, 5, np.nan, 7, 8],
        }
    )
    write_csv(tmp_path / "a.csv", table)
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8").split("\n")
    assert lines[1:5] == ["'=1+1,-1.5", "'+/+,2.0", "'-/-,-3.0", "'@SUM(A1),4.0"]
    assert all(not line.startswith(("=", "+", "-", "@", "\t", "\r", '"=')) for line in lines)
    assert table["animal"].iloc[0] == "=1+1"  # the caller's table stays as it was


@pytest.mark.parametrize(
    "text", ["=1+1", "+/+", "-/-", "'quoted'", "'=x", "''-y", "'", "plain", "", "5' end"]
)
def test_the_guard_comes_off_again_exactly(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@"))


def test_genotypes_survive_writing_and_reading(tmp_path: Path) -> None:
    table = pd.DataFrame({"animal": ["1", "2"], "genotype": ["+/+", "-/-"]})
    write_csv(tmp_path / "a.csv", table)
    assert read_table(tmp_path / "a.csv")["genotype"].tolist() == ["+/+", "-/-"]


def test_categories_and_column_names_are_guarded_too() -> None:
    table = pd.DataFrame({"=cmd": pd.Categorical(["-Fe", "ctrl"])})
    guarded = neutralised(table)
    assert list(guarded.columns) == ["'=cmd"]
    assert guarded["'=cmd"].tolist() == ["'-Fe", "ctrl"]


def test_json_keeps_order_and_knows_numpy_paths_and_missing(tmp_path: Path) -> None:
    content = {
        "z": np.float32(0.5),
        "a": [np.int64(2), np.nan, float("inf")],
        "path": Path("a/b"),
        "array": np.arange(3),
        "µ": (True, None),
    }
    write_json(tmp_path / "run.json", content)
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["z", "a", "path", "array", "µ"]
    assert json.loads(text)["a"] == [2, None, None]
    assert "µ" in text
    assert text == json_text(content)


def test_parquet_gives_the_table_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"animal": ["007", "-1"], "value": [0.1, np.nan], "object": [1, 2]})
    write_parquet(tmp_path / "a.parquet", table)
    back = pd.read_parquet(tmp_path / "a.parquet")
    assert back["animal"].tolist() == ["007", "-1"]
    assert back["object"].dtype == np.int64
    pd.testing.assert_frame_equal(back, table)


@pytest.mark.parametrize("highest", [3, 65_535, 65_536, 20_000_001])
def test_labels_come_back_exactly_with_their_pixel_size(tmp_path: Path, highest: int) -> None:
    """Authority: the array written; tifffile reads it with no help of this package."""
    labels = np.zeros((40, 50), np.int32)
    labels[5:9, 7:20] = 1
    labels[20, 30] = highest
    target = tmp_path / "nuclei.tif"
    write_labels(target, labels, um_per_px=0.227)
    with tifffile.TiffFile(target) as tiff:
        assert (tiff.asarray() == labels).all()
        assert tiff.is_imagej is (highest <= 65_535)
        assert tiff.asarray().dtype == (np.uint16 if highest <= 65_535 else np.int32)
    assert read_image(target).um_per_px == pytest.approx(0.227, rel=1e-6)
    first = target.read_bytes()
    write_labels(target, labels.astype(np.int64), um_per_px=0.227)
    assert target.read_bytes() == first


def test_imagej_finds_unit_and_scale_in_the_label_file(tmp_path: Path) -> None:
    """ImageJ's TIFF: unit in the description, pixels a unit in XResolution."""
    write_labels(tmp_path / "a.tif", np.eye(5, dtype=np.uint8), um_per_px=0.5)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.imagej_metadata is not None
        assert tiff.imagej_metadata["unit"] == "um"
        across, units = tiff.pages[0].tags["XResolution"].value
        assert across / units == pytest.approx(2.0)


def test_labels_without_a_scale_claim_none(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.tif", np.eye(5, dtype=np.uint8))
    assert read_image(tmp_path / "a.tif").um_per_px is None


@pytest.mark.parametrize(
    "labels",
    [np.zeros((2, 3, 4), int), np.zeros((2, 3)), np.full((2, 2), -1), np.full((2, 2), 2**31)],
)
def test_arrays_that_are_no_labels_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels must"):
        write_labels(tmp_path / "a.tif", labels)
    assert names(tmp_path) == []


@pytest.mark.parametrize("um_per_px", [None, 0.5, 1 / 3, 12.0])
@pytest.mark.parametrize(
    "shape", [(1, 1), (7, 300), (256, 256), (512, 256), (2, 60_000), (400, 400)]
)
def test_label_files_are_tifffiles_own(shape: tuple[int, int], um_per_px: float | None) -> None:
    """Small ones are put together here; the authority for each byte is tifffile."""
    for highest in (1, 300, 65_535):
        labels = np.random.default_rng(highest).integers(0, highest + 1, shape, np.int32)
        buffer = io.BytesIO()
        scale = {} if um_per_px is None else {"resolution": (1 / um_per_px, 1 / um_per_px)}
        tifffile.imwrite(
            buffer,
            labels.astype(np.uint16),
            imagej=True,
            compression="zlib",
            metadata={"axes": "YX"} | ({} if um_per_px is None else {"unit": "um"}),
            software="xenoquant",
            **scale,
        )
        assert encoded_labels(labels, um_per_px=um_per_px) == buffer.getvalue()
