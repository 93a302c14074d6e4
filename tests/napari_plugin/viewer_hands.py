"""Hands on a real viewer: mouse and key events through its canvas, as a person gives them."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari import Viewer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from xenoquant.napari_plugin._review_controller import ReviewController

SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def settle(rounds: int = 6) -> None:
    """Let the window catch up."""
    for _ in range(rounds):
        QApplication.processEvents()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 240) -> None:
    """Let the window work until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        QApplication.processEvents()
        time.sleep(0.005)


class Hands:
    """Moves, clicks, drags and types on a viewer's canvas, at places of an image."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.controller: ReviewController | None = None

    def point(self, y: float, x: float, layer: Any = None) -> QPoint:
        """Where a place of the image is on the canvas."""
        if layer is None:
            assert self.controller is not None
            assert self.controller.layers is not None
            layer = self.controller.layers.stroke
        world = np.array(layer.data_to_world((y, x)))[-2:]
        middle = np.array(self.viewer.camera.center[-2:])
        size = np.array([self.canvas.height(), self.canvas.width()])
        row, column = (world - middle) * self.viewer.camera.zoom + size / 2
        assert 0 <= row < size[0], (y, x, row)
        assert 0 <= column < size[1], (y, x, column)
        return QPoint(round(column), round(row))

    def hover(self, y: float, x: float) -> None:
        QTest.mouseMove(self.canvas, self.point(y, x) + QPoint(3, 3))
        settle(2)
        QTest.mouseMove(self.canvas, self.point(y, x))
        settle(2)

    def click(self, y: float, x: float) -> None:
        self.hover(y, x)
        QTest.mouseClick(self.canvas, LEFT, NONE, self.point(y, x))
        settle(2)

    def drag(self, places: Sequence[tuple[float, float]]) -> None:
        points = [self.point(*place) for place in places]
        QTest.mouseMove(self.canvas, points[0])
        QTest.mousePress(self.canvas, LEFT, NONE, points[0])
        settle(2)
        for before, after in itertools.pairwise(points):
            for share in (0.25, 0.5, 0.75, 1.0):
                step = before + (after - before) * share
                QTest.mouseMove(self.canvas, step)
                settle(2)
        QTest.mouseRelease(self.canvas, LEFT, NONE, points[-1])
        settle(2)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        settle(2)
