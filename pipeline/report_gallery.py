"""The galleries of the report: which image stands where, and the flags that images carry."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .feature_words import feature_label
from .report_pictures import Picture
from .report_view import AssayView, StudyView
from .report_words import flag_meaning, format_number

CONTROL = "negative_control"
"""The role of images that are shown apart and enter no group."""


@dataclass(frozen=True)
class Shown:
    """One image in a gallery.

    Attributes
    ----------
    number : int
        Unique in the page.
    """

    number: int
    image: str
    animal: str
    group: str
    value: str
    flags: list[str]
    picture: Picture | None


@dataclass(frozen=True)
class FlagRow:
    """One flag, with the images that carry it."""

    code: str
    meaning: str
    images: list[tuple[int | None, str, str]]


def group_order(study: StudyView, table: pd.DataFrame, assay: AssayView | None = None) -> list[str]:
    """Give the study's groups, or the assay's own, then those that stand in the table alone."""
    own = assay.groups if assay is not None else ()
    return list(dict.fromkeys([*(own or study.groups), *table["group"]]))


def features_of(assay: AssayView, *tables: pd.DataFrame) -> list[str]:
    """Give the features that an assay's tables hold, in the order in which they are shown."""
    found = list(dict.fromkeys(name for table in tables for name in table["feature"]))
    return [name for name in assay.features if name in found] + [
        name for name in found if name not in assay.features
    ]


def flag_rows(images: pd.DataFrame, numbers: Mapping[tuple[str, str], int]) -> list[FlagRow]:
    """Collect the images of each flag, most frequent first."""
    held: dict[str, list[tuple[int | None, str, str]]] = {}
    for record in images.drop_duplicates(["assay", "image"]).to_dict("records"):
        assay, image = record["assay"], record["image"]
        for flag in split_flags(record["flag"]):
            held.setdefault(flag, []).append((numbers.get((assay, image)), assay, image))
    ordered = sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))
    return [FlagRow(code, flag_meaning(code), where) for code, where in ordered]


def split_flags(text: str) -> list[str]:
    """Give the flags of a cell of images.csv."""
    return [flag.strip() for flag in text.split(";") if flag.strip()]


def overlay_of(assay: AssayView, image: str) -> str:
    """Give an image's overlay, relative to the results folder."""
    if image in assay.overlays:
        return assay.overlays[image]
    head, _, last = image.replace("\\", "/").rpartition("/")
    stem = last.rpartition(".")[0] or last
    parts = [part for part in [*head.split("/"), stem] if part not in ("", ".", "..")]
    return "/".join(["overlays", assay.name, *parts]) + ".jpg"


def ordered_images(study: StudyView, images: pd.DataFrame) -> pd.DataFrame:
    """Give one row an image: samples by group and in the sheet's order, then the controls."""
    once = images.drop_duplicates("image")
    order = {group: place for place, group in enumerate(group_order(study, once))}
    place = [
        order[group] + (0 if role == "sample" else len(order))
        for group, role in zip(once["group"], once["role"], strict=True)
    ]
    return once.iloc[np.argsort(place, kind="stable")]


def galleries_of(
    study: StudyView,
    assay: AssayView,
    images: pd.DataFrame,
    *,
    pictures: Mapping[str, Picture],
    numbers: Mapping[tuple[str, str], int],
) -> list[tuple[str, list[Shown]]]:
    """Give the galleries of an assay: one a group, the negative controls last and apart."""
    features = features_of(assay, images)
    first = images[images["feature"].isin(features[:1])]
    values = dict(zip(first["image"], first["value"], strict=True))
    label = feature_label(features[0]) if features else ""
    galleries: dict[str, list[Shown]] = {}
    for record in ordered_images(study, images).itertuples(index=False):
        image = record.image
        heading = "Negative controls" if record.role == CONTROL else record.group
        shown = Shown(
            number=numbers[assay.name, image],
            image=image,
            animal=record.animal,
            group=record.group,
            value=f"{label}: {format_number(values[image])}" if image in values else "",
            flags=split_flags(record.flag),
            picture=pictures.get(overlay_of(assay, image)),
        )
        galleries.setdefault(heading or "Images", []).append(shown)
    return list(galleries.items())
