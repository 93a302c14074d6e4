"""The part of the review panel that settles the differences of two readers, one by one."""

from magicgui.widgets import Container, Label, PushButton

from ..pipeline.errors import InputError
from ..pipeline.review_state import ReviewState
from ._panel_layout import wrapped
from ._review_controller import ReviewController
from .edits import EditError
from .session import OpenImage, Session
from .settling import Difference, differences, settle

_KINDS = {
    "only_first": "only the first reader has this object",
    "only_second": "only the second reader has this object",
    "class": "the readers differ in its class",
}


class SettlePanel(Container):
    """Takes a reader through what two others see differently; hidden in a session of one's own."""

    def __init__(self) -> None:
        self.text = wrapped(Label(value=""))
        self.first = PushButton(text="Follow the first")
        self.second = PushButton(text="Follow the second")
        super().__init__(widgets=[self.text, self.first, self.second], labels=False, visible=False)
        self.first.clicked.connect(lambda: self.decide("first"))
        self.second.clicked.connect(lambda: self.decide("second"))
        self.left: list[Difference] = []
        self._session: Session | None = None
        self._controller: ReviewController | None = None
        self._second: ReviewState | None = None

    def use(self, session: Session, controller: ReviewController) -> None:
        """Belong to a session."""
        self._session, self._controller = session, controller
        self.visible = bool(session.options.settle)

    def show(self, opened: OpenImage) -> None:
        """List the differences in an image that was opened, but for those decided before."""
        if self._session is None or not self._session.options.settle or self._controller is None:
            return
        objects = opened.review.correctable.objects
        try:
            one, other = (
                self._session.reading_of(reader, opened.item)
                for reader in self._session.options.settle
            )
        except InputError as error:
            self._controller.say(str(error))
            return
        self._second = other
        program = {} if self._controller.layers is None else self._controller.layers.program
        decided = [
            (record["kind"], record["first"], record["second"])
            for record in opened.review.log.records
            if record["action"] in ("settle_first", "settle_second")
        ]
        found = differences(one, other, objects, program)
        self.left = [d for d in found if (d.kind, d.first, d.second) not in decided]
        self._next()

    def decide(self, follow: str) -> None:
        """Follow one reader in the difference that is shown."""
        session, controller = self._session, self._controller
        if not self.left or session is None or controller is None or self._second is None:
            return
        if session.current is None:
            return
        try:
            settle(session.current.review, self.left[0], self._second, follow=follow)
        except (EditError, OSError) as error:
            controller.say(str(error))
            return
        self.left.pop(0)
        self._next()

    def _next(self) -> None:
        """Go to the next difference, and say what it is."""
        self.first.enabled = self.second.enabled = bool(self.left)
        if not self.left:
            self.text.value = "No difference is left in this image. Accept it, and go on."
            return
        difference = self.left[0]
        self.text.value = f"{len(self.left)} left: {_KINDS[difference.kind]}"
        if self._controller is not None:
            self._controller.look_at(difference.y, difference.x)
