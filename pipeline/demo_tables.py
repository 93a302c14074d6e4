"""The demo's tables: tumour volumes, iron status, a plate of Cq values, and patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Figure 1A of the paper: mean volumes at the end, mm³; SD = SEM · √9.
FINAL_VOLUMES_MM3 = {
    "350 ppm": (1453.8, 271.8),
    "35 ppm": (1636.5, 259.8),
    "3.5 ppm": (2922.6, 485.4),
}
# The paper says below 20 % for 3.5 ppm and normal for the others; the numbers are chosen.
SATURATION_PERCENT = {"350 ppm": (42.0, 6.0), "35 ppm": (36.0, 6.0), "3.5 ppm": (14.0, 3.0)}
# The paper says "at least one-fold" up, read as a doubling; its RNA was pooled, here it isn't.
SNAI1_LOG2_FOLD = {"350 ppm": (0.0, 0.3), "35 ppm": (0.1, 0.3), "3.5 ppm": (1.1, 0.3)}
# Figure 6: patients, mean and SD of haemoglobin (g/L), mean age.
PATIENTS = {"positive": (62, 119.6, 14.5, 34.5), "negative": (74, 126.7, 13.6, 35.5)}

DAYS = (7, 11, 14, 18, 21, 25, 28)
_FIRST_VOLUME_MM3 = 60.0
_CALIPER_ERROR = 0.02  # of a length
_CQ_SD = 0.08  # of technical replicates
_REFERENCE_CQ = {"Gapdh": 17.5, "G6pd": 23.0, "Hprt1": 24.5}
_TARGET_CQ = 27.0


@dataclass(frozen=True)
class DemoTable:
    """One table of the demo and the truth about its animals.

    Attributes
    ----------
    file : str
        The table's name in the study's folder.
    table : pandas.DataFrame
        What is written there.
    truth : pandas.DataFrame
        Columns animal, group, feature, value; empty where there is none but the table itself.
    """

    file: str
    table: pd.DataFrame
    truth: pd.DataFrame


def make_tables(
    animals: Sequence[tuple[str, str]], rng: np.random.Generator
) -> dict[str, DemoTable]:
    """Make all tables.

    Parameters
    ----------
    animals : sequence of (str, str)
        Each animal and its group.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    dict of str to DemoTable
        By assay.
    """
    return {
        "volume": _volumes(animals, rng),
        "iron": _iron(animals, rng),
        "rna": _plate(animals, rng),
        "nodes": _patients(rng),
    }


def _drawn(
    animals: Sequence[tuple[str, str]],
    targets: dict[str, tuple[float, float]],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw a value for each animal from its group's normal distribution."""
    return np.array([rng.normal(*targets[group]) for _, group in animals])


def truth_table(
    animals: Sequence[tuple[str, str]], feature: str, values: np.ndarray
) -> pd.DataFrame:
    """Give a feature's true value for each animal."""
    rows = [(a, g, feature, float(v)) for (a, g), v in zip(animals, values, strict=True)]
    return pd.DataFrame(rows, columns=["animal", "group", "feature", "value"])


def _volumes(animals: Sequence[tuple[str, str]], rng: np.random.Generator) -> DemoTable:
    """Grow tumours exponentially to their final volume; measure them with calipers."""
    final = np.clip(_drawn(animals, FINAL_VOLUMES_MM3, rng), 300, None)
    rates = np.log(final / _FIRST_VOLUME_MM3) / (DAYS[-1] - DAYS[0])
    rows = []
    for (animal, group), rate in zip(animals, rates, strict=True):
        for day in DAYS:
            volume = _FIRST_VOLUME_MM3 * np.exp(rate * (day - DAYS[0]))
            width = (2 * volume / 1.25) ** (1 / 3)  # length is 1.25 widths, volume ½ L W²
            length, width = rng.normal(1, _CALIPER_ERROR, 2) * (1.25 * width, width)
            rows.append((animal, group, day, round(length, 2), round(min(length, width), 2)))
    table = pd.DataFrame(rows, columns=["animal", "diet", "day", "length_mm", "width_mm"])
    return DemoTable("volumes.csv", table, truth_table(animals, "growth_rate_per_day", rates))


def _iron(animals: Sequence[tuple[str, str]], rng: np.random.Generator) -> DemoTable:
    saturation = np.clip(_drawn(animals, SATURATION_PERCENT, rng), 3, 90)
    capacity = rng.normal(68, 5, len(animals))  # TIBC of mice, µmol/L
    iron = capacity * saturation / 100
    table = pd.DataFrame(animals, columns=["animal", "diet"])
    table["serum_iron_umol_l"] = iron.round(2)
    table["uibc_umol_l"] = (capacity - iron).round(2)
    table["haemoglobin_g_l"] = (95 + 55 * np.sqrt(saturation / 42)).round(0)
    table["ferritin_ug_l"] = (20 + 6 * saturation + rng.normal(0, 10, len(animals))).round(1)
    truth = truth_table(animals, "transferrin_saturation_percent", saturation)
    return DemoTable("iron.csv", table, truth)


def _plate(animals: Sequence[tuple[str, str]], rng: np.random.Generator) -> DemoTable:
    """Make Cq values; an animal's loading moves all its genes alike."""
    log2_fold = _drawn(animals, SNAI1_LOG2_FOLD, rng)
    is_reference = np.array([group == "350 ppm" for _, group in animals])
    log2_fold -= log2_fold[is_reference].mean()  # folds are relative to the reference's own mean
    rows = []
    for (animal, group), log2 in zip(animals, log2_fold, strict=True):
        loading = rng.normal(0, 0.4)
        expected = {**_REFERENCE_CQ, "Snai1": _TARGET_CQ - log2}
        for gene, cq in expected.items():
            wells = cq + loading + rng.normal(0, _CQ_SD, 3)
            rows += [(animal, group, gene, round(w, 2), i + 1) for i, w in enumerate(wells)]
    table = pd.DataFrame(rows, columns=["animal", "diet", "gene", "cq", "replicate"])
    return DemoTable("cq.csv", table, truth_table(animals, "fold_change.Snai1", 2.0**log2_fold))


def _patients(rng: np.random.Generator) -> DemoTable:
    """Make patients whose haemoglobin has the printed means and SDs exactly."""
    rows = []
    for status, (n, mean, sd, age) in PATIENTS.items():
        scores = rng.standard_normal(n)
        values = mean + sd * (scores - scores.mean()) / scores.std(ddof=1)
        ages = np.clip(rng.normal(age, 5, n), 22, 44).round()
        rows += [(status, round(float(h), 2), int(a)) for h, a in zip(values, ages, strict=True)]
    table = pd.DataFrame(rows, columns=["node_status", "haemoglobin_g_l", "age_years"])
    table.insert(0, "subject", [f"p{i + 1:03d}" for i in range(len(table))])
    empty = pd.DataFrame(columns=["animal", "group", "feature", "value"])
    return DemoTable("patients.csv", table, empty)
