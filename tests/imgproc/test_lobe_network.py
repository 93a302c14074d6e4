"""The shipped lobe network: its file, its input, and lobes from its maps."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from xenoquant.imgproc import lungs
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.lobe_network import (
    NETWORK,
    NETWORK_PX_PER_MM,
    PLANES,
    drawn_maps,
    lobe_planes,
    network_lobes,
    shipped_network,
)
from xenoquant.imgproc.lungs import find_lobes
from xenoquant.imgproc.nodules import measure_nodules
from xenoquant.imgproc.phantoms import LungScene, random_lung_scene, render_lungs
from xenoquant.imgproc.photo import reduced


class Drawn:
    """A network that reads lung from the red of a photo, and cores from the green."""

    def get_inputs(self):
        return [type("Input", (), {"name": "planes"})]

    def run(self, _, planes):
        return [np.exp(planes["planes"][:, :2]) * 0.33 - 0.03]


def discs(shape, *places):
    rows, columns = np.indices(shape)
    return np.any([np.hypot(rows - y, columns - x) < r for y, x, r in places], axis=0)


def found_in(tissue, core, area=200.0):
    photo = np.stack([tissue, core, tissue], axis=2).astype(np.float32)
    return network_lobes(photo, Drawn(), area=area)


def test_damaged_and_missing_files_are_refused():
    """Authority: the SHA-256 of the file; one bit of it turned."""
    content = NETWORK.read()
    assert len(content) < 3_000_000
    damaged = bytearray(content)
    damaged[1000] ^= 1
    with pytest.raises(MeasurementError, match="damaged"):
        NETWORK.checked(bytes(damaged))
    with pytest.raises(MeasurementError, match="lobe network"):
        NETWORK.checked(None)


def test_planes_are_logarithms():
    """Authority: hand computation: 0.3 of full scale is 0, black ln(0.03 / 0.33)."""
    rgb = np.full((2, 3, 3), 0.3, np.float32)
    rgb[0, 0] = 0
    planes = lobe_planes(rgb)
    assert planes.shape == (PLANES, 2, 3)
    np.testing.assert_allclose(planes[:, 1, 1], 0, atol=1e-6)
    np.testing.assert_allclose(planes[:, 0, 0], np.log(0.03 / 0.33), rtol=1e-5)


@pytest.mark.parametrize("mirror", [(1, -1), (-1, 1), (-1, -1)])
def test_a_mirrored_photo_has_mirrored_maps(mirror):
    """Authority: symmetry; sides are multiples of what the network halves, so nothing is padded."""
    small = np.random.default_rng(2).random((64, 96, 3), np.float32)
    y, x = mirror
    maps = drawn_maps(small, shipped_network())
    other = drawn_maps(np.ascontiguousarray(small[::y, ::x]), shipped_network())
    np.testing.assert_allclose(maps, other[:, ::y, ::x], atol=1e-4)


def test_two_cores_share_the_tissue_between_them():
    """Authority: the drawing: two discs that touch, by symmetry cut halfway."""
    tissue = discs((80, 140), (40, 40, 31), (40, 100, 31))
    core = discs((80, 140), (40, 40, 25), (40, 100, 25))
    labels = found_in(tissue, core * 0.9 + tissue * 0.05)
    assert len(np.unique(labels)) == 3
    assert labels[40, 40] != labels[40, 100]
    assert np.array_equal(labels > 0, tissue)
    left = labels == labels[40, 40]
    assert not left[:, 74:].any()
    assert left[tissue & (np.indices(tissue.shape)[1] < 66)].all()


@pytest.mark.parametrize(("apart", "lobes"), [(54, 2), (20, 1)])
def test_a_core_that_hardly_holds_together_is_cut_where_its_outline_is_pinched(apart, lobes):
    """Authority: the drawing: two discs that overlap by a little are two lobes, by much one,
    whatever valley the network sees between them."""
    places = ((40, 40, 30), (40, 40 + apart, 30))
    tissue = discs((80, 160), *places)
    core = 0.8 * discs((80, 160), *((y, x, r - 4) for y, x, r in places))
    core[:, 40 + apart // 2 - 1 : 40 + apart // 2 + 2] *= 0.7 / 0.8
    labels = found_in(tissue, core)
    assert len(np.unique(labels)) == lobes + 1
    assert np.array_equal(labels > 0, tissue)


def test_specks_and_small_pieces_are_no_lobes():
    """Authority: the drawing: one disc of a lobe's size; one with a core too small, one too
    small itself."""
    tissue = discs((90, 200), (45, 40, 30), (45, 110, 20), (45, 170, 6))
    core = discs((90, 200), (45, 40, 24), (45, 110, 2), (45, 170, 5))
    labels = found_in(tissue, core)
    assert len(np.unique(labels)) == 2
    assert np.array_equal(labels > 0, discs((90, 200), (45, 40, 30)))


def test_what_is_as_rectangular_as_paper_is_no_lobe():
    """Authority: the drawing: a disc, and a ruler that the network takes for lung."""
    tissue = discs((90, 200), (45, 40, 30))
    tissue[10:80, 100:150] = True
    core = discs((90, 200), (45, 40, 25))
    core[15:75, 105:145] = True
    assert np.array_equal(found_in(tissue, core) > 0, discs((90, 200), (45, 40, 30)))


def test_holes_of_a_lobe_are_its_own():
    """Authority: the drawing; a hole, as a nodule that the network takes for none of the lung."""
    ring = discs((90, 90), (45, 45, 35)) & ~discs((90, 90), (45, 45, 6))
    labels = found_in(ring, ring & discs((90, 90), (45, 45, 30)))
    assert np.array_equal(labels > 0, discs((90, 90), (45, 45, 35)))


@pytest.mark.parametrize("px_per_mm", [None, 12.0])
def test_touching_lobes_full_of_nodules_beside_a_label_are_found(px_per_mm):
    """Authority: the phantom's lobes (rendered), with a scale and without."""
    scene = replace(
        LungScene(), size_px=(300, 420), px_per_mm=12.0, lobes=3, nodules=35, touching=True,
        background="paper", label=True, ruler=True,
    )  # fmt: skip
    lung = render_lungs(11, scene=scene)
    found = find_lobes(lung.rgb, px_per_mm=px_per_mm)
    size = found.labels.shape[::-1]
    truth = cv2.resize(lung.lobes.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
    assert found.notes["lobe_finder"] == "learned"
    assert found.count == len(np.unique(truth)) - 1
    for number in range(1, found.count + 1):
        both = (found.labels == number) & (truth == number)
        either = (found.labels == number) | (truth == number)
        assert both.sum() / either.sum() > 0.85
    if px_per_mm is None:
        assert found.px_per_mm == pytest.approx(12.0, rel=0.35)


def test_of_forty_random_photos_all_but_one_have_the_right_number_of_lobes():
    """Authority: the phantoms' lobes, rendered small; the network has seen none of them. Colour
    and shape are wrong more often."""
    wrong = {"learned": 0, "classical": 0}
    for seed in range(810_000, 810_040):
        scene = replace(random_lung_scene(seed), appearance="bouin")
        factor = 12.0 / scene.px_per_mm
        height, width = (round(side * factor) for side in scene.size_px)
        scene = replace(
            scene, size_px=(height, width), px_per_mm=12.0, blur_px=max(0.3, scene.blur_px * factor)
        )
        lung = render_lungs(seed, scene=scene)
        for finder in ("learned", "classical"):
            found = find_lobes(lung.rgb, px_per_mm=12.0, finder=finder)
            wrong[finder] += found.count != len(np.unique(lung.lobes)) - 1
    print(wrong)
    assert wrong["learned"] <= 1
    assert wrong["learned"] <= wrong["classical"]


def test_where_the_ways_disagree_the_photo_says_so(monkeypatch):
    """Authority: a second way that is made to see one lobe more."""
    lung = render_lungs(3, scene=replace(LungScene(), size_px=(240, 320), px_per_mm=16.0))
    assert "lobes_doubtful" not in measure_nodules(lung.rgb, px_per_mm=16.0).flags
    by_shape = lungs.classical_lobes

    def one_more(small, *words):
        labels, threshold = by_shape(small, *words)
        labels[:4, :4] = labels.max() + 1
        return labels, threshold

    monkeypatch.setattr(lungs, "classical_lobes", one_more)
    measured = measure_nodules(lung.rgb, px_per_mm=16.0)
    assert "lobes_doubtful" in measured.flags
    assert measured.notes["lobes_by_shape"] == len(measured.regions) + 1


def test_what_the_network_sees_no_lobe_on_is_left_to_colour_and_shape(monkeypatch):
    """Authority: a network that answers nothing; the lobe is still found, and the note says how."""
    lung = render_lungs(3, scene=replace(LungScene(), size_px=(240, 320), px_per_mm=16.0))
    monkeypatch.setattr(
        lungs, "network_lobes", lambda small, *_, **__: np.zeros(small.shape[:2], int)
    )
    found = find_lobes(lung.rgb, px_per_mm=16.0)
    assert found.count == 1
    assert found.notes["lobe_finder"] == "classical"


def test_a_reduced_photo_of_another_scale_has_the_same_lobes():
    """Authority: the network has learned 0.6 to 1.4 times its scale; here 0.7 and 1.3."""
    scene = replace(LungScene(), size_px=(300, 420), px_per_mm=12.0, lobes=4, nodules=10)
    lung = render_lungs(21, scene=scene)
    for factor in (0.7, 1.0, 1.3):
        scale = factor * NETWORK_PX_PER_MM
        small = reduced(lung.rgb, scale / 12.0, 255.0)
        labels = network_lobes(small, shipped_network(), area=8 * scale**2)
        assert len(np.unique(labels)) == 5
