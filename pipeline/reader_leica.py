"""Leica containers (.lif): every image and every tile addressable, with dyes and settings.

The stored pixels are mapped from disk, so one plane of a long series costs no more than itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from xml.etree.ElementTree import Element

import liffile
import numpy as np

from .reader_common import (
    RGB_NAMES,
    Image,
    ImageInfo,
    Region,
    Request,
    check_level,
    check_region,
    check_size,
    choose_series,
    choose_timepoint,
    cut,
    finite_number,
    project,
    square_um_per_px,
    unique_names,
    working_type,
    z_note,
)

# liffile's codes: C channel, λ emission and Λ excitation wavelength; S samples of a colour camera.
CHANNEL_DIMENSIONS = ("C", "C0", "C1", "λ", "Λ")
PLAIN_DIMENSIONS = {"X", "Y", "Z", "T", "S", *CHANNEL_DIMENSIONS}
MAX_SCENES = 100_000
MAX_CHANNELS = 1_000  # a spectral detector gives a few hundred; more means a damaged header


@dataclass(frozen=True)
class _Scene:
    """One image, or one tile or position of it, with the roles of its dimensions."""

    image: Any
    name: str
    fixed: dict[str, int]
    rows: str
    channels: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension as stored."""
        return dict(self.image.sizes)

    def size(self, dimension: str) -> int:
        """Length of one dimension, 1 when it isn't there."""
        return int(self.sizes.get(dimension, 1))

    @property
    def n_z(self) -> int:
        """Planes of the stack."""
        return 1 if self.rows == "Z" else self.size("Z")

    @property
    def channel_keys(self) -> list[dict[str, int]]:
        """Index of each channel in the stored dimensions."""
        ranges = [range(self.size(name)) for name in self.channels]
        return [dict(zip(self.channels, at, strict=True)) for at in product(*ranges)]


def list_leica(request: Request) -> list[ImageInfo]:
    """Describe every image of the container."""
    with _scenes(request) as scenes:
        return [_info(number, scene) for number, scene in enumerate(scenes)]


def read_leica(request: Request) -> Image:
    """Read one image of the container."""
    with _scenes(request) as scenes:
        number = choose_series(request, [scene.name for scene in scenes])
        scene = scenes[number]
        _require_plane(request, scene)
        check_level(request, 1)
        info = _info(number, scene)
        timepoint, flags = choose_timepoint(request, info.n_timepoints)
        region = check_region(request, info.height, info.width)
        count = 1 if info.kind == "rgb" else len(info.channel_names)
        check_size(request, region[2], region[3], count)
        stored = _stored(scene)
        keys: list[dict[str, int]] = [{}] if info.kind == "rgb" else scene.channel_keys
        planes = [
            project(request, _reader(stored, scene, {**key, "T": timepoint}, region), scene.n_z)
            for key in keys
        ]
    pixels, type_flags = working_type(np.stack(planes) if info.kind == "channels" else planes[0])
    notes = {**info.notes, **z_note(request, scene.n_z)}
    if info.n_timepoints > 1:
        notes["timepoint"] = timepoint
    if request.region is not None:
        notes["region"] = list(region)
    if "um_per_px_y_x" in notes:
        flags += ("anisotropic_pixels",)
    return Image(
        pixels=pixels,
        kind=info.kind,
        channel_names=info.channel_names,
        um_per_px=info.um_per_px,
        bit_depth=info.bit_depth,
        notes=notes,
        flags=(*flags, *type_flags),
    )


def _reader(
    stored: np.ndarray, scene: _Scene, at: dict[str, int], region: Region
) -> Callable[[int], np.ndarray]:
    """Make the function that gives one plane of a stack."""
    return lambda z: cut(_plane(stored, scene, {**at, "Z": z}), region)


@contextmanager
def _scenes(request: Request) -> Iterator[list[_Scene]]:
    """Open the container and lay out its images, tiles and positions as one list."""
    with liffile.LifFile(request.path) as container:
        scenes = [scene for image in container.images for scene in _scenes_of(request, image)]
        if not scenes:
            raise request.error("the container holds no image", "save the images into it in LAS X")
        yield scenes


def _scenes_of(request: Request, image: Any) -> list[_Scene]:
    sizes = dict(image.sizes)
    name = str(image.path or image.name)
    rows = "Y" if sizes.get("Y", 1) > 1 or "Z" not in sizes else "Z"
    channels = tuple(name for name in CHANNEL_DIMENSIONS if name in sizes)
    others = [dimension for dimension in sizes if dimension not in PLAIN_DIMENSIONS]
    if np.prod([sizes[dimension] for dimension in others], dtype=float) > MAX_SCENES:
        raise request.error(f"image {name!r} claims more than {MAX_SCENES} tiles")
    if np.prod([sizes[dimension] for dimension in channels], dtype=float) > MAX_CHANNELS:
        raise request.error(f"image {name!r} claims more than {MAX_CHANNELS} channels")
    scenes = []
    for at in product(*(range(sizes[dimension]) for dimension in others)):
        fixed = dict(zip(others, at, strict=True))
        tile = " ".join(f"{key}{value}" for key, value in fixed.items())
        scenes.append(_Scene(image, f"{name} {tile}".strip(), fixed, rows, channels))
    return scenes


def _require_plane(request: Request, scene: _Scene) -> None:
    if isinstance(scene.image, liffile.LifFlimImage):
        raise request.error(
            f"image {scene.name!r} holds photon arrival times (FLIM), not intensities",
            "choose an intensity image of the container, or export one",
        )
    if not {"X", scene.rows} <= set(scene.sizes):
        raise request.error(
            f"image {scene.name!r} is not a picture: its dimensions are"
            f" {', '.join(scene.sizes) or 'none'}",
            "choose an image with X and Y",
        )


def _stored(scene: _Scene) -> np.ndarray:
    """Give the pixels in stored order, mapped from disk where that is possible."""
    if "S" in scene.sizes:  # colour samples may be stored as BGR; asarray puts them right
        return np.asarray(scene.image.asarray())
    return scene.image.asarray(out="memmap")


def _plane(stored: np.ndarray, scene: _Scene, at: dict[str, int]) -> np.ndarray:
    """Take one (H, W) or (H, W, 3) plane out of the stored dimensions."""
    kept = (scene.rows, "X", "S")
    index = tuple(
        slice(None) if name in kept else {**at, **scene.fixed}.get(name, 0) for name in scene.sizes
    )
    left = [name for name in scene.sizes if name in kept]
    plane = stored[index]
    return np.array(plane.transpose([left.index(name) for name in kept if name in left]))


def _info(number: int, scene: _Scene) -> ImageInfo:
    height, width = scene.size(scene.rows), scene.size("X")
    is_rgb = scene.size("S") == 3
    described = _channels(scene)
    spacing = {name: _um_per_px(scene, name) for name in (scene.rows, "X")}
    um_per_px = square_um_per_px(spacing[scene.rows], spacing["X"])
    names = tuple(str(channel["name"]) for channel in described)
    notes: dict[str, Any] = {"format": "lif", "series": number, "series_name": scene.name}
    if um_per_px is None and all(spacing.values()):
        notes["um_per_px_y_x"] = [spacing[scene.rows], spacing["X"]]
    if scene.rows != "Y":
        notes["plane"] = f"{scene.rows}X"
    if not is_rgb:
        notes["channels"] = described
    acquisition = _acquisition(scene.image.xml_element)
    if acquisition:
        notes["acquisition"] = acquisition
    return ImageInfo(
        series=number,
        name=scene.name,
        kind="rgb" if is_rgb else "channels",
        shape=(height, width, 3) if is_rgb else (len(names), height, width),
        channel_names=RGB_NAMES if is_rgb else names,
        um_per_px=um_per_px,
        bit_depth=_bit_depth(scene.image),
        dtype=str(scene.image.dtype),
        n_z=scene.n_z,
        n_timepoints=scene.size("T"),
        levels=((height, width),),
        notes=notes,
    )


def _um_per_px(scene: _Scene, dimension: str) -> float | None:
    """Give the spacing of a dimension; Leica's length runs from first to last element."""
    identifier = {"X": "1", "Y": "2", "Z": "3"}[dimension]
    for element in scene.image.xml_element.iterfind(".//DimensionDescription"):
        attributes = element.attrib
        count = int(attributes.get("NumberOfElements", "0"))
        if attributes.get("DimID") == identifier and count > 1 and attributes.get("Unit") == "m":
            return abs(float(attributes["Length"])) / (count - 1) * 1e6
    return None


def _bit_depth(image: Any) -> int:
    bits = [
        int(element.attrib.get("Resolution", "0"))
        for element in image.xml_element.iterfind(".//ChannelDescription")
    ]
    return max(bits, default=0) or 8 * int(image.dtype.itemsize)


def _channels(scene: _Scene) -> list[dict[str, Any]]:
    """Describe each channel: its name, and the look-up table, dye and detector behind it.

    The name is the dye's where the file gives one for every channel, else the wavelength's of a
    spectral series, else the look-up table's.
    """
    xml = scene.image.xml_element
    tables = [element.attrib.get("LUTName", "") for element in _described(xml)]
    keys = scene.channel_keys
    spectral = _wavelengths(scene, keys)
    dyes, detectors = _dyes(xml, len(keys)), _detectors(xml, len(keys))
    if spectral:
        names = unique_names(spectral)
    elif dyes and all(dyes):
        names = unique_names(dyes)
    else:
        names = unique_names(tables if len(tables) == len(keys) else [""] * len(keys))
    described: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        channel: dict[str, Any] = {"name": name}
        if len(tables) == len(keys) and tables[index]:
            channel["lut"] = tables[index]
        if dyes and dyes[index]:
            channel["dye"] = dyes[index]
        channel.update(detectors[index] if detectors else {})
        described.append(channel)
    return described


def _described(xml: Element) -> list[Element]:
    """Give the channels in the order in which their pixels are stored."""
    return sorted(
        xml.iterfind("./Data/Image/ImageDescription/Channels/ChannelDescription"),
        key=lambda element: int(element.attrib.get("BytesInc", "0")),
    )


def _wavelengths(scene: _Scene, keys: list[dict[str, int]]) -> list[str]:
    """Name the channels of a spectral series by wavelength."""
    dimension = next((name for name in ("λ", "Λ") if name in scene.sizes), None)
    if dimension is None or dimension not in scene.image.coords:
        return []
    nanometres = np.asarray(scene.image.coords[dimension]) * 1e9
    return [f"{nanometres[key[dimension]]:.0f} nm" for key in keys]


def _dyes(xml: Element, count: int) -> list[str]:
    """Give each channel's dye, from the channels themselves or from the active detectors."""
    own = []
    for channel in _described(xml):
        properties = {
            item.findtext("Key", ""): item.findtext("Value", "")
            for item in channel.iterfind("./ChannelProperty")
        }
        own.append(properties.get("DyeName", ""))
    if len(own) == count and all(own):
        return [_dye_name(dye) for dye in own]
    active = _active_detectors(xml)
    if len(active) != count:
        return []
    dyes = []
    for setting, detector in active:
        band = setting.find(f".//MultiBand[@Channel='{detector.attrib.get('Channel', '')}']")
        dyes.append(_dye_name(band.attrib.get("DyeName", "")) if band is not None else "")
    return dyes


def _dye_name(text: str) -> str:
    """Drop the catalogue's name, as in Leica/FITC."""
    return text.rsplit("/", 1)[-1].strip()


def _settings(xml: Element) -> list[Element]:
    """Give the confocal settings that took the image: one, or one a step of a sequence."""
    hardware = xml.find("./Data/Image/Attachment[@Name='HardwareSetting']")
    if hardware is None:
        return []
    sequence = hardware.findall(
        ".//LDM_Block_Sequential/LDM_Block_Sequential_List/ATLConfocalSettingDefinition"
    )
    return sequence or hardware.findall("./ATLConfocalSettingDefinition")


def _active_detectors(xml: Element) -> list[tuple[Element, Element]]:
    return [
        (setting, detector)
        for setting in _settings(xml)
        for detector in setting.iterfind("./DetectorList/Detector")
        if detector.attrib.get("IsActive") == "1"
    ]


def _detectors(xml: Element, count: int) -> list[dict[str, Any]]:
    """Describe the detector behind each channel, when there is one for each."""
    active = _active_detectors(xml)
    if len(active) != count:
        return []
    return [
        {
            "detector": detector.attrib.get("Name", ""),
            "gain": finite_number(detector.attrib.get("Gain")),
            "offset": finite_number(detector.attrib.get("Offset")),
        }
        for _, detector in active
    ]


def _acquisition(xml: Element) -> dict[str, Any]:
    """Collect what must agree between a sample and its control: laser, gain, optics, timing."""
    settings = _settings(xml)
    if not settings:
        return {}
    first = settings[0].attrib
    lasers = {
        line.attrib["LaserLine"]: round(finite_number(line.attrib.get("IntensityDev")) or 0.0, 4)
        for setting in settings
        for line in setting.iterfind(".//LaserLineSetting")
        if "LaserLine" in line.attrib and (finite_number(line.attrib.get("IntensityDev")) or 0) > 0
    }
    gains = [finite_number(detector.attrib.get("Gain")) for _, detector in _active_detectors(xml)]
    found = {
        "objective": " ".join(first.get("ObjectiveName", "").split()) or None,
        "zoom": finite_number(first.get("Zoom")),
        "pinhole_airy": finite_number(first.get("PinholeAiry")),
        "pixel_dwell_s": finite_number(first.get("PixelDwellTime")),
        "line_average": finite_number(first.get("LineAverage")),
        "frame_average": finite_number(first.get("FrameAverage")),
        "laser_percent": lasers or None,
        "gain": [gain for gain in gains if gain is not None] or None,
    }
    return {key: value for key, value in found.items() if value is not None}
