"""Settling begins from the first reader's labels, and from nothing else."""

import pytest

from xenoquant.napari_plugin.session import SessionOptions
from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.review_state import Verdict


def accept(sessions, reader, places, settle=()):
    """Accept some images of the queue, and close."""
    session = sessions(reader, SessionOptions(seed=7, settle=settle))
    for place in places:
        review = session.open(place).review
        review.do("accepted", review.edit.judge(Verdict("accepted")))
    session.close()


@pytest.fixture
def read(sessions):
    """Ann and bob have read the first two images of the queue, eve the first."""
    for reader, places in (("ann", (0, 1)), ("bob", (0, 1)), ("eve", (0,))):
        accept(sessions, reader, places)


def test_who_has_read_an_image_does_not_settle_it(sessions, read):
    """Their labels have other numbers than the first reader's, by which differences are told."""
    session = sessions("eve", SessionOptions(seed=7, settle=("ann", "bob")))
    with pytest.raises(InputError, match=r"eve has read it.*--reader"):
        session.load(0)
    assert session.load(1).review.state.verdict.status == "open"


def test_an_image_is_settled_for_two_readers_alone(sessions, read):
    accept(sessions, "carol", (0,), settle=("ann", "bob"))
    session = sessions("carol", SessionOptions(seed=7, settle=("ann", "eve")))
    with pytest.raises(InputError, match=r"settles ann and bob.*--settle ann,bob"):
        session.load(0)


def test_the_first_reader_is_the_same_whichever_was_typed_first(sessions, read):
    session = sessions("carol", SessionOptions(seed=7, settle=("bob", "ann")))
    assert session.options.settle == ("ann", "bob")


def test_filters_leave_out_what_only_one_of_the_two_has_read(sessions, read):
    session = sessions("carol", SessionOptions(seed=7, settle=("ann", "bob")))
    assert len(session.items) == 2
    assert session.filter((), ("to do",))
    assert len(session.items) == 2
