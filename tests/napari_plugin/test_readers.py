"""The plugin without a window: layers carry pixel sizes, and the manifest is valid."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from xenoquant.napari_plugin._readers import get_reader, read_layers
from xenoquant.pipeline.writers import write_labels

STUDY = """
[study]
title = "t"
groups = ["a", "b"]
reference = "a"

[assays.snai1]
method = "fluorescence"
"""


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """A two-channel field of 0.25 µm a pixel."""
    file = tmp_path / "if" / "m1.ome.tif"
    file.parent.mkdir()
    planes = np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9)
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": ["Alexa488", "DAPI"]},
        **{f"PhysicalSize{axis}": 0.25 for axis in "XY"},
    }
    tifffile.imwrite(file, planes, ome=True, metadata=metadata)
    return file


def test_channels_become_layers_with_the_files_own_pixel_size(field):
    reader = get_reader(str(field))
    assert reader is not None
    layers = reader(str(field))
    assert [kind for _, _, kind in layers] == ["image", "image"]
    assert [meta["colormap"] for _, meta, _ in layers] == ["green", "blue"]
    for _, meta, _ in layers:
        assert meta["scale"] == (0.25, 0.25)  # as written above
    np.testing.assert_array_equal(layers[0][0], np.arange(72).reshape(8, 9))


def test_labels_of_the_study_around_an_image_come_with_it(field):
    folder = field.parents[1]
    (folder / "study.toml").write_text(STUDY)
    (folder / "samples.csv").write_text(
        "assay,image,animal,group\nsnai1,if/m1.ome.tif,m1,a\n", encoding="utf-8"
    )
    labels = np.zeros((8, 9), np.int32)
    labels[2:4, 3:5] = 7
    target = folder / "results" / "labels" / "snai1" / "if" / "m1.ome" / "nuclei.tif"
    write_labels(target, labels, um_per_px=0.25)
    array, meta, kind = read_layers(str(field))[-1]
    assert (kind, meta["name"], meta["scale"]) == ("labels", "nuclei", (0.25, 0.25))
    np.testing.assert_array_equal(array, labels)


def test_a_slide_and_its_labels_are_read_as_they_come_into_sight(slide):
    """Authority: the file's own pixels. What zarr opens is read when it is indexed."""
    file = slide / "dab" / "m1.ome.tif"
    layers = read_layers(str(file))
    assert [meta["name"] for _, meta, _ in layers] == ["m1.ome.tif", "cells", "nuclei"]
    assert all(meta["multiscale"] and meta["scale"] == (0.5, 0.5) for _, meta, _ in layers)
    assert all(isinstance(level, zarr.Array) for levels, _, _ in layers for level in levels)
    (image, _, _), (cells, _, _), _ = layers
    assert [level.shape for level in image] == [(768, 1664, 3), (96, 208, 3)]
    np.testing.assert_array_equal(
        image[0][200:210, 200:220], tifffile.imread(file)[200:210, 200:220]
    )
    published = slide / "results" / "labels" / "ferritin" / "dab" / "m1.ome" / "cells.tif"
    whole = tifffile.imread(published)
    assert whole.any()
    np.testing.assert_array_equal(cells[0][300:400, 200:300], whole[300:400, 200:300])


def test_other_files_are_left_to_others():
    assert get_reader("notes.txt") is None
    assert get_reader(["a.tif", "b.tif"]) is None


def test_npe2_finds_the_manifest_valid(repository):
    """npe2's own validation is the authority; an invalid manifest makes a plugin vanish."""
    manifest = repository / "napari_plugin" / "napari.yaml"
    command = [sys.executable, "-W", "ignore", "-m", "npe2", "validate", str(manifest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid" in (done.stdout + done.stderr).lower()
