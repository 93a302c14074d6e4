"""What the report says of readers: how they agree with one another and with the program."""

import pandas as pd

from .feature_words import feature_label
from .report_exhibits import Evidence, Exhibit
from .report_tables import plain_table
from .report_words import format_number

_STATISTICS = {
    "bias": "Bias (first − second)",
    "lower_limit": "Lower limit of agreement",
    "upper_limit": "Upper limit of agreement",
    "lin_concordance": "Lin's concordance",
    "icc_2_1": "ICC(2,1)",
    "cohen_kappa": "Cohen's kappa",
    "cohen_kappa_linear": "Cohen's kappa, linear weights",
    "matched": "Objects of both",
    "only_first": "Objects of the first alone",
    "only_second": "Objects of the second alone",
}
_PLACES = {"objects": "Objects", "classes": "Classes of matched objects"}


def agreement_exhibit(evidence: Evidence) -> Exhibit | None:
    """Show reader against reader and reader against program; None where nobody reviewed."""
    table = evidence.extra.get("agreement")
    if table is None or table.empty:
        return None
    shown = table.assign(
        readers=table["reader_a"] + " v " + table["reader_b"],
        of=[_PLACES.get(f) or feature_label(f) for f in table["feature"]],
        name=[_STATISTICS.get(s, s) for s in table["measure"]],
    )
    columns = {
        "readers": ("Readers", str),
        "of": ("Of", str),
        "name": ("Statistic", str),
        "value": ("Value", format_number),
        "ci_low": ("95 % CI low", format_number),
        "ci_high": ("95 % CI high", format_number),
        "n": ("n", format_number),
        "note": ("Note", str),
    }
    caption = "Agreement of the readers, and of readers and program, on the images both have"
    found = plain_table(f"{evidence.key}-agreement", caption, shown, columns)
    return Exhibit("Reader against reader and program", caption=_said(table), tables=[found])


def _said(table: pd.DataFrame) -> str:
    """Say in a sentence what the first pair's counts come to."""
    one, other = table.iloc[0]["reader_a"], table.iloc[0]["reader_b"]
    first = table[(table["reader_a"] == one) & (table["reader_b"] == other)]
    counts = first[first["feature"] == "objects"].set_index("measure")["value"]
    return (
        f"{one} and {other} have {counts['matched']:.0f} objects in common; "
        f"{counts['only_first']:.0f} are {one}'s alone and {counts['only_second']:.0f} {other}'s. "
        "Limits of agreement hold 95 % of the differences between two readings of an image."
    )
