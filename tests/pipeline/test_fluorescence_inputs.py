"""Fluorescence from files as labs bring them: what is refused, flagged, or measured all the same.

The fields are rendered; what each input must lead to is written beside it by hand.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image as Pillow
from typer.testing import CliRunner

from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence
from xenoquant.pipeline.cli import app
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.samples import Sample

SCENE = FluorescenceScene(size_px=(256, 256), um_per_px=0.5)
CHANNELS = ("--channels", "marker=Alexa488", "nuclei=DAPI")


@pytest.fixture(scope="module")
def field() -> dict[str, np.ndarray]:
    return dict(render_fluorescence(3, scene=SCENE).channels)


def write(path: Path, planes: np.ndarray, names: tuple[str, ...] = ("Alexa488", "DAPI")) -> Path:
    """Write an OME-TIFF, axes CYX or ZCYX, of 0.5 µm a pixel."""
    axes = "ZCYX"[-planes.ndim :]
    metadata = {"axes": axes, "Channel": {"Name": list(names)}}
    metadata |= {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, planes, ome=True, metadata=metadata)
    return path


def measure(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["measure", "fluorescence", *map(str, words), "--quiet"])
    return result.exit_code, result.output


def features(out: Path, image: str) -> dict[str, float]:
    held = pd.read_csv(out / "images.csv").query("image == @image")
    return dict(zip(held["feature"], held["value"], strict=True))


def flags(out: Path, image: str) -> set[str]:
    held = pd.read_csv(out / "images.csv", keep_default_na=False).query("image == @image")
    return set(held["flag"].iloc[0].split(";"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "DAPI"),  # what is looked for where nothing else is said
        (("--channels", "marker=Alexa488", "nuclei=Hoechst"), "Hoechst"),
        (("--channels", "marker=Cy5", "nuclei=TO-PRO-3"), "Cy5"),
        (("--channels", "marker=0", "nuclei=5"), "5"),
        (("--channels", "marker=0", "nuclei=Alexa488"), "are the same channel, 0 'Alexa488'"),
    ],
    ids=["no DAPI", "wrong name", "no such marker", "no such index", "one for both"],
)
def test_a_channel_that_is_not_there_is_named_with_those_that_are(tmp_path, field, words, said):
    planes = np.stack([field["marker"], field["nuclei"]])
    file = write(tmp_path / "a.ome.tif", planes, ("Alexa488", "TO-PRO-3"))
    status, output = measure(file, "--out", tmp_path / "out", *words)
    assert status in (1, 2)
    assert "Traceback" not in output
    problems = tmp_path / "out" / "problems.csv"
    told = output + (problems.read_text(encoding="utf-8") if problems.exists() else "")
    assert said in told
    assert "Alexa488" in told
    assert "TO-PRO-3" in told or "same channel" in told


def test_rgb_where_two_channels_were_expected(tmp_path, field):
    """Named as red, green and blue in the error; read as such when asked for, with a flag."""
    planes = [np.zeros(SCENE.size_px), field["marker"], field["nuclei"]]
    rgb = np.stack([255 * p / max(p.max(), 1) for p in planes], axis=-1).astype(np.uint8)
    Pillow.fromarray(rgb).save(tmp_path / "merged.png")
    status, _ = measure(tmp_path / "merged.png", "--out", tmp_path / "a", *CHANNELS)
    assert status == 1
    told = (tmp_path / "a" / "problems.csv").read_text(encoding="utf-8")
    assert all(name in told for name in ("red", "green", "blue"))
    words = ("--channels", "marker=green", "nuclei=blue", "--um-per-px", 0.5)
    status, _ = measure(tmp_path / "merged.png", "--out", tmp_path / "b", *words)
    assert status == 0
    assert features(tmp_path / "b", "merged.png")["cells"] > 20
    assert "eight_bit_export" in flags(tmp_path / "b", "merged.png")


def test_one_run_of_odd_fields(tmp_path, field):
    """Dark, saturated, floats below zero, a z-stack: flagged zeros, and the same cells."""
    both = np.stack([field["marker"], field["nuclei"]])
    files = {
        "plain": both,
        "dark": np.zeros_like(both),
        "saturated": np.full_like(both, 65535),
        "floats": both.astype(np.float32) - 500,
        "stack": np.stack([both // 2, both, both // 3]),
    }
    images = [write(tmp_path / f"{name}.ome.tif", planes) for name, planes in files.items()]
    control = render_fluorescence(4, scene=replace(SCENE, control=True)).channels
    igg = write(tmp_path / "igg.ome.tif", np.stack([control["marker"], control["nuclei"]]))
    out = tmp_path / "out"
    status, output = measure(*images, "--out", out, *CHANNELS, "--negative-control", igg)
    assert status == 0, output
    plain = features(out, "plain.ome.tif")
    assert plain["cells"] > 20
    for name in ("dark", "saturated"):
        assert features(out, f"{name}.ome.tif")["cells"] == 0
        assert "no_cells" in flags(out, f"{name}.ome.tif")
    assert "saturated" in flags(out, "saturated.ome.tif")
    # an offset changes neither cells nor what is over background; the control has its own offset
    floats = features(out, "floats.ome.tif")
    for name in ("cells", "positive_fraction", "mean_intensity", "ctcf"):
        assert floats[name] == pytest.approx(plain[name], rel=0.01)
    assert features(out, "stack.ome.tif") == pytest.approx(plain, nan_ok=True)  # "max" takes it
    own_share = features(out, "igg.ome.tif")["positive_fraction"]
    assert own_share <= 0.02  # beyond the outer fence of the control's own cells
    objects = pd.read_parquet(out / "objects" / "fluorescence.parquet")
    assert {"positive", "positive_raw", "ctcf", "marker_nucleus_p95"} <= set(objects)


def test_nuclei_alone(tmp_path, field):
    """Counted and measured; no column speaks of a marker, and no control is missed."""
    tifffile.imwrite(tmp_path / "n.tif", field["nuclei"])
    words = ("--channels", "nuclei=0", "--um-per-px", 0.5, "--drop-border-nuclei")
    status, output = measure(tmp_path / "n.tif", "--out", tmp_path / "out", *words)
    assert status == 0, output
    found = features(tmp_path / "out", "n.tif")
    assert set(found) == {"cells", "nucleus_area_um2", "integrated_density_per_nucleus"}
    assert found["cells"] > 20
    objects = pd.read_parquet(tmp_path / "out" / "objects" / "fluorescence.parquet")
    assert not [name for name in objects if "marker" in name or name == "positive"]
    assert not objects["touches_edge"].any()
    assert flags(tmp_path / "out", "n.tif") >= {"border_nuclei_dropped"}
    assert "no_control" not in flags(tmp_path / "out", "n.tif")


def test_every_image_of_a_container_is_measured(tmp_path, field):
    """Two positions in one file, as microscopes write them: a row each, or the one named."""
    planes = np.stack([field["marker"], field["nuclei"]])
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "positions.ome.tif"
    metadata = {"axes": "CYX", "Channel": {"Name": ["Alexa488", "DAPI"]}}
    metadata |= {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    with tifffile.TiffWriter(file, ome=True) as writer:
        for position in (planes, planes[:, ::-1]):
            writer.write(position, metadata=metadata)
    for given in (file, file.parent):  # the file itself, or its folder
        out = tmp_path / f"results_of_{given.name}"
        assert measure(given, *CHANNELS, "--segmenter", "classical", "--out", out)[0] == 0
        names = pd.read_csv(out / "images.csv")["image"].unique().tolist()
        assert names == ["positions.ome.tif#0", "positions.ome.tif#1"]
        cells = [features(out, name)["cells"] for name in names]
        assert abs(cells[0] - cells[1]) <= 2  # the same field, upside down
        assert cells[0] > 40
    one = tmp_path / "one"
    measure(f"{file}#1", *CHANNELS, "--segmenter", "classical", "--out", one)
    assert pd.read_csv(one / "images.csv")["image"].unique().tolist() == ["positions.ome.tif#1"]


def test_a_control_without_a_marker_is_doubted() -> None:
    """By hand: a control says nothing about nuclei; with a marker and a control all is well."""
    control = Sample(assay="snai1", image="igg.tif", role="negative_control")
    alone = FluorescenceAssay(channels={"nuclei": "DAPI"})
    both = FluorescenceAssay(channels={"nuclei": "DAPI", "marker": "Alexa488"})
    assert "no marker channel" in alone.doubts([control])[0]
    assert both.doubts([control]) == []
    assert alone.doubts([]) == []


OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="Instrument:0">
<Laser ID="LightSource:0" Power="5" PowerUnit="mW"/>
<Laser ID="LightSource:1" Power="{power}" PowerUnit="{unit}"/></Instrument>
<Image ID="Image:0" Name="f"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16"
SizeX="256" SizeY="256" SizeC="2" SizeZ="1" SizeT="1" PhysicalSizeX="0.5" PhysicalSizeY="0.5">
<Channel ID="Channel:0" Name="DAPI" SamplesPerPixel="1"><LightSourceSettings ID="LightSource:0"/>
</Channel><Channel ID="Channel:1" Name="Alexa488" SamplesPerPixel="1">
<LightSourceSettings ID="LightSource:1" Attenuation="{attenuation}"/></Channel>
<TiffData/></Pixels></Image></OME>"""

STUDY = """[study]
title = "laser"
group = "group"
groups = ["control", "iron"]
reference = "control"
[assays.snai1]
method = "fluorescence"
channels = { marker = "Alexa488", nuclei = "DAPI" }
segmenter = "classical"
"""


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ({"power": 10, "attenuation": 0}, set()),
        ({"power": 10_000, "unit": "µW", "attenuation": 0}, set()),  # the same in another unit
        ({"power": 20, "attenuation": 0}, {"laser_power_mw_differs_from_control"}),
        ({"power": 10, "attenuation": 0.5}, {"laser_attenuation_differs_from_control"}),
    ],
    ids=["alike", "another unit", "twice the power", "attenuated"],
)
def test_a_control_taken_with_another_laser(tmp_path, field, control, expected):
    """OME's light sources, by hand: what a control differs in stands beside each number of the
    samples and, in words, in the report.
    """
    planes = np.stack([field["nuclei"], field["marker"]])
    settings = {"power": 10, "unit": "mW", "attenuation": 0}
    rows = ["assay,image,animal,group,role"]
    for name, animal, group in (("m1", "m1", "control"), ("m2", "m2", "iron"), ("igg", "", "")):
        own = settings | (control if name == "igg" else {})
        tifffile.imwrite(
            tmp_path / f"{name}.ome.tif",
            planes,
            photometric="minisblack",
            description=OME.format(**own).encode(),
            metadata=None,
        )
        role = "" if animal else "negative_control"
        rows.append(f"snai1,{name}.ome.tif,{animal},{group},{role}")
    (tmp_path / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(tmp_path), "--quiet"])
    assert result.exit_code == 0, result.output
    out = tmp_path / "results"
    for image in ("m1.ome.tif", "m2.ome.tif"):
        found = {flag for flag in flags(out, image) if "differs_from_control" in flag}
        assert found == expected
    assert not any("differs" in flag for flag in flags(out, "igg.ome.tif"))
    said = "Taken with another laser power than the negative controls"
    assert (said in (out / "report.html").read_text(encoding="utf-8")) == bool(expected)


@pytest.mark.parametrize(
    ("as_saved", "flagged"),
    [
        (lambda planes: planes, False),
        (lambda planes: (planes / planes.max() * 255).astype(np.uint8), True),
        (lambda planes: (planes / 4095).astype(np.float32), True),
    ],
    ids=["as the control", "8 bits", "from 0 to 1"],
)
def test_a_field_saved_in_other_units_than_the_control_is_flagged(
    tmp_path, field, as_saved, flagged
):
    """Levels of 0 to 1 or 255 are below any limit of a 16-bit control: by hand, none positive."""
    planes = np.stack([field["marker"], field["nuclei"]]).astype(np.uint16)
    sample = write(tmp_path / "a.ome.tif", as_saved(planes))
    control = write(tmp_path / "igg.ome.tif", planes)
    out = tmp_path / "out"
    words = (*CHANNELS, "--segmenter", "classical", "--jobs", "1")
    status, output = measure(sample, "--negative-control", control, "--out", out, *words)
    assert status == 0, output
    assert ("bit_depth_differs_from_control" in flags(out, "a.ome.tif")) == flagged
