"""Reviews and runs: corrections come into the tables, are named there, and are never touched."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from xenoquant.napari_plugin.edits import EditError
from xenoquant.napari_plugin.session import Session, SessionOptions
from xenoquant.napari_plugin.settling import differences, settle
from xenoquant.pipeline.review_state import Verdict
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.verify import verify_study

ONE = RunOptions(jobs=1)


def images_of(study: Path) -> pd.DataFrame:
    return pd.read_csv(study / "results" / "images.csv", keep_default_na=False)


def value(study: Path, image: str, feature: str) -> float:
    table = images_of(study)
    row = table[(table["image"] == image) & (table["feature"] == feature)]
    return float(row["value"].iloc[0])


def flags(study: Path, image: str) -> set[str]:
    table = images_of(study)
    return set(table.loc[table["image"] == image, "flag"].iloc[0].split(";")) - {""}


def content(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def review(study, image, work, reader="ann", *, settle=(), accept=True):
    """Do something to one image as a reader, and close."""
    session = Session(study, reader, SessionOptions(settle=settle))
    try:
        place = next(i for i, x in enumerate(session.items) if x.sample.image == image)
        opened = session.open(place)
        work(opened.review)
        if accept:
            opened.review.do("accept", opened.review.edit.judge(Verdict("accepted")))
        return opened
    finally:
        session.close()


def delete_first(held):
    first = held.index.numbers(held.correctable.objects)[0]
    held.do("delete", held.edit.delete([first]))


def add_one(held):
    free = (held.state.labels["lobes"] > 0) & (held.state.labels["nodules"] == 0)
    y, x = np.argwhere(free)[free.sum() // 2]
    held.do("add", held.edit.add(y, x, 4))


def test_a_deleted_and_two_added_nodules_are_in_the_tables_of_the_next_run(study):
    image = "lungs/m1.jpg"
    before = value(study, image, "nodules")
    area = value(study, image, "lobe_area_mm2")

    def work(held):
        delete_first(held)
        add_one(held)
        free = (held.state.labels["lobes"] > 0) & (held.state.labels["nodules"] == 0)
        y, x = np.argwhere(free)[free.sum() // 4]
        held.do("add", held.edit.add(y, x, 4))

    opened = review(study, image, work)
    kept = content(study / "review")
    summary = run_study(study, ONE)
    assert not summary.problems
    assert summary.measured == 0
    assert content(study / "review") == kept  # a run never touches it
    assert value(study, image, "nodules") == before + 1
    assert value(study, image, "lobe_area_mm2") == area
    assert flags(study, image) == {"reviewed:ann"}
    objects = pd.read_parquet(study / "results" / "objects" / "lungs.parquet")
    own = objects[objects["image"] == image]
    labels = tifffile.imread(
        study / "results" / "labels" / "lungs" / "lungs" / "m1" / "nodules.tif"
    )
    np.testing.assert_array_equal(labels, opened.review.state.labels["nodules"])
    assert sorted(own["object"]) == sorted(n for n in np.unique(labels) if n)
    added = own[own["confidence"].isna()]
    assert len(added) == 2
    assert added["area_px"].tolist() == [(labels == n).sum() for n in added["object"]]
    animals = pd.read_csv(study / "results" / "animals.csv")
    row = animals[(animals["animal"] == "m1") & (animals["feature"] == "nodules")]
    assert row["value"].tolist() == [before + 1]
    report = (study / "results" / "report.html").read_text(encoding="utf-8")
    assert "A reader corrected or confirmed this image" in report


@pytest.mark.parametrize(
    ("image", "feature", "top"),
    [("snai1/m1.ome.tif", "positive_fraction", 1), ("ferritin/m1.png", "h_score", 3)],
)
def test_a_readers_classes_win_over_thresholds(stains, image, feature, top):
    """By hand: all cells of the highest class give 1, or an H-score of 300."""

    def work(held):
        numbers = held.index.numbers("nuclei")
        held.do("reclassify", held.edit.reclassify(numbers, top))

    review(stains, image, work)
    run_study(stains, ONE)
    assert value(stains, image, feature) == {1: 1.0, 3: 300.0}[top]


def test_accepting_alone_confirms_the_programs_numbers(stains):
    study = stains
    image = "snai1/m1.ome.tif"
    table = images_of(study)
    before = table[table["image"] == image].set_index("feature")["value"]
    review(study, image, lambda held: None)
    run_study(study, ONE)
    table = images_of(study)
    after = table[table["image"] == image].set_index("feature")["value"]
    pd.testing.assert_series_equal(after, before)
    assert flags(study, image) >= {"reviewed:ann"}


def test_an_unfinished_review_counts_and_says_so(study):
    review(study, "lungs/m1.jpg", delete_first, accept=False)
    run_study(study, ONE)
    assert flags(study, "lungs/m1.jpg") == {"reviewed:ann", "review_open"}


def test_a_rejected_image_leaves_the_tables_with_a_row_that_says_so(study):
    def work(held):
        held.do("reject", held.edit.judge(Verdict("rejected", "out of focus", "left half")))

    review(study, "lungs/m1.jpg", work, accept=False)
    summary = run_study(study, ONE)
    assert not summary.failed  # a person's decision is no failure
    row = next(r for r in summary.problems if r.image == "lungs/m1.jpg")
    assert row.stage == "review"
    assert "rejected by the reader ann: out of focus; left half" in row.error
    assert "lungs/m1.jpg" not in set(images_of(study)["image"])
    animals = pd.read_csv(study / "results" / "animals.csv")
    assert "m1" not in set(animals.loc[animals["assay"] == "lungs", "animal"])
    review(study, "lungs/m1.jpg", lambda held: None)  # it can be called back
    run_study(study, ONE)
    assert "lungs/m1.jpg" in set(images_of(study)["image"])


@pytest.mark.parametrize("what", ["parameters", "image"])
def test_a_review_of_another_image_or_other_options_is_flagged_and_not_used(study, what):
    image = "lungs/m1.jpg"
    before = value(study, image, "nodules")
    review(study, image, delete_first)
    if what == "parameters":
        file = study / "study.toml"
        file.write_text(file.read_text().replace("px_per_mm = 25", "px_per_mm = 25.5"))
        run_study(study, ONE)
        assert flags(study, image) >= {"review_stale:ann"}
        assert "reviewed:ann" not in flags(study, image)
        carried(study, image, before)
    else:
        shutil.copy(study / "lungs" / "m3.jpg", study / image)
        run_study(study, ONE)
        assert flags(study, image) >= {"review_stale:ann"}


def carried(study, image, before):
    """A reader who has looked carries the review over to the new options."""

    def work(held):
        assert held.is_stale
        held.carry_over()
        assert not held.is_stale

    review(study, image, work, accept=False)
    run_study(study, ONE)
    assert flags(study, image) == {"reviewed:ann"}
    assert value(study, image, "nodules") == before - 1


def test_a_review_of_an_image_that_was_cropped_since_says_what_to_do(study):
    image = "lungs/m1.jpg"
    folder = review(study, image, delete_first).review.folder.folder
    with Image.open(study / image) as photo:
        cropped = photo.crop((0, 0, photo.width - 10, photo.height))
    cropped.save(study / image, quality=95)
    run_study(study, ONE)

    def work(held):
        with pytest.raises(EditError, match=r"don't fit it\. Review it under another.*") as error:
            held.carry_over()
        assert str(folder) in str(error.value)
        assert held.is_stale

    review(study, image, work, accept=False)


def test_results_can_be_deleted_and_the_review_still_counts(study):
    image = "lungs/m1.jpg"
    review(study, image, delete_first)
    run_study(study, ONE)
    expected = images_of(study)
    shutil.rmtree(study / "results")
    run_study(study, ONE)
    pd.testing.assert_frame_equal(images_of(study), expected)


def test_a_damaged_log_line_is_a_row_of_problems(study):
    image = "lungs/m1.jpg"
    opened = review(study, image, delete_first)
    with opened.review.folder.log_file.open("ab") as log:
        log.write(b'{"sequence": 9, "torn')
    summary = run_study(study, ONE)
    assert any("damaged" in row.error and row.image == image for row in summary.problems)
    assert summary.failed
    assert flags(study, image) == {"reviewed:ann"}  # what can be read counts


def rename(study, old, new):
    """Rename an image, in the sheet too."""
    (study / old).rename(study / new)
    sheet = study / "samples.csv"
    sheet.write_text(sheet.read_text().replace(old, new))


@pytest.mark.parametrize("accept", [True, False])
def test_a_review_of_a_renamed_image_is_told_and_counts_once_its_folder_follows(study, accept):
    """Authority: nothing lost, and nothing dropped without a row that says so."""
    opened = review(study, "lungs/m1.jpg", delete_first, accept=accept)
    left = opened.review.index.count("nodules")
    rename(study, "lungs/m1.jpg", "lungs/m1 left.jpg")
    summary = run_study(study, ONE)
    assert value(study, "lungs/m1 left.jpg", "nodules") == left + 1
    assert summary.failed
    (row,) = summary.problems
    assert (row.image, row.stage) == ("lungs/m1.jpg", "read")
    assert "the review by ann" in row.error
    folder = study / "review" / "ann" / "lungs" / "lungs" / "m1 left"
    assert row.remedy == f"rename the folder to {folder}"
    opened.review.folder.folder.rename(folder)
    assert not run_study(study, ONE).problems
    assert value(study, "lungs/m1 left.jpg", "nodules") == left
    assert "reviewed:ann" in flags(study, "lungs/m1 left.jpg")


def test_a_review_is_told_when_another_image_takes_the_short_form_of_its_name(study):
    """m1.jpg is kept as m1 until there is an m1.png: then both are kept under whole names."""
    opened = review(study, "lungs/m1.jpg", delete_first)
    shutil.copy(study / "lungs" / "m2.jpg", study / "lungs" / "m1.png")
    with (study / "samples.csv").open("a") as sheet:
        sheet.write("lungs,lungs/m1.png,m2,350 ppm\n")
    summary = run_study(study, ONE)
    (row,) = [row for row in summary.problems if row.image == "lungs/m1.jpg"]
    folder = study / "review" / "ann" / "lungs" / "lungs" / "m1.jpg"
    assert row.remedy == f"rename the folder to {folder}"
    opened.review.folder.folder.rename(folder)
    run_study(study, ONE)
    assert "reviewed:ann" in flags(study, "lungs/m1.jpg")


def test_a_review_of_an_image_that_left_the_sheet_is_told_unless_it_is_moved_away(study, tmp_path):
    opened = review(study, "lungs/m1.jpg", delete_first)
    sheet = study / "samples.csv"
    kept = [line for line in sheet.read_text().splitlines() if "m1.jpg" not in line]
    sheet.write_text("\n".join(kept) + "\n")
    (row,) = run_study(study, ONE).problems
    assert "move the folder out of review/" in row.remedy
    opened.review.folder.folder.rename(tmp_path / "m1")
    assert not run_study(study, ONE).problems


def test_an_image_that_failed_keeps_its_review(study):
    """Its own row says what is wrong; its review isn't without an image."""
    review(study, "lungs/m1.jpg", delete_first)
    (study / "lungs" / "m1.jpg").unlink()
    problems = run_study(study, ONE).problems
    assert [row.image for row in problems] == ["lungs/m1.jpg"]
    assert "review" not in problems[0].error


def test_two_readers_are_compared_and_settled(study):
    images = [f"lungs/m{n}.jpg" for n in (1, 2, 3)]
    program = {image: value(study, image, "nodules") for image in images}
    for image in images:
        review(study, image, delete_first, "ann")
        review(study, image, add_one, "bob")
    run_study(study, ONE)
    assert flags(study, images[0]) == {"reviewed:ann", "readers_not_settled"}
    table = pd.read_csv(study / "results" / "lungs_agreement.csv")

    def held(one, other, feature, statistic):
        rows = table[(table["reader_a"] == one) & (table["reader_b"] == other)]
        found = rows[(rows["feature"] == feature) & (rows["measure"] == statistic)]
        return float(found["value"].iloc[0])

    # by hand: ann has one less than the program on each image, bob one more
    assert held("ann", "program", "nodules", "bias") == -1
    assert held("bob", "program", "nodules", "bias") == 1
    assert held("ann", "bob", "nodules", "bias") == -2
    total = sum(program.values())
    assert held("ann", "bob", "objects", "matched") == total - 3
    assert held("ann", "bob", "objects", "only_first") == 0
    assert held("ann", "bob", "objects", "only_second") == 6
    report = (study / "results" / "report.html").read_text(encoding="utf-8")
    assert "Reader against reader and program" in report
    readings = pd.read_csv(study / "results" / "lungs_readings.csv")
    assert set(readings["reader"]) == {"ann", "bob", "program"}

    settle_first_image(study, images[0])
    run_study(study, ONE)
    assert flags(study, images[0]) == {"reviewed:carol"}
    assert value(study, images[0], "nodules") == program[images[0]]
    assert flags(study, images[1]) == {"reviewed:ann", "readers_not_settled"}
    table = pd.read_csv(study / "results" / "lungs_agreement.csv")
    assert set(zip(table["reader_a"], table["reader_b"], strict=True)) == {
        ("ann", "bob"),
        ("ann", "program"),
        ("bob", "program"),
        ("carol", "program"),  # who settles has seen both, and is compared with neither
    }
    run = json.loads((study / "results" / "run.json").read_text())
    counting = {r["reader"] for r in run["reviews"] if r["counts"] and r["image"] == images[0]}
    assert counting == {"carol"}


def settle_first_image(study, image):
    """Carol follows bob where ann deleted, and ann where bob added."""
    session = Session(study, "carol", SessionOptions(settle=("ann", "bob")))
    place = next(i for i, x in enumerate(session.items) if x.sample.image == image)
    opened = session.open(place)
    bob = session.reading_of("bob", opened.item)
    ann = session.reading_of("ann", opened.item)
    found = differences(ann, bob, "nodules")
    assert [d.kind for d in found] == ["only_second", "only_second"]
    program = opened.program.labels["nodules"]
    for difference in found:
        known = bool((program[bob.labels["nodules"] == difference.second] > 0).all())
        settle(opened.review, difference, bob, follow="second" if known else "first")
    actions = [r["action"] for r in opened.review.log.records]
    assert sorted(actions) == ["settle_first", "settle_second"]
    opened.review.do("accept", opened.review.edit.judge(Verdict("accepted")))
    session.close()


def test_classes_of_two_readers_are_compared_by_kappa(stains):
    """By hand: readers who class every cell alike, except one."""
    study = stains
    image = "ferritin/m1.png"

    def work(start):
        def held(review):
            for place, number in enumerate(review.index.numbers("nuclei")):
                value = (place + (start if place == 0 else 0)) % 4
                review.do("reclassify", review.edit.reclassify([number], value))

        return held

    review(study, image, work(0), "ann")
    opened = review(study, image, work(1), "bob")
    run_study(study, ONE)
    table = pd.read_csv(study / "results" / "ferritin_agreement.csv")
    row = table[
        (table["reader_a"] == "ann")
        & (table["reader_b"] == "bob")
        & (table["measure"] == "cohen_kappa")
    ].iloc[0]
    n = opened.review.index.count("nuclei")
    first = np.arange(n) % 4
    second = first.copy()
    second[0] = 1
    observed = np.mean(first == second)
    expected = sum(np.mean(first == c) * np.mean(second == c) for c in range(4))
    assert row["n"] == n
    assert row["value"] == pytest.approx((observed - expected) / (1 - expected))
    few = table[(table["feature"] == "h_score") & (table["measure"] == "bias")]
    assert few["value"].isna().all()
    assert few["note"].str.contains("3 pairs").all()  # no number is left out without a reason


def test_a_review_that_went_on_after_the_run_is_named(study):
    """The act that came after it: the numbers of the run are without it."""
    image = "lungs/m1.jpg"
    review(study, image, delete_first)
    run_study(study, ONE)
    assert verify_study(study, sample=0).holds
    review(study, image, add_one)
    assert verify_study(study, sample=0).broken == (f"review of {image} by ann: not as at the run",)
