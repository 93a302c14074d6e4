"""Growth of cells, their compartments and their membranes, against plain forms and hand cases."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import expand_labels

from xenoquant.imgproc.cells import (
    CYTOPLASM,
    MEMBRANE,
    NUCLEUS,
    cell_parts,
    expand_cells,
    near_outlines,
    surroundings,
)
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.membrane_levels import stained_membrane_levels
from xenoquant.imgproc.membranes import (
    arc_of,
    facing_labels,
    membrane_arcs,
    stop_at_membrane,
)


@pytest.fixture
def nuclei() -> np.ndarray:
    """Scattered seeds of one to nine pixels."""
    rng = np.random.default_rng(5)
    labels = np.zeros((120, 150), np.int32)
    for label in range(1, 61):
        y, x = rng.integers(1, 118), rng.integers(1, 148)
        labels[y : y + 3, x : x + 3] = label
    return labels


@pytest.mark.parametrize("distance", [0, 1, 2.5, 7, 40])
def test_growth_equals_expand_labels(nuclei: np.ndarray, distance: float) -> None:
    """scikit-image's expand_labels; where the label differs, two nuclei are equally near."""
    found, plain = expand_cells(nuclei, distance), expand_labels(nuclei, distance)
    np.testing.assert_array_equal(found > 0, plain > 0)
    for y, x in np.argwhere(found != plain):
        near = [
            np.hypot(*(np.argwhere(nuclei == label) - (y, x)).T).min()
            for label in (found[y, x], plain[y, x])
        ]
        assert near[0] == pytest.approx(near[1])
    assert np.mean(found != plain) < 0.02


def test_growth_keeps_nuclei_and_never_overlaps(nuclei: np.ndarray) -> None:
    """By definition: a label image can't overlap, and every nucleus is inside its own cell."""
    cells = expand_cells(nuclei, 6)
    np.testing.assert_array_equal(cells[nuclei > 0], nuclei[nuclei > 0])
    assert expand_cells(np.zeros((20, 20), np.int32), 5).max() == 0


def test_negative_distance_and_volumes_are_refused() -> None:
    """Said, with a remedy."""
    with pytest.raises(MeasurementError, match="distance of 0 or more"):
        expand_cells(np.zeros((5, 5), np.int32), -1)
    with pytest.raises(MeasurementError, match="2-D"):
        expand_cells(np.zeros((5, 5, 5), np.int32), 1)


def test_compartments_divide_the_cell(nuclei: np.ndarray) -> None:
    """Nucleus, cytoplasm and membrane are disjoint and together the cell."""
    cells = expand_cells(nuclei, 8)
    parts = cell_parts(nuclei, cells, 2)
    np.testing.assert_array_equal(np.isin(parts, (NUCLEUS, CYTOPLASM, MEMBRANE)), cells > 0)
    np.testing.assert_array_equal(parts == NUCLEUS, nuclei > 0)


def test_band_is_what_lies_within_its_width_of_other_labels(nuclei: np.ndarray) -> None:
    """A Euclidean distance transform of each cell's outside, cell by cell."""
    cells = expand_cells(nuclei, 8)
    facing = facing_labels(cells, 2.5)
    for label in np.unique(cells):
        inside = cells == label
        distance, place = ndimage.distance_transform_edt(inside, return_indices=True)
        band = inside & (distance <= 2.5)
        np.testing.assert_array_equal((facing >= 0) & inside, band)
        if label > 0:
            found = cell_parts(np.zeros_like(cells), cells, 2.5) == MEMBRANE
            np.testing.assert_array_equal(found & inside, band)
        faced = cells[tuple(place)]
        agree = facing[band] == faced[band]
        assert agree.mean() > 0.85  # the rest are ties between two neighbours


def test_no_membrane_width_gives_no_membrane(nuclei: np.ndarray) -> None:
    """Width 0 leaves the whole ring to the cytoplasm."""
    cells = expand_cells(nuclei, 8)
    parts = cell_parts(nuclei, cells, 0)
    assert not (parts == MEMBRANE).any()
    np.testing.assert_array_equal(parts == CYTOPLASM, (cells > 0) & (nuclei == 0))


def _disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


@pytest.mark.parametrize("width", [0.5, 1.0, 2.5, 4.0])
def test_what_is_near_an_outline_faces_something(width: float) -> None:
    """The plain way: the objects' pixels that `facing_labels` gives a label to, also on random
    labels and on single pixels.
    """
    noise = np.random.default_rng(0).integers(0, 4, (40, 50)).astype(np.int32)
    specks = np.where(np.random.default_rng(1).random(noise.shape) < 0.05, noise, 0)
    blobs = expand_cells(specks, 3)
    for labels in (np.kron(noise, np.ones((5, 7), np.int32)), noise, specks, blobs):
        plain = (facing_labels(labels, width) >= 0) & (labels > 0)
        np.testing.assert_array_equal(near_outlines(labels, width), plain)


def test_surroundings_are_what_cells_gain_between_two_distances() -> None:
    """The plain way: cells grown by the outer distance, without those grown by the inner one."""
    nuclei = np.zeros((90, 100), np.int32)
    for k, (y, x) in enumerate(np.random.default_rng(1).integers(0, 90, (25, 2)), start=1):
        nuclei[y, x] = k
    nuclei = expand_cells(nuclei, 3)
    plain = np.where(expand_cells(nuclei, 2.3) > 0, 0, expand_cells(nuclei, 6.1))
    np.testing.assert_array_equal(surroundings(nuclei, 2.3, 6.1), plain)


def test_outline_stops_at_a_drawn_membrane() -> None:
    """A ring of radius 12 about a nucleus of radius 6: the outline runs on the ring's crest.

    Beside it a cell without membrane reaches its full distance.
    """
    shape = (80, 140)
    nuclei = _disc(shape, (40, 40), 6).astype(np.int32)
    nuclei[_disc(shape, (40, 100), 6)] = 2
    y, x = np.indices(shape)
    away = np.hypot(y - 40, x - 40)
    rng = np.random.default_rng(0)
    image = 100 + 200 * np.exp(-0.5 * ((away - 12) / 1.0) ** 2) + rng.normal(0, 3, shape)
    cells = stop_at_membrane(nuclei, expand_cells(nuclei, 14), image, width_px=2)
    radius = np.sqrt(np.bincount(cells.ravel()) / np.pi)
    assert radius[1] == pytest.approx(12, abs=1)  # within a pixel of the crest
    assert radius[2] == pytest.approx(20, abs=1.5)


def test_arcs_are_the_means_of_their_sectors_and_unknown_at_the_edge() -> None:
    """Left half of the rim at 10, right half at 30; the image's top edge cuts the second cell."""
    shape = (60, 120)
    cells = _disc(shape, (30, 30), 12).astype(np.int32)
    cells[_disc(shape, (5, 90), 12)] = 2
    image = np.where(np.indices(shape)[1] < 30, 10.0, 30.0)
    rim = facing_labels(cells, 2) >= 0
    arcs = membrane_arcs(cells, rim & (cells > 0), image, np.array([[30, 30], [5, 90]]))
    assert arcs.shape == (2, 32)
    assert np.nanmean(arcs[0]) == pytest.approx(20, abs=1.5)
    assert arcs[0, 0] == pytest.approx(10)  # counted from the left
    assert arcs[0, 16] == pytest.approx(30)
    assert np.isfinite(arcs[0]).all()
    assert np.isnan(arcs[1]).any()
    assert np.isfinite(arcs[1, 18:31]).all()  # below the centre, well inside the image


def test_a_neighbours_membrane_is_not_ones_own() -> None:
    """Three squares in a row, hand-made: the first and last stained at 100, the middle one bare.

    The shared outlines show 100 on both sides, as a blurred image does.
    """
    shape = (40, 100)
    cells = np.zeros(shape, np.int32)
    for label, start in ((1, 10), (2, 35), (3, 60)):
        cells[8:33, start : start + 25] = label
    image = np.zeros(shape)
    for start in (10, 60):
        image[6:35, start - 2 : start + 27] = 100
        image[11:30, start + 3 : start + 22] = 0
    facing = facing_labels(cells, 2)
    rim = (facing >= 0) & (cells > 0)
    centres = np.array([[20, 22], [20, 47], [20, 72]])
    own, shared = stained_membrane_levels(cells, rim, facing, image, centres)
    np.testing.assert_allclose(own[[0, 2]], 100, rtol=0.1)
    assert own[1] < 20
    assert shared[1] == pytest.approx(100, rel=0.1)


def test_no_cell_has_no_membrane() -> None:
    """Zero cells: empty arrays of the right shape."""
    nothing = np.zeros((20, 20), np.int32)
    facing = facing_labels(nothing, 2)
    assert (facing == -1).all()
    own, shared = stained_membrane_levels(
        nothing, facing >= 0, facing, np.zeros((20, 20)), np.zeros((0, 2))
    )
    assert own.shape == shared.shape == (0,)
    assert membrane_arcs(nothing, facing >= 0, nothing, np.zeros((0, 2))).shape == (0, 32)


def test_arcs_are_those_of_the_arctangent() -> None:
    """numpy's arctan2 at random places, and by hand on the axes and diagonals, from the left."""
    rng = np.random.default_rng(9)
    for y, x in rng.normal(0, 10, (2000, 2)):
        assert arc_of(y, x) == int((np.arctan2(y, x) / (2 * np.pi) + 0.5) * 32) % 32
    round_about = ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1))
    assert [arc_of(float(y), float(x)) for y, x in round_about] == list(range(0, 32, 4))
