"""Saving figures, the only files that the statistics write."""

from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_PRINT_PPI = 300


def save_chart(chart: Any, path: str | Path) -> Path:
    """Write a figure as SVG, PDF or PNG, by the suffix of its path.

    Parameters
    ----------
    chart : altair chart
        Any chart of `stats.figures`.
    path : str or pathlib.Path
        Ends in .svg, .pdf or .png (300 pixels an inch). An existing file is replaced.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If the suffix is another.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "pdf", "png"):
        raise ValueError(f"{path.name}: a figure can be saved as .svg, .pdf or .png.")
    if kind == "svg":
        path.write_text(chart_svg(chart), encoding="utf-8")
    else:
        chart.save(str(path), format=kind, **({"ppi": _PRINT_PPI} if kind == "png" else {}))
    return path


def chart_svg(chart: Any) -> str:
    """Return a figure as SVG text, with its description as the text alternative.

    Parameters
    ----------
    chart : altair chart
        Any chart of `stats.figures`.
    """
    buffer = StringIO()
    chart.save(buffer, format="svg")
    svg = buffer.getvalue()
    description = chart.to_dict().get("description", "")
    start = svg.index(">", svg.index("<svg"))
    words = f"<desc>{escape(description)}</desc>"
    return f'{svg[:start]} role="img">{words}{svg[start + 1 :]}'
