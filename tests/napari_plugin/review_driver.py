"""Reviews three small studies by hand in a real viewer, and tells what it saw as JSON.

Run by the tests in a process of its own: python review_driver.py LUNGS STAINS SLIDE
"""

import json
import sys
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import Qt

sys.path.insert(0, str(Path(__file__).parent))
from viewer_hands import ALT, CTRL, SHIFT, Hands, settle, wait_for

from xenoquant.napari_plugin._review_widget import ReviewWidget
from xenoquant.napari_plugin.session import Session, SessionOptions
from xenoquant.pipeline.review_log import read_log

Key = Qt.Key


class Desk:
    """A viewer with the review panel on one study."""

    def __init__(
        self, viewer: napari.Viewer, study: Path, *, reader: str = "ann", **options: Any
    ) -> None:
        self.session = Session(study, reader, SessionOptions(**options))
        self.widget = ReviewWidget(viewer)
        self.dock = viewer.window.add_dock_widget(self.widget, name="Review", area="right")
        self.widget.begin(self.session)
        self.controller = self.widget.controller
        assert self.controller is not None
        self.hands = Hands(viewer)
        self.hands.controller = self.controller
        self.viewer = viewer
        self.until_open()

    def until_open(self, place: int | None = None) -> None:
        """Wait for an image, and for its picture on the canvas."""
        wait_for(lambda: self.controller._worker is None, "an image to open")
        wait_for(lambda: self.controller.layers is not None, "layers")
        if place is not None:
            wait_for(lambda: self.session.position == place, f"image {place}")
        settle()

    @property
    def review(self) -> Any:
        assert self.session.current is not None
        return self.session.current.review

    @property
    def actions(self) -> list[str]:
        return [r["action"] for r in read_log(self.review.folder.log_file).records]

    def count(self) -> int:
        return int(self.review.index.count(self.review.correctable.objects))

    def middle(self, number: int) -> tuple[float, float]:
        rows, columns = np.nonzero(self.review.edit.objects == number)
        middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        return float(rows[middle]), float(columns[middle])

    def numbers(self) -> list[int]:
        found = self.review.index.numbers(self.review.correctable.objects)
        return sorted(
            found, key=lambda n: -self.review.index.area(self.review.correctable.objects, n)
        )

    def free(self, share: float) -> tuple[float, float]:
        """A place in a lobe away from all nodules."""
        from scipy import ndimage

        labels = self.review.state.labels
        ground = (labels["lobes"] > 0) & (labels["nodules"] == 0)
        places = np.argwhere(ndimage.binary_erosion(ground, iterations=9))
        y, x = places[int(len(places) * share)]
        return float(y), float(x)

    def close(self) -> None:
        self.widget.close_session()
        self.viewer.window.remove_dock_widget(self.dock)
        settle()


def review_lungs(viewer: napari.Viewer, study: Path) -> dict[str, Any]:
    desk = Desk(viewer, study, seed=5)
    hands, seen = desk.hands, {}
    first = desk.session.current.item.sample.image
    seen["first"] = first
    seen["blind"] = [viewer.title, *(layer.name for layer in viewer.layers)]
    seen["hidden"] = desk.widget.numbers.value
    seen["begin"] = desk.count()
    seen["place"] = desk.session.position

    big, other = desk.numbers()[:2]
    y, x = desk.middle(other)
    hands.hover(y, x)
    hands.key(Key.Key_D)
    seen["deleted"] = [desk.actions, desk.count(), desk.widget.numbers.value]

    hands.key(Key.Key_A)
    y, x = desk.free(0.4)
    hands.drag([(y, x), (y, x + 4)])  # from the middle to the rim
    added = desk.review.index.highest
    seen["radius"] = float(np.sqrt(desk.review.index.area("nodules", added) / np.pi))
    y, x = desk.free(0.7)
    hands.click(y, x)
    seen["added"] = [desk.actions, desk.count()]
    hands.key(Key.Key_Z, CTRL)
    seen["undone"] = [desk.actions[-1], desk.count()]
    hands.key(Key.Key_Z, CTRL | SHIFT)
    seen["redone"] = [desk.actions[-1], desk.count()]
    hands.key(Key.Key_A)

    y, x = desk.middle(big)
    reach = 3 * float(np.sqrt(desk.review.index.area("nodules", big)))
    hands.key(Key.Key_S)
    hands.drag([(y - reach / 3, x), (y + reach / 3, x)])
    seen["split"] = [desk.actions[-1], desk.count()]
    hands.key(Key.Key_J)
    hands.drag([(y, x - 4), (y, x + 4)])
    seen["joined"] = [desk.actions[-1], desk.count()]
    hands.key(Key.Key_K)
    hands.click(y, x - 3)
    hands.click(y, x + 3)
    hands.key(Key.Key_K)
    seen["seeded"] = [desk.actions[-1], desk.count()]
    hands.key(Key.Key_U)
    hands.key(Key.Key_R)
    hands.drag([(y - 6, x - 6), (y - 6, x + 6), (y + 6, x + 6), (y + 6, x - 6)])
    seen["redrawn"] = [desk.actions[-1], desk.review.index.area("nodules", big)]
    hands.key(Key.Key_R)

    lobes = desk.review.index.total("lobes")
    hands.key(Key.Key_H)
    rows, columns = np.nonzero(desk.review.state.labels["lobes"])
    top = int(rows.argmin())
    y0, x0 = float(rows[top]), float(columns[top])
    hands.drag([(y0 + 3, x0), (y0 - 8, x0 - 8), (y0 - 8, x0 + 8)])
    seen["boundary"] = [desk.actions[-1], desk.review.index.total("lobes") - lobes]
    hands.key(Key.Key_U)

    hands.key(Key.Key_I)
    y, x = desk.free(0.1)
    hands.drag([(y - 5, x - 5), (y - 5, x + 5), (y + 5, x + 5), (y + 5, x - 5)])
    seen["marked"] = [desk.actions[-1], desk.review.index.total("not_assessable")]
    hands.drag([(y, x), (y - 9, x - 9), (y - 9, x + 9), (y + 9, x + 9), (y + 9, x - 9)])
    seen["cleared"] = [desk.actions[-1], desk.review.index.total("not_assessable")]
    hands.key(Key.Key_I)

    y, x = desk.middle(big)
    hands.hover(y, x)
    hands.key(Key.Key_Q)
    before = desk.review.index.area("nodules", big)
    hands.drag([(y, x), (y + 9, x)])
    seen["painted"] = [desk.actions[-1], desk.review.index.area("nodules", big) > before]
    hands.key(Key.Key_Q)
    hands.key(Key.Key_Z, CTRL)
    seen["unpainted"] = [desk.actions[-1], desk.review.index.area("nodules", big) == before]
    layer = desk.controller.layers.labels["nodules"]
    layer.mode, layer.selected_label = "polygon", big  # napari's own tool, beside the review's
    y, x = desk.free(0.55)
    for corner in ((y - 4, x - 4), (y - 4, x + 4), (y + 4, x + 4)):
        hands.click(*corner)
    hands.key(Key.Key_Return)
    layer.mode = "pan_zoom"
    seen["polygon"] = [desk.actions[-1], desk.review.index.area("nodules", big) > before]
    hands.key(Key.Key_Z, CTRL)
    seen["unpolygon"] = [desk.actions[-1], desk.review.index.area("nodules", big) == before]
    labels = layer.data
    seen["shown_is_kept"] = bool((labels == desk.review.state.labels["nodules"]).all())
    wait_for(lambda: "measured" in desk.widget.features.value, "measuring in a thread")
    seen["measured"] = desk.widget.features.value
    seen["end"] = desk.count()
    folder = desk.review.folder.folder

    hands.key(Key.Key_G)
    desk.until_open()
    wait_for(lambda: desk.session.current.item.sample.image != first, "the next image")
    settle()
    second = desk.session.current.item.sample.image
    seen["second"] = second
    hands.key(Key.Key_W)
    seen["refused"] = desk.widget.message.value
    desk.widget.reason.value = "out of focus"
    hands.key(Key.Key_W)
    wait_for(lambda: desk.session.current.item.sample.image != second, "the third image")
    desk.until_open()
    place = desk.session.position
    hands.key(Key.Key_Comma)
    desk.until_open((place - 1) % 3)
    hands.key(Key.Key_Period)
    desk.until_open(place)
    gone = desk.session.items[(place + 1) % 3].reference
    gone.rename(gone.with_suffix(".away"))
    hands.key(Key.Key_Period)
    desk.until_open(place)
    seen["gone"] = desk.widget.message.value
    hands.key(Key.Key_Period)
    desk.until_open((place + 2) % 3)
    gone.with_suffix(".away").rename(gone)
    hands.key(Key.Key_Comma)
    desk.until_open((place + 1) % 3)
    hands.key(Key.Key_Comma)
    desk.until_open(place)
    seen["statuses"] = {
        item.sample.image: desk.session.status(k) for k, item in enumerate(desk.session.items)
    }
    desk.widget.unblind.native.click()
    seen["unblinded"] = viewer.title
    last = desk.session.current.item.key
    desk.close()
    seen["layers_left"] = len(viewer.layers)

    again = Desk(viewer, study)
    seen["resumed"] = again.session.current.item.key == last
    where = next(i for i, x in enumerate(again.session.items) if x.sample.image == first)
    again.controller.open(where)
    again.until_open(where)
    seen["kept"] = again.count()
    seen["undo_left"] = len(again.review.history.done)
    again.close()
    seen["log"] = str(folder / "log.jsonl")
    return seen


def review_stains(viewer: napari.Viewer, study: Path) -> dict[str, Any]:
    desk = Desk(viewer, study, seed=1, assays=("ferritin",))
    hands, seen = desk.hands, {}
    number = desk.numbers()[0]
    y, x = desk.middle(number)
    hands.hover(y, x)
    hands.key(Key.Key_3, ALT)
    seen["class"] = desk.controller.layers.class_of(number)
    seen["shown"] = int(desk.controller.layers.class_layer.data[int(y), int(x)])
    hands.key(Key.Key_T)
    seen["next"] = desk.controller.layers.class_of(number)
    hands.key(Key.Key_U)
    seen["undone"] = desk.controller.layers.class_of(number)
    hands.key(Key.Key_D)
    seen["cell_left"] = bool((desk.review.state.labels["cells"] == number).any())
    seen["positive"] = desk.widget.numbers.value
    seen["scale"] = [float(s) for s in desk.controller.layers.class_layer.scale]
    seen["units"] = str(desk.controller.layers.class_layer.units[0])
    seen["image"] = desk.session.current.item.sample.image
    hands.key(Key.Key_G)
    settle()
    seen["said"] = desk.widget.message.value
    desk.close()
    return seen


def review_slide(viewer: napari.Viewer, study: Path) -> dict[str, Any]:
    """Mark a part of the first piece of tissue, and delete the second."""
    desk = Desk(viewer, study)
    hands, seen = desk.hands, {}
    layers = {layer.name: layer for layer in viewer.layers}
    seen["layers"] = list(layers)
    seen["lazy"] = [type(layers[name].data[0]).__name__ for name in ("image", "cells")]
    seen["extents"] = {
        name: layers[name].extent.world[:, -2:].tolist() for name in ("image", "cells", "tissue")
    }
    seen["hidden"] = desk.widget.numbers.value
    y, x = desk.middle(1)
    hands.key(Key.Key_I)
    hands.drag([(y - 8, x - 8), (y - 8, x + 8), (y + 8, x + 8), (y + 8, x - 8)])
    hands.key(Key.Key_I)
    seen["marked"] = desk.review.index.total("not_assessable")
    hands.hover(*desk.middle(2))
    hands.key(Key.Key_D)
    seen["actions"] = desk.actions
    seen["numbers"] = desk.widget.numbers.value
    hands.key(Key.Key_G)
    desk.close()
    seen["left"] = len(viewer.layers)
    return seen


def main() -> None:
    viewer = napari.Viewer()
    viewer.window.resize(1250, 900)
    settle()
    seen = {
        "lungs": review_lungs(viewer, Path(sys.argv[1])),
        "stains": review_stains(viewer, Path(sys.argv[2])),
        "slide": review_slide(viewer, Path(sys.argv[3])),
    }
    viewer.close()
    print("SEEN " + json.dumps(seen))


if __name__ == "__main__":
    main()
