"""qPCR tables as labs have them, from file to folds, tests and notes."""

import json
import math
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.qpcr_assay import QpcrAssay
from xenoquant.pipeline.study import StudyHeader
from xenoquant.pipeline.table_assay import TableResult

HEADER = StudyHeader(
    title="Rendered", group="diet", groups=("350 ppm", "3.5 ppm"), reference="350 ppm"
)
# Two wells each; ΔCq by hand: controls 6 and 6, treated 4 and 3, so folds 1, 1, 4, 8.
LONG = """animal,diet,gene,cq,replicate
007,350 ppm,Snai1,26.1,1
007,350 ppm,Snai1,25.9,2
007,350 ppm,Gapdh,20.0,1
007,350 ppm,Gapdh,20.0,2
m2,350 ppm,Snai1,25.0,1
m2,350 ppm,Snai1,25.0,2
m2,350 ppm,Gapdh,19.0,1
m2,350 ppm,Gapdh,19.0,2
m3,3.5 ppm,Snai1,24.0,1
m3,3.5 ppm,Snai1,24.0,2
m3,3.5 ppm,Gapdh,20.0,1
m3,3.5 ppm,Gapdh,20.0,2
m4,3.5 ppm,Snai1,23.2,1
m4,3.5 ppm,Snai1,22.8,2
m4,3.5 ppm,Gapdh,20.0,1
m4,3.5 ppm,Gapdh,20.0,2
"""
FOLDS = {"007": 1.0, "m2": 1.0, "m3": 4.0, "m4": 8.0}


def evaluate(folder: Path, text: str = LONG, **options: object) -> TableResult:
    (folder / "cq.csv").write_text(text, encoding="utf-8")
    assay = QpcrAssay(table="cq.csv", **({"reference_genes": ["Gapdh"]} | options))
    return assay.evaluate("rna", folder, HEADER)


def folds(result: TableResult) -> dict[str, float]:
    return dict(zip(result.animals["animal"], result.animals["value"], strict=True))


def test_folds_by_hand(tmp_path):
    """Authority: hand computation, 2^(6 − ΔCq)."""
    result = evaluate(tmp_path)
    assert folds(result) == pytest.approx(FOLDS)
    assert set(result.animals["feature"]) == {"fold_change.Snai1"}
    assert result.animals["n_objects"].tolist() == [2, 2, 2, 2]
    assert result.compared == ()
    assert result.problems == ()
    row = result.comparisons.set_index("test").loc["welch_t"]
    assert (row["group_a"], row["group_b"]) == ("3.5 ppm", "350 ppm")
    assert row["effect"] == pytest.approx(2.5)
    # Welch by hand: log2 folds 0 0 and 2 3; t = 2.5 / √(0.5/2), one degree of freedom
    assert row["statistic"] == pytest.approx(5.0)
    assert row["p"] == pytest.approx(1 - 2 / math.pi * math.atan(5.0))


def test_a_gene_that_the_reference_group_lacks_keeps_a_row_that_says_so(tmp_path):
    """Contract: nothing is dropped without a row; a gene switched on is not passed over."""
    wells = [
        f"{animal},{diet},Twist1,{cq},{well}"
        for animal, diet, cq in (
            *(("007", "350 ppm", "Undetermined"), ("m2", "350 ppm", "Undetermined")),
            *(("m3", "3.5 ppm", 30.0), ("m4", "3.5 ppm", 31.0)),
        )
        for well in (1, 2)
    ]
    result = evaluate(tmp_path, LONG + "\n".join(wells))
    rows = result.comparisons[result.comparisons["feature"] == "fold_change.Twist1"]
    assert len(rows) == 1
    row = rows.iloc[0]
    assert (row["group_a"], row["group_b"]) == ("3.5 ppm", "350 ppm")
    assert math.isnan(row["p"])
    assert not row["significant"]
    assert "no test: no sample of the reference group 350 ppm has a quantity of it" in row["note"]


def test_an_animal_without_a_fold_is_counted_in_every_note(tmp_path):
    """Contract: missing values are left out, and the note of each row concerned says so."""
    text = LONG + "\n".join(
        [
            *("m5,3.5 ppm,Gapdh,20.0,1", "m5,3.5 ppm,Snai1,Undetermined,1"),
            *("m6,3.5 ppm,Gapdh,Undetermined,1", "m6,3.5 ppm,Snai1,24.0,1"),
        ]
    )
    comparisons = evaluate(tmp_path, text).comparisons
    assert comparisons["p"].notna().all()
    assert comparisons["note"].str.contains("2 missing values of 3.5 ppm left out").all()


def test_notes_can_be_stored(tmp_path):
    notes = evaluate(tmp_path).notes
    assert json.loads(json.dumps(notes)) == notes
    assert notes["miqe"]["technical replicates"] == "2 wells a sample and gene"
    assert notes["amplification"] == {"Snai1": 2.0, "Gapdh": 2.0}
    assert notes["miqe_not_in_the_table"]


def test_a_wide_table_gives_the_same(tmp_path):
    """Authority: the long table, turned."""
    long = pd.read_csv(pd.io.common.StringIO(LONG), dtype=str)
    wide = long.pivot(index=["animal", "diet", "replicate"], columns="gene", values="cq")
    wide = wide.reset_index().assign(remark="ok")
    result = evaluate(tmp_path, wide.to_csv(index=False))
    assert folds(result) == pytest.approx(FOLDS)
    assert result.notes["form"] == "wide"
    assert result.notes["ignored_columns"] == ["remark"]


def test_a_german_export_with_other_names(tmp_path):
    """Authority: the same numbers with decimal commas and the instrument's titles."""
    lines = [line.split(",") for line in LONG.splitlines()[1:]]
    rows = [f"{a};{g};{gene};{cq.replace('.', ',')};{r}" for a, g, gene, cq, r in lines]
    text = "\ufeffProbe;Gruppe;Target;Cт;Nr\n" + "\n".join(rows)
    columns = {"animal": "Probe", "group": "Gruppe", "gene": "Target", "cq": "Cт"}
    assert folds(evaluate(tmp_path, text, columns=columns)) == pytest.approx(FOLDS)


def test_every_bad_row_is_named_and_the_others_are_used(tmp_path):
    """Authority: the rows put in."""
    bad = "m5,3.5 ppm,Snai1,abc,1\nm6,other,Snai1,22,1\nm2,3.5 ppm,Kit,22,1\nm7,3.5 ppm,Kit,0,1\n"
    result = evaluate(tmp_path, LONG + bad)
    errors = [problem.error for problem in result.problems]
    assert any(error.startswith("row 18, column cq: 'abc'") for error in errors)
    assert any(error.startswith("row 19, column diet: 'other'") for error in errors)
    assert any("animal 'm2' stands in the groups" in error for error in errors)
    assert any(error.startswith("row 21, column cq: 0 can't be right") for error in errors)
    assert all(problem.assay == "rna" and problem.image == "cq.csv" for problem in result.problems)
    assert folds(result) == pytest.approx({"007": 1.0, "m3": 4.0, "m4": 8.0})


def test_dropped_and_undetermined_wells_stand_in_the_table_of_wells(tmp_path):
    """Authority: the wells put in; a fold must not change without a row that says why."""
    more = "m4,3.5 ppm,Snai1,29.9,3\nm3,3.5 ppm,Snai1,Undetermined,3\n"
    result = evaluate(tmp_path, LONG + more)
    assert folds(result) == pytest.approx(FOLDS)
    table = result.tables["rna_wells"]
    out = table[~table["used"]]
    assert out[["row", "animal", "reason"]].values.tolist() == [
        [18, "m4", "outlier"],
        [19, "m3", "undetermined"],
    ]
    assert result.notes["wells"]["rows"] == [
        "row 18: m4, Snai1, Cq 29.9, outlier",
        "row 19: m3, Snai1, no Cq, undetermined",
    ]


def test_a_sample_without_any_cq_is_missing_and_counted(tmp_path):
    """Authority: the policy; no 40 in its place."""
    text = LONG.replace("m3,3.5 ppm,Snai1,24.0", "m3,3.5 ppm,Snai1,Undetermined")
    result = evaluate(tmp_path, text)
    assert "m3" not in folds(result)
    assert result.notes["undetermined_samples"] == {"Snai1": {"3.5 ppm": 1}}


def test_given_amplification_and_dilutions(tmp_path):
    """Authority: a series made with A = 1.8; the study file wins over it; hand computation."""
    step = math.log(10) / math.log(1.8)
    series = "".join(
        f"{gene},{10**k},{30 - k * step}\n" for k in range(4) for gene in ("Snai1", "Gapdh")
    )
    (tmp_path / "dilutions.csv").write_text("gene,quantity,cq\n" + series, encoding="utf-8")
    result = evaluate(tmp_path, dilutions="dilutions.csv", amplification={"Gapdh": 2.0})
    table = result.tables["rna_efficiencies"].set_index("gene")
    assert table.loc["Snai1", "amplification"] == pytest.approx(1.8)
    assert table["source"].to_dict() == {"Snai1": "dilutions", "Gapdh": "study file"}
    # control Snai1 25.5, Gapdh 19.5; geometric mean of the controls' NRQ is 1 by their mean Cq
    expected = 1.8 ** (25.5 - 24.0) / 2.0 ** (19.5 - 20.0)
    assert folds(result)["m3"] == pytest.approx(expected)


def test_a_series_that_gives_no_efficiency_is_a_problem(tmp_path):
    (tmp_path / "dilutions.csv").write_text("gene,quantity,cq\nSnai1,1,30\nSnai1,10,27\n")
    result = evaluate(tmp_path, dilutions="dilutions.csv")
    assert [problem.image for problem in result.problems] == ["dilutions.csv"]
    assert "amplification 2 is taken" in result.problems[0].error


POOLED = """animal,diet,gene,cq,replicate,pooled
pool,350 ppm,Snai1,26,1,TRUE
pool,350 ppm,Snai1,26.2,2,TRUE
pool,350 ppm,Gapdh,20,1,TRUE
pool,3.5 ppm,Snai1,25,1,TRUE
pool,3.5 ppm,Snai1,25.2,2,TRUE
pool,3.5 ppm,Gapdh,20,1,TRUE
"""


def test_pooled_cdna_gives_folds_and_no_p_and_says_why(tmp_path):
    """Authority: hand computation, 2^1; a pool a group is n = 1."""
    result = evaluate(tmp_path, POOLED)
    assert folds(result) == pytest.approx({"pool of 350 ppm": 1.0, "pool of 3.5 ppm": 2.0})
    assert result.comparisons["p"].isna().all()
    assert result.comparisons["effect"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert result.comparisons["note"].str.contains("n = 1").all()
    assert "n = 1" in result.notes["pooled"]["why_no_p"]
    assert result.problems == ()


def test_pools_without_a_name_are_read(tmp_path):
    assert len(folds(evaluate(tmp_path, POOLED.replace("pool,", ",")))) == 2


def test_plates_are_calibrated_or_named(tmp_path):
    """Authority: plate 2 put one cycle late for everything; the sample m2 stands on both."""
    lines = LONG.splitlines()
    head, rows = lines[0] + ",plate", [f"{line},1" for line in lines[1:9]]
    late = []
    for line in lines[5:]:
        a, g, gene, cq, r = line.split(",")
        late.append(f"{a},{g},{gene},{float(cq) + 1},{r},2")
    result = evaluate(tmp_path, "\n".join([head, *rows, *late]))
    assert folds(result) == pytest.approx(FOLDS)
    offsets = result.tables["rna_plates"].groupby("plate")["offset_cq"].first()
    assert offsets["2"] - offsets["1"] == pytest.approx(1.0)
    apart = evaluate(tmp_path, "\n".join([head, *rows, *late[4:]]))
    assert [problem.error[:10] for problem in apart.problems] == ["gene Snai1", "gene Gapdh"]


def test_controls_without_template_are_set_aside(tmp_path):
    """Authority: the two rows put in."""
    result = evaluate(tmp_path, LONG + "NTC,,Snai1,Undetermined,1\nNTC,,Gapdh,36.5,1\n")
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert result.notes["controls_with_a_cq"] == ["Gapdh: Cq 36.5"]
    assert result.notes["miqe"]["no-template controls"] == "2 wells, 1 with a Cq"


def test_three_reference_genes_have_m_and_v(tmp_path):
    """Authority: the number of genes; the values are tested in the tests of geNorm."""
    extra = LONG.replace("Gapdh", "Hprt1").splitlines()[1:]
    third = LONG.replace("Gapdh", "G6pd").splitlines()[1:]
    rows = [line for line in (*extra, *third) if "Snai1" not in line]
    genes = ["Gapdh", "G6pd", "Hprt1"]
    result = evaluate(tmp_path, LONG + "\n".join(rows), reference_genes=genes)
    assert set(result.notes["genorm"]["m"]) == set(genes)
    assert list(result.notes["genorm"]["v"]) == ["V2/3"]
    assert folds(result) == pytest.approx(FOLDS)


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        (LONG, {"reference_genes": ["Actb"]}, "reference genes 'Actb'"),
        (LONG.replace("350 ppm", "x"), {}, "reference group"),
        (LONG.replace("cq", "value", 1), {}, "no column called 'cq'"),
    ],
)
def test_a_table_that_cant_be_used_says_so(tmp_path, text, options, reason):
    with pytest.raises(InputError, match=reason):
        evaluate(tmp_path, text, **options)


def test_options_that_cant_be():
    for options in ({"amplification": {"a": 1.0}}, {"reference_genes": ["a", "a"]}):
        with pytest.raises(ValidationError):
            QpcrAssay(table="cq.csv", **({"reference_genes": ["a"]} | options))


EXPORT_HEAD = """* Block Type = 96-Well 0.2-mL Block
* Chemistry = SYBR_GREEN
* Experiment Run End Time = Not Started

[Results]
Well\tSample Name\tTarget Name\tTask\tCт\tCт Mean
"""
SAMPLES = "assay,image,animal,diet\n" + "".join(
    f"lungs,{animal}.jpg,{animal},{group}\n"
    for animal, group in (
        ("007", "350 ppm"),
        ("m2", "350 ppm"),
        ("m3", "3.5 ppm"),
        ("m4", "3.5 ppm"),
    )
)


def test_an_instruments_export_with_groups_from_the_sample_sheet(tmp_path):
    """Authority: the long table, in the form of a plate export; a summary follows below."""
    (tmp_path / "samples.csv").write_text(SAMPLES, encoding="utf-8")
    text = EXPORT_HEAD
    for number, line in enumerate(LONG.splitlines()[1:]):
        animal, _, gene, cq, _ = line.split(",")
        text += f"A{number}\t{animal}\t{gene}\tUNKNOWN\t{cq}\t20.0\n"
    text += "B1\tNTC\tGapdh\tNTC\tUndetermined\t\n\nAnalysis Type = Singleplex\n"
    result = evaluate(tmp_path, text)
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert result.tables["rna_wells"]["row"].iloc[0] == 7
    (tmp_path / "samples.csv").write_text(SAMPLES.replace("m4,3.5 ppm", "m4,"), encoding="utf-8")
    missing = evaluate(tmp_path, text)
    assert len(missing.problems) == 4
    assert "column diet: the cell is empty" in missing.problems[0].error


def rdml(*, extra: str = "") -> str:
    rows = [line.split(",") for line in LONG.splitlines()[1:]]
    note = "<annotation><property>diet</property><value>{}</value></annotation>"
    kinds = "".join(
        f'<sample id="{animal}">{note.format(group)}<type>unkn</type></sample>'
        for animal, group in {row[0]: row[1] for row in rows}.items()
    )
    kinds += '<sample id="blank"><type>ntc</type></sample><sample id="s1"><type>std</type></sample>'
    reacts = "".join(
        f'<react id="{n}"><sample id="{a}"/><data><tar id="{g}"/><cq>{cq}</cq></data></react>'
        for n, (a, _, g, cq, _) in enumerate(rows, start=1)
    )
    return (
        f'<rdml xmlns="http://www.rdml.org" version="1.2">{kinds}<experiment id="e">'
        f'<run id="p1">{reacts}{extra}</run></experiment></rdml>'
    )


def test_rdml_gives_the_same(tmp_path):
    """Authority: the long table as RDML: zipped, with a control, a standard, an exclusion."""
    extra = "".join(
        f'<react id="9{n}"><sample id="{sample}"/><data><tar id="Gapdh"/>{data}</data></react>'
        for n, (sample, data) in enumerate(
            (
                ("blank", "<cq>-1.0</cq>"),
                ("s1", "<cq>12</cq>"),
                ("m2", "<cq>33</cq><excl>bubble</excl>"),
            )
        )
    )
    with zipfile.ZipFile(tmp_path / "plate.rdml", "w") as archive:
        archive.writestr("rdml_data.xml", rdml(extra=extra))
    assay = QpcrAssay(table="plate.rdml", reference_genes=["Gapdh"])
    result = assay.evaluate("rna", tmp_path, HEADER)
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert result.notes["miqe"]["no-template controls"] == "1 wells, 0 with a Cq"
    assert result.notes["wells"]["rows"] == ["row 18: m2, Gapdh, Cq 33, excluded by hand"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not xml", "isn't RDML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + rdml(), "entities"),
    ],
)
def test_rdml_that_cant_be_read_says_so(tmp_path, text, reason):
    (tmp_path / "plate.rdml").write_text(text, encoding="utf-8")
    assay = QpcrAssay(table="plate.rdml", reference_genes=["Gapdh"])
    with pytest.raises(InputError, match=reason):
        assay.evaluate("rna", tmp_path, HEADER)


def test_livaks_fold_from_a_table(tmp_path, shared_data):
    """Authority: Livak and Schmittgen 2001: 5.6-fold (5.3 to 6.0) of c-myc, kidney over brain."""
    table = pd.read_csv(shared_data / "qpcr" / "pcr" / "ct1.csv")
    table["diet"] = ["350 ppm"] * 6 + ["3.5 ppm"] * 6
    table["animal"], table["pooled"] = "pool", "true"
    result = evaluate(tmp_path, table.to_csv(index=False), reference_genes=["GAPDH"])
    row = result.tables["rna_folds"].set_index("group").loc["3.5 ppm"]
    print(row.to_dict())
    assert round(row["fold_change"], 3) == 5.637
    assert (round(row["technical_low"], 1), round(row["technical_high"], 1)) == (5.3, 6.0)
    assert result.comparisons["p"].isna().all()
