"""How panels are laid out: rows of buttons, texts that wrap, and nothing that is ever cut."""

from typing import Any

from magicgui.widgets import Container, Label
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy

WIDTH_PX, BUTTON_PX = 390, 24


def wrapped(label: Label) -> Label:
    """Let a text take the panel's width and as many lines as it needs there.

    magicgui gives a label the width of its own choice, and Qt then reckons with fewer lines.
    """
    native = label.native
    native.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    native.setSizePolicy(policy)
    return label


def in_rows(widgets: list[Any], columns: int = 2) -> Container:
    """Lay buttons out in rows."""
    for widget in widgets:
        widget.native.setMinimumHeight(BUTTON_PX)
    rows = [
        tight(Container(widgets=widgets[i : i + columns], layout="horizontal", labels=False))
        for i in range(0, len(widgets), columns)
    ]
    return tight(Container(widgets=rows, labels=False))


def tight(container: Container) -> Container:
    """Take the margins away that nested containers add up to half a screen."""
    container.native.layout().setContentsMargins(0, 0, 0, 0)
    container.native.layout().setSpacing(3)
    return container


def scrolled(outer: Container, inner: Container) -> None:
    """Put a container into another one so that it scrolls where the screen is too low for it.

    A scrolling container of magicgui's own loses its scroll bar in napari's docks.
    """
    outer.append(inner)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(inner.native)
    tight(inner).native.layout().addStretch()
    outer.native.layout().addWidget(area)
    outer.native.setFixedWidth(WIDTH_PX)
