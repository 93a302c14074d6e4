"""The scale of a photo: only a resolution that can be one counts."""

from pathlib import Path

import pytest
from photo_files import GRADIENT
from PIL import Image as Pillow

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.readers import photo_px_per_mm, read_image


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
