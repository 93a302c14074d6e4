"""Images classified many at once: the same as one by one, whatever lies between them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xenoquant.pipeline import rollup
from xenoquant.pipeline.classified import Classified
from xenoquant.pipeline.measured import Measured, MeasuredImage
from xenoquant.pipeline.plan import plan_study
from xenoquant.pipeline.rollup import classify_assay
from xenoquant.pipeline.samples import Sample, study_samples
from xenoquant.pipeline.store import Store
from xenoquant.pipeline.stored_images import StoredImages
from xenoquant.pipeline.stored_tables import FromStore
from xenoquant.pipeline.study import load_study


@pytest.fixture(params=["ferritin", "snai1"])
def stored(request, finished_study):
    """An assay of cells, its thresholds, and a loader of its images' stored measurements."""
    study = load_study(finished_study)
    name = request.param
    assay = study.image_assays[name]
    tasks = [
        task for task in plan_study(study, study_samples(study)).tasks if task.sample.assay == name
    ]
    store = Store(study.results / "store")

    def load(task):
        return FromStore(task.sample, store.load(task.fingerprint), ("seen",))

    images = StoredImages(tasks, load)
    return assay, classify_assay(name, assay, images).calibration, list(images)


def in_memory(image: Measured) -> Measured:
    return MeasuredImage(
        image.sample, image.objects, image.regions, image.profiles, image.flags, image.notes
    )


def assert_same(found: Classified, plain: Classified) -> None:
    for kind in ("objects", "regions"):
        table = getattr(plain, kind)
        pd.testing.assert_frame_equal(getattr(found, kind), table, check_exact=True)
        pd.testing.assert_frame_equal(found.rows(kind).taken(), table, check_exact=True)
    assert list(found.features) == list(plain.features)
    np.testing.assert_array_equal(list(found.features.values()), list(plain.features.values()))
    assert (found.flags, found.n_objects) == (plain.flags, plain.n_objects)


@pytest.mark.parametrize("form", ["stored", "in memory", "reviewed", "without cells"])
def test_many_at_once_are_the_same_as_one_by_one(stored, form):
    assay, calibration, images = stored
    assert len(images) > 2
    if form != "stored":
        images = [in_memory(image) for image in images]
    if form == "reviewed":
        notes = images[1].notes | {"review": {"classes": {"1": 0, "2": 1}}}
        images[1] = replace(images[1], notes=notes)
    if form == "without cells":
        arcs = {name: held[:0] for name, held in images[1].profiles.items() if held.ndim == 2}
        profiles = dict(images[1].profiles) | arcs
        images[1] = replace(images[1], objects=images[1].objects.iloc[:0], profiles=profiles)
    together = assay.classify_alike(images, calibration)
    for found, image in zip(together, images, strict=True):
        assert_same(found, assay.classify(image, calibration))


def test_arcs_that_are_missing_leave_completeness_open(stored):
    """One image's outlines weren't kept: the others have theirs."""
    assay, calibration, images = stored
    images = [in_memory(image) for image in images]
    histograms = {n: held for n, held in images[0].profiles.items() if held.ndim == 1}
    images[0] = replace(images[0], profiles=histograms)
    for found, image in zip(assay.classify_alike(images, calibration), images, strict=True):
        assert_same(found, assay.classify(image, calibration))


def test_an_overlay_is_shown_the_cells_that_are_counted(stored):
    assay, calibration, images = stored
    for image in images:
        shown, counted = assay.shown(image, calibration), assay.classify(image, calibration)
        told = {"object", "class", "positive"} & set(shown.objects.columns)
        assert len(told) > 1
        for name in told:
            pd.testing.assert_series_equal(shown.objects[name], counted.objects[name])


@pytest.mark.parametrize(("at_once", "objects"), [(1, 20_000), (3, 20_000), (200, 1)])
def test_how_many_are_taken_together_changes_nothing(stored, monkeypatch, at_once, objects):
    assay, _, images = stored
    whole = classify_assay("a", assay, images)
    monkeypatch.setattr(rollup, "_IMAGES_TOGETHER", at_once)
    monkeypatch.setattr(rollup, "_OBJECTS_TOGETHER", objects)
    parts = classify_assay("a", assay, images)
    for (sample, found), (same, plain) in zip(parts.classified, whole.classified, strict=True):
        assert sample == same
        assert_same(found, plain)


def test_tables_of_another_layout_are_not_joined():
    """A column more, or another type, ends what is taken together; the order stays."""
    whole = pd.DataFrame({"object": [1, 2], "area": [1.0, 2.0]})
    tables = [whole, whole, whole.assign(more=0.5), whole.astype({"area": "int64"}), whole]
    images = [
        MeasuredImage(Sample("a", f"{place}.png", "m1", "g"), table, pd.DataFrame(), {})
        for place, table in enumerate(tables)
    ]
    found = [[image.sample.image[0] for image in alike] for alike in rollup._alike(images)]
    assert found == [["0", "1"], ["2"], ["3"], ["4"]]


def test_an_image_that_fails_costs_no_other(stored, monkeypatch):
    """It is the one that is named, and the others are those of a run without it."""
    assay, _, images = stored
    whole = classify_assay("a", assay, images)
    bad = images[1].sample
    original = type(assay).classify

    def classify(self, image, calibration):
        if image.sample == bad:
            raise ValueError("no such column")
        return original(self, image, calibration)

    def classify_alike(self, images, calibration):
        return [self.classify(image, calibration) for image in images]

    monkeypatch.setattr(type(assay), "classify", classify)
    monkeypatch.setattr(type(assay), "classify_alike", classify_alike)
    found = classify_assay("a", assay, images)
    assert [(row.image, row.error) for row in found.problems] == [(bad.image, "no such column")]
    rest = [pair for pair in whole.classified if pair[0] != bad]
    for (sample, image), (same, plain) in zip(found.classified, rest, strict=True):
        assert sample == same
        assert_same(image, plain)
