"""qPCR tables as instruments write them, and plates brought together by calibrators."""

from pathlib import Path

import pandas as pd
import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.problems import RefusedTable
from xenoquant.pipeline.qpcr_assay import QpcrAssay
from xenoquant.pipeline.study import StudyHeader
from xenoquant.pipeline.table_assay import TableResult

HEADER = StudyHeader(
    title="Rendered", group="diet", groups=("350 ppm", "3.5 ppm"), reference="350 ppm"
)
GROUPS = {"007": "350 ppm", "m2": "350 ppm", "m3": "3.5 ppm", "m4": "3.5 ppm"}
# Cq of Snai1 and Gapdh; ΔCq by hand 6, 6, 4 and 3, so folds 1, 1, 4 and 8
CQ = {"007": (26.0, 20.0), "m2": (25.0, 19.0), "m3": (24.0, 20.0), "m4": (23.0, 20.0)}
FOLDS = {"007": 1.0, "m2": 1.0, "m3": 4.0, "m4": 8.0}


def evaluate(folder: Path, text: str, name: str = "cq.csv", **options: object) -> TableResult:
    (folder / name).write_bytes(text.encode("cp1252"))
    assay = QpcrAssay(table=name, **({"reference_genes": ["Gapdh"]} | options))
    return assay.evaluate("rna", folder, HEADER)


def folds(result: TableResult) -> dict[str, float]:
    return dict(zip(result.animals["animal"], result.animals["value"], strict=True))


def wells() -> list[tuple[str, str, float]]:
    return [
        (animal, gene, cq)
        for animal, both in CQ.items()
        for gene, cq in zip(("Snai1", "Gapdh"), both, strict=True)
    ]


def test_an_export_whose_lines_begin_with_an_empty_cell(tmp_path):
    """Authority: hand computation. Decimal commas of three digits can't be thousands in a Cq."""
    lines = [";Well;Fluor;Target;Content;Sample;Biological Set Name;Cq;Cq Mean"]
    for number, (animal, gene, cq) in enumerate(wells(), start=1):
        shown = f"{cq:.3f}".replace(".", ",")
        task = f"Unkn-{number:02d}"
        lines.append(f";A{number:02d};SYBR;{gene};{task};{animal};{GROUPS[animal]};{shown};{shown}")
    lines += [";B01;SYBR;Gapdh;NTC;;;NaN;NaN", ";B02;SYBR;Gapdh;Std-01;;;12,345;12,345"]
    result = evaluate(tmp_path, "\n".join(lines), columns={"group": "Biological Set Name"})
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert result.notes["miqe"]["no-template controls"] == "1 wells, 0 with a Cq"
    assert result.notes["standards_left_out"] == 1


def export(animals: dict[str, str]) -> str:
    lines = ["* Instrument = rendered", "", "[Results]", "Well\tSample Name\tTarget Name\tTask\tCT"]
    for number, (animal, gene, cq) in enumerate(wells()):
        if animal == "m3" and gene == "Snai1":
            lines.append("")  # a gap between the groups' wells
        lines.append(f"A{number}\t{animals.get(animal, animal)}\t{gene}\tUNKNOWN\t{cq}")
    return "\n".join([*lines, "", "Analysis Type\tSingleplex", "Endogenous Control\tGapdh"])


def test_wells_below_a_gap_are_read_and_a_summary_is_not(tmp_path):
    """Authority: hand computation; half of the wells stand below an empty line."""
    (tmp_path / "animals.csv").write_text(
        "animal,diet\n" + "".join(f"{a},{g}\n" for a, g in GROUPS.items())
    )
    result = evaluate(tmp_path, export({}), "cq.txt", animals="animals.csv")
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert len(result.tables["rna_wells"]) == 8


def test_groups_that_nothing_tells_are_asked_for(tmp_path):
    with pytest.raises(InputError, match="nothing else tells the groups") as refused:
        evaluate(tmp_path, export({}), "cq.txt")
    assert "animals = " in refused.value.remedy
    (tmp_path / "animals.csv").write_text("animal,diet\n007,350 ppm\nm2,350 ppm\nm3,3.5 ppm\n")
    result = evaluate(tmp_path, export({}), "cq.txt", animals="animals.csv")
    assert sorted(folds(result)) == ["007", "m2", "m3"]
    assert [row.error.partition(":")[0] for row in result.problems] == [
        "row 12, column diet",
        "row 13, column diet",
    ]


def test_calibrators_bring_plates_together_and_are_no_animal(tmp_path):
    """Authority: hand computation; the second plate reads 1.5 Cq higher throughout."""
    rows = ["animal,diet,gene,cq,plate"]
    for plate, animals, shift in (("P1", ("007", "m2"), 0.0), ("P2", ("m3", "m4"), 1.5)):
        for number, gene in enumerate(("Snai1", "Gapdh")):
            rows += [f"{a},{GROUPS[a]},{gene},{CQ[a][number] + shift},{plate}" for a in animals]
            rows.append(f"IRC,,{gene},{25 + shift},{plate}")
    text = "\n".join(rows)
    result = evaluate(tmp_path, text, calibrators=["IRC"])
    assert folds(result) == pytest.approx(FOLDS)
    assert result.problems == ()
    assert result.tables["rna_plates"]["offset_cq"].abs().to_numpy() == pytest.approx(0.75)
    assert result.notes["miqe"]["inter-run calibration"] == "by IRC"
    assert result.notes["miqe"]["biological replicates"] == "350 ppm: 2, 3.5 ppm: 2"
    # named as no calibrator, its rows lack a group, and the plates stay apart
    apart = evaluate(tmp_path, text)
    assert sum("column diet: the cell is empty" in row.error for row in apart.problems) == 4
    assert apart.notes["miqe"]["inter-run calibration"] == "none: plates share no sample"


def test_a_refused_table_still_names_its_rows(tmp_path):
    """Definition: every problem at once, so that one reading of the table mends them all."""
    text = "animal,diet,gene,cq\n007,350 ppm,Snai1,n.d.\nm2,35,Snai1,25\nm3,3.5 ppm,Snai1,24\n"
    with pytest.raises(RefusedTable, match="no usable row holds the reference genes") as refused:
        evaluate(tmp_path, text)
    assert [row.error.partition(":")[0] for row in refused.value.rows] == [
        "row 2, column cq",
        "row 3, column diet",
    ]


def test_a_sample_type_of_the_labs_own_is_no_task(tmp_path):
    """Definition: only an instrument's own words set wells aside."""
    table = pd.DataFrame(wells(), columns=["animal", "gene", "cq"])
    table["diet"], table["task"] = table["animal"].map(GROUPS), "negative node"
    assert folds(evaluate(tmp_path, table.to_csv(index=False))) == pytest.approx(FOLDS)
