"""The report against a small results folder written by hand: what it must say, and must not."""

import base64
import io
import itertools
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from written_results import (
    COMPARISONS,
    GROUPS,
    HOSTILE,
    Page,
    group_table,
    page_of,
    study,
    write_results,
)

from xenoquant.pipeline import report
from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.report_figures import embeddable
from xenoquant.pipeline.report_gallery import overlay_of
from xenoquant.pipeline.results_tables import COLUMNS


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
