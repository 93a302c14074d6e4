"""An image's channels: colours as channels, and channels by their names."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .errors import InputError
from .reader_common import Image, ImageInfo, with_flags

LOSSY_FORMATS = frozenset({"jpeg", "heic", "webp"})


def as_channels(image: Image) -> Image:
    """Turn an RGB export into the channels red, green and blue; other images pass unchanged.

    Parameters
    ----------
    image : Image
        Any image.

    Returns
    -------
    Image
        A "channels" image. A converted one carries the flag ``eight_bit_compressed`` when its
        format loses detail (JPEG, HEIC, WebP), ``eight_bit_export`` when it has 8 bits only.
    """
    if image.kind == "channels":
        return image
    flags: tuple[str, ...] = ()
    if image.bit_depth <= 8:
        lossy = image.notes.get("format") in LOSSY_FORMATS
        flags = ("eight_bit_compressed",) if lossy else ("eight_bit_export",)
    channels = np.ascontiguousarray(np.moveaxis(image.pixels, -1, 0))
    return with_flags(replace(image, pixels=channels, kind="channels"), flags)


def channel_index(
    image: Image | ImageInfo | Sequence[str], wanted: str | int, *, path: str = ""
) -> int:
    """Find a channel by its number from 0, or by name.

    Parameters
    ----------
    image : Image, ImageInfo or sequence of str
        The image, whose channels' dyes and look-up tables count as names too, or names alone.
    wanted : str or int
        Number or name; case, spaces and signs don't matter, so "Alexa488" finds "ALEXA 488". A
        number as text is a number unless a channel has that name.
    path : str
        The image's path, for the error.

    Returns
    -------
    int
        Index of the channel.

    Raises
    ------
    InputError
        If there is no such channel, or the name fits several.
    """
    named = image.channel_names if isinstance(image, Image | ImageInfo) else image
    names = tuple(named)
    listed = ", ".join(f"{index} {name!r}" for index, name in enumerate(names))
    if isinstance(wanted, int):
        if 0 <= wanted < len(names):
            return wanted
        several = f"{len(names)} channels: " if len(names) != 1 else "1 channel: "
        raise InputError(
            path,
            f"channel {wanted} was asked for, but the image has {several}{listed}",
            f"choose a channel from 0 to {len(names) - 1}, or its name"
            if len(names) != 1
            else "choose channel 0, or leave out what the image doesn't show",
        )
    known_as = image.notes.get("channels") if isinstance(image, Image | ImageInfo) else None
    described = known_as or [{}] * len(names)
    aliases = [
        {_plain(name), *(_plain(str(channel.get(key, ""))) for key in ("lut", "dye", "detector"))}
        for name, channel in zip(names, described, strict=True)
    ]
    exact = [index for index, name in enumerate(names) if _plain(name) == _plain(wanted)]
    found = exact or [index for index, known in enumerate(aliases) if _plain(wanted) in known]
    if len(found) == 1 and _plain(wanted):
        return found[0]
    if not found and wanted.strip().isdecimal():  # a number that came as text
        return channel_index(image, int(wanted), path=path)
    problem = "fits several channels" if found else "is not the name of a channel"
    raise InputError(
        path, f"{wanted!r} {problem}; the image has: {listed}", "name one of these, or its number"
    )


def _plain(name: str) -> str:
    """Bring the ways to write a dye's name together.

    Examples
    --------
    >>> _plain("ALEXA 488") == _plain("Alexa-488")
    True
    """
    return re.sub(r"[^0-9a-zλµ+]+", "", name.casefold())
