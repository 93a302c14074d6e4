"""TIFF of every kind, written by tifffile: channels, stacks, times, scales."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tiff_files import RGB, STACK, plain_pages, two_channels, write_ome

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.image_channels import channel_index
from xenoquant.pipeline.readers import list_images, read_image


def test_ome_gives_channels_names_and_pixel_size(tmp_path: Path) -> None:
    image = read_image(two_channels(tmp_path / "a.ome.tif"))
    assert image.kind == "channels"
    assert image.channel_names == ("Alexa488", "DAPI")
    assert image.um_per_px == pytest.approx(0.25)
    assert (image.pixels == STACK.max(axis=1)).all()
    assert image.pixels.dtype == np.uint16
    assert image.notes["z"] == "max"
    assert image.notes["n_z"] == 5
    assert image.flags == ()
    assert channel_index(image, "alexa 488") == 0


@pytest.mark.parametrize("z", ["max", "mean", "sum", 3])
def test_a_stack_is_projected_as_asked(tmp_path: Path, z: Any) -> None:
    """Authority: NumPy's own projections of the array written."""
    image = read_image(two_channels(tmp_path / "a.ome.tif"), z=z)
    expected = {
        "max": STACK.max(axis=1),
        "mean": STACK.mean(axis=1),
        "sum": STACK.sum(axis=1),
        3: STACK[:, 3],
    }[z]
    assert np.allclose(image.pixels, expected, rtol=1e-6, atol=0)
    assert image.notes["z"] == z


def test_a_plane_outside_the_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="z plane 5 was asked for, but the stack has 5"):
        read_image(two_channels(tmp_path / "a.ome.tif"), z=5)


@pytest.mark.parametrize(
    ("unit", "size", "um"), [("nm", 250, 0.25), ("mm", 0.00025, 0.25), ("Å", 2500, 0.25)]
)
def test_ome_units_of_length(tmp_path: Path, unit: str, size: float, um: float) -> None:
    units = {
        f"PhysicalSize{axis}{end}": value
        for axis in "XY"
        for end, value in (("", size), ("Unit", unit))
    }
    path = write_ome(tmp_path / "a.ome.tif", STACK[:, 0], axes="CYX", **units)
    assert read_image(path).um_per_px == pytest.approx(um)


@pytest.mark.parametrize("unit", ["pixel", "reference frame"])
def test_ome_units_that_are_no_lengths_give_no_scale(tmp_path: Path, unit: str) -> None:
    metadata = {
        "PhysicalSizeX": 1.0,
        "PhysicalSizeXUnit": unit,
        "PhysicalSizeY": 1.0,
        "PhysicalSizeYUnit": unit,
    }
    path = write_ome(tmp_path / "a.ome.tif", STACK[:, 0], axes="CYX", **metadata)
    assert read_image(path).um_per_px is None


def test_pixels_that_are_not_square_give_no_scale_but_a_flag(tmp_path: Path) -> None:
    path = write_ome(
        tmp_path / "a.ome.tif", STACK[0], axes="ZYX", PhysicalSizeX=0.2, PhysicalSizeY=0.3
    )
    image = read_image(path)
    assert image.um_per_px is None
    assert image.flags == ("anisotropic_pixels",)
    assert image.notes["um_per_px_y_x"] == [0.3, 0.2]


def test_of_several_timepoints_the_first_is_read_with_a_flag(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", STACK, axes="TZYX")
    image = read_image(path)
    assert image.flags == ("first_timepoint",)
    assert (image.pixels[0] == STACK[0].max(axis=0)).all()
    later = read_image(path, timepoint=1)
    assert (later.pixels[0] == STACK[1].max(axis=0)).all()
    assert (later.flags, later.notes["timepoint"]) == ((), 1)
    with pytest.raises(InputError, match="timepoint 2 was asked for, but the image has 2"):
        read_image(path, timepoint=2)


def test_every_image_of_a_file_is_addressed_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(STACK[0], metadata={"axes": "ZYX", "Name": "field 1"})
        writer.write(STACK[1, :1], metadata={"axes": "ZYX", "Name": "field 2"})
    assert [(info.series, info.name, info.n_z) for info in list_images(path)] == [
        (0, "field 1", 5),
        (1, "field 2", 1),
    ]
    with pytest.raises(InputError, match="holds 2 images and none was chosen: #0 'field 1', #1"):
        read_image(path)
    assert (read_image(f"{path}#1").pixels[0] == STACK[1, 0]).all()
    assert (read_image(path, series=0).pixels[0] == STACK[0].max(axis=0)).all()
    with pytest.raises(InputError, match="image #2 was asked for, but the file holds 2"):
        read_image(f"{path}#2")


def test_imagej_hyperstack(tmp_path: Path) -> None:
    """ImageJ orders its pages z, channel; the scale is pixels a unit."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        STACK.transpose(1, 0, 2, 3),
        imagej=True,
        resolution=(4, 4),
        metadata={"axes": "ZCYX", "unit": "micron"},
    )
    image = read_image(path)
    assert (image.pixels == STACK.max(axis=1)).all()
    assert image.um_per_px == pytest.approx(0.25)
    assert image.channel_names == ("0", "1")


@pytest.mark.parametrize(
    ("unit", "pixels_per_unit", "um"),
    [
        ("\\u00B5m", 4, 0.25),
        ("um", 4, 0.25),
        ("nm", 0.004, 0.25),
        ("mm", 4000, 0.25),
        ("cm", 40000, 0.25),
        ("pixel", 1, None),
        ("inch", 72, None),
    ],
)
def test_imagej_units(tmp_path: Path, unit: str, pixels_per_unit: float, um: float | None) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        STACK[0, 0],
        imagej=True,
        resolution=(pixels_per_unit, pixels_per_unit),
        metadata={"axes": "YX", "unit": unit},
    )
    found = read_image(tmp_path / "a.tif").um_per_px
    assert found == (None if um is None else pytest.approx(um, rel=1e-6))


def test_slice_labels_of_imagej_name_its_channels(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        STACK[:, 0],
        imagej=True,
        metadata={"axes": "CYX", "Labels": ["Snai1", "DAPI"]},
    )
    assert read_image(tmp_path / "a.tif").channel_names == ("Snai1", "DAPI")


def test_a_few_unlabelled_pages_are_channels_and_many_a_stack(tmp_path: Path) -> None:
    few = read_image(plain_pages(tmp_path / "few.tif", list(STACK[:, 0])))
    assert (few.pixels == STACK[:, 0]).all()
    assert few.flags == ("unlabelled_pages",)
    assert few.notes["pages_taken_as"] == "channels"
    many = read_image(plain_pages(tmp_path / "many.tif", list(STACK.reshape(10, 40, 56))))
    assert (many.pixels == STACK.reshape(10, 40, 56).max(axis=0)).all()
    assert many.notes["pages_taken_as"] == "z"


def test_pages_of_colour_are_images_of_their_own(tmp_path: Path) -> None:
    path = plain_pages(tmp_path / "a.tif", [RGB, RGB[::-1].copy()])
    assert [info.kind for info in list_images(path)] == ["rgb", "rgb"]
    assert (read_image(f"{path}#1").pixels == RGB[::-1]).all()


@pytest.mark.parametrize(("dpi", "um"), [(72, None), (96, None), (300, None), (25400, 1.0)])
def test_resolution_tags_count_unless_they_are_a_default(
    tmp_path: Path, dpi: int, um: float | None
) -> None:
    for unit, value in [("INCH", dpi), ("CENTIMETER", dpi / 2.54)]:
        tifffile.imwrite(
            tmp_path / "a.tif",
            RGB,
            photometric="rgb",
            resolution=(value, value),
            resolutionunit=unit,
            metadata=None,
        )
        found = read_image(tmp_path / "a.tif").um_per_px
        assert found == (None if um is None else pytest.approx(um, rel=1e-4))


def test_ome_acquisition_settings_are_noted(tmp_path: Path) -> None:
    path = two_channels(
        tmp_path / "a.ome.tif",
        Plane={"ExposureTime": [0.1] * 10, "ExposureTimeUnit": ["s"] * 10},
    )
    assert read_image(path).notes["acquisition"]["exposure_s"] == [0.1, 0.1]
