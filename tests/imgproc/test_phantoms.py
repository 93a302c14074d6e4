"""Phantoms: one seed, one picture; numpy promises it for seeded generators."""

import dataclasses

import pytest
from same_results import equal

from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)

SMALL = LungScene(size_px=(300, 420), px_per_mm=20.0, nodules=8)


def parts(result: object) -> dict[str, object]:
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


@pytest.mark.parametrize(
    ("render", "scene", "picture"),
    [
        (render_lungs, SMALL, "rgb"),
        (render_fluorescence, FluorescenceScene(size_px=(128, 128)), "channels"),
        (render_dab, DabScene(size_px=(128, 128)), "rgb"),
    ],
)
def test_same_seed_gives_the_same_and_another_seed_another_picture(render, scene, picture):
    once, again, other = (parts(render(seed, scene=scene)) for seed in (3, 3, 4))
    assert all(equal(once[name], again[name]) for name in once)
    assert not equal(once[picture], other[picture])
