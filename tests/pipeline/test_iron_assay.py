"""The iron assay on tables as labs have them, held against hand computations."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from xenoquant.pipeline.comparing import compare_study
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.iron_assay import FEATURES, IronAssay
from xenoquant.pipeline.study import StudyHeader

ROWS = {
    "007": ("350 ppm", 20, 60, 140, 50),
    "m2": ("350 ppm", 24, 60, 150, 60),
    "m3": ("350 ppm", 18, 60, 145, 55),
    "m4": ("3.5 ppm", 8, 80, 100, 20),
    "m5": ("3.5 ppm", 6, 80, 90, 10),
    "m6": ("3.5 ppm", 12, 50, 110, 15),
}


@pytest.fixture
def header() -> StudyHeader:
    groups = ("350 ppm", "3.5 ppm")
    return StudyHeader(title="t", group="diet", groups=groups, reference="350 ppm")


def write(file: Path, titles: str, line) -> None:
    rows = [line(animal, *values) for animal, values in ROWS.items()]
    file.write_text("\n".join([titles, *rows]), encoding="utf-8-sig")


def values_of(result, feature: str) -> list[float]:
    return result.animals.loc[result.animals["feature"] == feature, "value"].tolist()


def test_saturations_by_hand(tmp_path: Path, header):
    """20/60, 24/60, 18/60; 8/80, 6/80 and 12/50 of 100 %: two below the 20 % mark."""
    write(
        tmp_path / "t.csv",
        "animal,diet,serum_iron_umol_l,tibc_umol_l,haemoglobin_g_l,ferritin_ug_l",
        lambda animal, diet, *numbers: ",".join(map(str, (animal, diet, *numbers))),
    )
    result = IronAssay(table="t.csv").evaluate("iron", tmp_path, header)
    assert result.problems == ()
    assert values_of(result, FEATURES[0]) == pytest.approx([100 / 3, 40, 30, 10, 7.5, 24])
    assert values_of(result, "haemoglobin_g_l") == [140, 150, 145, 100, 90, 110]
    assert list(dict.fromkeys(result.animals["feature"])) == list(FEATURES)
    assert result.animals["animal"].iloc[0] == "007"
    assert result.compared == FEATURES
    deficient = result.tables["iron_deficient"]
    assert deficient[["n", "deficient"]].values.tolist() == [[3, 0], [3, 2]]
    assert json.dumps(result.notes, allow_nan=False)
    found = result.tables["iron_correlations"].set_index("name")["value"]
    # ranks of saturation 5 6 4 2 1 3 and of haemoglobin 4 6 5 2 1 3: 1 − 6 · 2 / 210
    assert found[f"{FEATURES[0]} and haemoglobin_g_l"] == pytest.approx(1 - 12 / 210)


def test_a_quantity_of_one_group_alone_keeps_a_row_that_says_so(tmp_path: Path, header):
    """Contract: nothing is dropped without a row."""
    write(
        tmp_path / "t.csv",
        "animal,diet,haemoglobin_g_l,ferritin_ug_l",
        lambda animal, diet, _, __, hb, ferritin: ",".join(
            [animal, diet, str(hb), str(ferritin) if diet == "350 ppm" else ""]
        ),
    )
    assay = IronAssay(table="t.csv")
    result = assay.evaluate("iron", tmp_path, header)
    study = SimpleNamespace(
        header=SimpleNamespace(
            groups=header.groups, reference=header.reference, alpha=0.05, adjust="none"
        ),
        assays={"iron": assay},
    )
    animals = result.animals.assign(assay="iron")
    found, problems = compare_study(study, animals, {"iron": result})
    assert problems == []
    rows = found[found["feature"] == "ferritin_ug_l"]
    assert rows["test"].tolist() == ["student_t"]
    assert rows["p"].isna().all()
    assert rows["note"].tolist() == ["no test: no animal of 3.5 ppm has a value"]


def test_a_saturation_that_cannot_be_had_is_listed_with_its_reason(tmp_path: Path, header):
    """By hand: 0 of 0 is no saturation."""
    text = "animal,diet,serum_iron_umol_l,tibc_umol_l\n007,350 ppm,20,60\nm2,3.5 ppm,0,0\n"
    (tmp_path / "t.csv").write_text(text)
    flags = IronAssay(table="t.csv").evaluate("iron", tmp_path, header).tables["iron_flags"]
    assert flags[["row", "animal", "flag"]].values.tolist() == [[3, "m2", "tibc_zero"]]


def test_other_units_and_uibc_give_the_same(tmp_path: Path, header):
    """Authority: the same animals in µmol/L; 1 µmol/L is 5.5845 µg/dL, TIBC is iron + UIBC."""
    write(
        tmp_path / "t.csv",
        "animal;diet;Fe;UIBC;haemoglobin_g_dl;ferritin_ug_l",
        lambda animal, diet, iron, tibc, hb, ferritin: ";".join(
            [animal, diet]
            + [
                f"{number:.5f}".replace(".", ",")
                for number in (iron * 5.5845, (tibc - iron) * 5.5845)
            ]
            + [f"{hb / 10:.2f}".replace(".", ","), str(ferritin)]
        ),
    )
    columns = {"serum_iron_ug_dl": "Fe", "uibc_ug_dl": "UIBC"}
    result = IronAssay(table="t.csv", columns=columns).evaluate("iron", tmp_path, header)
    assert values_of(result, FEATURES[0]) == pytest.approx([100 / 3, 40, 30, 10, 7.5, 24], rel=1e-5)
    assert values_of(result, "serum_iron_umol_l") == pytest.approx([20, 24, 18, 8, 6, 12], rel=1e-5)
    assert values_of(result, "tibc_umol_l") == pytest.approx([60, 60, 60, 80, 80, 50], rel=1e-5)
    assert values_of(result, "haemoglobin_g_l") == pytest.approx([140, 150, 145, 100, 90, 110])
    assert result.notes["units_of_the_table"]["haemoglobin_g_l"] == "haemoglobin_g_dl"


def test_what_does_not_add_up_is_flagged(tmp_path: Path, header):
    """By hand: TIBC 60 beside 20 + 20 in row 2; 70 of 60 in row 3 is more than all."""
    lines = ["animal,diet,serum_iron_umol_l,tibc_umol_l,uibc_umol_l", "a,350 ppm,20,60,20"]
    lines += ["b,350 ppm,70,60,", "c,3.5 ppm,10,,40"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    result = IronAssay(table="t.csv").evaluate("iron", tmp_path, header)
    flags = result.tables["iron_flags"]
    assert flags[["row", "flag"]].values.tolist() == [
        [2, "tibc_differs"],
        [3, "saturation_above_100"],
    ]
    assert values_of(result, FEATURES[0]) == pytest.approx([100 / 3, 700 / 6, 20])


def test_a_column_in_another_unit_than_it_says_is_named(tmp_path: Path, header):
    """Known: haemoglobin of 14 g/L isn't lived with; it is g/dL."""
    lines = ["animal,diet,haemoglobin_g_l", "a,350 ppm,14.2", "b,3.5 ppm,9.8"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    result = IronAssay(table="t.csv").evaluate("iron", tmp_path, header)
    assert "haemoglobin_g_l" in result.problems[0].error
    assert "g/dL" in result.problems[0].remedy


def test_bad_rows_are_named_and_the_others_used(tmp_path: Path, header):
    """By hand: row 2 below the limit of detection, rows 4 and 5 one animal, row 6 no group."""
    lines = ["animal,diet,ferritin_ug_l", "a,350 ppm,<LOD", "b,350 ppm,20"]
    lines += ["c,3.5 ppm,12", "c,3.5 ppm,14", "d,,14", "e,3.5 ppm,"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    result = IronAssay(table="t.csv").evaluate("iron", tmp_path, header)
    errors = " | ".join(row.error for row in result.problems)
    assert "row 2, column ferritin_ug_l: '<LOD' is a limit of detection" in errors
    assert "rows 4, 5: animal 'c' stands there 2 times" in errors
    assert "row 6, column diet: the cell is empty" in errors
    assert result.notes["missing"] == {"ferritin_ug_l": 1}
    assert set(result.animals["animal"]) == {"b", "e"}
    assert result.compared == ("ferritin_ug_l",)  # one group has a number: its row says so


def test_tables_without_iron_or_with_a_quantity_twice_are_refused(tmp_path: Path, header):
    """Contract: a quantity in two units is for a person to settle."""
    (tmp_path / "a.csv").write_text("animal,diet,weight\na,350 ppm,20\n")
    titles = "animal,diet,haemoglobin_g_l,haemoglobin_g_dl"
    (tmp_path / "b.csv").write_text(f"{titles}\na,350 ppm,140,14\n")
    for name, words in (("a.csv", "no column of iron status"), ("b.csv", "in two units")):
        with pytest.raises(InputError, match=words):
            IronAssay(table=name).evaluate("iron", tmp_path, header)
