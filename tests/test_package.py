"""The package: what is in the folders is in the wheel, and nothing else is promised."""

import fnmatch
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

ROOMS = ("imgproc", "stats", "pipeline", "napari_plugin", "data")


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]


def test_the_list_of_packages_is_the_list_of_folders(project, repository):
    found = {
        "xenoquant." + ".".join(file.parent.relative_to(repository).parts)
        for room in ROOMS
        for file in (repository / room).rglob("__init__.py")
    }
    assert found == set(project["tool"]["setuptools"]["packages"])


def test_every_data_file_of_a_room_goes_into_the_wheel(project, repository):
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    left_out = [
        str(file.relative_to(repository))
        for room in ROOMS
        for file in (repository / room).rglob("*")
        if file.is_file()
        and file.suffix not in (".py", ".pyc", ".nbi", ".nbc")
        and not any(fnmatch.fnmatch(str(file.relative_to(repository / room)), p) for p in patterns)
    ]
    assert left_out == []


def test_no_folder_called_xenoquant_and_no_init_at_the_root(repository):
    assert not (repository / "xenoquant").exists()
    assert not (repository / "__init__.py").exists()


def test_every_room_is_typed_and_importable_by_its_own_name():
    for room in ROOMS:
        assert resources.files(f"xenoquant.{room}").joinpath("py.typed").is_file()


def test_the_installed_version_is_the_projects(project):
    assert metadata.version("xenoquant") == project["project"]["version"]


def test_the_extras_and_entry_points_of_the_design(project):
    assert {"napari", "cluster", "dev"} <= set(project["project"]["optional-dependencies"])
    assert project["project"]["scripts"] == {"xenoquant": "xenoquant.pipeline.cli:main"}


@pytest.mark.parametrize("lock", ["run.txt", "test.txt"])
def test_the_lock_pins_and_hashes_everything_and_names_no_host(repository, lock):
    lines = (repository / "requirements" / lock).read_text().splitlines()
    pins = [line for line in lines if line and line[0].isalnum()]
    assert pins
    assert all("==" in line for line in pins)
    assert not [line for line in lines if "://" in line]
    for place, line in enumerate(lines):
        if line and line[0].isalnum():
            assert "--hash=sha256:" in lines[place + 1], line
