"""Corrections on label images: right by hand, always reversible, never one object into another."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenoquant.napari_plugin.edits import EditError, Editor
from xenoquant.napari_plugin.label_index import LabelIndex
from xenoquant.pipeline.assay import Correctable
from xenoquant.pipeline.review_state import ReviewState, Verdict

NODULES = Correctable("nodules", regions="lobes")
CELLS = Correctable("nuclei", grown="cells", classes=("negative", "positive"))


def nodules() -> ReviewState:
    labels = {name: np.zeros((40, 60), np.int32) for name in ("nodules", "lobes", "not_assessable")}
    labels["lobes"][5:35, 5:50] = 1
    labels["nodules"][10:16, 10:22] = 1
    labels["nodules"][20:25, 30:35] = 2
    return ReviewState(labels)


def cells() -> ReviewState:
    labels = {name: np.zeros((40, 60), np.int32) for name in ("nuclei", "cells", "not_assessable")}
    labels["cells"][6:20, 6:26] = 1
    labels["nuclei"][10:16, 10:22] = 1
    labels["cells"][18:30, 30:40] = 2
    labels["nuclei"][20:25, 32:37] = 2
    return ReviewState(labels)


def editor(state: ReviewState, correctable: Correctable = NODULES) -> Editor:
    return Editor(state, LabelIndex(state.labels), correctable, cell_distance_px=3)


def made(state, change, correctable=NODULES):
    """Make a change and take it back; give the state after it, and check the state after both."""
    before = {name: held.copy() for name, held in state.labels.items()}
    classes, verdict = dict(state.classes), state.verdict
    index = LabelIndex(state.labels)
    state.apply(change)
    index.update(change)
    fresh = LabelIndex(state.labels)
    for name in state.labels:
        assert sorted(index.numbers(name)) == sorted(fresh.numbers(name))
        for number in fresh.numbers(name):
            assert index.area(name, number) == fresh.area(name, number)
            window = index.window(name, number)
            assert index.mask(name, number, window).sum() == fresh.area(name, number)
    after = {name: held.copy() for name, held in state.labels.items()}
    state.apply(change.inverted())
    for name, held in before.items():
        np.testing.assert_array_equal(state.labels[name], held)
    assert (state.classes, state.verdict) == (classes, verdict)
    state.apply(change)
    return after


def test_a_click_adds_an_object_of_the_typical_size():
    state = nodules()
    after = made(state, editor(state).add(30, 45))
    # by hand: the areas are 72 and 25, the median 48.5, its radius 3.93
    assert (after["nodules"] == 3).sum() == pytest.approx(np.pi * 48.5 / np.pi, abs=4)


def test_a_drag_adds_an_object_of_that_radius_that_spares_its_neighbour():
    state = nodules()
    after = made(state, editor(state).add(22, 38, radius=6))
    assert (after["nodules"] == 2).sum() == 25
    assert after["nodules"][22, 43] == 3
    with pytest.raises(EditError, match="already"):
        editor(state).add(22, 32, radius=1)


def test_delete_takes_the_object_its_cell_and_its_class():
    state = cells()
    state.classes[1] = 1
    after = made(state, editor(state, CELLS).delete([1]), CELLS)
    assert set(np.unique(after["nuclei"])) == {0, 2}
    assert set(np.unique(after["cells"])) == {0, 2}
    assert state.classes == {}
    with pytest.raises(EditError, match="no object here"):
        editor(state, CELLS).delete([7])


def test_merge_keeps_the_largest_number():
    state = cells()
    after = made(state, editor(state, CELLS).merge([2, 1]), CELLS)
    assert (after["nuclei"] == 1).sum() == 72 + 25
    assert set(np.unique(after["cells"])) == {0, 1}
    with pytest.raises(EditError, match="two objects"):
        editor(state, CELLS).merge([1])


def test_a_line_splits_nucleus_and_cell():
    state = cells()
    state.classes[1] = 0
    after = made(state, editor(state, CELLS).split_by_line([(8, 16), (18, 16)]), CELLS)
    assert (after["nuclei"] == 1).sum() + (after["nuclei"] == 3).sum() == 72
    # one half lies left of the line, the other right of it; cells go with them
    assert set(np.unique(after["cells"][6:20, 6:15])) == {after["nuclei"][12, 11]}
    assert set(np.unique(after["cells"][6:20, 18:26])) == {after["nuclei"][12, 20]}
    assert state.classes == {1: 0, 3: 0}
    with pytest.raises(EditError, match="crosses no object"):
        editor(state, CELLS).split_by_line([(0, 0), (0, 5)])
    with pytest.raises(EditError, match="one piece"):
        editor(state, CELLS).split_by_line([(22, 34), (22, 35)])


def test_seeds_split_into_as_many_parts():
    state = nodules()
    after = made(state, editor(state).split_by_seeds([(12, 11), (12, 16), (12, 21)]))
    assert {1, 3, 4} <= set(np.unique(after["nodules"]))
    assert (after["nodules"] > 0).sum() == 72 + 25
    with pytest.raises(EditError, match="two seeds"):
        editor(state).split_by_seeds([(22, 32)])
    with pytest.raises(EditError, match="no object"):
        editor(state).split_by_seeds([(0, 0), (1, 1)])


def test_a_redrawn_outline_spares_others_and_keeps_the_nucleus_in_its_cell():
    state = cells()
    outline = [(8, 8), (8, 36), (24, 36), (24, 8)]
    after = made(state, editor(state, CELLS).redraw("cells", 1, outline), CELLS)
    assert (after["cells"] == 2).sum() == 120
    assert (after["cells"][after["nuclei"] == 1] == 1).all()
    small = [(2, 2), (2, 5), (5, 5), (5, 2)]
    after = made(state, editor(state, CELLS).redraw("cells", 1, small), CELLS)
    assert (after["cells"][after["nuclei"] == 1] == 1).all()
    after = made(state, editor(state, CELLS).redraw("nuclei", 1, outline), CELLS)
    assert (after["cells"][after["nuclei"] == 1] == 1).all()
    assert (after["nuclei"] == 2).sum() == 25


def test_the_brush_keeps_nuclei_in_their_cells():
    state = cells()
    painted = state.labels["nuclei"].copy()
    painted[2:4, 2:4] = 9  # a nucleus of its own
    painted[20:25, 32:37] = 0  # and one erased
    after = made(state, editor(state, CELLS).painted("nuclei", painted), CELLS)
    np.testing.assert_array_equal(after["nuclei"], painted)
    assert (after["cells"] == 9).sum() == 4
    assert not (after["cells"] == 2).any()  # a cell goes with its nucleus
    cellwise = state.labels["cells"].copy()
    cellwise[10:16, 10:22] = 9
    cellwise[35:38, 50:55] = 77
    after = made(state, editor(state, CELLS).painted("cells", cellwise), CELLS)
    assert (after["cells"][10:16, 10:22] == 1).all()
    assert not (after["cells"] == 77).any()  # no cell without a nucleus


def test_classes_are_given_and_taken_back():
    state = cells()
    made(state, editor(state, CELLS).reclassify([1, 2], 1), CELLS)
    assert state.classes == {1: 1, 2: 1}
    made(state, editor(state, CELLS).reclassify([2], None), CELLS)
    assert state.classes == {1: 1}
    with pytest.raises(EditError, match="0 to 1"):
        editor(state, CELLS).reclassify([1], 2)
    with pytest.raises(EditError, match="no class"):
        editor(nodules()).reclassify([1], 1)


def test_the_boundary_moves_out_from_inside_and_in_from_outside():
    state = nodules()
    out = [(20, 45), (15, 55), (25, 55)]
    after = made(state, editor(state).move_boundary(out))
    assert after["lobes"][20, 53] == 1
    cut = [(20, 58), (10, 40), (30, 40)]
    after = made(state, editor(state).move_boundary(cut))
    assert after["lobes"][20, 45] == 0
    with pytest.raises(EditError, match="no regions"):
        editor(cells(), CELLS).move_boundary(out)


def test_marks_come_and_go():
    state = nodules()
    box = [(10, 10), (10, 20), (20, 20), (20, 10)]
    after = made(state, editor(state).mark_unassessable(box))
    assert after["not_assessable"][15, 15] == 1
    after = made(state, editor(state).mark_unassessable(box, clear=True))
    assert not after["not_assessable"].any()


def test_a_rejection_needs_a_reason():
    state = nodules()
    with pytest.raises(EditError, match="reason"):
        editor(state).judge(Verdict("rejected", " "))
    made(state, editor(state).judge(Verdict("rejected", "out of focus", "the upper half")))
    assert state.verdict.reason == "out of focus"


POINT = st.tuples(st.floats(0, 39), st.floats(0, 59))
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "delete", "merge", "line", "seeds", "redraw", "class", "blind"]),
        st.lists(POINT, min_size=3, max_size=5),
        st.integers(0, 1),
    ),
    max_size=12,
)


def act(edit: Editor, kind: str, points, value: int):
    numbers = [n for n in dict.fromkeys(edit.number_at(*p) for p in points) if n]
    first = numbers[0] if numbers else 0
    return {
        "add": lambda: edit.add(*points[0], 4.0),
        "delete": lambda: edit.delete(numbers),
        "merge": lambda: edit.merge(numbers),
        "line": lambda: edit.split_by_line(points),
        "seeds": lambda: edit.split_by_seeds(points),
        "redraw": lambda: edit.redraw("nuclei", first, points),
        "class": lambda: edit.reclassify(numbers, value),
        "blind": lambda: edit.mark_unassessable(points),
    }[kind]()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS)
def test_any_acts_can_be_undone_to_the_beginning_and_made_again(acts):
    """Authority: array equality, for random reviews; nuclei stay in cells of their number."""
    state = cells()
    index = LabelIndex(state.labels)
    edit = Editor(state, index, CELLS, cell_distance_px=3)
    begin = {name: held.copy() for name, held in state.labels.items()}
    done = []
    for kind, points, value in acts:
        try:
            change = act(edit, kind, points, value)
        except EditError:
            continue
        state.apply(change)
        index.update(change)
        done.append(change)
        nuclei, grown = state.labels["nuclei"], state.labels["cells"]
        assert (grown[nuclei > 0] == nuclei[nuclei > 0]).all()
        assert set(np.unique(grown)) == set(np.unique(nuclei))
        assert set(state.classes) <= set(np.unique(nuclei).tolist())
    end = {name: held.copy() for name, held in state.labels.items()}
    for change in reversed(done):
        state.apply(change.inverted())
    for name, held in begin.items():
        np.testing.assert_array_equal(state.labels[name], held)
    assert state.classes == {}
    for change in done:
        state.apply(change)
    for name, held in end.items():
        np.testing.assert_array_equal(state.labels[name], held)
