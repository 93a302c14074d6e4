"""Slides whose work is shared out: the same results, and little on its way."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from xenoquant.imgproc.slide_cells import BlockCells
from xenoquant.imgproc.slide_regions import RegionMap
from xenoquant.imgproc.tiles import read_region
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.slide_files import OpenSlideTiles, open_slide


def label_bytes(study: Path) -> dict[str, bytes]:
    folder = study / "results" / "labels"
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*.tif"))}


def test_a_slide_shared_out_to_two_processes_is_the_slide_of_one(
    measured_slide, fresh_slide, tables, shared_out
):
    """Authority: the run in one process: tables, label images and the bad tile, byte for byte."""
    summary = run_study(fresh_slide, RunOptions(jobs=2))
    assert shared_out == ["slides/m1.ome.tif"]
    assert summary.measured == 1
    assert any("tile" in row.error for row in summary.problems)  # the damaged one
    assert tables(fresh_slide) == tables(measured_slide)
    assert label_bytes(fresh_slide) == label_bytes(measured_slide)
    assert len(pd.read_parquet(fresh_slide / "results" / "objects" / "ferritin.parquet")) > 300


def test_sources_of_tiles_go_to_other_processes_as_paths(slide: Path, shared_data: Path) -> None:
    """Pickled and back: no pixels in the pickle, and the same tiles."""
    aperio = shared_data / "whole_slide" / "cmu_small_region.svs"
    for source in (open_slide(slide).full, OpenSlideTiles(aperio, (2967, 2220))):
        data = pickle.dumps(source)
        assert len(data) < 2000
        again = pickle.loads(data)
        np.testing.assert_array_equal(
            read_region(again, (500, 400, 200, 300)), read_region(source, (500, 400, 200, 300))
        )


def test_labels_and_overviews_are_packed_on_their_way() -> None:
    """Label images are nearly all alike: a hundredth of their bytes, and the same numbers."""
    labels = np.zeros((1600, 1600), np.int32)
    labels[100:120, 200:230] = 7
    for held in (
        BlockCells(pd.DataFrame({"object": [7]}), (0, 0, 1600, 1600), labels, labels),
        RegionMap((16000, 16000), labels, (), ((0, 0, 10, 10),)),
    ):
        data = pickle.dumps(held)
        again = pickle.loads(data)
        assert len(data) < labels.nbytes / 100
        for name in ("nuclei", "cells") if isinstance(held, BlockCells) else ("coarse",):
            np.testing.assert_array_equal(getattr(again, name), labels)
            assert getattr(again, name).dtype == np.int32
    assert again.fields == ((0, 0, 10, 10),)
