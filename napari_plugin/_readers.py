"""Opening images in napari with their pixel size, and the labels that a run gave them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..pipeline.drawing import read_labels
from ..pipeline.errors import InputError, StudyError
from ..pipeline.plan import image_names
from ..pipeline.readers import SUFFIXES, Image, read_image, split_reference
from ..pipeline.samples import study_samples
from ..pipeline.study import STUDY_FILE, Study, load_study

LayerData = tuple[np.ndarray, dict[str, Any], str]

_COLOURS = {
    "marker": "green",
    "alexa488": "green",
    "gfp": "green",
    "dapi": "blue",
    "nuclei": "blue",
}


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Give napari the reader of a path, or None where it isn't ours.

    Parameters
    ----------
    path : str or list of str
        What the user dropped or opened; a stack of several files is left to napari.

    Returns
    -------
    callable or None
        Takes the path and gives the layers.
    """
    if not isinstance(path, str):
        return None
    return read_layers if split_reference(path)[0].suffix.lower() in SUFFIXES else None


def read_layers(path: str | list[str]) -> list[LayerData]:
    """Read an image as layers: its channels or colours, then the labels of the study around it.

    Parameters
    ----------
    path : str or list of str
        One image.

    Returns
    -------
    list of (array, metadata, layer type)
        In napari's form; scaled in µm where the pixel size is known.
    """
    reference = Path(path if isinstance(path, str) else path[0])
    image = read_image(reference)
    return [*_image_layers(image, reference.name), *_label_layers(reference, image)]


def _place(image: Image) -> dict[str, Any]:
    """Give the scale of an image's layers; napari's own TIFF reader would leave it out."""
    if image.um_per_px is None:
        return {}
    return {"scale": (image.um_per_px, image.um_per_px), "units": ("um", "um")}


def _image_layers(image: Image, name: str) -> list[LayerData]:
    if image.kind == "rgb":
        return [(image.pixels, {"name": name, "rgb": True, **_place(image)}, "image")]
    return [
        (
            plane,
            {
                "name": f"{name} {channel}",
                "colormap": _COLOURS.get(channel.lower(), "gray"),
                "blending": "additive",
                **_place(image),
            },
            "image",
        )
        for plane, channel in zip(image.pixels, image.channel_names, strict=True)
    ]


def _label_layers(reference: Path, image: Image) -> list[LayerData]:
    """Give the label images that a study's last run published for the image."""
    study = _study_around(reference)
    if study is None:
        return []
    layers = []
    for folder in _label_folders(study, reference):
        labels = read_labels({file.stem: file for file in sorted(folder.glob("*.tif"))})
        for what, array in labels.items():
            if array.shape == image.pixels.shape[:2] or array.shape == image.pixels.shape[1:]:
                layers.append((array, {"name": what, **_place(image)}, "labels"))
    return layers


def _study_around(reference: Path) -> Study | None:
    """Find the study whose folder an image lies in; a broken study gives the image alone."""
    for folder in reference.resolve().parents:
        if (folder / STUDY_FILE).is_file():
            try:
                return load_study(folder)
            except StudyError:
                return None
    return None


def _label_folders(study: Study, reference: Path) -> list[Path]:
    try:
        samples = study_samples(study)
    except (StudyError, InputError):
        return []
    names = image_names(samples)
    wanted = reference.resolve()
    folders = [
        study.results / "labels" / sample.assay / names[sample.assay, sample.image]
        for sample in samples
        if (study.folder / sample.image).resolve() == wanted
    ]
    return [folder for folder in folders if folder.is_dir()]
