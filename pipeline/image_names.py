"""Names of images' results: files and folders that no two images share, on any file system."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from .samples import Sample

_LONGEST_BYTES = 200  # file systems allow 255 a name; results add endings of their own
_DIGITS = 8


def image_names(samples: Sequence[Sample]) -> dict[tuple[str, str], str]:
    """Name each image's results: its path without the extension, whole where two would clash.

    Names that would still be the same, also where a file system doesn't tell capital letters,
    and very long ones end in some digits of the image's own hash.

    Parameters
    ----------
    samples : sequence of Sample
        All rows of the sheet.

    Returns
    -------
    dict
        From (assay, image) to the name, a relative path with forward slashes that never leaves
        the folder it is put under.
    """
    images = list(dict.fromkeys((sample.assay, sample.image) for sample in samples))
    whole = {key: inside(key[1]) for key in images}
    short = {key: _without_suffix(name) for key, name in whole.items()}
    once = _unshared(short)
    names = {key: short[key] if key in once else whole[key] for key in images}
    once = _unshared(names)
    return {
        key: _shortened(name if key in once else f"{name}~{_digits(key[1])}")
        for key, name in names.items()
    }


def _unshared(names: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Give the keys whose name no other image of the assay has, whatever the file system."""

    def folded(key: tuple[str, str]) -> tuple[str, str]:
        return key[0], unicodedata.normalize("NFC", names[key]).casefold()

    uses = Counter(map(folded, names))
    return {key for key in names if uses[folded(key)] == 1}


def inside(image: str) -> str:
    """Take out of a path what leads out of the folder it is put under.

    Examples
    --------
    >>> inside("../lungs/./m1.jpg"), inside("/etc/passwd")
    ('lungs/m1.jpg', 'etc/passwd')
    """
    parts = [part for part in PurePosixPath(image).parts if part not in ("/", "//", "..", ".")]
    return "/".join(parts) or "image"


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _shortened(name: str) -> str:
    """Cut parts that are too long for a file's name; their hash keeps them apart."""
    return "/".join(_cut(part) for part in name.split("/"))


def _cut(part: str) -> str:
    held = part.encode("utf-8", "surrogateescape")
    if len(held) <= _LONGEST_BYTES:
        return part
    kept = held[: _LONGEST_BYTES - _DIGITS - 1].decode("utf-8", "ignore")
    return f"{kept}~{_digits(part)}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
