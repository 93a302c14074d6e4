"""The page of a clinical table: odds ratios as a forest, missing values counted."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from .feature_words import feature_label
from .report_claims import Claim
from .report_exhibits import Evidence, Exhibit, Exhibits, filled
from .report_exhibits import held_tables as held
from .report_figures import chart_svg, specification_of
from .report_tables import Table, plain_table
from .report_words import format_number, format_p, level_label, p_clause

LOGISTIC = "logistic"
_IN_THE_LABEL = ("odds ratio per", "adjusted for", "alone")


def clinical_exhibits(evidence: Evidence) -> Exhibits:
    """Make the exhibits of a clinical table."""
    rows = evidence.comparisons[evidence.comparisons["test"] == LOGISTIC]
    models = _models(rows, evidence.assay.calibration)
    said = [_claim(row, evidence) for row in models if row["together"]]
    odds = Exhibit(
        f"Odds of {_outcome(evidence)}",
        figure=_forest(models, evidence),
        caption="Odds ratios of logistic regressions with profile-likelihood intervals, each for "
        "the stated amount of its predictor; the dashed line is no association.",
        claims=said,
        tables=held([_odds_table(models, evidence)]),
        wide=True,
    )
    missing = Exhibit("Missing values", tables=held([_missing_table(evidence)]))
    return Exhibits(
        notes=_sentences(evidence),
        after=filled([odds, missing]),
        folded=held([_summary_table(evidence)]),
        claims=said,
    )


def _sentences(evidence: Evidence) -> list[str]:
    notes = evidence.assay.calibration
    if "subjects" not in notes:
        return []
    outcome = str(notes["outcome"]).replace("_", " ")
    unknown = notes["rows"] - notes["subjects"]
    left_out = f" {unknown} rows could not be used or have no outcome." if unknown else ""
    return [
        f"Points and n are subjects, one row of the table each, not animals: {notes['subjects']} "
        f"subjects with a known {outcome}.{left_out} Groups are the outcomes of {outcome}."
    ]


def _outcome(evidence: Evidence) -> str:
    notes = evidence.assay.calibration
    return f"{str(notes.get('outcome', 'the outcome')).replace('_', ' ')} {_positive(notes)}"


def _positive(notes: Mapping[str, Any]) -> str:
    return str(notes.get("positive", "")).strip() or "positive"


def _models(rows: pd.DataFrame, notes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the odds ratios with their amounts, and whether all predictors stood in the model."""
    amounts = notes.get("predictors", {})
    seen: set[str] = set()
    found = []
    for row in rows.to_dict("records"):
        feature = row["feature"]
        amount = float(amounts.get(feature, 1.0))
        together = feature not in seen  # the model of all predictors stands first
        seen.add(feature)
        several = len(amounts) > 1
        model = "" if not several else "with the others" if together else "alone"
        label = f"{_per(feature, amount)}{f', {model}' if model else ''}"
        found.append(
            {**row, "amount": amount, "together": together, "label": label, "model": model}
        )
    return found


def _per(feature: str, amount: float) -> str:
    """Write a predictor with the amount that its odds ratio is for."""
    label = feature_label(feature)
    name, bracket, unit = label.partition(" (")
    words = unit.removesuffix(")")
    if amount == 1:
        words = words.removesuffix("s") if words in ("days", "years") else words
    return f"{name}, per {amount:g}{f' {words}' if bracket else ''}"


def _forest(models: list[dict[str, Any]], evidence: Evidence) -> Markup | None:
    known = [row for row in models if math.isfinite(row["effect"]) and row["effect"] > 0]
    if not known:
        return None
    from ..stats.figures import forest_chart

    effects = pd.DataFrame(
        [(row["label"], row["effect"], row["ci_low"], row["ci_high"]) for row in known],
        columns=["label", "estimate", "ci_low", "ci_high"],
    )
    title = f"Odds ratios of {_outcome(evidence)}"
    level = level_label(evidence.study.alpha)
    chart = forest_chart(effects, title=title, effect_label=f"Odds ratio ({level})")
    return chart_svg(specification_of(chart), name=f"{evidence.key}-odds", title=title)


def _claim(row: Mapping[str, Any], evidence: Evidence) -> Claim:
    outcome, label = _outcome(evidence), feature_label(row["feature"])
    if math.isnan(row["p_adjusted"]):
        kind, text = "untested", f"{label}: no odds ratio of {outcome} could be worked out."
    elif row["significant"]:
        rises = (row["effect"] > 1) == (row["amount"] > 0)
        kind = "all"
        text = f"{label}: the higher, the {'higher' if rises else 'lower'} the odds of {outcome}."
    else:
        kind = "none"
        text = (
            f"{label}: no association with {outcome} shown; this is no evidence that there is none."
        )
    low, high = format_number(row["ci_low"]), format_number(row["ci_high"])
    interval = f" ({level_label(evidence.study.alpha)} {low} to {high})"
    if math.isnan(row["ci_low"]) or math.isnan(row["ci_high"]):
        interval = ""
    amount = row["label"].partition(", ")[2]
    said = f"Odds ratio {format_number(row['effect'])}{interval} {amount}"
    return Claim(kind, text, f"{said}; {p_clause(row['p_adjusted'])}; {_details(row['note'])}.")


def _details(note: str) -> str:
    """Give a regression's note without what its label says already."""
    parts = [part.strip() for part in note.split(";")]
    return "; ".join(part for part in parts if part and not part.startswith(_IN_THE_LABEL))


def _odds_table(models: list[dict[str, Any]], evidence: Evidence) -> Table | None:
    if not models:
        return None
    level = level_label(evidence.study.alpha)
    table = pd.DataFrame(models).assign(details=[_details(row["note"]) for row in models])
    columns = {
        "label": ("Predictor", str),
        "effect": ("Odds ratio", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "p_adjusted": ("p", format_p),
        "details": ("Model", str),
    }
    caption = f"Odds ratios of {_outcome(evidence)}"
    return plain_table(f"{evidence.key}-odds-ratios", caption, table, columns)


def _missing_table(evidence: Evidence) -> Table | None:
    if "missing" not in evidence.extra:
        return None
    columns = {
        "column": ("Column", str),
        "missing": ("Missing", format_number),
        "rows": ("In rows", lambda text: text or "none"),
    }
    caption = "Missing values; a subject is left out of what needs the value"
    return plain_table(f"{evidence.key}-missing", caption, evidence.extra["missing"], columns)


def _summary_table(evidence: Evidence) -> Table | None:
    if "summary" not in evidence.extra:
        return None
    columns = {
        "feature": ("Predictor", feature_label),
        "group": ("Outcome", str),
        "n": ("n (subjects)", format_number),
        "missing": ("Missing", format_number),
        "mean": ("Mean", format_number),
        "sd": ("SD", format_number),
        "median": ("Median", format_number),
    }
    caption = "Predictors by outcome, with missing values"
    return plain_table(f"{evidence.key}-summary", caption, evidence.extra["summary"], columns)
