"""Photos written for the tests of reading."""

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image as Pillow

ROWS, COLUMNS = np.mgrid[:48, :64]
GRADIENT = np.stack([COLUMNS * 3, ROWS * 5, COLUMNS + ROWS], axis=-1).astype(np.uint8)
ORIENTATION = 274  # EXIF tag


def exif(orientation: int) -> Pillow.Exif:
    made = Pillow.Exif()
    made[ORIENTATION] = orientation
    return made


def write_photo(path: Path) -> bytes:
    """A photo of the path's format, large enough to be cut anywhere."""
    noisy = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    if path.suffix == ".heic":
        pillow_heif.from_pillow(Pillow.fromarray(noisy)).save(path)
    else:
        Pillow.fromarray(noisy).save(path)
    return path.read_bytes()
