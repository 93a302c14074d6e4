"""Arrays packed for the way between processes: labels of a slide are nearly all alike."""

import zlib
from dataclasses import dataclass

import numpy as np

_LEVEL = 1  # label images shrink a hundredfold at the quickest level


@dataclass(frozen=True)
class Packed:
    """An array's bytes, compressed, with what it takes to read them."""

    data: bytes
    dtype: str
    shape: tuple[int, ...]


def pack(array: np.ndarray) -> Packed:
    """Compress an array.

    Parameters
    ----------
    array : numpy.ndarray
        Of numbers.
    """
    data = zlib.compress(np.ascontiguousarray(array).tobytes(), _LEVEL)
    return Packed(data, array.dtype.str, array.shape)


def unpack(packed: Packed) -> np.ndarray:
    """Give the array back, the same number by number."""
    flat = np.frombuffer(zlib.decompress(packed.data), packed.dtype)
    return flat.reshape(packed.shape).copy()
