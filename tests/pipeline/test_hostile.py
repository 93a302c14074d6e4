"""Hostile and broken input: nothing outside is touched, nothing is run, every file has its row."""

import json
import os
import shutil
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenoquant.pipeline import report
from xenoquant.pipeline.errors import StudyError
from xenoquant.pipeline.exports import export_study
from xenoquant.pipeline.image_names import image_names
from xenoquant.pipeline.results_folder import open_results
from xenoquant.pipeline.results_links import refuse_links
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.study import load_study
from xenoquant.pipeline.tables import read_table

ONE = RunOptions(jobs=1)
ODD_NAMES = [
    "with spaces.png",
    "two\nlines.png",
    "\"quotes\" and 'more'.png",
    "mouse 🐭.png",
    "x" * 246 + ".png",
    "Case.png",
    "case.png",
    "=cmd|' calc'!A0.png",
    "<img src=x onerror=alert(1)>.png",
    "</script><script>alert(2)<",
    "semi;colon,comma.png",
]


@pytest.fixture
def small(small_studies: ModuleType, tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    small_studies.write_small_study(folder, len(ODD_NAMES))
    return folder


def rewrite_sheet(study: Path, images: list[str]) -> None:
    sheet = pd.read_csv(study / "samples.csv", dtype=str, keep_default_na=False)
    sheet["image"] = images
    sheet["animal"] = [f"=1+{n % 4}" for n in range(len(sheet))]
    sheet["diet"] = [("350 ppm", "3.5 ppm")[n % 2] for n in range(len(sheet))]
    sheet.to_csv(study / "samples.csv", index=False)


@pytest.mark.slow
def test_odd_names_are_measured_kept_apart_and_escaped(small):
    files = sorted((small / "dab").iterdir())
    # the slash in a closing tag is a folder, as it is for the file system
    names = [f"dab/{name}" for name in ODD_NAMES]
    for file, name in zip(files, names, strict=True):
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        file.rename(small / name)
    rewrite_sheet(small, names)
    summary = run_study(small, ONE)
    assert not summary.problems
    images = read_table(summary.results / "images.csv")
    assert set(images["image"]) == set(names)
    raw = (summary.results / "images.csv").read_text(encoding="utf-8")
    assert ",'=1+1," in raw  # a spreadsheet shows it, and runs nothing
    assert ",=1+1," not in raw
    page = summary.report.read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page
    overlays = list((summary.results / "overlays").rglob("*.jpg"))
    assert len({str(file).casefold() for file in overlays}) == len(names)
    exported = export_study(small, "qupath")
    assert not exported.notes
    assert len({str(file).casefold() for file in exported.files}) == len(names)


def test_a_name_in_a_tampered_record_leads_nowhere(tmp_path):
    """Authority: an export writes below its own folder, whatever run.json says."""
    run = {"images": [{"assay": "a", "image": "x.png", "name": "../../../x"}]}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert [found.name for found in open_results(tmp_path).images()] == ["x"]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=90),
        unique=True,
    )
)
def test_no_two_images_share_a_name_and_none_leaves_its_folder(images):
    """Authority: what file systems ask: 255 bytes, capitals that may not count, no parent."""
    names = image_names([Sample("a", image) for image in images])
    assert len({name.casefold() for name in names.values()}) == len(images)
    for name in names.values():
        parts = f"{name}.jpg".split("/")
        assert not name.startswith("/")
        assert ".." not in parts
        assert all(0 < len(part.encode()) <= 255 for part in parts)


@pytest.mark.parametrize(
    "names",
    [
        ("a.jpg", "a.png", "a.jpg.png"),
        ("A.jpg", "a.jpg"),
        ("../x.jpg", "x.jpg"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg"),
        ("x" * 250 + "1", "x" * 250 + "2"),
    ],
)
def test_names_that_would_clash_are_kept_apart(names):
    found = image_names([Sample("a", name) for name in names])
    assert len({name.casefold() for name in found.values()}) == len(names)


@pytest.mark.parametrize(
    "image", ["../outside.png", "/etc/passwd", "dab/link.png", "dab/folder/../../../outside.png"]
)
def test_paths_and_links_out_of_the_study_are_refused(small, image):
    outside = small.parent / "outside.png"
    shutil.copy(small / "dab" / "00000.png", outside)
    (small / "dab" / "link.png").symlink_to(outside)
    rewrite_sheet(small, [image, *(f"dab/{n:05d}.png" for n in range(1, len(ODD_NAMES)))])
    with pytest.raises(StudyError, match="an image inside the study's folder"):
        run_study(small, ONE)


def test_paths_that_lead_nowhere_are_rows(small):
    loop = small / "dab" / "loop.png"
    loop.symlink_to(loop)
    os.mkfifo(small / "dab" / "pipe.png")
    bad = ["dab/loop.png", "dab/pipe.png", "dab", "y" * 300 + ".png", "dab/none.png", "."]
    rewrite_sheet(small, [*bad, *(f"dab/{n:05d}.png" for n in range(len(bad), len(ODD_NAMES)))])
    rows = run_study(small, ONE).problems
    assert sorted(row.image for row in rows) == sorted(bad)
    assert {row.stage for row in rows} == {"read"}


@pytest.mark.parametrize("leads", ["../../../precious", "{outside}/precious", "ferritin/.."])
def test_a_tampered_record_of_what_is_published_removes_nothing_outside(
    small_run, tmp_path, monkeypatch, leads
):
    """A run removes the label images and overlays of images that are no more: its own alone."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept.txt").touch()
    (tmp_path / "precious.jpg").touch()
    results = small_run / "results"
    labels = sorted((results / "labels").rglob("*.tif"))
    record = results / "store" / "published.json"
    held = json.loads(record.read_text())
    place = leads.format(outside=tmp_path)
    record.write_text(json.dumps(held | {place: next(iter(held.values()))}))
    (results / "run.json").unlink()  # so that the run does all again but measuring
    monkeypatch.setattr(report, "write_report", lambda folder, view: folder / "report.html")
    assert not run_study(small_run, ONE).problems
    assert (precious / "kept.txt").is_file()
    assert (tmp_path / "precious.jpg").is_file()
    assert sorted((results / "labels").rglob("*.tif")) == labels


def test_results_that_are_a_link_out_of_the_study_are_refused(small, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (small / "results").symlink_to(elsewhere)
    with pytest.raises(StudyError, match="a link to"):
        run_study(small, ONE)
    assert not list(elsewhere.iterdir())
    (small / "results").unlink()
    (small / "results").mkdir()
    (small / "results" / "labels").symlink_to(elsewhere)
    with pytest.raises(StudyError, match="labels"):
        refuse_links(small, small / "results")


@pytest.mark.parametrize(
    "place", ["labels/ferritin", "labels/ferritin/dab/1", "store/ab", "exports"]
)
def test_a_link_deep_in_the_results_is_refused(tmp_path, place):
    """A run would write through it; a link that stays in the study is nobody's harm."""
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = study / "results" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(StudyError, match=link.name):
        refuse_links(study, study / "results")
    assert not list(elsewhere.iterdir())
    link.unlink()
    link.symlink_to(study)
    refuse_links(study, study / "results")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 20_000 + "]" * 20_000,
        "a = " + "9" * 100_000,
        "[" * 5_000,
        "\x00",
        'a = """' + "x" * 1_000_000,
        "[study]\ntitle = 1\ngroups = [1979-05-27]\nreference = nan\n",
    ],
    ids=["nesting", "number", "brackets", "null", "open text", "other types"],
)
def test_study_files_beyond_all_reason_are_messages(tmp_path, text):
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(StudyError):
        load_study(tmp_path)


def test_the_limit_on_pixels_is_a_row_and_can_be_raised(small):
    """64² pixels are 0.004 megapixels."""
    study = small / "study.toml"
    text = study.read_text()
    study.write_text(text.replace("rendered = true", "rendered = true\nmax_megapixels = 0.004"))
    rows = run_study(small, ONE).problems
    assert len(rows) == len(ODD_NAMES)
    assert {row.stage for row in rows} == {"read"}
    assert all("max_megapixels" in row.remedy for row in rows)
    study.write_text(text.replace("rendered = true", "rendered = true\nmax_megapixels = 0.005"))
    assert not run_study(small, ONE).problems
