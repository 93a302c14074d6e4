"""Lobes from both sides in a study: an animal's photos put together by hand."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xenoquant.imgproc.phantoms import LungScene, render_lungs
from xenoquant.imgproc.views import FRAME_COLUMNS
from xenoquant.pipeline.classified import ClassifiedImage
from xenoquant.pipeline.lobe_views import (
    LOBE_TYPES,
    PAIR_TYPES,
    count_lobes,
    has_both_views,
    lobe_features,
    side_of,
)
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.samples import Sample

FRAME = dict(zip(FRAME_COLUMNS, (200.0, 200.0, 0.0, 220.0, 120.0, 0.4, 0.1, 20000.0), strict=True))
"""A lobe that lies along the photo's width and is drawn out to the right."""

FACE = (200.0, 200.0, False)
RIGHT_RIM = (200.0, 305.0, True)
UPPER_RIM = (145.0, 190.0, True)
LOWER_RIM = (255.0, 190.0, True)


def photo(name, *nodules, lobe="left", view="", places=True, lobes=1, area_mm2=8.0):
    """A photo of one lobe (or several alike), with nodules (y_px, x_px, at_rim) on each."""
    numbers = [str(n + 1) for n in range(lobes)]
    names = [lobe if lobes == 1 else f"{lobe} {n}" for n in numbers] if lobe else numbers
    mirrored = -1 if view == "ventral" else 1
    regions = [
        {
            "region": n + 1, "lobe": called, "area_mm2": area_mm2, "area_px": 20000,
            "nodules": len(nodules), "count_low": len(nodules), "count_high": len(nodules),
            **({**FRAME, "skew_across": mirrored * 0.1} if places else {}),
        }
        for n, called in enumerate(names)
    ]  # fmt: skip
    rows = [
        {
            "object": n * len(nodules) + k + 1, "y_px": 200 + mirrored * (y - 200), "x_px": x,
            "lobe": called, "diameter_px": 20.0 + 3 * k, "area_px": 314, "at_rim": at_rim,
        }
        for n, called in enumerate(names)
        for k, (y, x, at_rim) in enumerate(nodules)
    ]  # fmt: skip
    columns = ["object", "y_px", "x_px", "lobe", "diameter_px", "area_px", "at_rim"]
    table = pd.DataFrame(rows, columns=columns)
    sample = Sample("lungs", name, animal="m1", group="g", lobe=lobe, view=view)
    return sample, ClassifiedImage(table, pd.DataFrame(regions), {}, ())


def test_rim_nodules_of_both_views_are_counted_once():
    """Authority: by hand; 3 + 3 nodules of which two are the same: 4."""
    images = [
        photo("d.jpg", RIGHT_RIM, UPPER_RIM, FACE, view="Dorsal"),
        photo("v.jpg", RIGHT_RIM, UPPER_RIM, FACE, view="ventral", area_mm2=9.0),
    ]
    assert has_both_views(images)
    counts = count_lobes(images)
    assert counts.lobes.drop(columns=["count_low", "count_high"]).to_dict("records") == [
        {
            "lobe": "left", "views": "dorsal+ventral", "lobes": 1, "nodules": 4.0,
            "seen_twice": 2.0, "area_mm2": 8.5, "flag": "",
        }
    ]  # fmt: skip
    assert counts.pairs["dorsal_image"].tolist() == ["d.jpg", "d.jpg"]
    assert counts.pairs["ventral_image"].tolist() == ["v.jpg", "v.jpg"]
    assert counts.pairs["dorsal_object"].tolist() == [1, 2]
    assert counts.pairs["ventral_object"].tolist() == [1, 2]
    assert lobe_features(counts.lobes)["nodules_per_lobe"] == 4.0


def test_lobes_are_kept_apart_and_summed():
    """Authority: by hand; left 2 + 2 less 1, right 1 from one side: 4 nodules on 2 lobes."""
    images = [
        photo("ld.jpg", RIGHT_RIM, FACE, view="dorsal"),
        photo("rd.jpg", UPPER_RIM, lobe="right", view="dorsal", area_mm2=4.0),
        photo("lv.jpg", RIGHT_RIM, FACE, view="ventral"),
    ]
    counts = count_lobes(images)
    assert counts.lobes["lobe"].tolist() == ["left", "right"]
    assert counts.lobes["nodules"].tolist() == [3.0, 1.0]
    assert counts.lobes["flag"].tolist() == ["", "one_view"]
    features = lobe_features(counts.lobes)
    assert features == {
        "nodules_per_lobe": 2.0,
        "nodules": 4.0,
        "lobe_area_mm2": 12.0,
        "lobes": 2.0,
        "count_low": 4.0,
        "count_high": 4.0,
    }


def test_photos_without_a_view_are_summed_as_they_are():
    """Authority: the definition; nothing says that they show the same lobe."""
    images = [photo("a.jpg", RIGHT_RIM, FACE), photo("b.jpg", RIGHT_RIM, lobe="", lobes=2)]
    assert not has_both_views(images)
    counts = count_lobes(images)
    assert counts.lobes["nodules"].tolist() == [2.0, 1.0, 1.0]
    assert counts.lobes["views"].tolist() == ["", "", ""]
    assert lobe_features(counts.lobes)["lobes"] == 3.0


def test_repeated_photos_of_one_side_are_averaged():
    """Authority: by hand; dorsal 2 and 3, ventral 1 on its face: (3 + 4) / 2."""
    images = [
        photo("d1.jpg", LOWER_RIM, FACE, view="dorsal"),
        photo("d2.jpg", LOWER_RIM, FACE, UPPER_RIM, view="dorsal"),
        photo("v.jpg", FACE, view="ventral"),
    ]
    row = count_lobes(images).lobes.iloc[0]
    assert (row["nodules"], row["count_low"], row["count_high"]) == (3.5, 3, 4)
    assert row["flag"] == "repeated_view"


def test_repeated_photos_of_the_only_side_are_averaged():
    """Authority: by hand; (2 + 1) / 2."""
    images = [photo("1.jpg", FACE, UPPER_RIM, view="v"), photo("2.jpg", FACE, view="v")]
    row = count_lobes(images).lobes.iloc[0]
    assert (row["nodules"], row["flag"]) == (1.5, "repeated_view;one_view")


def test_nameless_lobes_are_pooled_and_matched_by_size():
    """Authority: the definition; which lobe is which isn't known, so sizes alone can tell."""
    images = [
        photo("d.jpg", RIGHT_RIM, FACE, lobe="", lobes=3, view="dorsal", area_mm2=5.0),
        photo("v.jpg", RIGHT_RIM, lobe="", lobes=3, view="ventral", area_mm2=5.0),
    ]
    counts = count_lobes(images)
    row = counts.lobes.iloc[0]
    assert len(counts.lobes) == 1
    assert (row["lobes"], row["area_mm2"], row["flag"]) == (3, 15.0, "lobes_not_named;no_positions")
    assert (row["nodules"], row["count_high"]) == (6.0, 9)
    assert counts.pairs.empty


def test_one_nameless_lobe_a_view_is_one_lobe():
    """Authority: by hand; one lobe in each photo, so it needs no name."""
    images = [
        photo("d.jpg", RIGHT_RIM, lobe="", view="dorsal"),
        photo("v.jpg", RIGHT_RIM, FACE, lobe="", view="ventral"),
    ]
    row = count_lobes(images).lobes.iloc[0]
    assert (row["nodules"], row["flag"]) == (2.0, "")


def test_tables_without_frames_still_count():
    """Authority: the definition; results of an earlier version lack the lobes' frames."""
    images = [
        photo("d.jpg", RIGHT_RIM, FACE, view="dorsal", places=False),
        photo("v.jpg", RIGHT_RIM, view="ventral", places=False),
    ]
    row = count_lobes(images).lobes.iloc[0]
    assert (row["nodules"], row["flag"]) == (2.0, "no_positions")


def test_nodules_that_a_person_added_need_no_rim_flag():
    """Authority: the contract; added objects may lack the columns' values, and count."""
    sample, image = photo("d.jpg", RIGHT_RIM, FACE, view="dorsal")
    added = image.objects.astype({"at_rim": "object"})
    added.loc[1, ["at_rim", "diameter_px"]] = [None, np.nan]
    images = [(sample, ClassifiedImage(added, image.regions, {})), photo("v.jpg", view="ventral")]
    row = count_lobes(images).lobes.iloc[0]
    assert row["nodules"] == 2.0


def test_no_photo_and_no_lobe_give_empty_tables():
    """Authority: the contract; nothing found is no error and keeps the columns."""
    for images in ([], [photo("d.jpg", lobes=0, view="dorsal")]):
        counts = count_lobes(images)
        assert list(counts.lobes) == list(LOBE_TYPES)
        assert list(counts.pairs) == list(PAIR_TYPES)
        features = lobe_features(counts.lobes)
        assert features["nodules"] == 0
        assert np.isnan(features["nodules_per_lobe"])


@pytest.mark.parametrize(("view", "side"), [("DORSAL ", "dorsal"), ("v", "ventral"), ("top", "")])
def test_views_are_named_as_people_do(view, side):
    """Authority: the contract's two words, in any case or by their first letter."""
    assert side_of(view) == side


def test_a_study_of_both_sides_runs_to_its_report(tmp_path):
    """Authority: the two photos are one, mirrored: a lobe, and no nodule more than both show."""
    scene = LungScene(
        size_px=(300, 400), px_per_mm=25, nodules=4, lobe_length_mm=(8, 10), jpeg_quality=None
    )
    rgb = render_lungs(3, scene=scene).rgb
    for view, pixels in (("dorsal", rgb), ("ventral", np.ascontiguousarray(rgb[:, ::-1]))):
        Image.fromarray(pixels).save(tmp_path / f"{view}.png")
    rows = [f"lungs,{view}.png,m1,a,left,{view}" for view in ("dorsal", "ventral")]
    (tmp_path / "samples.csv").write_text(
        "\n".join(["assay,image,animal,group,lobe,view", *rows]) + "\n"
    )
    (tmp_path / "study.toml").write_text(
        '[study]\ntitle = "Both sides"\ngroups = ["a"]\nreference = "a"\n'
        '[assays.lungs]\nmethod = "nodules"\npx_per_mm = 25\n'
    )
    summary = run_study(tmp_path, RunOptions(jobs=1))
    assert not summary.problems
    results = tmp_path / "results"
    assert (results / "report.html").is_file()
    animal = pd.read_csv(results / "animals.csv").set_index("feature")["value"]
    photos = pd.read_csv(results / "images.csv").query("feature == 'nodules'")["value"]
    assert animal["lobes"] == 1
    assert photos.max() <= animal["nodules"] <= photos.sum()
    assert len(pd.read_csv(results / "lungs_lobes.csv")) == 1
