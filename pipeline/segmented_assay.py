"""What assays share that find nuclei: where the segmenter's weights are, and what they are."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ..imgproc.nucleus_network import CHECKSUM
from ..imgproc.segmenters import SegmenterOptions
from .assay import Assay, Prepared
from .errors import InputError
from .pixel_sizes import pixel_size
from .readers import ImageInfo
from .samples import Sample

if TYPE_CHECKING:
    from .study import StudyHeader

NETWORK_BYTES = 200_000_000
"""The network with its tiles, whatever the image's size; see `benchmarks/memory.py`."""


class SegmentedAssay(SegmenterOptions, Assay):
    """An assay that finds nuclei by the segmenter of its options and needs a pixel size."""

    um_per_px: float | None = Field(
        None, gt=0, description="Pixel size in µm, used where the file doesn't say."
    )

    def working_bytes(self, info: ImageInfo) -> int:
        """Give what measuring an image takes of memory at its peak, with the network's own."""
        own = NETWORK_BYTES if self.segmenter == "network" else 0
        return super().working_bytes(info) + own

    def lacks_scale(self, info: ImageInfo, sample: Sample) -> bool:
        """Tell whether sheet, file and study say no pixel size."""
        return pixel_size(info, sample, self.um_per_px)[0] is None

    def files(self) -> tuple[str, ...]:
        """Give the weights, which like any input lie in the study's folder or are asked for."""
        return () if self.weights is None else (self.weights.as_posix(),)

    def sheets(self) -> tuple[str, ...]:
        """Give none: weights name no animals."""
        return ()

    def prepare(self, name: str, folder: Path, header: "StudyHeader") -> Prepared:
        """Look for the weights.

        Raises
        ------
        InputError
            If weights are named and not there.
        """
        return Prepared(self.model_copy(update={"weights": self.found_weights(folder)}))

    def found_weights(self, folder: Path) -> Path | None:
        """Give the path of the weights, relative to the study's folder, if any are named.

        Raises
        ------
        InputError
            If they aren't there.
        """
        path = None if self.weights is None else folder / self.weights
        if path is None or path.exists():
            return path
        raise InputError(
            str(self.weights),
            f"the weights of segmenter = '{self.segmenter}' aren't there: {path}",
            "mend the path; a relative one starts at the study's folder",
        )

    def measuring_parameters(self) -> dict[str, Any]:
        """Give the options that a measurement depends on: of weights, what is in them."""
        parameters = super().measuring_parameters()
        if self.weights is not None and self.weights.exists():
            parameters["weights"] = _content(self.weights, _changed(self.weights))
        if self.segmenter == "network":
            parameters["weights"] = CHECKSUM
        return parameters


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


def _changed(path: Path) -> tuple[int, ...]:
    """Give when and how large: enough to know that a file has to be read again."""
    return tuple(n for file in _files(path) for n in (file.stat().st_mtime_ns, file.stat().st_size))


@cache
def _content(path: Path, changed: tuple[int, ...]) -> str:
    """Give the SHA-256 of a file, or of all files of a folder with their names."""
    whole = sha256()
    for file in _files(path):
        whole.update(f"{file.relative_to(path).as_posix()}\0".encode())
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()
