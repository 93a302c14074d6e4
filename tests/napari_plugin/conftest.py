"""Small rendered studies, run once, for all tests of review."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from slide_runs import GLASS, write_slide

from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.napari_plugin.session import Session, SessionOptions
from xenoquant.pipeline.run import RunOptions, run_study

ONE = RunOptions(jobs=1)


def _pictures() -> ModuleType:
    """The pipeline tests' renderers."""
    file = Path(__file__).parents[1] / "pipeline" / "conftest.py"
    spec = importlib.util.spec_from_file_location("small_pictures", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_lungs(folder: Path) -> None:
    """Three photos of three animals in two groups."""
    pictures = _pictures()
    rows = ["assay,image,animal,diet"]
    (folder / "lungs").mkdir(parents=True)
    groups = {"m1": "350 ppm", "m2": "350 ppm", "m3": "3.5 ppm"}
    for seed, (animal, group) in enumerate(groups.items()):
        pictures.write_lung(folder / "lungs" / f"{animal}.jpg", seed)
        rows.append(f"lungs,lungs/{animal}.jpg,{animal},{group}")
    study = pictures.STUDY.split("[assays.snai1]")[0]
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_stains(folder: Path) -> None:
    """A field with its control, and a section with its blank."""
    pictures = _pictures()
    rows = ["assay,image,animal,diet,role,batch"]
    for assay in ("snai1", "ferritin"):
        (folder / assay).mkdir(parents=True)
    pictures.write_field(folder / "snai1" / "m1.ome.tif", 0, 0.4)
    rows.append("snai1,snai1/m1.ome.tif,m1,350 ppm,,")
    pictures.write_field(folder / "snai1" / "igg.ome.tif", 9, 0.0, control=True)
    rows.append("snai1,snai1/igg.ome.tif,,,negative_control,")
    pictures.write_section(folder / "ferritin" / "m1.png", 1, 0.5)
    rows.append("ferritin,ferritin/m1.png,m1,350 ppm,,m1")
    rows.append("ferritin,ferritin/m1_blank.png,,,blank,m1")
    head, _, stains = pictures.STUDY.partition("[assays.lungs]")
    study = head + stains[stains.index("[assays.snai1]") :]
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_slide_study(folder: Path) -> None:
    """A slide with two pieces of rendered tissue, 224 µm a side and 256 µm apart, in glass."""
    pixels = np.random.default_rng(0).normal(GLASS, 1, (768, 1664, 3))
    for left, seed in ((128, 5), (1088, 6)):
        scene = DabScene(size_px=(448, 448), positive_fraction=0.5, gaps=0.0)
        pixels[160:608, left : left + 448] = render_dab(seed, scene=scene).rgb
    (folder / "dab").mkdir(parents=True)
    write_slide(folder / "dab" / "m1.ome.tif", np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    study = (
        '[study]\ntitle = "A slide"\nanimal = "animal"\ngroup = "diet"\ngroups = ["a", "b"]\n'
        'reference = "a"\n\n[assays.ferritin]\nmethod = "dab"\ncompartment = "cytoplasm"\n'
    )
    rows = "assay,image,animal,diet\nferritin,dab/m1.ome.tif,m1,a\n"
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "samples.csv").write_text(rows, encoding="utf-8")


@pytest.fixture(scope="session")
def _slide_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review") / "slide"
    write_slide_study(folder)
    run_study(folder, ONE)
    return folder


@pytest.fixture(scope="session")
def _lungs_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review") / "lungs"
    write_lungs(folder)
    run_study(folder, ONE)
    return folder


@pytest.fixture(scope="session")
def _stains_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review") / "stains"
    write_stains(folder)
    run_study(folder, ONE)
    return folder


@pytest.fixture
def study(_lungs_once: Path, tmp_path: Path) -> Path:
    """A copy of the study of photos after its run, to review at will."""
    return Path(shutil.copytree(_lungs_once, tmp_path / "study"))


@pytest.fixture
def stains(_stains_once: Path, tmp_path: Path) -> Path:
    """A copy of the study of stains after its run, to review at will."""
    return Path(shutil.copytree(_stains_once, tmp_path / "stains"))


@pytest.fixture
def sessions(study: Path) -> Iterator[Callable[..., Session]]:
    """Opens sessions, and closes them after the test."""
    held = []

    def start(
        reader: str = "ann", options: SessionOptions | None = None, path: Path = study
    ) -> Session:
        session = Session(path, reader, options or SessionOptions(seed=7))
        held.append(session)
        return session

    yield start
    for session in held:
        session.close()


@pytest.fixture
def slide(_slide_once: Path, tmp_path: Path) -> Path:
    """A copy of the study of a whole slide after its run, to review at will."""
    return Path(shutil.copytree(_slide_once, tmp_path / "slide"))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """An X server of its own, on a free display; without Xvfb the test is skipped, and says so."""
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb: `make display` installs it; a viewer needs a real X server")
    out, into = os.pipe()
    command = ["Xvfb", "-displayfd", str(into), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=(into,), stderr=subprocess.DEVNULL) as server:
        os.close(into)
        with os.fdopen(out) as lines:
            number = lines.readline().strip()
        if not number:
            pytest.skip("Xvfb doesn't start here; a viewer needs a real X server")
        yield f":{number}"
        server.terminate()


@pytest.fixture(scope="session")
def drive(display: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Run a driver of the viewer in a process of its own, and give what it saw.

    Of its own, because napari warns on import, and warnings are errors here.
    """
    settings = tmp_path_factory.mktemp("settings")

    def run(name: str, *words: object) -> dict[str, Any]:
        driver = Path(__file__).parent / name
        command = [sys.executable, "-W", "ignore", str(driver), *map(str, words)]
        known = {
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "NAPARI_CONFIG": str(settings / "settings.yaml"),
        }
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **known},
            timeout=900,
        )
        seen = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
        assert done.returncode == 0, done.stderr[-4000:]
        held: dict[str, Any] = json.loads(seen[0].removeprefix("SEEN "))
        return held

    return run
