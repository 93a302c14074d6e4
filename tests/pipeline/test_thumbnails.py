"""Thumbnails in overlays' Exif data: other programs find them, and the report takes them."""

import base64
import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from xenoquant.pipeline import report_pictures
from xenoquant.pipeline.overlays import write_picture
from xenoquant.pipeline.report_pictures import pictures
from xenoquant.pipeline.thumbnails import (
    SIDE_PX,
    as_exif,
    encode_jpeg,
    held_thumbnail,
    small_size,
    thumbnail,
    with_exif,
)


@pytest.fixture
def overlay(tmp_path):
    ramp = np.linspace(0, 255, 640 * 480 * 3).astype(np.uint8).reshape(480, 640, 3)
    write_picture(ramp, tmp_path / "overlays" / "x.jpg", small=True)
    return tmp_path / "overlays" / "x.jpg"


def test_the_thumbnail_is_where_exif_has_it(overlay):
    """Read by Pillow's own reader of Exif, by the tags of TIFF 6.0."""
    with Image.open(overlay) as picture:
        directory = picture.getexif().get_ifd(ExifTags.IFD.IFD1)
        at, length = directory[0x0201], directory[0x0202]
        assert directory[0x0103] == 6
        small = picture.info["exif"][6 + at : 6 + at + length]
        assert held_thumbnail(picture) == small
        plain = np.asarray(picture.convert("RGB").resize((320, 240), Image.Resampling.BOX), float)
    with Image.open(io.BytesIO(small)) as read:
        assert read.size == (320, 240)
        assert np.abs(np.asarray(read, float) - plain).mean() < 2


def test_the_picture_itself_is_the_same_with_and_without(overlay, tmp_path):
    ramp = np.linspace(0, 255, 640 * 480 * 3).astype(np.uint8).reshape(480, 640, 3)
    write_picture(ramp, tmp_path / "plain.jpg")
    with Image.open(overlay) as first, Image.open(tmp_path / "plain.jpg") as second:
        assert "exif" not in second.info
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


def test_the_report_shows_it_and_makes_one_where_there_is_none(overlay, tmp_path):
    with Image.open(overlay) as picture:
        held = held_thumbnail(picture)
        picture.save(tmp_path / "overlays" / "bare.jpg", quality=90)  # without Exif data
    made = pictures(tmp_path, ["overlays/x.jpg", "overlays/bare.jpg", "overlays/none.jpg"])
    assert set(made) == {"overlays/x.jpg", "overlays/bare.jpg"}
    start = "data:image/jpeg;base64,"
    assert base64.b64decode(made["overlays/x.jpg"].thumbnail.removeprefix(start)) == held
    bare = base64.b64decode(made["overlays/bare.jpg"].thumbnail.removeprefix(start))
    with Image.open(io.BytesIO(bare)) as read:
        assert read.size == (320, 240)
    assert {(p.width, p.height) for p in made.values()} == {(320, 240)}


def test_thumbnails_beyond_the_budget_are_left_to_the_files(overlay, tmp_path):
    content = overlay.read_bytes()
    names = [f"overlays/{number:02d}.jpg" for number in range(40)]
    for name in names:
        (tmp_path / name).write_bytes(content)
    one = len(pictures(tmp_path, names[:1])[names[0]].thumbnail)
    made = pictures(tmp_path, names, budget_bytes=0, thumbnail_budget_bytes=5 * one + 1)
    assert [bool(made[name].thumbnail) for name in names] == [True] * 5 + [False] * 35
    assert made[names[-1]].link == names[-1]
    assert (made[names[-1]].width, made[names[-1]].height) == (320, 240)


def test_other_exif_data_and_too_large_a_thumbnail_are_none(tmp_path):
    picture = Image.new("RGB", (20, 10))
    exif = Image.Exif()
    exif[0x010E] = "a camera's words"
    picture.save(tmp_path / "x.jpg", exif=exif)
    with Image.open(tmp_path / "x.jpg") as read:
        assert held_thumbnail(read) is None
    assert as_exif(bytes(70_000)) == b""


def test_a_small_picture_is_not_enlarged():
    with Image.open(io.BytesIO(thumbnail(np.zeros((60, 90, 3), np.uint8)))) as small:
        assert small.size == small_size((90, 60)) == (90, 60)


@pytest.mark.parametrize("size", [(1024, 1024), (2400, 1713), (641, 333), (320, 320), (700, 3)])
def test_thumbnails_are_near_exact_ones(size):
    """Pillow's box filter, which weighs every pixel by its area, is the authority."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    waves = np.rint(127 + 120 * np.sin(x / 17) * np.cos(y / 23)).astype(np.uint8)
    picture = np.repeat(waves[..., None], 3, axis=2)  # grey: JPEG keeps colours more coarsely
    exact = Image.fromarray(picture).resize(small_size(size), Image.Resampling.BOX)
    with Image.open(io.BytesIO(thumbnail(picture))) as small:
        assert max(small.size) == SIDE_PX
        found = np.asarray(small, float)
    assert np.abs(found - np.asarray(exact, float)).mean() < 5


@pytest.mark.parametrize(("quality", "subsampling"), [(85, "444"), (78, "420")])
def test_jpegs_are_pillows(quality, subsampling):
    """Pixels and bytes, also of a part of a larger picture."""
    noise = np.random.default_rng(0).integers(0, 256, (133, 260, 3), np.uint8)[:, 3:250]
    buffer = io.BytesIO()
    kept = {"444": 0, "420": 2}[subsampling]
    Image.fromarray(noise).save(buffer, format="JPEG", quality=quality, subsampling=kept)
    assert encode_jpeg(noise, quality, subsampling=subsampling) == buffer.getvalue()


def test_exif_is_put_where_pillow_puts_it():
    ramp = np.linspace(0, 255, 64 * 48 * 3).astype(np.uint8).reshape(48, 64, 3)
    exif = as_exif(thumbnail(ramp))
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, format="JPEG", quality=85, subsampling=0, exif=exif)
    plain = encode_jpeg(ramp, 85, subsampling="444")
    assert with_exif(plain, exif) == buffer.getvalue()
    assert with_exif(plain, b"") == plain


def test_no_large_view_is_made_once_the_budget_is_spent(overlay, tmp_path, monkeypatch):
    """Not for one picture after the other, to be thrown away as too large for what is left."""
    content = overlay.read_bytes()
    names = [f"overlays/{number:02d}.jpg" for number in range(60)]
    for name in names:
        (tmp_path / name).write_bytes(content)
    one = len(pictures(tmp_path, names[:1])[names[0]].view)
    made_views = []
    original = report_pictures._jpeg
    monkeypatch.setattr(
        report_pictures, "_jpeg", lambda *words: made_views.append(1) or original(*words)
    )
    made = pictures(tmp_path, names, budget_bytes=3 * one + one // 2)
    assert [bool(made[name].view) for name in names] == [True] * 3 + [False] * 57
    assert len(made_views) <= 16  # those of one batch
