"""Opening images and studies in napari with their pixel size, and the labels of their last run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..pipeline.errors import InputError, StudyError
from ..pipeline.plan import image_names
from ..pipeline.readers import SUFFIXES, inspect_image, read_image, split_reference
from ..pipeline.samples import BLANK, study_samples
from ..pipeline.study import STUDY_FILE, Study, load_study
from ._layer_data import (
    LayerData,
    image_layers,
    label_layer,
    label_levels,
    lazy_levels,
    placed,
)


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Give napari the reader of a path, or None where it isn't ours.

    Parameters
    ----------
    path : str or list of str
        What the user dropped or opened: an image, or the folder of a study; a stack of several
        files is left to napari.

    Returns
    -------
    callable or None
        Takes the path and gives the layers.
    """
    if not isinstance(path, str):
        return None
    if Path(path).is_dir():
        return read_study if (Path(path) / STUDY_FILE).is_file() else None
    return read_layers if split_reference(path)[0].suffix.lower() in SUFFIXES else None


def read_study(path: str | list[str]) -> list[LayerData]:
    """Read the first image of a study with its labels; the review panel goes on from there.

    Parameters
    ----------
    path : str or list of str
        The study's folder.

    Returns
    -------
    list of (array, metadata, layer type)
        As `read_layers`; every layer's metadata name the study under ``xenoquant_study``.

    Raises
    ------
    StudyError, InputError
        If the study or the image can't be read.
    """
    folder = Path(path if isinstance(path, str) else path[0])
    study = load_study(folder)
    images = [s for s in study_samples(study) if s.role != BLANK]
    if not images:
        remedy = "open one of its tables in a spreadsheet"
        raise InputError(str(folder), "the study has no images", remedy)
    layers = read_layers(str(study.folder / images[0].image))
    return [
        (data, {**meta, "metadata": {"xenoquant_study": str(study.folder)}}, kind)
        for data, meta, kind in layers
    ]


def read_layers(path: str | list[str]) -> list[LayerData]:
    """Read an image as layers: its channels or colours, then the labels of the study around it.

    A slide's pyramid is read tile by tile, as it comes into sight.

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
    levels = lazy_levels(reference)
    if levels is not None:
        um_per_px = inspect_image(reference).um_per_px
        look = {"name": reference.name, "rgb": True, "multiscale": True, **placed(um_per_px)}
        return [
            (levels, look, "image"),
            *_label_layers(reference, levels[0].shape[:2], um_per_px),
        ]
    image = read_image(reference)
    shape = image.pixels.shape[:2] if image.kind == "rgb" else image.pixels.shape[1:]
    labels = _label_layers(reference, shape, image.um_per_px)
    # a scale that only the study knows stands in its label images
    if image.um_per_px is None and labels and "scale" in labels[0][1]:
        image = replace(image, um_per_px=labels[0][1]["scale"][0])
    return [*image_layers(image, reference.name), *labels]


def _label_layers(
    reference: Path, shape: tuple[int, ...], um_per_px: float | None
) -> list[LayerData]:
    """Give the label images that a study's last run published for the image."""
    study = _study_around(reference)
    if study is None:
        return []
    layers: list[LayerData] = []
    for folder in _label_folders(study, reference):
        for file in sorted(folder.glob("*.tif")):
            levels = label_levels(file)
            if levels and levels[0].shape == shape:
                look = placed(um_per_px or inspect_image(file).um_per_px)
                layers.append(label_layer(levels, file.stem, look))
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
