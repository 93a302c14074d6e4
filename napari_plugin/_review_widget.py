"""The review panel: start, numbers, tools with their keys, verdict, queue, settling."""

import getpass
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, Label, LineEdit, PushButton
from napari import Viewer
from napari.utils.notifications import show_info
from superqt import QCollapsible

from ..pipeline.errors import StudyError
from ._panel_layout import in_rows, scrolled, tight, wrapped
from ._review_controller import ReviewController
from ._settle_panel import SettlePanel
from .numbers import QuickNumbers
from .session import OpenImage, Session, SessionOptions
from .tools import BRUSH_KEY, CLASS_KEYS, OTHER_KEYS, TOOLS, tools_for

REASONS = (
    *("", "out of focus", "glare or shadow", "damaged or folded tissue", "wrong stain or channel"),
    *("too few objects", "not the organ or tissue", "other (see note)"),
)


class ReviewWidget(Container):
    """The panel that review is done with.

    Parameters
    ----------
    viewer : napari.Viewer
        napari gives it.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(labels=False)
        self.viewer = viewer
        self.controller: ReviewController | None = None
        self._make_start()
        self._make_panel()
        self.panel.visible = False
        scrolled(self, Container(widgets=[self.starter, self.panel], labels=False))
        self.native.destroyed.connect(lambda *_: self.close_session())

    # ---- start

    def _make_start(self) -> None:
        self.folder = FileEdit(mode="d", label="Study", value=Path())
        self.reader = LineEdit(label="Reader", value=getpass.getuser())
        self.order = ComboBox(label="Order", choices=["as before", "random", "uncertain"])
        self.blinded = CheckBox(text="blinded", value=True)
        self.start = PushButton(text="Start")
        self.start.clicked.connect(self._start)
        self.problem = wrapped(Label(value=""))
        self.starter = Container(
            widgets=[self.folder, self.reader, self.order, self.blinded, self.start, self.problem]
        )

    def _start(self) -> None:
        order: Any = None if self.order.value == "as before" else self.order.value
        options = SessionOptions(order=order, blinded=self.blinded.value)
        try:
            self.begin(Session(Path(self.folder.value), self.reader.value, options))
        except StudyError as error:
            self.problem.value = str(error)
            show_info(str(error))

    def begin(self, session: Session) -> None:
        """Show a session, and open the image where it was left."""
        self.controller = ReviewController(self.viewer, session)
        controller = self.controller
        controller.reject_reason = lambda: (self.reason.value, self.note.value)
        controller.opened.connect(self._opened)
        controller.said.connect(self._say)
        controller.counted.connect(self._count)
        controller.measured.connect(self._measured)
        controller.tool_changed.connect(self._mark_tool)
        self.starter.visible = False
        self.panel.visible = True
        self.settling.use(session, controller)
        self._assays = ["all assays", *dict.fromkeys(i.sample.assay for i in session.items)]
        self.assay.reset_choices()
        controller.open(session.where_left())

    # ---- the panel

    def _make_panel(self) -> None:
        said = [wrapped(Label(value="")) for _ in range(4)]
        self.header, self.numbers, self.features, self.message = said
        self.settling = SettlePanel()
        parts = [
            self.header,
            self.numbers,
            self.features,
            self.message,
            self._tools(),
            self._verdict(),
            self._queue(),
            self.settling,
        ]
        self.panel = tight(Container(widgets=parts, labels=False))
        self.panel.native.layout().addWidget(self._keys())

    def _tools(self) -> Container:
        """Make a button a tool, three in a row, each with its key."""
        self.buttons: dict[str, PushButton] = {}
        for tool in TOOLS:
            button = PushButton(text=f"{tool.title}  [{tool.key}]", tooltip=tool.help)
            button.native.setCheckable(tool.gesture != "here")
            button.clicked.connect(lambda _=None, name=tool.name: self._press(name))
            self.buttons[tool.name] = button
        self.brush = PushButton(text=f"Brush  [{BRUSH_KEY}]", tooltip=OTHER_KEYS[BRUSH_KEY])
        self.brush.clicked.connect(lambda: self._tell("brush"))
        self.undo = PushButton(text="Undo  [U]")
        self.redo = PushButton(text="Redo  [Shift-U]")
        self.undo.clicked.connect(lambda: self._tell("undo"))
        self.redo.clicked.connect(lambda: self._tell("redo"))
        return in_rows([*self.buttons.values(), self.brush, self.undo, self.redo], 3)

    def _press(self, name: str) -> None:
        if self.controller is not None:
            self.controller.press(name)

    def _tell(self, what: str) -> None:
        """Pass a button on to the controller, by the name of what it does."""
        if self.controller is not None:
            getattr(self.controller, what)()

    def _verdict(self) -> Container:
        self.reason = ComboBox(label="Reason", choices=list(REASONS))
        self.note = LineEdit(label="Note")
        self.accept = PushButton(text="Accept  [G]")
        self.reject = PushButton(text="Reject  [W]")
        self.carry = PushButton(text="Carry the review over", visible=False)
        self.accept.clicked.connect(lambda: self._tell("accept"))
        self.reject.clicked.connect(lambda: self._tell("reject"))
        self.carry.clicked.connect(self._carry_over)
        buttons = in_rows([self.accept, self.reject])
        return tight(Container(widgets=[self.reason, self.note, buttons, self.carry]))

    def _carry_over(self) -> None:
        if self.controller is not None:
            self.controller.carry_over()
            current = self.controller.session.current
            self.carry.visible = current is not None and current.review.is_stale

    def _queue(self) -> Container:
        self.back, self.forth = PushButton(text="◀  [,]"), PushButton(text="▶  [.]")
        self.back.clicked.connect(lambda: self._tell("previous"))
        self.forth.clicked.connect(lambda: self._tell("next"))
        self._assays = ["all assays"]
        # napari resets choices when layers come and go: a function keeps them
        self.assay = ComboBox(label="Show", choices=lambda widget: self._assays)
        self.status = ComboBox(
            label="that are", choices=["any status", "to do", "open", "accepted", "rejected"]
        )
        self.assay.changed.connect(self._filter)
        self.status.changed.connect(self._filter)
        self.unblind = PushButton(text="Lift the blind (is logged)")
        self.unblind.clicked.connect(self._unblind)
        moves = in_rows([self.back, self.forth])
        return tight(Container(widgets=[moves, self.assay, self.status, self.unblind]))

    def _filter(self) -> None:
        if self.controller is None or self.assay.value is None:
            return
        assays = () if self.assay.value == "all assays" else (self.assay.value,)
        statuses = () if self.status.value == "any status" else (self.status.value,)
        session = self.controller.session
        if not session.filter(assays, statuses):
            self._say("No image of the queue is like that; the queue stays as it was.")
        elif session.position < 0:
            self.controller.open(0)
        else:
            self._head()

    def _unblind(self) -> None:
        if self.controller is not None:
            self.controller.unblind()
            self._head()

    def _keys(self) -> QCollapsible:
        """List every key with what it does; folded, as the buttons name them too."""
        rows = {tool.key: f"{tool.title}: {tool.help}" for tool in TOOLS} | OTHER_KEYS
        rows[f"{CLASS_KEYS[0]} … {CLASS_KEYS[-1][-1]}"] = "Class of the object under the pointer"
        lines = "".join(
            f"<tr><td><b>{key}</b>&nbsp;</td><td>{what}</td></tr>" for key, what in rows.items()
        )
        self.keys = wrapped(Label(value=f"<table>{lines}</table>"))
        folded = QCollapsible("Keys")
        folded.addWidget(self.keys.native)
        return folded

    # ---- what the controller tells

    def _opened(self, opened: OpenImage) -> None:
        known = {tool.name for tool in tools_for(opened.review)}
        for name, button in self.buttons.items():
            button.enabled = name in known
        verdict = opened.review.state.verdict
        self.reason.value = verdict.reason if verdict.reason in REASONS else ""
        self.note.value = verdict.note
        self.features.value = ""
        self.carry.visible = opened.review.is_stale
        self._head()
        self.settling.show(opened)

    def _head(self) -> None:
        if self.controller is None:
            return
        session = self.controller.session
        place = session.position
        if place < 0:
            return
        self.header.value = f"<b>{session.title(place)}</b> ({session.status(place)})"
        self.unblind.visible = session.is_blinded

    def _say(self, text: str) -> None:
        self.message.value = text

    def _count(self, numbers: QuickNumbers | None) -> None:
        self.numbers.value = numbers_text(numbers)
        self._head()

    def _measured(self, features: dict[str, float]) -> None:
        shown = list(features.items())[:5]
        self.features.value = "measured: " + ", ".join(f"{n} {v:.4g}" for n, v in shown)

    def _mark_tool(self, name: str) -> None:
        for known, button in self.buttons.items():
            button.native.setChecked(known == name)

    def close_session(self) -> None:
        """End the session; the panel may begin another one."""
        if self.controller is not None:
            self.controller.close()
            self.controller = None


def numbers_text(numbers: QuickNumbers | None) -> str:
    """Write an image's numbers as the panel shows them."""
    if numbers is None:
        return "Numbers appear with your first act on the image."
    if numbers.tissue_mm2 is not None:
        pieces = f"Pieces of tissue <b>{numbers.count}</b>, <b>{numbers.tissue_mm2:.2f} mm²</b>"
        return f"{pieces}. The next run measures the slide."
    parts = [f"Count <b>{numbers.count}</b>"]
    if numbers.burden is not None:
        parts.append(f"burden <b>{100 * numbers.burden:.2f} %</b>")
    if numbers.positive_percent is not None:
        parts.append(f"positive <b>{numbers.positive_percent:.1f} %</b>")
    if numbers.unknown:
        parts.append(f"{numbers.unknown} to be measured")
    return ", ".join(parts)
