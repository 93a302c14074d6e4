"""Writes what each claim of the paper comes to: tables, figures and a page."""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .paper import Paper, read_paper, recompute_all

if TYPE_CHECKING:
    import pandas as pd

    from ..stats.claims import Claim, Recomputation
    from .paper_figures import PaperFigure

_SOURCE = "Jian et al., BMC Cancer 2013, 13:307"
_WIDTH = 98
_NOTHING = "nothing to recompute"
_FAR = 1e-4
"""A two-sided p below this is far from any threshold, and its half says nothing new."""


def reproduce(directory: Path) -> "pd.DataFrame":
    """Recompute every claim of the paper that its reported numbers allow.

    Parameters
    ----------
    directory : pathlib.Path
        Where ``claims.csv``, ``claims.json``, ``claims.md``, ``reproduce.html`` and
        ``figures/*.svg`` are written; made if it isn't there.

    Returns
    -------
    pandas.DataFrame
        The table of claims.csv: a row a recomputation, with the claim's verdict on each.
    """
    from ..stats.claims import claims_table
    from .paper_figures import paper_figures

    paper = read_paper()
    claims = recompute_all(paper)
    table = claims_table(claims)
    figures = paper_figures(paper)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    table.to_csv(directory / "claims.csv", index=False, lineterminator="\n")
    _write(directory / "claims.json", claims_json(claims))
    _write(directory / "claims.md", claims_markdown(table))
    for figure in figures:
        _write(directory / "figures" / f"{figure.name}.svg", figure.svg)
    _write(directory / "reproduce.html", _page(paper, claims, figures))
    return table


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    """Make a value fit for JSON, where a missing number is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def claims_json(claims: Sequence["Claim"]) -> str:
    """Write claims as JSON: a claim each, with its recomputations inside.

    Parameters
    ----------
    claims : sequence of Claim
        In their order.

    Returns
    -------
    str
        JSON text; missing numbers are null.
    """
    whole = ("id", "claim", "where", "reported", "verdict", "condition", "note")
    found = []
    for claim in claims:
        rows = [
            {name: _plain(getattr(row, name)) for name in row.__dataclass_fields__}
            for row in claim.rows
        ]
        found.append({**{name: getattr(claim, name) for name in whole}, "recomputed": rows})
    text = json.dumps({"paper": _SOURCE, "claims": found}, ensure_ascii=False, indent=1)
    return text + "\n"


def _by_claim(table: "pd.DataFrame") -> list[tuple["pd.Series", "pd.DataFrame"]]:
    """Each claim's first row, and all of its rows."""
    return [(rows.iloc[0], rows) for _, rows in table.groupby("id", sort=False)]


def claims_markdown(table: "pd.DataFrame") -> str:
    """Write a Markdown table, a line a claim.

    Parameters
    ----------
    table : pandas.DataFrame
        As `reproduce` returns it.

    Returns
    -------
    str
        Columns: where, claim, reported, recomputed, verdict.
    """
    lines = ["| where | claim | reported | recomputed | verdict |", "|---|---|---|---|---|"]
    for first, rows in _by_claim(table):
        verdict = f"**{first['verdict']}** {first['condition']}".strip()
        cells = (first["where"], first["claim"], first["reported"], _recomputed(rows), verdict)
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _recomputed(rows: "pd.DataFrame") -> str:
    """The p-values of a claim's tests, or its effects where it has none, in one line."""
    from ..stats.claims import TEST_LABELS
    from .report_words import format_number

    named = (rows["supports"] != "") | (rows["test"] == "wilcoxon")
    tests = rows[named & rows["p_two_sided"].notna()]
    parts = []
    for words, group in tests.groupby("assumption", sort=False):
        found = ", ".join(f"{TEST_LABELS[row.test]} {_p_values(row)}" for row in group.itertuples())
        parts.append(f"{words}: {found}" if words else found)
    if not parts:
        effects = rows[rows["effect"].notna() & (rows["test"] != "sprite")]
        for words, group in effects.groupby("assumption", sort=False):
            found = "; ".join(
                f"{row.effect_name}: {format_number(row.effect)}{_interval(row)}"
                for row in group.itertuples()
            )
            parts.append(f"{words}: {found}" if words else found)
    if not parts and (rows["test"] == "statements").any():
        return f"{len(rows)} statements side by side"
    return "; ".join(dict.fromkeys(parts)) or _NOTHING


def _interval(row: Any) -> str:
    from .report_words import format_number

    if math.isnan(row.ci_low):
        return ""
    return f" ({format_number(row.ci_low)} to {format_number(row.ci_high)})"


def _p_values(row: Any) -> str:
    """Two-sided p, and one-sided where it could matter."""
    from .report_words import format_p, p_clause

    two, one = row.p_two_sided, row.p_one_sided
    return p_clause(two) + (
        "" if math.isnan(one) or two < _FAR else f" (one-sided {format_p(one)})"
    )


def format_claims(table: "pd.DataFrame") -> str:
    """Write claims for a terminal, by verdict.

    Parameters
    ----------
    table : pandas.DataFrame
        As `reproduce` returns it.

    Returns
    -------
    str
        Under each verdict its claims, with what was recomputed.
    """
    from ..stats.claims import VERDICTS

    claims = _by_claim(table)
    blocks = [_SOURCE]
    for verdict in VERDICTS:
        own = [(first, rows) for first, rows in claims if first["verdict"] == verdict]
        if not own:
            continue
        lines = [f"{verdict.upper()} ({len(own)} of {len(claims)} claims)"]
        for first, rows in own:
            lines += _terminal_lines(first, rows)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _terminal_lines(first: "pd.Series", rows: "pd.DataFrame") -> list[str]:
    head = f"{first['claim']} [{first['where']}]"
    lines = textwrap.wrap(head, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    details = [f"only under: {first['condition']}"] if first["condition"] else []
    recomputed = _recomputed(rows)
    if first["verdict"] != "cannot be tested":
        details.append(f"reported: {first['reported']}")
        details += [] if recomputed == _NOTHING else [f"recomputed: {recomputed}"]
    elif first["claim_note"]:
        details.append(str(first["claim_note"]))
    for detail in details:
        lines += textwrap.wrap(
            detail, _WIDTH, initial_indent="      ", subsequent_indent="        "
        )
    return lines


def _page(paper: Paper, claims: Sequence["Claim"], figures: Sequence["PaperFigure"]) -> str:
    """Fill the page's template; everything stands inside the one file."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from ..stats.claims import TEST_LABELS, VERDICTS
    from .report_figures import embeddable
    from .report_words import format_number, format_p

    topics: dict[str, dict[str, list[Any]]] = {}
    for claim in claims:
        topic = str(paper.claims.loc[claim.id, "topic"])
        topics.setdefault(topic, {"claims": [], "figures": []})["claims"].append(claim)
    for figure in figures:
        svg = embeddable(
            figure.svg, name=figure.name, title=figure.title, description=figure.description
        )
        topics[figure.topic]["figures"].append((figure, Markup(svg)))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": format_number,
        "p": format_p,
        "df": _format_df,
        "with_p": _with_p,
    }
    template = resources.files("xenoquant.pipeline") / "reproduce.html"
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        source=_SOURCE,
        topics=topics,
        tests=TEST_LABELS,
        verdicts=_verdict_lists(claims, VERDICTS),
        supports=_SUPPORTS,
        one_line=_recomputed_by_id(claims),
    )


def _with_p(rows: Sequence["Recomputation"]) -> list["Recomputation"]:
    """Rows that have a p-value; without any, a table needs no columns for it."""
    return [row for row in rows if not math.isnan(row.p_two_sided)]


def _format_df(df: str) -> str:
    """Degrees of freedom with one decimal where they are no whole numbers."""
    return "; ".join(f"{round(float(part), 1):g}" for part in df.split(","))


def _verdict_lists(
    claims: Sequence["Claim"], verdicts: Sequence[str]
) -> Mapping[str, list["Claim"]]:
    return {verdict: [c for c in claims if c.verdict == verdict] for verdict in verdicts}


def _recomputed_by_id(claims: Sequence["Claim"]) -> dict[str, str]:
    from ..stats.claims import claims_table

    return {str(first["id"]): _recomputed(rows) for first, rows in _by_claim(claims_table(claims))}


_SUPPORTS = {
    "yes": "supports it",
    "no": "does not",
    "one-sided": "one-sided only",
    "one-sided as printed": "one-sided, at the printed numbers only",
    "one-sided if rounded": "one-sided, within rounding only",
    "as printed": "at the printed numbers only",
    "if rounded": "within rounding only",
    "contradicted": "contradicts",
    "": "",
}
"""What a recomputation says of its claim, for a reader."""
