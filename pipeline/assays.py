"""The assays that a study can have, told apart by their method."""

from typing import Annotated

from pydantic import Field

from .assay import Assay
from .blot_assay import BlotAssay
from .clinical_assay import ClinicalAssay
from .dab_assay import DabAssay
from .fluorescence_assay import FluorescenceAssay
from .growth_assay import GrowthAssay
from .iron_assay import IronAssay
from .nodules_assay import NodulesAssay
from .qpcr_assay import QpcrAssay
from .table_assay import TableAssay

AnyAssay = Annotated[
    NodulesAssay
    | FluorescenceAssay
    | DabAssay
    | BlotAssay
    | GrowthAssay
    | QpcrAssay
    | IronAssay
    | ClinicalAssay,
    Field(discriminator="method"),
]

METHODS: dict[str, type[Assay]] = {
    "nodules": NodulesAssay,
    "fluorescence": FluorescenceAssay,
    "dab": DabAssay,
    "blot": BlotAssay,
}

TABLE_METHODS: dict[str, type[TableAssay]] = {
    "growth": GrowthAssay,
    "qpcr": QpcrAssay,
    "iron": IronAssay,
    "clinical": ClinicalAssay,
}
