"""`xenoquant reproduce`: what the paper's claims come to, from its own numbers."""

import json
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pandas as pd
import pytest

from xenoquant.pipeline.paper import Entry, read_paper, recompute
from xenoquant.pipeline.reproduce import claims_markdown, format_claims, reproduce
from xenoquant.stats.claims import CLAIM_COLUMNS, VERDICTS


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("paper") / "deep" / "er"
    return directory, reproduce(directory)


@pytest.fixture(scope="module")
def table(written):
    return written[1]


def _row(table, id, **where):
    rows = table[table["id"] == id]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, (id, where, len(rows))
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("id", "verdict"),
    [
        ("tumour_3.5_over_350", "holds"),
        ("tumour_3.5_over_35", "holds"),
        ("tumour_human", "cannot be tested"),
        ("nodules_diets", "holds"),
        ("nodules_3.5_over_35", "holds only under"),
        ("nodules_whole", "holds"),
        ("therapy_groups", "holds only under"),
        ("therapy_3.5_over_350", "holds only under"),
        ("therapy_reduces", "holds only under"),
        ("mice_diets", "inconsistent"),
        ("mice_therapy", "inconsistent"),
        ("haemoglobin_lower", "holds"),
        ("haemoglobin_p", "holds only under"),
        ("patients_number", "inconsistent"),
        ("age_negative", "inconsistent"),
        ("iron_predicts", "cannot be tested"),
        ("not_anaemic", "does not hold"),
        ("dose_equivalent", "holds only under"),
        ("blood_iron", "holds"),
        ("emt_mrna", "cannot be tested"),
        ("tgf_wnt_mrna", "cannot be tested"),
        ("pooled_asterisks", "inconsistent"),
        ("snai1_direction", "holds only under"),
        ("jagged", "inconsistent"),
        ("one_fold", "cannot be tested"),
    ],
)
def test_verdicts(table, id, verdict):
    """By the rule, from p-values that the tests below and tests/stats hold against R and scipy."""
    assert set(table.loc[table["id"] == id, "verdict"]) == {verdict}


@pytest.mark.parametrize(
    ("id", "where", "two_sided", "one_sided"),
    [
        # R 4.2.2, pt() of t from the printed numbers
        (
            "therapy_reduces",
            {"assumption": "± as SEM", "test": "student_t"},
            0.11655832963,
            0.05827916482,
        ),
        (
            "therapy_3.5_over_350",
            {"assumption": "± as SEM", "test": "student_t"},
            0.09208192173,
            0.04604096087,
        ),
        (
            "therapy_reduces",
            {"assumption": "± as SD", "test": "student_t"},
            1.36970498e-4,
            6.848524899e-5,
        ),
        ("haemoglobin_p", {"test": "student_t"}, 0.003843109456, 0.001921554728),
        (
            "nodules_3.5_over_35",
            {"assumption": "± as SEM", "test": "welch_t"},
            0.02176019397,
            0.01088009699,
        ),
    ],
)
def test_p_values_of_pairs(table, id, where, two_sided, one_sided):
    """R's, to its printed digits."""
    row = _row(table, id, **where)
    assert row["p_two_sided"] == pytest.approx(two_sided, rel=1e-8)
    assert row["p_one_sided"] == pytest.approx(one_sided, rel=1e-8)
    assert row["p_low"] <= row["p_two_sided"] <= row["p_high"]


def test_sem_or_sd_decides_the_therapy(table):
    """The conclusion hangs on what ± is, and the table says so."""
    rows = table[table["id"] == "therapy_reduces"]
    assert set(rows["condition"]) == {"± as SD"}
    assert _row(table, "therapy_3.5_over_350", assumption="± as SD", test="student_t")[
        "condition"
    ] == ("± as SD; or ± as SEM with one-sided Student's t")
    needed = rows[(rows["test"] == "sample_size") & rows["effect_name"].str.contains("p < 0.05")]
    assert needed["effect"].to_list() == [14]


def test_newman_keuls_or_tukey_decides_the_nodules(table):
    """R 4.2.2 ptukey: 0.04650224 (range of 3, which holds the pair) and 0.05222892."""
    keuls = _row(table, "nodules_3.5_over_35", assumption="± as SEM", test="newman_keuls")
    tukey = _row(table, "nodules_3.5_over_35", assumption="± as SEM", test="tukey_hsd")
    assert keuls["p_two_sided"] == pytest.approx(0.04650224022, rel=1e-6)
    assert tukey["p_two_sided"] == pytest.approx(0.05222892029, rel=1e-6)
    assert keuls["p_low"] < 0.05 < keuls["p_high"]
    assert tukey["p_low"] < 0.05 < tukey["p_high"]


def test_arithmetic_of_doses_iron_mice_and_patients(table):
    """Hand computation: 16.67 mg/kg, ×3/37 = 1.351; 35 · 6 · 0.5 = 105 mg; 148 − 136 = 12."""
    doses = table[table["id"] == "dose_equivalent"].set_index("effect_name")["effect"]
    assert doses["dose in the mouse, mg/kg"] == pytest.approx(50 / 3)
    assert doses["person's dose for the mouse's, mg/kg"] == pytest.approx(50 / 3 * 3 / 37)
    blood = table.loc[table["id"] == "blood_iron", "effect"].to_list()
    assert blood == pytest.approx([105, 0.21 * 119.6 * 3.47, 0.21 * 126.7 * 3.47])
    patients = table[table["id"] == "patients_number"].set_index("effect_name")["effect"]
    assert patients["patients in neither"] == 12
    mice = table.loc[table["id"] == "mice_diets", "effect"].to_list()
    assert mice == [10, 9]


def test_pooled_samples_get_no_p(table):
    """One pooled sample a group is n = 1."""
    pooled = table[table["id"].isin(["emt_mrna", "emt_protein", "notch_mrna", "tgf_wnt_mrna"])]
    assert pooled["p_two_sided"].isna().all()
    assert (pooled["effect"] == 1).all()
    assert pooled["claim_note"].str.contains("n = 1").all()


def test_every_row_says_something(table):
    """No missing verdict, place or note where nothing could be recomputed."""
    assert tuple(table.columns) == CLAIM_COLUMNS
    assert set(table["verdict"]) == set(VERDICTS)
    for column in ("claim", "where", "reported"):
        assert (table[column] != "").all()
    silent = table[table["test"] == ""]
    assert ((silent["note"] != "") | (silent["claim_note"] != "")).all()
    conditional = table["verdict"] == "holds only under"
    assert (table.loc[conditional, "condition"] != "").all()
    p = table["p_two_sided"].dropna()
    assert p.between(0, 1).all()


def test_csv_and_json_hold_the_same(written):
    """Read back from the files."""
    directory, table = written
    read = pd.read_csv(directory / "claims.csv", keep_default_na=False, na_values=[""])
    assert list(read.columns) == list(CLAIM_COLUMNS)
    assert read["p_two_sided"].to_list() == pytest.approx(
        table["p_two_sided"].to_list(), nan_ok=True
    )
    claims = json.loads((directory / "claims.json").read_text())["claims"]
    assert [claim["id"] for claim in claims] == list(dict.fromkeys(table["id"]))
    assert sum(len(claim["recomputed"]) for claim in claims) == len(table)


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.loads, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.targets += [found["href"]] if tag == "a" else []
        self.loads += [found[name] for name in ("src", "data") if name in found]
        self.loads += [found["href"]] if tag == "link" else []


def test_page_stands_alone(written):
    """Nothing loaded, nothing run, every link inside the page, no id twice, six figures."""
    page = (written[0] / "reproduce.html").read_text(encoding="utf-8")
    links = _Links()
    links.feed(page)
    assert links.loads == []
    assert "script" not in links.tags
    assert len(links.ids) == len(set(links.ids))
    assert {target.removeprefix("#") for target in links.targets} <= set(links.ids)
    assert links.tags.count("figure") == 6
    assert "default-src 'none'" in page


def test_figures_are_svg_with_words(written):
    """1A, 1C (twice), 4B (twice) and 6, each with a description."""
    names = sorted(path.name for path in (written[0] / "figures").iterdir())
    assert names == [
        "figure_1a.svg",
        "figure_1c_sd.svg",
        "figure_1c_sem.svg",
        "figure_4b_sd.svg",
        "figure_4b_sem.svg",
        "figure_6.svg",
    ]
    for name in names:
        root = ElementTree.parse(written[0] / "figures" / name).getroot()
        assert root.tag.endswith("svg")
        assert root.find("{http://www.w3.org/2000/svg}desc") is not None


def test_the_same_again(written, tmp_path):
    """Same input, same bytes."""
    reproduce(tmp_path)
    for name in ("claims.csv", "claims.json", "claims.md", "reproduce.html"):
        assert (tmp_path / name).read_bytes() == (written[0] / name).read_bytes()


def test_terminal_text_has_every_claim(table):
    """Grouped by verdict, with its count, within 98 characters."""
    text = format_claims(table)
    total = table["id"].nunique()
    assert f"DOES NOT HOLD (1 of {total} claims)" in text
    for words in table["claim"].unique():
        assert words.split(" ")[0] in text
    assert max(len(line) for line in text.splitlines()) <= 98


def test_documentation_holds_the_table_as_it_is_made(table, repository):
    """docs/paper.md is written from claims.md and goes stale with it."""
    assert claims_markdown(table) in (repository / "docs" / "paper.md").read_text(encoding="utf-8")


def test_an_unknown_kind_of_claim_is_named():
    """A table that names nothing known."""
    paper = read_paper()
    paper.claims.loc["jagged", "kind"] = "rumour"
    with pytest.raises(ValueError, match="of kind 'rumour'"):
        recompute(Entry(paper, "jagged"))
