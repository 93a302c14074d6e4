"""Roll-up: objects to images, images to animals, animals to groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .assay import Assay, Calibration, RollUp
from .classified import Classified
from .measured import Measured
from .problems import ProblemRow
from .samples import NEGATIVE_CONTROL, SAMPLE, Sample
from .shared_rows import Rows, join_rows
from .stored_images import Reclassified, StoredImages

if TYPE_CHECKING:
    from .study import Study

IMAGE_COLUMNS = ["assay", "image", "animal", "group", "role", "feature", "value", "flag"]
ANIMAL_COLUMNS = ["assay", "feature", "animal", "group", "value", "n_images", "n_objects"]
GROUP_COLUMNS = [
    *("assay", "feature", "group", "n", "mean", "sd", "sem"),
    *("ci_low", "ci_high", "median", "q1", "q3"),
]
FLAG_SEPARATOR = ";"
# So many are classified at once: a table costs more than its rows, and the memory has an end.
_IMAGES_TOGETHER = 200
_OBJECTS_TOGETHER = 20_000
_IDENTITY = ("assay", "image", "animal", "group")


@dataclass(frozen=True)
class AssayResult:
    """One assay, rolled up from objects to images.

    Attributes
    ----------
    calibration : Calibration
        The thresholds that were applied.
    classified : list of (Sample, Classified)
        Every measured image, in the sheet's order.
    problems : list of ProblemRow
        Images whose thresholds could not be applied.
    """

    calibration: Calibration
    classified: list[tuple[Sample, Classified]]
    problems: list[ProblemRow]


def classify_assay(
    name: str,
    assay: Assay,
    measured: Sequence[Measured],
    keep: Callable[[Sample, Classified], None] = lambda sample, image: None,
) -> AssayResult:
    """Calibrate an assay from its controls and apply the thresholds to all its images.

    Parameters
    ----------
    name : str
        The assay's name.
    assay : Assay
        The assay.
    measured : sequence of Measured
        Its images. Those of `StoredImages` keep no table in the result: theirs are made again
        where they are needed.
    keep : callable
        Takes each image's tables as they come.

    Returns
    -------
    AssayResult
        The thresholds, and every image's features and flags.
    """
    controls = list(_of_role(measured, NEGATIVE_CONTROL))
    samples = _of_role(measured, SAMPLE)
    try:
        calibration = assay.calibrate(controls, samples)
    except ValueError as error:
        remedy = "look at the negative controls' images and numbers, or set the threshold by hand"
        return AssayResult(
            Calibration(), [], [ProblemRow(name, "", "calibrate", str(error), remedy)]
        )
    classified, problems = [], []
    for alike in _alike(measured):
        for image, found in zip(alike, _classified(assay, alike, calibration), strict=True):
            if isinstance(found, ValueError):
                remedy = "mend the option named here, then run again; nothing is measured again"
                row = ProblemRow(name, image.sample.image, "classify", str(found), remedy)
                problems.append(row)
            else:
                keep(image.sample, found)
                classified.append((image.sample, _lean(assay, image, found, calibration, measured)))
    return AssayResult(calibration, classified, problems)


def _alike(measured: Iterable[Measured]) -> Iterator[list[Measured]]:
    """Give the images in their order, together those whose tables can be joined as they are."""
    held: list[Measured] = []
    layout, objects = None, 0
    for image in measured:
        own = image.layout
        full = len(held) >= _IMAGES_TOGETHER or objects >= _OBJECTS_TOGETHER
        if held and (full or own != layout):
            yield held
            held, objects = [], 0
        held.append(image)
        layout, objects = own, objects + image.n_objects
    if held:
        yield held


def _classified(
    assay: Assay, images: Sequence[Measured], calibration: Calibration
) -> Sequence[Classified | ValueError]:
    """Classify images of one layout; one that can't be classified costs none of the others."""
    try:
        return assay.classify_alike(images, calibration)
    except ValueError as error:
        if len(images) == 1:
            return [error]
    return [found for image in images for found in _classified(assay, [image], calibration)]


def _of_role(measured: Sequence[Measured], role: str) -> Sequence[Measured]:
    if isinstance(measured, StoredImages):
        return measured.of_role(role)
    return [image for image in measured if image.sample.role == role]


def _lean(
    assay: Assay,
    image: Measured,
    found: Classified,
    calibration: Calibration,
    measured: Sequence[Measured],
) -> Classified:
    """Let go of an image's tables if they can be made again."""
    if not isinstance(measured, StoredImages):
        return found
    load = measured.loader(image.sample)
    return Reclassified(found, lambda: assay.classify(load(), calibration))


def with_identity(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Put assay, image, animal and group in front of an image's objects or regions."""
    return joined_with_identity([(sample, Rows(table, 0, len(table)))])


def joined_with_identity(images: Sequence[tuple[Sample, Rows]]) -> pd.DataFrame:
    """Join images' rows of the same columns; as `with_identity` of each, joined."""
    table = join_rows(rows for _, rows in images)
    leading = [name for name in ("object", "region", "y_px", "x_px") if name in table.columns]
    own = [name for name in table.columns if name not in (*_IDENTITY, *leading)]
    lengths = [len(rows) for _, rows in images]
    identity = {
        name: pd.array([getattr(sample, name) for sample, _ in images], dtype="str").repeat(lengths)
        for name in _IDENTITY
    }
    kept = {name: table[name].array for name in (*leading, *own)}
    return pd.DataFrame(identity | kept, index=table.index)


def image_table(results: Mapping[str, AssayResult]) -> pd.DataFrame:
    """Give images.csv: a row a feature of an image, with the image's flags on each."""
    columns: dict[str, list[object]] = {name: [] for name in IMAGE_COLUMNS}
    for result in results.values():
        for sample, image in result.classified:
            told = sample.assay, sample.image, sample.animal, sample.group, sample.role
            for name, text in zip(IMAGE_COLUMNS, told, strict=False):
                columns[name] += [text] * len(image.features)
            columns["feature"] += image.features
            columns["value"] += image.features.values()
            columns["flag"] += [FLAG_SEPARATOR.join(image.flags)] * len(image.features)
    return pd.DataFrame(columns)


def animal_table(study: "Study", results: Mapping[str, AssayResult]) -> pd.DataFrame:
    """Give animals.csv: a row a feature of an animal, from its images that are samples."""
    order = {group: place for place, group in enumerate(study.header.groups)}
    rows = [
        row
        for name, result in results.items()
        for row in _animal_rows(name, study.image_assays[name], result, order)
    ]
    return pd.DataFrame(rows, columns=ANIMAL_COLUMNS)


def _counts(sample: Sample) -> bool:
    return sample.role == SAMPLE and sample.animal != ""


def _animal_rows(
    name: str, assay: Assay, result: AssayResult, order: Mapping[str, int]
) -> list[tuple[object, ...]]:
    """Give one assay's rows: feature by feature, groups in their order, animals by name."""
    counted = [(sample, image) for sample, image in result.classified if _counts(sample)]
    images = pd.DataFrame(
        [
            {"animal": s.animal, "group": s.group, "_objects": image.n_objects, **image.features}
            for s, image in counted
        ]
    )
    if images.empty:
        return []
    animals = dict(list(images.groupby(["animal", "group"])))
    places = sorted(animals, key=lambda key: (order.get(key[1], len(order)), key[0]))
    pairs: dict[tuple[str, str], list[tuple[Sample, Classified]]] = {key: [] for key in places}
    for sample, image in counted:
        pairs[sample.animal, sample.group].append((sample, image))
    joint = {key: assay.together(pairs[key]) for key in places}
    objects = {key: int(held["_objects"].sum()) for key, held in animals.items()}
    rows: list[tuple[object, ...]] = []
    for feature in images.columns[3:]:
        rule = assay.features.get(feature, RollUp())
        for animal, group in places:
            held = animals[animal, group]
            own = joint[animal, group]
            value = own[feature] if feature in own else combine(held, feature, rule)
            n_images = int(np.count_nonzero(~np.isnan(_numbers(held, feature))))
            rows.append((name, feature, animal, group, value, n_images, objects[animal, group]))
    return rows


def combine(images: pd.DataFrame, feature: str, rule: RollUp) -> float:
    """Combine a feature of one animal's images.

    Parameters
    ----------
    images : pandas.DataFrame
        A row an image, a column a feature; NaN where an image has no value.
    feature : str
        The column to combine.
    rule : RollUp
        How.

    Returns
    -------
    float
        NaN if no image has a value (or all weights are zero), and of a sum if any image has none:
        a part is not the whole. Where the weight of a value isn't known, all count the same.

    Examples
    --------
    >>> images = pd.DataFrame({"nodules": [3.0, 5.0]})
    >>> combine(images, "nodules", RollUp("sum")), combine(images, "nodules", RollUp())
    (8.0, 4.0)
    """
    values = _numbers(images, feature)
    there = ~np.isnan(values)
    if not there.any():
        return float("nan")
    if rule.combine == "sum":
        return float(values.sum())
    values = values[there]
    unweighted = float(values.sum() / len(values))
    if rule.weight is None or rule.weight not in images:
        return unweighted
    weights = _numbers(images, rule.weight)[there]
    if np.isnan(weights).any():
        return unweighted
    total = float(weights.sum())
    return float((values * weights).sum() / total) if total > 0 else float("nan")


def _numbers(images: pd.DataFrame, feature: str) -> np.ndarray:
    return images[feature].to_numpy(np.float64, na_value=np.nan)


def group_table(study: "Study", animals: pd.DataFrame) -> pd.DataFrame:
    """Give groups.csv: a row a feature of a group, its n being animals."""
    from ..stats.summaries import summarise_groups

    tables = []
    for (assay, feature), held in animals.groupby(["assay", "feature"], sort=False):
        named = dict.fromkeys([*study.header.groups, *held["group"]])
        present = [group for group in named if (held["group"] == group).any()]
        table = summarise_groups(held, groups=present, level=1 - study.header.alpha)
        table.insert(0, "feature", feature)
        table.insert(0, "assay", assay)
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=GROUP_COLUMNS)
    return pd.concat(tables, ignore_index=True)[GROUP_COLUMNS]
