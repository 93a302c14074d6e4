"""What the report has to know of a study beside the tables in its results folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .report_styles import PLAIN, STYLES, MethodStyle

ANIMALS, SUBJECTS = "animals", "subjects"
"""What n counts: animals, or people of a clinical table."""


@dataclass(frozen=True)
class AssayView:
    """One assay, as the report sees it.

    Attributes
    ----------
    name : str
        As in the ``assay`` column of the tables.
    method : str
        ``nodules``, ``fluorescence``, ``dab`` or a table assay's.
    features : tuple of str
        In the order in which they are shown; the first is the one reported first. Features that
        stand in the tables and not here follow in the tables' order.
    marker : str or None
        The stained protein.
    compartment : str or None
        Where its level is read: nucleus, cytoplasm, membrane or cell.
    parameters : mapping
        The options measured with, by name.
    calibration : mapping
        Thresholds and references of the study, with where they come from; a table's notes.
    notes : tuple of str
        Full sentences that a reader of this assay should see.
    overlays : mapping of str to str
        From image to its overlay, relative to the results folder with forward slashes. An image
        that isn't here has ``overlays/<assay>/<image without extension>.jpg``.
    files : tuple of str
        The tables that a table assay was read from; empty for an assay of images.
    rows : int or None
        Rows of these tables; None where they are not known.
    unit : str
        What n counts: `ANIMALS` or `SUBJECTS`.
    groups : tuple of str
        The assay's own groups (the outcomes of a clinical table); empty where they are the
        study's.
    further_tables : tuple of str
        Names, without extension, of the tables that the assay wrote beside the results; only
        these are read, so that a table left behind by an earlier run is not taken for one.
    """

    name: str
    method: str
    features: tuple[str, ...] = ()
    marker: str | None = None
    compartment: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overlays: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    rows: int | None = None
    unit: str = ANIMALS
    groups: tuple[str, ...] = ()
    further_tables: tuple[str, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the assay was read from tables alone."""
        return bool(self.files)

    @property
    def style(self) -> MethodStyle:
        """How its method's numbers are shown."""
        return STYLES.get(self.method, PLAIN)


@dataclass(frozen=True)
class StudyView:
    """A study, as the report sees it.

    Attributes
    ----------
    title : str
        The study's title.
    groups : tuple of str
        In the order in which tables and figures show them.
    reference : str
        The group that the others are compared with.
    alpha : float
        The level of significance.
    adjust : str
        Correction over the features of an assay: ``none``, ``holm`` or ``benjamini_hochberg``.
    assays : mapping of str to AssayView
        In the order in which they are shown.
    run : mapping
        The content of ``run.json``: versions, parameters, fingerprints.
    notes : tuple of str
        Full sentences that every reader should see.
    rendered : bool
        The images are rendered, not photographed: the report says so at its top and beside every
        assay.
    """

    title: str
    groups: tuple[str, ...]
    reference: str
    alpha: float = 0.05
    adjust: str = "none"
    assays: Mapping[str, AssayView] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rendered: bool = False
