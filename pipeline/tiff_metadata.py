"""What TIFF files say about their pixels: OME-XML, ImageJ's tags, Zeiss LSM, resolution tags."""

import math
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from .reader_common import Request, finite_number, print_resolution_um, square_um_per_px

# Micrometres in one of OME's units of length (OME schema 2016-06, UnitsLength).
UM_PER_UNIT = {
    "pm": 1e-6,
    "Å": 1e-4,
    "nm": 1e-3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "dm": 1e5,
    "m": 1e6,
    "in": 25400.0,
}
# Milliwatts in one of OME's units of power (UnitsPower).
MW_PER_UNIT = {"W": 1e3, "mW": 1.0, "µW": 1e-3, "μW": 1e-3, "nW": 1e-6}
# The spellings that ImageJ's users meet in Properties > Unit of length.
IMAGEJ_UNITS = UM_PER_UNIT | {
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "\\u00B5m": 1.0,
    "nanometer": 1e-3,
    "millimeter": 1e3,
    "inch": 25400.0,
}
MAX_PLANES = 1_000_000  # more planes than any microscope writes: the header is broken
INCH, CENTIMETRE = 2, 3  # TIFF 6.0, ResolutionUnit


@dataclass(frozen=True)
class Description:
    """What is known about one image of a TIFF beyond its shape."""

    name: str = ""
    channel_names: tuple[str, ...] = ()
    um_per_px_y: float | None = None
    um_per_px_x: float | None = None
    significant_bits: int | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def um_per_px(self) -> float | None:
        """Side of a pixel, None when unknown or not square."""
        return square_um_per_px(self.um_per_px_y, self.um_per_px_x)


def describe(tiff: Any, number: int) -> Description:
    """Collect what the file says about its image `number`, from the richest source it has."""
    kind = tiff.series[number].kind
    if kind == "ome":
        return _describe_ome(tiff, number)
    if kind == "imagej":
        return _describe_imagej(tiff)
    if kind == "lsm":
        return _describe_lsm(tiff)
    return _describe_plain(tiff.series[number].keyframe)


def check_ome(request: Request, tiff: Any) -> None:
    """Refuse OME-XML that points to other files or claims impossible sizes.

    tifffile would open files by the names that the XML gives, and make lists as long as it says.
    """
    if not tiff.is_ome:
        return
    root = _ome_root(request, tiff)
    own = root.attrib.get("UUID", "")
    for pixels in root.iterfind(".//{*}Pixels"):
        planes = math.prod(_whole(pixels.attrib.get(f"Size{axis}")) for axis in "CZT")
        if not 0 < planes <= MAX_PLANES:
            raise request.error(f"its OME-XML claims {planes} planes, which can't be")
        for block in pixels.iterfind("{*}TiffData"):
            counts = (block.attrib.get(name, "0") for name in ("PlaneCount", "IFD"))
            if not all(0 <= _whole(count) <= MAX_PLANES for count in counts):
                raise request.error("its OME-XML claims planes that can't be in the file")
    named = {
        element.attrib.get("FileName", "")
        for element in root.iterfind(".//{*}TiffData/{*}UUID")
        if (element.text or "").strip() != own
    } - {request.path.name}
    if named:
        raise request.error(
            "the OME-TIFF is one part of a set of files: " + ", ".join(sorted(named)[:5]),
            "save the data set as one OME-TIFF, for instance with Fiji's Bio-Formats exporter",
        )


def _ome_root(request: Request, tiff: Any) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(tiff.ome_metadata or "")
    except ElementTree.ParseError as error:
        raise request.error(f"its OME-XML is broken: {error}") from error


def _whole(text: str | None) -> int:
    try:
        return int(text or "1")
    except ValueError:
        return -1


def _describe_ome(tiff: Any, number: int) -> Description:
    root = ElementTree.fromstring(tiff.ome_metadata)
    images = root.findall("{*}Image")
    series = tiff.series[number]
    if len(images) != len(tiff.series):
        images = [image for image in images if image.attrib.get("Name", "") == series.name]
        number = 0
    pixels = images[number].find("{*}Pixels") if number < len(images) else None
    if pixels is None:
        return _describe_plain(series.keyframe)
    channels = pixels.findall("{*}Channel")
    bits = pixels.attrib.get("SignificantBits", "")
    return Description(
        name=series.name,
        channel_names=tuple(_ome_channel_name(channel) for channel in channels),
        um_per_px_y=_ome_size(pixels, "Y"),
        um_per_px_x=_ome_size(pixels, "X"),
        significant_bits=int(bits) if bits.isdigit() else None,
        notes=_ome_acquisition(root, images[number], pixels, channels),
    )


def _ome_size(pixels: ElementTree.Element, axis: str) -> float | None:
    factor = UM_PER_UNIT.get(pixels.attrib.get(f"PhysicalSize{axis}Unit", "µm"))
    size = _positive(pixels.attrib.get(f"PhysicalSize{axis}"))
    return None if factor is None or size is None else size * factor


def _ome_channel_name(channel: ElementTree.Element) -> str:
    attributes = channel.attrib
    wavelength = attributes.get("EmissionWavelength", "")
    return (
        attributes.get("Name", "")
        or attributes.get("Fluor", "")
        or (f"{wavelength} nm" if wavelength else "")
    )


def _ome_acquisition(
    root: ElementTree.Element,
    image: ElementTree.Element,
    pixels: ElementTree.Element,
    channels: list[ElementTree.Element],
) -> dict[str, Any]:
    """Collect what must agree between a sample and its control."""
    exposures = {
        plane.attrib.get("TheC", "0"): _positive(plane.attrib.get("ExposureTime"))
        for plane in pixels.iterfind("{*}Plane")
    }
    gains = [_attribute(channel, "DetectorSettings", "Gain") for channel in channels]
    voltages = [_attribute(channel, "DetectorSettings", "Voltage") for channel in channels]
    attenuations = [
        _attribute(channel, "LightSourceSettings", "Attenuation") for channel in channels
    ]
    powers = [_laser_power_mw(root, channel) for channel in channels]
    found: dict[str, Any] = {
        "exposure_s": [exposures[key] for key in sorted(exposures)],
        "gain": gains,
        "detector_voltage": voltages,
        "laser_attenuation": attenuations,
        "laser_power_mw": powers,
        "objective": [_objective(root, image)],
    }
    kept = {key: value for key, value in found.items() if any(item is not None for item in value)}
    if "objective" in kept:
        kept["objective"] = kept["objective"][0]
    return {"acquisition": kept} if kept else {}


def _attribute(channel: ElementTree.Element, tag: str, name: str) -> float | None:
    element = channel.find(f"{{*}}{tag}")
    return None if element is None else finite_number(element.attrib.get(name))


def _laser_power_mw(root: ElementTree.Element, channel: ElementTree.Element) -> float | None:
    """Give the power of the light source that a channel names."""
    settings = channel.find("{*}LightSourceSettings")
    if settings is None:
        return None
    for source in root.iterfind(".//{*}Instrument/*[@Power]"):
        if source.attrib.get("ID") == settings.attrib.get("ID"):
            factor = MW_PER_UNIT.get(source.attrib.get("PowerUnit", "mW"))
            power = finite_number(source.attrib.get("Power"))
            return None if factor is None or power is None else power * factor
    return None


def _objective(root: ElementTree.Element, image: ElementTree.Element) -> str | None:
    setting = image.find("{*}ObjectiveSettings")
    if setting is None:
        return None
    for objective in root.iterfind(".//{*}Objective"):
        if objective.attrib.get("ID") == setting.attrib.get("ID"):
            keys = ("Model", "NominalMagnification", "LensNA")
            return " ".join(objective.attrib[key] for key in keys if key in objective.attrib)
    return None


def _describe_imagej(tiff: Any) -> Description:
    """Read ImageJ's unit of length; its resolution tags hold pixels a unit."""
    metadata = tiff.imagej_metadata or {}
    page = tiff.pages.first
    unit = str(metadata.get("unit", "")).strip().lower()
    factor = IMAGEJ_UNITS.get(unit) or IMAGEJ_UNITS.get(unit.replace("\\u00b5", "µ"))
    plain = _describe_plain(page)
    labels = _labels(metadata)
    if factor is None or unit == "inch":
        return Description(
            channel_names=labels, um_per_px_y=plain.um_per_px_y, um_per_px_x=plain.um_per_px_x
        )
    across, down = _pixels_per_unit(page)
    return Description(
        channel_names=labels,
        um_per_px_y=factor / down if down else None,
        um_per_px_x=factor / across if across else None,
    )


def _labels(metadata: dict[str, Any]) -> tuple[str, ...]:
    """Take slice labels as channel names where there is one a channel and nothing else."""
    labels = metadata.get("Labels")
    channels = metadata.get("channels", 1)
    if not isinstance(labels, list | tuple) or len(labels) != channels or channels < 2:
        return ()
    return tuple(str(label).strip() for label in labels)


def _describe_lsm(tiff: Any) -> Description:
    metadata = tiff.lsm_metadata or {}
    colors = metadata.get("ChannelColors") or {}
    return Description(
        channel_names=tuple(str(name) for name in colors.get("ColorNames", ())),
        um_per_px_y=_positive(metadata.get("VoxelSizeY"), 1e6),
        um_per_px_x=_positive(metadata.get("VoxelSizeX"), 1e6),
    )


def _describe_plain(page: Any) -> Description:
    """Take the resolution tags, where they are more than a default."""
    factor = {INCH: 1.0, CENTIMETRE: 2.54}.get(_unit(page))
    across, down = _pixels_per_unit(page)
    if factor is None or across is None or down is None:
        return Description()
    dpi = (across * factor, down * factor)
    size = print_resolution_um(dpi, by_camera=False)
    notes = {"dpi": [round(value, 3) for value in dpi]}
    return Description(um_per_px_y=size, um_per_px_x=size, notes=notes)


def _unit(page: Any) -> int:
    tag = page.tags.get(296)
    return INCH if tag is None else int(tag.value)


def _pixels_per_unit(page: Any) -> tuple[float | None, float | None]:
    """Read XResolution and YResolution, stored as fractions."""
    found: list[float | None] = []
    for code in (282, 283):
        tag = page.tags.get(code)
        value = tag.value if tag is not None else None
        if not isinstance(value, tuple) or len(value) != 2 or not value[1]:
            found.append(None)
        else:
            found.append(_positive(value[0] / value[1]))
    return found[0], found[1]


def _positive(value: Any, factor: float = 1.0) -> float | None:
    try:
        number = float(value) * factor
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None
