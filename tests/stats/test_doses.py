"""Doses and iron, held against the FDA's table and hand computations."""

import pytest

from xenoquant.stats.doses import (
    dose_mg_per_kg,
    dose_mg_per_m2,
    equivalent_dose_mg_per_kg,
    iron_in_blood_mg,
    iron_in_salt,
)


def test_equivalent_dose_is_the_fdas_conversion():
    """FDA 2005, table 1: mouse mg/kg divided by 12.3, rat by 6.2, give the human dose."""
    assert 1 / equivalent_dose_mg_per_kg(1.0) == pytest.approx(12.3, abs=0.05)
    assert 1 / equivalent_dose_mg_per_kg(1.0, animal="rat") == pytest.approx(6.2, abs=0.05)
    there = equivalent_dose_mg_per_kg(7.0, animal="human", other="mouse")
    assert equivalent_dose_mg_per_kg(there) == pytest.approx(7.0)


def test_equivalent_doses_are_one_dose_of_surface():
    """FDA 2005, table 1: Km 3, 6 and 37 of mouse, rat and human turn mg/kg into mg/m²."""
    assert [dose_mg_per_m2(1.0, species=name) for name in ("mouse", "rat", "human")] == [3, 6, 37]
    human = equivalent_dose_mg_per_kg(16.67)
    assert dose_mg_per_m2(human, species="human") == pytest.approx(dose_mg_per_m2(16.67))


def test_the_papers_dose_is_the_same_per_kilogram():
    """Hand computation: 0.5 mg in 30 g and 1 g in 60 kg are 16.67 mg/kg."""
    assert dose_mg_per_kg(0.5, 0.030) == pytest.approx(50 / 3)
    assert dose_mg_per_kg(1000, 60) == pytest.approx(50 / 3)


def test_iron_in_haemoglobin_and_in_salts():
    """Molar masses: 4 · 55.845 / 64,458; FeSO4 151.908; FeSO4 · 7 H2O 278.015."""
    assert iron_in_blood_mg(1000, 1.0) == pytest.approx(4 * 55.845 / 64.458, rel=2e-3)
    assert iron_in_salt(151.908, "ferrous sulfate") == pytest.approx(55.845)
    assert iron_in_salt(278.015, "ferrous sulfate heptahydrate") == pytest.approx(55.845)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dose_mg_per_kg(0.5, 0), "above zero"),
        (lambda: equivalent_dose_mg_per_kg(1, other="cat"), "species is one of"),
        (lambda: iron_in_salt(1, "rust"), "salt is one of"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=said):
        call()
