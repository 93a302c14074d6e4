"""Pixels of photos: those that were written, in every mode and depth."""

from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from photo_files import GRADIENT
from PIL import Image as Pillow

from xenoquant.pipeline.readers import inspect_image, read_image


def test_a_heic_of_ten_bits_keeps_them(tmp_path: Path) -> None:
    """Authority: the ramp written; steps of 64 in 65 536 are ten bits."""
    ramp = np.linspace(0, 65535, 64).astype("<u2") // 64 * 64
    deep = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (48, 64, 3)))
    heif = pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes())
    heif.save(tmp_path / "a.heic", quality=100)
    image = read_image(tmp_path / "a.heic")
    assert (image.pixels.dtype, image.bit_depth) == (np.uint16, 16)
    assert np.abs(image.pixels.astype(float) - deep).mean() < 256  # finer than 8 bits


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
