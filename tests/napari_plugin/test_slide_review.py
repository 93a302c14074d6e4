"""Whole slides under review: what is measured is corrected on the overview."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xenoquant.napari_plugin.numbers import quick_numbers
from xenoquant.napari_plugin.session import OpenImage, Session
from xenoquant.pipeline.review_state import Verdict
from xenoquant.pipeline.run import RunOptions, run_study

ONE = RunOptions(jobs=1)
MM2_PER_OVERVIEW_PX = (8 * 0.5e-3) ** 2  # reduced by 8, at 0.5 µm


def table(study: Path, kind: str) -> pd.DataFrame:
    return pd.read_parquet(study / "results" / kind / "ferritin.parquet")


def images(study: Path) -> pd.DataFrame:
    return pd.read_csv(study / "results" / "images.csv", keep_default_na=False)


def feature(study: Path, name: str) -> float:
    rows = images(study)
    return float(rows.loc[rows["feature"] == name, "value"].iloc[0])


def flags(study: Path) -> set[str]:
    return set(images(study)["flag"].iloc[0].split(";"))


def review(study: Path, work, reader: str = "ann") -> OpenImage:
    session = Session(study, reader)
    try:
        opened = session.open(0)
        work(opened.review)
        opened.review.do("accept", opened.review.edit.judge(Verdict("accepted")))
        return opened
    finally:
        session.close()


def delete_second(held) -> None:
    held.do("delete", held.edit.delete([2]))


def measured_cells(objects: pd.DataFrame, region: int) -> pd.DataFrame:
    own = objects[objects["region"] == region]
    return own.drop(columns="object").sort_values(["y_px", "x_px"]).reset_index(drop=True)


def test_a_deleted_piece_goes_and_the_other_keeps_its_numbers(slide: Path) -> None:
    """Authority: the program's own numbers of the piece that nobody touched."""
    before = {kind: table(slide, kind) for kind in ("objects", "regions")}
    assert before["regions"]["name"].tolist() == ["piece 1", "piece 2"]
    review(slide, delete_second)
    run_study(slide, ONE)
    after = {kind: table(slide, kind) for kind in ("objects", "regions")}
    pd.testing.assert_frame_equal(after["regions"], before["regions"].iloc[:1])
    pd.testing.assert_frame_equal(
        measured_cells(after["objects"], 1), measured_cells(before["objects"], 1)
    )
    assert set(after["objects"]["region"]) == {1}
    assert "reviewed:ann" in flags(slide)
    assert feature(slide, "cells") == len(after["objects"])
    assert (slide / "results" / "labels" / "ferritin" / "dab" / "m1.ome" / "cells.tif").is_file()


def test_a_part_that_is_not_assessable_is_left_out(slide: Path) -> None:
    """By hand: 40 x 20 pixels of the overview in tissue, 0.0128 mm²; no cell lies there."""
    before = feature(slide, "tissue_area_mm2")
    corner, far = (24, 20), (64, 40)  # within piece 1, in pixels of the overview

    def mark(held) -> None:
        # the right piece is the one that is marked, whichever number it has
        assert held.state.labels["tissue"][corner[0] : far[0], corner[1] : far[1]].all()
        corners = [
            corner,
            (corner[0], far[1] - 1),
            (far[0] - 1, far[1] - 1),
            (far[0] - 1, corner[1]),
        ]
        held.do("not_assessable", held.edit.mark_unassessable(corners))

    opened = review(slide, mark)
    marked = opened.review.state.labels["not_assessable"] > 0
    assert marked.sum() == 40 * 20
    run_study(slide, ONE)
    lost = before - feature(slide, "tissue_area_mm2")
    assert lost == pytest.approx(40 * 20 * MM2_PER_OVERVIEW_PX)
    assert "partly_not_assessable" in flags(slide)
    cells = table(slide, "objects")
    middles = cells[["y_px", "x_px"]].round().astype(int) // 8
    inside = marked[middles["y_px"], middles["x_px"]]
    assert len(cells) > 100
    assert not inside.any()


def test_pieces_are_drawn_joined_and_counted(slide: Path) -> None:
    """By hand: two pieces joined are one of the area of both; the panel's area is the run's."""
    seen = []

    def join(held) -> None:
        seen.append(quick_numbers(held, {}))
        held.do("merge", held.edit.merge([1, 2]))
        seen.append(quick_numbers(held, {}))

    review(slide, join)
    assert [numbers.count for numbers in seen] == [2, 1]
    run_study(slide, ONE)
    regions = table(slide, "regions")
    assert len(regions) == 1
    for numbers in seen:
        assert numbers.tissue_mm2 == pytest.approx(regions["area_mm2"].sum(), rel=1e-6)


def test_pieces_of_a_corrected_slide_go_to_all_workers(slide: Path, tmp_path: Path) -> None:
    """Two workers, one slide: the tables of one worker, to the last bit."""
    review(slide, delete_second)
    other = Path(shutil.copytree(slide, tmp_path / "other"))
    run_study(slide, ONE)
    run_study(other, RunOptions(jobs=2))
    for kind in ("objects", "regions"):
        pd.testing.assert_frame_equal(table(other, kind), table(slide, kind))
    assert flags(other) == flags(slide)


def test_opening_a_slide_reads_no_label_image_of_its_cells(slide: Path) -> None:
    """Those may be larger than the memory; here they can't be read at all."""
    sheets = list((slide / "results" / "store").rglob("*.tif"))
    assert len(sheets) == 2
    for sheet in sheets:
        sheet.write_bytes(b"no image")
    opened = review(slide, lambda held: None)
    assert opened.review.state.labels["tissue"].shape == (96, 208)
    assert opened.um_per_px == pytest.approx(4.0)
    assert opened.is_slide


def test_two_readers_of_a_slide_are_compared_by_its_features(slide: Path) -> None:
    """By hand: bias of the tissue's area; cells, which nobody corrected, are not matched."""
    review(slide, delete_second, "ann")
    review(slide, lambda held: held.do("merge", held.edit.merge([1, 2])), "bob")
    run_study(slide, ONE)
    readings = pd.read_csv(slide / "results" / "ferritin_readings.csv")
    area = readings[readings["feature"] == "tissue_area_mm2"].set_index("reader")["value"]
    assert area["bob"] == pytest.approx(area["program"])
    assert 0 < area["ann"] < area["bob"]
    agreement = pd.read_csv(slide / "results" / "ferritin_agreement.csv")
    counts = agreement[agreement["measure"].isin(["matched", "only_first", "only_second"])]
    assert counts["value"].isna().all()
    assert counts["note"].str.contains("whole slides").all()
    assert "readers_not_settled" in flags(slide)


def test_tissue_that_was_not_found_can_be_drawn(slide: Path) -> None:
    """By hand: all pieces deleted, a disc drawn in one's place; it is all that is measured."""

    def draw(held) -> None:
        held.do("delete", held.edit.delete([1, 2]))
        held.do("add", held.edit.add(48.0, 44.0, 10.0))

    opened = review(slide, draw)
    disc = np.count_nonzero(opened.review.state.labels["tissue"])
    run_study(slide, ONE)
    assert feature(slide, "tissue_area_mm2") == pytest.approx(disc * MM2_PER_OVERVIEW_PX)
    assert feature(slide, "cells") > 10
