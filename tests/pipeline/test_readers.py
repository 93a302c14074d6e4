"""From a name to images: references, channels, folders."""

from pathlib import Path

import pytest
from photo_files import GRADIENT
from PIL import Image as Pillow

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.image_channels import as_channels, channel_index
from xenoquant.pipeline.readers import SUFFIXES, read_image, scan_folder, split_reference


def test_a_reference_names_file_and_image() -> None:
    assert split_reference("if/field.lif#12") == (Path("if/field.lif"), 12)
    assert split_reference("if/field.lif") == (Path("if/field.lif"), None)
    assert split_reference("a#b.tif") == (Path("a#b.tif"), None)


def test_a_file_whose_own_name_ends_so_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "mouse#2").write_bytes(b"x")
    assert split_reference(tmp_path / "mouse#2") == (tmp_path / "mouse#2", None)


def test_rgb_export_becomes_channels_with_a_flag(tmp_path: Path) -> None:
    for name, flag in [("a.jpg", "eight_bit_compressed"), ("a.png", "eight_bit_export")]:
        Pillow.fromarray(GRADIENT).save(tmp_path / name)
        image = read_image(tmp_path / name)
        channels = as_channels(image)
        assert (channels.kind, channels.flags) == ("channels", (flag,))
        assert (channels.pixels == image.pixels.transpose(2, 0, 1)).all()
        assert channels.channel_names == ("red", "green", "blue")
        assert as_channels(channels) is channels


@pytest.mark.parametrize(
    ("wanted", "index"), [(0, 0), ("dapi", 1), ("Alexa488", 0), ("FITC", 2), ("1", 1)]
)
def test_channels_are_found_by_number_and_by_loosely_written_name(
    wanted: str | int, index: int
) -> None:
    assert channel_index(["ALEXA 488", "DAPI", "fitc"], wanted) == index


def test_a_missing_or_ambiguous_channel_lists_what_there_is() -> None:
    with pytest.raises(InputError, match="0 'ALEXA 488', 1 'DAPI'") as caught:
        channel_index(["ALEXA 488", "DAPI"], "Cy5", path="a.lif")
    assert caught.value.path == "a.lif"
    with pytest.raises(InputError, match="channel 2 was asked for, but the image has 2"):
        channel_index(["a", "b"], 2)
    with pytest.raises(InputError, match="fits several"):
        channel_index(["Alexa 488", "Alexa-488"], "alexa488")


def test_scanning_a_folder_gives_images_in_natural_order(tmp_path: Path) -> None:
    for name in [
        "b/field_10.tif",
        "b/field_2.TIF",
        "a/z.jpg",
        "a/notes.txt",
        "a/.hidden.jpg",
        ".trash/x.jpg",
        "results/overlays/x.jpg",
        "review/x.png",
        "with space & ünï.svs",
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path).as_posix() for path in scan_folder(tmp_path)]
    assert found == ["a/z.jpg", "b/field_2.TIF", "b/field_10.tif", "with space & ünï.svs"]


def test_scanning_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        scan_folder(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="not a folder"):
        scan_folder(tmp_path / "file")


def test_the_known_suffixes_are_those_of_the_readme() -> None:
    assert {".jpg", ".png", ".heic", ".tif", ".tiff", ".lif", ".svs", ".ndpi"} <= SUFFIXES
