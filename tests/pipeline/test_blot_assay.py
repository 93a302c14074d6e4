"""Blots in a study: from bands and the lane sheet to relative volumes of animals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.phantom_blots import BlotPhantom, BlotScene, render_blot
from xenoquant.pipeline.assay import Calibration
from xenoquant.pipeline.blot_assay import BlotAssay
from xenoquant.pipeline.blot_rows import compare_volumes, relative_volumes
from xenoquant.pipeline.check import check_study
from xenoquant.pipeline.evidence import prepare_assays
from xenoquant.pipeline.lane_sheet import read_lane_sheet
from xenoquant.pipeline.measured import Measured, MeasuredImage
from xenoquant.pipeline.readers import Image
from xenoquant.pipeline.samples import Sample, study_samples
from xenoquant.pipeline.study import StudyHeader, load_study

GROUPS = ("350 ppm", "3.5 ppm")
HEADER = StudyHeader(title="Rendered", group="diet", groups=GROUPS, reference="350 ppm")


# Tables ----------------------------------------------------------------------------------------


def bands(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["image", "lane", "y_px", "volume"])
    return table.assign(object=range(1, len(table) + 1), saturated=False)


def lanes_of(objects: pd.DataFrame) -> pd.DataFrame:
    return objects.groupby(["image", "lane"], as_index=False)["volume"].sum()


def sheet(*rows: tuple, **more: list) -> pd.DataFrame:
    columns = ["image", "lane", "animal", "group", "protein", "role"]
    table = pd.DataFrame(rows, columns=columns, index=range(2, len(rows) + 2)).assign(pooled=False)
    return table.assign(**more)


# Two controls and two treated; E-cadherin over tubulin: 1, 3 | 8, 2.
OBJECTS = bands(
    ("b.tif", 1, 50.0, 100.0),
    ("b.tif", 1, 150.0, 100.0),
    ("b.tif", 2, 50.0, 600.0),
    ("b.tif", 2, 150.0, 200.0),
    ("b.tif", 3, 50.0, 800.0),
    ("b.tif", 3, 150.0, 100.0),
    ("b.tif", 4, 50.0, 400.0),
    ("b.tif", 4, 150.0, 200.0),
)
ANIMALS = (("m1", "350 ppm"), ("m2", "350 ppm"), ("m3", "3.5 ppm"), ("m4", "3.5 ppm"))
ROWS = [
    ("b.tif", lane, animal, group, protein, role)
    for protein, role in (("E-cadherin", "target"), ("tubulin", "loading_control"))
    for lane, (animal, group) in enumerate(ANIMALS, start=1)
]
LIMITS = {"top_px": [40.0] * 4 + [140.0] * 4, "bottom_px": [60.0] * 4 + [160.0] * 4}


def evaluate(objects: pd.DataFrame, rows: pd.DataFrame):
    return relative_volumes(objects, lanes_of(objects), rows, groups=GROUPS, reference="350 ppm")


def values(result) -> dict[str, float]:
    return dict(zip(result.animals["animal"], result.animals["value"], strict=True))


def test_relative_volumes_by_hand():
    """Authority: hand computation; ratios 1, 3, 8, 2 over the controls' mean of 2."""
    result = evaluate(OBJECTS, sheet(*ROWS, **LIMITS))
    assert values(result) == {"m1": 0.5, "m2": 1.5, "m3": 4.0, "m4": 1.0}
    assert set(result.animals["feature"]) == {"relative_volume.E-cadherin"}
    assert result.animals["n_images"].tolist() == [1, 1, 1, 1]
    assert result.left_out.empty


def test_comparisons_are_those_of_scipy():
    """Authority: scipy's t tests on the four values."""
    from scipy import stats

    result = evaluate(OBJECTS, sheet(*ROWS, **LIMITS))
    rows = compare_volumes(result, groups=GROUPS, reference="350 ppm").set_index("test")
    expected = stats.ttest_ind([4.0, 1.0], [0.5, 1.5])
    assert rows.loc["student_t", "p"] == pytest.approx(expected.pvalue)
    assert rows.loc["student_t", "effect"] == pytest.approx(1.5)
    assert "ratio of means 2.5" in rows.loc["student_t", "note"]


def test_the_same_band_for_two_proteins_is_refused():
    """Authority: without limits both rows find the lane's strongest band."""
    result = evaluate(OBJECTS, sheet(*ROWS))
    assert result.animals.empty
    assert result.left_out["reason"].str.contains("top_px").all()


def test_a_loading_control_on_another_image_of_the_same_lane():
    """Authority: the numbers as before, the membrane stripped and photographed again."""
    again = OBJECTS.assign(image=np.where(OBJECTS["y_px"] > 100, "c.tif", "b.tif"))
    again["object"] = [1, 1, 2, 2, 3, 3, 4, 4]
    rows = [(("c.tif" if row[5] != "target" else "b.tif"), *row[1:]) for row in ROWS]
    assert values(evaluate(again, sheet(*rows))) == {"m1": 0.5, "m2": 1.5, "m3": 4.0, "m4": 1.0}


def test_total_protein_is_the_whole_lane():
    """Authority: hand computation; targets 100 600 800 400 over lanes 200 800 900 600."""
    rows = [row if row[5] == "target" else (*row[:4], "total protein", row[5]) for row in ROWS]
    result = evaluate(OBJECTS, sheet(*rows, **LIMITS))
    ratio = np.array([100 / 200, 600 / 800, 800 / 900, 400 / 600])
    assert list(values(result).values()) == pytest.approx(ratio / ratio[:2].mean())


def test_saturated_bands_are_never_used_silently():
    """Authority: a saturated volume is a lower bound; target or control, the lane is left out."""
    marked = OBJECTS.assign(saturated=[False, True, False, False, True, False, False, False])
    result = evaluate(marked, sheet(*ROWS, **LIMITS))
    assert set(values(result)) == {"m2", "m4"}
    reasons = result.left_out.set_index(["animal", "protein"])["reason"]
    assert "saturated" in reasons["m3", "E-cadherin"]
    assert reasons["m1", "E-cadherin"].startswith("loading control tubulin: the band is saturated")


def test_no_band_is_zero_for_a_target_and_missing_for_a_control():
    """Authority: a target below detection is a measurement, a lane without control isn't."""
    result = evaluate(OBJECTS.drop(index=[4, 7]), sheet(*ROWS, **LIMITS))
    assert values(result) == {"m1": 0.5, "m2": 1.5, "m3": 0.0}
    used = result.bands.set_index(["animal", "protein"])
    assert "volume 0" in used.loc[("m3", "E-cadherin"), "note"]
    assert "no band" in used.loc[("m4", "E-cadherin"), "reason"]


def test_exposures_are_brought_together_by_their_own_reference():
    """Authority: a second blot with ten times the light gives the same relative volumes."""
    second = OBJECTS.assign(image="c.tif", volume=OBJECTS["volume"] * 10)
    second.loc[second["y_px"] > 100, "volume"] *= 7  # another antibody, another exposure
    rows = [*ROWS, *(("c.tif", *row[1:]) for row in ROWS)]
    limits = {name: held * 2 for name, held in LIMITS.items()}
    result = evaluate(pd.concat([OBJECTS, second]), sheet(*rows, **limits))
    assert values(result) == pytest.approx({"m1": 0.5, "m2": 1.5, "m3": 4.0, "m4": 1.0})
    assert result.animals["n_images"].tolist() == [2, 2, 2, 2]
    lonely = second[second["lane"] > 2]
    part = [row for row in rows if row[0] == "b.tif" or row[1] > 2]
    held = sheet(*part, top_px=[40.0] * 4 + [140.0] * 4 + [40.0] * 2 + [140.0] * 2)
    result = evaluate(pd.concat([OBJECTS, lonely]), held.assign(bottom_px=held["top_px"] + 20))
    assert result.left_out["reason"].str.contains("no usable lane of the reference").all()


def _images(lanes: dict[str, tuple[tuple[str, str, float], ...]]) -> pd.DataFrame:
    """Relative volumes from lanes (animal, group, target) of several images, controls 100 each."""
    objects, rows, limits = [], [], []
    for image, held in lanes.items():
        for lane, (animal, group, target) in enumerate(held, start=1):
            objects += [(image, lane, 50.0, target), (image, lane, 150.0, 100.0)]
            rows += [(image, lane, animal, group, "E-cadherin", "target")]
            rows += [(image, lane, animal, group, "tubulin", "loading_control")]
            limits += [(40.0, 60.0), (140.0, 160.0)]
    top, bottom = zip(*limits, strict=True)
    found = evaluate(bands(*objects), sheet(*rows, top_px=list(top), bottom_px=list(bottom)))
    return compare_volumes(found, groups=GROUPS, reference="350 ppm")


def test_a_reference_of_one_lane_an_image_has_no_spread_of_its_own():
    """By hand: 80/80, 120/120, 100/100 are 1 whatever the animals are, so there is nothing to
    test with; Student's t would call them equal animals and reject too often.
    """
    images = {
        f"{k}.tif": ((f"c{k}", "350 ppm", volume), (f"t{k}", "3.5 ppm", volume * ratio))
        for k, volume, ratio in ((1, 80.0, 0.5), (2, 120.0, 0.7), (3, 100.0, 0.4))
    }
    rows = _images(images)
    assert rows["p"].isna().all()
    assert rows["ci_low"].isna().all()
    assert not rows["significant"].any()
    assert rows["note"].str.contains("no test: each image has one lane of 350 ppm").all()
    assert rows.set_index("test").loc["student_t", "effect"] == pytest.approx(1.6 / 3 - 1)


def test_a_reference_shared_out_over_images_loses_spread_and_says_so():
    """By hand: two controls on each of two images; each pair's mean is 1, so of four values two
    are free. On one image, or where the same animals stand on every image, nothing is lost.
    """
    apart = {
        "1.tif": (("c1", "350 ppm", 80.0), ("c2", "350 ppm", 90.0), ("t1", "3.5 ppm", 40.0)),
        "2.tif": (("c3", "350 ppm", 70.0), ("c4", "350 ppm", 100.0), ("t2", "3.5 ppm", 50.0)),
    }
    assert _images(apart)["note"].str.contains("2 of the 4 values of 350 ppm are free").all()
    assert _images(apart)["p"].notna().any()
    same = dict.fromkeys(("1.tif", "2.tif"), apart["1.tif"] + (("t2", "3.5 ppm", 50.0),))
    assert not _images(same)["note"].str.contains("free").any()
    assert not _images({"1.tif": same["1.tif"]})["note"].str.contains("free").any()


def test_lanes_and_images_that_arent_there_are_named():
    rows = [*ROWS, ("b.tif", 9, "m5", "3.5 ppm", "E-cadherin", "target")]
    rows.append(("x.tif", 1, "m6", "3.5 ppm", "E-cadherin", "target"))
    limits = {name: [*held, np.nan, np.nan] for name, held in LIMITS.items()}
    reasons = evaluate(OBJECTS, sheet(*rows, **limits)).left_out["reason"].tolist()
    assert reasons[0] == "lane 9 isn't there: the image has 4"
    assert "'x.tif'" in reasons[1]


def test_a_pooled_lane_gives_a_ratio_and_never_a_p():
    """Authority: n = 1 a group; the ratio of means is 2.5 as before."""
    rows = [(*row[:2], f"pool of {row[3]}", *row[3:]) for row in ROWS if row[1] in (2, 4)]
    limits = {name: [*held[:2], *held[4:6]] for name, held in LIMITS.items()}
    result = evaluate(OBJECTS, sheet(*rows, **limits).assign(pooled=True))
    table = compare_volumes(result, groups=GROUPS, reference="350 ppm")
    assert table["p"].isna().all()
    assert table["note"].str.contains("n = 1").all()
    assert table["note"].str.contains("ratio of means 0.6667").all()


# Images ----------------------------------------------------------------------------------------

SHEET_HEAD = "image,lane,animal,diet,protein,role,top_px,bottom_px,pooled\n"
PEAKS = ((0.2, 0.3, 0.5, 0.4), (0.4, 0.5, 0.4, 0.5))


def write_sheet(folder: Path, extra: str = "") -> None:
    text = SHEET_HEAD
    for protein, role, top in (("E-cadherin", "target", 50), ("tubulin", "loading_control", 140)):
        for lane, (animal, group) in enumerate(ANIMALS, start=1):
            text += f"blots/b.tif,{lane},{animal},{group},{protein},{role},{top},{top + 60},\n"
    (folder / "lanes.csv").write_text(text + extra, encoding="utf-8")


def photo(phantom: BlotPhantom) -> Image:
    return Image(phantom.image[None], "channels", ("0",), None, 16)


def measured(assay: BlotAssay, phantom: BlotPhantom) -> Measured:
    sample = Sample("blots", "blots/b.tif")
    found = assay.measure(photo(phantom), sample, [])
    return MeasuredImage.of(sample, found)


def test_a_rendered_blot_from_pixels_to_animals(tmp_path):
    """Authority: the rendered bands' volumes, normalised by hand; within 3 % (rendered images)."""
    write_sheet(tmp_path)
    phantom = render_blot(3, scene=BlotScene(lanes=4, peaks=PEAKS, tilt_deg=1.5))
    assay = BlotAssay()
    ready = assay.prepare("blots", tmp_path, HEADER).assay
    result = ready.conclude("blots", [measured(ready, phantom)], HEADER)
    truth = phantom.bands.pivot(index="lane", columns="row", values="volume")
    ratio = (truth[1] / truth[2]).to_numpy()
    assert list(values(result).values()) == pytest.approx(ratio / ratio[:2].mean(), rel=0.03)
    assert result.problems == ()
    assert json.loads(json.dumps(dict(result.notes))) == result.notes
    assert set(result.comparisons["feature"]) == {"relative_volume.E-cadherin"}
    assert len(result.tables["blots_bands"]) == 8
    objects = ready.classify(measured(ready, phantom), Calibration()).objects
    upper = objects["y_px"] < 120
    assert (objects["protein"] == np.where(upper, "E-cadherin", "tubulin")).all()
    assert list(objects.columns[:6]) == ["object", "y_px", "x_px", "lane", "protein", "volume"]


def test_the_count_of_lanes_comes_from_the_sheet_with_ladders(tmp_path):
    """Authority: the sheet; the fifth lane holds a ladder and no animal."""
    write_sheet(tmp_path, "blots/b.tif,5,,,,ladder,,,\n")
    assay = BlotAssay()
    lanes = read_lane_sheet("blots", tmp_path, "lanes.csv", header=HEADER)
    assert lanes.lane_counts == {"blots/b.tif": 5}
    assert lanes.problems == ()
    assert len(lanes.table) == 8
    prepared = assay.prepare("blots", tmp_path, HEADER)
    assert prepared.samples == (Sample("blots", "blots/b.tif"),)
    four = render_blot(3, scene=BlotScene(lanes=4, peaks=PEAKS, size_px=(240, 480)))
    with pytest.raises(MeasurementError, match="5 lanes were expected, and 4"):
        measured(prepared.assay, four)


def test_a_study_of_blots_needs_no_sample_sheet(tmp_path):
    """Authority: the lane sheet names image, animal and group, and that is all there is to know."""
    write_sheet(tmp_path)
    (tmp_path / "blots").mkdir()
    phantom = render_blot(3, scene=BlotScene(lanes=4, peaks=PEAKS))
    tifffile.imwrite(tmp_path / "blots" / "b.tif", phantom.image)
    (tmp_path / "study.toml").write_text(
        '[study]\ntitle = "t"\ngroup = "diet"\ngroups = ["350 ppm", "3.5 ppm"]\n'
        'reference = "350 ppm"\n[assays.blots]\nmethod = "blot"\n'
    )
    report = check_study(tmp_path)
    assert report.lines() == [
        "blots (blot): 1 images, lanes.csv",
        "No problems: the study can run.",
    ]
    study = load_study(tmp_path)
    ready, samples, _ = prepare_assays(study, study_samples(study))
    assert [sample.image for sample in samples] == ["blots/b.tif"]
    assert ready.image_assays["blots"].measuring_parameters()["lane_counts"] == {"blots/b.tif": 4}


def test_bands_outside_the_dilutions_range_are_noted(tmp_path):
    """Authority: rendered dilutions 1 2 4 8 with the last one clipped; lanes 5 and 6 below, in."""
    peaks = ((0.1, 0.2, 0.4, 0.4, 0.03, 0.3), (0.3,) * 6)
    text = SHEET_HEAD.replace("pooled", "amount")
    for lane, amount in enumerate((1, 2, 4, 8), start=1):
        text += f"blots/b.tif,{lane},,,Kit,dilution,50,110,{amount}\n"
    for lane, (animal, group) in enumerate(ANIMALS[1:3], start=5):
        text += f"blots/b.tif,{lane},{animal},{group},Kit,target,50,110,\n"
        text += f"blots/b.tif,{lane},{animal},{group},tubulin,loading_control,140,200,\n"
    (tmp_path / "lanes.csv").write_text(text, encoding="utf-8")
    assay = BlotAssay()
    prepared = assay.prepare("blots", tmp_path, HEADER)
    assert prepared.problems == ()
    ready = prepared.assay
    phantom = render_blot(3, scene=BlotScene(peaks=peaks, noise=0.002))
    result = ready.conclude("blots", [measured(ready, phantom)], HEADER)
    [row] = result.tables["blots_dilutions"].to_dict("records")
    assert (row["low_amount"], row["high_amount"]) == (1, 4)
    assert row["note"] == "signal falls short of the amount above 4"
    notes = result.tables["blots_bands"].set_index(["animal", "protein"])["note"]
    assert notes["m2", "Kit"].startswith("below the linear range")
    assert notes["m3", "Kit"] == ""
    assert any("below the linear range" in text for text in result.notes["doubtful"])


def test_every_bad_row_of_the_sheet_is_named(tmp_path):
    """Authority: the rows put in."""
    write_sheet(
        tmp_path,
        "blots/b.tif,one,m1,350 ppm,E-cadherin,target,,,\n"
        "blots/b.tif,2,m1,350 ppm,E-cadherin,sample,,,\n"
        "blots/b.tif,3,m2,3.5 ppm,Kit,target,,,\n"
        "blots/b.tif,1,m1,350 ppm,E-cadherin,target,,,\n",
    )
    found = BlotAssay().prepare("blots", tmp_path, HEADER)
    errors = " | ".join(problem.error for problem in found.problems)
    for text in ("row 10, column lane", "row 11, column role", "several groups", "row 13"):
        assert text in errors


def test_pools_of_the_sheet_are_told_apart(tmp_path):
    rows = "".join(
        f"blots/b.tif,{lane},,{group},Kit,target,,,TRUE\n"
        for lane, group in ((1, "350 ppm"), (2, "3.5 ppm"))
    )
    (tmp_path / "lanes.csv").write_text(SHEET_HEAD + rows, encoding="utf-8")
    table = read_lane_sheet("blots", tmp_path, "lanes.csv", header=HEADER).table
    assert table["animal"].tolist() == ["pool of 350 ppm", "pool of 3.5 ppm"]
    assert table["pooled"].all()


def test_the_sheet_is_part_of_what_a_measurement_depends_on(tmp_path):
    """Authority: another count of lanes measures anew; another name of the sheet doesn't."""
    write_sheet(tmp_path)
    assay = BlotAssay()
    ready = assay.prepare("blots", tmp_path, HEADER).assay
    assert ready.measuring_parameters() != assay.measuring_parameters()
    assert BlotAssay(lanes="x.csv").measuring_parameters() == assay.measuring_parameters()
    assert json.loads(json.dumps(ready.measuring_parameters()))


def test_colour_is_refused_unless_it_is_grey():
    phantom = render_blot(3, scene=BlotScene(bit_depth=8, lanes=4, peaks=PEAKS))
    grey = np.repeat(phantom.image[..., None], 3, axis=2)
    sample = Sample("blots", "blots/b.tif")
    found = BlotAssay().measure(Image(grey, "rgb", ("r", "g", "b"), None, 8), sample, [])
    assert len(found.objects) == 8
    tinted = grey.copy()
    tinted[0, 0, 0] ^= 1
    with pytest.raises(MeasurementError, match="grey image was expected"):
        BlotAssay().measure(Image(tinted, "rgb", ("r", "g", "b"), None, 8), sample, [])


def test_features_and_overlay_of_an_image():
    """Authority: eight bands were rendered; the overlay changes pixels only at outlines."""
    phantom = render_blot(3, scene=BlotScene(lanes=4, peaks=PEAKS))
    assay = BlotAssay()
    sample = Sample("blots", "blots/b.tif")
    measurement = assay.measure(photo(phantom), sample, [])
    item = MeasuredImage(sample, measurement.objects, measurement.regions, {}, measurement.flags)
    classified = assay.classify(item, Calibration())
    assert assay.conclude("blots", [item], HEADER) is None
    assert classified.features == {"bands": 8.0, "saturated_bands": 0.0}
    drawn = assay.draw(
        photo(phantom), measurement.labels, classified, Calibration(), um_per_px=None
    )
    assert drawn.dtype == np.uint8
    coloured = (drawn.max(axis=2).astype(int) - drawn.min(axis=2)) > 0
    assert 0.005 < coloured.mean() < 0.3
