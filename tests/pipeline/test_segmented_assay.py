"""The segmenter as an option of a study: its weights are looked for, and known by their content."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.nucleus_network import CHECKSUM
from xenoquant.pipeline import segmented_assay
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.cli_shell import CANNOT_RUN, SOME_FAILED
from xenoquant.pipeline.dab_assay import DabAssay
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.study import StudyHeader

HEADER = StudyHeader(title="t", groups=("a",), reference="a")


def _assay(weights: Path) -> FluorescenceAssay:
    return FluorescenceAssay(method="fluorescence", segmenter="stardist", weights=weights)


def test_weights_are_relative_to_the_study(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    ready = _assay(Path("model")).prepare("a", tmp_path, HEADER).assay
    assert ready.weights == tmp_path / "model"
    assert _assay(Path("model")).files() == ("model",)  # which a study may only read inside
    with pytest.raises(InputError, match="aren't there") as caught:
        _assay(Path("other")).prepare("a", tmp_path, HEADER)
    assert "relative one starts at the study's folder" in caught.value.remedy


def test_other_weights_of_the_program_measure_again_what_they_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Contract of the store, for the network that comes with the program; not for the others."""
    assays = [
        kind(method=method, segmenter=name)
        for kind, method in ((FluorescenceAssay, "fluorescence"), (DabAssay, "dab"))
        for name in ("network", "classical")
    ]
    before = [assay.measuring_parameters() for assay in assays]
    assert before[0]["weights"] == before[2]["weights"] == CHECKSUM
    monkeypatch.setattr(segmented_assay, "CHECKSUM", "0" * 64)
    changed = [a.measuring_parameters() != b for a, b in zip(assays, before, strict=True)]
    assert changed == [True, False, True, False]


def test_a_measurement_depends_on_what_the_weights_are_not_where(tmp_path: Path) -> None:
    """Contract of the store: other weights measure again, the same weights elsewhere don't."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    one = _assay(first).measuring_parameters()
    assert one == _assay(second).measuring_parameters()
    (second / "config.json").write_text("{ }")
    os.utime(second / "config.json", (1, 1))
    assert one != _assay(second).measuring_parameters()


def test_without_weights_or_with_missing_ones_the_command_line_says_so(tmp_path: Path) -> None:
    """A user's mistake is a message with its remedy: no traceback, no fetching."""
    image = tmp_path / "a.tif"
    tifffile.imwrite(image, np.zeros((2, 64, 64), np.uint16), metadata={"axes": "CYX"})
    words = ["measure", "fluorescence", str(image), "--out", str(tmp_path / "out")]
    words += ["--channels", "nuclei=0", "--segmenter", "cellpose"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == CANNOT_RUN
    assert "needs weights" in result.stderr
    named = [*words, "--weights", str(tmp_path / "none"), "--jobs", "1"]
    result = CliRunner().invoke(app, named)
    assert result.exit_code == SOME_FAILED
    assert "Traceback" not in result.stderr
    table = (tmp_path / "out" / "problems.csv").read_text()
    assert "the weights of segmenter = 'cellpose' aren't there" in table
