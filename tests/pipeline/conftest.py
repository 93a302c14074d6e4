"""A small rendered study, made and run once for all tests of the pipeline."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile
from PIL import Image
from slide_runs import tissue_in_glass, write_slide

from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)
from xenoquant.pipeline import report
from xenoquant.pipeline.run import RunOptions, RunSummary, run_study

STUDY = """
[study]
title = "A small rendered study"
group = "diet"
groups = ["350 ppm", "3.5 ppm"]
reference = "350 ppm"
rendered = true

[assays.lungs]
method = "nodules"
px_per_mm = 25

[assays.snai1]
method = "fluorescence"
marker = "Snai1"
channels = { marker = "Alexa488", nuclei = "DAPI" }

[assays.ferritin]
method = "dab"
marker = "ferritin"
um_per_px = 0.5
"""
ANIMALS = (("m1", "350 ppm"), ("m2", "350 ppm"), ("007", "3.5 ppm"), ("m4", "3.5 ppm"))


def write_lung(file: Path, seed: int, nodules: int = 4) -> None:
    scene = LungScene(
        size_px=(300, 400), px_per_mm=25, nodules=nodules, lobe_length_mm=(8, 10), jpeg_quality=None
    )
    Image.fromarray(render_lungs(seed, scene=scene).rgb).save(file, quality=95)


def write_field(file: Path, seed: int, positive: float, *, control: bool = False) -> None:
    scene = FluorescenceScene(size_px=(160, 160), positive_fraction=positive, control=control)
    phantom = render_fluorescence(seed, scene=scene)
    planes = np.stack([phantom.channels["marker"], phantom.channels["nuclei"]])
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": ["Alexa488", "DAPI"]},
        **{f"PhysicalSize{axis}": phantom.um_per_px for axis in "XY"},
    }
    tifffile.imwrite(file, planes, ome=True, metadata=metadata)


def write_section(file: Path, seed: int, positive: float) -> None:
    scene = DabScene(size_px=(160, 160), positive_fraction=positive, jpeg_quality=None)
    phantom = render_dab(seed, scene=scene)
    Image.fromarray(phantom.rgb).save(file)
    Image.fromarray(phantom.blank).save(file.with_name(f"{file.stem}_blank.png"))


def write_study(folder: Path) -> None:
    """Render the study: per animal a photo, a field and a section; controls and blanks."""
    rows = ["assay,image,animal,diet,role,batch"]
    for assay in ("lungs", "snai1", "ferritin"):
        (folder / assay).mkdir(parents=True)
    for seed, (animal, group) in enumerate(ANIMALS):
        write_lung(folder / "lungs" / f"{animal}.jpg", seed)
        write_field(folder / "snai1" / f"{animal}.ome.tif", seed, 0.2 + 0.1 * seed)
        write_section(folder / "ferritin" / f"{animal}.png", seed, 0.6 - 0.1 * seed)
        rows.append(f"lungs,lungs/{animal}.jpg,{animal},{group},,")
        rows.append(f"snai1,snai1/{animal}.ome.tif,{animal},{group},,")
        rows.append(f"ferritin,ferritin/{animal}.png,{animal},{group},,{animal}")
        rows.append(f"ferritin,ferritin/{animal}_blank.png,,,blank,{animal}")
    write_field(folder / "snai1" / "igg.ome.tif", 9, 0.0, control=True)
    write_section(folder / "ferritin" / "noprimary.png", 9, 0.0)
    rows.append("snai1,snai1/igg.ome.tif,,,negative_control,")
    rows.append("ferritin,ferritin/noprimary.png,,,negative_control,c")
    rows.append("ferritin,ferritin/noprimary_blank.png,,,blank,c")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def small_studies(repository: Path) -> ModuleType:
    """The benchmarks' module that writes studies of many small images."""
    file = repository / "benchmarks" / "small_study.py"
    spec = importlib.util.spec_from_file_location("small_study", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def _small_run_once(tmp_path_factory: pytest.TempPathFactory, small_studies: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("small") / "study"
    small_studies.write_small_study(folder, 12)
    with pytest.MonkeyPatch.context() as patch:  # the report's figures take most of a small run
        patch.setattr(report, "write_report", lambda folder, view: folder / "report.html")
        run_study(folder, RunOptions(jobs=1))
    return folder


@pytest.fixture
def small_run(_small_run_once: Path, tmp_path: Path) -> Path:
    """A copy of a study of twelve small sections after a run without report."""
    return Path(shutil.copytree(_small_run_once, tmp_path / "study"))


@pytest.fixture(scope="session")
def _run_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunSummary]:
    folder = tmp_path_factory.mktemp("once") / "study"
    write_study(folder)
    return folder, run_study(folder, RunOptions(jobs=1))


@pytest.fixture
def finished_study(_run_once: tuple[Path, RunSummary], tmp_path: Path) -> Path:
    """A copy of the study after a run, to change at will."""
    return Path(shutil.copytree(_run_once[0], tmp_path / "study"))


@pytest.fixture(scope="session")
def first_run(_run_once: tuple[Path, RunSummary]) -> RunSummary:
    """What the first run of the study did; its results are not to be changed."""
    return _run_once[1]


@pytest.fixture
def fresh_study(_run_once: tuple[Path, RunSummary], tmp_path: Path) -> Path:
    """A copy of the study without results."""
    folder = Path(shutil.copytree(_run_once[0], tmp_path / "fresh"))
    shutil.rmtree(folder / "results")
    return folder


@pytest.fixture
def tables() -> Callable[[Path], dict[str, bytes]]:
    """Read every table of a study's results as bytes."""

    def read(folder: Path) -> dict[str, bytes]:
        results = folder / "results"
        names = ["images", "animals", "groups", "comparisons", "problems"]
        found = {name: (results / f"{name}.csv").read_bytes() for name in names}
        for file in sorted(results.glob("o*/*.parquet")):
            found[file.name] = file.read_bytes()
        return found

    return read


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    return tissue_in_glass()


@pytest.fixture(scope="session")
def slide(pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file; not to be changed."""
    return write_slide(tmp_path_factory.mktemp("slides") / "slide.ome.tif", pixels)


SLIDE_STUDY = """
[study]
title = "A slide"
group = "diet"
groups = ["350 ppm"]
reference = "350 ppm"
rendered = true

[assays.ferritin]
method = "dab"
"""


@pytest.fixture(scope="session")
def _slide_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole slide of 1,800 × 1,920 pixels, which is four blocks, with one tile damaged."""
    folder = tmp_path_factory.mktemp("slide") / "study"
    (folder / "slides").mkdir(parents=True)
    scene = DabScene(size_px=(600, 640), positive_fraction=0.5, jpeg_quality=None)
    tissue = np.tile(render_dab(3, scene=scene).rgb, (2, 2, 1))
    pixels = np.full((1800, 1920, 3), 240, np.uint8)
    pixels[300:1500, 320:1600] = tissue
    file = folder / "slides" / "m1.ome.tif"
    how = {"tile": (128, 128), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(file) as writer:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(pixels, subifds=1, metadata={"axes": "YXS", **sizes}, **how)
        writer.write(np.ascontiguousarray(pixels[::8, ::8]), subfiletype=1, **how)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        start, count = page.dataoffsets[80], page.databytecounts[80]
    data = bytearray(file.read_bytes())
    data[start : start + count] = bytes(count)
    file.write_bytes(data)
    (folder / "study.toml").write_text(SLIDE_STUDY, encoding="utf-8")
    sheet = "assay,image,animal,diet\nferritin,slides/m1.ome.tif,m1,350 ppm\n"
    (folder / "samples.csv").write_text(sheet, encoding="utf-8")
    run_study(folder, RunOptions(jobs=1))
    return folder


@pytest.fixture
def measured_slide(_slide_once: Path) -> Path:
    """A study of one slide, measured by one process; not to be changed."""
    return _slide_once


@pytest.fixture
def fresh_slide(_slide_once: Path, tmp_path: Path) -> Path:
    """A copy of it without results."""
    folder = Path(shutil.copytree(_slide_once, tmp_path / "fresh"))
    shutil.rmtree(folder / "results")
    return folder


@pytest.fixture
def shared_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images whose pieces were left to all workers, as they are finished."""
    from xenoquant.pipeline import run

    finish, found = run.finish_job, []

    def noted(job, begun, executor):
        found.append(job.task.sample.image)
        return finish(job, begun, executor)

    monkeypatch.setattr(run, "finish_job", noted)
    return found
