"""Whether results still hold: every file that is altered by hand is named, and nothing else."""

import io
import json
import shutil
from pathlib import Path

import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.measurement import Measurement
from xenoquant.pipeline import altered_files, drawing, report
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.packing import read_packed, read_packed_labels, write_packed
from xenoquant.pipeline.run import RunOptions, run_study
from xenoquant.pipeline.store import hash_file
from xenoquant.pipeline.verify import verify_study
from xenoquant.pipeline.writers import encoded_labels

IMAGES = 12


def no_report(folder, view):
    """The report's figures take most of a small run."""
    return folder / "report.html"


def alter(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new, 1))


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_results_that_hold_are_said_to_hold(small_run):
    found = verify_study(small_run, sample=2, seed=1)
    assert found.holds
    assert found.lines()[-1] == "The results hold."
    assert f"{IMAGES} of {IMAGES} input files" in found.checked[0]


def test_what_changed_since_the_run_is_named(small_run):
    (small_run / "dab" / "00002.png").write_bytes(b"another image")
    (small_run / "results" / "animals.csv").write_text("edited")
    found = verify_study(small_run, sample=0)
    assert not found.holds
    assert any("input dab/00002.png" in text for text in found.broken)
    assert any("result animals.csv" in text for text in found.broken)
    result = CliRunner().invoke(app, ["verify", str(small_run), "--sample", "0"])
    assert result.exit_code == 1
    assert "do not hold" in result.output


def test_label_images_are_compared_with_what_was_measured(small_run):
    """One byte of a published label image, or the whole of another, by hand: each is named."""
    found = verify_study(small_run, sample=0)
    folder = small_run / "results" / "labels" / "ferritin" / "dab"
    count = len(list(folder.rglob("*.tif")))
    assert f"Compared with what was measured: {count} label images." in found.checked
    altered, gone = folder / "00003" / "cells.tif", folder / "00004" / "nuclei.tif"
    flip_a_bit(altered)
    gone.unlink()
    found = verify_study(small_run, sample=0)
    assert [text.split(":")[0] for text in found.broken] == [
        "result labels/ferritin/dab/00003/cells.tif",
        "result labels/ferritin/dab/00004/nuclei.tif",
    ]


def test_what_study_and_sheet_say_otherwise_is_named(small_run):
    """A comment changes nothing; a cut-off, the level of significance, a group do."""
    toml, sheet = small_run / "study.toml", small_run / "samples.csv"
    text = toml.read_text()
    toml.write_text(text.replace("[assays.ferritin]", "# a comment\n[assays.ferritin]"))
    assert verify_study(small_run, sample=0).holds
    toml.write_text(
        text.replace("[study]", "[study]\nalpha = 0.01").replace(
            "[assays.ferritin]", "[assays.ferritin]\ncutoffs_od = [0.1, 0.2, 0.3]"
        )
    )
    found = verify_study(small_run, sample=0)
    assert found.broken == (
        "study.toml, [assays.ferritin]: not as at the run: cutoffs_od",
        "study.toml, [study]: not as at the run: alpha",
    )
    toml.write_text(text)
    rows = sheet.read_text().splitlines()
    sheet.write_text("\n".join(rows[:-1]) + "\n")
    assert (
        "the sample sheet: its rows are not those of the run"
        in verify_study(small_run, sample=0).broken
    )


def test_an_image_that_failed_in_the_run_has_not_changed(small_run, monkeypatch):
    """It is a row of problems.csv: there is no result of it that could hold or not."""
    monkeypatch.setattr(report, "write_report", no_report)
    image = small_run / "dab" / "00002.png"
    image.write_bytes(image.read_bytes()[:500])
    assert run_study(small_run, RunOptions(jobs=1)).failed
    assert verify_study(small_run, sample=0).holds


def test_a_label_image_that_was_deleted_or_cut_off_is_published_again(small_run, monkeypatch):
    """The next run, with nothing else to do, gives back the same bytes."""
    monkeypatch.setattr(report, "write_report", no_report)
    folder = small_run / "results" / "labels" / "ferritin" / "dab"
    deleted, cut = folder / "00003" / "cells.tif", folder / "00004" / "nuclei.tif"
    before = deleted.read_bytes(), cut.read_bytes()
    deleted.unlink()
    cut.write_bytes(before[1][:100])
    assert run_study(small_run, RunOptions(jobs=1)).measured == 0
    assert (deleted.read_bytes(), cut.read_bytes()) == before


def test_a_stored_measurement_that_was_tampered_with_is_found(small_run):
    """Every stored label image gets one more object: whichever is measured again differs."""
    for file in (small_run / "results" / "store").rglob("measurement.bin"):
        held, files = read_packed(file), read_packed_labels(file)
        labels = tifffile.imread(io.BytesIO(files["cells"]))
        labels[:2, :2] = labels.max() + 1
        files["cells"] = encoded_labels(labels, um_per_px=held.um_per_px)
        kept = Measurement(held.objects, held.regions, {}, held.profiles, held.flags, held.notes)
        write_packed(file, kept, um_per_px=held.um_per_px, labels=files)
    found = verify_study(small_run, sample=1)
    assert any("its label images differ" in text for text in found.broken)


def test_a_study_that_was_never_run_is_a_message(small_run):
    shutil.rmtree(small_run / "results")
    result = CliRunner().invoke(app, ["verify", str(small_run)])
    assert result.exit_code == 2
    assert "xenoquant run" in result.stderr


def test_numbers_edited_in_a_published_file_are_named(finished_study):
    """The edited files: run.json, the report, the crate, and an overlay of the same size."""
    results = finished_study / "results"
    assert verify_study(finished_study, sample=0).holds
    alter(results / "run.json", b'"measured": ', b'"measured": 1')
    alter(results / "report.html", b"Snai1", b"Snai2")
    alter(results / "ro-crate-metadata.json", b"xenoquant", b"Xenoquant")
    flip_a_bit(results / "overlays" / "lungs" / "lungs" / "m1.jpg")
    (results / "overlays" / "lungs" / "lungs" / "m2.jpg").unlink()
    found = verify_study(finished_study, sample=0)
    assert {text.partition(":")[0] for text in found.broken} == {
        "result run.json",
        "result report.html",
        "result ro-crate-metadata.json",
        "overlay overlays/lungs/lungs/m1.jpg",
        "overlay overlays/lungs/lungs/m2.jpg",
    }
    assert any("xenoquant run" in line for line in found.lines())


def test_a_table_and_its_hash_in_run_json_edited_together_are_named(small_run):
    """The hashes in the store know both as they were."""
    results = small_run / "results"
    table = results / "groups.csv"
    before = hash_file(table)
    alter(table, b"ferritin", b"Ferritin")
    alter(results / "run.json", before.encode(), hash_file(table).encode())
    found = verify_study(small_run, sample=0)
    assert [text.partition(":")[0] for text in found.broken] == [
        "result groups.csv",
        "result run.json",
    ]


def test_a_run_makes_the_edited_files_again(finished_study, tables):
    """Tables byte for byte; the overlay after it was deleted, as `verify` says."""
    results = finished_study / "results"
    overlay = results / "overlays" / "lungs" / "lungs" / "m1.jpg"
    before, picture = tables(finished_study), overlay.read_bytes()
    alter(results / "animals.csv", b"350 ppm", b"351 ppm")
    alter(results / "report.html", b"Snai1", b"Snai2")
    overlay.unlink()
    assert not verify_study(finished_study, sample=0).holds
    assert run_study(finished_study, RunOptions(jobs=1)).measured == 0
    assert verify_study(finished_study, sample=0).holds
    assert tables(finished_study) == before
    assert overlay.read_bytes() == picture


@pytest.mark.parametrize("name", ["images", "study", "parameters", "fingerprint", "sha256"])
def test_a_record_of_a_run_that_lacks_a_part_is_a_message(small_run, name):
    alter(small_run / "results" / "run.json", f'"{name}"'.encode(), b'"other"')
    result = CliRunner().invoke(app, ["verify", str(small_run)])
    assert result.exit_code == 2
    assert "xenoquant run" in result.stderr


@pytest.mark.parametrize("name", ["/dev/zero", "../../secret.txt", "store", "gone\0.csv"])
@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_a_tampered_record_makes_nothing_outside_be_read(small_run, name, part, monkeypatch):
    """Nor a device without end: only regular files of the study are hashed."""
    read = []

    def hashed(file):
        read.append(file.resolve())
        return hash_file(file)

    monkeypatch.setattr(altered_files, "hash_file", hashed)
    file = small_run / "results" / "run.json"
    run = json.loads(file.read_text())
    if part == "outputs":
        run["outputs"][name] = "0" * 64
    else:
        run["images"][0]["file"] = name
    file.write_text(json.dumps(run))
    found = verify_study(small_run, sample=0)
    assert any(f" {name}: " in text for text in found.broken)
    assert all(held.is_relative_to(small_run.resolve()) for held in read)


def test_results_of_a_program_that_kept_no_hashes_are_told_so(small_run):
    """The store of an earlier program: hashes of what `run.json` has alone, and strings."""
    store = small_run / "results" / "store"
    (store / "finished.json").unlink()
    published = json.loads((store / "published.json").read_text())
    (store / "published.json").write_text(json.dumps(dict.fromkeys(published, "a key")))
    found = verify_study(small_run, sample=0)
    assert found.holds
    assert len([note for note in found.notes if "no hashes" in note]) == 2


def test_hashes_are_kept_where_an_overlay_could_not_be_drawn(small_run, monkeypatch):
    """The run tries it again; what else it published can be verified meanwhile."""

    def fail(job, picture):
        raise OSError(13, "Permission denied")

    folder = small_run / "results" / "overlays" / "ferritin" / "dab"
    (folder / "00003.jpg").unlink()
    monkeypatch.setattr(report, "write_report", no_report)
    monkeypatch.setattr(drawing, "_publish_overlay", fail)
    assert [row.stage for row in run_study(small_run, RunOptions(jobs=1)).problems] == ["draw"]
    assert verify_study(small_run, sample=0).holds
    alter(small_run / "results" / "run.json", b'"finished"', b'"Finished"')
    assert not verify_study(small_run, sample=0).holds
    monkeypatch.undo()
    assert not run_study(small_run, RunOptions(jobs=1)).problems
    assert (folder / "00003.jpg").is_file()
