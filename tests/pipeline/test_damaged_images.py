"""Damaged images: read or refused, never a crash and never grey instead of pixels."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_files import write_photo

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import read_image


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
