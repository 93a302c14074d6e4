"""The report against a small results folder written by hand: what it must say, and must not."""

import base64
import io
import itertools
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xenoquant.pipeline import report
from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.report_claims import claims, pairs_of
from xenoquant.pipeline.report_figures import embeddable
from xenoquant.pipeline.report_gallery import overlay_of
from xenoquant.pipeline.report_words import (
    feature_label,
    flag_meaning,
    format_number,
    format_p,
    p_clause,
)
from xenoquant.pipeline.results_tables import COLUMNS, read_tables

# Three animals a group. Means 2, 4, 9; each group's deviations are −1, 0, 1, so SD = 1 and
# SEM = 1/√3. The p-values are invented, and told apart by their digits.
GROUPS = ("control", "low", "none")
ANIMALS = {
    "control": {"007": 1.0, "008": 2.0, "NA": 3.0},
    "low": {"101": 3.0, "102": 4.0, "103": 5.0},
    "none": {"201": 8.0, "202": 9.0, "203": 10.0},
}
HOSTILE = "<script>alert('x')</script> & \"quotes\" 🐭"

COMPARISONS = [
    # test, a, b, statistic, df, p, p_adjusted, effect, low, high, significant, note
    ("anova", "", "", 39.0, "2, 6", 0.000362, 0.000362, 0.93, "", "", True, ""),
    ("newman_keuls", "low", "control", 3.46, "6", 0.0412, 0.0412, 2.0, "", "", True, ""),
    ("newman_keuls", "none", "control", 12.1, "6", 2.5e-9, 2.5e-9, 7.0, "", "", True, ""),
    ("newman_keuls", "none", "low", 8.66, "6", 0.311, 0.311, 5.0, "", "", False, ""),
    ("tukey_hsd", "low", "control", 3.46, "6", 0.102, 0.102, 2.0, -0.5, 4.5, False, ""),
    ("tukey_hsd", "none", "control", 12.1, "6", 0.000212, 0.000212, 7.0, 4.5, 9.5, True, ""),
    ("tukey_hsd", "none", "low", 8.66, "6", 0.412, 0.412, 5.0, 2.5, 7.5, False, ""),
]


def comparison_table(feature: str = "nodules") -> pd.DataFrame:
    rows = [("lungs", feature, *row) for row in COMPARISONS]
    return pd.DataFrame(rows, columns=list(COLUMNS["comparisons"]))


def group_table(feature: str = "nodules") -> pd.DataFrame:
    sem = 1 / math.sqrt(3)
    rows = [
        ("lungs", feature, group, 3, mean, 1.0, sem, mean - 2.48, mean + 2.48, mean, mean, mean)
        for group, mean in zip(GROUPS, (2.0, 4.0, 9.0), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["groups"]))


def write_results(folder: Path, *, problems: list[tuple[str, ...]] | None = None) -> Path:
    """Write the tables and one overlay an image; 007.jpg carries two flags."""
    images, animals = [], []
    for group, held in ANIMALS.items():
        for animal, value in held.items():
            image = f"lungs/{animal}.jpg"
            flag = "heavy_glare;no_scale" if animal == "007" else ""
            images.append(("lungs", image, animal, group, "sample", "nodules", value, flag))
            animals.append(("lungs", "nodules", animal, group, value, 1, int(value)))
            overlay = folder / "overlays" / "lungs" / "lungs" / f"{animal}.jpg"
            overlay.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((60, 90, 3), 90, np.uint8)).save(overlay)
    images.append(("lungs", "lungs/igg.jpg", "", "", "negative_control", "nodules", 0.25, ""))
    tables: dict[str, list[Any]] = {
        "images": images,
        "animals": animals,
        "problems": problems or [],
    }
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    group_table().to_csv(folder / "groups.csv", index=False)
    comparison_table().to_csv(folder / "comparisons.csv", index=False)
    return folder


def study(**changes: Any) -> StudyView:
    assay = AssayView(
        "lungs",
        "nodules",
        ("nodules",),
        parameters={"min_diameter_mm": 0.2, "name": HOSTILE},
        calibration={"threshold": {"value": 12.5}},
        notes=("A note for the reader.",),
    )
    held: dict[str, Any] = {
        "title": "Three diets",
        "groups": GROUPS,
        "reference": "control",
        "assays": {"lungs": assay},
        "run": {"versions": {"xenoquant": "9.8.7"}, "counts": {"measured": 9}},
    }
    return StudyView(**(held | changes))


class Page(HTMLParser):
    """What a reader finds: text by section, tags, ids, links and the cells of tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.cells: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.text = ""
        self._table = ""
        self._cell: list[str] | None = None
        self._value: str | None = None
        self._silent = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append(tag)
        self._silent = tag in ("script", "style")
        if held.get("id"):
            self.ids.append(str(held["id"]))
        for name in ("href", "src", "action", "data", "poster", "srcset"):
            if name in held:
                self.links.append((tag, str(held[name])))
        if tag == "table":
            self._table = str(held.get("id", ""))
            self.cells[self._table] = []
        elif tag == "tr" and self._table:
            self.cells[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self._cell, self._value = [], held.get("data-value")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag == "table":
            self._table = ""
        elif tag in ("td", "th") and self._cell is not None:
            text = "".join(self._cell).strip()
            self.cells[self._table][-1].append((text, self._value))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.text += data
        if self._cell is not None:
            self._cell.append(data)


def page_of(folder: Path, view: StudyView | None = None, **options: Any) -> Page:
    return Page(write_report(folder, view or study(), **options).read_text(encoding="utf-8"))


# ---- words ----


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0412, "0.0412"),
        (0.00045, "0.000450"),
        (0.0001, "0.000100"),
        (0.0000999, "< 0.0001"),
        (0.0, "< 0.0001"),
        (1.0, "1.00"),
        (math.nan, "–"),
    ],
)
def test_p_values_have_three_digits_and_are_never_zero(p: float, text: str) -> None:
    """By hand; below 0.0001 a bound stands instead of digits."""
    assert format_p(p) == text


def test_p_values_in_sentences() -> None:
    """ "p = …", "p < …", and words where there is none."""
    assert p_clause(0.0412) == "p = 0.0412"
    assert p_clause(1e-12) == "p < 0.0001"
    assert p_clause(math.nan) == "no p-value"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.5, "0.5000"),
        (-2.34567, "−2.346"),
        (123456.7, "123,457"),
        (0.0000123, "1.230 × 10⁻⁵"),
        (0.0, "0"),
        (math.inf, "∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_by_hand(value: float, text: str) -> None:
    """Four significant digits, whole numbers whole, a true minus sign."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("feature", "label"),
    [
        ("lobe_area_mm2", "Lobe area (mm²)"),
        ("transferrin_saturation_percent", "Transferrin saturation (%)"),
        ("h_score", "H-score"),
        ("something_new", "Something new"),
    ],
)
def test_features_are_named_with_their_unit(feature: str, label: str) -> None:
    """The unit in a feature's name becomes a unit in brackets."""
    assert feature_label(feature) == label


def test_flags_speak_for_themselves() -> None:
    """A flag without an entry is written in its own words; a detail behind a colon is kept."""
    assert flag_meaning("torn_section") == "Torn section."
    assert flag_meaning("same_bytes_as:lungs/a.jpg").endswith("of the assay: lungs/a.jpg")


# ---- claims ----


def claims_by_pair() -> dict[str, Any]:
    lines = claims(
        read_like(comparison_table()), read_like(group_table()), reference="control", alpha=0.05
    )
    return {line.text: line for line in lines}


def read_like(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table the types that reading it would."""
    numbers = ["ci_low", "ci_high"]
    return table.assign(**{name: pd.to_numeric(table[name], errors="coerce") for name in numbers})


def test_claims_follow_the_tests_by_hand() -> None:
    """Both tests: a claim; one test: a claim with its limit; none: no claim of equality."""
    said = claims_by_pair()
    assert "Higher in none than in control." in said
    assert "Higher in low than in control by Newman-Keuls alone, not by Tukey's HSD." in said
    nothing = "No difference shown between none and low; this is no evidence that they are equal."
    assert nothing in said
    assert next(iter(said)) == "A difference between the groups is shown."


def test_claims_carry_effect_interval_and_p() -> None:
    """Numbers of the hand-written table, with the interval's test named."""
    evidence = claims_by_pair()["Higher in none than in control."].evidence
    assert "Means 9 (n = 3) and 2 (n = 3)" in evidence
    assert "difference +7 (95 % CI 4.500 to 9.500, Tukey's HSD)" in evidence
    assert "Newman-Keuls p < 0.0001" in evidence
    assert "Tukey's HSD p = 0.000212" in evidence


def test_pairs_given_in_either_order_are_one_pair() -> None:
    """Tests that name the pair the other way round join it; the interval's order is kept."""
    table = read_like(comparison_table())
    turned = table["test"] == "newman_keuls"
    table.loc[turned, ["group_a", "group_b"]] = table.loc[turned, ["group_b", "group_a"]].to_numpy()
    pairs = pairs_of(table)
    assert len(pairs) == 3
    assert {(pair.group_a, pair.group_b) for pair in pairs} == {
        ("low", "control"),
        ("none", "control"),
        ("none", "low"),
    }
    assert all(len(pair.tests) == 2 for pair in pairs)


def test_a_pair_without_p_is_not_called_equal() -> None:
    """With n = 1 there is no test: the line gives the table's reason and claims nothing."""
    row = ("lungs", "nodules", "student_t", "low", "control", "", "", math.nan, math.nan, 2.0)
    reason = "no test: low has n = 1"
    table = pd.DataFrame(
        [(*row, math.nan, math.nan, False, reason)], columns=list(COLUMNS["comparisons"])
    )
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "low and control could not be tested."
    assert reason in line.evidence


def test_an_effect_that_is_no_difference_is_not_called_one() -> None:
    """Dunn's z alone: direction from the groups' means, no difference and no interval."""
    row = ("lungs", "nodules", "dunn", "none", "control", 3.0, "", 0.001, 0.003, 0.9)
    table = pd.DataFrame([(*row, 0.1, 1.0, True, "")], columns=list(COLUMNS["comparisons"]))
    (line,) = claims(table, read_like(group_table()), reference="control", alpha=0.05)
    assert line.text == "Higher in none than in control."
    assert "difference" not in line.evidence
    assert "Dunn p = 0.00300" in line.evidence


# ---- reading ----


def test_identifiers_stay_text(tmp_path: Path) -> None:
    """Animals called 007 and NA keep their names, as the sheet wrote them."""
    animals = read_tables(write_results(tmp_path))["animals"]
    assert animals["animal"].tolist()[:3] == ["007", "008", "NA"]
    assert animals["value"].tolist()[:3] == [1.0, 2.0, 3.0]


def test_numbers_are_read_digit_for_digit(tmp_path: Path) -> None:
    """Every double comes back as it was written, the shortest and the longest."""
    values = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308]
    rows = [("a", "f", str(i), "g", value, 1, 1) for i, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=list(COLUMNS["animals"]))
    table.to_csv(tmp_path / "animals.csv", index=False)
    assert read_tables(tmp_path)["animals"]["value"].tolist() == values


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """The error says which table, which column, what came and what to do."""
    write_results(tmp_path)
    text = (tmp_path / "groups.csv").read_text().replace("2.0", "two", 1)
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(ValueError, match=r"groups\.csv, column mean: 'two' is no number"):
        read_tables(tmp_path)
    (tmp_path / "groups.csv").write_text("assay,feature\n")
    with pytest.raises(ValueError, match=r"groups\.csv lacks group, n, mean"):
        read_tables(tmp_path)


# ---- the page ----


def test_the_tables_hold_the_csvs_numbers(tmp_path: Path) -> None:
    """Every number of groups.csv and comparisons.csv stands in the page with all its digits."""
    page = page_of(write_results(tmp_path))
    groups = page.cells["a0-groups"][1:]
    assert [row[1][0] for row in groups] == list(GROUPS)
    for row, record in zip(groups, group_table().to_dict("records"), strict=True):
        names = ("n", "mean", "sd", "sem", "ci_low", "ci_high", "median", "q1", "q3")
        assert [float(str(value)) for _, value in row[2:]] == [record[name] for name in names]
    tests = page.cells["a0-comparisons"][1:]
    assert [float(str(row[9][1])) for row in tests] == [held[5] for held in COMPARISONS]
    assert [row[9][0] for row in tests][:3] == ["0.000362", "0.0412", "< 0.0001"]
    assert [row[11][0] for row in tests] == ["yes" if held[10] else "no" for held in COMPARISONS]


def test_tukey_stands_beside_newman_keuls_with_the_caution(tmp_path: Path) -> None:
    """One row a pair: difference with Tukey's interval, then both p-values."""
    page = page_of(write_results(tmp_path))
    head, first, *_ = page.cells["a0-f0-pairs"]
    assert [text for text, _ in head] == [
        "Pair",
        "Difference (95 % CI)",
        "p, Newman-Keuls",
        "p, Tukey's HSD",
    ]
    assert [text for text, _ in first] == [
        "low − control",
        "2 (−0.5000 to 4.500)",
        "0.0412",
        "0.102",
    ]
    assert "controls the family-wise error only weakly" in page.text


def test_problems_come_first_and_in_words(tmp_path: Path) -> None:
    """A failed image stands above everything that was measured, with reason and remedy."""
    row = ("lungs", "lungs/x.jpg", "read", "the file isn't there", "put the file there")
    page = page_of(write_results(tmp_path, problems=[row]))
    assert [text for text, _ in page.cells["problems-table"][1]] == list(row)
    assert page.text.index("put the file there") < page.text.index("n counts animals.")
    assert page.ids.index("problems") < page.ids.index("overview") < page.ids.index("findings")


def test_no_problems_is_said(tmp_path: Path) -> None:
    """Silence could mean that nobody looked."""
    assert "No problems: every input was read" in page_of(write_results(tmp_path)).text


def test_flags_name_their_images(tmp_path: Path) -> None:
    """007.jpg carries two flags: each has its row, meaning and a link to the image's card."""
    page = page_of(write_results(tmp_path))
    rows = {row[0][0]: row for row in page.cells["flags-table"][1:]}
    assert set(rows) == {"heavy_glare", "no_scale"}
    assert "lengths and areas are missing" in rows["no_scale"][1][0]
    assert rows["no_scale"][2][0] == "lungs/007.jpg"
    assert ("a", "#img-0") in page.links
    assert "img-0" in page.ids


def test_what_was_measured_by_hand(tmp_path: Path) -> None:
    """Nine images of nine animals, one control, 45 nodules (1+2+3+3+4+5+8+9+10)."""
    (row,) = page_of(write_results(tmp_path)).cells["measured"][1:]
    texts = [text for text, _ in row]
    assert texts[3:6] == ["9 images", "1", "0"]
    assert texts[6] == "9 animals (control: 3; low: 3; none: 3)"
    assert texts[7] == "45 nodules"


def test_negative_controls_stand_apart_with_their_own_value(tmp_path: Path) -> None:
    """The control's 0.25 beside the samples' mean of 5 (45/9); it enters no group."""
    page = page_of(write_results(tmp_path))
    control, samples = page.cells["a0-controls"][1:]
    assert [text for text, _ in control] == [
        "Nodules", "negative controls", "1", "0.2500", "0.2500", "0.2500"
    ]  # fmt: skip
    assert [text for text, _ in samples] == ["Nodules", "samples", "9", "5", "1", "10"]
    assert "0.25" not in "".join(text for row in page.cells["a0-animals"] for text, _ in row)


def test_the_unit_and_rendering_are_stated(tmp_path: Path) -> None:
    """n counts animals everywhere; rendered images are called so at the top and by each assay."""
    page = page_of(write_results(tmp_path), study(rendered=True))
    assert "The experimental unit is the animal." in page.text
    assert "never counted as n" in page.text
    assert "are rendered by a program, not photographed" in page.text
    assert page.text.count("Measured on rendered images.") == 2
    assert "endered" not in page_of(tmp_path, study()).text


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    """Every link is inside the page, data, or a file beside the report; a policy forbids more."""
    folder = write_results(tmp_path)
    html = write_report(folder, study()).read_text(encoding="utf-8")
    page = Page(html)
    for tag, link in page.links:
        assert link.startswith(("#", "data:", "overlays/")), (tag, link)
    assert not set(page.tags) & {"iframe", "object", "embed", "form", "base"}
    assert "default-src 'none'" in html
    assert not re.search(r"@import|url\((?!#|data:)", html)


def test_names_can_not_break_the_page(tmp_path: Path) -> None:
    """Markup in a title, a group, an animal, an image and a parameter is shown, never run."""
    write_results(tmp_path, problems=[("lungs", HOSTILE, "read", HOSTILE, HOSTILE)])
    for name in ("images", "animals", "groups", "comparisons"):
        file = tmp_path / f"{name}.csv"
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        file.write_text(table.replace({"low": HOSTILE, "101": HOSTILE}).to_csv(index=False))
    view = study(title=HOSTILE, groups=("control", HOSTILE, "none"))
    html = write_report(tmp_path, view).read_text(encoding="utf-8")
    page = Page(html)
    assert "<script>alert" not in html
    assert page.tags.count("script") == 1 + html.count('type="text/plain"')
    assert page.text.count(HOSTILE) >= 8


def test_ids_are_unique_and_links_inside_the_page_arrive(tmp_path: Path) -> None:
    """Two figures of one feature and all tables share a page without sharing an id."""
    page = page_of(write_results(tmp_path))
    assert len(page.ids) == len(set(page.ids))
    for _, link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids


def test_headings_go_down_by_one_step(tmp_path: Path) -> None:
    """One h1; no heading skips a level on the way down."""
    tags = page_of(write_results(tmp_path)).tags
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(low - high <= 1 for high, low in itertools.pairwise(levels))


def test_figures_carry_a_text_alternative(tmp_path: Path) -> None:
    """The figure is an image with title and description: the groups' means and n, by hand."""
    html = write_report(write_results(tmp_path), study()).read_text(encoding="utf-8")
    figures = re.findall(r"<svg[^>]*>.*?</svg>", html, re.DOTALL)
    assert len(figures) == 2, "beside the claims, and among the assay's features"
    for figure in figures:
        assert 'role="img"' in figure
        pattern = r'aria-labelledby="(\S+)" aria-describedby="(\S+)"'
        title, words = re.findall(pattern, figure)[0]
        assert f'<title id="{title}">Nodules</title>' in figure
        description = re.findall(rf'<desc id="{words}">(.*?)</desc>', figure)[0]
        assert "control: mean 2 ± 0.577 (SEM), n = 3" in description


def test_views_are_embedded_up_to_the_budget_and_linked_beyond(tmp_path: Path) -> None:
    """Budgets of everything, nothing and two views of the nine, each stated in the page."""
    folder = write_results(tmp_path)
    every = write_report(folder, study()).read_text(encoding="utf-8")
    views = re.findall(r'<script type="text/plain" id="view-\d+">([^<]+)<', every)
    assert len(views) == 9
    with Image.open(io.BytesIO(base64.b64decode(views[0]))) as view:
        assert view.size == (90, 60)
    assert "All 9 large views of overlays are embedded" in every
    two = page_of(folder, view_budget_bytes=2 * len(views[0]) + 1)
    assert "2 large views of overlays are embedded" in two.text
    assert "the other 7 open from overlays/" in two.text
    none = write_report(folder, study(), view_budget_bytes=0).read_text(encoding="utf-8")
    assert "text/plain" not in none
    for _, link in Page(none).links:
        if link.startswith("overlays/"):
            assert (folder / link).is_file()


def test_a_missing_overlay_is_said(tmp_path: Path) -> None:
    """The control has no overlay in the folder: its card says so, and the report stands."""
    page = page_of(write_results(tmp_path))
    assert page.text.count("no overlay") == 1


@pytest.mark.parametrize(
    ("image", "overlay"),
    [
        ("lungs/007.jpg", "overlays/lungs/lungs/007.jpg"),
        ("a.b/c.ome.tif", "overlays/lungs/a.b/c.ome.jpg"),
        ("../secret/x.tif", "overlays/lungs/secret/x.jpg"),
        ("plain", "overlays/lungs/plain.jpg"),
        ("mapped.lif#2", "overlays/lungs/elsewhere.jpg"),
    ],
)
def test_overlays_are_found_where_they_are_written(image: str, overlay: str) -> None:
    """The image without its extension, never outside the folder; the study's own map wins."""
    assay = AssayView("lungs", "", overlays={"mapped.lif#2": "overlays/lungs/elsewhere.jpg"})
    assert overlay_of(assay, image) == overlay


def test_an_empty_results_folder_gives_a_report(tmp_path: Path) -> None:
    """Before anything was measured there is still a page that says so."""
    page = page_of(tmp_path)
    assert "No animal has a value in this assay" in page.text
    assert "nothing measured" in page.text


def test_images_without_a_study_are_reported(tmp_path: Path) -> None:
    """Loose images have no animal and no group: their features are listed, nothing is compared."""
    rows = [("nodules", "a.jpg", "", "", "sample", "nodules", 4.0, "")]
    table = pd.DataFrame(rows, columns=list(COLUMNS["images"]))
    table.to_csv(tmp_path / "images.csv", index=False)
    page = page_of(tmp_path, StudyView("Loose images", (), "", assays={}))
    assert [text for text, _ in page.cells["a0-images"][1]] == ["a.jpg", "", "", "sample", "", "4"]
    assert "nothing is compared" in page.text
    assay = {"nodules": AssayView("nodules", "nodules", ("nodules",))}
    page = page_of(tmp_path, StudyView("Loose images", (), "", assays=assay))
    assert page.cells["measured"][1][-1][0] == "4 nodules"


def test_the_same_input_gives_the_same_file(tmp_path: Path) -> None:
    """Byte for byte."""
    folder = write_results(tmp_path)
    first = write_report(folder, study()).read_bytes()
    assert write_report(folder, study()).read_bytes() == first


def test_the_downloads_are_the_files(tmp_path: Path) -> None:
    """The embedded CSV is the one beside the report, byte for byte."""
    folder = write_results(tmp_path)
    page = page_of(folder)
    (uri,) = [link for tag, link in page.links if tag == "a" and link.startswith("data:text/csv")][
        :1
    ]
    assert base64.b64decode(uri.partition("base64,")[2]) == (folder / "images.csv").read_bytes()


def test_a_large_table_is_a_link_to_its_file(tmp_path: Path, monkeypatch: Any) -> None:
    """At the limit images.csv is inside the page, a byte beyond it is linked; animals.csv stays."""
    folder = write_results(tmp_path)
    contents = {name: (folder / f"{name}.csv").read_bytes() for name in ("images", "animals")}
    assert len(contents["animals"]) < len(contents["images"])
    for least, linked in ((0, False), (1, True)):
        monkeypatch.setattr(report, "_MOST_BYTES_INSIDE", len(contents["images"]) - least)
        links = [link for tag, link in page_of(folder).links if tag == "a"]
        held = [base64.b64decode(link.partition("base64,")[2]) for link in links if "," in link]
        assert ("images.csv" in links) == linked
        assert (contents["images"] in held) != linked
        assert contents["animals"] in held


def test_an_svg_that_could_run_or_load_is_refused() -> None:
    """Figures come from a chart library; the report still lets no script and no image through."""
    for inner in ("<script>1</script>", '<image href="x.png"/>', '<g onclick="x()"/>'):
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1">{inner}</svg>'
        with pytest.raises(ValueError, match="must not carry"):
            embeddable(svg, name="n", title="t", description="d")


def test_ids_inside_an_svg_get_a_prefix() -> None:
    """Definition and reference are renamed together."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1">'
        '<clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>'
    )
    made = embeddable(svg, name="f1", title="t", description="d")
    assert 'id="f1-clip0"' in made
    assert "url(#f1-clip0)" in made
