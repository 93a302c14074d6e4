"""Photographs and exports: JPEG, PNG, HEIC, BMP and WebP, turned upright once, here.

JPEG and PNG pixels are decoded by imagecodecs, which is faster than Pillow and keeps all 16 bits
of a PNG; Pillow reads their headers. A decoder may fill the missing part of a cut JPEG with grey
without a word, so a JPEG must have its end-of-image marker.
"""

import io
import zlib
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
from PIL import (
    BmpImagePlugin,
    ExifTags,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from .reader_common import (
    RGB_NAMES,
    Image,
    ImageInfo,
    Request,
    check_level,
    check_region,
    check_size,
    choose_series,
    choose_timepoint,
    cut,
    oriented,
    print_resolution_um,
    working_type,
)

CENTIMETRES, INCHES = 3, 2  # EXIF ResolutionUnit
# Pillow takes a PNG's EXIF from chunks with these names, and decodes all pixels to find them.
PNG_EXIF_MARKS = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
PILLOW_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}


@dataclass
class _Photo:
    """A photo whose header has been read."""

    form: str
    data: bytes
    height: int
    width: int
    mode: str
    header: Any
    exif: dict[int, Any] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    orientation: int = 1
    bit_depth: int = 8
    frames: int = 1
    flags: tuple[str, ...] = ()

    @property
    def upright(self) -> tuple[int, int]:
        """Height and width after turning."""
        turned = self.orientation >= 5
        return (self.width, self.height) if turned else (self.height, self.width)

    @property
    def is_gray(self) -> bool:
        """Whether the photo has one channel of brightness."""
        return self.mode in {"1", "L", "LA", "I;16", "I", "I;16B", "L;16"}


def list_photos(request: Request, form: str) -> list[ImageInfo]:
    """Describe the one image of a photo."""
    return [_info(_open(request, form))]


def read_photo(request: Request, form: str) -> Image:
    """Read a photo of a known form ("jpeg", "png", "heic", "bmp", "webp")."""
    choose_series(request, [""])
    choose_timepoint(request, 1)
    check_level(request, 1)
    photo = _open(request, form)
    check_size(request, photo.height, photo.width)
    height, width = photo.upright
    region = check_region(request, height, width)
    pixels, flags = _without_alpha(*_decode(request, photo))
    pixels, type_flags = working_type(cut(oriented(pixels, photo.orientation), region))
    info = _info(photo)
    notes = dict(info.notes)
    if request.region is not None:
        notes["region"] = list(region)
    if pixels.ndim == 2:
        pixels = pixels[np.newaxis]
    kind = info.kind
    return Image(
        pixels=pixels,
        kind=kind,
        channel_names=info.channel_names,
        um_per_px=info.um_per_px,
        bit_depth=info.bit_depth,
        notes=notes,
        flags=tuple(dict.fromkeys((*photo.flags, *flags, *type_flags))),
    )


def _info(photo: _Photo) -> ImageInfo:
    """Say what is known from the header."""
    height, width = photo.upright
    by_camera = _by_camera(photo.exif)
    notes: dict[str, Any] = {"format": photo.form}
    if photo.orientation != 1:
        notes["orientation_applied"] = photo.orientation
    if photo.dpi is not None:
        notes["dpi"] = [round(float(value), 3) for value in photo.dpi]
    if by_camera:
        notes["taken_by_camera"] = True
    notes.update(_exposure(photo.exif))
    return ImageInfo(
        series=0,
        name="",
        kind="channels" if photo.is_gray else "rgb",
        shape=(1, height, width) if photo.is_gray else (height, width, 3),
        channel_names=("0",) if photo.is_gray else RGB_NAMES,
        um_per_px=print_resolution_um(photo.dpi, by_camera=by_camera),
        bit_depth=photo.bit_depth,
        dtype="uint16" if photo.bit_depth > 8 else "uint8",
        levels=((height, width),),
        notes=notes,
    )


def _open(request: Request, form: str) -> _Photo:
    data = request.path.read_bytes()
    if form == "heic":
        return _open_heic(request, data)
    header = PILLOW_READERS[form](io.BytesIO(data))
    photo = _Photo(
        form=form,
        data=data,
        height=header.size[1],
        width=header.size[0],
        mode=header.mode,
        header=header,
        frames=getattr(header, "n_frames", 1) if form == "webp" else 1,
    )
    _read_exif(photo, header)
    if form == "jpeg":
        _require_whole_jpeg(request, data)
    if form == "png":
        _require_whole_png(request, data)
        photo.bit_depth = 16 if data[24] == 16 else 8  # byte 24 of a PNG is its bit depth
        if header.mode == "P":
            photo.flags += ("palette_converted",)
    if photo.frames > 1:
        photo.flags += ("first_frame",)
    return photo


def _open_heic(request: Request, data: bytes) -> _Photo:
    """Read a HEIC's header; its own rotation is part of the image, its EXIF only repeats it."""
    found = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    exif, flags = _heic_exif(found.info.get("exif"))
    width, height = found.size
    return _Photo(
        form="heic",
        data=data,
        height=height,
        width=width,
        mode="L" if found.mode.startswith(("L", "I")) else "RGB",
        header=found,
        exif=exif,
        dpi=_exif_dpi(exif),
        bit_depth=16 if found.mode.endswith("16") else 8,  # 10 and 12 bits are scaled to 16
        flags=flags,
    )


def _heic_exif(block: bytes | None) -> tuple[dict[int, Any], tuple[str, ...]]:
    from PIL import Image as PillowImage

    if not block:
        return {}, ()
    exif = PillowImage.Exif()
    try:
        exif.load(block)
        return _all_tags(exif), ()
    except (SyntaxError, ValueError, KeyError, OSError, TypeError, IndexError):
        return {}, ("exif_unreadable",)


def _all_tags(exif: Any) -> dict[int, Any]:
    """Bring the main tags and those of the camera's own directory together."""
    return {**dict(exif), **dict(exif.get_ifd(ExifTags.IFD.Exif))}


def _read_exif(photo: _Photo, header: Any) -> None:
    """Take orientation and resolution; broken EXIF leaves the image readable, with a flag."""
    try:
        if photo.form != "png" or any(mark in photo.data for mark in PNG_EXIF_MARKS):
            photo.exif = _all_tags(header.getexif())
    except (SyntaxError, ValueError, KeyError, OSError, TypeError, IndexError):
        photo.flags += ("exif_unreadable",)
    orientation = photo.exif.get(ExifTags.Base.Orientation, 1)
    photo.orientation = orientation if orientation in range(1, 9) else 1
    dpi = header.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2:
        photo.dpi = (float(dpi[0]), float(dpi[1]))


def _exif_dpi(exif: dict[int, Any]) -> tuple[float, float] | None:
    across = exif.get(ExifTags.Base.XResolution)
    down = exif.get(ExifTags.Base.YResolution, across)
    factor = {INCHES: 1.0, CENTIMETRES: 2.54}.get(exif.get(ExifTags.Base.ResolutionUnit, INCHES))
    if across is None or down is None or factor is None:
        return None
    try:
        return float(across) * factor, float(down) * factor
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _by_camera(exif: dict[int, Any]) -> bool:
    marks = (ExifTags.Base.ExposureTime, ExifTags.Base.FNumber, ExifTags.Base.FocalLength)
    return any(mark in exif for mark in marks)


def _exposure(exif: dict[int, Any]) -> dict[str, Any]:
    """Take what a camera recorded of its settings."""
    wanted = {
        "exposure_s": ExifTags.Base.ExposureTime,
        "f_number": ExifTags.Base.FNumber,
        "iso": ExifTags.Base.ISOSpeedRatings,
        "focal_length_mm": ExifTags.Base.FocalLength,
    }
    found = {}
    for name, tag in wanted.items():
        try:
            value = float(exif[tag])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue
        if np.isfinite(value):
            found[name] = value
    camera = " ".join(
        str(exif[tag]).strip("\0 ")
        for tag in (ExifTags.Base.Make, ExifTags.Base.Model)
        if tag in exif
    )
    if camera:
        found["camera"] = camera  # type: ignore[assignment]
    return {"acquisition": found} if found else {}


def _require_whole_jpeg(request: Request, data: bytes) -> None:
    """Refuse a JPEG whose picture data never end.

    Within the picture data every 0xFF is followed by a zero or a restart number, so the first
    end-of-image marker behind the first start-of-scan is the picture's own, whatever a camera
    appended; a thumbnail in the header has its markers before it.
    """
    scan = _start_of_scan(data)
    if scan < 0 or data.find(b"\xff\xd9", scan) < 0:
        raise request.error(
            "the JPEG is truncated: its end is missing, so part of the picture is lost",
            "copy the file again from the camera or microscope",
        )


def _require_whole_png(request: Request, data: bytes) -> None:
    """Refuse a PNG whose chunks are cut or don't match their checksums.

    libpng would find most of that too, but prints a warning of its own first.
    """
    position = 8  # behind the signature
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + size  # length, type, content and checksum
        if end > len(data):
            break
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise request.error("the PNG is damaged: its content doesn't match its checksum")
        if data[position + 4 : position + 8] == b"IEND":
            return
        position = end
    raise request.error(
        "the PNG is truncated: its end is missing, so part of the picture is lost",
        "copy the file again from the camera or microscope",
    )


def _start_of_scan(data: bytes) -> int:
    """Walk the header's segments to the picture data; -1 when it is broken before them."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return -1
        marker = data[position + 1]
        if marker == 0xDA:
            return position
        if marker == 0xFF:  # padding
            position += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a segment
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return -1


def _decode(request: Request, photo: _Photo) -> tuple[np.ndarray, tuple[str, ...]]:
    if photo.form == "heic":
        return np.asarray(photo.header), ()
    if photo.form == "png":
        return np.asarray(imagecodecs.png_decode(photo.data)), ()
    if photo.form == "jpeg" and photo.mode in {"L", "RGB"}:
        pixels = np.asarray(imagecodecs.jpeg8_decode(photo.data))
        if pixels.shape[:2] != (photo.height, photo.width):
            raise request.error("the JPEG's header and picture data disagree about its size")
        return pixels, ()
    if photo.mode == "CMYK":
        return np.asarray(photo.header.convert("RGB")), ("cmyk_converted",)
    if photo.mode in {"P", "PA"}:
        return np.asarray(photo.header.convert("RGB")), ("palette_converted",)
    return np.asarray(photo.header), ()


def _without_alpha(
    pixels: np.ndarray, flags: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Drop the channel of transparency of gray and colour images."""
    if pixels.ndim == 3 and pixels.shape[2] in {2, 4}:
        pixels = pixels[..., :-1]
        flags += ("alpha_dropped",)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return pixels, flags
