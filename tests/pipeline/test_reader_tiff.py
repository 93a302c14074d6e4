"""TIFF of every kind, written by tifffile: channels, stacks, times, pyramids, scales, oddities."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.image_channels import channel_index
from xenoquant.pipeline.readers import inspect_image, list_images, read_image

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 4000, (2, 5, 40, 56)).astype(np.uint16)  # C, Z, Y, X
RGB = RANDOM.integers(0, 256, (40, 56, 3), dtype=np.uint8)


def write_ome(path: Path, pixels: np.ndarray, **metadata: Any) -> Path:
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


def two_channels(path: Path, **more: Any) -> Path:
    return write_ome(
        path,
        STACK,
        axes="CZYX",
        PhysicalSizeX=0.25,
        PhysicalSizeY=0.25,
        Channel={"Name": ["Alexa488", "DAPI"]},
        **more,
    )


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


def plain_pages(path: Path, pages: list[np.ndarray]) -> Path:
    with tifffile.TiffWriter(path) as writer:
        for page in pages:
            writer.write(page, contiguous=False, metadata=None)
    return path


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


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_regions_equal_crops_however_the_pixels_are_stored(
    tmp_path: Path,
    compression: str | None,
    tile: tuple[int, int] | None,
    byteorder: str,
    planar: str,
) -> None:
    """Authority: the array written."""
    path = tmp_path / "a.tif"
    pixels = RGB if planar == "contig" else RGB.transpose(2, 0, 1).copy()
    options: dict[str, Any] = {"rowsperstrip": 7} if tile is None else {"tile": tile}
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=byteorder,
        metadata=None,
        **options,
    )
    assert (read_image(path).pixels == RGB).all()
    part = read_image(path, region=(11, 13, 22, 30))
    assert (part.pixels == RGB[11:33, 13:43]).all()


def test_a_region_of_a_turned_tiff_is_taken_upright(tmp_path: Path) -> None:
    for orientation in range(1, 9):
        path = tmp_path / f"{orientation}.tif"
        tag = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(path, RGB, photometric="rgb", tile=(16, 16), metadata=None, extratags=tag)
        whole = read_image(path).pixels
        part = read_image(path, region=(3, 17, 20, 11)).pixels
        assert (part == whole[3:23, 17:28]).all(), orientation


def write_pyramid(path: Path, *, ome: bool) -> list[np.ndarray]:
    """An image of 256 × 384 with two levels of half size each, in SubIFDs."""
    levels = [RANDOM.integers(0, 256, (256 >> n, 384 >> n, 3), dtype=np.uint8) for n in range(3)]
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "compression": "zlib"}
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5} if ome else None
    with tifffile.TiffWriter(path, ome=ome) as writer:
        writer.write(levels[0], subifds=2, metadata=metadata, **options)
        for level in levels[1:]:
            writer.write(level, subfiletype=1, **options)
    return levels


@pytest.mark.parametrize("ome", [True, False])
def test_a_pyramid_is_read_by_level_and_region(tmp_path: Path, ome: bool) -> None:
    """Regions are given in pixels of the full image, whatever the level."""
    path = tmp_path / "a.tif"
    levels = write_pyramid(path, ome=ome)
    info = inspect_image(path)
    assert info.levels == ((256, 384), (128, 192), (64, 96))
    for number, expected in enumerate(levels):
        image = read_image(path, level=number)
        assert (image.pixels == expected).all()
        if ome:
            assert image.um_per_px == pytest.approx(0.5 * 2**number)
        part = read_image(path, level=number, region=(64, 128, 100, 60))
        scale = 2**number
        assert (
            part.pixels == expected[64 // scale : 164 // scale, 128 // scale : 188 // scale]
        ).all()
    assert len(list_images(path)) == 1
    with pytest.raises(InputError, match="level 3 was asked for, but the image has 3"):
        read_image(path, level=3)


def test_a_slide_too_large_for_memory_gives_its_regions(tmp_path: Path) -> None:
    """Authority: the limit; the whole is refused, a region and a higher level are not."""
    path = tmp_path / "a.tif"
    levels = write_pyramid(path, ome=True)
    with pytest.raises(InputError, match="above the limit") as caught:
        read_image(path, max_megapixels=0.05)
    assert "higher level" in caught.value.remedy
    part = read_image(path, max_megapixels=0.05, region=(0, 0, 100, 100))
    assert (part.pixels == levels[0][:100, :100]).all()
    assert read_image(path, max_megapixels=0.05, level=1).pixels.shape == (128, 192, 3)


@pytest.mark.parametrize(
    ("dtype", "expected", "flag"),
    [
        ("uint8", "uint8", ()),
        ("uint16", "uint16", ()),
        ("float32", "float32", ()),
        ("int16", "float32", ("converted_to_float32",)),
        ("uint32", "float32", ("converted_to_float32",)),
        ("float64", "float32", ("converted_to_float32",)),
    ],
)
def test_types_are_kept_or_converted_with_a_flag(
    tmp_path: Path, dtype: str, expected: str, flag: tuple[str, ...]
) -> None:
    values = (np.arange(600).reshape(20, 30) - (300 if dtype[0] in "if" else 0)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    image = read_image(tmp_path / "a.tif")
    assert image.pixels.dtype == expected
    assert (image.pixels[0] == values).all()
    assert image.flags == flag


def test_twelve_bits_are_told_from_sixteen(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", STACK[:, 0], axes="CYX", SignificantBits=12)
    assert read_image(path).bit_depth == 12
    packed = tmp_path / "b.tif"
    values = STACK[0, 0] % 4096
    tifffile.imwrite(packed, values)
    assert read_image(packed).bit_depth == 16


def test_white_is_zero_is_turned_so_that_bright_is_high(tmp_path: Path) -> None:
    gray = RGB[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", 255 - gray, photometric="miniswhite")
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels[0] == gray).all()
    assert image.notes["inverted"] is True


def test_alpha_is_dropped_with_a_flag(tmp_path: Path) -> None:
    alpha = np.concatenate([RGB, RGB[..., :1]], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", alpha, photometric="rgb", extrasamples=["unassalpha"])
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels == RGB).all()
    assert image.flags == ("alpha_dropped",)


def test_cmyk_is_converted_with_a_flag(tmp_path: Path) -> None:
    """No ink is white; full black ink is black; full cyan ink leaves no red."""
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[4:8, :, 3] = 255
    ink[8:, :, 0] = 255
    tifffile.imwrite(tmp_path / "a.tif", ink, photometric="separated")
    image = read_image(tmp_path / "a.tif")
    assert image.flags == ("cmyk_converted",)
    assert [image.pixels[row, 0].tolist() for row in (0, 5, 9)] == [
        [255, 255, 255],
        [0, 0, 0],
        [0, 255, 255],
    ]


def palette_tiff(path: Path, indices: np.ndarray, table: np.ndarray) -> Path:
    tifffile.imwrite(
        path, indices, photometric="palette", colormap=table.astype(np.uint16), metadata=None
    )
    return path


def test_a_true_palette_becomes_rgb(tmp_path: Path) -> None:
    table = RANDOM.integers(0, 256, (3, 256)) * 257
    image = read_image(palette_tiff(tmp_path / "a.tif", RGB[..., 0], table))
    assert (image.pixels == (table.T // 257)[RGB[..., 0]]).all()
    assert image.flags == ("palette_converted",)


def test_the_pseudo_colour_of_a_channel_is_no_palette(tmp_path: Path) -> None:
    """Microscopes store a gray channel with a table from black to green: indices are intensity."""
    table = np.zeros((3, 256), int)
    table[1] = np.arange(256) * 257
    image = read_image(palette_tiff(tmp_path / "a.tif", RGB[..., 0], table))
    assert (image.kind, image.flags) == ("channels", ())
    assert (image.pixels[0] == RGB[..., 0]).all()


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


# --- incomplete and hostile ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ome", "imagej", "plain", "tiled", "pyramid"])
def test_a_cut_tiff_is_never_read_as_less(tmp_path: Path, kind: str) -> None:
    """Authority: the array written; a cut file gives all its pixels or an error."""
    path = tmp_path / "a.tif"
    if kind == "ome":
        two_channels(path)
    elif kind == "imagej":
        tifffile.imwrite(path, STACK.transpose(1, 0, 2, 3), imagej=True, metadata={"axes": "ZCYX"})
    elif kind == "plain":
        plain_pages(path, list(STACK.reshape(10, 40, 56)))
    elif kind == "tiled":
        tifffile.imwrite(
            path, STACK, ome=True, tile=(16, 16), compression="zlib", metadata={"axes": "CZYX"}
        )
    else:
        write_pyramid(path, ome=True)
    data = path.read_bytes()
    whole = read_image(path).pixels
    for share in np.linspace(0.01, 0.995, 40):
        path.write_bytes(data[: int(len(data) * share)])
        try:
            image = read_image(path)
        except InputError:
            continue
        assert image.pixels.shape == whole.shape
        assert (image.pixels == whole).all()


def rewritten_ome(path: Path, old: str, new: str) -> Path:
    """Change the OME-XML of a file in place, keeping its length."""
    data = path.read_bytes()
    assert old.encode() in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old.encode(), new.encode()))
    return path


def test_ome_that_claims_more_planes_than_there_are_is_refused(tmp_path: Path) -> None:
    path = rewritten_ome(two_channels(tmp_path / "a.ome.tif"), 'SizeZ="5"', 'SizeZ="9"')
    with pytest.raises(InputError, match="is missing from the TIFF"):
        read_image(path)


def test_ome_that_claims_absurdly_many_planes_is_refused_at_once(tmp_path: Path) -> None:
    path = two_channels(tmp_path / "a.ome.tif", Description="xxxxxxxxxx")
    data = path.read_bytes().replace(b'SizeZ="5"', b'SizeZ="99999999"', 1)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].tags["ImageDescription"].valueoffset
    assert path.read_bytes()[offset : offset + 5] == b"<?xml"
    # seven bytes longer: taken from the padding that the description's text gives
    path.write_bytes(data.replace(b"xxxxxxxxxx", b"xxx", 1))
    with pytest.raises(InputError, match="claims 199999998 planes"):
        read_image(path)


def test_a_part_of_a_set_of_files_names_the_others_and_opens_none(tmp_path: Path) -> None:
    path = two_channels(tmp_path / "a.ome.tif")
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata
    assert xml is not None
    inserted = xml.replace(
        'PlaneCount="10"/>',
        'PlaneCount="10"><UUID FileName="../../secret.tif">urn:uuid:1-2</UUID></TiffData>',
    )
    assert inserted != xml
    tifffile.imwrite(path, STACK, description=inserted.encode(), metadata=None)
    with pytest.raises(InputError, match=r"one part of a set of files: \.\./\.\./secret\.tif"):
        read_image(path)


def test_broken_ome_xml_is_refused(tmp_path: Path) -> None:
    path = rewritten_ome(two_channels(tmp_path / "a.ome.tif"), "</Pixels>", "</Pixelz>")
    with pytest.raises(InputError, match="OME-XML is broken"):
        read_image(path)


def test_tiles_that_were_never_written_are_zero_with_a_flag(tmp_path: Path) -> None:
    """Scanners leave out tiles without tissue: offset and byte count 0."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", tile=(16, 16), metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for name in ("TileOffsets", "TileByteCounts"):
            tag = tiff.pages[0].tags[name]
            size = {3: 2, 4: 4}[int(tag.dtype)]
            at = tag.valueoffset + 5 * size  # second row, second column of four
            data[at : at + size] = bytes(size)
    path.write_bytes(data)
    image = read_image(path)
    expected = RGB.copy()
    expected[16:32, 16:32] = 0
    assert (image.pixels == expected).all()
    assert image.flags == ("missing_tiles",)


def test_a_header_that_claims_thousands_of_channels_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((4, 4, 2000), np.uint8),
        photometric="minisblack",
        planarconfig="contig",
        metadata=None,
    )
    with pytest.raises(InputError, match="more than 1000 channels"):
        read_image(tmp_path / "a.tif")


def test_raw_sensor_mosaics_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB[..., 0], photometric=32803, metadata=None)
    with pytest.raises(InputError, match="raw sensor"):
        read_image(tmp_path / "a.tif")
