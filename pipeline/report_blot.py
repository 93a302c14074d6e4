"""The page of a blot: every lane of the sheet with its volumes."""

from collections.abc import Mapping
from typing import Any

from .report_exhibits import Evidence, Exhibit, Exhibits, filled
from .report_exhibits import held_tables as held
from .report_tables import Table, plain_table
from .report_words import format_number, listed

_POOLED = "pooled: n = 1, no p"


def blot_exhibits(evidence: Evidence) -> Exhibits:
    """Make the exhibits of a blot."""
    lanes = Exhibit(
        "Lanes and bands",
        caption="Volumes are above the background; a ratio is target over loading control of the "
        "same lane.",
        tables=held([_lane_table(evidence)]),
    )
    return Exhibits(notes=_sentences(evidence.assay.calibration), after=filled([lanes]))


def _sentences(notes: Mapping[str, Any]) -> list[str]:
    said = []
    if notes.get("formula"):
        formula = str(notes["formula"])
        said.append(f"{formula[:1].upper()}{formula[1:].rstrip('.')}.")
    if notes.get("pooled_animals"):
        said.append(f"Pooled lanes ({listed(list(notes['pooled_animals']))}) – {_POOLED}.")
    if notes.get("doubtful"):
        said.append(f"Used, though doubtful: {'; '.join(notes['doubtful'])}.")
    return said


def _lane_table(evidence: Evidence) -> Table | None:
    bands = evidence.extra.get("bands")
    if bands is None:
        return None
    said = [
        "; ".join(part for part in (_POOLED if pooled else "", _left_out(reason), note) if part)
        for pooled, reason, note in zip(
            bands["pooled"], bands["reason"], bands["note"], strict=True
        )
    ]
    columns = {
        "image": ("Image", str),
        "lane": ("Lane", format_number),
        "animal": ("Animal", str),
        "group": ("Group", str),
        "protein": ("Protein", str),
        "role": ("Role", lambda code: str(code).replace("_", " ")),
        "volume": ("Volume", format_number),
        "loading_volume": ("Loading control", format_number),
        "ratio": ("Ratio", format_number),
        "relative_volume": ("Relative volume", format_number),
        "said": ("Note", str),
    }
    if not any(said):
        del columns["said"]
    caption = "Every row of the lane sheet"
    return plain_table(f"{evidence.key}-lanes", caption, bands.assign(said=said), columns)


def _left_out(reason: str) -> str:
    """Say why a row of the sheet was not used; empty where it was."""
    return f"left out: {reason}" if reason else ""
