"""Figures 1A, 1C, 4B and 6 of the paper, redrawn from the summaries that it prints."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .paper import Paper


@dataclass(frozen=True)
class PaperFigure:
    """A redrawn figure.

    Attributes
    ----------
    name : str
        Of the file that it is saved as, without suffix.
    topic : str
        Under which claims it stands.
    title, caption : str
        For a reader.
    svg, description : str
        The figure, and in words.
    """

    name: str
    topic: str
    title: str
    caption: str
    svg: str
    description: str


@dataclass(frozen=True)
class _Plan:
    """Which groups a figure shows, and what ± is taken to be."""

    name: str
    title: str
    caption: str
    groups: tuple[str, ...]
    kind: str
    label: str


_DIETS = "Tumours and nodules under three diets"
_BRACKETS = "Brackets: Newman-Keuls, and Tukey where it differs."
_SAID = f"± is said to be the SEM. {_BRACKETS}"
_AS_SEM = f"± is unlabelled and taken as the SEM. {_BRACKETS}"
_AS_SD = f"The same numbers with ± taken as the SD. {_BRACKETS}"

_PLANS = (
    _Plan(
        "figure_1a",
        "Figure 1A: volume of 4T1 tumours",
        _SAID,
        ("tumour_350", "tumour_35", "tumour_3.5"),
        "SEM",
        "Tumour volume (mm³)",
    ),
    _Plan(
        "figure_1c_sem",
        "Figure 1C: nodules, ± as SEM",
        _AS_SEM,
        ("nodules_350", "nodules_35", "nodules_3.5"),
        "SEM",
        "Nodules per lobe",
    ),
    _Plan(
        "figure_1c_sd",
        "Figure 1C: nodules, ± as SD",
        _AS_SD,
        ("nodules_350", "nodules_35", "nodules_3.5"),
        "SD",
        "Nodules per lobe",
    ),
    _Plan(
        "figure_4b_sem",
        "Figure 4B: iron therapy, ± as SEM",
        _AS_SEM,
        ("therapy_350", "therapy_3.5", "therapy_iron"),
        "SEM",
        "Tumour volume (mm³)",
    ),
    _Plan(
        "figure_4b_sd",
        "Figure 4B: iron therapy, ± as SD",
        _AS_SD,
        ("therapy_350", "therapy_3.5", "therapy_iron"),
        "SD",
        "Tumour volume (mm³)",
    ),
    _Plan(
        "figure_6",
        "Figure 6: haemoglobin by node status",
        "± is said to be the SD; the paper's box plots can't be redrawn from it. Bracket: "
        "Student's t, two-sided.",
        ("haemoglobin_negative", "haemoglobin_positive"),
        "SD",
        "Haemoglobin (g/L)",
    ),
)


def paper_figures(paper: "Paper") -> list[PaperFigure]:
    """Redraw the paper's figures from its printed summaries.

    Parameters
    ----------
    paper : Paper
        Its tables.

    Returns
    -------
    list of PaperFigure
        Those without a label of ± twice, once for each reading.
    """
    return [_drawn(paper, plan) for plan in _PLANS]


def _drawn(paper: "Paper", plan: _Plan) -> PaperFigure:
    from ..stats.comparison import comparison_table
    from ..stats.figures import chart_svg, summary_chart
    from ..stats.many_groups import tukey_hsd
    from ..stats.newman_keuls import newman_keuls
    from ..stats.two_groups import student_t

    groups = [paper.group(id).group(plan.kind) for id in plan.groups]
    many = len(groups) > 2
    rows = (
        [*newman_keuls(groups), *tukey_hsd(groups)] if many else [student_t(groups[1], groups[0])]
    )
    error: Any = plan.kind.lower()
    chart = summary_chart(
        groups, comparison_table(rows), title=plan.title, value_label=plan.label, error=error
    )
    topics = {"t": _DIETS, "n": _DIETS, "h": "Patients"}
    topic = "Iron therapy" if plan.groups[0].startswith("therapy") else topics[plan.groups[0][0]]
    description = str(chart.to_dict().get("description", plan.caption))
    return PaperFigure(plan.name, topic, plan.title, plan.caption, chart_svg(chart), description)
