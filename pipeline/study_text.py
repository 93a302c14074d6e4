"""Changing an assay's options in the text of study.toml; comments and layout stay as they are."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import Problem, StudyError
from .study import load_study, locate_study
from .writers import write_text

_HEADER = re.compile(r"^\s*\[{1,2}\s*[\w.\s\"'-]+\]{1,2}\s*(#.*)?$")


def save_options(path: Path, assay: str, options: Mapping[str, Any]) -> bool:
    """Write options of an assay into the study file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or file.
    assay : str
        The assay's name in it.
    options : mapping of str to object
        The options to set; None takes an option out, so that its default holds.

    Returns
    -------
    bool
        Whether anything changed.

    Raises
    ------
    StudyError
        If the study has no such assay, the options aren't valid, or the text is laid out so that
        it can't be changed without losing something; the file is then as it was.
    """
    file = locate_study(path)
    study = load_study(path)
    if assay not in study.assays:
        expected = "an assay of study.toml (" + ", ".join(study.assays) + ")"
        raise StudyError([Problem(file.name, "", assay, expected, "choose one of them")])
    text = file.read_bytes().decode("utf-8-sig")
    changed = with_options(text, assay, options)
    if changed == text:
        return False
    held = {**study.assays[assay].model_dump(mode="json"), **_plain(options)}
    kept = {key: value for key, value in held.items() if value is not None}
    try:
        type(study.assays[assay]).model_validate(kept)
    except ValueError as error:
        problem = Problem(file.name, f"assays.{assay}", "", str(error), "mend the option")
        raise StudyError([problem]) from error
    bom = "\ufeff" if file.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    write_text(file, bom + changed)
    return True


def with_options(text: str, assay: str, options: Mapping[str, Any]) -> str:
    """Give the text of a study file with other options of one assay.

    Parameters
    ----------
    text : str
        The file.
    assay : str
        The assay.
    options : mapping of str to object
        As for `save_options`; those that stand there already leave their line untouched.

    Returns
    -------
    str
        The text, everything else in it letter for letter the same.

    Raises
    ------
    StudyError
        If the options can't be changed without touching anything else.

    Examples
    --------
    >>> print(with_options("[assays.lungs]\\nmin_confidence = 0.3  # clear ones\\n", "lungs",
    ...                    {"min_confidence": 0.5}), end="")
    [assays.lungs]
    min_confidence = 0.5  # clear ones
    """
    before = tomllib.loads(text)
    own = before.get("assays", {}).get(assay, {})
    wanted = {key: value for key, value in _plain(options).items() if own.get(key) != value}
    if not wanted:
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(end)
    try:
        first, last = _section(lines, assay)
        for key, value in wanted.items():
            last += _set(lines, first, last, key, value)
        changed = end.join(lines)
        after = tomllib.loads(changed)
    except (ValueError, IndexError):
        changed, after = "", {}
    kept = {key: value for key, value in {**own, **wanted}.items() if value is not None}
    if after != {**before, "assays": {**before.get("assays", {}), assay: kept}}:
        said = "; ".join(f"{key} = {toml(v)}" for key, v in wanted.items() if v is not None)
        remedy = f"write it there yourself: {said}"
        expected = f"options of {assay} on lines of their own under [assays.{assay}]"
        raise StudyError([Problem("study.toml", f"assays.{assay}", "", expected, remedy)])
    return changed


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}


def _section(lines: Sequence[str], assay: str) -> tuple[int, int]:
    """Give the lines of an assay's table, from the one after its header."""
    name = rf"(?:{re.escape(assay)}|\"{re.escape(assay)}\"|'{re.escape(assay)}')"
    header = re.compile(rf"^\s*\[\s*assays\s*\.\s*{name}\s*\]\s*(#.*)?$")
    first = next((i + 1 for i, line in enumerate(lines) if header.match(line)), None)
    if first is None:
        raise ValueError("the assay has no table of its own")
    last = next((i for i in range(first, len(lines)) if _HEADER.match(lines[i])), len(lines))
    return first, last


def _set(lines: list[str], first: int, last: int, key: str, value: Any) -> int:
    """Set, add or remove one key; give by how many lines the table grew."""
    begin = re.compile(rf"^(\s*(?:{re.escape(key)}|\"{re.escape(key)}\")\s*=\s*)")
    for place in range(first, last):
        found = begin.match(lines[place])
        if found:
            stop = _end_of_value(lines, place, last)
            comment = _comment(lines[stop - 1]) if stop == place + 1 else ""
            new = [] if value is None else [f"{found.group(1)}{toml(value)}{comment}"]
            lines[place:stop] = new
            return len(new) - (stop - place)
    if value is None:
        return 0
    written = [i for i in range(first, last) if lines[i].strip() and not lines[i].startswith("#")]
    lines.insert(written[-1] + 1 if written else first, f"{key} = {toml(value)}")
    return 1


def _end_of_value(lines: Sequence[str], place: int, last: int) -> int:
    """Give the line after a value that may go over several."""
    for stop in range(place + 1, last + 1):
        try:
            tomllib.loads("\n".join(lines[place:stop]))
        except tomllib.TOMLDecodeError:
            continue
        return stop
    raise ValueError("the value has no end")


def _comment(line: str) -> str:
    """Give the comment behind a value, with the space before it."""
    for place in [i for i, sign in enumerate(line) if sign == "#"]:
        try:
            tomllib.loads(line[:place])
        except tomllib.TOMLDecodeError:
            continue
        value = line[:place].rstrip()
        return line[len(value) :]
    return ""


def toml(value: Any) -> str:
    """Write a value as TOML does.

    Examples
    --------
    >>> toml(0.5), toml("a"), toml([1.0, 2.0]), toml(True), toml({"nuclei": "DAPI"})
    ('0.5', '"a"', '[1.0, 2.0]', 'true', '{ nuclei = "DAPI" }')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        held = ", ".join(f"{k} = {toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {held} }}"
    return "[" + ", ".join(toml(item) for item in value) + "]"
