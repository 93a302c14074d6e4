"""Files of trained weights that come with the program: found, checked, and readied to run."""

import hashlib
import importlib.resources
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import MeasurementError

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights.

    Attributes
    ----------
    name : str
        Its path in ``xenoquant.data``.
    checksum : str
        SHA-256: a file that was damaged or exchanged is refused.
    owner : str
        Whose weights they are, for messages.
    remedy : str
        What a user can do without them.
    """

    name: str
    checksum: str
    owner: str
    remedy: str

    def read(self) -> bytes:
        """The file, checked as `checked` does."""
        path = importlib.resources.files("xenoquant.data").joinpath(self.name)
        return self.checked(path.read_bytes() if path.is_file() else None)

    def checked(self, content: bytes | None) -> bytes:
        """Give the content back if it is what this version was tested with.

        Parameters
        ----------
        content : bytes or None
            The file, None where there is none.

        Raises
        ------
        MeasurementError
            If the file is missing, or its SHA-256 isn't `checksum`.
        """
        if content is None:
            raise MeasurementError(
                f"the weights of the {self.owner} ({self.name}) are not in this installation",
                self.remedy,
            )
        found = hashlib.sha256(content).hexdigest()
        if found != self.checksum:
            raise MeasurementError(
                f"the weights of the {self.owner} ({self.name}) are damaged: SHA-256 "
                f"{self.checksum} was expected, the file has {found}",
                self.remedy,
            )
        return content

    def session(self, content: bytes) -> "onnxruntime.InferenceSession":
        """Ready a network from the bytes of its ONNX file, for one thread.

        Raises
        ------
        MeasurementError
            If the bytes are no network.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise MeasurementError(
                f"the weights of the {self.owner} can't be read: {type(error).__name__}",
                self.remedy,
            ) from error
