"""Label images as OME-Zarr with their pixel size, beside the image where it is at hand."""

import shutil
import uuid
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .object_outlines import open_labels
from .readers import Image, inspect_image, read_image
from .results_folder import ImageResult

LARGEST_IMAGE_PX = 100_000_000
"""A larger image isn't copied beside its labels: the slide itself has a pyramid."""

PIECE_PX = 1024
LEVELS = (2, 4, 8)
OME_ZARR_VERSION = "0.5"


def write_ome_zarr(path: Path, result: ImageResult, folder: Path) -> int:
    """Write an image's label images as an OME-Zarr.

    Parameters
    ----------
    path : pathlib.Path
        The OME-Zarr, a folder; it appears whole.
    result : ImageResult
        The image.
    folder : pathlib.Path
        Where the image itself is looked for.

    Returns
    -------
    int
        How many label images were written.
    """
    import zarr

    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        group = zarr.open_group(str(aside), mode="w")
        _write_image(group, result, folder)
        for name, file in result.labels.items():
            _write_labels(group, name, file)
        _state_version(group)
        shutil.rmtree(path, ignore_errors=True)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return len(result.labels)


def _state_version(group: Any) -> None:
    """Say the version of OME-Zarr at the group of labels, too, which the writer leaves out."""
    version = {"version": OME_ZARR_VERSION}
    if "labels" in group:
        held = group["labels"]
        held.attrs["ome"] = version | dict(held.attrs["ome"])


def _writer() -> Any:
    """Import the writer, which makes a deprecated object of its own as it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr import writer
    return writer


def _write_image(group: Any, result: ImageResult, folder: Path) -> None:
    reference = folder / result.image
    try:
        info = inspect_image(reference)
        if info.height * info.width > LARGEST_IMAGE_PX:
            return
        image = read_image(reference)
    except InputError:
        return  # loose images may lie elsewhere; the labels have their pixel size
    planes = image.pixels if image.kind == "channels" else np.moveaxis(image.pixels, -1, 0)
    _writer().write_image(
        np.ascontiguousarray(planes),
        group,
        axes=["c", "y", "x"],
        scale_factors=_levels(planes.shape[1:]),
        **_scaled(_common_um_per_px(result, image), "c"),
    )


def _common_um_per_px(result: ImageResult, image: Image) -> float | None:
    """Give the pixel size of the labels, which may be the sheet's or the study's, else the file's.

    Image and labels that stated different ones would lie apart in a viewer.
    """
    stated = (labels_um_per_px(file) for file in result.labels.values())
    return next((size for size in stated if size is not None), image.um_per_px)


def _write_labels(group: Any, name: str, file: Path) -> None:
    import dask.array

    with open_labels(file) as labels:
        pieces = dask.array.from_array(labels, chunks=(PIECE_PX, PIECE_PX))
        _writer().write_labels(
            pieces,
            group,
            name=name,
            scaler=None,  # the default is a deprecated one
            axes=["y", "x"],
            scale_factors=_levels(labels.shape),
            **_scaled(labels_um_per_px(file)),
        )


def _levels(shape: tuple[int, ...]) -> list[int]:
    return [factor for factor in LEVELS if min(shape) // factor >= 64]


def _scaled(um_per_px: float | None, *unscaled: str) -> dict[str, Any]:
    """Give the pixel size of the axes y and x; any other axis has none."""
    if um_per_px is None:
        return {}
    return {
        "scale": dict.fromkeys(unscaled, 1.0) | {"y": um_per_px, "x": um_per_px},
        "axes_units": {"y": "micrometer", "x": "micrometer"},
    }


def labels_um_per_px(file: Path) -> float | None:
    """Read the pixel size of a label image."""
    return inspect_image(file).um_per_px
