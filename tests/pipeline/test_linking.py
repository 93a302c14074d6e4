"""Iron status beside the other assays' evidence, animal by animal."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from xenoquant.pipeline.evidence import evaluate_tables, join_animals
from xenoquant.pipeline.linking import LINK_COLUMNS, conflicting_groups, link_iron
from xenoquant.pipeline.rollup import ANIMAL_COLUMNS
from xenoquant.pipeline.study import Study, load_study

SATURATION = "transferrin_saturation_percent"
IRON = [20, 22, 25, 27, 8, 9, 11, 12]  # of a capacity of 60 µmol/L
LENGTHS = [9, 8, 8.5, 7, 12, 13, 11, 12.5]  # on day 14, width 6


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> tuple[Study, pd.DataFrame, dict]:
    study = write_study(tmp_path_factory.mktemp("linked"))
    tables, problems = evaluate_tables(study)
    assert problems == []
    return study, join_animals(pd.DataFrame(columns=ANIMAL_COLUMNS), tables), tables


def write_study(folder: Path) -> Study:
    (folder / "study.toml").write_text(
        '[study]\ntitle = "t"\ngroup = "diet"\ngroups = ["a", "b"]\nreference = "a"\n'
        '[assays.iron]\nmethod = "iron"\ntable = "iron.csv"\n'
        '[assays.volume]\nmethod = "growth"\ntable = "volume.csv"\n'
    )
    animals = [(f"m{i}", "a" if i < 4 else "b") for i in range(8)]
    iron = ["animal,diet,serum_iron_umol_l,tibc_umol_l"]
    iron += [
        f"{animal},{group},{iron},60" for (animal, group), iron in zip(animals, IRON, strict=True)
    ]
    volume = ["animal,diet,day,length_mm,width_mm"]
    for (animal, group), length in zip(animals, LENGTHS, strict=True):
        volume += [f"{animal},{group},7,5,4", f"{animal},{group},14,{length},6"]
    (folder / "iron.csv").write_text("\n".join(iron))
    (folder / "volume.csv").write_text("\n".join([*volume, "m9,b,7,5,4", "m9,b,14,9,6"]))
    return load_study(folder)


def test_iron_is_linked_with_the_leading_features_of_other_assays(evaluated):
    """Authority: scipy's rank correlation; m9 has no iron status and is in no pair."""
    study, animals, tables = evaluated
    linked = link_iron(study, animals, tables)
    links = linked["iron"].tables["iron_links"]
    assert list(links.columns) == LINK_COLUMNS
    leading = links[links["feature"] == SATURATION]
    assert leading["other_feature"].tolist() == ["volume_mm3.day_14", "growth_rate_per_day"]
    assert set(leading["other_assay"]) == {"volume"}
    assert leading["n"].tolist() == [8, 8]
    rho = stats.spearmanr(IRON, LENGTHS).statistic
    assert leading["rho"].to_numpy() == pytest.approx([rho, rho])
    assert (leading["ci_low"] < rho).all()
    pairs = linked["iron"].tables["iron_linked_animals"]
    assert set(pairs["animal"]) == {f"m{i}" for i in range(8)}
    own = pairs[pairs["other_feature"] == "volume_mm3.day_14"].set_index("animal")
    assert own.loc["m1", ["x", "y"]].tolist() == pytest.approx([100 * 22 / 60, 0.5 * 8 * 36])
    assert linked["volume"] is tables["volume"]


def test_without_other_evidence_nothing_is_linked(evaluated):
    study, animals, tables = evaluated
    alone = animals[animals["assay"] == "iron"]
    assert "iron_links" not in link_iron(study, alone, {"iron": tables["iron"]})["iron"].tables


def test_an_animal_of_two_groups_is_named(evaluated):
    """Authority: m0 put into group b by the iron table alone."""
    study, animals, _ = evaluated
    assert conflicting_groups(study, animals) == []
    moved = (animals["assay"] == "iron") & (animals["animal"] == "m0")
    animals = animals.assign(group=animals["group"].where(~moved, "b"))
    [problem] = conflicting_groups(study, animals)
    assert problem.error == (
        "animal 'm0' is of different groups in different assays: b in iron, a in volume"
    )
