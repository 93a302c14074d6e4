"""What ``xenoquant measure`` was asked for: its words, by the options of the method's model."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from .assay import Assay
from .assays import METHODS
from .cli_shell import AUTO, TIME_LIMIT_S
from .errors import Problem, StudyError
from .fluorescence_assay import ChannelNames
from .image_files import MAX_MEGAPIXELS

# options of an assay that mean nothing without groups, or are given in another way here
_NOT_FLAGS = frozenset({"method", "tests", "channels", "lanes"})
_PLACES = {"regions", "hematoxylin_only", "dab_only"}


@dataclass(frozen=True)
class LooseRequest:
    """What ``xenoquant measure`` was asked for.

    Attributes
    ----------
    assay : Assay
        The method with its options; its name is the assay's name in the tables.
    images : tuple of pathlib.Path
        Images and folders, in the order given.
    out : pathlib.Path
        Where the tree of results goes.
    negative_controls, blanks : tuple of pathlib.Path
        Images for those roles.
    um_per_px : float or None
        The pixel size given on the command line, which wins over the files' own.
    jobs : str
        Workers, or ``auto``.
    time_limit : float
        Seconds for one image; 0 for no limit.
    max_megapixels : float
        Larger images are refused before decoding.
    fresh, quiet : bool
        As in ``xenoquant run``.
    """

    assay: Assay
    images: tuple[Path, ...]
    out: Path
    negative_controls: tuple[Path, ...] = ()
    blanks: tuple[Path, ...] = ()
    um_per_px: float | None = None
    jobs: str = AUTO
    time_limit: float = TIME_LIMIT_S
    max_megapixels: float = MAX_MEGAPIXELS
    fresh: bool = False
    quiet: bool = False


def parse_arguments(arguments: Sequence[str]) -> LooseRequest:
    """Parse the words behind ``xenoquant measure``; the options are those of the method's model.

    Raises
    ------
    StudyError
        If an option's value isn't allowed.
    SystemExit
        After printing help (status 0) or a usage error (status 2).
    """
    method = _method_parser().parse_args(arguments[:1]).method
    words = vars(_parser(method).parse_intermixed_args(_joined_channels(arguments[1:])))
    given = {name: words[name] for name in _flag_fields(METHODS[method]) if words[name] is not None}
    if words.get("channels"):
        given["channels"] = _parse_channels(words["channels"])
    elif "channels" in METHODS[method].model_fields:
        given["channels"] = ChannelNames(nuclei="DAPI")
    for name in _PLACES & given.keys():  # as seen from here, not from the images' folder
        given[name] = given[name] and str(absolute_path(Path(given[name])))
    if "weights" in given:
        given["weights"] = Path(given["weights"]).absolute()  # as typed, not from the images
    if "lanes" in METHODS[method].model_fields:
        given["lanes"] = ""  # loose blots have no sheet that names their lanes
    return LooseRequest(
        assay=_make_assay(method, given),
        images=tuple(words["images"]),
        out=words["out"],
        negative_controls=tuple(words["negative_control"] or ()),
        blanks=tuple(words["blank"] or ()),
        um_per_px=float(given["um_per_px"]) if "um_per_px" in given else None,
        jobs=words["jobs"],
        time_limit=words["time_limit"],
        max_megapixels=words["max_megapixels"],
        fresh=words["fresh"],
        quiet=words["quiet"],
    )


def _method_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xenoquant measure",
        usage="xenoquant measure METHOD IMAGES… --out DIR [OPTIONS]",
        description="Measure loose images or folders with one method; no study needed.",
        epilog="The options of a method: xenoquant measure METHOD --help",
    )
    parser.add_argument("method", metavar="METHOD", choices=tuple(METHODS), help=", ".join(METHODS))
    return parser


def _parser(method: str) -> argparse.ArgumentParser:
    assay = METHODS[method]
    parser = argparse.ArgumentParser(
        prog=f"xenoquant measure {method}", description=assay.__doc__, allow_abbrev=False
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGES", help="images or folders")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="results go here")
    for flag, text in (
        ("--negative-control", "a negative-control image (normal IgG, no primary); repeatable"),
        ("--blank", "an empty bright field, for white balance and flat field; repeatable"),
    ):
        parser.add_argument(flag, action="append", type=Path, metavar="IMAGE", help=text)
    parser.add_argument("--jobs", "-j", default=AUTO, metavar="N|auto", help="workers at a time")
    text = f"longest time for one image (default: {TIME_LIMIT_S:g}); 0 sets no limit"
    parser.add_argument(
        "--time-limit", type=float, default=TIME_LIMIT_S, metavar="SECONDS", help=text
    )
    text = f"larger images are refused before decoding (default: {MAX_MEGAPIXELS:g})"
    parser.add_argument(
        "--max-megapixels", type=float, default=MAX_MEGAPIXELS, metavar="N", help=text
    )
    parser.add_argument("--fresh", action="store_true", help="measure again what is stored")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, no summary")
    for name, field in _flag_fields(assay).items():
        _add_flag(parser, name, field)
    if "channels" in assay.model_fields:
        text = "which channel shows what, by name or index from 0: nuclei=0 marker=1"
        parser.add_argument("--channels", action="append", metavar="WHAT=CHANNEL", help=text)
    return parser


def _joined_channels(arguments: Sequence[str]) -> list[str]:
    """Join ``--channels nuclei=0 marker=1`` into one word, so that images may follow it."""
    joined: list[str] = []
    inside = False
    for word in arguments:
        if inside and "=" in word and not word.startswith("-"):
            joined[-1] = (
                f"{joined[-1]},{word}" if joined[-1] != "--channels" else f"--channels={word}"
            )
            continue
        inside = word == "--channels" or word.startswith("--channels=")
        joined.append(word)
    return joined


def _flag_fields(assay: type[Assay]) -> dict[str, FieldInfo]:
    return {name: field for name, field in assay.model_fields.items() if name not in _NOT_FLAGS}


def _add_flag(parser: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    flag = "--" + name.replace("_", "-")
    default = "" if field.default is None else f" (default: {field.default})"
    text = f"{field.description or ''}{default}".replace("%", "%%")
    if field.annotation is bool:
        action = argparse.BooleanOptionalAction
        parser.add_argument(flag, dest=name, action=action, default=None, help=text)
    else:
        metavar = name.rsplit("_", 1)[-1].upper()
        parser.add_argument(flag, dest=name, metavar=metavar, help=text)


def _parse_channels(words: Sequence[str]) -> ChannelNames:
    """Parse ``nuclei=0 marker=Alexa488``, also with commas between."""
    named: dict[str, str | int] = {}
    for word in ",".join(words).split(","):
        role, _, channel = (part.strip() for part in word.partition("="))
        if role not in ChannelNames.model_fields or not channel:
            expected = "nuclei=CHANNEL or marker=CHANNEL"
            remedy = "write for example: --channels nuclei=0 marker=1"
            raise StudyError([Problem("--channels", "", repr(word), expected, remedy)])
        named[role] = int(channel) if channel.isdecimal() else channel
    if "nuclei" not in named:
        remedy = "add nuclei=… to --channels"
        raise StudyError([Problem("--channels", "", "", "a nuclear channel", remedy)])
    return ChannelNames.model_validate(named)


def _make_assay(method: str, given: dict[str, Any]) -> Assay:
    values = {
        name: value.split(",") if isinstance(value, str) and "," in value else value
        for name, value in given.items()
    }
    try:
        return METHODS[method].model_validate({"method": method, **values})
    except ValidationError as error:
        remedy = f"xenoquant measure {method} --help shows what each option takes"
        problems = [
            Problem(
                "--" + str(item["loc"][0]).replace("_", "-") if item["loc"] else method,
                "",
                repr(item["input"]),
                item["msg"].removeprefix("Value error, "),
                remedy,
            )
            for item in error.errors()
        ]
        raise StudyError(problems) from error


def absolute_path(path: Path) -> Path:
    """Give the whole path, as named: a link keeps its own name."""
    return Path(os.path.normpath(path.absolute()))
