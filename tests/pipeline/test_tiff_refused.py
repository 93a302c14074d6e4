"""TIFF that is cut, incomplete or hostile is refused, or flagged."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiff_files import RGB, STACK, plain_pages, two_channels, write_pyramid

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import read_image


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
