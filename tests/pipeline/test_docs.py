"""Every command of README and docs is run, and every link and picture in them is there."""

import doctest
import json
import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from xenoquant.imgproc.stains import DAB, HEMATOXYLIN
from xenoquant.pipeline.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
WITH_PYTHON = [page for page in PAGES if ">>>" in page.read_text(encoding="utf-8")]
VOLUMES = """animal,diet,volume_mm3
m1,350 ppm,1400
m2,350 ppm,1500
m3,350 ppm,1460
m4,3.5 ppm,2900
m5,3.5 ppm,3000
m6,3.5 ppm,2850
"""
PRINTED = """diet,n,mean,sem
3.5 ppm,9,22.9,2.6
35 ppm,9,13.9,2.4
350 ppm,9,13.7,2.7
"""
CELLS = "animal,diet,ctcf\n" + "".join(
    f"m{animal},{'350 ppm' if animal < 4 else '3.5 ppm'},{10 * animal + (animal * cell) % 7}\n"
    for animal in range(1, 7)
    for cell in range(5)
)


def commands(page: Path) -> list[list[str]]:
    """Give the words of every command in a page's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [shlex.split(line) for line in lines]


@pytest.fixture
def desk(finished_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the documents assume it: a study, one to begin, and loose images."""
    folder = tmp_path / "desk"
    shutil.copytree(finished_study, folder / "my-study")
    for name, source in (("photos", "lungs"), ("fields", "snai1"), ("sections", "ferritin")):
        shutil.copytree(finished_study / source, folder / name)
    for group, animals in (("350 ppm", ("m1", "m2")), ("3.5 ppm", ("007", "m4"))):
        target = folder / "new-study" / "lungs" / group
        target.mkdir(parents=True)
        for animal in animals:
            shutil.copy(finished_study / "lungs" / f"{animal}.jpg", target)
    for name, text in (("volumes", VOLUMES), ("printed", PRINTED), ("cells", CELLS)):
        (folder / f"{name}.csv").write_text(text)
    _write_slide(folder)
    _write_single_stains(folder)
    monkeypatch.chdir(folder)
    return folder


def _write_slide(folder: Path) -> None:
    """Make a slide with a pyramid from a section, and regions drawn on it."""
    field = cv2.imread(str(folder / "sections" / "m1.png"))[..., ::-1]
    (folder / "slides").mkdir()
    (folder / "regions").mkdir()
    how = {"tile": (64, 64), "photometric": "rgb"}
    with tifffile.TiffWriter(folder / "slides" / "m1.ome.tif") as writer:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(field, subifds=1, metadata={"axes": "YXS", **sizes}, **how)
        writer.write(cv2.resize(field, None, fx=1 / 8, fy=1 / 8), subfiletype=1, **how)
    ring = [[10, 10], [120, 10], [120, 120], [10, 120], [10, 10]]
    area = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (folder / "regions" / "m1.geojson").write_text(json.dumps([area]))


def _write_single_stains(folder: Path) -> None:
    """Draw half a field of hematoxylin, and half a field of DAB, on glass."""
    for name, vector in (("blue", HEMATOXYLIN), ("brown", DAB)):
        amount = np.where(np.arange(200) < 100, 0.0, 0.6)
        light = 240 * 10 ** -(amount[None, :, None] * np.array(vector))
        pixels = np.rint(np.repeat(light, 200, axis=0)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), pixels[..., ::-1])


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if ">>>" in page.read_text(encoding="utf-8")],
    ids=lambda page: page.name,
)
def test_python_of_the_documents_gives_what_it_shows(page):
    """Authority: a reader types it; what stands below is what comes."""
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_documents_work_as_written(page, desk):
    """Authority: a reader types them; exit status 0 is what the text promises."""
    makefile = (ROOT / "Makefile").read_text()
    for words in commands(page):
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), words
            continue
        assert words[0] == "xenoquant", words
        result = CliRunner().invoke(app, words[1:])
        assert result.exit_code == 0, (words, result.output)


def test_readme_has_exactly_two_set_up_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    set_up = text.split("## Set up")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", set_up, re.DOTALL)
    assert [block.strip() for block in blocks] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_options_of_every_method_have_a_description_for_people():
    from xenoquant.pipeline.assays import METHODS

    for method in METHODS.values():
        for name, field in method.model_fields.items():
            if name != "method":
                assert field.description, (method, name)
                assert field.description.endswith("."), (method, name)
