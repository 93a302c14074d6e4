"""The report's methods section, in sentences that a paper can take over."""

from .report_details import image_details
from .report_view import ANIMALS, AssayView, StudyView
from .report_words import label_of_test, listed, method_label

NEWMAN_KEULS_CAUTION = (
    "Newman-Keuls controls the family-wise error only weakly: when some groups truly differ, it "
    "declares differences between the others more often than the stated level. Tukey's HSD stands "
    "beside it; where the two disagree, the cautious reading is Tukey's."
)

NEWMAN_KEULS_REMINDER = (
    "Read Newman-Keuls beside Tukey: it controls the family-wise error only weakly."
)

_UNIT_STATEMENT = (
    "The experimental unit is the animal. Cells, nodules and fields of one animal are summarised "
    "into one value before any test; they are never counted as n."
)

_METHOD_SENTENCES = {
    "nodules": "lobes were separated from the background of each photograph, and pale nodules were "
    "outlined on them",
    "fluorescence": "nuclei were segmented, cells were grown around them, and the marker's "
    "intensity was read per compartment above the local background",
    "dab": "colours were converted to optical density and separated into hematoxylin and DAB, "
    "nuclei were segmented, cells were grown around them, and each cell was classed by its mean "
    "DAB optical density",
    "blot": "lanes and bands were found, each band's volume was taken above its background, "
    "divided by the loading control of the same lane, and given relative to the reference group's "
    "mean on the same image; a pooled lane has n = 1 and is not tested",
    "growth": "tumour volumes of each day were compared between groups, with the first day from "
    "which they differ as tested day by day and as corrected by Holm's procedure for looking on "
    "all days; growth rates are slopes of ln(volume) on days of each animal, also fitted by a "
    "mixed model with an intercept and a slope of each animal",
    "qpcr": "Cq values of replicate wells were averaged, turned into quantities by each gene's "
    "amplification, normalised to the geometric mean of the reference genes and given relative to "
    "the reference group; fold changes were tested on log2, adjusted over genes by Benjamini and "
    "Hochberg's procedure; a pooled sample has n = 1 and is not tested",
    "iron": "values were converted to µmol/L and g/L; transferrin saturation is 100 × serum iron ÷ "
    "total iron-binding capacity; Spearman's correlations are over animals of all groups",
    "clinical": "predictors were compared between the two outcomes, and the outcome was regressed "
    "on them, together and one by one, by logistic regression with profile-likelihood intervals; "
    "subjects with a missing value are left out of what needs it, and counted",
}

_AREAS_ALONE = (
    "colours were converted to optical density and separated into hematoxylin and DAB, and the "
    "tissue's positive area was taken; cells were not looked for"
)

_ADJUSTMENTS = {
    "holm": "by Holm's procedure",
    "benjamini_hochberg": "by Benjamini and Hochberg's procedure",
}


def unit_statement(study: StudyView) -> str:
    """Say what n counts; in a table of people it is subjects, not animals."""
    others = [assay.name for assay in study.assays.values() if assay.unit != ANIMALS]
    if not others:
        return f"{_UNIT_STATEMENT} Every n in this report is a number of animals."
    return (
        f"{_UNIT_STATEMENT} In {listed(others)} the unit is the subject, a row of the table, and n "
        "counts subjects; every other n in this report is a number of animals."
    )


def adjustment_sentence(study: StudyView) -> str:
    """Say how p-values are adjusted over the features of an assay."""
    if study.adjust in _ADJUSTMENTS:
        return (
            f"P-values are adjusted {_ADJUSTMENTS[study.adjust]} over the features of an assay, "
            "one test of one pair of groups being a family; they are not adjusted over assays."
        )
    if any(assay.style.ratios for assay in study.assays.values()):
        return (
            "P-values are not adjusted for the number of assays or features, except those of a "
            "qPCR, which are adjusted over its genes."
        )
    return "P-values are not adjusted for the number of assays or features."


def methods_paragraph(study: StudyView, tests: list[str], version: str) -> list[str]:
    """Describe the analysis in sentences that a methods section can take over.

    Parameters
    ----------
    study : StudyView
        The study.
    tests : list of str
        Names of the tests in ``comparisons.csv``.
    version : str
        Of the program; may be empty.

    Returns
    -------
    list of str
        Paragraphs.
    """
    program = f"xenoquant {version}".strip()
    sheets = [assay for assay in study.assays.values() if assay.is_table]
    what = "Images" if not sheets else "Images and tables"
    if sheets and len(sheets) == len(study.assays):
        what = "Tables"
    paragraphs = [f"{what} were analysed with {program}. " + unit_statement(study)]
    for assay in study.assays.values():
        sentence = _METHOD_SENTENCES.get(assay.method)
        if sentence:
            if assay.method == "dab" and assay.parameters.get("cells") is False:
                sentence = _AREAS_ALONE
            details = _method_details(assay)
            paragraphs.append(f"{assay.name} ({method_label(assay)}): {sentence}.{details}")
    if tests:
        names = listed([label_of_test(test) for test in tests])
        paragraphs.append(
            f"Groups ({listed(list(study.groups))}; reference {study.reference}) were compared at "
            f"α = {study.alpha:g} with: {names}. Effects of pairs are differences of group means, "
            f"first group minus second{_other_effects(study)}. {adjustment_sentence(study)} "
            "The feature reported first in each assay is the main result, the others describe it."
        )
        if "newman_keuls" in tests:
            paragraphs.append(NEWMAN_KEULS_CAUTION)
    return paragraphs


def _method_details(assay: AssayView) -> str:
    """Give what the assay's own notes add to its sentence."""
    notes = assay.calibration
    if assay.method == "growth" and notes.get("formula_text"):
        return f" Volume = {notes['formula_text']}."
    if assay.method == "qpcr" and notes.get("reference_genes"):
        return f" Reference genes: {listed(list(notes['reference_genes']))}."
    details = image_details(assay.method, assay.parameters, notes)
    return f" {details}" if details else ""


def _other_effects(study: StudyView) -> str:
    """Name the effects that are no difference of means."""
    methods = {assay.method for assay in study.assays.values()}
    others = []
    if "qpcr" in methods:
        others.append("of fold changes they are ratios of geometric means")
    if "clinical" in methods:
        others.append("of logistic regressions they are odds ratios")
    return "".join(f"; {words}" for words in others)
