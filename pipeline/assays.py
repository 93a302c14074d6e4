"""The assays that a study can have, told apart by their method."""

from typing import Annotated

from pydantic import Field

from .assay import Assay
from .dab_assay import DabAssay
from .fluorescence_assay import FluorescenceAssay
from .nodules_assay import NodulesAssay
from .table_assay import TableAssay

AnyAssay = Annotated[NodulesAssay | FluorescenceAssay | DabAssay, Field(discriminator="method")]

METHODS: dict[str, type[Assay]] = {
    "nodules": NodulesAssay,
    "fluorescence": FluorescenceAssay,
    "dab": DabAssay,
}

TABLE_METHODS: dict[str, type[TableAssay]] = {}
