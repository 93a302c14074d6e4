"""From a path to pixels: photos upright once, nothing cut or huge gets through, names addressed."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image as Pillow

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import (
    SUFFIXES,
    as_channels,
    channel_index,
    inspect_image,
    list_images,
    photo_px_per_mm,
    read_image,
    scan_folder,
    split_reference,
)

ROWS, COLUMNS = np.mgrid[:48, :64]
GRADIENT = np.stack([COLUMNS * 3, ROWS * 5, COLUMNS + ROWS], axis=-1).astype(np.uint8)
ORIENTATION = 274  # EXIF tag


def exif(orientation: int) -> Pillow.Exif:
    made = Pillow.Exif()
    made[ORIENTATION] = orientation
    return made


# What a viewer shows, written out from CIPA DC-008 (EXIF 2.32), tag 274: the side of the upright
# picture on which the stored 0th row and 0th column lie.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,  # top, left
    2: np.fliplr,  # top, right
    3: lambda stored: np.rot90(stored, 2),  # bottom, right
    4: np.flipud,  # bottom, left
    5: lambda stored: stored.transpose(1, 0, 2),  # left, top
    6: lambda stored: np.rot90(stored, -1),  # right, top: turned clockwise to be upright
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),  # right, bottom
    8: lambda stored: np.rot90(stored, 1),  # left, bottom
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_exif_orientation_is_applied_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    """Authority: the EXIF standard's definition, for formats that keep pixels exactly."""
    path = tmp_path / f"photo.{suffix}"
    if suffix == "tif":
        tag = [(ORIENTATION, "H", 1, orientation, True)]
        tifffile.imwrite(path, GRADIENT, photometric="rgb", metadata=None, extratags=tag)
    else:
        options = {"lossless": True} if suffix == "webp" else {}
        Pillow.fromarray(GRADIENT).save(path, exif=exif(orientation), **options)
    image = read_image(path)
    expected = UPRIGHT[orientation](GRADIENT)
    assert image.pixels.shape == expected.shape
    assert (image.pixels == expected).all()
    assert image.notes.get("orientation_applied", 1) == orientation
    assert inspect_image(path).shape == expected.shape
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_the_upright_one_turned(tmp_path: Path, orientation: int) -> None:
    """Authority: the same stored picture without the tag, turned by the standard's definition."""
    encoded = io.BytesIO()
    Pillow.fromarray(GRADIENT).save(encoded, "JPEG", quality=95, subsampling=0)
    plain, turned = tmp_path / "a.jpg", tmp_path / "b.jpg"
    plain.write_bytes(encoded.getvalue())
    Pillow.fromarray(GRADIENT).save(turned, quality=95, subsampling=0, exif=exif(orientation))
    expected = UPRIGHT[orientation](read_image(plain).pixels)
    assert (read_image(turned).pixels == expected).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_turned_by_its_own_transform_and_not_again_by_exif(
    tmp_path: Path, orientation: int
) -> None:
    """pillow-heif stores the turn as HEIF's transform and leaves the EXIF tag as it was."""
    path = tmp_path / "photo.heic"
    heif = pillow_heif.from_pillow(Pillow.fromarray(GRADIENT))
    heif.save(path, quality=100, exif=exif(orientation).tobytes())
    image = read_image(path)
    expected = UPRIGHT[orientation](GRADIENT).astype(float)
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).mean() < 3  # HEVC loses a little
    assert (image.kind, image.bit_depth) == ("rgb", 8)


def test_a_heic_of_ten_bits_keeps_them(tmp_path: Path) -> None:
    """Authority: the ramp written; steps of 64 in 65 536 are ten bits."""
    ramp = np.linspace(0, 65535, 64).astype("<u2") // 64 * 64
    deep = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (48, 64, 3)))
    heif = pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes())
    heif.save(tmp_path / "a.heic", quality=100)
    image = read_image(tmp_path / "a.heic")
    assert (image.pixels.dtype, image.bit_depth) == (np.uint16, 16)
    assert np.abs(image.pixels.astype(float) - deep).mean() < 256  # finer than 8 bits


def test_a_region_is_taken_of_the_upright_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.fromarray(GRADIENT).save(path, exif=exif(6))
    whole = read_image(path).pixels
    part = read_image(path, region=(10, 20, 7, 9))
    assert (part.pixels == whole[10:17, 20:29]).all()
    assert part.notes["region"] == [10, 20, 7, 9]


def test_jpeg_pixels_are_those_of_an_independent_decoder(tmp_path: Path) -> None:
    """Authority: Pillow's own decoder."""
    for progressive in (False, True):
        path = tmp_path / "a.jpg"
        Pillow.fromarray(GRADIENT).save(path, quality=80, progressive=progressive)
        with Pillow.open(path) as photo:
            assert (read_image(path).pixels == np.asarray(photo)).all()


def test_sixteen_bits_survive_png(tmp_path: Path) -> None:
    deep = (GRADIENT.astype(np.uint16) << 8) + 7
    for pixels in (deep, deep[..., 0]):
        (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
        image = read_image(tmp_path / "a.png")
        assert image.bit_depth == 16
        stored = image.pixels if image.kind == "rgb" else image.pixels[0]
        assert (stored == pixels).all()


@pytest.mark.parametrize(
    ("mode", "kind", "flags"),
    [
        ("L", "channels", ()),
        ("LA", "channels", ("alpha_dropped",)),
        ("RGB", "rgb", ()),
        ("RGBA", "rgb", ("alpha_dropped",)),
        ("P", "rgb", ("palette_converted",)),
    ],
)
def test_every_mode_of_png_becomes_channels_or_rgb(
    tmp_path: Path, mode: str, kind: str, flags: tuple[str, ...]
) -> None:
    source = Pillow.fromarray(GRADIENT).convert(mode)
    source.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert (image.kind, image.flags) == (kind, flags)
    expected = np.asarray(source.convert("RGB" if kind == "rgb" else "L"))
    assert (image.pixels == (expected if kind == "rgb" else expected[np.newaxis])).all()
    assert image.channel_names == (("red", "green", "blue") if kind == "rgb" else ("0",))
    assert inspect_image(tmp_path / "a.png").shape == image.pixels.shape


def test_black_and_white_is_zero_and_255(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT[..., 0] > 90).save(tmp_path / "a.png")
    pixels = read_image(tmp_path / "a.png").pixels[0]
    assert (pixels == np.where(GRADIENT[..., 0] > 90, 255, 0)).all()


def test_cmyk_jpeg_is_converted_and_flagged(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.flags == ("cmyk_converted",)
    assert np.abs(image.pixels.astype(int) - GRADIENT).mean() < 4  # JPEG loses a little


def test_bmp_is_read(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.bmp")
    assert (read_image(tmp_path / "a.bmp").pixels == GRADIENT).all()


def test_the_format_is_told_by_the_bytes_not_the_name(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert (read_image(tmp_path / "a.jpg").pixels == GRADIENT).all()


# --- scale ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dpi", [1, 72, 96, 300])
def test_a_default_resolution_is_no_calibration(tmp_path: Path, dpi: int) -> None:
    for name in ("a.jpg", "a.png"):
        Pillow.fromarray(GRADIENT).save(tmp_path / name, dpi=(dpi, dpi))
        assert read_image(tmp_path / name).um_per_px is None


def test_a_scanners_resolution_is_one(tmp_path: Path) -> None:
    """1200 dots an inch are 25 400 / 1200 = 21.1667 µm a pixel, 47.244 pixels a millimetre."""
    for name in ("a.jpg", "a.png"):
        Pillow.fromarray(GRADIENT).save(tmp_path / name, dpi=(1200, 1200))
        assert read_image(tmp_path / name).um_per_px == pytest.approx(21.1667, rel=1e-4)
        assert photo_px_per_mm(tmp_path / name) == pytest.approx(47.244, rel=1e-4)


def test_300_dpi_count_only_when_asked_for(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png", dpi=(300, 300))
    assert photo_px_per_mm(tmp_path / "a.png") == pytest.approx(300 / 25.4, rel=1e-4)


def test_a_cameras_resolution_never_counts(tmp_path: Path) -> None:
    tags = Pillow.Exif()
    tags.get_ifd(0x8769)[0x829A] = 0.01  # exposure time: a camera took it
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.jpg", dpi=(1200, 1200), exif=tags)
    image = read_image(tmp_path / "a.jpg")
    assert image.um_per_px is None
    assert image.notes["acquisition"]["exposure_s"] == pytest.approx(0.01)
    with pytest.raises(InputError, match="give no scale") as caught:
        photo_px_per_mm(tmp_path / "a.jpg")
    assert "px_per_mm" in caught.value.remedy


def test_photo_without_resolution_says_so(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="states no resolution"):
        photo_px_per_mm(tmp_path / "a.png")


# --- refusals ---------------------------------------------------------------------------------


def write_photo(path: Path) -> bytes:
    """A photo of the path's format, large enough to be cut anywhere."""
    noisy = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    if path.suffix == ".heic":
        pillow_heif.from_pillow(Pillow.fromarray(noisy)).save(path)
    else:
        Pillow.fromarray(noisy).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".heic", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_cut_photo_is_refused_wherever_it_is_cut(
    tmp_path: Path, suffix: str, share: float
) -> None:
    path = tmp_path / f"a{suffix}"
    data = write_photo(path)
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert caught.value.path == str(path)
    assert caught.value.remedy


def test_a_jpeg_whose_tail_was_lost_to_zeros_is_refused(tmp_path: Path) -> None:
    """As a broken copy or a rescued memory card leaves it; decoders fill the rest with grey."""
    path = tmp_path / "a.jpg"
    data = write_photo(path)
    half = len(data) // 2
    path.write_bytes(data[:half] + bytes(len(data) - half))
    assert imagecodecs.jpeg8_decode(path.read_bytes()).shape == (160, 200, 3)  # without a word
    with pytest.raises(InputError, match="truncated"):
        read_image(path)


def test_what_a_camera_appends_to_a_jpeg_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = write_photo(path)
    whole = read_image(path).pixels
    path.write_bytes(data + b"\0" * 100 + b"motion photo")
    assert (read_image(path).pixels == whole).all()


def test_a_png_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(write_photo(path))
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bomb(40_000, 30_000))
    with pytest.raises(InputError, match="1,200 megapixels, above the limit of 400") as caught:
        read_image(path)
    assert "max_megapixels" in caught.value.remedy
    assert inspect_image(path).shape == (30_000, 40_000, 3)  # looking costs nothing


def test_the_limit_can_be_raised_and_lowered(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"above the limit of 0\.001"):
        read_image(tmp_path / "a.png", max_megapixels=0.001)
    assert read_image(tmp_path / "a.png", max_megapixels=0.01).pixels.shape == (48, 64, 3)


def test_a_gigantic_tiff_claims_in_vain(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GRADIENT[..., 0], metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for tag in ("ImageWidth", "ImageLength"):
            at = tiff.pages[0].tags[tag]
            data[at.valueoffset : at.valueoffset + 4] = struct.pack("<I", 2_000_000)
            assert at.dtype in {3, 4}
            data[at.offset + 2 : at.offset + 4] = struct.pack("<H", 4)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jpg", b"", "the file is empty"),
        (
            "a.jpg",
            b"animal,diet\n1,low\n",
            "it is a text file, not an image, though its name ends in .jpg",
        ),
        ("a.jpg", bytes(range(200)), "no image format that is known"),
        ("a.czi", b"ZISRAWFILE", "files of this microscope"),
        ("a.dng", b"II*\0" + bytes(100), "camera raw"),
        ("a.tif", b"II*\0\x08\0\0\0\0\0", "no image|damaged"),
        ("a.lif", b"\x70\0\0\0" + bytes(100), "damaged"),
        ("a.svs", b"II*\0" + bytes(100), "no slide format"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged"),
    ],
)
def test_files_that_are_no_images_are_refused_with_reason_and_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_image, list_images, inspect_image):
        with pytest.raises(InputError, match=message) as caught:
            read(path)
        assert caught.value.path == str(path)
        assert caught.value.remedy


def test_missing_files_folders_and_impossible_names_are_refused(tmp_path: Path) -> None:
    for name, message in [
        ("none.jpg", "no such file"),
        (".", "it is a folder"),
        ("x" * 300 + ".jpg", "can't be opened"),
        ("nul\0l.jpg", "can't be opened"),
    ]:
        with pytest.raises(InputError, match=message):
            read_image(f"{tmp_path}/{name}")


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    write_photo(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # root, in a container, may read anything

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="not permitted"):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="not a regular file"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": (0, 0, 49, 10)}, "is not inside the image of height 48 and width 64"),
        ({"region": (-1, 0, 5, 5)}, "is not inside"),
        ({"region": (0, 0, 0, 5)}, "is not inside"),
        ({"level": 1}, "level 1 was asked for, but the image has 1"),
        ({"timepoint": 1}, "timepoint 1 was asked for"),
        ({"series": 1}, "image #1 was asked for, but the file holds 1"),
    ],
)
def test_asking_for_what_is_not_there_is_an_error_that_says_what_is(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "a.png", **options)  # type: ignore[arg-type]


def test_impossible_arguments_are_the_callers_mistake(tmp_path: Path) -> None:
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="z must be"):
        read_image(tmp_path / "a.png", z="median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="addresses image 1"):
        read_image(f"{tmp_path / 'a.png'}#1", series=2)


# --- names, channels, folders -------------------------------------------------------------------


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


# --- damaged files ----------------------------------------------------------------------------


def mutants(data: bytes, seed: int, count: int) -> list[bytes]:
    """Cut files and flip bits, half of them in the header; the same ones each time."""
    random = np.random.default_rng(seed)
    made = [data[: int(random.integers(0, len(data)))] for _ in range(count // 3)]
    while len(made) < count:
        changed = bytearray(data)
        reach = len(data) if len(made) % 2 else min(len(data), 800)
        for at in random.integers(0, reach, size=int(random.integers(1, 6))):
            changed[at] ^= 1 << int(random.integers(0, 8))
        made.append(bytes(changed))
    return made


def outcome(path: Path, content: bytes) -> str:
    """Say what became of a file's content; anything but pixels or an InputError escapes."""
    path.write_bytes(content)
    try:
        image = read_image(path)
    except InputError as error:
        return "refused" if error.reason and error.remedy else "refused without a reason"
    return "read" if image.pixels.size else "read as nothing"


def write_damaged(path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (2, 3, 24, 32)).astype(np.uint16)
    if path.name == "ome.tif":
        tifffile.imwrite(path, stack, ome=True, metadata={"axes": "CZYX"})
    elif path.name == "tiled.tif":
        tifffile.imwrite(
            path, stack, ome=True, metadata={"axes": "CZYX"}, compression="zlib", tile=(16, 16)
        )
    elif path.name == "imagej.tif":
        tifffile.imwrite(path, stack.transpose(1, 0, 2, 3), imagej=True, metadata={"axes": "ZCYX"})
    else:
        write_photo(path)


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.png", "a.heic", "a.tif", "ome.tif", "tiled.tif", "imagej.tif"]
)
def test_damaged_images_read_or_are_refused_and_never_crash(tmp_path: Path, name: str) -> None:
    """Authority: the contract; each of 30 mutants a format gives pixels or an InputError."""
    path = tmp_path / name
    write_damaged(path)
    outcomes = [outcome(path, mutant) for mutant in mutants(path.read_bytes(), 5, 30)]
    print(f"{name}: {outcomes.count('read')} read, {outcomes.count('refused')} refused")
    assert set(outcomes) <= {"read", "refused"}
    assert "refused" in outcomes


def png_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


@pytest.mark.parametrize("place", ["before the pixels", "behind the pixels", "as XMP"])
def test_a_png_is_turned_wherever_its_orientation_stands(tmp_path: Path, place: str) -> None:
    """Written by hand after the PNG specification; 6 is a quarter to the right."""
    buffer = io.BytesIO()
    Pillow.fromarray(GRADIENT).save(buffer, format="PNG")
    content = buffer.getvalue()
    added = png_chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    if place == "as XMP":
        text = b'<x tiff:Orientation="6"/>'
        added = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    at = content.index(b"IEND" if place == "behind the pixels" else b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + added + content[at:])
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, np.rot90(GRADIENT, -1))
    assert image.notes["orientation_applied"] == 6


def test_a_png_without_exif_is_decoded_once(tmp_path: Path, monkeypatch) -> None:
    """Pillow reads the header alone: to look for EXIF it would decode all pixels."""
    Pillow.fromarray(GRADIENT).save(tmp_path / "a.png")

    def decoded(*_: object) -> None:
        raise AssertionError("Pillow decoded the pixels too")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, GRADIENT)
