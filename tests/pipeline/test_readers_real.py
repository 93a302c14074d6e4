"""The readers on real files: Leica containers, a scanner's slide, photos, fields of nuclei."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.image_channels import as_channels, channel_index
from xenoquant.pipeline.readers import inspect_image, list_images, read_image

pytestmark = pytest.mark.shared_data


@pytest.fixture
def leica(shared_data: Path) -> Path:
    return shared_data / "leica_lif" / "xz-example.lif"


@pytest.fixture
def spectral(shared_data: Path) -> Path:
    return shared_data / "leica_lif" / "LeicaLASX_wavelength-sweep_example.lif"


@pytest.fixture
def slide(shared_data: Path) -> Path:
    return shared_data / "whole_slide" / "cmu_small_region.svs"


def test_leica_planes_are_exactly_those_that_readlif_expects(leica: Path) -> None:
    """Authority: the two planes published with readlif's tests."""
    for channel, timepoint in [(0, 0), (1, 8)]:
        expected = tifffile.imread(leica.with_name(f"xz-example_c{channel}t{timepoint}.tif"))
        image = read_image(f"{leica}#0", timepoint=timepoint)
        assert (image.pixels[channel] == expected).all()


def test_leica_channels_scale_and_settings(leica: Path) -> None:
    """Authority: the container's own XML: 17.81554 µm from first to last of 128 columns."""
    image = read_image(f"{leica}#0")
    assert image.channel_names == ("FITC", "TRITC")
    assert image.um_per_px == pytest.approx(17.81554 / 127, rel=1e-4)
    assert image.bit_depth == 8
    assert channel_index(image, "red") == 1  # the look-up table's name
    assert channel_index(image, "HyD 1") == 0  # the detector's
    settings = image.notes["acquisition"]
    assert settings["gain"] == pytest.approx([41.502398, 105.842364])
    assert settings["laser_percent"] == pytest.approx({"488": 0.4999, "552": 49.9952})
    assert settings["objective"] == "HC PL APO CS2 63x/1.30 GLYC"
    assert image.flags == ("first_timepoint",)


def test_every_leica_image_can_be_addressed(leica: Path, spectral: Path) -> None:
    assert [(info.series, info.name, info.shape) for info in list_images(leica)] == [
        (0, "xzt", (2, 128, 128)),
        (1, "xzy", (2, 23, 128)),
        (2, "xz", (2, 512, 512)),
    ]
    for path in (leica, spectral):
        for info in list_images(path):
            image = read_image(f"{path}#{info.series}")
            assert image.pixels.shape == info.shape
            assert inspect_image(f"{path}#{info.series}") == info
            print(info.series, info.name, info.shape, info.um_per_px, info.channel_names[:2])


def test_a_container_without_a_number_names_its_images(leica: Path) -> None:
    with pytest.raises(InputError, match="#0 'xzt', #1 'xzy', #2 'xz'") as caught:
        read_image(leica)
    assert '"xz-example.lif#0"' in caught.value.remedy
    with pytest.raises(InputError, match="image #3 was asked for, but the file holds 3"):
        read_image(f"{leica}#3")


def test_leica_stack_is_projected_and_planes_add_up(spectral: Path) -> None:
    """Authority: the maximum over the planes read one by one."""
    image = read_image(f"{spectral}#2", timepoint=1)
    assert image.notes["n_z"] == 11
    planes = [read_image(f"{spectral}#2", timepoint=1, z=z).pixels for z in range(11)]
    assert (image.pixels == np.max(planes, axis=0)).all()
    assert len({plane.tobytes() for plane in planes}) > 1
    assert image.channel_names[:2] == ("550 nm", "555 nm")
    summed = read_image(f"{spectral}#2", timepoint=1, z="sum").pixels
    assert (summed == np.sum(planes, axis=0, dtype=float)).all()


def test_a_region_of_a_leica_image_is_a_crop(leica: Path) -> None:
    whole = read_image(f"{leica}#2").pixels
    part = read_image(f"{leica}#2", region=(100, 200, 50, 60)).pixels
    assert (part == whole[:, 100:150, 200:260]).all()


def test_a_slide_by_level_and_region(slide: Path) -> None:
    """Authority: OpenSlide's test data: 2220 × 2967 pixels, 0.499 µm each."""
    info = inspect_image(slide)
    assert (info.height, info.width, info.um_per_px) == (2967, 2220, 0.499)
    whole = read_image(slide)
    assert whole.pixels.shape == (2967, 2220, 3)
    assert (whole.kind, whole.um_per_px, whole.flags) == ("rgb", 0.499, ())
    part = read_image(slide, region=(1200, 700, 300, 401))
    assert (part.pixels == whole.pixels[1200:1500, 700:1101]).all()
    with pytest.raises(InputError, match="level 1 was asked for, but the image has 1"):
        read_image(slide, level=1)
    with pytest.raises(InputError, match="is not inside the image"):
        read_image(slide, region=(2900, 0, 100, 100))
    with pytest.raises(InputError, match="megapixels, above the limit of 5"):
        read_image(slide, max_megapixels=5)


def test_a_slides_pixels_are_those_of_its_tiles(slide: Path) -> None:
    """Authority: tifffile's reading of the same file, by another decoder."""
    expected = tifffile.imread(slide, series=0).astype(int)
    difference = np.abs(read_image(slide).pixels.astype(int) - expected)
    print(f"largest difference {difference.max()}, mean {difference.mean():.4f}")
    assert difference.mean() < 0.5  # two JPEG decoders may round colours differently


def test_a_slide_is_known_by_its_content_too(tmp_path: Path, slide: Path) -> None:
    """A slide renamed to .tif is still one image with its scale, without label and thumbnail."""
    path = tmp_path / "slide.tif"
    path.write_bytes(slide.read_bytes())
    assert [info.um_per_px for info in list_images(path)] == [0.499]
    part = read_image(path, region=(10, 20, 100, 100))
    assert (part.pixels == read_image(slide, region=(10, 20, 100, 100)).pixels).all()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_slides_and_containers_are_refused(
    tmp_path: Path, slide: Path, leica: Path, share: float
) -> None:
    for source, number in [(slide, ""), (leica, "#2")]:
        data = source.read_bytes()
        path = tmp_path / source.name
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(InputError):
            read_image(f"{path}{number}")


def test_damaged_slides_and_containers_read_or_are_refused(
    tmp_path: Path, slide: Path, spectral: Path
) -> None:
    """Authority: the contract; each of 30 mutants gives pixels or an InputError."""
    random = np.random.default_rng(2)
    for source, number, reach in [(slide, "", 60_000), (spectral, "#2", 200_000)]:
        path = tmp_path / source.name
        outcomes = []
        for _ in range(15):
            changed = bytearray(source.read_bytes())
            for at in random.integers(0, reach, size=4):
                changed[at] ^= 1 << int(random.integers(0, 8))
            path.write_bytes(changed)
            try:
                read_image(f"{path}{number}")
                outcomes.append("read")
            except InputError:
                outcomes.append("refused")
        print(source.name, {each: outcomes.count(each) for each in sorted(set(outcomes))})
        assert "refused" in outcomes


def test_rendered_fields_give_channels_and_scale(shared_data: Path) -> None:
    """Authority: how the set was made: Alexa488 and DAPI, 0.5 µm a pixel, 512²."""
    paths = sorted((shared_data / "sections_rendered").glob("if_*.ome.tif"))
    assert len(paths) == 5
    for path in paths:
        image = read_image(path)
        assert image.channel_names == ("Alexa488", "DAPI")
        assert image.um_per_px == pytest.approx(0.5)
        assert (image.pixels == tifffile.imread(path)).all()


def test_every_other_shared_image_is_read(shared_data: Path) -> None:
    """Authority: the pixels that tifffile and Pillow give."""
    folders = ["multichannel", "gels", "lung_photo_real", "lungs_rendered", "ihc_ki67"]
    paths = [path for folder in folders for path in sorted((shared_data / folder).rglob("*.*"))]
    read = 0
    for path in paths:
        if path.suffix not in {".tif", ".png", ".jpg"}:
            continue
        image = read_image(path)
        if path.suffix == ".tif":
            expected = tifffile.imread(path)
        else:
            with Pillow.open(path) as photo:
                expected = np.asarray(photo)
        stored = image.pixels if image.kind == "rgb" else image.pixels[0]
        assert (stored == expected).all(), path
        assert image.um_per_px is None  # none of these files is calibrated
        read += 1
    print(f"{read} images equal")
    assert read >= 30


def test_all_nuclei_images_are_one_channel(shared_data: Path) -> None:
    paths = sorted((shared_data / "nuclei_dsb2018" / "images").glob("*.png"))
    assert len(paths) == 467
    for path in paths[:: 1 if os.environ.get("XENOQUANT_ALL") else 10]:
        image = as_channels(read_image(path))
        with Pillow.open(path) as photo:
            assert image.pixels.shape[1:] == photo.size[::-1]
            if photo.mode == "L":
                assert image.channel_names == ("0",)
                assert (image.pixels[0] == np.asarray(photo)).all()
