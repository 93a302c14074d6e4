"""The page of tumour growth: curves, the day from which groups differ, time to a size."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from .report_claims import Claim
from .report_exhibits import Evidence, Exhibit, Exhibits, filled, flag_counts, flag_table
from .report_exhibits import held_tables as held
from .report_figures import Mark, curves_svg
from .report_tables import Cell, Table, plain_table
from .report_words import (
    MISSING,
    format_number,
    format_p,
    label_of_test,
    level_label,
    listed,
    p_clause,
)

_INHIBITION = {
    "volume_change": "from the change of volume",
    "relative_volume": "from relative volumes",
    "final_volume": "from final volumes (T/C)",
    "auc": "from the area under the curve",
}
_PAIRS_SHOWN = 6


def growth_exhibits(evidence: Evidence) -> Exhibits:
    """Make the exhibits of a growth assay."""
    notes = evidence.assay.calibration
    onset, test = _onset(evidence)
    curves = _curves(evidence, onset)
    days = Exhibit(
        "Day by day",
        tables=held([_onset_table(evidence), _day_table(evidence, test)]),
        caption="Each day's p-values are its own; those over all days are corrected by Holm's "
        "procedure for looking on many days.",
    )
    survival = _time_to_size(evidence)
    return Exhibits(
        notes=_sentences(notes),
        before=filled([curves, days, survival]),
        folded=held(
            [
                _mean_table(evidence),
                _test_table(evidence),
                _inhibition_table(evidence),
                _follow_up_table(evidence),
                flag_table(evidence),
            ]
        ),
        lead=None if curves.figure is None else curves,
        claims=[*onset, *survival.claims],
        flags=flag_counts(evidence.extra),
    )


def _sentences(notes: Mapping[str, Any]) -> list[str]:
    """Say what a reader must know of this table."""
    said = []
    if notes.get("formula_text"):
        said.append(f"Volume = {notes['formula_text']}.")
    day = notes.get("flagged_after_day")
    if day is not None:
        said.append(
            f"The first animal left after day {day:g}: later means are of the animals that "
            "remained, and later days are flagged after_removal."
        )
    if notes.get("removed_at_size_limit"):
        said.append(f"Removed at the size limit: {listed(list(notes['removed_at_size_limit']))}.")
    if notes.get("left_early"):
        said.append(f"Left early for another reason: {listed(list(notes['left_early']))}.")
    return said


def _curves(evidence: Evidence, onset: list[Claim]) -> Exhibit:
    title = "Tumour volume over days"
    if "curves" not in evidence.extra:
        return Exhibit(title, claims=onset)
    table = evidence.extra["curves"].rename(columns={"volume_mm3": "value"})
    day = evidence.assay.calibration.get("flagged_after_day")
    figure = curves_svg(
        table,
        groups=evidence.groups,
        title=title,
        value_label="Volume (mm³)",
        name=f"{evidence.key}-curves",
        mark=None if day is None else Mark(float(day), "first animal left"),
    )
    again = None
    if figure is not None:
        again = Markup(figure.replace(f"{evidence.key}-curves", f"m{evidence.key}-curves"))
    return Exhibit(
        title,
        figure=figure,
        caption="Each animal's own curve, and mean ± SEM of its group.",
        claims=onset,
        again=again,
    )


def _onset(evidence: Evidence) -> tuple[list[Claim], str]:
    """Say from which day pairs differ, by the test that the figures' brackets are of."""
    from ..stats.brackets import bracket_test

    onset = evidence.extra.get("onset")
    if onset is None or onset.empty:
        return [], ""
    test = bracket_test(onset)
    rows = onset[(onset["test"] == test) & (onset["group_b"] != "")]
    reference = evidence.study.reference
    first = (rows["group_a"] != reference) & (rows["group_b"] != reference)
    rows = rows.assign(last=first).sort_values("last", kind="stable")
    return [_onset_claim(row) for row in rows.head(_PAIRS_SHOWN).to_dict("records")], test


def _onset_claim(row: Mapping[str, Any]) -> Claim:
    pair = f"{row['group_a']} and {row['group_b']}"
    first, lasting = row["first_day"], row["lasting_from_day"]
    corrected = row["lasting_from_day_holm"]
    if not math.isnan(lasting):
        text = f"{pair} differ from day {lasting:g} on."
    elif not math.isnan(first):
        text = f"{pair} differ first on day {first:g}, and not on every day after it."
    else:
        text = f"{pair}: no day on which a difference was shown."
    looks = f"corrected for looking on {row['days_tested']:.0f} days"
    if not math.isnan(corrected):
        said = f"{looks} (Holm), from day {corrected:g} on"
    elif not math.isnan(row["first_day_holm"]):
        said = f"{looks} (Holm), first on day {row['first_day_holm']:g}, not on every day after it"
    else:
        said = f"{looks} (Holm), on no day"
    kind = "all" if not math.isnan(corrected) else "none" if math.isnan(first) else "some"
    return Claim(kind, text, f"{label_of_test(row['test'])}, each day by itself; {said}.")


def _onset_table(evidence: Evidence) -> Table | None:
    if "onset" not in evidence.extra:
        return None
    columns = {
        "test": ("Test", label_of_test),
        "group_a": ("Group", str),
        "group_b": ("Against", str),
        "days_tested": ("Days tested", format_number),
        "first_day": ("First day", format_number),
        "lasting_from_day": ("Lasting from day", format_number),
        "first_day_holm": ("First day, corrected", format_number),
        "lasting_from_day_holm": ("Lasting from day, corrected", format_number),
    }
    caption = "The day from which groups differ, uncorrected and corrected over days (Holm)"
    return plain_table(f"{evidence.key}-onset", caption, evidence.extra["onset"], columns)


def _day_table(evidence: Evidence, test: str) -> Table | None:
    """Lay out the p-values of each day and pair, by one test."""
    days = evidence.extra.get("days")
    if days is None or not test:
        return None
    rows = days[(days["test"] == test) & (days["group_b"] != "")]
    pairs = list(dict.fromkeys(zip(rows["group_a"], rows["group_b"], strict=True)))
    pairs.sort(key=lambda pair: evidence.study.reference not in pair)
    pairs = pairs[:_PAIRS_SHOWN]
    laid = []
    for day, own in rows.groupby("day", sort=True):
        by_pair = {(row["group_a"], row["group_b"]): row for row in own.to_dict("records")}
        cells = [Cell(format_number(float(str(day))), float(str(day)))]
        for pair in pairs:
            row = by_pair.get(pair, {})
            numbers = [row.get(name, math.nan) for name in ("p_adjusted", "p_over_days")]
            cells += [Cell(format_p(number), number) for number in numbers]
        laid.append((*cells, Cell(" ".join(dict.fromkeys(own["flag"])).strip())))
    if not (rows["flag"] != "").any():
        laid = [cells[:-1] for cells in laid]
    names = [f"{a} − {b}" for a, b in pairs]
    columns = [heading for name in names for heading in (f"p, {name}", f"over all days, {name}")]
    columns = ["Day", *columns, "Flag"][: len(laid[0]) if laid else None]
    numeric = tuple(heading != "Flag" for heading in columns)
    caption = f"p-values of each day, {label_of_test(test)}: that day's own, and over all days"
    return Table(f"{evidence.key}-day-p", caption, tuple(columns), numeric, tuple(laid))


def _test_table(evidence: Evidence) -> Table | None:
    if "days" not in evidence.extra:
        return None
    columns = {
        "day": ("Day", format_number),
        "test": ("Test", label_of_test),
        "group_a": ("Group", str),
        "group_b": ("Against", str),
        "effect": ("Effect", format_number),
        "ci_low": (f"{level_label(evidence.study.alpha)} from", format_number),
        "ci_high": ("to", format_number),
        "p": ("p", format_p),
        "p_adjusted": ("p adjusted", format_p),
        "p_over_days": ("p over all days", format_p),
        "flag": ("Flag", str),
    }
    caption = "All tests of every day"
    return plain_table(f"{evidence.key}-days", caption, evidence.extra["days"], columns)


def _mean_table(evidence: Evidence) -> Table | None:
    if "means" not in evidence.extra:
        return None
    columns = {
        "day": ("Day", format_number),
        "group": ("Group", str),
        "n": ("n (animals)", format_number),
        "animals": ("of", format_number),
        "mean_mm3": ("Mean (mm³)", format_number),
        "sem_mm3": ("SEM", format_number),
        "flag": ("Flag", str),
    }
    means = evidence.extra["means"].sort_values("day", kind="stable")
    return plain_table(f"{evidence.key}-means", "Mean volumes of every day", means, columns)


def _inhibition_table(evidence: Evidence) -> Table | None:
    if "inhibition" not in evidence.extra:
        return None
    level = level_label(evidence.study.alpha)
    columns = {
        "definition": ("Definition", lambda code: _INHIBITION.get(code, code)),
        "group": ("Group", str),
        "reference": ("Against", str),
        "percent": ("Inhibition (%)", format_number),
        "ci_low": (f"{level} from", format_number),
        "ci_high": ("to", format_number),
        "note": ("Note", str),
    }
    table = evidence.extra["inhibition"]
    span = table[["first_day", "last_day"]].drop_duplicates().to_numpy()
    between = f", day {span[0][0]:g} to {span[0][1]:g}" if len(span) == 1 else ""
    caption = f"Tumour growth inhibition by each definition in use{between}; below 0: grew more"
    return plain_table(f"{evidence.key}-inhibition", caption, table, columns)


def _follow_up_table(evidence: Evidence) -> Table | None:
    if "follow_up" not in evidence.extra:
        return None
    columns = {
        "animal": ("Animal", str),
        "group": ("Group", str),
        "first_day": ("First day", format_number),
        "last_day": ("Last day", format_number),
        "last_volume_mm3": ("Last volume (mm³)", format_number),
        "end": ("End", lambda code: str(code).replace("_", " ")),
    }
    caption = "How long each animal was measured"
    return plain_table(f"{evidence.key}-follow-up", caption, evidence.extra["follow_up"], columns)


def _time_to_size(evidence: Evidence) -> Exhibit:
    """Show the time until tumours have the size at which animals are removed."""
    notes = evidence.assay.calibration.get("time_to_size")
    if not notes:
        return Exhibit("")
    size = f"{format_number(float(notes['size_mm3']))} mm³"
    test = notes["log_rank"]
    p = test.get("p")
    p = math.nan if p is None else float(p)
    if math.isnan(p):
        text, kind = f"The time to {size} could not be compared.", "untested"
    elif p < evidence.study.alpha:
        text, kind = f"Groups differ in the time to {size}.", "all"
    else:
        text, kind = f"No difference in the time to {size} was shown.", "none"
    statistic = test.get("statistic")
    chi = "" if statistic is None else f", χ² = {format_number(float(statistic))}"
    words = f"Log-rank test{chi}, {p_clause(p)}"
    claim = Claim(kind, text, "; ".join(part for part in (words, test.get("note", "")) if part))
    return Exhibit(
        f"Time to {size}", claims=[claim], tables=held([_survival_table(evidence, size)])
    )


def _survival_table(evidence: Evidence, size: str) -> Table:
    """Count animals and those that reached the size, with each group's median time."""
    medians = evidence.assay.calibration["time_to_size"]["median_days"]
    events = evidence.extra.get("time_to_size", pd.DataFrame(columns=["group", "reached"]))
    rows = []
    for group in evidence.groups:
        own = events[events["group"] == group]
        if own.empty and group not in medians:
            continue
        reached = int((own["reached"].astype(str).str.lower() == "true").sum())
        median = medians.get(group)
        value = math.nan if median is None else float(median)
        counts = [Cell(str(number), float(number)) for number in (len(own), reached)]
        words = format_number(value) if median is not None else f"{MISSING} (not reached by half)"
        rows.append((Cell(group), *counts, Cell(words, value)))
    headings = ("Group", "Animals", f"Reached {size}", "Median day (Kaplan-Meier)")
    caption = f"Time to {size}: animals that left earlier count until they left"
    return Table(
        f"{evidence.key}-survival", caption, headings, (False, True, True, True), tuple(rows)
    )
