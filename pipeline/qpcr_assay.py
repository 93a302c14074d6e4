"""Quantitative PCR as an assay of a study: from wells to fold changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from .problems import ProblemRow, RefusedTable
from .qpcr_notes import efficiency_table, qpcr_notes
from .qpcr_results import QpcrResults
from .qpcr_table import Wells, read_dilutions, read_wells
from .table_assay import TableAssay, TableResult
from .table_rows import animal_features

if TYPE_CHECKING:
    from .study import StudyHeader

_READ = "read"


class QpcrAssay(TableAssay):
    """Cq values of target and reference genes, as fold changes between the groups."""

    method: Literal["qpcr"] = "qpcr"
    reference_genes: tuple[str, ...] = Field(
        description="The reference genes that quantities are normalised to, by the geometric mean "
        "of theirs.",
        min_length=1,
    )
    amplification: dict[str, Annotated[float, Field(gt=1, le=2.5)]] = Field(
        default_factory=dict,
        description="Amplification a cycle by gene, 1 + efficiency: { Snai1 = 1.95 }; a gene that "
        "isn't named here or in the dilutions has 2.",
    )
    dilutions: str | None = Field(
        None,
        description="A table of dilution series (gene, quantity, cq) that the amplification of "
        "its genes is worked out from.",
    )
    animals: str | None = Field(
        None,
        description="A table of animals and their groups, for a table of wells that has no column "
        "of groups; without it the sample sheet is asked.",
    )
    calibrators: tuple[str, ...] = Field(
        (),
        description="Samples that were run on several plates to bring them together and are no "
        "animal; they need no group and are in no comparison.",
    )

    reminders: ClassVar[tuple[str, ...]] = (
        "Fold changes are tested on log2; a pooled sample has n = 1 and never a p.",
    )

    @field_validator("reference_genes")
    @classmethod
    def _each_once(cls, genes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(genes)) < len(genes):
            raise ValueError("every reference gene stands once")
        return genes

    def files(self) -> tuple[str, ...]:
        """Give the table of wells, and those of dilutions and animals if there are any."""
        return tuple(name for name in (self.table, self.dilutions, self.animals) if name)

    def evaluate(self, name: str, folder: Path, header: "StudyHeader") -> TableResult:
        """Work out fold changes from the table's wells; see `TableAssay.evaluate`."""
        from ..stats.genorm import genorm
        from ..stats.qpcr import compare_folds, reference_matrix, relative_quantities
        from ..stats.qpcr_wells import calibrate_plates, combine_wells, judge_wells

        read = read_wells(
            name,
            folder,
            self.table,
            header=header,
            columns=self.columns,
            reference_genes=self.reference_genes,
            animals=self.animals,
            calibrators=self.calibrators,
        )
        self._require_reference(read, header)
        efficiencies, problems = self._efficiencies(name, folder, header, read.wells)
        judged = judge_wells(read.wells)
        samples, plates = calibrate_plates(combine_wells(judged))
        samples = samples[samples["group"] != ""].reset_index(drop=True)  # no calibrators
        quantities = relative_quantities(
            samples,
            reference_genes=self.reference_genes,
            reference_group=header.reference,
            amplification=dict(
                zip(efficiencies["gene"], efficiencies["amplification"], strict=True)
            ),
        )
        stability = genorm(reference_matrix(quantities, self.reference_genes))
        comparisons = compare_folds(
            quantities,
            groups=header.groups,
            reference=header.reference,
            alpha=header.alpha,
            tests=self.tests,
        )
        found = QpcrResults(judged, quantities, stability, efficiencies, plates)
        return TableResult(
            animals=_animals(quantities, header.groups),
            comparisons=comparisons,
            problems=(*read.problems, *problems, *_plate_problems(name, self.table, plates)),
            notes=qpcr_notes(self, read, found),
            tables=found.tables(name, header.groups, header.alpha),
        )

    def _require_reference(self, read: Wells, header: "StudyHeader") -> None:
        wells = read.wells
        genes = set(wells["gene"])
        absent = [gene for gene in self.reference_genes if gene not in genes]
        if absent:
            raise RefusedTable(
                self.table,
                f"no usable row holds the reference genes {', '.join(map(repr, absent))}; the "
                f"genes there are {', '.join(map(repr, sorted(genes))) or 'none'}",
                "mend reference_genes in study.toml, or the gene column",
                read.problems,
            )
        if not (wells["group"] == header.reference).any():
            raise RefusedTable(
                self.table,
                f"no usable row belongs to the reference group {header.reference!r}, which fold "
                "changes are relative to",
                "add its samples, or name another reference in study.toml",
                read.problems,
            )

    def _efficiencies(
        self, name: str, folder: Path, header: "StudyHeader", wells: pd.DataFrame
    ) -> tuple[pd.DataFrame, list[ProblemRow]]:
        """Give each gene's amplification with its source, and what was wrong with dilutions."""
        from ..stats.qpcr import amplification_from_dilutions

        problems: list[ProblemRow] = []
        fitted = None
        if self.dilutions is not None:
            series, found = read_dilutions(name, folder, self.dilutions, header=header)
            problems += found
            fitted = amplification_from_dilutions(series)
        genes = list(dict.fromkeys(wells["gene"]))
        table = efficiency_table(genes, self.amplification, fitted)
        for row in table[table["note"] != ""].to_dict("records"):
            text = f"gene {row['gene']}: {row['note']}; amplification 2 is taken"
            remedy = "mend the series, or give amplification in study.toml"
            problems.append(ProblemRow(name, str(self.dilutions), _READ, text, remedy))
        return table, problems


def _animals(quantities: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Give the target genes' fold changes; a sample without one has no row."""
    from ..stats.qpcr import FEATURE

    held = quantities[~quantities["is_reference_gene"] & quantities["fold_change"].notna()]
    values = pd.DataFrame(
        {
            "feature": FEATURE + "." + held["gene"],
            "animal": held["animal"],
            "group": held["group"],
            "value": held["fold_change"],
            "n_objects": held["wells"],
        }
    )
    return animal_features(values, groups)


def _plate_problems(name: str, table: str, plates: pd.DataFrame) -> list[ProblemRow]:
    """Say which genes' plates share no sample, so that they can't be brought together."""
    problems = []
    for gene, held in plates.groupby("gene", sort=False):
        if held["run"].nunique() > 1:
            text = (
                f"gene {gene}: plates {', '.join(map(repr, held['plate']))} share no sample (no "
                "inter-run calibrator), so differences between plates stay in its quantities"
            )
            remedy = "run one sample on every plate, or measure a gene's samples on one plate"
            problems.append(ProblemRow(name, table, _READ, text, remedy))
    return problems
