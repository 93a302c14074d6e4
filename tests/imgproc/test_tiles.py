"""Blocks of a slide, and results that come in their order."""

import numpy as np

from xenoquant.imgproc.tiles import blocks, in_order


def test_blocks_cover_the_slide_once() -> None:
    """The cores tile 700 x 500 pixels; each halo reaches 30 beyond, as far as there is slide."""
    covered = np.zeros((700, 500), int)
    for block in blocks((700, 500), side=256, halo=30):
        top, left, height, width = block.core
        covered[top : top + height, left : left + width] += 1
        y, x, rows, columns = block.whole
        assert (y, x) == (max(top - 30, 0), max(left - 30, 0))
        assert (y + rows, x + columns) == (
            min(top + height + 30, 700),
            min(left + width + 30, 500),
        )
    assert (covered == 1).all()


def test_results_come_in_order_with_few_held() -> None:
    """By construction: 40 items through 3 threads in their order, never more than 6 begun ahead."""
    begun: list[int] = []
    for taken, value in enumerate(in_order(lambda k: begun.append(k) or k, range(40), threads=3)):
        assert value == taken
        assert len(begun) <= taken + 7
