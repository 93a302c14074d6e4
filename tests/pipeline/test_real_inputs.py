"""The real and rendered inputs through `xenoquant measure`, as a user would; scores are printed.

Skipped where the folder of inputs isn't there. Accuracy on lungs_rendered and sections_rendered
is accuracy on rendered images.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.pipeline.cli import app

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]


def measure(*words: object, status: int = 0) -> None:
    result = CliRunner().invoke(app, ["measure", *map(str, words), "--quiet"])
    assert result.exit_code == status, result.output


def overlap_counts(truth: np.ndarray, found: np.ndarray, level: float) -> tuple[int, int, int]:
    """Give true positives, false positives and false negatives at a level of IoU of 0.5 or more.

    Above 0.5 an object can match one other at most, so no assignment is needed.
    """
    pairs, both = np.unique(np.stack([truth.ravel(), found.ravel()]), axis=1, return_counts=True)
    area_truth, area_found = np.bincount(truth.ravel()), np.bincount(found.ravel())
    inside = (pairs[0] > 0) & (pairs[1] > 0)
    t, f, n = pairs[0][inside], pairs[1][inside], both[inside]
    iou = n / (area_truth[t] + area_found[f] - n)
    hits = int((iou >= level).sum() if level > 0.5 else (iou > level).sum())
    n_truth, n_found = np.count_nonzero(area_truth[1:]), np.count_nonzero(area_found[1:])
    return hits, n_found - hits, n_truth - hits


def test_all_of_dsb2018_nuclei(shared_data, tmp_path, capsys):
    folder = shared_data / "nuclei_dsb2018"
    words = ("--channels", "nuclei=0", "--segmenter", "classical")  # the network takes minutes
    measure("fluorescence", folder / "images", "--out", tmp_path / "out", *words)
    counts = {0.5: np.zeros(3, int), 0.75: np.zeros(3, int)}
    for file in sorted((folder / "images").glob("*.png")):
        truth = _labels(folder / "labels", file.stem)
        found = tifffile.imread(
            tmp_path / "out" / "labels" / "fluorescence" / file.stem / "nuclei.tif"
        )
        for level, total in counts.items():
            total += overlap_counts(truth, found.astype(np.int64), level)
    scores = {level: total[0] / total.sum() for level, total in counts.items()}
    with capsys.disabled():
        print(f"\nnuclei_dsb2018, pooled average precision: {scores[0.5]:.3f} / {scores[0.75]:.3f}")
    # the plain Otsu, distance transform and watershed pipeline gives 0.72 / 0.50 on such images
    assert scores[0.5] > 0.72
    assert scores[0.75] > 0.50


def _labels(folder: Path, stem: str) -> np.ndarray:
    file = next(folder.glob(f"{stem}.*"))
    labels = tifffile.imread(file) if file.suffix == ".tif" else cv2.imread(str(file), -1)
    return labels.astype(np.int64)


def test_ki67_share_of_positive_nuclei(shared_data, tmp_path, capsys):
    for tile in ("full6_Bladder1", "full6_Lung1"):
        folder = shared_data / "ihc_ki67" / tile
        out = tmp_path / tile
        words = ("--compartment", "nucleus", "--um-per-px", 0.25)
        measure("dab", folder / "IHC.png", "--out", out, *words)
        share = feature(out, "positive_cell_fraction")["IHC.png"]
        truth = _true_share(folder / "Seg.png")
        with capsys.disabled():
            print(f"\nihc_ki67 {tile}: positive {share:.3f}, true {truth:.3f}")
        assert abs(share - truth) < 0.05


def _true_share(file: Path) -> float:
    """Count red and blue nuclei of DeepLIIF's segmentation image."""
    blue, green, red = cv2.split(cv2.imread(str(file)))
    least = 30  # pixels; smaller pieces are rests of outlines
    counts = []
    for colour in (red, blue):
        mask = ((colour > 128) & (green < 128)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        counts.append(int((stats[1:, cv2.CC_STAT_AREA] >= least).sum()))
    return counts[0] / sum(counts)


def feature(out: Path, name: str) -> dict[str, float]:
    images = pd.read_csv(out / "images.csv")
    held = images[images["feature"] == name]
    return dict(zip(held["image"], held["value"], strict=True))


def test_leica_files_every_image_of_them(shared_data, tmp_path):
    """Their names as the file gives them stand in run.json."""
    from xenoquant.pipeline.readers import list_images

    for file in sorted((shared_data / "leica_lif").glob("*.lif")):
        series = len(list_images(file))
        references = [f"{file}#{number}" for number in range(series)] if series > 1 else [file]
        out = tmp_path / file.stem
        measure("fluorescence", *references, "--out", out, "--channels", "nuclei=0", "--z", "max")
        assert len(feature(out, "cells")) == series
        read_as = [
            image["read_as"] for image in json.loads((out / "run.json").read_text())["images"]
        ]
        assert [facts["series_name"] for facts in read_as] == [i.name for i in list_images(file)]


def test_the_slide(shared_data, tmp_path):
    """2220 × 2967 pixels of 0.499 µm are 1.64 mm²: tissue can't be more than that."""
    slide = shared_data / "whole_slide" / "cmu_small_region.svs"
    measure("dab", slide, "--out", tmp_path / "out")
    area = feature(tmp_path / "out", "tissue_area_mm2")[slide.name]
    assert 0.1 < area <= 2220 * 2967 * 0.499**2 * 1e-6 * 1.001
    labels = tifffile.imread(
        tmp_path / "out" / "labels" / "dab" / "cmu_small_region" / "nuclei.tif"
    )
    assert labels.shape == (2967, 2220)


def test_glare_on_a_real_lung_is_not_nodules(shared_data, tmp_path, capsys):
    photo = shared_data / "lung_photo_real" / "30-2A1b.jpg"
    measure("nodules", photo, "--out", tmp_path / "out")
    count = feature(tmp_path / "out", "nodules")[photo.name]
    with capsys.disabled():
        print(f"\nlung_photo_real: {count:.0f} nodules counted where white light shows none")
    assert count < 5


def test_rendered_lungs(shared_data, tmp_path, capsys):
    folder = shared_data / "lungs_rendered"
    photos = pd.read_csv(folder / "photos.csv")
    out = tmp_path / "out"
    measure(
        "nodules", *[folder / name for name in photos["image"]], "--out", out, "--px-per-mm", 50
    )
    found, lobes = feature(out, "nodules"), feature(out, "lobes")
    true = photos.set_index("image")
    errors = [abs(found[name] - true.loc[name, "nodules"]) for name in found]
    with capsys.disabled():
        listed = ", ".join(f"{found[n]:.0f}/{true.loc[n, 'nodules']}" for n in sorted(found))
        print(
            f"\nlungs_rendered (rendered images), counted/true: {listed}; "
            f"error {sum(errors) / true['nodules'].sum():.1%}"
        )
    assert {name: int(count) for name, count in lobes.items()} == true["lobes"].to_dict()
    assert sum(errors) <= 0.15 * true["nodules"].sum()


def drawn_share(folder: Path, field: str) -> float:
    """Share of positive cells that were drawn in a field.

    ``fields.csv`` has the probability that each cell was drawn with; 350 draws differ from it.
    """
    return float(pd.read_csv(folder / "cells.csv").query("field == @field")["positive"].mean())


@pytest.mark.parametrize(
    ("fields", "points"),
    [
        (("if_0_nucleus", "if_1_nucleus"), 0.02),
        (("if_2_membrane",), 0.03),
        (("if_3_cytoplasm",), 0.03),
    ],
)
def test_rendered_fields(shared_data, tmp_path, capsys, fields, points):
    folder = shared_data / "sections_rendered"
    files = [folder / f"{field}.ome.tif" for field in fields]
    words = ("--compartment", fields[0].split("_")[-1], "--channels", "marker=0", "nuclei=1")
    control = ("--negative-control", folder / "if_igg.ome.tif")
    measure("fluorescence", *files, "--out", tmp_path, *words, *control)
    for field in fields:
        share = feature(tmp_path, "positive_fraction")[f"{field}.ome.tif"]
        true = drawn_share(folder, field)
        with capsys.disabled():
            print(f"\nsections_rendered {field} (rendered): positive {share:.3f}, truly {true:.3f}")
        assert abs(share - true) <= points


def test_rendered_sections(shared_data, tmp_path, capsys):
    folder = shared_data / "sections_rendered"
    errors = {}
    for field in ("dab_0", "dab_1"):
        out = tmp_path / field
        words = ("--blank", folder / f"{field}_blank.png", "--um-per-px", 0.5)
        measure("dab", folder / f"{field}.jpg", "--out", out, *words)
        share = feature(out, "positive_cell_fraction")[f"{field}.jpg"]
        errors[field] = share - drawn_share(folder, field)
    with capsys.disabled():
        listed = ", ".join(f"{name} {error:+.3f}" for name, error in errors.items())
        print(f"\nsections_rendered (rendered images), positive share less true: {listed}")
    assert max(abs(error) for error in errors.values()) < 0.05
