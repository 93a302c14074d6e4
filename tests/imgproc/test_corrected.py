"""Measuring corrected labels: the program's own labels give the program's own numbers, exactly."""

import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.corrected import in_sequence, without_unassessable
from xenoquant.imgproc.dab import measure_dab
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.fluorescence import measure_fluorescence
from xenoquant.imgproc.label_shapes import cut_by_line, cut_by_seeds, disc, polygon
from xenoquant.imgproc.matching import match_objects
from xenoquant.imgproc.nodules import measure_nodules, summarise_nodules
from xenoquant.imgproc.nodules_corrected import measure_corrected_nodules
from xenoquant.imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)

LUNGS = LungScene(
    size_px=(300, 400), px_per_mm=25, nodules=6, lobe_length_mm=(8, 10), jpeg_quality=None
)


@pytest.fixture(scope="module")
def photo():
    rgb = render_lungs(3, scene=LUNGS).rgb
    return rgb, measure_nodules(rgb, px_per_mm=25)


@pytest.fixture(scope="module")
def field():
    phantom = render_fluorescence(1, scene=FluorescenceScene(size_px=(160, 160)))
    return phantom, measure_fluorescence(phantom.channels, um_per_px=phantom.um_per_px)


@pytest.fixture(scope="module")
def section():
    phantom = render_dab(1, scene=DabScene(size_px=(160, 160), jpeg_quality=None))
    return phantom, measure_dab(phantom.rgb, um_per_px=0.5, blank=phantom.blank)


def test_untouched_labels_of_a_photo_give_the_programs_rows(photo):
    rgb, program = photo
    again = measure_corrected_nodules(rgb, program.labels, px_per_mm=25, program=program)
    pd.testing.assert_frame_equal(again.objects, program.objects)
    doubt = ["count_low", "count_high"]
    pd.testing.assert_frame_equal(
        again.regions.drop(columns=doubt), program.regions.drop(columns=doubt)
    )
    # a person has looked: no nodule is doubtful any more
    assert (again.regions["count_low"] == again.regions["nodules"]).all()
    assert (again.regions["count_high"] == again.regions["nodules"]).all()


def test_untouched_labels_of_a_field_give_the_programs_numbers(field):
    phantom, program = field
    again = measure_fluorescence(
        phantom.channels, um_per_px=phantom.um_per_px, corrected=program.labels
    )
    pd.testing.assert_frame_equal(again.objects, program.objects)
    np.testing.assert_array_equal(
        again.profiles["membrane_arcs"], program.profiles["membrane_arcs"]
    )
    assert again.flags == program.flags


def test_untouched_labels_of_a_section_give_the_programs_numbers(section):
    phantom, program = section
    again = measure_dab(phantom.rgb, um_per_px=0.5, blank=phantom.blank, corrected=program.labels)
    pd.testing.assert_frame_equal(again.objects, program.objects)
    pd.testing.assert_frame_equal(again.regions, program.regions)
    np.testing.assert_array_equal(
        again.profiles["dab_od_histogram"], program.profiles["dab_od_histogram"]
    )


@pytest.mark.parametrize("kind", ["field", "section"])
def test_a_deleted_cell_goes_and_the_others_keep_their_numbers_and_values(kind, request):
    phantom, program = request.getfixturevalue(kind)
    gone = int(program.objects["object"].iloc[4])
    labels = {name: np.where(held == gone, 0, held) for name, held in program.labels.items()}
    if kind == "section":
        labels["tissue"] = program.labels["tissue"]
        again = measure_dab(phantom.rgb, um_per_px=0.5, blank=phantom.blank, corrected=labels)
        values = ["object", "area_px", "dab_nucleus_od", "dab_cell_od"]
    else:
        again = measure_fluorescence(
            phantom.channels, um_per_px=phantom.um_per_px, corrected=labels
        )
        values = ["object", "area_px", "marker_nucleus_mean", "marker_cell_mean"]
    expected = program.objects.loc[program.objects["object"] != gone, values]
    pd.testing.assert_frame_equal(again.objects[values], expected.reset_index(drop=True))
    assert set(np.unique(again.labels["cells"])) == {0, *expected["object"]}


def test_a_drawn_nodule_has_the_size_of_its_outline(photo):
    """By hand: a disc's area is counted in pixels of 1/25 mm."""
    rgb, program = photo
    nodules, lobes = program.labels["nodules"].copy(), program.labels["lobes"]
    rows, columns = np.nonzero((lobes > 0) & (nodules == 0))
    middle = len(rows) // 2
    window, mask = disc(nodules.shape, rows[middle], columns[middle], 4.0)
    mask &= (lobes[window] > 0) & (nodules[window] == 0)
    nodules[window][mask] = 99
    corrected = {"nodules": nodules, "lobes": lobes}
    again = measure_corrected_nodules(rgb, corrected, px_per_mm=25, program=program)
    row = again.objects.set_index("object").loc[99]
    assert row["area_px"] == mask.sum()
    assert row["area_mm2"] == pytest.approx(mask.sum() / 25**2)
    assert row["diameter_mm"] == pytest.approx(2 * np.sqrt(mask.sum() / np.pi) / 25)
    assert np.isnan(row["confidence"])
    assert row["lobe"] == str(lobes[rows[middle], columns[middle]])
    before = summarise_nodules(program.objects, program.regions)
    after = summarise_nodules(again.objects, again.regions)
    assert after["nodules"] == before["nodules"] + 1
    added = mask.sum() / program.regions["area_px"].sum()
    assert after["burden"] == pytest.approx(before["burden"] + added)


def test_a_moved_boundary_changes_the_lobes_area(photo):
    rgb, program = photo
    lobes = program.labels["lobes"].copy()
    first = lobes == 1
    lobes[first & (np.cumsum(first, axis=0) <= 10)] = 0  # ten pixels off the top of each column
    again = measure_corrected_nodules(
        rgb, {"nodules": program.labels["nodules"], "lobes": lobes}, px_per_mm=25, program=program
    )
    regions = again.regions.set_index("region")
    assert regions.at[1, "area_px"] == (lobes == 1).sum()
    assert 0 <= regions.at[1, "glare_fraction"] <= 1
    assert regions.at[1, "focus"] > 0
    if 2 in regions.index:
        old = program.regions.set_index("region")
        assert regions.at[2, "focus"] == old.at[2, "focus"]


def test_what_cannot_be_judged_leaves_counts_and_areas(photo):
    rgb, program = photo
    blind = np.zeros_like(program.labels["lobes"])
    y, x = program.objects[["y_px", "x_px"]].iloc[0].round().astype(int)
    blind[y - 15 : y + 16, x - 15 : x + 16] = 1
    labels = {**program.labels, "not_assessable": blind}
    again = measure_corrected_nodules(rgb, labels, px_per_mm=25, program=program)
    centres = program.objects[["y_px", "x_px"]].round().astype(int).to_numpy()
    outside = [blind[y, x] == 0 for y, x in centres]
    assert again.objects["object"].tolist() == program.objects["object"][outside].tolist()
    expected = ((program.labels["lobes"] > 0) & (blind == 0)).sum()
    assert again.regions["area_px"].sum() == expected
    assert "partly_not_assessable" in again.flags
    assert again.notes["objects_not_assessable"] == len(centres) - sum(outside)


def test_labels_of_another_shape_are_refused_in_words(photo):
    rgb, program = photo
    labels = {"nodules": np.zeros((5, 5), int), "lobes": program.labels["lobes"]}
    with pytest.raises(MeasurementError, match=r"shape \(300, 400\).*\(5, 5\)"):
        measure_corrected_nodules(rgb, labels, px_per_mm=25, program=program)
    with pytest.raises(MeasurementError, match="there are none"):
        measure_corrected_nodules(rgb, {}, px_per_mm=25, program=program)


def test_numbers_in_sequence_lead_back_to_the_old_ones():
    main, other = np.array([[3, 0, 7]]), np.array([[3, 7, 5]])
    (first, second), numbers = in_sequence(main, other)
    assert first.tolist() == [[1, 0, 2]]
    assert second.tolist() == [[1, 2, 0]]  # 5 has no nucleus
    assert numbers.tolist() == [3, 7]


def test_an_object_goes_with_its_centre():
    labels = {
        "nuclei": np.array([[1, 1, 1, 0, 2]]),
        "not_assessable": np.array([[1, 0, 0, 1, 1]]),
    }
    kept, gone = without_unassessable(labels, "nuclei")
    assert kept["nuclei"].tolist() == [[1, 1, 1, 0, 0]]
    assert gone == 1


def test_shapes_have_the_pixels_that_geometry_gives():
    window, mask = disc((20, 20), 10, 10, 2)
    assert mask.sum() == 13  # centres within 2 of a centre, counted on paper
    assert window == (slice(8, 13), slice(8, 13))
    window, mask = disc((20, 20), 3.4, 3.4, 0.1)
    assert mask.sum() == 1
    window, mask = polygon((20, 20), [(2, 2), (2, 7), (7, 7), (7, 2)])
    assert mask.sum() >= 25
    with pytest.raises(MeasurementError, match="three corners"):
        polygon((20, 20), [(1, 1), (2, 2)])


def test_a_line_cuts_in_two_and_a_short_one_does_not():
    mask = np.ones((9, 21), bool)
    parts = cut_by_line(mask, [(-1, 10), (9, 10)])
    assert sorted(np.bincount(parts.ravel())[1:].tolist()) in ([90, 99], [94, 95])
    assert (parts[:, :10] == parts[0, 0]).all()
    assert (cut_by_line(mask, [(3, 10), (5, 10)]) == 1).all()


def test_seeds_cut_two_touching_discs_between_them():
    rows, columns = np.mgrid[:21, :40]
    mask = ((rows - 10) ** 2 + (columns - 10) ** 2 <= 81) | (
        (rows - 10) ** 2 + (columns - 27) ** 2 <= 81
    )
    parts = cut_by_seeds(mask, [(10, 10), (10, 27)])
    assert set(np.unique(parts)) == {0, 1, 2}
    assert (parts[mask] > 0).all()
    # symmetric by construction: the cut lies half-way, at column 18.5
    assert len(np.unique(parts[:, :18][mask[:, :18]])) == 1
    assert len(np.unique(parts[:, 20:][mask[:, 20:]])) == 1
    assert (cut_by_seeds(mask, [(0, 0)]) == mask).all()  # no seed inside: left whole


def test_objects_match_one_to_one_by_their_overlap():
    first, second = np.zeros((10, 30), int), np.zeros((10, 30), int)
    first[2:6, 2:6] = 1
    second[2:6, 3:7] = 4  # 12 of 20 pixels shared
    first[2:6, 10:14] = 2  # alone
    second[2:6, 20:24] = 5  # alone
    found = match_objects(first, second)
    assert found.to_numpy().tolist() == [[1, 4, 0.6], [2, 0, 0], [0, 5, 0]]
    assert match_objects(first, second, least_overlap=0.7)["overlap"].max() == 0
