"""DAB of drawn cells, compartment by compartment."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import expand_labels

from xenoquant.imgproc.dab_cells import objects_table, split_by_colour


def test_nuclei_are_read_inside_a_mixed_rim() -> None:
    """Drawn: a disc of 1 with a two-pixel rim of 0 has a core of 1, unless no core is left."""
    y, x = np.mgrid[:60, :60]
    labels = (np.hypot(y - 30, x - 30) < 20).astype(np.int32)
    amounts = np.zeros((3, 60, 60), np.float32)
    amounts[1] = np.hypot(y - 30, x - 30) < 18
    fine, coarse = (
        objects_table(labels, labels, amounts, None, scale) for scale in (1 / 3, 1 / 30)
    )
    assert fine["dab_nucleus_od"][0] == 1
    assert coarse["dab_nucleus_od"][0] == pytest.approx(amounts[1][labels > 0].mean())


@pytest.mark.parametrize("scale", [0.23, 0.5, 1.4])
def test_cells_are_summed_as_compartment_by_compartment(scale: float) -> None:
    """One pass against boolean masks and numpy means, on random labels of random amounts."""
    rng = np.random.default_rng(3)
    seeds = np.zeros((150, 170), np.int32)
    places = rng.choice(seeds.size, 60, replace=False)
    seeds.ravel()[places] = np.arange(1, 61)
    nuclei = expand_labels(seeds, 6)
    cells = expand_labels(nuclei, 5)
    amounts = rng.normal(0.3, 0.2, (3, *seeds.shape)).astype(np.float32)
    table = objects_table(nuclei, cells, amounts, scale, scale).set_index("object")
    away = {
        "nucleus": depth_in_own_label(nuclei),
        "cell": depth_in_own_label(cells),
        "near": distance_transform_edt(nuclei == 0),
    }
    for k in range(1, 61):
        nucleus, cell = nuclei == k, cells == k
        core = nucleus & (away["nucleus"] > 1 / scale)
        outer = cell & (away["cell"] > 1 / scale) & (away["near"] > 1 / scale)
        choices = [outer, cell & (nuclei == 0), cell]
        cytoplasm = next(mask for mask in choices if mask.sum() >= 10 or mask is cell)
        y, x = np.nonzero(nucleus)
        expected = {
            "y_px": y.mean(),
            "x_px": x.mean(),
            "area_px": cell.sum(),
            "area_um2": cell.sum() * scale**2,
            "dab_nucleus_od": amounts[1][core if core.sum() >= 10 else nucleus].mean(),
            "dab_cytoplasm_od": amounts[1][cytoplasm].mean(),
            "dab_cell_od": amounts[1][cell].mean(),
            "hematoxylin_nucleus_od": amounts[0][nucleus].mean(),
        }
        for name, value in expected.items():
            assert table.loc[k, name] == pytest.approx(value, rel=1e-5), (k, name)


def depth_in_own_label(labels: np.ndarray) -> np.ndarray:
    """Euclidean distance of each pixel to the nearest one of another label."""
    depth = np.zeros(labels.shape)
    for label in np.unique(labels):
        own = labels == label
        depth[own] = distance_transform_edt(own)[own]
    return depth


def test_brown_and_blue_nuclei_that_touch_are_parted() -> None:
    """Drawn: one label over a brown and a blue disc is two; a blue rim of two pixels is not."""
    y, x = np.mgrid[:60, :100]
    brown, blue = np.hypot(y - 30, x - 30) < 12, np.hypot(y - 30, x - 54) < 12
    rim = np.hypot(y - 30, x - 85) < 12
    core = np.hypot(y - 30, x - 85) < 10
    nuclei = ((brown | blue) + 2 * rim).astype(np.int32)
    dab = np.where(brown | core, 0.8, 0).astype(np.float32)
    hematoxylin = np.where(blue | (rim & ~core), 0.5, 0.1).astype(np.float32)
    parted = split_by_colour(nuclei, hematoxylin, dab)
    assert parted[30, 30] != parted[30, 54]
    assert len(np.unique(parted[rim])) == 1
    assert len(np.unique(parted)) == 4
