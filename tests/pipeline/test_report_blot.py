"""The report's page of blots, against tables written by hand."""

from pathlib import Path

from table_pages import report, words, write, write_study

from xenoquant.pipeline.overlays import legend
from xenoquant.pipeline.report import AssayView


def test_a_pooled_lane_says_so(tmp_path: Path) -> None:
    """Lanes as the sheet has them: one used, one pooled, one left out with its reason."""
    values = {"control": [1.0], "low": [0.4]}
    write_study(tmp_path, "blot", {"relative_volume.E-cadherin": values}, [])
    write(
        tmp_path,
        "blot_bands",
        "row image lane animal group protein role pooled object volume saturated loading_volume "
        "ratio relative_volume reason note",
        (
            2,
            "b.tif",
            1,
            "a01",
            "control",
            "E-cadherin",
            "target",
            False,
            1,
            10,
            False,
            5,
            2,
            1,
            "",
            "",
        ),
        (
            3,
            "b.tif",
            2,
            "p1",
            "low",
            "E-cadherin",
            "target",
            True,
            2,
            4,
            False,
            5,
            0.8,
            0.4,
            "",
            "",
        ),
        (
            *(4, "b.tif", 3, "a03", "low", "E-cadherin", "target", False, 3, 9, True, "", "", ""),
            *("the band is saturated", ""),
        ),
    )
    view = AssayView(
        "blot",
        "blot",
        ("relative_volume.E-cadherin",),
        calibration={"pooled_animals": ["p1"]},
        further_tables=("blot_bands",),
    )
    text = words(report(tmp_path, view, rendered=True))
    assert "Relative volume of E-cadherin" in text
    assert "0.4000 pooled: n = 1, no p" in text
    assert "left out: the band is saturated" in text
    assert "Pooled lanes (p1) – pooled: n = 1, no p." in text
    assert "Measured on rendered images." in text, "a blot is an image"


def test_the_legend_of_a_blot_names_lanes_bands_and_saturation() -> None:
    """What the overlay draws has words."""
    labels = " ".join(entry.label for entry in legend("blot"))
    for word in ("lane", "band", "saturated"):
        assert word in labels
