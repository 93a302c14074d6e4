"""The images of a TIFF file with all of their axes, by old and new releases of tifffile."""

from collections.abc import Sequence
from typing import Any


def whole_series(tiff: Any) -> Sequence[Any]:
    """Give a file's series, none of whose axes of length 1 are left out.

    From tifffile 2026.5.2 on, which needs Python 3.12, a series has one form, and `TiffFile.series`
    is called for the other; before, each series had both.

    Parameters
    ----------
    tiff : tifffile.TiffFile
        An open file.

    Returns
    -------
    sequence of tifffile.TiffPageSeries
        For `axis_sizes`.
    """
    series: Sequence[Any] = tiff.series(squeeze=False) if callable(tiff.series) else tiff.series
    return series


def axis_sizes(series: Any) -> dict[str, int]:
    """Give the lengths of all axes of a series by tifffile's codes, slowest first.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        From `whole_series`, or one of its levels.
    """
    if hasattr(series, "get_axes"):
        axes, shape = series.get_axes(False), series.get_shape(False)
    else:
        axes, shape = series.axes, series.shape
    return {axis: int(size) for axis, size in zip(axes, shape, strict=True)}
