"""The report in a real browser with the network off: what a reader sees, clicks and closes.

The authority is the CSV files beside the report, written here by hand: the page must show their
numbers, and must neither complain on the console nor ask the network for anything.
"""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xenoquant.pipeline.report import AssayView, StudyView, write_report
from xenoquant.pipeline.report_view import SUBJECTS
from xenoquant.pipeline.results_tables import COLUMNS

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="chromium and chromedriver (Debian's packages chromium, chromium-driver) are absent",
    ),
]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
GROUPS = ("control", "low", "none")
VALUES = {"control": (1.0, 2.0, 3.0), "low": (5.0, 4.5, 4.0), "none": (10.25, 9.125, 8.0)}
OVERLAY_SIZE = (900, 600)  # pixels, width and height: within the limit, so embedded as it is


def write_results(folder: Path) -> Path:
    """Write a study of nine animals: one problem, one flag, one control, three groups."""
    images, animals = [], []
    for group, values in VALUES.items():
        for i, value in enumerate(values):
            animal = f"{group[0]}0{i}"
            image = f"lungs/{animal}.jpg"
            flag = "heavy_glare" if value == 1.0 else ""
            images.append(("lungs", image, animal, group, "sample", "nodules", value, flag))
            animals.append(("lungs", "nodules", animal, group, value, 1, math.ceil(value)))
    images.append(("lungs", "lungs/igg.jpg", "", "", "negative_control", "nodules", 0.0, ""))
    for place, row in enumerate(images):
        overlay = folder / "overlays" / "lungs" / row[1]
        overlay.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", OVERLAY_SIZE, (20 * place, 120, 80)).save(overlay)
    groups = []
    for name, v in VALUES.items():
        mean, sd = np.mean(v), np.std(v, ddof=1)
        bounds = (mean - 1.0, mean + 1.0, np.median(v), v[2], v[0])
        groups.append(("lungs", "nodules", name, 3, mean, sd, sd / 3**0.5, *bounds))
    comparisons = [
        ("lungs", "nodules", test, *pair, statistic, "6", p, p, effect, low, high, p < 0.05, "")
        for test, pair, statistic, p, effect, low, high in [
            ("newman_keuls", ("low", "control"), 4.1, 0.0217, 2.5, "", ""),
            ("newman_keuls", ("none", "control"), 9.7, 3e-7, 7.125, "", ""),
            ("tukey_hsd", ("low", "control"), 4.1, 0.0561, 2.5, -0.1, 5.1),
            ("tukey_hsd", ("none", "control"), 9.7, 0.00052, 7.125, 4.5, 9.75),
        ]
    ]
    problems = [("lungs", "lungs/lost.jpg", "read", "the file isn't there", "put it there")]
    tables: dict[str, list[Any]] = {
        "images": images,
        "animals": animals,
        "groups": groups,
        "comparisons": comparisons,
        "problems": problems,
    }
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder whose report embeds the views of its first images and links the others."""
    folder = write_results(tmp_path_factory.mktemp("results"))
    view = StudyView(
        title="Nodules <b>&</b> diets",
        groups=GROUPS,
        reference="control",
        assays={"lungs": AssayView("lungs", "nodules", ("nodules",))},
        run={"versions": {"xenoquant": "1.2.3"}},
    )
    every = write_report(folder, view).read_text(encoding="utf-8")
    one_view = len(every.partition('id="view-0">')[2].partition("<")[0])
    write_report(folder, view, view_budget_bytes=6 * one_view)
    return folder


def write_tables(folder: Path) -> tuple[AssayView, AssayView]:
    """Write a growth table of four animals and a clinical one of four people."""
    animals, curves = [], []
    for group, base in (("control", 2.0), ("low", 3.0)):
        for i in (1, 2):
            values = [(day, i * base**day) for day in (1.0, 2.0, 3.0)]
            curves += [(f"{group}{i}", group, day, volume) for day, volume in values]
            animals.append(("volume", "volume_mm3.day_3", f"{group}{i}", group, values[2][1], 0, 1))
    for i, (group, value) in enumerate(
        [("positive", 110.0), ("positive", 120.0), ("negative", 125.0), ("negative", 135.0)]
    ):
        animals.append(("nodes", "haemoglobin_g_l", f"row {i + 2}", group, value, 0, 1))
    pair = ("positive", "negative")
    odds = ("nodes", "haemoglobin_g_l", "logistic", *pair, -2.0, "", 0.04, 0.04, 0.62, 0.4, 0.91)
    tables: dict[str, list[Any]] = {"animals": animals, "comparisons": [(*odds, True, "")]}
    for name, rows in tables.items():
        pd.DataFrame(rows, columns=list(COLUMNS[name])).to_csv(folder / f"{name}.csv", index=False)
    names = ["animal", "group", "day", "volume_mm3"]
    pd.DataFrame(curves, columns=names).to_csv(folder / "volume_curves.csv", index=False)
    growth = AssayView(
        "volume",
        "growth",
        ("volume_mm3.day_3",),
        files=("volumes.csv",),
        rows=12,
        further_tables=("volume_curves",),
    )
    clinical = AssayView(
        "nodes",
        "clinical",
        calibration={
            "outcome": "node_status",
            "positive": "positive",
            "predictors": {"haemoglobin_g_l": 10.0},
            "rows": 4,
            "subjects": 4,
        },
        files=("patients.csv",),
        rows=4,
        unit=SUBJECTS,
        groups=pair,
    )
    return growth, clinical


@pytest.fixture(scope="module")
def tables_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of table assays alone."""
    folder = tmp_path_factory.mktemp("tables")
    assays = {view.name: view for view in write_tables(folder)}
    write_report(folder, StudyView("Tables", ("control", "low"), "control", assays=assays))
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a network, with a profile of its own, that keeps its logs."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, results: Path) -> Iterator[Any]:
    """The report, opened anew; whatever a test does, console and network must stay silent."""
    yield from opened(browser, results)


@pytest.fixture
def tables_page(browser: Any, tables_results: Path) -> Iterator[Any]:
    """The report of table assays, opened as silently."""
    yield from opened(browser, tables_results)


def opened(browser: Any, results: Path) -> Iterator[Any]:
    """Open a report, and look at console and network when the test is done."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get((results / "report.html").as_uri())
    yield browser
    console = [entry for entry in browser.get_log("browser") if entry["level"] != "DEBUG"]
    assert console == []
    requests = requested(browser.get_log("performance"))
    outside = [url for url in requests if not url.startswith(("file:", "data:", "about:"))]
    assert outside == []
    assert any(url.endswith("report.html") for url in requests), "the log does show requests"


def requested(log: list[dict[str, Any]]) -> list[str]:
    """Give the addresses that the browser asked for."""
    events = [json.loads(entry["message"])["message"] for entry in log]
    names = ("Network.requestWillBeSent", "Network.webSocketCreated")
    return [
        event["params"].get("request", event["params"])["url"]
        for event in events
        if event["method"] in names
    ]


def rows_of(page: Any, table: str) -> list[list[dict[str, str | None]]]:
    """Read a table of the page as the browser has it."""
    return page.execute_script(
        """
        const rows = document.getElementById(arguments[0]).tBodies[0].rows;
        return [...rows].map(row => [...row.cells].map(
          cell => ({text: cell.textContent.trim(), value: cell.dataset.value ?? null})));
        """,
        table,
    )


def css(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def wait(page: Any, condition: Any) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(page, 10).until(condition)


def test_the_tables_show_the_csvs_numbers(page: Any, results: Path) -> None:
    """Cell for cell: all digits of groups.csv, animals.csv and comparisons.csv."""
    groups = pd.read_csv(results / "groups.csv")
    numbers = ["n", "mean", "sd", "sem", "ci_low", "ci_high", "median", "q1", "q3"]
    shown = [[float(cell["value"]) for cell in row[2:]] for row in rows_of(page, "a0-groups")]
    np.testing.assert_array_equal(shown, groups[numbers].to_numpy())

    animals = pd.read_csv(results / "animals.csv")
    shown = rows_of(page, "a0-animals")
    assert [row[0]["text"] for row in shown] == animals["animal"].tolist()
    assert [float(row[-1]["value"]) for row in shown] == animals["value"].tolist()

    tests = pd.read_csv(results / "comparisons.csv")
    assert [float(r[9]["value"]) for r in rows_of(page, "a0-comparisons")] == tests["p"].tolist()
    pairs = [[cell["text"] for cell in row] for row in rows_of(page, "a0-f0-pairs")]
    assert pairs == [
        ["low − control", "2.500 (−0.1000 to 5.100)", "0.0217", "0.0561"],
        ["none − control", "7.125 (4.500 to 9.750)", "< 0.0001", "0.000520"],
    ]


def test_problems_stand_above_everything_else(page: Any) -> None:
    """The first section below the title is the one that names the lost file."""
    first = css(page, "main > section")
    assert first.get_attribute("id") == "problems"
    assert "lungs/lost.jpg" in first.text
    assert "put it there" in first.text
    assert css(page, "h1").text == "Nodules <b>&</b> diets"


def test_an_overlay_opens_large_and_esc_closes_it(page: Any) -> None:
    """A click opens the embedded view at its full size, with name, animal, value and legend."""
    thumb = css(page, "#img-0 a.thumb")
    thumb.click()
    box = css(page, "#lightbox")
    wait(page, lambda _: box.is_displayed())
    picture = css(page, "#lightbox-image")
    wait(page, lambda _: picture.get_property("naturalWidth") == OVERLAY_SIZE[0])
    assert picture.get_property("naturalHeight") == OVERLAY_SIZE[1]
    assert picture.get_property("src").startswith("data:image/jpeg")
    assert css(page, "#lightbox-title").text == "lungs/c00.jpg"
    for words in ("animal c00 · control", "Nodules: 1", "heavy_glare", "edge of a lobe"):
        assert words in box.text
    page.switch_to.active_element.send_keys("\ue00c")
    wait(page, lambda _: not box.is_displayed())
    assert page.switch_to.active_element == thumb, "the keyboard goes on where it was"


def test_the_lightbox_obeys_the_keyboard(page: Any) -> None:
    """Enter opens, the arrows go on and wrap round, from the first image to the control."""
    thumb = css(page, "#img-0 a.thumb")
    thumb.send_keys("\ue007")
    title = css(page, "#lightbox-title")
    wait(page, lambda _: title.text == "lungs/c00.jpg")
    page.switch_to.active_element.send_keys("\ue014")
    wait(page, lambda _: title.text == "lungs/c01.jpg")
    page.switch_to.active_element.send_keys("\ue012")
    page.switch_to.active_element.send_keys("\ue012")
    wait(page, lambda _: title.text == "lungs/igg.jpg")
    page.switch_to.active_element.send_keys("\ue00c")


def test_a_view_beyond_the_budget_opens_from_the_folder(page: Any) -> None:
    """The last image's large view is not inside the report: it comes from overlays/."""
    css(page, "#img-9 a.thumb").click()
    picture = css(page, "#lightbox-image")
    wait(page, lambda _: picture.get_property("naturalWidth") == OVERLAY_SIZE[0])
    source = picture.get_property("src")
    assert source.startswith("file:")
    assert source.endswith("overlays/lungs/lungs/igg.jpg")
    css(page, "#lightbox-close").click()


def test_tables_sort_by_value_both_ways(page: Any) -> None:
    """Means of the groups: 2, 4.5 and 9.125; a second click turns them round."""
    heading = css(page, "#a0-groups thead th:nth-child(4)")
    button = heading.find_element("tag name", "button")
    button.click()
    assert [float(r[3]["value"]) for r in rows_of(page, "a0-groups")] == [2.0, 4.5, 9.125]
    assert heading.get_attribute("aria-sort") == "ascending"
    button.click()
    assert [float(r[3]["value"]) for r in rows_of(page, "a0-groups")] == [9.125, 4.5, 2.0]
    assert heading.get_attribute("aria-sort") == "descending"


def test_p_values_sort_by_number_not_by_their_text(page: Any) -> None:
    """ "< 0.0001" stands for 3e-7 and comes first; texts would put it elsewhere."""
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    css(page, "#a0-comparisons thead th:nth-child(10) button").click()
    shown = [row[9]["text"] for row in rows_of(page, "a0-comparisons")]
    assert shown == ["< 0.0001", "0.000520", "0.0217", "0.0561"]


def test_figures_are_drawn_and_named(page: Any) -> None:
    """Each figure takes room on the page and has a name for who can't see it."""
    figures = page.find_elements("css selector", "svg[role='img']")
    assert len(figures) == 2
    for figure in figures:
        assert figure.size["width"] > 250
        assert figure.size["height"] > 200
        assert figure.accessible_name == "Nodules"


def test_the_page_is_no_wider_than_the_window(page: Any, tmp_path: Path) -> None:
    """Wide tables scroll inside their frame, on a desk and on a phone."""
    try:
        for width in (1300, 420):
            page.set_window_size(width, 1000)
            wide = page.execute_script("return document.documentElement.scrollWidth")
            assert wide <= page.execute_script("return innerWidth")
            assert page.save_screenshot(str(tmp_path / f"report_{width}.png"))
    finally:
        page.set_window_size(1300, 1000)


def figures_named(page: Any, name: str) -> list[Any]:
    """Give the figures that a screen reader calls so."""
    found = page.find_elements("css selector", "svg[role='img']")
    return [figure for figure in found if figure.accessible_name == name]


def test_growth_curves_are_drawn_on_both_pages(tables_page: Any) -> None:
    """Four animals' lines and two groups' means, named, with days on the axis."""
    curves = figures_named(tables_page, "Tumour volume over days")
    assert len(curves) == 2
    for figure in curves:
        assert figure.size["width"] > 250
        assert figure.size["height"] > 200
        lines = figure.find_elements("css selector", ".mark-line path")
        assert len(lines) == 4 + 2
        assert {"control", "low", "Day", "Volume (mm³)"} <= {
            text.get_attribute("textContent")
            for text in figure.find_elements("css selector", "text")
        }


def test_odds_ratios_are_drawn_with_their_interval(tables_page: Any) -> None:
    """One predictor: its ratio and interval stand beside it, as in comparisons.csv."""
    (forest,) = figures_named(tables_page, "Odds ratios of node status positive")
    assert forest.size["width"] > 400, "wide enough to be read"
    texts = [t.get_attribute("textContent") for t in forest.find_elements("css selector", "text")]
    assert "0.62 (0.4 to 0.91)" in texts
    assert any("Haemoglobin, per 10 g/L" in text for text in texts)
    assert "Points and n are subjects" in css(tables_page, "#a1").text


def test_pages_of_tables_are_no_wider_than_the_window(tables_page: Any) -> None:
    """Figures and tables of tables fit a desk and a phone."""
    try:
        for width in (1300, 420):
            tables_page.set_window_size(width, 1000)
            wide = tables_page.execute_script("return document.documentElement.scrollWidth")
            assert wide <= tables_page.execute_script("return innerWidth")
    finally:
        tables_page.set_window_size(1300, 1000)
